# SPDX-License-Identifier: Apache-2.0
"""Cases of TensorFlow's arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from generating import Case, Gen, generator, raw


@generator("Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference")
def binary(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    kind = g.pick("fil")
    return raw(op, {"x": g.any(first, kind), "y": g.any(second, kind)})


@generator("RealDiv", "Div", "FloorDiv", "FloorMod", "TruncateMod", "TruncateDiv", "Mod")
def division(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    integers = (op not in ("RealDiv",) and g.bool()) or op in ("TruncateDiv", "Mod")
    if integers:
        dtype = g.pick([np.int32, np.int64])
        divisor = g.i32(second, 1, 5, dtype) * g.pick([1, -1])
        return raw(op, {"x": g.i32(first, -20, 20, dtype), "y": divisor.astype(dtype)})
    divisor = g.f32(second, 0.5, 3) * np.float32(g.pick([1, -1]))
    return raw(op, {"x": g.f32(first, -5, 5), "y": divisor})


@generator("Pow")
def power(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    return raw(op, {"x": g.f32(first, 0.1, 3), "y": g.f32(second, -2, 3)})


@generator("Atan2")
def atan2(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    return raw(op, {"y": g.f32(first), "x": g.f32(second)})


@generator("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual")
def comparison(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    kind = g.pick("il") if g.bool() else "f"
    x, y = g.any(first, kind), g.any(second, kind)
    if kind == "f":
        x, y = np.round(x), np.round(y)
    return raw(op, {"x": x, "y": y})


@generator("LogicalAnd", "LogicalOr")
def logic(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    return raw(op, {"x": g.truth(first), "y": g.truth(second)})


@generator("LogicalNot")
def logical_not(g: Gen, op: str) -> Case:
    return raw(op, {"x": g.truth(g.shape())})


@generator("BitwiseAnd", "BitwiseOr", "BitwiseXor")
def bits(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    dtype = g.pick([np.int32, np.int64])
    return raw(op, {"x": g.i32(first, -99, 99, dtype), "y": g.i32(second, -99, 99, dtype)})


@generator("LeftShift", "RightShift")
def shift(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    return raw(op, {"x": g.i32(first, -99, 99), "y": g.i32(second, 0, 9)})


@generator("Invert")
def invert(g: Gen, op: str) -> Case:
    return raw(op, {"x": g.i32(g.shape(), -99, 99, g.pick([np.int32, np.int64]))})


@generator("AddN", "AccumulateNV2")
def add_n(g: Gen, op: str) -> Case:
    shape, count = g.shape(), g.int(1, 4)

    def build(*tensors: Any) -> Any:
        if op == "AddN":
            return tf.raw_ops.AddN(inputs=list(tensors))
        return tf.raw_ops.AccumulateNV2(inputs=list(tensors), shape=shape)

    return Case(build, [g.f32(shape) for _ in range(count)])


_RANGES = {
    "Neg": (-3, 3),
    "Abs": (-3, 3),
    "Square": (-3, 3),
    "Sign": (-3, 3),
    "Sqrt": (0, 4),
    "Rsqrt": (0.1, 4),
    "Inv": (0.3, 4),
    "Reciprocal": (0.3, 4),
    "Exp": (-4, 4),
    "Expm1": (-4, 4),
    "Log": (0.1, 4),
    "Log1p": (-0.8, 4),
    "Floor": (-5, 5),
    "Ceil": (-5, 5),
    "Round": (-5, 5),
    "Rint": (-5, 5),
    "Erf": (-3, 3),
    "Erfc": (-3, 3),
    "Sin": (-4, 4),
    "Cos": (-4, 4),
    "Tan": (-1.3, 1.3),
    "Asin": (-0.95, 0.95),
    "Acos": (-0.95, 0.95),
    "Atan": (-4, 4),
    "Sinh": (-4, 4),
    "Cosh": (-4, 4),
    "Asinh": (-4, 4),
    "Acosh": (1.1, 5),
    "Atanh": (-0.9, 0.9),
}


@generator(*_RANGES)
def unary(g: Gen, op: str) -> Case:
    x = g.f32(g.shape(), *_RANGES[op])
    if op in ("Round", "Rint", "Floor", "Ceil") and g.bool():
        x = np.round(x * 2) / 2  # halves and whole numbers
    if op in ("Neg", "Abs", "Sign", "Square") and g.bool():
        x = g.any(x.shape, "il")
    return raw(op, {"x": x})


@generator("IsNan", "IsInf", "IsFinite")
def odd_numbers(g: Gen, op: str) -> Case:
    values = np.array([0, 1.5, -3, np.inf, -np.inf, np.nan], np.float32)
    return raw(op, {"x": g.rng.choice(values, g.shape(1, 4))})


@generator("DivNoNan", "MulNoNan", "Xdivy")
def no_nan(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    y = np.round(g.f32(second, -1.4, 1.4))
    x = np.round(g.f32(first))
    if op == "Xdivy":
        y = np.where(y == 0, np.float32(1), y)
    return raw(op, {"x": x, "y": y})


@generator("Xlogy", "Xlog1py")
def x_log_y(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    return raw(op, {"x": np.round(g.f32(first)), "y": g.f32(second, 0.1, 3)})


@generator("ApproximateEqual")
def approximate_equal(g: Gen, op: str) -> Case:
    shape = g.shape()
    x, y = np.round(g.f32(shape)), np.round(g.f32(shape))
    return raw(op, {"x": x, "y": y}, tolerance=1e-4)


@generator("Softsign")
def softsign(g: Gen, op: str) -> Case:
    return raw(op, {"features": g.f32(g.shape())})


@generator("L2Loss")
def l2_loss(g: Gen, op: str) -> Case:
    return raw(op, {"t": g.f32(g.shape())})


@generator("ClipByValue")
def clip(g: Gen, op: str) -> Case:
    feeds = {"t": g.f32(g.shape())}
    return raw(op, feeds, clip_value_min=np.float32(-1), clip_value_max=np.float32(0.5))


@generator("Mean", "Sum", "Max", "Min", "Prod", "EuclideanNorm", "All", "Any")
def reduce(g: Gen, op: str) -> Case:
    shape = g.shape(1, 5)
    kinds = {"All": "b", "Any": "b", "Mean": "f", "EuclideanNorm": "f"}.get(op, "fi")
    axes = sorted({g.int(0, len(shape) - 1) for _ in range(g.int(0, len(shape)))})
    axes = [a - len(shape) if g.bool() else a for a in axes]
    axis: Any = np.array(axes, np.int32)
    if len(axes) == 1 and g.bool():
        axis = np.int32(axes[0])
    return raw(op, {"input": g.any(shape, kinds)}, axis=axis, keep_dims=g.bool())


@generator("ArgMax", "ArgMin")
def arg_max(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    x = np.round(g.f32(shape)) if g.bool() else g.i32(shape)
    kind = g.pick([tf.int32, tf.int64])
    return raw(op, {"input": x}, dimension=np.int32(g.axis(len(shape))), output_type=kind)


@generator("MatMul")
def mat_mul(g: Gen, op: str) -> Case:
    m, k, n = g.ints(3, 1, 6)
    first, second = g.bool(), g.bool()
    a, b = g.f32((k, m) if first else (m, k)), g.f32((n, k) if second else (k, n))
    attrs = {"transpose_a": first, "transpose_b": second}
    if g.bool():
        return raw(op, {"a": a}, b=b, **attrs)
    return raw(op, {"a": a, "b": b}, **attrs)


@generator("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")
def batch_mat_mul(g: Gen, op: str) -> Case:
    m, k, n = g.ints(3, 1, 5)
    first, second = g.bool(), g.bool()
    batch, other = g.broadcast()
    batch, other = (batch[:3], other[:3]) if op != "BatchMatMul" else (batch[:3], batch[:3])
    if op != "BatchMatMul":
        try:
            np.broadcast_shapes(batch, other)
        except ValueError:
            other = batch
    x = g.f32((*batch, *((k, m) if first else (m, k))))
    y = g.f32((*other, *((n, k) if second else (k, n))))
    attrs: dict[str, Any] = {"adj_x": first, "adj_y": second}
    if op == "BatchMatMulV3":
        attrs["Tout"] = tf.float32
    return raw(op, {"x": x, "y": y}, **attrs)


@generator("Einsum")
def einsum(g: Gen, op: str) -> Case:
    sizes = {c: g.int(1, 4) for c in "abcde"}
    equation = g.pick(
        ["ab,bc->ac", "abc,cd->abd", "abc,abd->acd", "abcd,abed->abce", "ab->ba", "abc->c",
         "a,b->ab", "ab,ab->", "abc,ac->ab", "...ab,...bc->...ac", "abc,cde->abde",
         "aecd,abcd->acbe", "acbe,aecd->abcd", "...a,...b->...ab", "abc,cd->adb"]
    )  # fmt: skip
    lead = g.shape(0, 2) if "..." in equation else ()
    arrays = [
        g.f32((*(lead if "..." in part else ()), *(sizes[c] for c in part.replace("...", ""))))
        for part in equation.split("->")[0].split(",")
    ]
    return Case(lambda *t: tf.raw_ops.Einsum(inputs=list(t), equation=equation), arrays)


@generator("Cumsum", "Cumprod")
def cumulate(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    attrs = {"exclusive": g.bool(), "reverse": g.bool()}
    return raw(op, {"x": g.f32(shape)}, axis=np.int32(g.axis(len(shape))), **attrs)


@generator("Select")
def select(g: Gen, op: str) -> Case:
    shape = g.shape()
    feeds = {"x": g.any(shape, k := g.pick("fil")), "y": g.any(shape, k)}
    which = g.int(0, 2)
    if which == 0 and len(shape) > 1:
        return raw(op, {"condition": g.truth(shape[:1]), **feeds})
    return raw(op, {"condition": g.truth(() if which == 1 else shape), **feeds})


@generator("SelectV2")
def select_v2(g: Gen, op: str) -> Case:
    first, second = g.broadcast()
    kind = g.pick("filb")
    whole = np.broadcast_shapes(first, second)
    cut = g.int(0, len(whole))
    feeds = {"condition": g.truth(whole[cut:]), "t": g.any(first, kind), "e": g.any(second, kind)}
    return raw(op, feeds)


@generator("Cast")
def cast(g: Gen, op: str) -> Case:
    x = g.any(g.shape(), "filb")
    target = g.pick([tf.float32, tf.int32, tf.int64, tf.bool, tf.uint8, tf.int8])
    if target == tf.uint8:
        x = np.abs(x) if x.dtype != np.bool_ else x
    return raw(op, {"x": x}, DstT=target)


@generator("Range")
def range_(g: Gen, op: str) -> Case:
    step = g.pick([1, 2, 3, -1, -2])
    count = g.int(1, 6)
    start = g.int(-5, 5)
    dtype = g.pick([np.int32, np.int64, np.float32])
    limit = dtype(start + step * count)

    def build(x: Any) -> Any:
        # The length of a range has to be known when the model is planned.
        values = tf.raw_ops.Range(start=dtype(start), limit=limit, delta=dtype(step))
        return tf.cast(values, tf.float32) + x

    return Case(build, [np.float32(0.5)])


@generator("LinSpace")
def lin_space(g: Gen, op: str) -> Case:
    return raw(op, {"start": g.f32(()), "stop": g.f32(())}, num=g.int(1, 9))


@generator("Fill")
def fill(g: Gen, op: str) -> Case:
    dims = np.array(g.shape(0, 4), np.int32)
    return raw(op, {"value": g.any((), "fil")}, dims=dims)


@generator("AdjustContrastv2")
def adjust_contrast(g: Gen, op: str) -> Case:
    image = g.f32((g.int(1, 2), g.int(1, 4), g.int(1, 5), g.int(1, 3)))
    return raw(op, {"images": image}, contrast_factor=np.float32(g.pick([0.5, 2.0])))


@generator("Bucketize")
def bucketize(g: Gen, op: str) -> Case:
    boundaries = sorted(g.f32((g.int(1, 5),)).round().tolist())
    return raw(op, {"input": np.round(g.any(g.shape(), "fi"))}, boundaries=boundaries)


@generator("Bitcast")
def bitcast(g: Gen, op: str) -> Case:
    pairs = [(np.float32, tf.int32), (np.int32, tf.float32), (np.uint8, tf.int8)]
    dtype, target = g.pick(pairs)
    return raw(op, {"input": g.i32(g.shape(), 0, 100).astype(dtype)}, type=target)
