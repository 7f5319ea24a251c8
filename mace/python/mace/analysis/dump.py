# SPDX-License-Identifier: Apache-2.0
"""Writes a graph as text after each pass, so that `diff -r` and a reader see what each one did."""

from __future__ import annotations

from pathlib import Path

from mace.analysis.text import graph_text
from mace.errors import MaceError
from mace.graph.ir import Graph

_INDEX = "index.txt"


class PassDump:
    """Collects the graphs of one conversion in a folder: NNN_<pass>.txt for each pass that changed
    something, and index.txt with a line for every pass that ran. `add` is an observer of the
    conversion."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder; files of an earlier dump in it are removed, nothing else is."""
        self.folder = folder
        self.count = 0
        self._index: list[str] = []
        self._before = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in (*folder.glob("[0-9][0-9][0-9]_*.txt"), folder / _INDEX):
                old.unlink(missing_ok=True)
        except OSError as error:
            raise MaceError(
                f"the passes cannot be written to '{folder}': {error.strerror}",
                hint="--dump_passes names a folder that you may write",
            ) from None

    def add(self, name: str, graph: Graph) -> None:
        """Writes the graph if the pass changed it."""
        text = graph_text(graph)
        number = len(self._index)
        if text == self._before:
            self._index.append(f"{number:03d} {name}: nothing changed")
            return
        self._before = text
        self.count += 1
        self._index.append(f"{number:03d} {name}: {len(graph.nodes)} nodes")
        (self.folder / f"{number:03d}_{name}.txt").write_text(text, encoding="utf-8")

    def finish(self) -> None:
        """Writes the index."""
        lines = "".join(f"{line}\n" for line in self._index)
        (self.folder / _INDEX).write_text(lines, encoding="utf-8")
