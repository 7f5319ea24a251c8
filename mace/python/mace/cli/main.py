# SPDX-License-Identifier: Apache-2.0
"""The entry of the command line: parses, runs the verb, turns what happened into an exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from mace import __version__
from mace.cli.arguments import UsageError, parse
from mace.cli.console import Console
from mace.errors import EXIT_INTERNAL, EXIT_OK, EXIT_USAGE, MaceError

# What shells give for a signal that ended a program is this and its number.
_BY_SIGNAL = 128
# Verb to the module that has its `run(options, console) -> exit code`.
_MODULES = {
    "convert": "mace.cli.convert",
    "build": "mace.cli.build",
    "run": "mace.cli.run",
    "benchmark": "mace.cli.benchmark",
    "compare": "mace.cli.compare",
    "reduce": "mace.cli.reduce",
    "check": "mace.cli.check",
    "ops": "mace.cli.ops",
    "init": "mace.cli.init",
    "devices": "mace.cli.devices",
    "doctor": "mace.cli.doctor",
    "dev": "mace.cli.dev",
}
_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is too large for this system",
}


def main(argv: Sequence[str] | None = None, program: str = "mace") -> int:
    """Runs one command and returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    # Asked before parsing, since a wrong command line is reported in the same way.
    console = Console(next((w for w in words if not w.startswith("-")), ""), "--json" in words)
    try:
        options = parse(words, program)
    except UsageError as error:
        console.error(error)
        console.finish(error.exit_code, error)
        return error.exit_code
    except SystemExit as stop:  # argparse printed the help that was asked for
        return int(stop.code or 0)
    if options.version:
        print(f"mace {__version__}")
        return EXIT_OK
    console.verbose, console.quiet = options.verbose, options.quiet
    try:
        with _tidied():
            return _run(options, console)
    except KeyboardInterrupt as interrupt:
        print("interrupted", file=sys.stderr)
        return _BY_SIGNAL + int(getattr(interrupt, "number", signal.SIGINT))
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


class _Ended(KeyboardInterrupt):
    """Another signal than Ctrl-C's that asks to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _tidied() -> Iterator[None]:
    """Within it, whoever ends the command, or closes its terminal, finds devices tidied as with
    Ctrl-C."""

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        raise _Ended(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM, signal.SIGHUP]
    # Who started us may have said that one is to be ignored, as nohup does.
    ours = [number for number in numbers if signal.getsignal(number) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _run(options: argparse.Namespace, console: Console) -> int:
    error: MaceError
    try:
        module = importlib.import_module(_MODULES[options.verb])
        code: int = module.run(options, console)
        console.finish(code)
        return code
    except MaceError as caught:
        error, code = caught, caught.exit_code
    except ModuleNotFoundError as caught:
        if (caught.name or "").partition(".")[0] == "mace":
            raise
        error, code = _missing_package(caught), EXIT_USAGE
    except BrokenPipeError:
        raise
    except OSError as caught:
        error, code = _system_error(caught), EXIT_USAGE
    except Exception as caught:  # whatever is left is a defect of ours
        if options.debug:
            traceback.print_exc()
        error, code = _internal_error(caught), EXIT_INTERNAL
    else:
        return EXIT_OK
    if options.debug and code != EXIT_INTERNAL:
        traceback.print_exception(error)
    console.error(error)
    console.finish(code, error)
    return code


def _missing_package(error: ModuleNotFoundError) -> MaceError:
    return MaceError(
        f"the Python package '{error.name}' is not installed",
        hint="run tools/setup.sh, or: pip install -r setup/requirements.txt",
    )


def _system_error(error: OSError) -> MaceError:
    what = _FULL.get(error.errno or 0) or (error.strerror or str(error))
    where = f" ('{error.filename}')" if error.filename else ""
    return MaceError(
        f"the system refuses: {what}{where}", hint="nothing half-written was left behind"
    )


def _internal_error(error: Exception) -> MaceError:
    text = str(error).strip() or "no message"
    return MaceError(
        f"internal error: {type(error).__name__}: {text}",
        hint="this is a defect of MACE; --debug shows where it arose",
    )
