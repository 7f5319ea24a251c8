# SPDX-License-Identifier: Apache-2.0
"""How near each operator of a benchmark comes to what the machine can do: the larger of its
multiply-adds at the rate of the L1 cache and a copy of as many bytes as it reads and writes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

# Bytes of an element as the CPU holds it, by the number of its type in mace.proto; 4 for others.
_BYTES = {2: 1, 3: 2, 5: 2, 6: 1, 7: 8, 8: 1, 9: 8, 10: 2, 11: 2, 13: 8}

HEADER = ("operator", "type", "ms", "GMACPS", "GB/s", "limit ms", "by", "% of limit")
RIGHT = "llrrrrlr"


def moved_bytes(net: Any) -> dict[str, int]:
    """Bytes of all inputs and outputs, constants included, of each operator of a NetDef by its name;
    without those of which a dimension is not known."""
    sizes: dict[str, int | None] = {}
    for tensor in (*net.tensors, *net.input_info):
        sizes[tensor.name] = _size(tensor.dims, tensor.data_type)
    moved: dict[str, int] = {}
    for node in net.op:
        types = list(node.output_type)
        for i, name in enumerate(node.output):
            shape = node.output_shape[i].dims if i < len(node.output_shape) else [-1]
            sizes[name] = _size(shape, types[i] if i < len(types) else 1)
        parts = [sizes.get(name) for name in (*node.input, *node.output) if name]
        if all(part is not None for part in parts):
            moved[node.name] = sum(part or 0 for part in parts)
    return moved


def _size(dims: Sequence[int], data_type: int) -> int | None:
    if any(dim < 0 for dim in dims):
        return None
    return math.prod(dims) * _BYTES.get(data_type, 4)


def add_limits(operators: Sequence[dict[str, Any]], net: Any, limits: Mapping[str, Any]) -> None:
    """Adds to each operator, as benchmark_model writes them: bytes, gb_per_s, limit_ms, limited_by
    ("MACs" or "copy") and limit_percent, of the average time. More than 100 per cent: an algorithm
    does with less, or the operator was done as a part of another one's."""
    moved = moved_bytes(net)
    for operator in operators:
        size = moved.get(operator["name"])
        if size is None:
            continue
        products = 1e3 * operator["macs"] / limits["macs_per_s"]
        copies = 1e3 * size / _copy_rate(size, limits["copies"])
        limit, taken = max(products, copies), operator["avg_ms"]
        operator |= {
            "bytes": size,
            "gb_per_s": size / taken / 1e6 if taken > 0 else 0.0,
            "limit_ms": limit,
            "limited_by": "MACs" if products >= copies else "copy",
            "limit_percent": 100 * limit / taken if taken > 0 else 0.0,
        }


def _copy_rate(size: int, copies: Sequence[Mapping[str, float]]) -> float:
    """Bytes a second of a copy of that size: between those measured, straight on in their logarithm."""
    below = [copy for copy in copies if copy["bytes"] <= size] or [copies[0]]
    above = [copy for copy in copies if copy["bytes"] >= size] or [copies[-1]]
    low, high = below[-1], above[0]
    if low["bytes"] >= high["bytes"]:
        return float(low["bytes_per_s"])
    share = math.log(size / low["bytes"]) / math.log(high["bytes"] / low["bytes"])
    return float(low["bytes_per_s"] + share * (high["bytes_per_s"] - low["bytes_per_s"]))


def rows(operators: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Cells below HEADER, the operators that take longest first."""
    known = [operator for operator in operators if "limit_ms" in operator]
    return [
        [
            operator["name"],
            operator["type"],
            f"{operator['avg_ms']:.3f}",
            f"{operator['gmacs_per_s']:.1f}",
            f"{operator['gb_per_s']:.1f}",
            f"{operator['limit_ms']:.3f}",
            operator["limited_by"],
            f"{operator['limit_percent']:.0f}",
        ]
        for operator in sorted(known, key=lambda operator: -float(operator["avg_ms"]))
    ]
