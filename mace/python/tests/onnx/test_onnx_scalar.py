# SPDX-License-Identifier: Apache-2.0
"""Arithmetic, conversions, reductions and quantization of random types and shapes, as numpy and
onnx's reference compute them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_models import model

from mace import onnx_backend

_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_NUMBERS = (*_INTEGERS, "float32", "float64")
_SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def _numbers(draw: st.DrawFn, shape: tuple[int, ...], dtype: str, nonzero: bool = False) -> Array:
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    if dtype.startswith("float"):
        return random.uniform(0.5 if nonzero else -9, 9, shape).astype(dtype)
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    low = 1 if nonzero else max(int(np.iinfo(dtype).min), -100)
    return random.integers(low, 100, shape).astype(dtype)


@st.composite
def _shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes of ranks 0 to 6 that broadcast with each other."""
    full = draw(st.lists(st.integers(0, 3), max_size=6))
    pair = []
    for _ in range(2):
        kept = [d if draw(st.booleans()) else 1 for d in full]
        pair.append(tuple(kept[draw(st.integers(0, len(kept))) :]))
    return pair[0], pair[1]


def _compare(
    nodes: list[Any], inputs: dict[str, Array], opset: int = 21, rel: float = 1e-5
) -> None:
    """One node chain's output y against onnx's reference: the same type, shape and numbers."""
    types = {n: helper.np_dtype_to_tensor_dtype(a.dtype) for n, a in inputs.items()}
    source = model(nodes, {n: a.shape for n, a in inputs.items()}, ["y"], opset=opset, types=types)
    with np.errstate(all="ignore"):
        want = np.asarray(ReferenceEvaluator(source).run(None, inputs)[0])
    source.graph.output[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(want.dtype)
    got = onnx_backend.prepare(source).run(list(inputs.values()))[0]
    assert got.shape == want.shape and got.dtype == want.dtype
    if want.dtype.kind == "f":
        np.testing.assert_allclose(got, want, rtol=rel, atol=1e-6)
    else:
        np.testing.assert_array_equal(got, want)


@_SETTINGS
@given(data=st.data(), shapes=_shapes())
def test_arithmetic(data: st.DataObject, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    op = data.draw(st.sampled_from(["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"]))
    dtype = data.draw(st.sampled_from(_NUMBERS))
    attrs = {"fmod": 1} if op == "Mod" and dtype.startswith("float") else {}
    x = _numbers(data.draw, shapes[0], dtype)
    # onnx's reference rounds quotients of integers down; ONNX leaves those of unlike signs open.
    if op == "Div" and not dtype.startswith("float"):
        x = np.abs(x)
    y = _numbers(data.draw, shapes[1], dtype, nonzero=op in ("Div", "Mod"))
    _compare([helper.make_node(op, ["a", "b"], ["y"], **attrs)], {"a": x, "b": y})


@_SETTINGS
@given(data=st.data(), shapes=_shapes())
def test_comparisons_and_bits(
    data: st.DataObject, shapes: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    comparisons = ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"]
    op = data.draw(st.sampled_from([*comparisons, "BitwiseAnd", "BitwiseOr", "BitwiseXor"]))
    dtype = data.draw(st.sampled_from(_NUMBERS if op in comparisons else _INTEGERS))
    x, y = (_numbers(data.draw, shape, dtype) for shape in shapes)
    _compare([helper.make_node(op, ["a", "b"], ["y"])], {"a": x, "b": y})


@_SETTINGS
@given(data=st.data(), shape=st.lists(st.integers(0, 4), max_size=6))
def test_conversions(data: st.DataObject, shape: list[int]) -> None:
    types = ("bool", "float16", *_NUMBERS)
    source, target = (data.draw(st.sampled_from(types)) for _ in range(2))
    x = _numbers(data.draw, tuple(shape), source)
    if np.dtype(target).kind == "u":  # what becomes of negative numbers is left open
        x = np.abs(x)
    number = helper.np_dtype_to_tensor_dtype(np.dtype(target))
    _compare([helper.make_node("Cast", ["x"], ["y"], to=number)], {"x": x}, rel=1e-3)


@_SETTINGS
@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_reductions(data: st.DataObject, shape: list[int]) -> None:
    op = data.draw(st.sampled_from(["Sum", "Max", "Min", "Prod", "SumSquare", "L1"]))
    dtype = data.draw(st.sampled_from(["int32", "int64", "float32", "float64"]))
    axes = data.draw(st.lists(st.sampled_from(range(len(shape))), unique=True, min_size=1))
    keep = data.draw(st.integers(0, 1))
    x = _numbers(data.draw, tuple(shape), dtype)
    constant = helper.make_node("Constant", [], ["axes"], value_ints=axes)
    node = helper.make_node(f"Reduce{op}", ["x", "axes"], ["y"], keepdims=keep)
    _compare([constant, node], {"x": x}, rel=1e-4)


@_SETTINGS
@given(data=st.data(), shape=st.lists(st.integers(0, 4), min_size=1, max_size=5))
def test_cumulative_sums(data: st.DataObject, shape: list[int]) -> None:
    dtype = data.draw(st.sampled_from(["int32", "int64", "float32", "float64"]))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    attrs = {k: data.draw(st.integers(0, 1)) for k in ("exclusive", "reverse")}
    x = _numbers(data.draw, tuple(shape), dtype)
    y = np.flip(x, axis) if attrs["reverse"] else x
    total = np.cumsum(y, axis, dtype=x.dtype)
    total = total - y if attrs["exclusive"] else total
    total = np.flip(total, axis) if attrs["reverse"] else total
    number = helper.np_dtype_to_tensor_dtype(x.dtype)
    constant = helper.make_node("Constant", [], ["axis"], value_int=axis)
    node = helper.make_node("CumSum", ["x", "axis"], ["y"], **attrs)
    types = {"x": number, "y": number}
    source = model([constant, node], {"x": x.shape}, ["y"], opset=14, types=types)
    got = onnx_backend.prepare(source).run([x])[0]
    assert got.dtype == x.dtype
    np.testing.assert_allclose(got, total, rtol=1e-4, atol=1e-4)


@_SETTINGS
@given(data=st.data(), shape=st.lists(st.integers(1, 5), min_size=2, max_size=4))
def test_quantization_there_and_back(data: st.DataObject, shape: list[int]) -> None:
    dtype = data.draw(st.sampled_from(["uint8", "int8", "uint16", "int16"]))
    axis = data.draw(st.integers(0, len(shape) - 1))
    block = data.draw(st.sampled_from([0, 0, 2]))
    count: tuple[int, ...] = (shape[axis],) if data.draw(st.booleans()) else ()
    if block:
        count = tuple(-(-d // block) if i == axis else d for i, d in enumerate(shape))
    x = _numbers(data.draw, tuple(shape), "float32")
    scale = np.abs(_numbers(data.draw, count, "float32", nonzero=True)) / 50
    zero = _numbers(data.draw, count, dtype)
    attrs = {"axis": axis, "block_size": block}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], **attrs),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **attrs),
    ]
    if block and shape[axis] % block:  # onnx's reference wants whole blocks
        return
    _compare(nodes, {"x": x, "s": np.asarray(scale, np.float32), "z": zero})


@_SETTINGS
@given(data=st.data())
def test_products_of_integers(data: st.DataObject) -> None:
    m, k, n = (data.draw(st.integers(1, 6)) for _ in range(3))
    a = _numbers(data.draw, (m, k), data.draw(st.sampled_from(["uint8", "int8"])))
    b = _numbers(data.draw, (k, n), data.draw(st.sampled_from(["uint8", "int8"])))
    zeros = {"za": np.array(3, a.dtype), "zb": np.array(5, b.dtype)}
    node = helper.make_node("MatMulInteger", ["a", "b", "za", "zb"], ["y"])
    _compare([node], {"a": a, "b": b, **zeros}, opset=10)


def test_convolution_of_integers_in_parts() -> None:
    """Sums that fit float32, and that are put together from two and four convolutions."""
    random = np.random.default_rng(5)
    for channels in (4, 500, 3000):
        x = random.integers(200, 256, [1, channels, 3, 3]).astype(np.uint8)
        w = random.integers(200, 256, [2, channels, 3, 3]).astype(np.uint8)
        node = helper.make_node("ConvInteger", ["x", "w"], ["y"])
        types = {"x": TensorProto.UINT8, "y": TensorProto.INT32}
        source = model([node], {"x": x.shape}, ["y"], {"w": w}, opset=10, types=types)
        got = onnx_backend.prepare(source).run([x])[0]
        want = (x.astype(np.int64) * w.astype(np.int64)).sum((1, 2, 3)).reshape(1, 2, 1, 1)
        np.testing.assert_array_equal(got, want)
