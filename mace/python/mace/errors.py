# SPDX-License-Identifier: Apache-2.0
"""Exceptions of the package. Each message is a sentence that says what, where and why; `hint` says
what to do next; `exit_code` is what the command line ends with."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_USAGE = 2  # bad usage, model, configuration or environment: the user can repair it
EXIT_VERDICT = 3  # everything ran, and a result is not good enough
EXIT_DEVICE = 4  # no device to run on

# MaceStatus::Code of mace.h.
SUCCESS = 0
INVALID_ARGS = 1
OUT_OF_RESOURCES = 2
UNSUPPORTED = 3
RUNTIME_ERROR = 4

_CODE_NAMES = {
    INVALID_ARGS: "MACE_INVALID_ARGS",
    OUT_OF_RESOURCES: "MACE_OUT_OF_RESOURCES",
    UNSUPPORTED: "MACE_UNSUPPORTED",
    RUNTIME_ERROR: "MACE_RUNTIME_ERROR",
}


class MaceError(Exception):
    """Something that MACE was asked for cannot be done. `code` is a status code of mace.h."""

    exit_code = EXIT_USAGE

    def __init__(self, message: str, *, hint: str = "", code: int = INVALID_ARGS) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code

    @property
    def code_name(self) -> str:
        """The status code as mace.h spells it."""
        return _CODE_NAMES.get(self.code, f"MACE status {self.code}")


class ProblemsError(MaceError):
    """Several things are wrong at once: a title, and a line for each in `problems`."""

    def __init__(self, message: str, problems: list[str], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = problems

    def __str__(self) -> str:
        return "\n  ".join([super().__str__(), *self.problems])


class VerdictError(MaceError):
    """A result is below its threshold."""

    exit_code = EXIT_VERDICT


class DeviceError(MaceError):
    """There is no device, or none of the kind that was asked for."""

    exit_code = EXIT_DEVICE


class BuildError(MaceError):
    """A part of MACE could not be built from source."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' (did you mean 'x'?)' for a name that is close to a known one, else ''."""
    candidates = list(known)
    close = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    if not close:
        lower = {c.lower(): c for c in candidates}
        close = [
            lower[n] for n in difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
        ]
    return f" (did you mean '{close[0]}'?)" if close else ""
