# SPDX-License-Identifier: Apache-2.0
"""The models of the zoo on the GPU runtime, which PoCL executes, agree with their frameworks in both
kinds of memory and both types of storage. The larger ones are nightly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import gpu
import make

QUICK = ("squeezenet_v11", "text_direction")


def _cases() -> list[Any]:
    return [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.nightly])
        for name in make.models()
    ]


@pytest.mark.parametrize("name", _cases())
def test_agrees_with_its_framework(name: str) -> None:
    found = gpu.compare_alone(name, samples=1)
    assert not found.bad, found
    # What the CPU executes is known and has a reason; most is the GPU's.
    assert found.on_gpu > found.operators // 2, found
    assert all(why for _, _, why in found.reasons), found


def test_the_table_is_complete() -> None:
    found = gpu.recorded()
    assert set(found) == set(make.models())
    for name, cosines in found.items():
        assert not gpu.Agreement(name, 1, 1, cosines).bad, name
    halves = gpu.recorded(half=True)
    assert set(halves) <= set(found) and len(halves) >= 6
    for name, cosines in halves.items():
        assert len(cosines) == len(gpu.HALVES)
        assert not gpu.Agreement(name, 1, 1, cosines, half=True).bad, name


def test_a_row_is_renewed(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    table.write_text(
        "# T\n\n| a | b |\n| --- | --- |\n| a_b | 1 of 2 | 1 | 1 | 1 | 1 | x |\n\nhalf\n\n"
        "| a | b |\n| --- | --- |\n\nend\n"
    )
    gpu.record(gpu.Agreement("c", 3, 2, [1.0, 0.5, 0.25, -1.0], [("If", 1, "no kernel")]), table)
    gpu.record(gpu.Agreement("a_b", 3, 3, [1.0] * 4), table)
    assert gpu.recorded(table) == {"a_b": [1.0] * 4, "c": [1.0, 0.5, 0.25, -1.0]}
    assert "1 If: no kernel |\n\nhalf\n" in table.read_text()
    gpu.record(gpu.Agreement("c", 3, 2, [1.0, 0.5, 0.25], [("If", 1, "no kernel")], True), table)
    assert gpu.recorded(table, half=True) == {"c": [1.0, 0.5, 0.25]}
    assert table.read_text().endswith("| c | 2 of 3 | 1.0000000 | 0.5000000 | 0.2500000 |\n\nend\n")
    assert gpu.Agreement("c", 3, 2, [1.0, 0.5, 1.0, 0.9]).bad == [
        "fp32_fp32/image",
        "fp16_fp32/image",
    ]
    half = gpu.Agreement("c", 3, 2, [1.0, 0.998, 0.999], half=True)
    assert half.bad == ["fp16_fp16/buffer"]
