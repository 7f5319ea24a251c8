# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that rearrange tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, eltwise_chain, spatial_op

_INT32_MAX = int(np.iinfo(np.int32).max)


@CAFFE.register("Dropout", "SpatialDropout", "Split")
def identity(builder: Builder, layer: CaffeLayer) -> None:
    """The bottom, under one name or several."""
    for index, top in enumerate(layer.tops):
        builder.op("Identity", [layer.bottom()], [top])
        layer.set_rank(layer.rank(), index)


@CAFFE.register("Concat")
def concat(builder: Builder, layer: CaffeLayer) -> None:
    """Joins its bottoms along an axis."""
    parameter = layer.message.concat_param
    old = parameter.HasField("concat_dim")
    axis = layer.axis(int(parameter.concat_dim) if old else parameter.axis)
    if len(layer.bottoms) == 1:
        builder.op("Identity", [layer.bottom()], [layer.top()])
        return
    for index in range(1, len(layer.bottoms)):
        layer.need_rank(layer.rank(), index)
    builder.op("Concat", layer.bottoms, [layer.top()], axis=axis)


@CAFFE.register("Slice")
def slice_(builder: Builder, layer: CaffeLayer) -> None:
    """Cuts its bottom along an axis, at given points or into equal parts."""
    parameter = layer.message.slice_param
    old = parameter.HasField("slice_dim")
    axis = layer.axis(int(parameter.slice_dim) if old else parameter.axis)
    points = [int(p) for p in parameter.slice_point]
    for index in range(len(layer.tops)):
        layer.set_rank(layer.rank(), index)
    if not points:
        builder.op("Split", [layer.bottom()], layer.tops, axis=axis)
        return
    if len(points) != len(layer.tops) - 1 or sorted(set(points)) != points or points[0] < 1:
        raise UnsupportedError(
            f"its slice_point {points} do not cut {len(layer.tops)} tops",
            "give one ascending point less than there are tops",
        )
    axes = builder.const([axis], np.int32)
    for top, start, end in zip(layer.tops, [0, *points], [*points, _INT32_MAX], strict=True):
        bounds = [builder.const([v], np.int32) for v in (start, end)]
        builder.op("Slice", [layer.bottom(), *bounds, axes], [top])


@CAFFE.register("Flatten")
def flatten(builder: Builder, layer: CaffeLayer) -> None:
    """Joins the dimensions from axis to end_axis."""
    parameter = layer.message.flatten_param
    axis, end = layer.axis(parameter.axis), layer.axis(parameter.end_axis)
    if end < axis:
        raise UnsupportedError(f"its end_axis {end} is before its axis {axis}")
    builder.op("Flatten", [layer.bottom()], [layer.top()], axis=axis, end_axis=end)
    layer.set_rank(layer.rank() - (end - axis))


@CAFFE.register("Reshape")
def reshape(builder: Builder, layer: CaffeLayer) -> None:
    """Replaces num_axes dimensions from axis on; 0 keeps a dimension, -1 is computed."""
    parameter = layer.message.reshape_param
    dims = [int(d) for d in parameter.shape.dim]
    rank = layer.rank()
    # A negative axis counts from behind the last dimension: -1 appends.
    axis = parameter.axis if parameter.axis >= 0 else parameter.axis + rank + 1
    replaced = parameter.num_axes if parameter.num_axes >= 0 else rank - axis
    if not 0 <= axis <= rank or axis + replaced > rank:
        raise UnsupportedError(
            f"its axis {parameter.axis} and num_axes {parameter.num_axes} are outside of a tensor "
            f"of {rank} dimensions"
        )
    if not dims or any(d < -1 for d in dims) or dims.count(-1) > 1:
        raise UnsupportedError(f"its shape is {dims}", "give dimensions, at most one of them -1")
    attrs = {"shape": dims, "copy_zeros": True, "axis": axis, "num_axes": replaced}
    builder.op("Reshape", [layer.bottom()], [layer.top()], **attrs)
    layer.set_rank(rank - replaced + len(dims))


@CAFFE.register("NonlocalReshape")
def nonlocal_reshape(builder: Builder, layer: CaffeLayer) -> None:
    """Its elements as an image of the height and width of the second bottom."""
    if layer.rank() < 2:
        raise UnsupportedError(f"its bottom '{layer.bottom()}' has no channels")
    layer.need_rank(4, 1)
    size = builder.op("Shape", [layer.bottom(1)], None, start=2, end=4, output_type="i32")
    shape = builder.op("Concat", [builder.const([0, 0], np.int32), size], None, axis=0)
    builder.op("Reshape", [layer.bottom(), shape], [layer.top()], copy_zeros=True)
    layer.set_rank(4)


@CAFFE.register("Permute")
def permute(builder: Builder, layer: CaffeLayer) -> None:
    """Another order of the dimensions; those not named follow."""
    order = [int(d) for d in layer.message.permute_param.order]
    order += [d for d in range(layer.rank()) if d not in order]
    if sorted(order) != list(range(layer.rank())):
        raise UnsupportedError(f"its order {order} does not fit {layer.rank()} dimensions")
    builder.op("Transpose", [layer.bottom()], [layer.top()], dims=order)


@CAFFE.register("Crop")
def crop(builder: Builder, layer: CaffeLayer) -> None:
    """Cuts the first bottom to the size of the second from axis on."""
    parameter = layer.message.crop_param
    axis, rank = layer.axis(parameter.axis), layer.rank()
    offsets = [int(o) for o in parameter.offset] or [0]
    if len(offsets) == 1:
        offsets *= rank - axis
    if len(offsets) != rank - axis:
        raise UnsupportedError(f"it has {len(offsets)} offsets for {rank - axis} dimensions")
    layer.need_rank(rank, 1)
    builder.op(
        "Crop", [layer.bottom(), layer.bottom(1)], [layer.top()], offset=[-1] * axis + offsets
    )


@CAFFE.register("ShuffleChannel")
def shuffle_channel(builder: Builder, layer: CaffeLayer) -> None:
    """Interleaves groups of channels."""
    group = int(layer.message.shuffle_channel_param.group)
    spatial_op(builder, layer, "ChannelShuffle", [layer.bottom()], group=group)


@CAFFE.register("Interp")
def interp(builder: Builder, layer: CaffeLayer) -> None:
    """Bilinear, with the corners aligned; to a size, by a factor, or to another bottom's size."""
    layer.need_rank(4)
    parameter = layer.message.interp_param
    tensor = _interp_window(builder, builder.nhwc(layer.bottom()), parameter)
    inputs = [tensor]
    attrs: dict[str, object] = {"mode": "BILINEAR", "coordinates": "ALIGN_CORNERS"}
    if len(layer.bottoms) > 1:
        other = builder.nhwc(layer.bottom(1))
        inputs.append(builder.op("Shape", [other], None, start=1, end=3, output_type="i32"))
    elif parameter.height > 0 and parameter.width > 0:
        attrs["size"] = [int(parameter.height), int(parameter.width)]
    else:
        size = builder.op("Shape", [tensor], None, start=1, end=3, output_type="i32")
        one = builder.const(1, np.int32)
        for kind, factor in (
            ("FLOOR_DIV", parameter.shrink_factor),
            ("PROD", parameter.zoom_factor),
        ):
            if factor < 1:
                raise UnsupportedError(f"its factor {factor} is below 1")
            if factor > 1:
                steps = builder.op("Eltwise", [size, one], None, type="SUB")
                number = builder.const(factor, np.int32)
                steps = builder.op("Eltwise", [steps, number], None, type=kind)
                size = builder.op("Eltwise", [steps, one], None, type="SUM")
        inputs.append(size)
    builder.nchw(builder.op("Resize", inputs, None, **attrs), layer.top())


def _interp_window(builder: Builder, tensor: str, parameter: Any) -> str:
    """What Interp looks at of its bottom: negative pads take rows and columns away."""
    first, last = int(parameter.pad_beg), int(parameter.pad_end)
    if first > 0 or last > 0:
        raise UnsupportedError(
            "its pad_beg or pad_end is above 0", "Caffe only cuts: use 0 or less"
        )
    if first == last == 0:
        return tensor
    starts = builder.const([-first, -first], np.int32)
    ends = builder.const([last if last else _INT32_MAX] * 2, np.int32)
    axes = builder.const([1, 2], np.int32)
    return builder.op("Slice", [tensor, starts, ends, axes], None)


@CAFFE.register("ArgMax")
def arg_max(builder: Builder, layer: CaffeLayer) -> None:
    """Indices as floats: along an axis, or over all elements of an image as N x 1 x top_k."""
    parameter = layer.message.argmax_param
    if parameter.top_k < 1:
        raise UnsupportedError("its top_k is 0", "use a top_k of at least 1")
    tensor, top = layer.bottom(), layer.top()
    if parameter.HasField("axis"):
        axis = layer.axis(parameter.axis)
        values, indices = _best(builder, tensor, axis, int(parameter.top_k))
        builder.op("Identity", [values if parameter.out_max_val else indices], [top])
        return
    flat = builder.op("Flatten", [tensor], None, axis=1, end_axis=-1)
    flat = builder.op("Unsqueeze", [flat], None, axis=[1])
    layer.set_rank(3)
    values, indices = _best(builder, flat, 2, int(parameter.top_k))
    if parameter.out_max_val:
        builder.op("Concat", [indices, values], [top], axis=1)
    else:
        builder.op("Identity", [indices], [top])


def _best(builder: Builder, tensor: str, axis: int, count: int) -> tuple[str, str]:
    """The largest elements along an axis and their indices as floats."""
    if count > 1:
        number = builder.const([count], np.int64)
        values, indices = builder.tensor("values"), builder.tensor("indices")
        builder.op("TopK", [tensor, number], [values, indices], axis=axis)
    else:
        attrs = {"axis": [axis], "keepdims": True}
        values = builder.op("Reduce", [tensor], None, reduce_type="MAX", **attrs)
        indices = builder.op("ArgMax", [tensor], None, axis=axis, keepdims=True, output_type="i32")
    return values, builder.op("Cast", [indices], None, output_type="f32")


@CAFFE.register("Reduction")
def reduction(builder: Builder, layer: CaffeLayer) -> None:
    """Combines all dimensions from an axis on, and multiplies by a number."""
    parameter = layer.message.reduction_param
    axis = layer.axis(parameter.axis)
    kinds = {"SUM": "SUM", "ASUM": "L1", "SUMSQ": "SUM_SQUARE", "MEAN": "MEAN"}
    attrs = {
        "reduce_type": kinds[parameter.ReductionOp.Name(parameter.operation)],
        "axis": list(range(axis, layer.rank())),
        "keepdims": False,
    }
    layer.set_rank(axis)
    if parameter.coeff == 1:
        builder.op("Reduce", [layer.bottom()], [layer.top()], **attrs)
        return
    result = builder.op("Reduce", [layer.bottom()], None, **attrs)
    eltwise_chain(builder, result, layer.top(), [("PROD", float(parameter.coeff))])


@CAFFE.register("Tile")
def tile(builder: Builder, layer: CaffeLayer) -> None:
    """Repeats its bottom along an axis."""
    parameter = layer.message.tile_param
    if parameter.tiles < 1:
        raise UnsupportedError(f"its tiles {parameter.tiles} are below 1", "give tiles")
    repeats = [1] * layer.rank()
    repeats[layer.axis(parameter.axis)] = int(parameter.tiles)
    builder.op("Tile", [layer.bottom(), builder.const(repeats, np.int32)], [layer.top()])


@CAFFE.register("Embed")
def embed(builder: Builder, layer: CaffeLayer) -> None:
    """A row of the weights for each index, which is a float."""
    parameter = layer.message.embed_param
    count = int(parameter.num_output)
    size = int(parameter.input_dim) if parameter.HasField("input_dim") else -1
    rows = builder.const(layer.shaped(0, size, count), suffix="rows")
    index = builder.op("Cast", [layer.bottom()], None, output_type="i32")
    layer.set_rank(layer.rank() + 1)
    if not parameter.bias_term:
        builder.op("Gather", [rows, index], [layer.top()], axis=0)
        return
    bias = builder.const(layer.vector(1, count), suffix="bias")
    taken = builder.op("Gather", [rows, index], None, axis=0)
    builder.op("Eltwise", [taken, bias], [layer.top()], type="SUM")


@CAFFE.register("BatchReindex")
def batch_reindex(builder: Builder, layer: CaffeLayer) -> None:
    """The images of the first bottom that the second names, by floats."""
    layer.need_rank(1, 1)
    index = builder.op("Cast", [layer.bottom(1)], None, output_type="i32")
    builder.op("Gather", [layer.bottom(), index], [layer.top()], axis=0)


@CAFFE.register("Filter")
def filter_(builder: Builder, layer: CaffeLayer) -> None:
    """The images of all bottoms but the last for which the last, one number an image, is not 0."""
    if len(layer.bottoms) != len(layer.tops) + 1:
        raise UnsupportedError(
            f"it has {len(layer.bottoms)} bottoms for {len(layer.tops)} tops",
            "give a top for each bottom but the last, which selects",
        )
    last = len(layer.tops)
    chosen = builder.op("Cast", [layer.bottom(last)], None, output_type="bool")
    if layer.rank(last) != 1:
        chosen = builder.op("Reshape", [chosen], None, shape=[-1])
    for index, top in enumerate(layer.tops):
        layer.set_rank(layer.rank(index), index)
        builder.op("Compress", [layer.bottom(index), chosen], [top], axis=0)


@CAFFE.register("Parameter")
def parameter(builder: Builder, layer: CaffeLayer) -> None:
    """Weights as a tensor."""
    dims = [int(d) for d in layer.message.parameter_param.shape.dim]
    value = layer.shaped(0, *dims) if dims else layer.blob(0)
    builder.op("Identity", [builder.const(value)], [layer.top()])
    layer.set_rank(value.ndim)


@CAFFE.register("ResizeNearest")
def resize_nearest(builder: Builder, layer: CaffeLayer) -> None:
    """Repeats pixels."""
    parameter = layer.message.resize_nearest_param
    scales = [float(parameter.height_scale), float(parameter.width_scale)]
    if any(s not in range(1, 1025) for s in scales):
        raise UnsupportedError(
            f"its height_scale and width_scale are {scales[0]:g} and {scales[1]:g}",
            "use whole numbers from 1 to 1024",
        )
    _repeat_pixels(builder, layer, scales)


def _repeat_pixels(builder: Builder, layer: CaffeLayer, scales: list[float]) -> None:
    attrs = {"mode": "NEAREST", "coordinates": "ASYMMETRIC", "nearest_mode": "FLOOR"}
    spatial_op(builder, layer, "Resize", [layer.bottom()], scale=scales, **attrs)


@CAFFE.register("Upsample")
def upsample(builder: Builder, layer: CaffeLayer) -> None:
    """With a mask (SegNet, ENet): puts elements where a MAX pooling took them from, and 0
    elsewhere. Without one: repeats pixels."""
    layer.need_rank(4)
    parameter = layer.message.upsample_param
    scales = [int(parameter.scale)] * 2
    if parameter.HasField("scale_h") or parameter.HasField("scale_w"):
        scales = [int(parameter.scale_h), int(parameter.scale_w)]
    if min(scales) < 1 or max(scales) > 1024:
        raise UnsupportedError(f"its scales are {scales}", "use 1 to 1024")
    if len(layer.bottoms) < 2:
        _repeat_pixels(builder, layer, [float(s) for s in scales])
        return
    layer.need_rank(4, 1)
    batch, channels, height, width = layer.known(0, [0, 1, 2, 3])
    pads = (bool(parameter.pad_out_h), bool(parameter.pad_out_w))
    size = [s * n - p for s, n, p in zip(scales, (height, width), pads, strict=True)]
    if parameter.HasField("upsample_h") and parameter.HasField("upsample_w"):
        size = [int(parameter.upsample_h), int(parameter.upsample_w)]
    dims = [batch, channels, size[0] * size[1]]
    zeros = builder.op("Fill", [builder.const(dims, np.int32)], None, value=0.0, output_type="f32")
    index = builder.op("Cast", [layer.bottom(1)], None, output_type="i32")
    index, values = (
        builder.op("Flatten", [t], None, axis=2, end_axis=3) for t in (index, layer.bottom())
    )
    flat = builder.op("ScatterElements", [zeros, index, values], None, axis=2)
    builder.op("Reshape", [flat], [layer.top()], shape=[batch, channels, *size])
