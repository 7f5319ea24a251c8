# SPDX-License-Identifier: Apache-2.0
"""Runs a program of this machine: its output as it comes, a limit of time, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from mace.devices.base import RunResult
from mace.errors import DeviceError


class Writer(Protocol):
    """What output can be written to."""

    def write(self, text: str, /) -> object:
        """Takes some text."""

    def flush(self) -> object:
        """Shows it."""


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
    show: Writer | None = None,
) -> RunResult:
    """Runs a program in its own process group, so that nothing of it is left after a timeout.

    Raises DeviceError when it cannot be started, and TookTooLong.
    """
    begin = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=None if environment is None else dict(environment),
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
        threading.Thread(target=_collect, args=(stream, text, show), daemon=True)
        for stream, text in zip((process.stdout, process.stderr), texts, strict=True)
    ]
    for reader in readers:
        reader.start()
    late = False
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for reader in readers:
            # A grandchild in a session of its own, as adb's server is, may hold the pipes open.
            reader.join(2)
    seconds = time.monotonic() - begin
    result = RunResult(process.returncode, "".join(texts[0]), "".join(texts[1]), seconds)
    if late:
        raise TookTooLong(result)
    return result


def _collect(stream: IO[str], text: list[str], shown: Writer | None) -> None:
    for line in stream:
        text.append(line)
        if shown is not None:
            shown.write(line)
            shown.flush()
    stream.close()
