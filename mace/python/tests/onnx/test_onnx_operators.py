# SPDX-License-Identifier: Apache-2.0
"""Operators with attributes and old opsets that onnx's own suite does not have, against onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mace.importers.base import ImportFailed
from onnx import helper
from onnx_models import compare, imported, model, one, random


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    dilations=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    pads=st.tuples(*[st.integers(0, 2)] * 4),
    group=st.sampled_from([1, 2, 4]),
    multiplier=st.integers(1, 3),
    auto=st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]),
    bias=st.booleans(),
)
def test_conv(
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    pads: tuple[int, int, int, int],
    group: int,
    multiplier: int,
    auto: str,
    bias: bool,
) -> None:
    constants = {"w": random(4 * multiplier, 4 // group, *kernel)}
    if bias:
        constants["b"] = random(4 * multiplier)
    attrs: dict[str, Any] = {"strides": strides, "group": group, "dilations": dilations}
    attrs |= {"pads": pads} if auto == "NOTSET" else {"auto_pad": auto}
    if auto.startswith("SAME"):
        attrs["dilations"] = (1, 1)  # onnxruntime has no others
    compare(one("Conv", (2, 4, 9, 10), constants, **attrs))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 1)] * 4),
    group=st.sampled_from([1, 2]),
    surplus=st.booleans(),
    auto=st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER"]),
)
def test_conv_transpose(
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    group: int,
    surplus: bool,
    auto: str,
) -> None:
    if auto != "NOTSET":  # onnxruntime leaves out what windows do not reach; ONNX does not
        strides = (min(strides[0], kernel[0]), min(strides[1], kernel[1]))
    attrs: dict[str, Any] = {"strides": strides, "group": group}
    attrs |= {"pads": pads} if auto == "NOTSET" else {"auto_pad": auto}
    if surplus and auto == "NOTSET":
        attrs["output_padding"] = [s - 1 for s in strides]
    constants = {"w": random(4, 3, *kernel), "b": random(3 * group)}
    compare(one("ConvTranspose", (1, 4, 5, 6), constants, **attrs))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    op=st.sampled_from(["MaxPool", "AveragePool"]),
    kernel=st.tuples(st.integers(2, 4), st.integers(2, 3)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pads=st.tuples(*[st.integers(0, 1)] * 4),
    ceil=st.booleans(),
    count=st.booleans(),
)
def test_pool(
    op: str,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    ceil: bool,
    count: bool,
) -> None:
    attrs: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    attrs["ceil_mode"] = int(ceil)
    if op == "AveragePool":
        attrs["count_include_pad"] = int(count)
    compare(one(op, (1, 3, 8, 9), opset=19, **attrs))


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_one_dimension(op: str) -> None:
    compare(one(op, (2, 4, 9), {"w": random(4, 4, 3), "b": random(4)}, strides=[2], pads=[1, 0]))


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_one_dimension_pool(op: str) -> None:
    compare(one(op, (2, 4, 9), kernel_shape=[3], strides=[2], pads=[1, 1]))


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5), (3, 4, 5, 6), (2, 4, 3, 2, 2)])
def test_batch_normalization(shape: tuple[int, ...]) -> None:
    constants = {n: random(4) for n in ("s", "b", "m")} | {"v": np.abs(random(4)) + 0.1}
    compare(one("BatchNormalization", shape, constants, epsilon=1e-3))


@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("bias", [(5,), (1, 5), (), (3, 5), (3, 1), None])
def test_gemm(transposed: int, bias: tuple[int, ...] | None) -> None:
    constants = {"w": random(5, 4) if transposed else random(4, 5)}
    if bias is not None:
        constants["c"] = random(*bias)
    compare(one("Gemm", (3, 4), constants, transB=transposed, alpha=0.5, beta=2.0))


def test_gemm_of_two_inputs() -> None:
    node = helper.make_node("Gemm", ["a", "b", "c"], ["y"], transA=1, alpha=0.25)
    compare(model([node], {"a": (4, 3), "b": (4, 5), "c": (5,)}, ["y"]))


def test_slice_of_opset_9() -> None:
    compare(one("Slice", (5, 6, 7), opset=9, axes=[0, 2], starts=[1, -3], ends=[9, 2000]))
    compare(one("Slice", (5, 6), opset=9, starts=[1, 2], ends=[-1, 4]))


def test_attributes_that_became_inputs() -> None:
    compare(one("Squeeze", (1, 3, 1), opset=11, axes=[0, -1]))
    compare(one("Unsqueeze", (3, 4), opset=11, axes=[0, 3]))
    compare(one("Squeeze", (1, 3, 1), {"axes": np.array([0])}, opset=13))
    compare(one("Split", (2, 7), outputs=2, opset=11, axis=1, split=[3, 4]))
    compare(one("Split", (2, 7), {"s": np.array([3, 4])}, outputs=2, opset=13, axis=1))
    compare(one("Split", (2, 7), outputs=3, opset=18, axis=1, num_outputs=3))
    compare(one("Pad", (2, 3), opset=10, pads=[0, 1, 2, 0], value=1.5))
    pads = {"p": np.array([1, 2]), "v": np.float32(3), "axes": np.array([-1])}
    compare(one("Pad", (2, 3), pads, opset=18))
    compare(one("ReduceSum", (2, 3, 4), opset=11, axes=[1], keepdims=0))
    compare(one("ReduceMean", (2, 3, 4), {"axes": np.array([0, -1])}, opset=18))


@pytest.mark.parametrize("opset", [10, 13])
@pytest.mark.parametrize(
    "limits", [(-1, 2), (0, 6), (0, None), (None, 1), (None, None), (0, 3.5e38)]
)
def test_clip(opset: int, limits: tuple[float | None, float | None]) -> None:
    low, high = limits
    if high is not None and high > 3.4e38:
        high = float(np.finfo(np.float32).max)
    if opset < 11:
        attrs = {k: float(v) for k, v in (("min", low), ("max", high)) if v is not None}
        compare(one("Clip", (3, 4), opset=opset, **attrs))
        return
    constants = {" ": np.float32(0), "  ": np.float32(0)}
    constants = {}
    for name, value in (("lo", low), ("hi", high)):
        constants[name if value is not None else " " * len(name + name[0])] = np.float32(value or 0)
    compare(one("Clip", (3, 4), constants, opset=opset))


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_softmax(op: str, opset: int, axis: int | None) -> None:
    attrs = {} if axis is None else {"axis": axis}
    compare(one(op, (2, 3, 4), opset=opset, **attrs))


@pytest.mark.parametrize("slope", [(1,), (4, 1, 1), (1, 4, 1, 1), (5,), (4, 5, 6), ()])
def test_prelu(slope: tuple[int, ...]) -> None:
    shape = (2, 4, 5, 5) if slope == (5,) else (2, 4, 5, 6)
    compare(one("PRelu", shape, {"slope": random(*slope)}))


MODES = [
    ("nearest", "asymmetric", "floor"),
    ("nearest", "half_pixel", "round_prefer_floor"),
    ("nearest", "half_pixel", "round_prefer_ceil"),
    ("nearest", "asymmetric", "ceil"),
    ("nearest", "align_corners", "round_prefer_floor"),
    ("linear", "half_pixel", "floor"),
    ("linear", "asymmetric", "floor"),
    ("linear", "align_corners", "floor"),
    ("linear", "pytorch_half_pixel", "floor"),
    ("cubic", "half_pixel", "floor"),
    ("cubic", "align_corners", "floor"),
]


@pytest.mark.parametrize(("mode", "coordinates", "nearest"), MODES)
@pytest.mark.parametrize("size", [(8, 10), (7, 3), (4, 9)])
def test_resize(mode: str, coordinates: str, nearest: str, size: tuple[int, int]) -> None:
    attrs = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attrs["nearest_mode"] = nearest
    sizes = {" ": random(0), "  ": random(0), "sizes": np.array([1, 2, *size])}
    compare(one("Resize", (1, 2, 4, 5), sizes, **attrs))
    if mode != "cubic":
        scales = {" ": random(0), "scales": np.array([1, 1, 2, 1.5], np.float32)}
        compare(one("Resize", (1, 2, 4, 5), scales, **attrs))


def test_resize_of_channels_last_and_of_rows() -> None:
    scales = {" ": random(0), "scales": np.array([1, 2, 2, 1], np.float32)}
    graph = compare(one("Resize", (1, 4, 5, 3), scales, mode="nearest"))
    assert [n.op for n in graph.nodes] == ["Resize"]
    scales = {" ": random(0), "scales": np.array([1, 1, 2], np.float32)}
    compare(one("Resize", (1, 4, 5), scales, mode="linear"))


@pytest.mark.parametrize("rounding", ["floor", "round_prefer_floor"])
@pytest.mark.parametrize("factors", [(2, 3), (0.5, 1.0), (1.5, 0.6), (0.25, 2.5), (1.0, 1.25)])
def test_resize_nearest_of_tensorflow(rounding: str, factors: tuple[float, float]) -> None:
    """As converters from TensorFlow wrote it until opset 12."""
    scales = {"roi": random(0), "s": np.array([1, 1, *factors], np.float32)}
    attrs = {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": rounding}
    compare(one("Resize", (1, 2, 8, 9), scales, opset=11, mode="nearest", **attrs))


def test_resize_nearest_of_tensorflow_refused() -> None:
    attrs = {"coordinate_transformation_mode": "tf_half_pixel_for_nn"}
    scales = {"roi": random(0), "s": np.array([1, 1, 2, 2], np.float32)}
    for wrong in ({"mode": "linear"}, {"mode": "nearest", "nearest_mode": "ceil"}):
        with pytest.raises(ImportFailed, match="tf_half_pixel_for_nn with mode"):
            imported(one("Resize", (1, 2, 8, 9), scales, opset=11, **attrs, **wrong))


def test_old_resize_and_upsample() -> None:
    scales = np.array([1, 1, 2, 3], np.float32)
    compare(one("Resize", (1, 2, 4, 5), {"s": scales}, opset=10, mode="nearest"))
    compare(one("Upsample", (1, 2, 4, 5), {"s": scales}, opset=9, mode="linear"))
    compare(one("Upsample", (1, 2, 4, 5), opset=7, mode="nearest", scales=[1.0, 1.0, 2.0, 2.0]))


def test_resize_to_the_size_of_another_tensor() -> None:
    """As feature pyramids do it: Shape, Slice, Concat, Resize."""
    nodes = [
        helper.make_node("Shape", ["z"], ["s"]),
        helper.make_node("Slice", ["s", "two", "four"], ["hw"]),
        helper.make_node("Shape", ["x"], ["t"]),
        helper.make_node("Slice", ["t", "zero", "two"], ["nc"]),
        helper.make_node("Concat", ["nc", "hw"], ["size"], axis=0),
        helper.make_node("Resize", ["x", "", "", "size"], ["y"], mode="nearest"),
    ]
    constants = {n: np.array([v]) for n, v in (("zero", 0), ("two", 2), ("four", 4))}
    inputs = {"x": (1, 2, "h", "w"), "z": (1, 3, "a", "b")}
    feed = {"x": random(1, 2, 3, 4), "z": random(1, 3, 6, 8)}
    compare(model(nodes, inputs, ["y"], constants), feed)


def test_shape_arithmetic_of_unknown_sizes() -> None:
    """Flatten behind the channels, as exporters write it for any batch."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"], axis=0),
        helper.make_node("Unsqueeze", ["n", "first"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["r"]),
        helper.make_node("MatMul", ["r", "w"], ["y"]),
    ]
    constants = {
        "zero": np.array(0),
        "first": np.array([0]),
        "rest": np.array([-1]),
        "w": random(60, 7),
    }
    feed = {"x": random(3, 3, 4, 5)}
    compare(model(nodes, {"x": ("n", 3, 4, 5)}, ["y"], constants), feed)


def test_more_elementwise() -> None:
    for op in ("Selu", "Elu", "Celu", "ThresholdedRelu", "LeakyRelu"):
        compare(one(op, (3, 4), alpha=0.7))
    compare(one("HardSigmoid", (3, 4), alpha=0.3, beta=0.4))
    compare(one("Gelu", (3, 4), opset=20, approximate="tanh"))
    compare(one("Shrink", (3, 4), lambd=0.6, bias=0.2))
    compare(one("Mod", (3, 4), {"d": np.array([0.7], np.float32)}, fmod=1))
    for exponent in (2.0, 0.5, -1.0, 3.0):
        feed = {"x": np.abs(random(3, 4)) + 0.5}
        compare(one("Pow", (3, 4), {"e": np.array(exponent, np.float32)}), feed)
    compare(one("Pow", (3, 4), {"e": np.array([3], np.int64)}))


def test_integers_stay_integers() -> None:
    feed = {"x": np.array([[7, -7, 200], [-200, 3, 0]], np.float32)}
    nodes = [
        helper.make_node("Cast", ["x"], ["i"], to=7),
        helper.make_node("Div", ["i", "two"], ["d"]),
        helper.make_node("Clip", ["d", "low", "high"], ["c"]),
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Cast", ["c"], ["f"], to=1),
        helper.make_node("Add", ["f", "r"], ["y"]),
    ]
    constants = {"two": np.array(2), "low": np.array(-50), "high": np.array(50)}
    compare(model(nodes, {"x": (2, 3)}, ["y"], constants), feed)


def test_attention() -> None:
    """Scaled dot products of two heads, as PyTorch exports them."""
    nodes = [
        helper.make_node("MatMul", ["x", "wqkv"], ["qkv"]),
        helper.make_node("Split", ["qkv"], ["q0", "k0", "v0"], axis=-1),
        *(
            node
            for t in "qkv"
            for node in (
                helper.make_node("Reshape", [f"{t}0", "heads"], [f"{t}1"]),
                helper.make_node("Transpose", [f"{t}1"], [t], perm=[0, 2, 1, 3]),
            )
        ),
        helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["q", "kt"], ["qk"]),
        helper.make_node("Div", ["qk", "root"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["p"], axis=-1),
        helper.make_node("MatMul", ["p", "v"], ["o"]),
        helper.make_node("Transpose", ["o"], ["ot"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["ot", "back"], ["y"]),
    ]
    constants = {
        "wqkv": random(6, 18),
        "heads": np.array([0, 0, 2, 3]),
        "root": np.array(3**0.5, np.float32),
        "back": np.array([0, 0, -1]),
    }
    graph = compare(model(nodes, {"x": (2, 5, 6)}, ["y"], constants))
    assert sum(n.op == "Transpose" for n in graph.nodes) <= 4
