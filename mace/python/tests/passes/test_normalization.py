# SPDX-License-Identifier: Apache-2.0
"""Instance and group norm out of primitives, and what follows them."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import apply, builder, count, finish, random
from mace.importers.base import Builder
from mace.passes import normalization, optimize


def _standardized(b: Builder, x: str, axes: list[int], epsilon: float = 1e-3) -> str:
    mean = b.op("Reduce", [x], reduce_type="MEAN", axis=axes, keepdims=True)
    centred = b.op("Eltwise", [x, mean], type="SUB")
    square = b.op("Unary", [centred], type="SQUARE")
    variance = b.op("Reduce", [square], reduce_type="MEAN", axis=axes, keepdims=True)
    raised = b.op("Eltwise", [variance, b.const(epsilon, np.float32)], type="SUM")
    return b.op("Eltwise", [centred, b.op("Unary", [raised], type="SQRT")], type="DIV")


def _scaled(b: Builder, y: str, shape: tuple[int, ...]) -> str:
    y = b.op("Eltwise", [y, b.const(random(*shape))], type="PROD")
    return b.op("Eltwise", [y, b.const(random(*shape))], type="SUM")


@pytest.mark.parametrize(("axes", "vector"), [([2, 3], (6, 1, 1)), ([1, 2], (6,))])
def test_instance_norm(axes: list[int], vector: tuple[int, ...]) -> None:
    shape = (2, 6, 4, 5) if axes == [2, 3] else (2, 4, 5, 6)
    b = builder(x=shape)
    graph = apply(finish(b, _scaled(b, _standardized(b, "x", axes), vector)), optimize)
    found = count(graph)
    assert found["GroupNorm"] == 1 and found["Eltwise"] == 0 and found["Reduce"] == 0
    norm = next(n for n in graph.nodes if n.op == "GroupNorm")
    assert len(norm.inputs) == 3 and norm.attrs["epsilon"] == pytest.approx(1e-3)


@pytest.mark.parametrize("instance", [False, True])
def test_group_norm(instance: bool) -> None:
    """As PyTorch exports it, with an instance norm of three dimensions or with primitives."""
    b = builder(x=(2, 6, 4, 5))
    rows = b.op("Reshape", ["x"], shape=[2, 3, -1])
    if instance:
        turned = b.op("Transpose", [rows], dims=[0, 2, 1])
        vectors = [b.const(np.full(3, v, np.float32)) for v in (1.5, 0.25)]
        y = b.op("GroupNorm", [turned, *vectors], epsilon=1e-3)
        y = b.op("Transpose", [y], dims=[0, 2, 1])
    else:
        y = _standardized(b, rows, [2])
    y = b.op("Reshape", [y], shape=[2, 6, 4, 5])
    graph = apply(finish(b, _scaled(b, y, (1, 6, 1, 1))), optimize)
    assert count(graph) == {"Transpose": 2, "GroupNorm": 1}
    norm = next(n for n in graph.nodes if n.op == "GroupNorm")
    assert norm.attrs["groups"] == 3 and len(norm.inputs) == 3


@pytest.mark.parametrize(
    ("split", "after"),
    [
        ([2, 3, 40], [2, 6, 5, 4]),  # another shape afterwards
        ([2, 4, 30], [2, 6, 4, 5]),  # groups that are no whole channels
        ([1, 6, 40], [2, 6, 4, 5]),  # groups across the batch
    ],
)
def test_no_group_norm(split: list[int], after: list[int]) -> None:
    b = builder(x=(2, 6, 4, 5))
    y = _standardized(b, b.op("Reshape", ["x"], shape=split), [2])
    y = b.op("Reshape", [y], shape=after)
    assert count(apply(finish(b, y), normalization.group_norm))["GroupNorm"] == 0


def test_other_axes_are_no_instance_norm() -> None:
    b = builder(x=(2, 6, 4, 5))
    y = _standardized(b, "x", [1, 3])
    found = count(apply(finish(b, y), normalization.layer_norm))
    assert found["GroupNorm"] == 0 and found["LayerNorm"] == 0


def test_constants_in_use_elsewhere_are_kept() -> None:
    b = builder(x=(1, 3, 2, 4), z=(1, 3, 2, 4))
    vector = b.const(random(4))
    norm = b.op("GroupNorm", ["x", vector], epsilon=1e-3)
    y = b.op("Eltwise", [norm, vector], type="PROD")
    z = b.op("Eltwise", ["z", vector], type="PROD")
    graph = apply(finish(b, y, z), optimize)
    assert count(graph) == {"GroupNorm": 1, "Eltwise": 1}


def test_norms_that_are_read_twice_are_kept() -> None:
    b = builder(x=(1, 3, 2, 4))
    norm = b.op("GroupNorm", ["x"], epsilon=1e-3)
    y = b.op("Eltwise", [norm, b.const(random(4))], type="PROD")
    graph = apply(finish(b, y, norm), normalization.group_norm)
    assert count(graph) == {"GroupNorm": 1, "Eltwise": 1}


def test_factors_that_are_computed_stay() -> None:
    b = builder(x=(1, 3, 2, 4), s=(4,))
    y = b.op("Eltwise", [b.op("GroupNorm", ["x", "s"]), b.const(random(4))], type="PROD")
    assert count(apply(finish(b, y), normalization.group_norm))["Eltwise"] == 1
