# SPDX-License-Identifier: Apache-2.0
"""Windows in one and three dimensions, indices of maxima and pooling by norms, through the engine
with random attributes, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from onnx import helper, numpy_helper

from mace import onnx_backend


def _model(
    op: str, x: Array, weights: list[Array], outputs: list[Any], constant: bool, attrs: Any
) -> onnx.ModelProto:
    names = ["x", *(f"w{i}" for i in range(len(weights)))]
    arrays = dict(zip(names, [x, *weights], strict=True))
    fixed = names[1:] if constant else []
    graph = helper.make_graph(
        [helper.make_node(op, names, [f"y{i}" for i in range(len(outputs))], **attrs)],
        "test",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in arrays.items()
            if n not in fixed
        ],
        [
            helper.make_tensor_value_info(
                f"y{i}", helper.np_dtype_to_tensor_dtype(np.dtype(t)), None
            )
            for i, t in enumerate(outputs)
        ],
        [numpy_helper.from_array(arrays[n], n) for n in fixed],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def _check(
    op: str,
    x: Array,
    weights: list[Array],
    attrs: dict[str, Any],
    outputs: list[Any] | None = None,
    constant: bool = True,
) -> None:
    model = _model(op, x, weights, outputs or [np.float32], constant, attrs)
    arrays = [x] if constant else [x, *weights]
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [i.name for i in session.get_inputs()]
    want = session.run(None, dict(zip(names, arrays, strict=True)))
    prepared = onnx_backend.prepare(model)
    assert prepared.converted
    for g, w in zip(prepared.run(arrays), want, strict=True):
        assert g.dtype == w.dtype
        np.testing.assert_allclose(g, w, rtol=1e-4, atol=1e-4)


def _window(draw: Any, spatial: int, most: int = 3) -> dict[str, Any]:
    def numbers(least: int, highest: int, count: int = spatial) -> list[int]:
        return [draw(st.integers(least, highest)) for _ in range(count)]

    attrs: dict[str, Any] = {"kernel_shape": numbers(1, most), "strides": numbers(1, 3)}
    auto = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if auto != "NOTSET":
        return {**attrs, "auto_pad": auto}
    pads = [draw(st.integers(0, k - 1)) for k in attrs["kernel_shape"] * 2]
    return {**attrs, "pads": pads, "dilations": numbers(1, 2)}


def _random(draw: Any, *shape: int) -> Array:
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    return generator.standard_normal(shape).astype(np.float32)


def _size(draw: Any, spatial: int) -> list[int]:
    return [draw(st.integers(5, 8)) for _ in range(spatial)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), spatial=st.sampled_from([1, 2, 3, 3, 3]))
def test_conv(data: st.DataObject, spatial: int) -> None:
    draw = data.draw
    attrs = _window(draw, spatial)
    group, each, out = draw(
        st.sampled_from([(1, 3, 5), (1, 17, 33), (2, 4, 6), (3, 1, 2), (4, 1, 4)])
    )
    weights = [_random(draw, group * out, each, *attrs["kernel_shape"])]
    if draw(st.booleans()):
        weights.append(_random(draw, group * out))
    x = _random(draw, draw(st.integers(1, 2)), group * each, *_size(draw, spatial))
    _check("Conv", x, weights, {**attrs, "group": group}, constant=draw(st.booleans()))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), spatial=st.sampled_from([1, 2, 3, 3, 3]))
def test_conv_transpose(data: st.DataObject, spatial: int) -> None:
    draw = data.draw
    attrs = _window(draw, spatial)
    kernel, strides = attrs["kernel_shape"], attrs["strides"]
    if attrs.get("auto_pad", "").startswith("SAME"):
        # onnxruntime leaves out what windows do not reach; ONNX does not.
        attrs["strides"] = [min(k, s) for k, s in zip(kernel, strides, strict=True)]
    elif draw(st.booleans()):
        attrs["output_padding"] = [draw(st.integers(0, s - 1)) for s in strides]
    group, each, out = draw(st.sampled_from([(1, 3, 5), (1, 9, 2), (2, 4, 3), (3, 1, 2)]))
    weights = [_random(draw, group * each, out, *kernel)]
    if draw(st.booleans()):
        weights.append(_random(draw, group * out))
    x = _random(draw, draw(st.integers(1, 2)), group * each, *_size(draw, spatial))
    _check("ConvTranspose", x, weights, {**attrs, "group": group}, constant=draw(st.booleans()))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    data=st.data(),
    op=st.sampled_from(["MaxPool", "AveragePool", "LpPool"]),
    spatial=st.sampled_from([1, 2, 3]),
)
def test_pool(data: st.DataObject, op: str, spatial: int) -> None:
    draw = data.draw
    attrs = _window(draw, spatial)
    if op == "LpPool":
        attrs["p"] = draw(st.integers(1, 4))
        if draw(st.booleans()) and attrs.get("auto_pad", "VALID") == "VALID":
            attrs["ceil_mode"] = 1
    elif attrs.get("auto_pad", "VALID") == "VALID":
        attrs["ceil_mode"] = draw(st.integers(0, 1))
    if op == "AveragePool":
        attrs["count_include_pad"] = draw(st.integers(0, 1))
        attrs.pop("dilations", None)  # onnxruntime has them in newer opsets
    x = _random(draw, 2, draw(st.sampled_from([1, 3, 17])), *_size(draw, spatial))
    _check(op, x, [], attrs)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    data=st.data(),
    spatial=st.sampled_from([1, 2, 3]),
    dtype=st.sampled_from([np.float32, np.int8, np.uint8]),
    indices=st.booleans(),
)
def test_max_pool_with_indices(
    data: st.DataObject, spatial: int, dtype: type, indices: bool
) -> None:
    draw = data.draw
    attrs = _window(draw, spatial)
    if attrs.get("auto_pad", "VALID") == "VALID":
        attrs["ceil_mode"] = draw(st.integers(0, 1))
    if indices:
        attrs["storage_order"] = draw(st.integers(0, 1))
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    shape = (2, 3, *_size(draw, spatial))
    # Every element is another, so that there is one largest.
    x = generator.permutation(int(np.prod(shape))).reshape(shape)
    x = x.astype(np.float32) if dtype == np.float32 else (x % 256).astype(np.uint8).view(dtype)
    outputs = [dtype, np.int64] if indices and dtype == np.float32 else [dtype]
    _check("MaxPool", x, [], attrs, outputs)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_global_lp_pool(p: int) -> None:
    x = np.random.default_rng(3).standard_normal((2, 3, 5, 4)).astype(np.float32)
    _check("GlobalLpPool", x, [], {"p": p})
