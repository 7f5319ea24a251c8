# SPDX-License-Identifier: Apache-2.0
"""The list of tests that must run, so that none is lost unseen.

A line is a step and a group: "host //mace/base:status_test", "python test/api/test_shapes.py".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

_HEADER = """\
# The tests that ran: "<step> <Bazel target or pytest file>". One that is listed here and does not
# run is a failure. Written by: tools/test.sh --update-manifest
"""


def read(path: Path) -> dict[str, set[str]]:
    """Reads a manifest: step -> groups. A missing file is an empty manifest.

    Raises:
      ValueError: a line has not two words.
    """
    entries: dict[str, set[str]] = {}
    if not path.exists():
        return entries
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2:
            raise ValueError(f"{path}:{number}: expected a step and a test, found '{line}'")
        entries.setdefault(words[0], set()).add(words[1])
    return entries


def write(path: Path, entries: Mapping[str, Iterable[str]]) -> None:
    """Writes a manifest, sorted."""
    lines = [f"{step} {group}" for step in sorted(entries) for group in sorted(entries[step])]
    path.write_text(_HEADER + "\n".join(lines) + "\n", encoding="utf-8")


def lost(entries: Mapping[str, set[str]], step: str, ran: set[str]) -> list[str]:
    """The groups of a step that are listed and did not run, sorted."""
    return sorted(entries.get(step, set()) - ran)
