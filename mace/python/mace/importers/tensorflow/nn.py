# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's operators of neural networks: convolution, pooling, normalisation, activation."""

from __future__ import annotations

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import NCHW_TO_NHWC, Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import (
    TENSORFLOW,
    channels_first,
    constant,
    constant_ints,
    known_shape,
    spatial,
    spatial_op,
    to_nhwc,
)

# MACE operators whose output has the channels of their first computed input.
_SAME_CHANNELS = {
    "Activation",
    "BatchNorm",
    "Eltwise",
    "Identity",
    "Pad",
    "Pooling",
    "Resize",
    "Unary",
}


def _padding(node: TfNode) -> dict[str, object]:
    """The padding attributes of a window."""
    padding = node.string_attr("padding", "VALID")
    if padding in ("SAME", "VALID"):
        return {"padding": padding}
    if padding != "EXPLICIT":
        raise UnsupportedError(f"attribute padding is '{padding}'", "use SAME, VALID or EXPLICIT")
    pads = node.ints_attr("explicit_paddings")
    if len(pads) != 8:
        raise UnsupportedError(f"attribute explicit_paddings has {len(pads)} numbers instead of 8")
    start = 4 if channels_first(node) else 2
    if any(pads[:2]) or any(pads[2:4] if channels_first(node) else pads[6:]):
        raise UnsupportedError("attribute explicit_paddings pads batch or channels")
    return {"padding": "EXPLICIT", "paddings": pads[start : start + 4]}


def _filter(
    builder: Builder, node: TfNode, index: int, order: list[int]
) -> tuple[str, Array | None]:
    """The filter with its dimensions in another order, and its value where it is constant."""
    name = node.input(index)
    value = builder.value(name)
    if value is None:
        return builder.op("Transpose", [name], None, dims=order), None
    if value.ndim != 4:
        raise UnsupportedError(f"its filter '{name}' has {value.ndim} dimensions instead of 4")
    turned = value.transpose(order)
    return builder.const(turned, suffix="filter"), turned


def _channels(builder: Builder, tensor: str) -> int | None:
    """The channels of an NHWC tensor where they follow from what was imported so far."""
    producers = builder.graph.producers()
    for _ in range(len(builder.graph.nodes) + 1):
        for interface in builder.graph.inputs:
            if interface.name == tensor and interface.shape and interface.shape[-1] > 0:
                return interface.shape[-1]
        known = builder.graph.consts.get(tensor)
        if known is not None:
            return int(known.shape[-1]) if known.ndim == 4 else None
        node = producers.get(tensor)
        if node is None:
            return None
        if node.op in ("Conv2D", "DepthwiseConv2d"):
            weight = builder.value(node.inputs[1])
            axis = 0 if node.op == "Conv2D" else 3
            return None if weight is None else int(weight.shape[axis])
        if node.op == "Concat" and node.attrs.get("axis") in (3, -1):
            parts = [_channels(builder, t) for t in node.inputs]
            return None if None in parts else sum(p for p in parts if p is not None)
        if node.op not in _SAME_CHANNELS:
            return None
        computed = [t for t in node.inputs if not builder.is_static(t)]
        tensor = computed[0] if computed else ""
    return None


@TENSORFLOW.register("Conv2D")
def conv2d(builder: Builder, node: TfNode) -> None:
    """Filters are H W (I/group) O; the group shows only in the channels of the input."""
    attrs = {"strides": spatial(node, "strides"), "dilations": spatial(node, "dilations")}
    weight, value = _filter(builder, node, 1, [3, 0, 1, 2])
    tensor = to_nhwc(builder, node, node.input(0))
    group = 1
    if value is not None:
        channels = _channels(builder, tensor) or value.shape[3]
        group = channels // max(value.shape[3], 1)
        if group < 1 or group * value.shape[3] != channels or value.shape[0] % group:
            raise UnsupportedError(
                f"its filter takes {value.shape[3]} channels and its input has {channels}"
            )
    output = None if channels_first(node) else [node.output()]
    result = builder.op("Conv2D", [tensor, weight], output, **attrs, **_padding(node), group=group)
    if channels_first(node):
        builder.nchw(result, node.output())


@TENSORFLOW.register("DepthwiseConv2dNative")
def depthwise_conv2d(builder: Builder, node: TfNode) -> None:
    """Filters are H W C M; output channel c * M + m."""
    value = constant(builder, node, 1, "filter")
    if value.ndim != 4:
        raise UnsupportedError(f"its filter has {value.ndim} dimensions instead of 4")
    height, width, channels, multiplier = value.shape
    weight = builder.const(value.reshape(1, height, width, channels * multiplier), suffix="filter")
    attrs = {"strides": spatial(node, "strides"), "dilations": spatial(node, "dilations")}
    spatial_op(builder, node, "DepthwiseConv2d", [node.input(0), weight], **attrs, **_padding(node))


@TENSORFLOW.register("Conv2DBackpropInput")
def conv2d_backprop_input(builder: Builder, node: TfNode) -> None:
    """The transposed convolution: input_sizes, filter H W O I, gradient of the output."""
    attrs = {"strides": spatial(node, "strides"), "dilations": spatial(node, "dilations")}
    weight, _ = _filter(builder, node, 1, [2, 0, 1, 3])
    sizes = node.input(0)
    if channels_first(node):
        order = builder.const(NCHW_TO_NHWC, np.int32)
        sizes = builder.op("Gather", [sizes, order], None, axis=0)
    tensor = node.input(2)
    spatial_op(builder, node, "Deconv2D", [tensor, weight, "", sizes], **attrs, **_padding(node))


@TENSORFLOW.register("DepthwiseConv2dNativeBackpropInput")
def depthwise_backprop_input(builder: Builder, node: TfNode) -> None:
    """The transposed depthwise convolution: input_sizes, filter H W C M, gradient of the output."""
    value = constant(builder, node, 1, "filter")
    if value.ndim != 4:
        raise UnsupportedError(f"its filter has {value.ndim} dimensions instead of 4")
    weight = builder.const(value.transpose(2, 0, 1, 3), suffix="filter")
    attrs = {"strides": spatial(node, "strides"), "dilations": spatial(node, "dilations")}
    sizes = node.input(0)
    if channels_first(node):
        order = builder.const(NCHW_TO_NHWC, np.int32)
        sizes = builder.op("Gather", [sizes, order], None, axis=0)
    inputs = [node.input(2), weight, "", sizes]
    group = value.shape[2]
    spatial_op(builder, node, "Deconv2D", inputs, **attrs, **_padding(node), group=group)


@TENSORFLOW.register("BiasAdd", "BiasAddV1")
def bias_add(builder: Builder, node: TfNode) -> None:
    """Adds a value to each channel."""
    spatial_op(builder, node, "Eltwise", [node.input(0), node.input(1)], type="SUM")


@TENSORFLOW.register("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def fused_batch_norm(builder: Builder, node: TfNode) -> None:
    """Only the normalised tensor; the statistics that it also returns are for training."""
    if node.bool_attr("is_training", True):
        raise UnsupportedError(
            "attribute is_training is true: it normalizes by the statistics of the batch",
            "freeze the model in inference mode (training=False)",
        )
    inputs = [node.input(i) for i in range(5)]
    spatial_op(builder, node, "BatchNorm", inputs, epsilon=node.float_attr("epsilon", 1e-4))


@TENSORFLOW.register("AvgPool", "MaxPool")
def pool(builder: Builder, node: TfNode) -> None:
    """Pooling whose window is an attribute."""
    _pool(builder, node, spatial(node, "ksize"), spatial(node, "strides"))


@TENSORFLOW.register("MaxPoolV2")
def max_pool_v2(builder: Builder, node: TfNode) -> None:
    """Pooling whose window is an input."""
    height, width = (2, 3) if channels_first(node) else (1, 2)
    windows = [constant_ints(builder, node, i, w) for i, w in ((1, "ksize"), (2, "strides"))]
    for window in windows:
        if len(window) != 4 or window[0] != 1 or window[3 if height == 1 else 1] != 1:
            raise UnsupportedError(f"its window {window} reaches over batch or channels")
    kernels, strides = ([w[height], w[width]] for w in windows)
    _pool(builder, node, kernels, strides)


def _pool(builder: Builder, node: TfNode, kernels: list[int], strides: list[int]) -> None:
    attrs = {"kernels": kernels, "strides": strides, **_padding(node)}
    kind = "AVG" if node.op == "AvgPool" else "MAX"
    spatial_op(builder, node, "Pooling", [node.input(0)], pooling_type=kind, **attrs)


@TENSORFLOW.register("ExtractImagePatches")
def extract_image_patches(builder: Builder, node: TfNode) -> None:
    """The pixels of each window as channels: a depthwise convolution that picks them."""
    window = spatial(node, "ksizes")
    channels = known_shape(builder, node, node.input(0), "images")[-1]
    if channels < 1:
        raise UnsupportedError("the number of its channels is not known")
    count = window[0] * window[1]
    if count * channels > 1 << 20:
        raise UnsupportedError(f"it makes {count * channels} channels")
    picks = np.eye(count, dtype=np.float32).reshape(*window, 1, count)
    picks = np.tile(picks, (1, 1, channels, 1)).reshape(1, *window, channels * count)
    attrs = {"strides": spatial(node, "strides"), "dilations": spatial(node, "rates")}
    inputs = [node.input(0), builder.const(picks, suffix="filter")]
    picked = builder.op("DepthwiseConv2d", inputs, None, **attrs, **_padding(node))
    # Channels lie before the places of the window here, and behind them in TensorFlow.
    apart = builder.op("Reshape", [picked], None, shape=[channels, count], axis=3, num_axes=1)
    turned = builder.op("Transpose", [apart], None, dims=[0, 1, 2, 4, 3])
    builder.op("Reshape", [turned], [node.output()], shape=[-1], axis=3, num_axes=2)


@TENSORFLOW.register("LRN")
def lrn(builder: Builder, node: TfNode) -> None:
    """Local response normalisation over channels."""
    attrs = {k: node.float_attr(k, d) for k, d in (("bias", 1.0), ("alpha", 1.0), ("beta", 0.5))}
    radius = node.int_attr("depth_radius", 5)
    builder.op("LocalResponseNorm", [node.input(0)], [node.output()], depth_radius=radius, **attrs)


_ACTIVATIONS: dict[str, dict[str, object]] = {
    "Relu": {"activation": "RELU"},
    "Relu6": {"activation": "RELUX", "max_limit": 6.0},
    "Elu": {"activation": "ELU", "activation_coefficient": 1.0},
    "Selu": {"activation": "SELU"},
    "Softplus": {"activation": "SOFTPLUS"},
    "Sigmoid": {"activation": "SIGMOID"},
    "Tanh": {"activation": "TANH"},
}


@TENSORFLOW.register(*_ACTIVATIONS)
def activation(builder: Builder, node: TfNode) -> None:
    """Activations without attributes."""
    builder.op("Activation", [node.input(0)], [node.output()], **_ACTIVATIONS[node.op])


@TENSORFLOW.register("LeakyRelu")
def leaky_relu(builder: Builder, node: TfNode) -> None:
    """x for x > 0, else alpha * x."""
    slope = node.float_attr("alpha", 0.2)
    attrs = {"activation": "LEAKYRELU", "activation_coefficient": slope}
    builder.op("Activation", [node.input(0)], [node.output()], **attrs)


@TENSORFLOW.register("Softmax", "LogSoftmax")
def softmax(builder: Builder, node: TfNode) -> None:
    """Over the last dimension."""
    log = node.op == "LogSoftmax"
    builder.op("Softmax", [node.input(0)], [node.output()], axis=-1, log=log)


@TENSORFLOW.register("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic")
def resize(builder: Builder, node: TfNode) -> None:
    """Resizes to a height and width."""
    align, half = node.bool_attr("align_corners"), node.bool_attr("half_pixel_centers")
    coordinates = "ALIGN_CORNERS" if align else "HALF_PIXEL" if half else "ASYMMETRIC"
    attrs: dict[str, object] = {"coordinates": coordinates}
    if node.op == "ResizeBilinear":
        attrs["mode"] = "BILINEAR"
    elif node.op == "ResizeNearestNeighbor":
        # floor((x + 0.5) * scale) is the pixel centre rounded half up; align_corners rounds half
        # up, too; the plain form takes the floor of x * scale.
        attrs["mode"] = "NEAREST"
        attrs["nearest_mode"] = "ROUND_PREFER_CEIL" if align or half else "FLOOR"
    else:
        attrs["mode"] = "BICUBIC"
        # Two kernels: the old one, and with pixel centres that of Keys within the image alone.
        attrs.update(cubic_coefficient=-0.5 if half else -0.75, exclude_outside=half)
    size = builder.value(node.input(1))
    if size is not None and size.size == 2:
        attrs["size"] = [int(v) for v in size.reshape(-1)]
        builder.op("Resize", [node.input(0)], [node.output()], **attrs)
    else:
        builder.op("Resize", [node.input(0), node.input(1)], [node.output()], **attrs)


@TENSORFLOW.register("DepthToSpace", "SpaceToDepth")
def depth_to_space(builder: Builder, node: TfNode) -> None:
    """Blocks of pixels to channels and back, the block being the slower part of the channels."""
    attrs: dict[str, object] = {"block_size": node.int_attr("block_size", 2)}
    if node.op == "DepthToSpace":
        attrs["mode"] = "DCR"
    spatial_op(builder, node, node.op, [node.input(0)], **attrs)


@TENSORFLOW.register("SpaceToBatchND", "BatchToSpaceND")
def space_to_batch_nd(builder: Builder, node: TfNode) -> None:
    """Blocks of one or two dimensions to the batch and back."""
    block = constant_ints(builder, node, 1, "block_shape")
    what = "paddings" if node.op == "SpaceToBatchND" else "crops"
    amounts = constant_ints(builder, node, 2, what)
    if len(block) not in (1, 2) or len(amounts) != 2 * len(block):
        raise UnsupportedError(
            f"its block_shape has {len(block)} dimensions where 1 or 2 are supported"
        )
    if len(block) == 2:
        attrs = {"block_shape": block, what: amounts}
        builder.op(node.op, [node.input(0)], [node.output()], **attrs)
        return
    attrs = {"block_shape": [*block, 1], what: [*amounts, 0, 0]}
    wide = builder.op("Unsqueeze", [node.input(0)], None, axis=[2])
    moved = builder.op(node.op, [wide], None, **attrs)
    builder.op("Squeeze", [moved], [node.output()], axis=[2])


@TENSORFLOW.register("SpaceToBatch", "BatchToSpace")
def space_to_batch(builder: Builder, node: TfNode) -> None:
    """The same with square blocks, whose size is an attribute."""
    what = "paddings" if node.op == "SpaceToBatch" else "crops"
    size = node.int_attr("block_size", 2)
    attrs = {"block_shape": [size, size], what: constant_ints(builder, node, 1, what)}
    builder.op(f"{node.op}ND", [node.input(0)], [node.output()], **attrs)
