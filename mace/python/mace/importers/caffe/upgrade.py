# SPDX-License-Identifier: Apache-2.0
"""Turns the layers of old prototxts (V1: `layers { type: CONVOLUTION }`, and V0, which holds all
parameters of a layer in `layers { layer { } }`) into those of today, as Caffe does on reading."""

from __future__ import annotations

from typing import Any

from mace.importers.base import ImportFailed, Problem

# Types of V1, where they are not today's names in capital letters with underscores.
_V1_TYPES = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BN": "BN",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col",
    "LRN": "LRN",
    "MVN": "MVN",
    "PRELU": "PReLU",
    "RELU": "ReLU",
    "ROI_POOLING": "ROIPooling",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}
_V0_TYPES = {
    "accuracy": "Accuracy",
    "bnll": "BNLL",
    "concat": "Concat",
    "conv": "Convolution",
    "data": "Data",
    "dropout": "Dropout",
    "euclidean_loss": "EuclideanLoss",
    "flatten": "Flatten",
    "hdf5_data": "HDF5Data",
    "hdf5_output": "HDF5Output",
    "im2col": "Im2col",
    "images": "ImageData",
    "infogain_loss": "InfogainLoss",
    "innerproduct": "InnerProduct",
    "lrn": "LRN",
    "multinomial_logistic_loss": "MultinomialLogisticLoss",
    "padding": "Padding",
    "pool": "Pooling",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "softmax": "Softmax",
    "softmax_loss": "SoftmaxWithLoss",
    "split": "Split",
    "tanh": "TanH",
    "window_data": "WindowData",
}


def upgrade(network: Any, path: str) -> None:
    """Replaces network.layers by network.layer. Raises ImportFailed for layers that mean nothing."""
    if network.layers and network.layer:
        raise _problem(path, "file", "it has both 'layer' and 'layers'", "keep one of the forms")
    padding: dict[str, int] = {}
    for old in network.layers:
        layer = network.layer.add()
        layer.bottom.extend(old.bottom)
        layer.top.extend(old.top)
        layer.include.extend(old.include)
        layer.exclude.extend(old.exclude)
        if old.HasField("layer"):
            _from_v0(old.layer, layer, path)
            _merge_padding(network, layer, padding)
        else:
            _from_v1(old, layer, path)
    del network.layers[:]


def _from_v1(old: Any, layer: Any, path: str) -> None:
    layer.name = old.name
    kind = old.LayerType.Name(old.type)
    if kind == "NONE":
        raise _problem(path, old.name, "it has no type", "give the type of the layer")
    camel = "".join(part.capitalize() for part in kind.split("_"))
    layer.type = _V1_TYPES.get(kind, camel)
    for field, value in old.ListFields():
        if field.name.endswith("_param"):
            getattr(layer, field.name).CopyFrom(value)
    for index, name in enumerate(old.param):
        spec = layer.param.add(name=name)
        if index < len(old.blob_share_mode):
            spec.share_mode = old.blob_share_mode[index]


def _from_v0(old: Any, layer: Any, path: str) -> None:
    layer.name, kind = old.name, old.type
    if kind not in _V0_TYPES:
        hint = f"it is one of {', '.join(_V0_TYPES)}"
        raise _problem(path, old.name, f"its type is '{kind}', which Caffe never had", hint)
    layer.type = _V0_TYPES[kind]
    if kind in ("conv", "im2col"):
        parameter = layer.convolution_param
        parameter.num_output = old.num_output
        parameter.bias_term = old.biasterm
        parameter.pad.append(old.pad)
        parameter.kernel_size.append(old.kernelsize)
        parameter.group = old.group
        parameter.stride.append(old.stride)
    elif kind == "innerproduct":
        layer.inner_product_param.num_output = old.num_output
        layer.inner_product_param.bias_term = old.biasterm
    elif kind == "pool":
        layer.pooling_param.pool = old.pool
        layer.pooling_param.pad = old.pad
        layer.pooling_param.kernel_size = old.kernelsize
        layer.pooling_param.stride = old.stride
    elif kind == "lrn":
        for name in ("local_size", "alpha", "beta", "k"):
            setattr(layer.lrn_param, name, getattr(old, name))
    elif kind == "concat":
        layer.concat_param.concat_dim = old.concat_dim
    elif kind == "padding":
        layer.convolution_param.pad.append(old.pad)


def _merge_padding(network: Any, layer: Any, padding: dict[str, int]) -> None:
    """A padding layer of V0 becomes the padding of the convolutions or poolings that read it.

    `padding` holds the number of pixels by the name of the padded blob; the blob before it takes
    its place.
    """
    if layer.type == "Padding":
        if len(layer.bottom) == 1 and len(layer.top) == 1:
            padding[layer.top[0]] = layer.convolution_param.pad[0]
            layer.type = "Split"
        return
    pads = [padding[b] for b in layer.bottom if b in padding]
    if not pads:
        return
    if layer.type == "Convolution":
        layer.convolution_param.pad[0] += pads[0]
    elif layer.type == "Pooling":
        layer.pooling_param.pad += pads[0]
    else:
        message = f"it reads a padded blob, and is a {layer.type}"
        hint = "only convolutions and poolings may follow a padding layer"
        raise _problem(network.name or "network", layer.name, message, hint)


def _problem(path: str, name: str, message: str, hint: str) -> ImportFailed:
    return ImportFailed([Problem("model", "layer", f"{path}: {name}", message, hint)])
