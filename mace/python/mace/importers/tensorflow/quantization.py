# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's quantization and its simulation, which stay visible in the graph."""

from __future__ import annotations

import numpy as np

from mace.graph import dtypes
from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import TENSORFLOW, constant, constant_int

_F = np.float32


def _eltwise(builder: Builder, kind: str, tensor: str, value: Array | float) -> str:
    return builder.op("Eltwise", [tensor, builder.const(value, _F)], None, type=kind)


def _nudged(low: Array, high: Array, least: int, most: int) -> tuple[Array, Array]:
    """Step, and the level of zero, which is one of the levels (tensorflow/core/kernels/
    fake_quant_ops_functor.h)."""
    step = (high - low) / _F(most - least)
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = _F(least) - low / step
    level = np.where(zero < least, least, np.where(zero > most, most, np.floor(zero + _F(0.5))))
    return step, np.where(step == 0, least, level)


@TENSORFLOW.register(
    "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"
)
def fake_quant(builder: Builder, node: TfNode) -> None:
    """What is left of a number after it was quantized to a range: kept as Quantize and Dequantize."""
    if node.op == "FakeQuantWithMinMaxArgs":
        low = np.asarray(node.float_attr("min", -6.0), _F)
        high = np.asarray(node.float_attr("max", 6.0), _F)
    else:
        low = constant(builder, node, 1, "min").astype(_F)
        high = constant(builder, node, 2, "max").astype(_F)
    bits = node.int_attr("num_bits", 8)
    if low.shape != high.shape or not 2 <= bits <= 16 or np.any(low > high):
        raise UnsupportedError(f"its range is {low.tolist()} to {high.tolist()} in {bits} bits")
    least, most = int(node.bool_attr("narrow_range")), (1 << bits) - 1
    step, level = _nudged(low, high, least, most)
    first, last = ((_F(v) - level.astype(_F)) * step for v in (least, most))
    tensor = node.input(0)
    if least or bits not in (8, 16) or np.any(step == 0):  # The type's own bounds are others.
        tensor = _eltwise(builder, "MIN", _eltwise(builder, "MAX", tensor, first), last)
    kind = "u8" if bits <= 8 else "u16"
    inputs = [
        builder.const(np.where(step == 0, 1, step), _F, "scale"),
        builder.const(level, dtypes.to_numpy(kind), "zero"),
    ]
    levels = builder.op("Quantize", [tensor, *inputs], None, axis=-1, output_type=kind)
    builder.op("Dequantize", [levels, *inputs], [node.output()], axis=-1)


_LEVELS = {11: ("i8", -128, 127), 12: ("u8", 0, 255)}


def _quantized(builder: Builder, node: TfNode) -> tuple[str, int, int, float, float]:
    """Type, least and largest level, and range of a quantized tensor."""
    number = int(node.attrs["T"].type) if node.has("T") else 12
    if number not in _LEVELS:
        raise UnsupportedError("its quantized type is neither quint8 nor qint8")
    if node.int_attr("axis", -1) != -1:
        raise UnsupportedError("it quantizes each channel by itself")
    low = float(constant(builder, node, 1, "min_range").reshape(-1)[0])
    high = float(constant(builder, node, 2, "max_range").reshape(-1)[0])
    return (*_LEVELS[number], low, high)


@TENSORFLOW.register("QuantizeV2")
def quantize(builder: Builder, node: TfNode) -> None:
    """Numbers as levels of a range."""
    kind, least, most, low, high = _quantized(builder, node)
    mode = node.string_attr("mode", "MIN_COMBINED")
    minimum = node.float_attr("ensure_minimum_range", 0.01)
    # The range holds zero and is no narrower than a hundredth of its size.
    low = min(0.0, low)
    high = max(high, low + max(1.0, abs(low), abs(high)) * minimum, 0.0)
    if mode == "SCALED" and kind == "i8":
        narrow = least + int(node.bool_attr("narrow_range"))
        step = max(low / narrow, high / most)
        scaled = _eltwise(builder, "PROD", node.input(0), 1 / step)
        low, high, least = narrow * step, most * step, narrow
    elif mode == "SCALED":
        step, low = high / most, 0.0
        scaled = _eltwise(builder, "PROD", node.input(0), 1 / step)
    elif mode == "MIN_COMBINED":
        moved = _eltwise(builder, "SUB", node.input(0), low)
        scaled = _eltwise(builder, "PROD", moved, (most - least) / (high - low))
        scaled = _eltwise(builder, "SUM", scaled, least)
    else:
        raise UnsupportedError(f"attribute mode is '{mode}'", "use MIN_COMBINED or SCALED")
    level = builder.op("Unary", [scaled], None, type="ROUND")
    inside = _eltwise(builder, "MIN", _eltwise(builder, "MAX", level, least), most)
    builder.op("Cast", [inside], [node.output()], output_type=kind)
    builder.graph.consts[node.output(1)] = np.asarray(low, _F)
    builder.graph.consts[node.output(2)] = np.asarray(high, _F)


@TENSORFLOW.register("Dequantize")
def dequantize(builder: Builder, node: TfNode) -> None:
    """Levels of a range as numbers."""
    kind, least, most, low, high = _quantized(builder, node)
    mode = node.string_attr("mode", "MIN_COMBINED")
    level = builder.op("Cast", [node.input(0)], None, output_type="f32")
    if mode == "SCALED":
        narrow = least + int(node.bool_attr("narrow_range"))
        step = max(low / narrow, high / most) if kind == "i8" else high / most
        builder.op("Eltwise", [level, builder.const(step, _F)], [node.output()], type="PROD")
        return
    if mode not in ("MIN_COMBINED", "MIN_FIRST"):
        raise UnsupportedError(f"attribute mode is '{mode}'", "use MIN_COMBINED or SCALED")
    raised = _eltwise(builder, "SUB", level, least)
    scaled = _eltwise(builder, "PROD", raised, (high - low) / (most - least))
    builder.op("Eltwise", [scaled, builder.const(low, _F)], [node.output()], type="SUM")


@TENSORFLOW.register(
    "QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4"
)
def quantize_and_dequantize(builder: Builder, node: TfNode) -> None:
    """What is left of a number after it was quantized to a range about zero."""
    bits = node.int_attr("num_bits", 8)
    third = node.op == "QuantizeAndDequantizeV3"
    if third:
        bits = constant_int(builder, node, 3, "num_bits")
    if not node.bool_attr("range_given", third) or not 2 <= bits <= 16:
        raise UnsupportedError(f"it finds its own range, or has {bits} bits", "give it a range")
    if node.string_attr("round_mode", "HALF_TO_EVEN") != "HALF_TO_EVEN":
        raise UnsupportedError("attribute round_mode is not HALF_TO_EVEN")
    low, high = (constant(builder, node, i, w) for i, w in ((1, "input_min"), (2, "input_max")))
    if low.size != 1 or high.size != 1 or low.item() > high.item():
        raise UnsupportedError(f"its range is {low.tolist()} to {high.tolist()}")
    signed = node.bool_attr("signed_input", True)
    most = (1 << (bits - int(signed))) - 1
    least = -most - int(not node.bool_attr("narrow_range")) if signed else 0
    # The end of the range that asks for the larger step decides.
    step = max(low.item() / least if least else 0.0, high.item() / most)
    if step <= 0:
        raise UnsupportedError(f"its range is {low.tolist()} to {high.tolist()}")
    tensor = _eltwise(builder, "MAX", node.input(0), least * step)
    tensor = _eltwise(builder, "MIN", tensor, most * step)
    kind = ("i8" if bits <= 8 else "i16") if signed else ("u8" if bits <= 8 else "u16")
    inputs = [builder.const(step, _F, "scale"), builder.const(0, dtypes.to_numpy(kind), "zero")]
    levels = builder.op("Quantize", [tensor, *inputs], None, axis=-1, output_type=kind)
    builder.op("Dequantize", [levels, *inputs], [node.output()], axis=-1)
