# SPDX-License-Identifier: Apache-2.0
"""Runs a program of this machine: its output as it comes, a limit of time, nothing left behind."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import sh

from mace.devices.base import RunResult
from mace.errors import DeviceError

logging.getLogger("sh").setLevel(logging.WARNING)


class Writer(Protocol):
    """What output can be written to."""

    def write(self, text: str, /) -> object:
        """Takes some text."""

    def flush(self) -> object:
        """Shows it."""


# What shows a program's output as it comes: both streams, or its output and its errors apart.
Shown = Writer | tuple[Writer, Writer] | None


class TookTooLong(Exception):
    """The program was ended because its time was over. `result` is what it had written by then."""

    def __init__(self, result: RunResult) -> None:
        super().__init__(f"ended after {result.seconds:.0f} s")
        self.result = result


def run_process(
    command: Sequence[str],
    timeout: float,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    show: Shown = None,
) -> RunResult:
    """Runs a program in its own process group, so that nothing of it is left after a timeout.

    Raises DeviceError when it cannot be started, and TookTooLong.
    """
    begin = time.monotonic()
    path = None if environment is None else environment.get("PATH")
    program = shutil.which(command[0], path=path)
    if program is None:
        raise DeviceError(f"'{command[0]}' cannot be started: there is no such program to run")
    texts: list[list[str]] = [[], []]
    out, errors = show if isinstance(show, tuple) else (show, show)
    late = threading.Event()
    with open(os.devnull, "rb") as nothing:
        try:
            running = sh.Command(program)(
                *command[1:],
                _bg=True,
                _bg_exc=False,
                _new_session=True,
                _return_cmd=True,
                _ok_code=list(range(-signal.NSIG, 256)),
                _cwd=None if folder is None else str(folder),
                _env=None if environment is None else dict(environment),
                _in=nothing,
                _out=_collector(texts[0], out),
                _err=_collector(texts[1], errors),
                _tty_out=False,
                _encoding="utf-8",
                _decode_errors="replace",
            )
        except (sh.ForkException, OSError) as error:
            reason = re.sub(r".*\[Errno \d+\] ", "", str(error).strip().splitlines()[-1])
            raise DeviceError(f"'{command[0]}' cannot be started: {reason}") from None

    def end() -> None:
        late.set()
        _end_group(running.pid)

    limit = threading.Timer(timeout, end)
    limit.daemon = True
    limit.start()
    try:
        # Output that a grandchild in a session of its own, as adb's server is, could still write is
        # waited for two seconds.
        running.wait()
    finally:
        limit.cancel()
        if running.is_alive():
            _end_group(running.pid)
            running.wait()
    seconds = time.monotonic() - begin
    result = RunResult(running.exit_code, "".join(texts[0]), "".join(texts[1]), seconds)
    if late.is_set():
        raise TookTooLong(result)
    return result


def _end_group(leader: int) -> None:
    """Ends a program and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _collector(text: list[str], shown: Writer | None) -> Callable[[str], None]:
    """What takes the lines of one stream as they come."""

    def collect(line: str) -> None:
        text.append(line)
        if shown is not None:
            shown.write(line)
            shown.flush()

    return collect
