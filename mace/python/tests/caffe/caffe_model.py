# SPDX-License-Identifier: Apache-2.0
"""Writes small Caffe networks and compares their import with OpenCV's reader of Caffe."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from mace.analysis import interpreter
from mace.convert import ConvertRequest, convert_graph
from mace.graph.ir import Array, Graph
from mace.importers.base import InterfaceRequest
from mace.importers.caffe import import_model
from mace.proto_messages import new
from mace.runtime import Engine

Weights = dict[str, list[Array]]


def caffemodel(weights: Weights, old_shapes: bool = False) -> bytes:
    """The bytes of a .caffemodel; old_shapes: four dimensions as Caffe wrote them first."""
    net = new("mace.caffe.NetWeights", "caffe.desc")
    for name, arrays in weights.items():
        layer = net.layer.add(name=name)
        for array in arrays:
            blob = layer.blobs.add()
            if old_shapes:
                dims = [1] * (4 - array.ndim) + list(array.shape)
                blob.num, blob.channels, blob.height, blob.width = dims
            else:
                blob.shape.dim.extend(array.shape)
            blob.data.append(np.asarray(array, "<f4").tobytes())
    return bytes(net.SerializeToString())


def write(folder: Path, text: str, weights: Weights | None = None) -> tuple[Path, Path]:
    """Writes net.prototxt and net.caffemodel."""
    model, data = folder / "net.prototxt", folder / "net.caffemodel"
    model.write_text(text)
    data.write_bytes(caffemodel(weights or {"none": [np.zeros(1, np.float32)]}))
    return model, data


def input_layer(shape: tuple[int, ...], name: str = "data") -> str:
    """The text of an Input layer."""
    dims = " ".join(f"dim: {d}" for d in shape)
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'


def layer(kind: str, bottoms: str, tops: str, parameters: str = "", name: str = "") -> str:
    """The text of a layer; bottoms and tops are names separated by spaces."""
    parts = [f'name: "{name or tops.split()[0]}" type: "{kind}"']
    parts += [f'bottom: "{b}"' for b in bottoms.split()] + [f'top: "{t}"' for t in tops.split()]
    return f"layer {{ {' '.join(parts)} {parameters} }}\n"


def opencv(
    text: str, weights: Weights | None, feeds: dict[str, Array], layers: list[str]
) -> list[Array]:
    """What OpenCV computes for the layers of these names."""
    buffers = [text.encode(), caffemodel(weights or {"none": []})]
    net = cv2.dnn.readNetFromCaffe(*(np.frombuffer(b, np.uint8) for b in buffers))
    for name, array in feeds.items():
        net.setInput(array, name)
    return [np.asarray(r) for r in net.forward(layers)]


def run(
    text: str, weights: Weights | None, feeds: dict[str, Array], outputs: list[str], folder: Path
) -> tuple[Graph, list[Array]]:
    """The imported graph and what it computes, with tensors as Caffe has them."""
    model, data = write(folder, text, weights)
    graph = import_model(
        model,
        data,
        [InterfaceRequest(n, a.shape, None, "NCHW") for n, a in feeds.items()],
        [InterfaceRequest(n, None, None, "NCHW") for n in outputs],
    )
    found = interpreter.outputs(graph, feeds)
    return graph, [found[n] for n in outputs]


def check(
    folder: Path,
    body: str,
    feeds: dict[str, Array] | Array,
    weights: Weights | None = None,
    outputs: str = "y",
    tolerance: float = 1e-4,
) -> Graph:
    """Asserts that the imported network computes what OpenCV does. Tops are named as layers."""
    feeds = feeds if isinstance(feeds, dict) else {"data": feeds}
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items()) + body
    graph, found = run(text, weights, feeds, outputs.split(), folder)
    expected = opencv(text, weights, feeds, outputs.split())
    for name, actual, value in zip(outputs.split(), found, expected, strict=True):
        assert actual.shape == value.shape, f"{name}: {actual.shape} for {value.shape}"
        np.testing.assert_allclose(actual, value, rtol=tolerance, atol=tolerance, err_msg=name)
    return graph


def engine(
    folder: Path, text: str, weights: Weights | None, feeds: dict[str, Array], outputs: str
) -> list[Array]:
    """What the engine computes after the whole conversion, with tensors as Caffe has them."""
    model, data = write(folder, text, weights)
    request = ConvertRequest(
        "net",
        "caffe",
        model,
        data,
        [InterfaceRequest(n, a.shape, None, "NCHW") for n, a in feeds.items()],
        [InterfaceRequest(n, None, None, "NCHW") for n in outputs.split()],
    )
    converted = convert_graph(request).model
    with Engine.from_bytes(converted.graph, converted.data or None) as net:
        found = net.run(feeds)
    return [np.asarray(found[n]) for n in outputs.split()]


def expect(
    folder: Path,
    body: str,
    feeds: dict[str, Array] | Array,
    expected: dict[str, Array] | Array,
    weights: Weights | None = None,
    tolerance: float = 1e-4,
) -> None:
    """Asserts what the engine computes for a network of these layers."""
    feeds = feeds if isinstance(feeds, dict) else {"data": feeds}
    expected = expected if isinstance(expected, dict) else {"y": expected}
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items()) + body
    found = engine(folder, text, weights, feeds, " ".join(expected))
    for (name, value), actual in zip(expected.items(), found, strict=True):
        assert actual.shape == value.shape, f"{name}: {actual.shape} for {value.shape}"
        np.testing.assert_allclose(actual, value, rtol=tolerance, atol=tolerance, err_msg=name)
