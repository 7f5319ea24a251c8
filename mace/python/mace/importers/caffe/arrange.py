# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers that rearrange tensors, and those of SSD."""

from __future__ import annotations

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer, spatial_op

_INT32_MAX = int(np.iinfo(np.int32).max)


@CAFFE.register("Dropout", "Split")
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
    if parameter.pad_beg or parameter.pad_end:
        raise UnsupportedError("its pad_beg or pad_end is not 0", "crop before it")
    tensor = builder.nhwc(layer.bottom())
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


@CAFFE.register("ArgMax")
def arg_max(builder: Builder, layer: CaffeLayer) -> None:
    """Indices as floats: along an axis, or over all elements of an image as N x 1 x 1."""
    parameter = layer.message.argmax_param
    if parameter.top_k != 1:
        raise UnsupportedError(f"its top_k is {parameter.top_k}", "use top_k 1")
    tensor, top = layer.bottom(), layer.top()
    if parameter.HasField("axis"):
        axis = layer.axis(parameter.axis)
        if parameter.out_max_val:
            attrs = {"reduce_type": "MAX", "axis": [axis], "keepdims": True}
            builder.op("Reduce", [tensor], [top], **attrs)
            return
        index = builder.op("ArgMax", [tensor], None, axis=axis, keepdims=True, output_type="i32")
        builder.op("Cast", [index], [top], output_type="f32")
        return
    flat = builder.op("Flatten", [tensor], None, axis=1, end_axis=-1)
    flat = builder.op("Unsqueeze", [flat], None, axis=[1])
    layer.set_rank(3)
    index = builder.op("ArgMax", [flat], None, axis=2, keepdims=True, output_type="i32")
    if not parameter.out_max_val:
        builder.op("Cast", [index], [top], output_type="f32")
        return
    number = builder.op("Cast", [index], None, output_type="f32")
    largest = builder.op("Reduce", [flat], None, reduce_type="MAX", axis=[2], keepdims=True)
    builder.op("Concat", [number, largest], [top], axis=1)


@CAFFE.register("PriorBox")
def prior_box(builder: Builder, layer: CaffeLayer) -> None:
    """Default boxes of a feature map (first bottom) for an image (second)."""
    layer.need_rank(4)
    layer.need_rank(4, 1)
    parameter = layer.message.prior_box_param
    if not parameter.min_size:
        raise UnsupportedError("it has no min_size")
    steps = [float(parameter.step_h), float(parameter.step_w)]
    if parameter.HasField("step"):
        steps = [float(parameter.step)] * 2
    image = builder.nhwc(layer.bottom(1))
    size = [int(parameter.img_h), int(parameter.img_w)]
    if parameter.HasField("img_size"):
        size = [int(parameter.img_size)] * 2
    if all(size):
        # Only the size of the image matters, so a tensor of that size stands for it.
        shape = builder.const([1, *size, 1], np.int32)
        image = builder.op("Fill", [shape], None, value=0.0, output_type="f32")
    builder.op(
        "PriorBox",
        [builder.nhwc(layer.bottom()), image],
        [layer.top()],
        min_size=[float(v) for v in parameter.min_size],
        max_size=[float(v) for v in parameter.max_size],
        aspect_ratio=[float(v) for v in parameter.aspect_ratio],
        flip=bool(parameter.flip),
        clip=bool(parameter.clip),
        variance=[float(v) for v in parameter.variance] or [0.1],
        offset=float(parameter.offset),
        step_h=steps[0],
        step_w=steps[1],
    )
    layer.set_rank(3)


@CAFFE.register("DetectionOutput")
def detection_output(builder: Builder, layer: CaffeLayer) -> None:
    """Boxes of SSD: locations, confidences and prior boxes to 1 x 1 x K x 7."""
    parameter = layer.message.detection_output_param
    if parameter.num_classes < 1:
        raise UnsupportedError("it has no num_classes")
    inputs = [layer.bottom(i) for i in range(3)]
    for index in range(2):
        if layer.rank(index) > 2:
            inputs[index] = builder.op("Flatten", [inputs[index]], None, axis=1, end_axis=-1)
    suppression = parameter.nms_param
    builder.op(
        "DetectionOutput",
        inputs,
        [layer.top()],
        num_classes=int(parameter.num_classes),
        share_location=bool(parameter.share_location),
        background_label_id=int(parameter.background_label_id),
        nms_threshold=float(suppression.nms_threshold),
        nms_top_k=int(suppression.top_k) if suppression.HasField("top_k") else -1,
        eta=float(suppression.eta),
        code_type=parameter.CodeType.Name(parameter.code_type),
        variance_encoded_in_target=bool(parameter.variance_encoded_in_target),
        keep_top_k=int(parameter.keep_top_k),
        # Without a threshold Caffe keeps every score, also those below 0.
        confidence_threshold=(
            float(parameter.confidence_threshold)
            if parameter.HasField("confidence_threshold")
            else float(np.finfo(np.float32).min)
        ),
    )
    layer.set_rank(4)
