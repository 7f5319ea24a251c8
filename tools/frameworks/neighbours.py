# SPDX-License-Identifier: Apache-2.0
"""Other programs at work: processes that compute without end, but only while they are wanted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

_PROGRAM = "print(flush=True)\nwhile True:\n    sum(range(1000))\n"
_SETTLE = 0.05  # seconds until the scheduler has spread them over the cores


class Neighbours:
    """`count` processes, which stand still outside of `with at_work()`."""

    def __init__(self, count: int) -> None:
        command = [sys.executable, "-S", "-c", _PROGRAM]
        self._processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(max(count, 0))
        ]
        for process in self._processes:
            assert process.stdout is not None
            process.stdout.readline()
        self._signal(signal.SIGSTOP)

    def _signal(self, number: int) -> None:
        for process in self._processes:
            os.kill(process.pid, number)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """They compute meanwhile."""
        self._signal(signal.SIGCONT)
        try:
            time.sleep(_SETTLE)
            yield
        finally:
            self._signal(signal.SIGSTOP)

    def close(self) -> None:
        """Ends them."""
        for process in self._processes:
            process.kill()
            process.communicate()
