# SPDX-License-Identifier: Apache-2.0
"""The sizes of libraries in docs/performance.md, which tools/size_table.py records: all kinds are
there, and none is larger than it may be."""

from __future__ import annotations

import sys

import pytest
from starting import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import size_table


def _recorded(name: str) -> list[list[str]]:
    text = size_table.DOCUMENT.read_text(encoding="utf-8")
    table = text.partition(f"<!-- recorded: {name} -->\n")[2]
    lines = table.partition(f"<!-- end of {name} -->")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_kind_is_recorded_and_small_enough() -> None:
    rows = _recorded("library_sizes")
    assert len(rows) == len(size_table.KINDS)
    for cells, kind in zip(rows, size_table.KINDS, strict=True):
        row = size_table.Row(kind)
        for abi, cell in zip(size_table.ARM_AND_HOST, cells[2:5], strict=True):
            if cell:
                row.sizes[abi] = int(cell.replace(",", ""))
        assert [*row.sizes] == [abi for abi in size_table.ARM_AND_HOST if abi in kind.abis]
        assert row.cells() == cells
        assert row.is_well(), cells


def test_both_configurations_are_counted() -> None:
    counted = {
        (row[0], row[1]): [float(cell.replace(",", "")) for cell in row[2:]]
        for row in _recorded("size_costs")
    }
    for abi in ("arm64-v8a", "armeabi-v7a"):
        fast, small = counted[abi, "none: for speed"], counted[abi, "--optimize=size"]
        assert small[0] < fast[0]
        # The first inference is nearly all of it kernels.
        assert small[2] == pytest.approx(fast[2], rel=0.1)


@pytest.mark.parametrize(
    ("arm64", "armv7", "well"), [(90, 80, True), (101, 80, False), (90, 90, False)]
)
def test_what_is_too_large_is_told(arm64: int, armv7: int, well: bool) -> None:
    kind = size_table.Kind("a library", (), 100)
    assert size_table.Row(kind, {"arm64-v8a": arm64, "armeabi-v7a": armv7}).is_well() == well
