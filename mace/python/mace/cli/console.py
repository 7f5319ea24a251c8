# SPDX-License-Identifier: Apache-2.0
"""What the commands print: progress on standard error, results on standard output, and with --json
nothing but one JSON document there."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mace.errors import MaceError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SCHEMA_VERSION = 1


class Console:
    """Prints for one command."""

    def __init__(self, command: str, as_json: bool = False, verbose: int = 0, quiet: bool = False):
        self.command = command
        self.as_json = as_json
        self.verbose = verbose
        self.quiet = quiet
        self.result: dict[str, Any] = {}
        self._is_terminal = sys.stderr.isatty() and not os.environ.get("CI")
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._last = ""

    def say(self, text: str) -> None:
        """A line about what is being done."""
        if not self.quiet:
            self._end_progress()
            print(text, file=sys.stderr, flush=True)

    def detail(self, text: str) -> None:
        """A line for those who said -v."""
        if self.verbose:
            self.say(text)

    def out(self, text: str = "") -> None:
        """A line of the result."""
        if not self.as_json:
            self._end_progress()
            print(text, flush=True)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> None:
        """A table of the result. `right`: one letter for each column, 'r' aligns it right."""
        for line in table_lines(header, rows, right):
            self.out(line)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Something that may take a while: said when it begins, timed when it ends."""
        if self._is_terminal and not self.quiet:
            from rich.console import Console as RichConsole

            self._end_progress()
            with RichConsole(stderr=True).status(text):
                yield
        else:
            self.detail(f"{text} ...")
            begin = time.monotonic()
            yield
            self.detail(f"{text}: {time.monotonic() - begin:.1f} s")

    @contextmanager
    def lines(self) -> Iterator[Progress | None]:
        """Lines that change at the same time, on a terminal; None elsewhere."""
        if not self._is_terminal or self.quiet:
            yield None
            return
        from rich import progress as bars
        from rich.console import Console as RichConsole

        self._end_progress()
        columns = (
            bars.SpinnerColumn(finished_text="-"),
            bars.TextColumn("{task.description}", markup=False),
            bars.TimeElapsedColumn(),
        )
        with bars.Progress(*columns, console=RichConsole(stderr=True)) as shown:
            yield shown

    def progress(self, text: str, done: int, total: int | None) -> None:
        """How far a transfer has come: a bar on a terminal, a line at its beginning elsewhere."""
        if self.quiet:
            return
        if not self._is_terminal:
            if text != self._last:
                self.say(text)
            self._last = text
            return
        from rich import progress as bars
        from rich.console import Console as RichConsole

        if self._progress is None or text != self._last:
            self._end_progress()
            columns = (
                bars.TextColumn("{task.description}"),
                bars.BarColumn(),
                bars.DownloadColumn(),
                bars.TimeElapsedColumn(),
                bars.TimeRemainingColumn(),
            )
            self._progress = bars.Progress(
                *columns, console=RichConsole(stderr=True), transient=True
            )
            self._progress.start()
            self._task = self._progress.add_task(text, total=total)
        self._last = text
        assert self._task is not None
        self._progress.update(self._task, completed=done, total=total)

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def error(self, error: MaceError) -> None:
        """An error: its sentence and what to do about it."""
        self._end_progress()
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.stderr.flush()

    def finish(self, exit_code: int, error: MaceError | None = None) -> None:
        """Ends the command; with --json this is where the document is printed."""
        self._end_progress()
        if not self.as_json:
            return
        document: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "command": self.command,
            "ok": exit_code == 0,
            "exit_code": exit_code,
        }
        document |= self.result
        if error is not None:
            entry: dict[str, Any] = {
                "message": str(error),
                "hint": error.hint,
                "code": error.code_name,
            }
            problems = getattr(error, "problems", None)
            if problems is not None:
                entry["problems"] = [p if isinstance(p, str) else vars(p) for p in problems]
            document["error"] = entry
        print(
            json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False), flush=True
        )


def _plain(value: Any) -> Any:
    """The value without what JSON cannot say: infinities become text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def printable(text: str, limit: int = 0) -> str:
    """Text of a model, which may hold anything, on one line of a terminal."""
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return clean if not limit or len(clean) <= limit else clean[: limit - 1] + "…"


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> list[str]:
    """A table as lines of text, columns two blanks apart."""
    cells = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    align = right.ljust(len(header), "l")
    lines = []
    for row in cells:
        parts = [
            cell.rjust(width) if side == "r" else cell.ljust(width)
            for cell, width, side in zip(row, widths, align, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return lines
