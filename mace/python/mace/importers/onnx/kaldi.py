# SPDX-License-Identifier: Apache-2.0
"""Operators of speech models that kaldi-onnx made of Kaldi's nnet2 and nnet3 networks. A tensor is
... x frames x dimension; which frames are read is given as lists of their positions in the chunk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.functions import KALDI, operator_name
from mace.importers.onnx.node import VERSIONS, Function, OnnxNode, register

_LARGEST = int(np.iinfo(np.int64).max)
# Kaldi's kSquaredNormFloor: what a mean of squares counts as at least.
_SQUARED_NORM_FLOOR = 2.0**-66
_OLD = "convert the Kaldi model again with a newer kaldi-onnx"
# So many elements at most has a table that is made of a node's attributes.
_LARGEST_TABLE = 1 << 26
# kaldi-onnx gives its domain the opset of ONNX that it writes for, 7 at most.
_NEWEST = 7


def kaldi(*ops: str) -> Callable[[Function], Function]:
    """Decorator: the function translates these operators of kaldi-onnx."""
    return register(*(f"{KALDI}.{op}" for op in ops), versions=(1, _NEWEST))


def standardized(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with what kaldi-onnx took over from ONNX in ONNX's own domain: it writes all
    operators into a domain of its own."""
    if not any("kaldi" in o.domain for o in model.opset_import):
        return model
    result = onnx.ModelProto()
    result.CopyFrom(model)
    version = 7
    for opset in result.opset_import:
        if "kaldi" in opset.domain:
            opset.domain = KALDI
            version = max(version, opset.version)
    if not any(not o.domain for o in result.opset_import):
        result.opset_import.add(domain="", version=version)
    for node in result.graph.node:
        if "kaldi" in node.domain:
            node.domain = KALDI
            if operator_name(node) not in VERSIONS and onnx.defs.has(node.op_type):
                node.domain = ""
    return result


def has_shapes(model: onnx.ModelProto, light: onnx.ModelProto) -> bool:
    """Whether the shapes that a model of kaldi-onnx states for tensors between nodes hold for the
    inputs of `light`. Nobody else knows them: onnx infers nothing of operators that are not its own.
    """
    if not any(o.domain == KALDI for o in model.opset_import):
        return False
    own = {info.name: info.type.tensor_type.shape for info in model.graph.input}
    return all(own.get(i.name) == i.type.tensor_type.shape for i in light.graph.input)


def frames_rank(n: OnnxNode) -> int:
    """The rank of the first input, which has at least frames and their elements."""
    rank = n.rank(n.inputs[0])
    if rank < 2:
        raise UnsupportedError(
            f"its input has rank {rank}", "it needs frames x dimension at the end of its shape"
        )
    return rank


def number(n: OnnxNode, name: str, default: int, low: int = 0) -> int:
    """An integer attribute that is not below `low`."""
    value = int(n.attr(name, default))
    if value < low:
        raise UnsupportedError(f"the attribute {name} is {value}; it must be at least {low}")
    return value


def positions(n: OnnxNode, name: str, low: int = 0, tensor: int = 0) -> Array:
    """An attribute that lists frames of an input, -1 where `low` is -1: none."""
    if not len(n.attr(name, [])):
        raise UnsupportedError(f"the attribute {name} is missing or empty", _OLD)
    value = np.asarray(n.attrs[name], np.int64)
    shape = n.shape(n.inputs[tensor])
    count = shape[-2] if shape is not None and len(shape) > 1 and shape[-2] >= 0 else _LARGEST
    wrong = value[(value < low) | (value >= count)]
    if wrong.size:
        many = "its input" if count == _LARGEST else f"its {count} frames"
        raise UnsupportedError(
            f"the attribute {name} names frame {wrong[0]}, which is outside of {many}",
            "the chunk size is fixed when kaldi-onnx converts: use its shape for the input",
        )
    return value


def bounded(elements: int, what: str) -> None:
    """Refuses a table of attributes that no sensible model has, before there is memory for it."""
    if elements > _LARGEST_TABLE:
        raise UnsupportedError(
            f"{what} would take a table of {elements} elements",
            "the attributes are not those of a Kaldi model: convert it again",
        )


def cut(b: Builder, x: str, axis: int, start: int, end: int, outputs: Any = None) -> str:
    """The slice [start, end) of an axis."""
    lists = [b.const([v], np.int64) for v in (start, end, axis)]
    return b.op("Slice", [x, *lists], outputs)


def flat(b: Builder, x: str, rank: int, outputs: Any = None) -> str:
    """Joins all dimensions from the last one of a tensor of that rank on."""
    return b.op("Reshape", [x], outputs, shape=[0] * (rank - 1) + [-1], copy_zeros=True)


def _blocks(b: Builder, x: str, rank: int, *sizes: int) -> str:
    """Splits the last dimension of a tensor of that rank."""
    return b.op("Reshape", [x], shape=[0] * (rank - 1) + list(sizes), copy_zeros=True)


def padded(b: Builder, x: str, rank: int, axis: int, before: int, after: int, **a: Any) -> str:
    """The tensor with more elements before and after those of an axis; zeros unless told."""
    paddings = [0] * (2 * rank)
    paddings[2 * axis : 2 * axis + 2] = [before, after]
    return b.op("Pad", [x], paddings=paddings, **a)


@kaldi("NoOp", "ClipGradient", "BackpropTruncation")
def _identity(b: Builder, n: OnnxNode) -> None:
    b.op("Identity", n.inputs[:1], n.outputs[:1])


@kaldi("Affine", "Linear", "Gemm")
def _affine(b: Builder, n: OnnxNode) -> None:
    """x W^T + bias of the last dimension; of each of num_repeats parts of it, or with as many
    weights as num_blocks, a part for each."""
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    repeats, blocks = number(n, "num_repeats", 1, 1), number(n, "num_blocks", 1, 1)
    if blocks > 1:
        _block_affine(b, n, rank, blocks)
    elif repeats > 1:
        parts = _blocks(b, x, rank, repeats, -1)
        flat(b, b.op("FullyConnected", [parts, *n.inputs[1:3]]), rank, n.outputs)
    else:
        b.op("FullyConnected", n.inputs[:3], n.outputs)


def _block_affine(b: Builder, n: OnnxNode, rank: int, blocks: int) -> None:
    weight = n.constant(b, 1, "its weight")
    if weight.ndim != 2 or weight.shape[0] % blocks:
        raise UnsupportedError(f"its weight of {weight.shape} is not one of {blocks} blocks")
    each = weight.reshape(blocks, -1, weight.shape[1]).transpose(0, 2, 1)
    parts = _blocks(b, n.inputs[0], rank, blocks, 1, -1)
    product = b.op("MatMul", [parts, b.const(each)])
    y = flat(b, product, rank, None if n.input(2) else n.outputs)
    if n.input(2):
        b.op("Eltwise", [y, n.inputs[2]], n.outputs, type="SUM")


@kaldi("Append", "Concat")
def _append(b: Builder, n: OnnxNode) -> None:
    b.op("Concat", n.inputs, n.outputs, axis=n.rank(n.inputs[0]) - 1)


@kaldi("Softmax", "LogSoftmax")
def _softmax(b: Builder, n: OnnxNode) -> None:
    """Of each frame, unlike ONNX's of that opset."""
    b.op("Softmax", n.inputs[:1], n.outputs, axis=-1, log=n.op.endswith("LogSoftmax"))


@kaldi("DimRange")
def _dim_range(b: Builder, n: OnnxNode) -> None:
    offset = number(n, "offset", 0)
    size = number(n, "output_dim", n.attr("dim", 0), 1)
    cut(b, n.inputs[0], n.rank(n.inputs[0]) - 1, offset, offset + size, n.outputs)


@kaldi("Scale")
def _scale(b: Builder, n: OnnxNode) -> None:
    factor = b.const(n.require("scale"), np.float32) if len(n.inputs) < 2 else n.inputs[1]
    b.op("Eltwise", [n.inputs[0], factor], n.outputs, type="PROD")


@kaldi("Scales", "PerEltScale")
def _scales(b: Builder, n: OnnxNode) -> None:
    b.op("Eltwise", n.inputs[:2], n.outputs, type="PROD")


@kaldi("Bias", "PerEltOffset")
def _offsets(b: Builder, n: OnnxNode) -> None:
    b.op("Eltwise", n.inputs[:2], n.outputs, type="SUM")


@kaldi("ScaleOffset")
def _scale_and_offset(b: Builder, n: OnnxNode) -> None:
    scaled = b.op("Eltwise", n.inputs[:2], type="PROD")
    b.op("Eltwise", [scaled, n.inputs[2]], n.outputs, type="SUM")


@kaldi("Permute")
def _permute(b: Builder, n: OnnxNode) -> None:
    order = np.ravel(n.constant(b, 1, "its column map")).astype(np.int64)
    if sorted(order) != list(range(order.size)):
        raise UnsupportedError("its column map does not name each column once")
    axis = n.rank(n.inputs[0]) - 1
    b.op("Gather", [n.inputs[0], b.const(order)], n.outputs, axis=axis)


@kaldi("Subsample", "Offset", "ReplaceIndex", "Round")
def _chosen_frames(b: Builder, n: OnnxNode) -> None:
    """Frames by their positions. Where a node has none, kaldi-onnx made it before it knew
    subsampling: an offset was none then, its context being in the frames of the input."""
    rank = frames_rank(n)
    if n.op == f"{KALDI}.Offset" and "forward_indexes" not in n.attrs:
        b.op("Identity", n.inputs[:1], n.outputs)
        return
    places = b.const(positions(n, "forward_indexes"))
    b.op("Gather", [n.inputs[0], places], n.outputs, axis=rank - 2)


@kaldi("Splice")
def _splice(b: Builder, n: OnnxNode) -> None:
    """Appends the frames of a context to each other. The last const_component_dim elements are
    not spliced: they are those of the first frame."""
    x, rank = n.inputs[0], frames_rank(n)
    context = [int(c) for c in n.attr("context", [])] or [0]
    constant = number(n, "const_component_dim", 0)
    moving = cut(b, x, rank - 1, 0, -constant) if constant else x
    last = None if constant else n.outputs
    if "forward_indexes" in n.attrs:
        places = positions(n, "forward_indexes")
        if places.size % len(context):
            raise UnsupportedError(
                f"the attribute forward_indexes has {places.size} frames for a context of "
                f"{len(context)}"
            )
        places = places.reshape(-1, len(context))
        spread = b.op("Gather", [moving, b.const(places)], axis=rank - 2)
        y = flat(b, spread, rank, last)
        first = places[:, 0]
        if constant and len(n.attr("forward_const_indexes", [])):
            first = positions(n, "forward_const_indexes")
        if first.size != len(places):
            raise UnsupportedError(
                f"the attribute forward_const_indexes has {first.size} frames instead of "
                f"{len(places)}"
            )
        rest = b.op("Gather", [x, b.const(first)], axis=rank - 2) if constant else ""
    else:
        low, high = min(context), max(context)
        shifted = [cut(b, moving, rank - 2, c - low, c - high or _LARGEST) for c in context]
        y = b.op("Concat", shifted, last, axis=rank - 1)
        start = context[0] - low
        end = context[0] - high or _LARGEST
        rest = cut(b, x, rank - 2, start, end) if constant else ""
    if constant:
        rest = cut(b, rest, rank - 1, -constant, _LARGEST)
        b.op("Concat", [y, rest], n.outputs, axis=rank - 1)


@kaldi("IfDefined")
def _if_defined(b: Builder, n: OnnxNode) -> None:
    """Frames of before: zeros, or those of a cache, where there were none yet. A cache is an input
    of the model that holds what the first input was in the chunk before."""
    x, rank, offset = n.inputs[0], frames_rank(n), int(n.attr("offset", 0))
    if offset > 0:
        raise UnsupportedError(f"the attribute offset is {offset}; it must not be above 0")
    if offset == 0:
        b.op("Identity", [x], n.outputs)
        return
    if "forward_indexes" not in n.attrs:
        delayed = padded(b, x, rank, rank - 2, -offset, 0)
        cut(b, delayed, rank - 2, 0, offset, n.outputs)
        return
    places = positions(n, "forward_indexes", low=-1)
    shape = n.shape(x)
    if shape is not None and shape[-2] > places.size:  # there is a result for each frame
        bounded(shape[-2], "its frames")
        missing = np.full(shape[-2] - places.size, -1, np.int64)
        places = np.concatenate([places, missing])
    cached = np.zeros(0, np.int64)
    if len(n.inputs) > 1 and len(n.attr("cache_forward_indexes", [])):
        cached = positions(n, "cache_forward_indexes", tensor=1)
        before = int(np.argmax(places >= 0)) if (places >= 0).any() else places.size
        if cached.size != before:
            raise UnsupportedError(
                f"the attribute cache_forward_indexes has {cached.size} frames for {before} that "
                "are not in the chunk"
            )
    with_zeros = padded(b, x, rank, rank - 2, 1, 0)
    rest = b.const(places[cached.size :] + 1)
    if not cached.size:
        b.op("Gather", [with_zeros, rest], n.outputs, axis=rank - 2)
        return
    parts = [b.op("Gather", [n.inputs[1], b.const(cached)], axis=rank - 2)]
    if cached.size < places.size:
        parts.append(b.op("Gather", [with_zeros, rest], axis=rank - 2))
    b.op("Concat", parts, n.outputs, axis=rank - 2)


@kaldi("PadContext")
def _pad_context(b: Builder, n: OnnxNode) -> None:
    """Repeats the first and the last frame."""
    rank = frames_rank(n)
    left, right = number(n, "left_context", 0), number(n, "right_context", 0)
    paddings = [0] * (2 * rank - 4) + [left, right, 0, 0]
    b.op("Pad", n.inputs[:1], n.outputs, paddings=paddings, mode="EDGE")


@kaldi("PNorm")
def _p_norm(b: Builder, n: OnnxNode) -> None:
    """The p-norm of each of output_dim groups of neighbours; p = 0 counts what is not zero."""
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    size, p = number(n, "output_dim", 0, 1), float(n.attr("p", 2))
    shape = n.shape(x)
    if shape is not None and shape[-1] >= 0 and shape[-1] % size:
        raise UnsupportedError(f"{shape[-1]} elements cannot be split into output_dim = {size}")
    groups = _blocks(b, x, rank, size, -1)
    if p in (1, 2):
        b.op("Reduce", [groups], n.outputs, reduce_type="L1" if p == 1 else "L2", axis=[rank])
        return
    if p < 0:
        raise UnsupportedError(f"the attribute p is {p}; it must not be negative")
    size_of = b.op("Unary", [groups], type="ABS")
    if p == 0:
        limit = b.const(float(np.finfo(np.float32).eps), np.float32)
        terms = b.op("Eltwise", [size_of, limit], type="GREATER")
        terms = b.op("Cast", [terms], output_type="f32")
        b.op("Reduce", [terms], n.outputs, reduce_type="SUM", axis=[rank])
        return
    terms = b.op("Eltwise", [size_of, b.const(p, np.float32)], type="POW")
    total = b.op("Reduce", [terms], reduce_type="SUM", axis=[rank])
    b.op("Eltwise", [total, b.const(1 / p, np.float32)], n.outputs, type="POW")


@kaldi("SumGroup")
def _sum_group(b: Builder, n: OnnxNode) -> None:
    """Sums of neighbours, as many for each result as the second input says."""
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    sizes = np.ravel(n.constant(b, 1, "the list of sizes")).astype(np.int64)
    shape = n.shape(x)
    known = shape[-1] if shape is not None and shape[-1] >= 0 else _LARGEST
    if not sizes.size or sizes.min() < 1 or int(sizes.sum()) > known:
        raise UnsupportedError(
            f"its groups of {', '.join(str(s) for s in sizes[:8])} elements do not fit its input",
            "each group needs an element, and all together no more than there are",
        )
    bounded(int(sizes.max()) * sizes.size, "its largest group for each result")
    # A zero before all elements fills groups that are smaller than the largest.
    width = np.arange(int(sizes.max()))
    starts = np.cumsum(sizes) - sizes
    places = np.where(width < sizes[:, None], starts[:, None] + width + 1, 0)
    groups = b.op("Gather", [padded(b, x, rank, rank - 1, 1, 0), b.const(places)], axis=rank - 1)
    b.op("Reduce", [groups], n.outputs, reduce_type="SUM", axis=[rank])


@kaldi("TargetRMSNorm", "Normalize")
def _target_rms_norm(b: Builder, n: OnnxNode) -> None:
    """Scales each frame, or each block of it, to a root of the mean square of target_rms; may
    append the logarithm of what it was (Kaldi's NormalizeComponent)."""
    if len(n.inputs) > 1:  # Normalize of the first kaldi-onnx: scale, offset, mean, variance
        b.op("BatchNorm", n.inputs, n.outputs)
        return
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    target, block = float(n.attr("target_rms", 1.0)), number(n, "block_dim", 0)
    if target <= 0:
        raise UnsupportedError(f"the attribute target_rms is {target}; it must be above 0")
    rows = _blocks(b, x, rank, -1, block) if block else x
    last = rank if block else rank - 1
    squares = b.op("Unary", [rows], type="SQUARE")
    mean = b.op("Reduce", [squares], reduce_type="MEAN", axis=[last], keepdims=True)
    mean = b.op("Eltwise", [mean, b.const(target**-2, np.float32)], type="PROD")
    mean = b.op("Eltwise", [mean, b.const(_SQUARED_NORM_FLOOR, np.float32)], type="MAX")
    scale = b.op("Unary", [mean], type="RSQRT")
    logs = bool(n.attr("add_log_stddev", 0))
    y = b.op("Eltwise", [rows, scale], None if block or logs else n.outputs, type="PROD")
    if logs:
        log = b.op("Unary", [scale], type="LOG")
        deviation = b.op("Eltwise", [b.const(np.log(target), np.float32), log], type="SUB")
        y = b.op("Concat", [y, deviation], None if block else n.outputs, axis=last)
    if block:
        flat(b, y, rank, n.outputs)


@kaldi("BatchNorm", "BatchNormalization")
def _batch_norm(b: Builder, n: OnnxNode) -> None:
    """By stored mean and variance in test mode, else by those of all frames of the input; without
    weights, since Kaldi has a component of its own for them."""
    x, rank = n.inputs[0], n.rank(n.inputs[0])
    epsilon, target = float(n.attr("epsilon", 1e-3)), float(n.attr("target_rms", 1.0))
    dim = number(n, "dim", 0)
    block = int(n.attr("block_dim", -1))
    if block == -1 or block == dim:
        block = 0
    if block < 0 or (block and dim % block) or epsilon <= 0 or target <= 0:
        raise UnsupportedError(
            f"its block_dim {block}, dim {dim}, epsilon {epsilon} and target_rms {target} do not "
            "belong together",
            "block_dim divides dim, the others are above 0",
        )
    rows = _blocks(b, x, rank, -1, block) if block else x
    outputs = None if block else n.outputs
    if n.attr("test_mode", 0):
        mean, variance = (
            np.ravel(n.constant(b, i, what)).astype(np.float32)
            for i, what in ((1, "its mean"), (2, "its variance"))
        )
        scale = target / np.sqrt(np.maximum(variance, 0) + np.float32(epsilon))
        vectors = [b.const(scale, np.float32), b.const(-mean * scale, np.float32)]
        y = b.op("BatchNorm", [rows, *vectors], outputs)
    else:
        axes = list(range(rank if block else rank - 1))
        mean_of = b.op("Reduce", [rows], reduce_type="MEAN", axis=axes, keepdims=True)
        centred = b.op("Eltwise", [rows, mean_of], type="SUB")
        square = b.op("Unary", [centred], type="SQUARE")
        spread = b.op("Reduce", [square], reduce_type="MEAN", axis=axes, keepdims=True)
        raised = b.op("Eltwise", [spread, b.const(epsilon, np.float32)], type="SUM")
        factor = b.op("Unary", [raised], type="RSQRT")
        factor = b.op("Eltwise", [factor, b.const(target, np.float32)], type="PROD")
        y = b.op("Eltwise", [centred, factor], outputs, type="PROD")
    if block:
        flat(b, y, rank, n.outputs)


@kaldi("ExtractPooling")
def _extract_pooling(b: Builder, n: OnnxNode) -> None:
    """Mean, and deviation if asked for, of ranges of frames, before them num_log_count times the
    logarithm of their number (Kaldi's StatisticsExtraction and StatisticsPooling)."""
    x, rank = n.inputs[0], frames_rank(n)
    ranges = np.asarray(n.attr("forward_indexes", []), np.int64)
    counts = np.asarray(n.attr("counts", []), np.float64)
    if not counts.size or ranges.size != 2 * counts.size:
        raise UnsupportedError(
            f"it has {counts.size} counts for {ranges.size} forward_indexes, which come in pairs",
            _OLD,
        )
    starts, ends = ranges.reshape(-1, 2).T
    if starts.min() < 0 or (ends - starts != counts).any() or counts.min() < 1:
        raise UnsupportedError("its forward_indexes are not ranges of as many frames as counted")
    used, shape = int(ends.max()), n.shape(x)
    if shape is not None and 0 <= shape[-2] < used:
        raise UnsupportedError(f"it reads {used} frames, and its input has {shape[-2]}")
    logs = number(n, "num_log_count", 0)
    bounded(counts.size * max(used, logs), "a row of frames for each result")
    frame = np.arange(used)
    inside = (frame >= starts[:, None]) & (frame < ends[:, None])
    weights = b.const(inside / counts[:, None], np.float32)
    frames = cut(b, x, rank - 2, 0, used)
    mean = b.op("MatMul", [weights, frames])
    parts = [mean]
    if n.attr("include_variance", 0):
        squares = b.op("MatMul", [weights, b.op("Unary", [frames], type="SQUARE")])
        own = b.op("Unary", [mean], type="SQUARE")
        variance = b.op("Eltwise", [squares, own], type="SUB")
        floor = b.const(n.attr("variance_floor", 1e-10), np.float32)
        variance = b.op("Eltwise", [variance, floor], type="MAX")
        parts.append(b.op("Unary", [variance], type="SQRT"))
    if logs:
        column = np.repeat(np.log(counts)[:, None], logs, axis=1)
        lead = b.op("Shape", [x], start=0, end=rank - 2, output_type="i64")
        size = b.op("Concat", [lead, b.const(list(column.shape), np.int64)], axis=0)
        parts.insert(0, b.op("Expand", [b.const(column, np.float32), size]))
    if len(parts) > 1:
        b.op("Concat", parts, n.outputs, axis=rank - 1)
    else:
        b.op("Identity", parts, n.outputs)
