# SPDX-License-Identifier: Apache-2.0
"""Imports a Caffe network: a prototxt and the caffemodel whose weights match its layers by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mace.errors import did_you_mean
from mace.graph.ir import Graph, Interface
from mace.importers.base import (
    NCHW_TO_NHWC,
    Builder,
    Description,
    ImportFailed,
    InterfaceRequest,
    Problem,
    UnsupportedError,
    apply_borders,
)
from mace.importers.caffe import (  # noqa: F401  They register functions.
    arrange,
    detection,
    elementwise,
    normalization,
    recurrent,
    window,
)
from mace.importers.caffe.layer import CAFFE, CaffeLayer
from mace.importers.caffe.network import Network
from mace.importers.caffe.prototxt import read_weights
from mace.importers.caffe.shapes import Shapes

__all__ = ["CAFFE", "blob_names", "describe_model", "import_model", "output_layers"]


def import_model(
    model_file: Path,
    weight_file: Path | None,
    inputs: list[InterfaceRequest],
    outputs: list[InterfaceRequest],
) -> Graph:
    """The graph between the requested inputs and outputs, in its test phase.

    Without requests the inputs are the network's own and the outputs the blobs that no layer
    reads. Of a blob that layers change in place the last state has its name, the states before
    are called name#1, name#2, ... Raises ImportFailed with all problems found.
    """
    return _Import(model_file, weight_file, inputs, outputs).run()


def describe_model(model_file: Path, weight_file: Path | None = None) -> Description:
    """The network's inputs as NHWC, the blobs that no layer reads, and the layers between."""
    del weight_file
    source = _Import(model_file, None, [], [])
    inputs = [source.completed(r) for r in source.inputs]
    operators = Counter(layer.type for layer in source.needed())
    return Description(
        [Interface(r.name, r.shape or (), "f32", _format(r)) for r in inputs],
        [Interface(r.name, (), "f32", "NONE") for r in source.outputs],
        dict(sorted(operators.items())),
    )


def blob_names(model_file: Path) -> set[str]:
    """Names of all tensors of the imported graph that are blobs of the network."""
    network = Network(model_file)
    return {*network.inputs, *network.producers}


def output_layers(model_file: Path, names: Sequence[str]) -> dict[str, tuple[str, str, int]]:
    """For tensors of the imported graph name and type of the layer that writes them, and which of
    its outputs they are.

    OpenCV's dnn module, with which results are compared, asks for layers instead of blobs.
    """
    producers = Network(model_file).producers
    return {
        n: (producers[n].name, producers[n].type, producers[n].tops.index(n))
        for n in names
        if n in producers
    }


def _format(request: InterfaceRequest) -> str:
    return request.data_format if len(request.shape or ()) == 4 else "NONE"


class _Import:
    """One import: the network's layers in order and the problems so far."""

    def __init__(
        self,
        model_file: Path,
        weight_file: Path | None,
        inputs: list[InterfaceRequest],
        outputs: list[InterfaceRequest],
    ) -> None:
        self.problems: list[Problem] = []
        self.network = Network(model_file)
        self.weights = read_weights(weight_file) if weight_file else {}
        self.shared = self._shared_blobs()
        self.name = self.network.name or model_file.stem
        self.inputs = inputs or [InterfaceRequest(n) for n in self.network.read_inputs()]
        self.outputs = outputs or [InterfaceRequest(n) for n in self.network.results()]
        self._check_names(self.inputs, "input")
        self._check_names(self.outputs, "output")
        self.input_names = {r.name for r in self.inputs}

    def run(self) -> Graph:
        """Imports the layers that the outputs need."""
        self._stop_at_problems()
        self.inputs = [self.completed(r) for r in self.inputs]
        layers = self.needed()
        self._stop_at_problems()
        graph = Graph(self.name)
        builder = Builder(graph)
        builder.reserve([*self.network.inputs, *self.network.producers, *self.input_names])
        shapes = Shapes(graph, self.inputs)
        ranks = {r.name: len(r.shape or ()) for r in self.inputs}
        for layer in layers:
            layer.ranks = ranks
            layer.shape_of = shapes.of
            self._import_layer(builder, layer)
        self._stop_at_problems()
        outputs = [self._output(r, ranks[r.name]) for r in self.outputs]
        apply_borders(graph, self.inputs, outputs, nchw=True)
        return graph

    def _import_layer(self, builder: Builder, layer: CaffeLayer) -> None:
        builder.begin(layer.name, layer.type)
        self._take_weights(layer)
        handler = CAFFE.get(layer.type)
        rank = layer.ranks.get(layer.bottoms[0], 4) if layer.bottoms else 4
        for top in layer.tops:
            layer.ranks.setdefault(top, rank)
        if handler is None:
            message = f"MACE has no such layer{did_you_mean(layer.type, CAFFE.ops())}"
            self._problem("operator", layer, message, "see 'mace ops' for those that it has")
            return
        first = len(builder.graph.nodes)
        try:
            handler(builder, layer)
            written = {t for node in builder.graph.nodes[first:] for t in node.outputs}
            left = [t for t in layer.tops if t not in written]
            if left:
                raise UnsupportedError(
                    f"it has {len(layer.tops)} tops, of which it does not write '{left[0]}'",
                    "correct the prototxt",
                )
        except UnsupportedError as error:
            hint = error.hint
            if not layer.blobs and self.weights:
                hint += did_you_mean(layer.name, self.weights)
            self._problem("attribute", layer, str(error), hint)

    def _shared_blobs(self) -> dict[str, Any]:
        """Blobs by the name that layers share them under; as in Caffe the last one read counts."""
        specs = {layer.name: layer.message.param for layer in self.network.layers}
        return {
            spec.name: blob
            for name, blobs in self.weights.items()
            for spec, blob in zip(specs.get(name, ()), blobs, strict=False)
            if spec.name
        }

    def _take_weights(self, layer: CaffeLayer) -> None:
        layer.blobs = list(self.weights.get(layer.name, []))
        for index, spec in enumerate(layer.message.param):
            if spec.name not in self.shared or index > len(layer.blobs):
                continue
            layer.blobs[index : index + 1] = [self.shared[spec.name]]
            if spec.share_mode == spec.PERMISSIVE:
                layer.permissive.add(index)

    def needed(self) -> list[CaffeLayer]:
        """The layers that the outputs need, in the order of the network."""
        wanted: set[int] = set()
        stack = [r.name for r in self.outputs]
        seen = set(self.input_names)
        while stack:
            tensor = stack.pop()
            if tensor in seen:
                continue
            seen.add(tensor)
            layer = self.network.producers.get(tensor)
            if layer is not None:
                wanted.add(id(layer))
                stack.extend(layer.bottoms)
                continue
            hint = "add it to the inputs in the deployment file, or cut the model elsewhere"
            message = "the outputs need this input"
            if tensor not in self.network.inputs:
                why = self.network.unwritten.get(tensor, "no layer writes it")
                message = f"the outputs need this blob: {why}"
            self.problems.append(Problem("model", "input", tensor, message, hint))
        return [layer for layer in self.network.layers if id(layer) in wanted]

    def completed(self, request: InterfaceRequest) -> InterfaceRequest:
        """The request with the shape that the network gives, where it has none of its own."""
        own = self.network.inputs.get(request.name)
        nhwc = request.data_format == "NHWC"
        if own is not None and len(own) == 4 and nhwc:
            own = tuple(own[d] for d in NCHW_TO_NHWC)
        if request.shape is None and own is not None:
            request = replace(request, shape=tuple(own))
        if request.shape is None:
            hint = "give its shape in the deployment file"
            message = "the network does not tell the shape of this blob"
            self.problems.append(Problem("model", "input", request.name, message, hint))
        elif own is not None and not _fits(request.shape, own, nhwc):
            message = f"shape {list(request.shape)} does not fit the network's {list(own)}"
            hint = f"the dimensions are in the order of its data format, {request.data_format}"
            self.problems.append(Problem("model", "input", request.name, message, hint))
        if request.dtype not in (None, "f32"):
            message = f"its elements are f32, and {request.dtype} was requested"
            self.problems.append(Problem("model", "input", request.name, message, "request f32"))
        return replace(request, dtype="f32")

    def _output(self, request: InterfaceRequest, rank: int) -> InterfaceRequest:
        """The request with a shape, and without data format where there are no channels."""
        shape = request.shape if request.shape is not None else (-1,) * rank
        layer = self.network.producers.get(request.name)
        if len(shape) != rank or (layer is not None and layer.type == "DetectionOutput"):
            return replace(request, shape=shape, data_format="NONE")
        return replace(request, shape=shape)

    def _check_names(self, requests: list[InterfaceRequest], what: str) -> None:
        known = {**dict.fromkeys(self.network.inputs), **dict.fromkeys(self.network.producers)}
        if what == "input":  # the layer that wrote it may be one of the training phase
            known.update(dict.fromkeys(self.network.unwritten))
        for name, count in Counter(r.name for r in requests).items():
            if count > 1:
                message = f"it is named {count} times as an {what}"
                self.problems.append(Problem("model", what, name, message))
            if name not in known:
                message = f"the network has no blob of this name{did_you_mean(name, known)}"
                own = [*self.network.read_inputs(), *self.network.results()]
                hint = f"its inputs and outputs are {', '.join(repr(n) for n in own[:8])}"
                self.problems.append(Problem("model", what, name, message, hint))

    def _problem(self, kind: str, layer: CaffeLayer, message: str, hint: str) -> None:
        known = [f"{t}: {layer.ranks[t]} dimensions" for t in layer.bottoms if t in layer.ranks]
        message += self.network.where(layer)
        self.problems.append(Problem(kind, layer.type, layer.name, message, hint, ", ".join(known)))

    def _stop_at_problems(self) -> None:
        if self.problems:
            raise ImportFailed(self.problems)


def _fits(requested: Any, own: Any, nhwc: bool) -> bool:
    """Same rank and channels; the other dimensions of a Caffe network may be chosen."""
    if len(requested) != len(own):
        return False
    if len(own) != 4:
        return True
    channel = 3 if nhwc else 1
    return requested[channel] in (own[channel], -1) or own[channel] == -1
