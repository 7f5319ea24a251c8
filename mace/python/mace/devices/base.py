# SPDX-License-Identifier: Apache-2.0
"""What every kind of device offers: files go there and come back, a program runs, and one command
at a time has it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mace.errors import MaceError


@dataclass(frozen=True)
class DeviceInfo:
    """What a report says of a device."""

    name: str
    soc: str
    abi: str
    system: str


@dataclass(frozen=True)
class RunResult:
    """How a program on a device ended. code: its exit status; if negative, the signal."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    def last_line(self, program: str = "it") -> str:
        """The last thing that it said, of errors if there are any; `program`: who said nothing."""
        lines = (self.stderr.strip() or self.stdout.strip()).splitlines()
        return lines[-1].strip() if lines else f"{program} ended with {self.code}"


class Device(ABC):
    """A device with a folder of its own for one job.

    Names given to push, pull and run are relative to that folder and have no folders in them.
    """

    def __init__(self, abi: str, build: str = "") -> None:
        """build: what of mace.resources runs there, if it is not what is named as the ABI."""
        self.abi = abi
        self.build = build or abi

    @abstractmethod
    def info(self) -> DeviceInfo:
        """What the device is."""

    @abstractmethod
    def push(self, source: Path, name: str) -> None:
        """Makes a local file available under a name."""

    @abstractmethod
    def pull(self, name: str, target: Path) -> bool:
        """Copies a file from the device; False if it is not there."""

    @abstractmethod
    def run(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        show: IO[str] | None = None,
    ) -> RunResult:
        """Runs a program that was pushed. show: where its output is also written as it comes.

        Raises DeviceError when it cannot be started, MaceError when it takes longer than `timeout`
        seconds (it is ended then).
        """

    @abstractmethod
    def lock(self) -> AbstractContextManager[None]:
        """Keeps other commands off the device, since they would disturb times."""

    @abstractmethod
    def clean(self) -> None:
        """Removes the job's folder."""


def took_too_long(timeout: float) -> MaceError:
    """What is said of a program that was ended."""
    return MaceError(
        f"the program on the device took longer than {timeout:.0f} s and was ended",
        hint="--timeout allows more",
    )
