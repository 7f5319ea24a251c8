# SPDX-License-Identifier: Apache-2.0
"""The layers of a Caffe network that its test phase has, with a tensor of its own for each state
of a blob that is changed in place."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mace.importers.base import ImportFailed, Problem
from mace.importers.caffe.layer import CaffeLayer

# Layers whose tops are fed by the application.
_INPUTS = (
    "AnnotatedData",
    "Data",
    "DummyData",
    "HDF5Data",
    "ImageData",
    "Input",
    "MemoryData",
    "VideoData",
    "WindowData",
)
# Networks for inference that were derived from those for training name this stage.
_STAGES = {"deploy"}
_TEST = 1  # Phase.TEST of caffe.proto


class Network:
    """Inputs with their shapes (N, C, H, W; () when the network does not tell), layers in order,
    and the layer that writes each tensor."""

    def __init__(self, message: Any) -> None:
        self.name = str(message.name)
        self.inputs: dict[str, tuple[int, ...] | None] = _declared_inputs(message)
        self.layers: list[CaffeLayer] = []
        self.producers: dict[str, CaffeLayer] = {}
        used = [m for m in message.layer if _in_test_phase(m) and not _for_training(m.type)]
        for layer in used:
            if layer.type in _INPUTS:
                shapes = [tuple(int(d) for d in s.dim) for s in layer.input_param.shape]
                if len(shapes) == 1:
                    shapes *= len(layer.top)
                for index, top in enumerate(layer.top):
                    self.inputs[top] = shapes[index] if index < len(shapes) else None
        _check_unique(used)
        self._add_layers([m for m in used if m.type not in _INPUTS])

    def results(self) -> list[str]:
        """The tensors that no layer reads."""
        read = self._read()
        return [t for layer in self.layers for t in layer.tops if t not in read]

    def read_inputs(self) -> list[str]:
        """The inputs that some layer reads."""
        read = self._read()
        return [name for name in self.inputs if name in read]

    def _read(self) -> set[str]:
        return {b for layer in self.layers for b in layer.bottoms}

    def _add_layers(self, layers: list[Any]) -> None:
        writes = Counter(top for layer in layers for top in layer.top)
        state: Counter[str] = Counter()
        current = {name: name for name in self.inputs}
        for message in layers:
            bottoms = [current.get(b, b) for b in message.bottom]
            tops = []
            for top in message.top:
                state[top] += 1
                last = state[top] == writes[top] and top not in self.inputs
                current[top] = top if last else f"{top}#{state[top]}"
                tops.append(current[top])
            layer = CaffeLayer(str(message.name), str(message.type), bottoms, tops, message)
            self.layers.append(layer)
            self.producers.update(dict.fromkeys(tops, layer))


def _for_training(kind: str) -> bool:
    """Layers that judge or log results, which no application wants."""
    return kind.endswith("Loss") or kind in ("Accuracy", "DetectionEvaluate", "Silence")


def _declared_inputs(message: Any) -> dict[str, tuple[int, ...] | None]:
    """The inputs that are fields of the network: with shapes, or with four numbers each."""
    result: dict[str, tuple[int, ...] | None] = {}
    for index, name in enumerate(message.input):
        if index < len(message.input_shape):
            result[name] = tuple(int(d) for d in message.input_shape[index].dim)
        elif len(message.input_dim) >= 4 * (index + 1):
            result[name] = tuple(int(d) for d in message.input_dim[4 * index : 4 * index + 4])
        else:
            result[name] = None
    return result


def _in_test_phase(layer: Any) -> bool:
    """Caffe's rules: some include rule holds, or, when there is none, no exclude rule does."""
    if layer.HasField("phase") and layer.phase != _TEST:
        return False
    if layer.include:
        return any(_holds(rule) for rule in layer.include)
    return not any(_holds(rule) for rule in layer.exclude)


def _holds(rule: Any) -> bool:
    if rule.HasField("phase") and rule.phase != _TEST:
        return False
    if rule.HasField("min_level") and rule.min_level > 0:
        return False
    if rule.HasField("max_level") and rule.max_level < 0:
        return False
    return set(rule.stage) <= _STAGES and not set(rule.not_stage) & _STAGES


def _check_unique(layers: list[Any]) -> None:
    problems = [
        Problem("model", "layer", name, f"{count} layers have this name")
        for name, count in Counter(m.name for m in layers).items()
        if count > 1
    ]
    if problems:
        raise ImportFailed(problems)
