# SPDX-License-Identifier: Apache-2.0
"""Cases of TensorFlow's operators that rearrange, select and scatter, and of its loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from generating import Case, Gen, generator, raw


@generator("Identity", "Snapshot", "StopGradient", "PreventGradient")
def identity(g: Gen, op: str) -> Case:
    return raw(op, {"input": g.any(g.shape())})


@generator("CheckNumerics")
def check_numerics(g: Gen, op: str) -> Case:
    return raw(op, {"tensor": g.f32(g.shape())}, message="no number")


@generator("EnsureShape")
def ensure_shape(g: Gen, op: str) -> Case:
    shape = g.shape()
    return raw(op, {"input": g.f32(shape)}, shape=shape)


@generator("IdentityN")
def identity_n(g: Gen, op: str) -> Case:
    arrays = [g.any(g.shape()) for _ in range(g.int(1, 3))]
    return Case(lambda *t: tf.raw_ops.IdentityN(input=list(t)), arrays)


@generator("PlaceholderWithDefault")
def with_default(g: Gen, op: str) -> Case:
    shape = g.shape()
    return raw(op, {"input": g.f32(shape)}, shape=[None] * len(shape))


@generator("Const")
def const(g: Gen, op: str) -> Case:
    shape = g.shape()
    value = np.ones(shape, np.float32) * 2 if g.bool() else g.f32(shape)
    return Case(lambda x: tf.constant(value) + x, [g.f32(())])


@generator("Reshape")
def reshape(g: Gen, op: str) -> Case:
    shape = g.shape(0, 4)
    factors = list(shape)
    g.rng.shuffle(factors)
    target = [*factors, 1] if g.bool() else factors
    if target and g.bool():
        target[g.int(0, len(target) - 1)] = -1
    return raw(op, {"tensor": g.any(shape)}, shape=np.array(target, g.pick([np.int32, np.int64])))


@generator("Squeeze")
def squeeze(g: Gen, op: str) -> Case:
    shape = tuple(1 if g.bool() else g.int(2, 4) for _ in range(g.int(0, 5)))
    axes = [i - len(shape) if g.bool() else i for i, d in enumerate(shape) if d == 1 and g.bool()]
    return raw(op, {"input": g.any(shape)}, axis=axes)


@generator("ExpandDims")
def expand_dims(g: Gen, op: str) -> Case:
    shape = g.shape(0, 4)
    return raw(op, {"input": g.any(shape)}, axis=np.int32(g.axis(len(shape) + 1)))


@generator("Shape", "Size")
def shape_of(g: Gen, op: str) -> Case:
    return raw(op, {"input": g.any(g.shape())}, out_type=g.pick([tf.int32, tf.int64]))


@generator("Rank")
def rank(g: Gen, op: str) -> Case:
    return raw(op, {"input": g.any(g.shape())})


@generator("ShapeN")
def shape_n(g: Gen, op: str) -> Case:
    arrays = [g.f32(g.shape()) for _ in range(g.int(1, 3))]
    kind = g.pick([tf.int32, tf.int64])
    return Case(lambda *t: tf.raw_ops.ShapeN(input=list(t), out_type=kind), arrays)


@generator("BroadcastTo")
def broadcast_to(g: Gen, op: str) -> Case:
    shape = g.shape(0, 4)
    source = [1 if g.bool() else d for d in shape][g.int(0, len(shape)) :]
    return raw(op, {"input": g.any(source)}, shape=np.array(shape, np.int32))


@generator("ZerosLike", "OnesLike")
def zeros_like(g: Gen, op: str) -> Case:
    return raw(op, {"x": g.any(g.shape())})


@generator("StridedSlice")
def strided_slice(g: Gen, op: str) -> Case:
    """Every mask, with an ellipsis and new axes among the dimensions."""
    shape = g.shape(1, 4, 1, 5)
    begin, end, strides, masks = [], [], [], dict.fromkeys(("b", "e", "l", "n", "s"), 0)
    entries = g.int(1, len(shape))
    ellipsis = g.int(0, entries) if g.bool() else -1
    dim, bit = 0, 0

    def entry(first: int, last: int, step: int) -> None:
        nonlocal bit
        begin.append(first)
        end.append(last)
        strides.append(step)
        bit += 1

    for place in range(entries):
        if place == ellipsis:
            masks["l"] |= 1 << bit
            entry(0, 0, 1)
            dim = len(shape) - (entries - place)
        if g.int(0, 4) == 0:
            masks["n"] |= 1 << bit
            entry(0, 1, 1)
        size = shape[dim]
        if g.int(0, 3) == 0:
            masks["s"] |= 1 << bit
            index = g.int(-size, size - 1)
            entry(index, index + 1, 1)
        else:
            step = g.pick([1, 1, 2, -1, -2])
            first, last = g.int(0, size - 1), g.int(0, size)
            if step > 0:
                first, last = min(first, last), max(first, last)
            else:
                first, last = max(first, last), min(first, last) - 1
                last = last if last >= 0 else -size - 1
            masks["b"] |= (1 << bit) if g.int(0, 2) == 0 else 0
            masks["e"] |= (1 << bit) if g.int(0, 2) == 0 else 0
            entry(first, last, step)
        dim += 1
    attrs = {
        "begin": np.array(begin, np.int32),
        "end": np.array(end, np.int32),
        "strides": np.array(strides, np.int32),
        "begin_mask": masks["b"],
        "end_mask": masks["e"],
        "ellipsis_mask": masks["l"],
        "new_axis_mask": masks["n"],
        "shrink_axis_mask": masks["s"],
    }
    return raw(op, {"input": g.any(shape)}, **attrs)


@generator("Slice")
def slice_(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4, 1, 5)
    begin = [g.int(0, d - 1) for d in shape]
    size = [g.pick([-1, g.int(1, d - b)]) for b, d in zip(begin, shape, strict=True)]
    dtype = g.pick([np.int32, np.int64])
    return raw(
        op, {"input": g.any(shape)}, begin=np.array(begin, dtype), size=np.array(size, dtype)
    )


@generator("Pack")
def pack(g: Gen, op: str) -> Case:
    shape, kind = g.shape(0, 4), g.pick("fil")
    axis = g.axis(len(shape) + 1)
    arrays = [g.any(shape, kind) for _ in range(g.int(1, 3))]
    return Case(lambda *t: tf.raw_ops.Pack(values=list(t), axis=axis), arrays)


@generator("Unpack")
def unpack(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    axis = g.axis(len(shape))
    return raw(op, {"value": g.any(shape)}, num=shape[axis], axis=axis)


@generator("Concat", "ConcatV2")
def concat(g: Gen, op: str) -> Case:
    shape, kind = g.shape(1, 4), g.pick("fil")
    axis = g.axis(len(shape))
    arrays = []
    for _ in range(g.int(2, 4)):
        dims = list(shape)
        dims[axis] = g.int(1, 3)
        arrays.append(g.any(dims, kind))
    if op == "Concat":
        place = np.int32(axis % len(shape))
        return Case(lambda *t: tf.raw_ops.Concat(concat_dim=place, values=list(t)), arrays)
    return Case(lambda *t: tf.raw_ops.ConcatV2(values=list(t), axis=np.int32(axis)), arrays)


@generator("Split")
def split(g: Gen, op: str) -> Case:
    shape = list(g.shape(1, 4))
    axis, parts = g.axis(len(shape)), g.int(1, 3)
    shape[axis] = parts * g.int(1, 3)
    return raw(op, {"value": g.any(shape)}, axis=np.int32(axis), num_split=parts)


@generator("SplitV")
def split_v(g: Gen, op: str) -> Case:
    shape = list(g.shape(1, 4))
    axis, sizes = g.axis(len(shape)), g.ints(g.int(1, 4), 1, 3)
    shape[axis] = sum(sizes)
    if g.bool():
        sizes[g.int(0, len(sizes) - 1)] = -1
    attrs = {"size_splits": np.array(sizes, np.int32), "num_split": len(sizes)}
    return raw(op, {"value": g.any(shape)}, axis=np.int32(axis), **attrs)


@generator("Transpose")
def transpose(g: Gen, op: str) -> Case:
    shape = g.shape(0, 5)
    perm = g.rng.permutation(len(shape)).astype(np.int32)
    return raw(op, {"x": g.any(shape)}, perm=perm)


@generator("Tile")
def tile(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    repeats = np.array(g.ints(len(shape), 1, 3), np.int32)
    return raw(op, {"input": g.any(shape)}, multiples=repeats)


@generator("Gather")
def gather(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    return raw(op, {"params": g.any(shape), "indices": g.i32(g.shape(0, 2), 0, shape[0] - 1)})


@generator("GatherV2")
def gather_v2(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    axis = g.axis(len(shape))
    batch = g.int(0, min(2, axis % len(shape)))
    dtype = g.pick([np.int32, np.int64])
    indices = g.i32((*shape[:batch], *g.shape(0, 2)), 0, shape[axis] - 1, dtype)
    attrs = {"axis": np.int32(axis), "batch_dims": batch}
    return raw(op, {"params": g.any(shape), "indices": indices}, **attrs)


@generator("GatherNd")
def gather_nd(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    depth = g.int(1, len(shape))
    rows = g.shape(0, 2)
    columns = [g.i32(rows, 0, shape[i] - 1) for i in range(depth)]
    return raw(op, {"params": g.any(shape), "indices": np.stack(columns, -1)})


@generator("ScatterNd")
def scatter_nd(g: Gen, op: str) -> Case:
    shape = g.shape(1, 3, 1, 5)
    depth = g.int(1, len(shape))
    rows = g.int(1, 4)
    indices = np.stack([g.i32((rows,), 0, shape[i] - 1) for i in range(depth)], -1)
    updates = g.any((rows, *shape[depth:]), "fi")
    return raw(op, {"indices": indices, "updates": updates}, shape=np.array(shape, np.int32))


@generator(
    "TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub", "TensorScatterMax",
    "TensorScatterMin",
)  # fmt: skip
def tensor_scatter(g: Gen, op: str) -> Case:
    shape = g.shape(1, 3, 2, 5)
    depth = g.int(1, len(shape))
    places = g.rng.permutation(int(np.prod(shape[:depth])))[: g.int(1, 4)]
    indices = np.stack(np.unravel_index(places, shape[:depth]), -1).astype(np.int32)
    kind = g.pick("fi")
    updates = g.any((len(places), *shape[depth:]), kind)
    return raw(op, {"tensor": g.any(shape, kind), "indices": indices, "updates": updates})


@generator("Pad", "PadV2")
def pad(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    paddings = np.array([g.ints(2, 0, 2) for _ in shape], np.int32)
    extra = {"constant_values": np.float32(-1.5)} if op == "PadV2" else {}
    return raw(op, {"input": g.f32(shape)}, paddings=paddings, **extra)


@generator("MirrorPad")
def mirror_pad(g: Gen, op: str) -> Case:
    shape, mode = g.shape(1, 4, 2, 4), g.pick(["REFLECT", "SYMMETRIC"])
    most = [d - 1 if mode == "REFLECT" else d for d in shape]
    paddings = np.array([g.ints(2, 0, m) for m in most], np.int32)
    return raw(op, {"input": g.f32(shape)}, paddings=paddings, mode=mode)


@generator("ReverseV2")
def reverse(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    axes = [i for i in range(len(shape)) if g.bool()]
    return raw(op, {"tensor": g.any(shape)}, axis=np.array(axes, np.int32))


@generator("Reverse")
def old_reverse(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    return raw(op, {"tensor": g.any(shape)}, dims=g.truth((len(shape),)))


@generator("ReverseSequence")
def reverse_sequence(g: Gen, op: str) -> Case:
    shape = g.shape(2, 4, 1, 5)
    batch, time = g.rng.permutation(len(shape))[:2]
    lengths = g.i32((shape[batch],), 0, shape[time], np.int64)
    feeds = {"input": g.f32(shape), "seq_lengths": lengths}
    return raw(op, feeds, seq_dim=int(time), batch_dim=int(batch))


@generator("OneHot")
def one_hot(g: Gen, op: str) -> Case:
    shape = g.shape(0, 3)
    depth, axis = g.int(1, 5), g.int(-1, len(shape))
    indices = g.i32(shape, -1, depth, g.pick([np.int32, np.int64]))
    on, off = g.pick([(np.float32(2), np.float32(-1)), (np.int32(1), np.int32(0))])
    return raw(op, {"indices": indices}, depth=depth, on_value=on, off_value=off, axis=axis)


@generator("TopKV2")
def top_k(g: Gen, op: str) -> Case:
    shape = g.shape(1, 3, 1, 6)
    x = g.rng.permuted(_different(shape), axis=-1) if g.bool() else np.round(g.f32(shape))
    return raw(op, {"input": x}, k=np.int32(g.int(1, shape[-1])))


def _different(shape: tuple[int, ...]) -> Any:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@generator("Where")
def where(g: Gen, op: str) -> Case:
    return raw(op, {"condition": g.any(g.shape(1, 3), "bif")})


@generator("Unique")
def unique(g: Gen, op: str) -> Case:
    return raw(op, {"x": g.i32((g.int(1, 9),), 0, 4)}, out_idx=g.pick([tf.int32, tf.int64]))


@generator("UniqueV2")
def unique_v2(g: Gen, op: str) -> Case:
    axis = np.array([0], np.int32)
    return raw(op, {"x": g.i32((g.int(1, 9),), 0, 4)}, axis=axis)


@generator("Roll")
def roll(g: Gen, op: str) -> Case:
    shape = g.shape(1, 4)
    axes = [i for i in range(len(shape)) if g.bool()] or [0]
    shifts = np.array(g.ints(len(axes), -6, 6), np.int32)
    return raw(op, {"input": g.any(shape)}, shift=shifts, axis=np.array(axes, np.int32))


@generator("MatrixBandPart")
def matrix_band_part(g: Gen, op: str) -> Case:
    shape = g.shape(2, 4, 1, 5)
    lower, upper = (np.int64(g.int(-1, min(shape[-2:]))) for _ in range(2))
    return raw(op, {"input": g.f32(shape)}, num_lower=lower, num_upper=upper)


@generator("InvertPermutation")
def invert_permutation(g: Gen, op: str) -> Case:
    order = g.rng.permutation(g.int(1, 6)).astype(np.int32)
    return Case(lambda x: tf.raw_ops.InvertPermutation(x=order) + x, [g.i32(())])


@generator("DataFormatVecPermute")
def vec_permute(g: Gen, op: str) -> Case:
    formats = g.pick([("NHWC", "NCHW"), ("NCHW", "NHWC")])
    shape = (4, 2) if g.bool() else (4,)
    return raw(op, {"x": g.i32(shape)}, src_format=formats[0], dst_format=formats[1])


@generator("DataFormatDimMap")
def dim_map(g: Gen, op: str) -> Case:
    formats = g.pick([("NHWC", "NCHW"), ("NCHW", "NHWC")])
    x = g.i32(g.shape(0, 2), -4, 3)
    return raw(op, {"x": x}, src_format=formats[0], dst_format=formats[1])


@generator(
    "NonMaxSuppression",
    "NonMaxSuppressionV2",
    "NonMaxSuppressionV3",
    "NonMaxSuppressionV4",
    "NonMaxSuppressionV5",
)
def non_max_suppression(g: Gen, op: str) -> Case:
    count = g.int(1, 12)
    corner, size = g.f32((count, 2), 0, 4), g.f32((count, 2), 0.5, 3)
    scores = g.rng.permutation(count).astype(np.float32) / count
    feeds = {"boxes": np.concatenate([corner, corner + size], 1), "scores": scores}
    attrs: dict[str, Any] = {"max_output_size": np.int32(g.int(1, 8)), "iou_threshold": 0.4}
    if op != "NonMaxSuppression":
        attrs["iou_threshold"] = np.float32(g.pick([0.2, 0.5]))
    if op[-2:] in ("V3", "V4", "V5"):
        attrs["score_threshold"] = np.float32(g.pick([-1.0, 0.3]))
    if op == "NonMaxSuppressionV5":
        attrs["soft_nms_sigma"] = np.float32(0)
    if op[-2:] in ("V4", "V5"):
        attrs["pad_to_max_output_size"] = g.bool()
    return raw(op, feeds, **attrs)


@generator("While", "StatelessWhile")
def while_(g: Gen, op: str) -> Case:
    """A counter, a state and what the loop never changes."""
    steps, factor = g.int(0, 5), g.f32((3,))

    def build(x: Any) -> Any:
        tf.compat.v1.enable_control_flow_v2()
        return _loop(steps, lambda i, s: (i + 1, tf.tanh(s * factor) + tf.cast(i, s.dtype)), x)

    return Case(build, [g.f32((2, 3))])


def _loop(steps: int, body: Any, *state: Any) -> Any:
    results = tf.while_loop(
        lambda i, *_: i < steps, body, (tf.constant(0), *state), parallel_iterations=1
    )
    return list(results)


@generator("If", "StatelessIf", "Case", "StatelessCase")
def branch(g: Gen, op: str) -> Case:
    choice = g.int(0, 2)

    def build(x: Any) -> Any:
        tf.compat.v1.enable_control_flow_v2()
        if op.endswith("If"):
            which = tf.constant(choice) > 0
            return tf.cond(which, lambda: (x + 1, x * 2), lambda: (tf.tanh(x), x))
        return tf.switch_case(tf.constant(choice), [lambda: x + 1, lambda: x * 2, lambda: -x])

    return Case(build, [g.f32(g.shape(1, 3))])


_LISTS = (
    "EmptyTensorList", "TensorListConcat", "TensorListConcatV2", "TensorListFromTensor",
    "TensorListGather", "TensorListGetItem", "TensorListLength", "TensorListPopBack",
    "TensorListPushBack", "TensorListReserve", "TensorListSetItem", "TensorListStack",
)  # fmt: skip


@generator(*_LISTS)
def tensor_list(g: Gen, op: str) -> Case:
    """Lists filled in every way."""
    shape = g.shape(1, 3)
    ops: Any = tf.raw_ops
    inner = np.array(shape[1:], np.int32)
    any_shape = np.int32(-1)

    def build(x: Any) -> list[Any]:
        given = ops.TensorListFromTensor(tensor=x, element_shape=inner)
        get = {"element_dtype": tf.float32, "element_shape": inner}
        first = ops.TensorListGetItem(input_handle=given, index=0, **get)
        made = ops.TensorListReserve(element_shape=inner, num_elements=2, element_dtype=tf.float32)
        made = ops.TensorListSetItem(input_handle=made, index=1, item=first)
        made = ops.TensorListSetItem(input_handle=made, index=0, item=first * 2)
        grown = ops.EmptyTensorList(
            element_shape=inner, max_num_elements=-1, element_dtype=tf.float32
        )
        for item in (first, first + 1, first - 1):
            grown = ops.TensorListPushBack(input_handle=grown, tensor=item)
        grown, last = ops.TensorListPopBack(
            input_handle=grown, element_shape=inner, element_dtype=tf.float32
        )
        rows = ops.TensorListFromTensor(tensor=tf.stack([x, x + 1]), element_shape=np.array(shape))
        whole = ops.TensorListGather(input_handle=rows, indices=[1, 0, 1], element_dtype=tf.float32,
                                     element_shape=np.array(shape))  # fmt: skip
        results = [
            last,
            whole,
            ops.TensorListLength(input_handle=given),
            ops.TensorListLength(input_handle=grown),
            ops.TensorListStack(input_handle=made, num_elements=2, **get),
            ops.TensorListStack(input_handle=grown, num_elements=-1, **get),
        ]
        if op.startswith("TensorListConcat"):
            listed = ops.EmptyTensorList(
                element_shape=any_shape, max_num_elements=-1, element_dtype=tf.float32
            )
            for item in (x, x * 3):
                listed = ops.TensorListPushBack(input_handle=listed, tensor=item)
            if op == "TensorListConcat":
                joined = ops.TensorListConcat(input_handle=listed, element_dtype=tf.float32)
            else:
                joined = ops.TensorListConcatV2(
                    input_handle=listed, element_dtype=tf.float32, leading_dims=[], element_shape=any_shape
                )  # fmt: skip
            results.append(joined[0])
        return results

    return Case(build, [g.f32(shape)])
