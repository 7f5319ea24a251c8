# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's convolution and pooling in three dimensions, and pooling with indices."""

from __future__ import annotations

from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import TENSORFLOW, channels_first, constant, spatial
from mace.importers.volume import pool_volume

_TO_LAST, _TO_FIRST = [0, 2, 3, 4, 1], [0, 4, 1, 2, 3]


def _first(node: TfNode) -> bool:
    data_format = node.string_attr("data_format", "NDHWC")
    if data_format not in ("NDHWC", "NCDHW"):
        raise UnsupportedError(f"attribute data_format is {data_format}", "use NDHWC")
    return data_format == "NCDHW"


def _window(node: TfNode, name: str) -> list[int]:
    """Depth, height and width of a list attribute."""
    values = node.ints_attr(name) or [1] * 5
    if len(values) != 5:
        raise UnsupportedError(f"attribute {name} has {len(values)} numbers where 5 are expected")
    inner = values[2:] if _first(node) else values[1:4]
    if values[0] != 1 or values[1 if _first(node) else 4] != 1:
        raise UnsupportedError(f"attribute {name} is {values}, not 1 for batch and channels")
    return inner


def _padding(node: TfNode) -> str:
    padding = node.string_attr("padding", "VALID")
    if padding not in ("SAME", "VALID"):
        raise UnsupportedError(f"attribute padding is '{padding}'", "use SAME or VALID")
    return padding


def _op(builder: Builder, node: TfNode, op: str, inputs: list[str], **attrs: object) -> None:
    """Writes an NDHWC operator in the node's data format."""
    if not _first(node):
        builder.op(op, inputs, [node.output()], **attrs)
        return
    turned = builder.op("Transpose", [inputs[0]], None, dims=_TO_LAST)
    result = builder.op(op, [turned, *inputs[1:]], None, **attrs)
    builder.op("Transpose", [result], [node.output()], dims=_TO_FIRST)


@TENSORFLOW.register("Conv3D")
def conv3d(builder: Builder, node: TfNode) -> None:
    """Filters are D H W I O."""
    value = constant(builder, node, 1, "filter")
    if value.ndim != 5:
        raise UnsupportedError(f"its filter has {value.ndim} dimensions instead of 5")
    weight = builder.const(value.transpose(4, 0, 1, 2, 3), suffix="filter")
    attrs = {"strides": _window(node, "strides"), "dilations": _window(node, "dilations")}
    _op(builder, node, "Conv3D", [node.input(0), weight], padding=_padding(node), **attrs)


@TENSORFLOW.register("Conv3DBackpropInputV2")
def conv3d_backprop_input(builder: Builder, node: TfNode) -> None:
    """The transposed convolution: input_sizes, filter D H W O I, gradient of the output."""
    value = constant(builder, node, 1, "filter")
    if value.ndim != 5:
        raise UnsupportedError(f"its filter has {value.ndim} dimensions instead of 5")
    if _first(node):
        raise UnsupportedError("attribute data_format is NCDHW", "use NDHWC")
    weight = builder.const(value.transpose(3, 0, 1, 2, 4), suffix="filter")
    attrs = {"strides": _window(node, "strides"), "dilations": _window(node, "dilations")}
    inputs = [node.input(2), weight, "", node.input(0)]
    _op(builder, node, "Deconv3D", inputs, padding=_padding(node), **attrs)


@TENSORFLOW.register("AvgPool3D", "MaxPool3D")
def pool3d(builder: Builder, node: TfNode) -> None:
    """Largest element or mean of each window."""
    tensor = node.input(0)
    if _first(node):
        tensor = builder.op("Transpose", [tensor], None, dims=_TO_LAST)
    attrs = {
        "pooling_type": "AVG" if node.op == "AvgPool3D" else "MAX",
        "strides": _window(node, "strides"),
        "padding": _padding(node),
    }
    pooled = pool_volume(builder, tensor, _window(node, "ksize"), attrs)
    if _first(node):
        builder.op("Transpose", [pooled], [node.output()], dims=_TO_FIRST)
    else:
        builder.op("Identity", [pooled], [node.output()])


@TENSORFLOW.register("MaxPoolWithArgmax")
def max_pool_with_argmax(builder: Builder, node: TfNode) -> None:
    """Largest elements and where they are, counted within the image unless the batch is included."""
    if channels_first(node):
        raise UnsupportedError("attribute data_format is NCHW", "use NHWC")
    kind = node.type_attr("Targmax", "i64")
    attrs = {"kernels": spatial(node, "ksize"), "strides": spatial(node, "strides")}
    places = builder.tensor("places")
    builder.op(
        "MaxPoolWithArgmax",
        [node.input(0)],
        [node.output(), places],
        **attrs,
        padding=_padding(node),
        channels_last=True,
        image_index=not node.bool_attr("include_batch_in_index"),
    )
    builder.op("Cast", [places], [node.output(1)], output_type=kind)
