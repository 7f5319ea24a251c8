# SPDX-License-Identifier: Apache-2.0
"""Bytes that operators move, and how near they come to limits."""

from __future__ import annotations

from typing import Any

import pytest
from mace.proto_messages import message_class
from mace.report.roofline import HEADER, RIGHT, add_limits, moved_bytes, rows


def _net() -> Any:
    net = message_class("mace.NetDef")()
    net.input_info.add(name="x", dims=[1, 100], data_type=1)
    net.tensors.add(name="w", dims=[50, 100], data_type=1, stored_type=3)
    for name, inputs, output, dims, kind in (
        ("product", ["x", "w", ""], "y", [1, 50], 1),
        ("count", ["y"], "z", [1], 7),
        ("late", ["y"], "l", [-1, 3], 1),
    ):
        node = net.op.add(name=name, type="Any", input=inputs, output=[output], output_type=[kind])
        node.output_shape.add(dims=dims)
    return net


def test_bytes() -> None:
    assert moved_bytes(_net()) == {"product": 4 * (100 + 5000 + 50), "count": 4 * 50 + 8}


def test_limits() -> None:
    def measured(name: str, macs: int) -> dict[str, Any]:
        return {"name": name, "type": "T", "macs": macs, "avg_ms": 0.002, "gmacs_per_s": 2.5}

    operators = [measured("count", 0), measured("product", 5000), measured("late", 0)]
    copies = [{"bytes": 100, "bytes_per_s": 2e8}, {"bytes": 10000, "bytes_per_s": 1e8}]
    add_limits(operators, _net(), {"macs_per_s": 1e9, "copies": copies})
    count, product, late = operators
    assert product["limited_by"] == "copy"  # beyond the largest copy: as fast as that
    assert product["limit_ms"] == pytest.approx(20600 / 1e8 * 1e3)
    assert 208 / 2e8 * 1e3 < count["limit_ms"] < 208 / 1e8 * 1e3
    assert count["limit_percent"] == pytest.approx(100 * count["limit_ms"] / 0.002)
    assert count["gb_per_s"] == pytest.approx(0.104)
    assert "limit_ms" not in late
    add_limits(operators, _net(), {"macs_per_s": 1e3, "copies": copies})
    assert product["limited_by"] == "MACs"
    table = rows(operators)
    assert [row[0] for row in table] == ["count", "product"]
    assert len(table[0]) == len(HEADER) == len(RIGHT)
