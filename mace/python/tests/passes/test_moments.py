# SPDX-License-Identifier: Apache-2.0
"""Normalizations as TensorFlow's moments and batch_normalization write them, and variances."""

from __future__ import annotations

import numpy as np
import pytest
from graph_helpers import apply, builder, count, finish, random
from mace.importers.base import Builder
from mace.passes import moments, optimize


def _mean(b: Builder, x: str, axes: list[int], keepdims: bool = True) -> str:
    return b.op("Reduce", [x], reduce_type="MEAN", axis=axes, keepdims=keepdims)


def _normalized(
    b: Builder,
    x: str,
    axes: list[int],
    vector: tuple[int, ...] | None,
    form: str = "keras",
    parts: str = "both",
    of_mean: list[int] | None = None,
) -> str:
    """x * s + (offset - mean * s) as Keras layers or as tf.nn.batch_normalization write it."""
    mean = _mean(b, x, of_mean or axes)
    variance = _mean(b, b.op("Eltwise", [x, mean], type="SQR_DIFF"), axes)
    raised = b.op("Eltwise", [variance, b.const(1e-3, np.float32)], type="SUM")
    factor = b.op("Unary", [raised], type="RSQRT")
    if vector is not None and parts != "offset":
        factor = b.op("Eltwise", [factor, b.const(random(*vector))], type="PROD")
    scaled = b.op("Eltwise", [x, factor], type="PROD")
    offset = b.const(random(*vector)) if vector is not None and parts != "scale" else None
    if form == "keras":
        negative = b.op("Unary", [mean], type="NEG")
        rest = b.op("Eltwise", [negative, factor], type="PROD")
        if offset is not None:
            rest = b.op("Eltwise", [rest, offset], type="SUM")
    else:
        moved = b.op("Eltwise", [mean, factor], type="PROD")
        rest = b.op("Eltwise", [offset, moved], type="SUB") if offset is not None else ""
        rest = rest or b.op("Unary", [moved], type="NEG")
    return b.op("Eltwise", [scaled, rest], type="SUM")


@pytest.mark.parametrize("form", ["keras", "batch_normalization"])
@pytest.mark.parametrize("parts", ["both", "scale", "offset"])
def test_layer_norm(form: str, parts: str) -> None:
    for axes, vector in (([-1], (6,)), ([-1], (1, 1, 1, 6)), ([3], None)):
        b = builder(x=(2, 4, 5, 6))
        y = _normalized(b, "x", axes, vector, form, parts)
        graph = apply(finish(b, y), optimize)
        assert count(graph) == {"LayerNorm": 1}
        assert graph.nodes[0].attrs["epsilon"] == pytest.approx(1e-3)
        given = 0 if vector is None else 1 if parts == "scale" else 2
        assert len(graph.nodes[0].inputs) == 1 + given


def test_layer_norm_over_two_dimensions() -> None:
    b = builder(x=(2, 5, 6))
    assert count(apply(finish(b, _normalized(b, "x", [1, 2], (5, 6))), optimize)) == {
        "LayerNorm": 1
    }


@pytest.mark.parametrize(("axes", "vector"), [([2, 3], (6, 1, 1)), ([1, 2], (6,))])
def test_instance_norm(axes: list[int], vector: tuple[int, ...]) -> None:
    b = builder(x=(2, 6, 4, 5) if axes == [2, 3] else (2, 4, 5, 6))
    graph = apply(finish(b, _normalized(b, "x", axes, vector)), optimize)
    found = count(graph)
    assert found["GroupNorm"] == 1 and found["Eltwise"] == 0 and found["Reduce"] == 0


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_group_norm_of_keras(groups: int) -> None:
    b = builder(x=(2, 4, 5, 6))
    split = b.op("Reshape", ["x"], shape=[2, 4, 5, groups, 6 // groups])
    y = _normalized(b, split, [1, 2, 4], (1, 1, 1, groups, 6 // groups))
    graph = apply(finish(b, b.op("Reshape", [y], shape=[2, 4, 5, 6])), optimize)
    assert count(graph) == {"GroupNorm": 1}
    assert graph.nodes[0].attrs["groups"] == groups


def test_what_is_no_norm_stays() -> None:
    """Another mean, a factor along other dimensions, and axes that no norm has."""
    cases = [
        ([3], (6,), [2]),
        ([3], (2, 4, 5, 1), None),
        ([1, 3], (1, 1, 5, 1), None),
        ([0], None, None),
    ]
    for axes, vector, of_mean in cases:
        b = builder(x=(2, 4, 5, 6))
        y = _normalized(b, "x", axes, vector, of_mean=of_mean)
        found = count(apply(finish(b, y), moments.fold_moments))
        assert found["LayerNorm"] == 0 and found["GroupNorm"] == 0, (axes, vector)


def test_groups_across_the_batch_stay() -> None:
    b = builder(x=(2, 4, 5, 6))
    split = b.op("Reshape", ["x"], shape=[1, 4, 10, 2, 3])
    y = _normalized(b, split, [1, 2, 4], None)
    assert count(apply(finish(b, y), moments.fold_moments))["GroupNorm"] == 0


def test_constants_and_moments_in_use_elsewhere_are_kept() -> None:
    b = builder(x=(2, 4, 6), z=(2, 4, 6))
    vector = b.const(random(6))
    mean = _mean(b, "x", [2])
    variance = _mean(b, b.op("Eltwise", ["x", mean], type="SQR_DIFF"), [2])
    raised = b.op("Eltwise", [variance, b.const(1e-3, np.float32)], type="SUM")
    factor = b.op("Unary", [raised], type="RSQRT")
    factor = b.op("Eltwise", [factor, vector], type="PROD")
    moved = b.op("Eltwise", [mean, factor], type="PROD")
    scaled = b.op("Eltwise", ["x", factor], type="PROD")
    y = b.op("Eltwise", [scaled, b.op("Eltwise", [vector, moved], type="SUB")], type="SUM")
    z = b.op("Eltwise", ["z", vector], type="PROD")
    found = count(apply(finish(b, y, z, mean), optimize))
    assert found == {"LayerNorm": 1, "Eltwise": 1, "Reduce": 1}


@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("axes", [[1, 2], [-1], [0, 1, 2, 3]])
def test_variance(axes: list[int], keepdims: bool) -> None:
    for square in (True, False):
        b = builder(x=(2, 4, 5, 6))
        mean = _mean(b, "x", axes)
        if square:
            y = b.op("Eltwise", ["x", mean], type="SUB")
            y = b.op("Unary", [y], type="SQUARE")
        else:
            y = b.op("Eltwise", [mean, "x"], type="SQR_DIFF")
        graph = apply(finish(b, _mean(b, y, axes, keepdims)), optimize)
        assert count(graph) == {"Reduce": 1, "SqrDiffMean": 1}


def test_mean_of_squared_differences_to_another_tensor() -> None:
    b = builder(x=(2, 4, 5, 6), c=(2, 1, 1, 6))
    y = _mean(b, b.op("Eltwise", ["x", "c"], type="SQR_DIFF"), [1, 2])
    assert count(apply(finish(b, y), moments.fold_square_difference)) == {"SqrDiffMean": 1}


def test_differences_that_stay() -> None:
    """Tensors of one shape, axes that are no neighbours, and squares that are read twice."""
    b = builder(x=(2, 4, 5, 6), c=(2, 4, 5, 6))
    y = _mean(b, b.op("Eltwise", ["x", "c"], type="SQR_DIFF"), [1, 2])
    assert count(apply(finish(b, y), moments.fold_square_difference))["SqrDiffMean"] == 0
    b = builder(x=(2, 4, 5, 6))
    y = _mean(b, b.op("Eltwise", ["x", _mean(b, "x", [1, 3])], type="SQR_DIFF"), [1, 3])
    assert count(apply(finish(b, y), moments.fold_square_difference))["SqrDiffMean"] == 0
    b = builder(x=(2, 4, 5, 6))
    square = b.op("Eltwise", ["x", _mean(b, "x", [1])], type="SQR_DIFF")
    graph = apply(finish(b, _mean(b, square, [1]), square), moments.fold_square_difference)
    assert count(graph)["SqrDiffMean"] == 0
