# SPDX-License-Identifier: Apache-2.0
"""What can run a model so that two of them can be compared: its own framework, OpenCV, MACE on any
machine and instruction set, and MACE's operators in numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.analysis import interpreter
from mace.analysis.origins import Origin
from mace.convert import ConvertRequest
from mace.devices import select_devices
from mace.devices.job import Settings
from mace.devices.select import Request
from mace.errors import MaceError, did_you_mean
from mace.graph import dtypes
from mace.runtime import TensorInfo
from mace.validation.inputs import random_inputs, with_sizes
from mace.validation.layers import Layer, source_names
from mace.validation.layerwise import LayeredModel, convert_layers, run_model
from mace.validation.reference import Reference

Array: TypeAlias = npt.NDArray[Any]

_FRAMEWORKS = {"onnxruntime": "onnx", "tensorflow": "tensorflow", "opencv": "caffe"}
_ABIS = ("host", "arm64-v8a", "armeabi-v7a")
_ISAS = (
    "reference",
    "sse4",
    "avx2",
    "avx512",
    "avx512bf16",
    "amxbf16",
    "neon",
    "neona55",
    "neonfp16",
    "neondot",
    "neonbf16",
)
_KINDS = (*_FRAMEWORKS, "framework", "mace", "numpy")
SYNTAX = (
    "onnxruntime, tensorflow, opencv, framework (the model's own), numpy (the operators in float64), "
    "or mace with :ABI, :ISA and :unoptimized as needed, such as mace:arm64-v8a or mace:reference"
)


@dataclass(frozen=True)
class Engine:
    """One side of a comparison. kind: "mace", "numpy", or the framework."""

    text: str
    kind: str
    abi: str = "host"
    isa: str = ""
    optimise: bool = True

    @property
    def runs_converted(self) -> bool:
        """Whether it runs what MACE converts a model to."""
        return self.kind in ("mace", "numpy")


def parse_engine(text: str, platform: str) -> Engine:
    """The engine that a word of the command line names, for a model of that platform. Raises
    MaceError."""
    kind, *parts = text.split(":")
    if kind not in _KINDS:
        raise MaceError(
            f"there is no engine '{text}'{did_you_mean(kind, _KINDS)}", hint=f"it is {SYNTAX}"
        )
    if kind == "framework":
        kind = next(name for name, own in _FRAMEWORKS.items() if own == platform)
    engine = Engine(text, kind)
    for part in parts:
        if kind == "mace" and part in _ABIS:
            engine = replace(engine, abi=part)
        elif kind == "mace" and part in _ISAS:
            engine = replace(engine, isa=part)
        elif kind in ("mace", "numpy") and part == "unoptimized":
            engine = replace(engine, optimise=False)
        elif kind == "mace" and part == "cpu":
            continue
        else:
            known = [*_ABIS, *_ISAS, "cpu", "unoptimized"] if kind == "mace" else ["unoptimized"]
            raise MaceError(
                f"'{part}' of '{text}' is unknown{did_you_mean(part, known)}",
                hint=f"it is {SYNTAX}",
            )
    if kind in ("onnxruntime", "tensorflow") and _FRAMEWORKS[kind] != platform:
        raise MaceError(
            f"{kind} does not read {platform} models", hint="framework stands for the model's own"
        )
    return engine


@dataclass
class Contest:
    """A model and the samples that both sides run it on. folder: for what goes to a device."""

    request: ConvertRequest
    samples: Sequence[dict[str, Array]]
    folder: Path
    timeout: float = 600.0
    _models: dict[bool, LayeredModel] = field(default_factory=dict)

    def model(self, optimise: bool) -> LayeredModel:
        """The model with all layers as outputs, converted once."""
        if optimise not in self._models:
            self._models[optimise] = convert_layers(self.request, optimise)
        return self._models[optimise]

    def converted(self, engine: Engine) -> list[dict[str, Array]]:
        """What an engine for converted models gives, by the layers' outputs."""
        model = self.model(engine.optimise)
        if engine.kind == "numpy":
            return [_interpreted(model, sample) for sample in self.samples]
        folder = self.folder / engine.abi
        device = select_devices(engine.abi, folder, Request())[0]
        settings = Settings(timeout=self.timeout, isa=engine.isa)
        return run_model(device, self.request.name, model.model, self.samples, settings)

    def framework(self, engine: Engine, layers: Sequence[Layer]) -> list[dict[str, Array]]:
        """What a framework gives, by the names and in the layout of the source's tensors."""
        platform, names, layout = self.request.platform, source_names(layers), "NONE"
        if engine.kind == "opencv" and platform != "caffe":
            # Of these formats OpenCV tells the results alone, and in its own order.
            names = [output.name for output in self.model(False).graph.outputs]
            layout = "NHWC" if platform == "tensorflow" else "NONE"
            platform = f"opencv-{platform}"
        reference = Reference(
            platform=platform,
            model_file=self.request.model_file,
            weight_file=self.request.weight_file,
            inputs=[i.name for i in self.request.inputs],
            input_formats=[i.data_format for i in self.request.inputs],
            outputs=names,
            output_formats=[layout] * len(names),
        )
        return reference.run_known(list(self.samples))


def _interpreted(model: LayeredModel, sample: Mapping[str, Array]) -> dict[str, Array]:
    try:
        with np.errstate(all="ignore"):
            tensors = interpreter.run(model.graph, dict(sample))
    except interpreter.NoReference as error:
        raise MaceError(f"numpy cannot run this model: {error}") from None
    return {layer.output: tensors[layer.tensor] for layer in model.layers}


@dataclass(frozen=True)
class Sides:
    """The results of both sides in a form that compare_layers() takes. model: whose layers they
    are."""

    model: LayeredModel
    layers: list[Layer]
    expected: list[dict[str, Array]]
    actual: list[dict[str, Array]]


def run_both(contest: Contest, first: Engine, second: Engine) -> Sides:
    """Runs both. What `first` gives counts as right. Raises MaceError."""
    model = contest.model(second.optimise if second.runs_converted else first.optimise)
    if first.runs_converted and second.runs_converted and first.optimise == second.optimise:
        # The same model: everything can be compared as it is.
        layers = [replace(layer, origin=Origin(layer.tensor)) for layer in model.layers]
        expected = [
            {layer.tensor: output[layer.output] for layer in model.layers}
            for output in contest.converted(first)
        ]
        return Sides(model, layers, expected, contest.converted(second))
    if second.runs_converted:
        layers = list(model.layers)
        if first.runs_converted:
            other = contest.model(first.optimise)
            expected = [_restored(other, output) for output in contest.converted(first)]
        else:
            expected = contest.framework(first, layers)
        return Sides(model, layers, expected, contest.converted(second))
    layers = _by_source(model.layers)
    actual = contest.framework(second, layers)
    if first.runs_converted:
        expected = [_restored(model, output) for output in contest.converted(first)]
    else:
        expected = contest.framework(first, layers)
    known = [
        layer
        for layer in layers
        if all(
            layer.output in a and layer.output in e for a, e in zip(actual, expected, strict=True)
        )
    ]
    return Sides(model, known, expected, actual)


def _restored(model: LayeredModel, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Results of a converted model by source tensor and in its layout, where that is known."""
    found: dict[str, Array] = {}
    for layer in model.layers:
        array = layer.origin.restored(outputs[layer.output])
        if array is not None:
            found[layer.origin.tensor] = array
    return found


def _by_source(layers: Sequence[Layer]) -> list[Layer]:
    """Each tensor of the source once, under its own name and in its own layout."""
    named = {layer.origin.tensor: layer for layer in layers}
    return [
        replace(layer, origin=Origin(name), output=name, number=number)
        for number, (name, layer) in enumerate(named.items(), 1)
    ]


def random_samples(
    contest_request: ConvertRequest,
    model: LayeredModel,
    ranges: Sequence[tuple[float, float]],
    seed: int,
    count: int,
    size: int,
) -> list[dict[str, Array]]:
    """Random inputs for a converted model; unknown dimensions are `size`, the first one is 1."""
    infos = [
        TensorInfo(i.name, i.shape, dtypes.to_numpy(i.dtype), i.data_format)
        for i in model.graph.inputs
    ]
    infos = with_sizes(infos, size)
    order = {request.name: k for k, request in enumerate(contest_request.inputs)}
    bounds = [
        ranges[order[info.name]] if info.name in order and ranges else (-1.0, 1.0) for info in infos
    ]
    return [random_inputs(infos, bounds, seed + number) for number in range(count)]
