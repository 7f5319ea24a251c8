# SPDX-License-Identifier: Apache-2.0
"""A device behind a link: files are copied there, programs run in its shell. Neither the device nor
the tool that reaches it is believed: the exit code comes from a line that the device's own shell
writes last, files are copied under another name, measured, and then renamed."""

from __future__ import annotations

import os
import re
import shlex
import tempfile
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from mace.devices.base import Device, DeviceInfo, RunResult, took_too_long
from mace.devices.leftovers import Leftovers
from mace.devices.process import Shown, TookTooLong, Writer
from mace.errors import DeviceError

# Seconds for a small question to a device.
SHORT = 30.0
# A file may take this long, and as long as its bytes need at the slowest link that is waited for.
_COPY_SECONDS, _COPY_RATE = 30.0, 100_000
_LOCK_SECONDS = 3600.0
_PID_FILE = ".program"


class ConnectionLost(DeviceError):
    """The device went away in the middle of something."""


def matching_line(pattern: str, text: str) -> str:
    """The first line of what a tool said in which a regular expression is found, or ""."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if re.search(pattern, line)), "")


class Link(ABC):
    """How a device is reached. Methods raise DeviceError when it is not, and TookTooLong."""

    # Unique among devices and fit to be shown: a serial number, or the name of a board.
    name: str
    # Where folders for jobs may be made.
    base: str

    @abstractmethod
    def shell(self, command: str, timeout: float, show: Shown = None) -> RunResult:
        """Runs a command line in the device's shell. The result's code is that of the tool, which
        is not to be believed."""

    @abstractmethod
    def upload(self, source: Path, target: str, timeout: float) -> None:
        """Copies a file to an absolute path of the device."""

    @abstractmethod
    def download(self, source: str, target: Path, timeout: float) -> None:
        """Copies a file from an absolute path of the device."""

    @abstractmethod
    def info(self, abi: str) -> DeviceInfo:
        """What the device says of itself."""

    def call(self, command: str, timeout: float = SHORT, show: Writer | None = None) -> RunResult:
        """Runs a command line and gives its own exit code (a signal is negative).

        Raises ConnectionLost when the command did not come to its end, and TookTooLong.
        """
        mark = f"mace-{uuid.uuid4().hex}"
        line = f"({command}\n); code=$?; echo; echo {mark}:$code"
        result = self.shell(line, timeout, (_Without(mark, show), show) if show else None)
        found = re.search(rf"\n?{mark}:(\d+)\s*$", result.stdout)
        if found is None:
            raise ConnectionLost(
                f"the connection to '{self.name}' was lost while a command ran there",
                hint="see that it is awake and its cable or network is sound, then try again",
            )
        code = int(found[1])
        # A shell gives 128 + n for a program that was ended by signal n.
        code = 128 - code if 128 < code <= 128 + 64 else code
        return RunResult(code, result.stdout[: found.start()], result.stderr, result.seconds)


class _Without:
    """Shows output without the line that carries the exit code, and the blank one before it."""

    def __init__(self, mark: str, stream: Writer) -> None:
        self._mark, self._stream = mark, stream
        self._waiting = False  # a blank line

    def write(self, text: str) -> None:
        """Passes a line on. The blank line before the mark is ours too, so blanks wait."""
        if self._mark in text:
            return
        if self._waiting:
            self._stream.write("\n")
        self._waiting = text == "\n"
        if not self._waiting:
            self._stream.write(text)

    def flush(self) -> None:
        """As the stream does."""
        self._stream.flush()


class RemoteDevice(Device):
    """A device that is reached by a link, with a folder of its own for one job."""

    def __init__(self, link: Link, abi: str, keep: bool = False, build: str = "") -> None:
        """keep: the folder stays on the device after the job. build: see Device."""
        super().__init__(abi, build)
        self.link = link
        self.keep = keep
        self.folder = f"{link.base}/mace-{uuid.uuid4().hex[:12]}"
        mine = re.compile(rf"{re.escape(link.base)}/mace-[0-9a-f]{{12}}\Z")
        self._leftovers = Leftovers(self._file_name(), lambda path: bool(mine.match(path)))
        self._made = False
        self._pushed: dict[str, tuple[str, int, int]] = {}

    def info(self) -> DeviceInfo:
        return self.link.info(self.abi)

    def push(self, source: Path, name: str) -> None:
        path = self._path(name)
        status = source.stat()
        stamp = (str(source.resolve()), status.st_size, status.st_mtime_ns)
        if self._pushed.get(name) == stamp:
            return
        self._make_folder()
        part = f"{path}.{uuid.uuid4().hex[:8]}.part"
        try:
            self.link.upload(source, part, _COPY_SECONDS + status.st_size / _COPY_RATE)
        except TookTooLong as late:
            raise ConnectionLost(
                f"'{self.link.name}' did not take the file '{name}' ({status.st_size} bytes) "
                f"within {late.result.seconds:.0f} s",
                hint="see that it is awake and its connection is sound, then try again",
            ) from None
        quoted = shlex.quote(part)
        count = self._ask(f"wc -c < {quoted}").stdout.split()
        if count != [str(status.st_size)]:
            raise ConnectionLost(
                f"only {' '.join(count) or 'nothing'} of the {status.st_size} bytes of '{name}' "
                f"arrived on '{self.link.name}'",
                hint="try again; if it stays so, its storage may be full",
            )
        result = self._ask(f"chmod 755 {quoted} && mv -f {quoted} {shlex.quote(path)}")
        if result.code != 0:
            raise DeviceError(
                f"'{path}' cannot be written on '{self.link.name}': {result.last_line()}"
            )
        self._pushed[name] = stamp

    def pull(self, name: str, target: Path) -> bool:
        path = self._path(name)
        quoted = shlex.quote(path)
        found = self._ask(f"if [ -f {quoted} ]; then wc -c < {quoted}; fi").stdout.split()
        if not found:
            return False
        size = int(found[0])
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".mace-") as folder:
            copy = Path(folder) / "part"
            try:
                self.link.download(path, copy, _COPY_SECONDS + size / _COPY_RATE)
            except TookTooLong as late:
                raise ConnectionLost(
                    f"'{self.link.name}' did not give the file '{name}' ({size} bytes) within "
                    f"{late.result.seconds:.0f} s"
                ) from None
            if not copy.is_file() or copy.stat().st_size != size:
                raise ConnectionLost(f"the file '{name}' of '{self.link.name}' came back cut short")
            copy.replace(target)
        return True

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        show: IO[str] | None = None,
    ) -> RunResult:
        variables = [f"{key}={shlex.quote(value)}" for key, value in environment.items()]
        words = [f"./{shlex.quote(program)}", *map(shlex.quote, arguments)]
        # The shell notes its number and becomes the program, which can so be ended from outside.
        inner = (
            f"echo $$ > {_PID_FILE}; exec env LD_LIBRARY_PATH=. {' '.join([*variables, *words])}"
        )
        try:
            return self.link.call(
                f"cd {shlex.quote(self.folder)} && sh -c {shlex.quote(inner)}", timeout, show
            )
        except TookTooLong:
            self._end_program()
            raise took_too_long(timeout) from None
        except KeyboardInterrupt:
            # Ours has no terminal there that would end with the connection.
            self._end_program()
            raise

    def lock_path(self) -> Path:
        """The file that two commands of this machine take turns by."""
        return Path(tempfile.gettempdir()) / f"mace-device-{os.getuid()}-{self._file_name()}.lock"

    def _file_name(self) -> str:
        return re.sub(r"[^0-9A-Za-z.-]", "_", self.link.name)

    @contextmanager
    def lock(self) -> Iterator[None]:
        path = self.lock_path()
        try:
            with FileLock(str(path), timeout=_LOCK_SECONDS):
                yield
        except Timeout:
            raise DeviceError(
                f"'{self.link.name}' was in use by another command for {_LOCK_SECONDS:.0f} s",
                hint=f"if none is running, remove '{path}'",
            ) from None

    def clean(self) -> None:
        if not self._made or self.keep:
            return
        self._pushed.clear()
        try:
            self._ask(f"rm -rf {shlex.quote(self.folder)}")
        except DeviceError:
            # It is gone; what it still has goes with the next job.
            self._leftovers.abandon(self.folder)
            return
        self._leftovers.remove(self.folder)
        self._made = False

    def _path(self, name: str) -> str:
        if Path(name).name != name:
            raise ValueError(f"'{name}' is no name of a file in a device's folder")
        return f"{self.folder}/{name}"

    def _make_folder(self) -> None:
        if self._made:
            return
        self._made = True
        if not self.keep:
            for folder in self._leftovers.add(self.folder):
                self._ask(f"rm -rf {shlex.quote(folder)}")
                self._leftovers.remove(folder)
        result = self._ask(f"mkdir -p {shlex.quote(self.folder)}")
        if result.code != 0:
            raise DeviceError(
                f"the folder '{self.folder}' cannot be made on '{self.link.name}': {result.last_line()}"
            )

    def _ask(self, command: str) -> RunResult:
        """A short question."""
        try:
            return self.link.call(command)
        except TookTooLong as late:
            raise ConnectionLost(
                f"'{self.link.name}' gave no answer within {late.result.seconds:.0f} s",
                hint="see that it is awake and its connection is sound, then try again",
            ) from None

    def _end_program(self) -> None:
        path = shlex.quote(f"{self.folder}/{_PID_FILE}")
        try:
            self.link.call(f"kill -9 $(cat {path})")
        except (DeviceError, TookTooLong):
            return  # The time-out is what is told; a device that hangs cannot be tidied.
