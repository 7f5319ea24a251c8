# SPDX-License-Identifier: Apache-2.0
"""A model converted so that every layer can be compared, run on a device, and judged."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.analysis.infer import infer
from mace.analysis.origins import Origins
from mace.convert import ConvertRequest, convert_graph, convert_imported
from mace.devices.base import Device
from mace.devices.job import ConvertedFiles, Job, Settings
from mace.errors import MaceError
from mace.export.model import ModelBytes, to_bytes
from mace.graph.ir import Graph
from mace.model_file import read_interface
from mace.validation.diagnose import Diagnosis, diagnose
from mace.validation.layers import Layer, LayerResult, first_bad, instrument
from mace.validation.sources import NCHW, source_tensors

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class LayeredModel:
    """A converted model whose inner tensors are outputs. graph: as converted, without them."""

    name: str
    graph: Graph
    origins: Origins
    layers: list[Layer]
    model: ModelBytes


def convert_layers(request: ConvertRequest, optimise: bool = True) -> LayeredModel:
    """Converts a model with all layers as outputs. optimise: False leaves out all passes. Raises
    ConversionError."""
    is_source = source_tensors(request.platform, request.model_file)
    origins = Origins(is_source, request.platform in NCHW)
    if not optimise:
        request = replace(request, optimize_options=["SORT_BY_EXECUTION"])
    graph = convert_graph(request, observe=origins.update).graph
    instrumented, layers = instrument(graph, origins)
    instrumented = infer(instrumented).graph
    model = to_bytes(instrumented, request.runtimes, weight_format=request.weight_format)
    return LayeredModel(request.name, graph, origins, layers, model)


def run_model(
    device: Device,
    name: str,
    model: ModelBytes,
    samples: Sequence[Mapping[str, Array]],
    settings: Settings,
) -> list[dict[str, Array]]:
    """The outputs for each sample, run on a device that nobody else uses meanwhile. Raises
    MaceError when the program on the device fails; its exit code is that of an internal error when
    the program was ended by a signal."""
    with tempfile.TemporaryDirectory(prefix="mace-layers-") as folder:
        graph_path, data_path = Path(folder, "model.pb"), Path(folder, "model.data")
        graph_path.write_bytes(model.graph)
        if model.data:
            data_path.write_bytes(model.data)
        inputs, outputs = read_interface(graph_path)
        files = ConvertedFiles(name, graph_path, data_path, inputs, outputs)
        with device.lock():
            try:
                job = Job(device, files, settings)
                return [dict(job.run(dict(sample)).outputs) for sample in samples]
            finally:
                device.clean()


def judge(
    model: LayeredModel,
    results: Sequence[LayerResult],
    references: Sequence[Mapping[str, Array]],
    samples: Sequence[Mapping[str, Array]],
    device: Device | None,
    settings: Settings,
    alone: bool = True,
) -> tuple[LayerResult | None, Diagnosis | None]:
    """The first bad layer and why it is bad. device: None leaves the engine out of it; alone:
    False keeps the layer from being run alone, as it is not MACE's."""
    result = first_bad(results)
    if result is None or result.expected is None or result.actual is None:
        return result, None
    sample = result.verdict.sample
    inputs: dict[str, Array] = {}
    if alone:
        inputs = _right_inputs(model, result, results, references[sample], samples[sample])

    def execute(graph: Graph, arrays: dict[str, Array]) -> Mapping[str, Array]:
        if device is None:
            raise MaceError("there is no device")
        converted = convert_imported("alone", graph, optimize_options=["SORT_BY_EXECUTION"])
        names = {t: f"out{k}" for k, t in enumerate(graph.output_names())}
        made = run_model(device, "alone", _plain_names(converted.graph, names), [arrays], settings)
        return {tensor: made[0][name] for tensor, name in names.items()}

    node = result.layer.node
    output = node.outputs.index(result.layer.tensor)
    engine = execute if device is not None else None
    return result, diagnose(node, output, inputs, result.expected, result.actual, engine)


def _plain_names(graph: Graph, names: Mapping[str, str]) -> ModelBytes:
    """The model with outputs whose names make different file names."""
    graph = graph.copy()
    for node in graph.nodes:
        node.outputs = [names.get(t, t) for t in node.outputs]
    for output in graph.outputs:
        output.name = names[output.name]
    return to_bytes(infer(graph).graph, ["cpu"])


def _right_inputs(
    model: LayeredModel,
    result: LayerResult,
    results: Sequence[LayerResult],
    reference: Mapping[str, Array],
    sample: Mapping[str, Array],
) -> dict[str, Array]:
    """The values that the inputs of a layer's node ought to have, as far as they are known."""
    found: dict[str, Array] = {}
    known = {r.layer.tensor: r for r in results if r.expected is not None}
    for tensor in result.layer.node.inputs:
        if tensor in model.graph.consts:
            found[tensor] = model.graph.consts[tensor]
        elif tensor in sample:
            found[tensor] = sample[tensor]
        elif tensor in known:
            source, actual = known[tensor].layer.origin, known[tensor].actual
            if actual is None or source.tensor not in reference:
                continue
            value = source.expected(reference[source.tensor], actual.shape)
            if value is not None:
                found[tensor] = np.ascontiguousarray(value).astype(actual.dtype)
    return found
