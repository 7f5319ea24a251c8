# SPDX-License-Identifier: Apache-2.0
"""The layers of a Caffe network that its test phase has, with a tensor of its own for each state
of a blob that is changed in place."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from mace.importers.base import ImportFailed, Problem
from mace.importers.caffe.layer import CaffeLayer
from mace.importers.caffe.prototxt import read_network

# Layers whose tops are fed by the application.
_INPUTS = (
    "AnnotatedData",
    "Data",
    "DenseImageData",
    "DummyData",
    "HDF5Data",
    "ImageData",
    "Input",
    "MemoryData",
    "VideoData",
    "WindowData",
)
# Layers that judge, log or store results, besides all whose type ends with Loss.
_SINKS = ("Accuracy", "DetectionEvaluate", "HDF5Output", "Silence", "SmoothL1LossOHEM")
# Networks for inference that were derived from those for training name this stage.
_STAGES = {"deploy"}
_TEST = 1  # Phase.TEST of caffe.proto
_MAX_DIM = 2**31 - 1

Shape = tuple[int, ...]


class Network:
    """Inputs with their shapes (N, C, H, W; None when the network does not tell), layers in order,
    and the layer that writes each tensor. Raises ImportFailed when the layers contradict."""

    def __init__(self, path: Path) -> None:
        message, lines = read_network(path)
        if len(lines) != len(message.layer):  # lists in brackets, whose lines are not looked for
            lines = [0] * len(message.layer)
        self.name = str(message.name)
        self.path = path
        self.problems: list[Problem] = []
        self.inputs: dict[str, Shape | None] = _declared_inputs(message)
        self.layers: list[CaffeLayer] = []
        self.producers: dict[str, CaffeLayer] = {}
        # Bottoms that no layer writes before they are read, with why.
        self.unwritten: dict[str, str] = {}
        self._silenced: set[str] = set()
        used = [
            (m, line)
            for m, line in zip(message.layer, lines, strict=True)
            if _in_test_phase(m, message.state)
        ]
        _end_at_softmax([m for m, _ in used])
        used = [(m, line) for m, line in used if not m.type.endswith("Loss")]
        for layer, line in used:
            if layer.type in _INPUTS:
                self._add_inputs(layer, line)
        self._check_unique([m for m, _ in used])
        self._add_layers([(m, line) for m, line in used if m.type not in _INPUTS])
        self._check_dims()
        if self.problems:
            raise ImportFailed(self.problems)

    def results(self) -> list[str]:
        """The tensors that no layer reads."""
        read = self._read() | self._silenced
        return [t for layer in self.layers for t in layer.tops if t not in read]

    def read_inputs(self) -> list[str]:
        """The inputs that some layer reads."""
        read = self._read()
        return [name for name in self.inputs if name in read]

    def where(self, layer: CaffeLayer) -> str:
        """The place of a layer in its file, to follow a sentence; nothing when it is not known."""
        return f" ({self.path.name}:{layer.line})" if layer.line else ""

    def _read(self) -> set[str]:
        return {b for layer in self.layers for b in layer.bottoms}

    def _add_inputs(self, message: Any, line: int) -> None:
        shapes = _input_shapes(message)
        if len(shapes) == 1:
            shapes *= len(message.top)
        for index, top in enumerate(message.top):
            if top in self.inputs:
                self._complain(message, line, f"its top '{top}' is an input already")
            self.inputs[top] = shapes[index] if index < len(shapes) else None

    def _add_layers(self, layers: list[tuple[Any, int]]) -> None:
        kept = [(m, line) for m, line in layers if m.type not in _SINKS]
        writes = Counter(top for m, _ in kept for top in m.top)
        state: Counter[str] = Counter()
        current = {name: name for name in self.inputs}
        for message, line in layers:
            if message.type in _SINKS:
                if message.type == "Silence":
                    self._silenced.update(current.get(b, b) for b in message.bottom)
                continue
            layer = CaffeLayer(str(message.name), str(message.type), [], [], message, line=line)
            layer.bottoms = [self._bottom(layer, b, current, writes) for b in message.bottom]
            self._check_tops(message, line, current)
            for top in message.top:
                state[top] += 1
                last = state[top] == writes[top] and top not in self.inputs
                current[top] = top if last else f"{top}#{state[top]}"
                layer.tops.append(current[top])
            self.layers.append(layer)
            self.producers.update(dict.fromkeys(layer.tops, layer))

    def _bottom(
        self, layer: CaffeLayer, name: str, current: dict[str, str], writes: Counter[str]
    ) -> str:
        """The tensor that a bottom means here; one of its own when nothing has written it yet."""
        if name in current:
            return current[name]
        where = f"layer '{layer.name}'{self.where(layer)} reads it"
        if writes[name]:
            tensor = f"{name}#0"
            self.unwritten[tensor] = f"{where} before the layer that writes it"
            return tensor
        self.unwritten[name] = f"{where} and none writes it"
        return name

    def _check_tops(self, message: Any, line: int, current: dict[str, str]) -> None:
        """A top may have the name of a blob that exists only where the layer changes that blob."""
        for top, count in Counter(message.top).items():
            if count > 1:
                self._complain(message, line, f"it has the top '{top}' {count} times")
            elif top in current and top not in message.bottom:
                found = self.producers.get(current[top])
                before = f"layer '{found.name}'{self.where(found)}" if found else "an input"
                self._complain(
                    message,
                    line,
                    f"its top '{top}' is also that of {before}, which it does not read",
                )

    def _check_unique(self, layers: list[Any]) -> None:
        for name, count in Counter(m.name for m in layers).items():
            if count > 1:
                self.problems.append(
                    Problem("model", "layer", name, f"{count} layers have this name")
                )

    def _check_dims(self) -> None:
        for name, shape in self.inputs.items():
            if shape is not None and not all(1 <= d <= _MAX_DIM for d in shape):
                message = f"its shape {list(shape)} has a dimension outside of 1 to {_MAX_DIM}"
                self.problems.append(Problem("model", "input", name, message))

    def _complain(self, message: Any, line: int, text: str) -> None:
        place = f" ({self.path.name}:{line})" if line else ""
        hint = "rename the top, or the bottoms that mean it"
        self.problems.append(Problem("model", message.type, message.name, text + place, hint))


def _end_at_softmax(layers: list[Any]) -> None:
    """SoftmaxWithLoss becomes the Softmax that a deployed network has in its place, unless the
    network has that one too."""
    judged = {b for m in layers if m.type == "Softmax" for b in m.bottom}
    for message in layers:
        # Its second top, where there is one, is Caffe's name of the probabilities.
        if message.type == "SoftmaxWithLoss" and message.bottom and message.top:
            if message.bottom[0] in judged:
                continue
            message.type = "Softmax"
            top = message.top[min(1, len(message.top) - 1)]
            del message.bottom[1:]
            del message.top[:]
            message.top.append(top)


def _declared_inputs(message: Any) -> dict[str, Shape | None]:
    """The inputs that are fields of the network: with shapes, or with four numbers each."""
    result: dict[str, Shape | None] = {}
    for index, name in enumerate(message.input):
        if index < len(message.input_shape):
            result[name] = tuple(int(d) for d in message.input_shape[index].dim)
        elif len(message.input_dim) >= 4 * (index + 1):
            result[name] = tuple(int(d) for d in message.input_dim[4 * index : 4 * index + 4])
        else:
            result[name] = None
    return result


def _input_shapes(message: Any) -> list[Shape]:
    """The shapes of the tops of an input layer, one for all tops, or none if it does not tell."""
    if message.type == "MemoryData" and message.HasField("memory_data_param"):
        data = message.memory_data_param
        image = (data.batch_size, data.channels, data.height, data.width)
        return [tuple(int(d) for d in image), (int(data.batch_size),)]
    if message.type == "DummyData":
        dummy = message.dummy_data_param
        if not dummy.shape:
            old = zip(dummy.num, dummy.channels, dummy.height, dummy.width, strict=False)
            return [tuple(int(d) for d in dims) for dims in old]
        return [tuple(int(d) for d in s.dim) for s in dummy.shape]
    return [tuple(int(d) for d in s.dim) for s in message.input_param.shape]


def _in_test_phase(layer: Any, state: Any) -> bool:
    """Caffe's rules: some include rule holds, or, when there is none, no exclude rule does."""
    if layer.HasField("phase") and layer.phase != _TEST:
        return False
    if layer.include:
        return any(_holds(rule, state) for rule in layer.include)
    return not any(_holds(rule, state) for rule in layer.exclude)


def _holds(rule: Any, state: Any) -> bool:
    """Whether a rule is met in the test phase at the level and the stages of the network's state."""
    if rule.HasField("phase") and rule.phase != _TEST:
        return False
    if rule.HasField("min_level") and rule.min_level > state.level:
        return False
    if rule.HasField("max_level") and rule.max_level < state.level:
        return False
    stages = set(state.stage) or _STAGES
    return set(rule.stage) <= stages and not set(rule.not_stage) & stages
