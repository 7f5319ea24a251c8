# SPDX-License-Identifier: Apache-2.0
"""This machine as a device, and Arm machines that qemu's user mode emulates on it."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock

from mace.devices.base import Device, DeviceInfo, RunResult
from mace.errors import DeviceError, MaceError

# ABI to the emulator, and to where the shared libraries of that ABI lie.
_QEMU = {
    "arm64-v8a": ("qemu-aarch64", "/usr/aarch64-linux-gnu"),
    "armeabi-v7a": ("qemu-arm", "/usr/arm-linux-gnueabihf"),
}
EMULATED_ABIS = tuple(_QEMU)


class HostDevice(Device):
    """This machine."""

    def __init__(self, folder: Path, abi: str = "host") -> None:
        super().__init__(abi)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()

    def info(self) -> DeviceInfo:
        return DeviceInfo(
            "host", platform.machine(), self.abi, f"{platform.system()} {platform.release()}"
        )

    def push(self, source: Path, name: str) -> None:
        target = self._path(name)
        target.unlink(missing_ok=True)
        target.symlink_to(source.resolve())

    def pull(self, name: str, target: Path) -> bool:
        source = self._path(name)
        if not source.is_file():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return True

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        show: IO[str] | None = None,
    ) -> RunResult:
        command = [*self._prefix(), str(self._path(program)), *arguments]
        return run_command(command, self.folder, {**os.environ, **environment}, timeout, show)

    @contextmanager
    def lock(self) -> Iterator[None]:
        path = Path(tempfile.gettempdir()) / f"mace-device-{os.getuid()}-{self.info().name}.lock"
        with FileLock(str(path)):
            yield

    def clean(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        if Path(name).name != name:
            raise ValueError(f"'{name}' is no name of a file in a device's folder")
        return self.folder / name

    def _prefix(self) -> list[str]:
        return []


class EmulatedDevice(HostDevice):
    """An Arm machine that qemu emulates. MACE_QEMU_CPU chooses its core; "max", the default, has
    every extension that qemu knows."""

    def __init__(self, folder: Path, abi: str) -> None:
        super().__init__(folder, abi)
        self.emulator, self._libraries = _QEMU[abi]
        self.cpu = os.environ.get("MACE_QEMU_CPU") or "max"
        if shutil.which(self.emulator) is None:
            raise DeviceError(
                f"there is no device for {abi}: {self.emulator}, which would emulate one, is not "
                "installed, and running on Android devices is not in this version of MACE",
                hint="install qemu-user (apt-get install qemu-user), or use --target_abis=host",
            )
        if self.cpu != "max" and self.cpu not in self._cores():
            raise DeviceError(
                f"{self.emulator} has no core '{self.cpu}' (MACE_QEMU_CPU)",
                hint=f"'{self.emulator} -cpu help' lists them",
            )

    def info(self) -> DeviceInfo:
        return DeviceInfo(f"{self.emulator}-{self.cpu}", self.cpu, self.abi, "Linux, emulated")

    def _cores(self) -> list[str]:
        result = subprocess.run(
            [self.emulator, "-cpu", "help"], capture_output=True, text=True, check=False
        )
        return result.stdout.split()

    def _prefix(self) -> list[str]:
        return [self.emulator, "-cpu", self.cpu, "-L", self._libraries]


def run_command(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    timeout: float,
    show: IO[str] | None,
) -> RunResult:
    """Runs a program in its own process group, so that nothing of it is left after a timeout."""
    begin = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise DeviceError(f"'{command[0]}' cannot be started: {error.strerror}") from None
    assert process.stdout is not None and process.stderr is not None
    texts: list[list[str]] = [[], []]
    readers = [
        threading.Thread(target=_collect, args=(stream, text, show))
        for stream, text in zip((process.stdout, process.stderr), texts, strict=True)
    ]
    for reader in readers:
        reader.start()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        raise MaceError(
            f"the program on the device took longer than {timeout:.0f} s and was ended",
            hint="--timeout allows more",
        ) from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for reader in readers:
            reader.join()
    seconds = time.monotonic() - begin
    return RunResult(process.returncode, "".join(texts[0]), "".join(texts[1]), seconds)


def _collect(stream: IO[str], text: list[str], shown: IO[str] | None) -> None:
    for line in stream:
        text.append(line)
        if shown is not None:
            shown.write(line)
            shown.flush()
    stream.close()
