# SPDX-License-Identifier: Apache-2.0
"""Cases of TensorFlow's operators of neural networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from generating import Case, Gen, generator, raw


def _image(g: Gen, channels: int | None = None, least: int = 5) -> Any:
    return g.f32((g.int(1, 2), g.int(least, 9), g.int(least, 9), channels or g.int(1, 5)))


def _explicit(g: Gen, attrs: dict[str, Any]) -> None:
    if g.int(0, 3) == 0:
        attrs["padding"] = "EXPLICIT"
        attrs["explicit_paddings"] = [0, 0, *g.ints(4, 0, 2), 0, 0]


@generator("Conv2D")
def conv2d(g: Gen, op: str) -> Case:
    group, each = g.pick([1, 1, 2, 3]), g.int(1, 3)
    weight = g.f32((g.int(1, 3), g.int(1, 3), each, group * g.int(1, 4)))
    stride, dilation = (g.ints(2, 1, 3), [1, 1]) if g.bool() else ([1, 1], g.ints(2, 1, 2))
    attrs: dict[str, Any] = {
        "strides": [1, *stride, 1],
        "dilations": [1, *dilation, 1],
        "padding": g.pick(["SAME", "VALID"]),
    }
    _explicit(g, attrs)
    return raw(op, {"input": _image(g, group * each)}, filter=weight, **attrs)


@generator("DepthwiseConv2dNative")
def depthwise(g: Gen, op: str) -> Case:
    channels, stride = g.int(1, 6), g.int(1, 2)
    dilation = g.int(1, 2) if stride == 1 else 1
    attrs: dict[str, Any] = {
        "strides": [1, stride, stride, 1],
        "dilations": [1, dilation, dilation, 1],
        "padding": g.pick(["SAME", "VALID"]),
    }
    _explicit(g, attrs)
    weight = g.f32((g.int(1, 3), g.int(1, 3), channels, g.int(1, 3)))
    return raw(op, {"input": _image(g, channels)}, filter=weight, **attrs)


def _transposed(g: Gen, padding: str) -> tuple[list[int], list[int], list[int], list[int]]:
    """Kernel, strides, size of the output and that of its gradient."""
    kernel, stride, size = g.ints(2, 1, 3), g.ints(2, 1, 3), g.ints(2, 4, 9)
    if padding == "SAME":
        small = [-(-n // s) for n, s in zip(size, stride, strict=True)]
    else:
        small = [-(-(n - k + 1) // s) for n, k, s in zip(size, kernel, stride, strict=True)]
    return kernel, stride, size, small


@generator("Conv2DBackpropInput")
def conv2d_backprop(g: Gen, op: str) -> Case:
    padding = g.pick(["SAME", "VALID"])
    kernel, stride, size, small = _transposed(g, padding)
    batch, inner, outer = g.int(1, 2), g.int(1, 4), g.int(1, 4)
    return raw(
        op,
        {"out_backprop": g.f32((batch, *small, outer))},
        input_sizes=np.array([batch, *size, inner], np.int32),
        filter=g.f32((*kernel, inner, outer)),
        strides=[1, *stride, 1],
        padding=padding,
    )


@generator("DepthwiseConv2dNativeBackpropInput")
def depthwise_backprop(g: Gen, op: str) -> Case:
    padding = g.pick(["SAME", "VALID"])
    kernel, stride, size, small = _transposed(g, padding)
    stride = [stride[0]] * 2
    if padding == "SAME":
        small = [-(-n // stride[0]) for n in size]
    else:
        small = [-(-(n - k + 1) // stride[0]) for n, k in zip(size, kernel, strict=True)]
    batch, channels, each = g.int(1, 2), g.int(1, 4), g.int(1, 2)
    return raw(
        op,
        {"out_backprop": g.f32((batch, *small, channels * each))},
        input_sizes=np.array([batch, *size, channels], np.int32),
        filter=g.f32((*kernel, channels, each)),
        strides=[1, *stride, 1],
        padding=padding,
    )


@generator("BiasAdd")
def bias_add(g: Gen, op: str) -> Case:
    shape = g.shape(2, 5)
    return raw(op, {"value": g.f32(shape)}, bias=g.f32(shape[-1:]))


@generator("BiasAddV1")
def bias_add_v1(g: Gen, op: str) -> Case:
    shape = g.shape(2, 5)
    return raw(op, {"value": g.f32(shape)}, bias=g.f32(shape[-1:]))


@generator("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
def batch_norm(g: Gen, op: str) -> Case:
    image = _image(g, least=1)
    size = (image.shape[-1],)
    attrs = {"scale": g.f32(size), "offset": g.f32(size), "mean": g.f32(size)}
    attrs["variance"] = g.f32(size, 0.1, 2)
    epsilon = g.pick([1e-4, 0.02])
    function = getattr(tf.raw_ops, op)
    return Case(lambda x: function(x=x, **attrs, epsilon=epsilon, is_training=False)[0], [image])


@generator("AvgPool")
def avg_pool(g: Gen, op: str) -> Case:
    return raw(op, {"value": _image(g)}, **_window(g))


@generator("MaxPool")
def max_pool(g: Gen, op: str) -> Case:
    attrs = _window(g)
    if g.int(0, 3) == 0:
        most = [k - 1 for k in attrs["ksize"][1:3]]
        pads = [g.int(0, m) for m in most for _ in range(2)]
        attrs |= {"padding": "EXPLICIT", "explicit_paddings": [0, 0, *pads, 0, 0]}
    return raw(op, {"input": _image(g)}, **attrs)


@generator("MaxPoolV2")
def max_pool_v2(g: Gen, op: str) -> Case:
    return raw(op, {"input": _image(g)}, **_window(g))


def _window(g: Gen) -> dict[str, Any]:
    return {
        "ksize": [1, *g.ints(2, 1, 4), 1],
        "strides": [1, *g.ints(2, 1, 3), 1],
        "padding": g.pick(["SAME", "VALID"]),
    }


@generator("MaxPoolWithArgmax")
def max_pool_with_argmax(g: Gen, op: str) -> Case:
    shape = (g.int(1, 2), g.int(4, 6), g.int(4, 6), g.int(1, 3))
    image = g.rng.permutation(int(np.prod(shape))).reshape(shape).astype(np.float32)
    attrs = {"include_batch_in_index": g.bool(), "Targmax": g.pick([tf.int32, tf.int64])}
    return raw(op, {"input": image}, **_window(g), **attrs)


@generator("ExtractImagePatches")
def extract_image_patches(g: Gen, op: str) -> Case:
    attrs = {"ksizes": [1, *g.ints(2, 1, 3), 1], "strides": [1, *g.ints(2, 1, 3), 1]}
    rates, padding = [1, *g.ints(2, 1, 2), 1], g.pick(["SAME", "VALID"])
    return raw(op, {"images": _image(g)}, **attrs, rates=rates, padding=padding)


@generator("LRN")
def lrn(g: Gen, op: str) -> Case:
    attrs = {"depth_radius": g.int(0, 5), "bias": 1.5, "alpha": g.pick([1.0, 0.3]), "beta": 0.7}
    return raw(op, {"input": _image(g, g.int(1, 9), 1)}, **attrs)


@generator("Relu", "Relu6", "Elu", "Selu", "Softplus")
def activation(g: Gen, op: str) -> Case:
    return raw(op, {"features": g.f32(g.shape(), -8, 8)})


@generator("LeakyRelu")
def leaky_relu(g: Gen, op: str) -> Case:
    return raw(op, {"features": g.f32(g.shape())}, alpha=g.pick([0.2, 0.05]))


@generator("Sigmoid", "Tanh")
def saturating(g: Gen, op: str) -> Case:
    return raw(op, {"x": g.f32(g.shape(), -6, 6)})


@generator("Softmax", "LogSoftmax")
def softmax(g: Gen, op: str) -> Case:
    return raw(op, {"logits": g.f32(g.shape(1, 4), -6, 6)})


@generator("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic")
def resize(g: Gen, op: str) -> Case:
    mode = g.pick(["align", "half", "plain"])
    # TensorFlow takes the weights of its bicubic sum from a table of 1024 steps.
    return raw(
        op,
        {"images": _image(g, least=2)},
        tolerance=1e-2 if op == "ResizeBicubic" else 1e-4,
        size=np.array(g.ints(2, 1, 12), np.int32),
        align_corners=mode == "align",
        half_pixel_centers=mode == "half",
    )


@generator("DepthToSpace")
def depth_to_space(g: Gen, op: str) -> Case:
    block = g.int(2, 3)
    image = g.f32((g.int(1, 2), g.int(1, 4), g.int(1, 4), block * block * g.int(1, 3)))
    return raw(op, {"input": image}, block_size=block)


@generator("SpaceToDepth")
def space_to_depth(g: Gen, op: str) -> Case:
    block = g.int(2, 3)
    image = g.f32((g.int(1, 2), block * g.int(1, 3), block * g.int(1, 3), g.int(1, 3)))
    return raw(op, {"input": image}, block_size=block)


@generator("SpaceToBatchND", "SpaceToBatch")
def space_to_batch(g: Gen, op: str) -> Case:
    square = op == "SpaceToBatch"
    count = 2 if square else g.int(1, 2)
    block = [g.int(2, 3)] * 2 if square else g.ints(count, 1, 3)
    pads = [g.ints(2, 0, 2) for _ in block]
    sizes = [b * g.int(2, 3) - sum(p) for b, p in zip(block, pads, strict=True)]
    sizes = [s if s > 0 else b * 3 - sum(p) for s, b, p in zip(sizes, block, pads, strict=True)]
    if any(s <= 0 for s in sizes):
        pads, sizes = [[0, 0] for _ in block], [2 * b for b in block]
    x = g.f32((g.int(1, 2), *sizes, g.int(1, 3)))
    paddings = np.array(pads, np.int32)
    if square:
        return raw(op, {"input": x}, paddings=paddings, block_size=block[0])
    return raw(op, {"input": x}, block_shape=np.array(block, np.int32), paddings=paddings)


@generator("BatchToSpaceND", "BatchToSpace")
def batch_to_space(g: Gen, op: str) -> Case:
    square = op == "BatchToSpace"
    count = 2 if square else g.int(1, 2)
    block = [g.int(2, 3)] * 2 if square else g.ints(count, 1, 3)
    sizes = g.ints(count, 2, 3)
    crops = np.array([[g.int(0, 1), 0] for _ in block], np.int32)
    x = g.f32((int(np.prod(block)) * g.int(1, 2), *sizes, g.int(1, 3)))
    if square:
        return raw(op, {"input": x}, crops=crops, block_size=block[0])
    return raw(op, {"input": x}, block_shape=np.array(block, np.int32), crops=crops)


@generator("Conv3D")
def conv3d(g: Gen, op: str) -> Case:
    channels = g.int(1, 3)
    weight = g.f32((*g.ints(3, 1, 3), channels, g.int(1, 4)))
    x = g.f32((g.int(1, 2), *g.ints(3, 3, 6), channels))
    attrs = {"strides": [1, *g.ints(3, 1, 2), 1], "padding": g.pick(["SAME", "VALID"])}
    return raw(op, {"input": x}, filter=weight, **attrs)


@generator("Conv3DBackpropInputV2")
def conv3d_backprop(g: Gen, op: str) -> Case:
    kernel, stride, size = g.ints(3, 1, 3), g.ints(3, 1, 2), g.ints(3, 3, 6)
    small = [-(-n // s) for n, s in zip(size, stride, strict=True)]
    batch, inner, outer = g.int(1, 2), g.int(1, 3), g.int(1, 3)
    return raw(
        op,
        {"out_backprop": g.f32((batch, *small, outer))},
        input_sizes=np.array([batch, *size, inner], np.int32),
        filter=g.f32((*kernel, inner, outer)),
        strides=[1, *stride, 1],
        padding="SAME",
    )


@generator("AvgPool3D", "MaxPool3D")
def pool3d(g: Gen, op: str) -> Case:
    x = g.f32((g.int(1, 2), *g.ints(3, 3, 6), g.int(1, 3)))
    attrs = {"ksize": [1, *g.ints(3, 1, 3), 1], "strides": [1, *g.ints(3, 1, 2), 1]}
    return raw(op, {"input": x}, padding=g.pick(["SAME", "VALID"]), **attrs)


@generator("FakeQuantWithMinMaxArgs")
def fake_quant_args(g: Gen, op: str) -> Case:
    attrs = {"min": -g.pick([0.0, 1.3, 6.0]), "max": g.pick([0.9, 6.0])}
    extra = {"num_bits": g.pick([4, 8]), "narrow_range": g.bool()}
    return raw(op, {"inputs": g.f32(g.shape(), -8, 8)}, **attrs, **extra)


@generator("FakeQuantWithMinMaxVars")
def fake_quant_vars(g: Gen, op: str) -> Case:
    attrs = {"min": np.float32(g.pick([-1.3, 0.0])), "max": np.float32(g.pick([0.7, 4.0]))}
    extra = {"num_bits": g.pick([4, 8]), "narrow_range": g.bool()}
    return raw(op, {"inputs": g.f32(g.shape(), -3, 5)}, **attrs, **extra)


@generator("FakeQuantWithMinMaxVarsPerChannel")
def fake_quant_channels(g: Gen, op: str) -> Case:
    shape = g.pick([(4,), (3, 4), (2, 3, 2, 4)])
    attrs = {"min": g.f32((4,), -3, 0), "max": g.f32((4,), 0.5, 4)}
    return raw(op, {"inputs": g.f32(shape, -4, 5)}, **attrs, narrow_range=g.bool())


_QUANTIZED = {tf.quint8: np.uint8, tf.qint8: np.int8}


@generator("QuantizeV2")
def quantize(g: Gen, op: str) -> Case:
    kind = g.pick(list(_QUANTIZED))
    attrs = {"min_range": np.float32(-g.pick([0.5, 2.0])), "max_range": np.float32(3)}
    mode = g.pick(["MIN_COMBINED", "SCALED"])

    def build(x: Any) -> list[Any]:
        made = tf.raw_ops.QuantizeV2(input=x, T=kind, mode=mode, **attrs)
        number = tf.int32
        return [tf.cast(made.output, number), made.output_min, made.output_max]

    return Case(build, [g.f32(g.shape(), -4, 4)])


@generator("Dequantize")
def dequantize(g: Gen, op: str) -> Case:
    """Back from levels, within a graph."""
    kind = g.pick(list(_QUANTIZED))
    attrs = {"min_range": np.float32(-2), "max_range": np.float32(3)}
    mode = g.pick(["MIN_COMBINED", "SCALED"])

    def build(x: Any) -> Any:
        made = tf.raw_ops.QuantizeV2(input=x, T=kind, mode=mode, **attrs)
        return tf.raw_ops.Dequantize(
            input=made.output, min_range=made.output_min, max_range=made.output_max, mode=mode
        )

    return Case(build, [g.f32(g.shape(1, 4), -4, 4)])


@generator("BlockLSTM", "BlockLSTMV2")
def block_lstm(g: Gen, op: str) -> Case:
    time, batch, inner, size = g.int(1, 4), g.int(1, 3), g.int(1, 4), g.int(1, 4)
    zeros = np.zeros(size, np.float32)
    attrs: dict[str, Any] = {
        "seq_len_max": np.int64(time),
        "w": g.f32((inner + size, 4 * size), -1, 1),
        "wci": zeros,
        "wcf": zeros,
        "wco": zeros,
        "b": g.f32((4 * size,), -1, 1),
    }
    if op == "BlockLSTM":
        attrs |= {"forget_bias": g.pick([1.0, 0.5]), "cell_clip": -1.0}
    arrays = [g.f32((time, batch, inner)), g.f32((batch, size)), g.f32((batch, size))]
    function = getattr(tf.raw_ops, op)
    return Case(lambda x, c, h: function(x=x, cs_prev=c, h_prev=h, **attrs).h, arrays)
