# SPDX-License-Identifier: Apache-2.0
"""Operators that ONNX took out with opset 10, in the engine against their definitions in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mace.graph.ir import Array
from mace.importers.base import ImportFailed
from mace.importers.onnx.importer import import_proto
from onnx_models import one, random

from mace import onnx_backend


def _run(op: str, x: Array, **attrs: Any) -> Array:
    model = one(op, list(x.shape), opset=8, **attrs)
    result: Array = onnx_backend.prepare(model).run([x])[0]
    return result


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 3, 4), (2, 3)])
def test_image_scaler(shape: tuple[int, ...]) -> None:
    x, bias = random(*shape), [0.5, -1.0, 2.0]
    want = x * np.float32(0.25) + np.reshape(bias, [3] + [1] * (len(shape) - 2))
    np.testing.assert_allclose(_run("ImageScaler", x, bias=bias, scale=0.25), want, rtol=1e-5)
    want = x + np.reshape(bias, [3] + [1] * (len(shape) - 2))
    np.testing.assert_allclose(_run("ImageScaler", x, bias=bias), want, rtol=1e-5)


def test_scaled_functions() -> None:
    x = random(2, 3, 4)
    numbers = {"alpha": 1.5, "beta": -0.5}
    wanted = {
        "Affine": 1.5 * x - 0.5,
        "ParametricSoftplus": 1.5 * np.log1p(np.exp(-0.5 * x)),
        "ScaledTanh": 1.5 * np.tanh(-0.5 * x),
    }
    for op, want in wanted.items():
        np.testing.assert_allclose(_run(op, x, **numbers), want, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(_run("Scale", x, scale=3.0), 3 * x, rtol=1e-6)


def test_crop() -> None:
    x = random(1, 2, 6, 7)
    np.testing.assert_array_equal(_run("Crop", x, border=[1, 2, 3, 0]), x[:, :, 2:, 1:4])
    got = _run("Crop", x, border=[1, 2, 0, 0], scale=[3, 4])
    np.testing.assert_array_equal(got, x[:, :, 2:5, 1:5])


@pytest.mark.parametrize(
    ("op", "opset", "attrs", "sentence"),
    [
        ("ImageScaler", 10, {"bias": [1.0]}, "form of opset 10.*from opset 1 to 9"),
        ("ImageScaler", 8, {}, "the attribute bias is missing"),
        ("Crop", 8, {"border": [1, 2]}, "border is .1, 2., not four numbers"),
        ("Crop", 8, {"border": [0] * 4, "scale": [1]}, "scale is .1., not a height and a width"),
    ],
)
def test_refused(op: str, opset: int, attrs: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ImportFailed, match=sentence):
        import_proto(one(op, [1, 3, 4, 4], opset=opset, **attrs))
