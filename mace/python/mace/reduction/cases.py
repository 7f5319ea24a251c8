# SPDX-License-Identifier: Apache-2.0
"""Models in parts: any subset of the nodes is a model. What it reads of the nodes that are left out
becomes an input, with the value that it has in the whole model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.analysis.infer import infer
from mace.convert import (
    ConversionError,
    ConvertedGraph,
    ConvertRequest,
    convert_graph,
    convert_imported,
)
from mace.errors import MaceError
from mace.graph import dtypes
from mace.graph.ir import Graph, Interface, Node
from mace.importers.base import InterfaceRequest

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class NodeInfo:
    """A node as the reduction sees it. inputs: without constants and absent ones."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass
class Part:
    """A part of a model. inputs: values by name. outputs: names. bypassed: nodes of it that pass
    their first input on."""

    nodes: tuple[int, ...]
    inputs: dict[str, Array]
    outputs: list[str]
    bypassed: frozenset[int] = frozenset()


class Case(ABC):
    """A model in parts. values: of its tensors on one sample, as far as they are known."""

    suffix = ""  # of a file that holds a part in the format of the source; empty: there is none

    def __init__(self, name: str, nodes: list[NodeInfo], outputs: Collection[str]) -> None:
        self.name = name
        self.nodes = nodes
        self.outputs = set(outputs)
        self.values: dict[str, Array] = {}

    def part(self, nodes: Sequence[int], bypassed: frozenset[int] = frozenset()) -> Part | None:
        """The part of these nodes; None if the value of what it reads is not known."""
        chosen = [self.nodes[k] for k in nodes if k not in bypassed]
        renamed = self._renamed(nodes, bypassed)
        made = {t for node in chosen for t in node.outputs}
        read = {renamed.get(t, t) for node in chosen for t in node.inputs}
        inputs = {}
        for tensor in dict.fromkeys(renamed.get(t, t) for n in chosen for t in n.inputs):
            if tensor in made:
                continue
            if tensor not in self.values:
                return None
            inputs[tensor] = self.values[tensor]
        left = {t for k, n in enumerate(self.nodes) if k not in nodes for t in n.inputs}
        outputs = [
            t
            for node in chosen
            for t in node.outputs
            if t and (t not in read or t in self.outputs or (t in left and len(nodes) > 1))
        ]
        return Part(tuple(nodes), inputs, outputs, bypassed) if outputs else None

    def _renamed(self, nodes: Sequence[int], bypassed: frozenset[int]) -> dict[str, str]:
        renamed: dict[str, str] = {}
        for k in nodes:
            if k in bypassed:
                node = self.nodes[k]
                renamed[node.outputs[0]] = renamed.get(node.inputs[0], node.inputs[0])
        return renamed

    def can_bypass(self, k: int) -> bool:
        """Whether a node's output has the shape and type of its first input."""
        node = self.nodes[k]
        if not node.inputs or len(node.outputs) != 1:
            return False
        before, after = (self.values.get(t) for t in (node.inputs[0], node.outputs[0]))
        return (
            before is not None
            and after is not None
            and before.shape == after.shape
            and before.dtype == after.dtype
        )

    @abstractmethod
    def convert(self, part: Part, folder: Path) -> ConvertedGraph:
        """The part as a MACE model. Raises ConversionError."""

    @abstractmethod
    def write(self, part: Part, folder: Path) -> Path:
        """Writes the part as a model file and returns its path."""


class OnnxCase(Case):
    """An ONNX model; parts are ONNX models."""

    suffix = ".onnx"

    def __init__(self, request: ConvertRequest) -> None:
        from mace.importers.onnx.reader import load

        self._model = load(request.model_file)
        self._request = request
        graph = self._model.graph
        constants = {t.name for t in graph.initializer}
        constants |= {t for n in graph.node if n.op_type == "Constant" for t in n.output}
        self._sources = [n for n in graph.node if n.op_type != "Constant"]
        self._constants = constants
        nodes = [
            NodeInfo(
                n.op_type,
                n.name or n.output[0],
                tuple(t for t in n.input if t and t not in constants),
                tuple(t for t in n.output if t),
            )
            for n in self._sources
        ]
        super().__init__(request.name, nodes, [o.name for o in graph.output])

    @property
    def proto(self) -> Any:
        """The whole model."""
        return self._model

    def graph_inputs(self) -> list[Any]:
        """The inputs of the whole model that are no constants."""
        return [v for v in self._model.graph.input if v.name not in self._constants]

    def model(self, part: Part) -> Any:
        """The part as a ModelProto."""
        import onnx
        from onnx import helper

        graph = self._model.graph
        renamed = self._renamed(part.nodes, part.bypassed)
        nodes = []
        for k in part.nodes:
            if k in part.bypassed:
                continue
            node = onnx.NodeProto()
            node.CopyFrom(self._sources[k])
            for index, tensor in enumerate(node.input):
                node.input[index] = renamed.get(tensor, tensor)
            nodes.append(node)
        used = {t for n in nodes for t in n.input} | _inner_names(nodes)
        constants = [n for n in graph.node if n.op_type == "Constant" and n.output[0] in used]
        inputs = [_value_info(name, array) for name, array in part.inputs.items()]
        outputs = [
            _value_info(name, self.values[name])
            if name in self.values
            else helper.make_empty_tensor_value_info(name)
            for name in part.outputs
        ]
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        model.graph.Clear()
        made = helper.make_graph([*constants, *nodes], graph.name or "part", inputs, outputs)
        made.initializer.extend(t for t in graph.initializer if t.name in used)
        model.graph.CopyFrom(made)
        return model

    def write(self, part: Part, folder: Path) -> Path:
        path = folder / f"{self.name}.onnx"
        path.write_bytes(self.model(part).SerializeToString())
        return path

    def convert(self, part: Part, folder: Path) -> ConvertedGraph:
        path = self.write(part, folder)
        inputs = [
            InterfaceRequest(n, a.shape, dtypes.from_numpy(a.dtype), "NONE")
            for n, a in part.inputs.items()
        ]
        outputs = [InterfaceRequest(name, None, None, "NONE") for name in part.outputs]
        old = self._request
        return convert_graph(
            ConvertRequest(
                self.name, "onnx", path, None, inputs, outputs, old.runtimes, old.optimize_options
            )
        )


def _value_info(name: str, array: Array) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
    )


def _inner_names(nodes: Sequence[Any]) -> set[str]:
    """What the bodies of control flow read."""
    import onnx

    found: set[str] = set()
    stack = [a for n in nodes for a in n.attribute]
    while stack:
        attribute = stack.pop()
        graphs = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs
        for graph in graphs:
            for node in graph.node:
                found.update(node.input)
                stack += node.attribute
    return found


class GraphCase(Case):
    """A model as it was imported; parts are graphs of MACE's operators."""

    def __init__(self, name: str, graph: Graph, options: Sequence[str] | None) -> None:
        self.graph = graph
        self._options = options
        nodes = [
            NodeInfo(
                n.op,
                n.name,
                tuple(t for t in n.inputs if t and t not in graph.consts),
                tuple(t for t in n.outputs if t),
            )
            for n in graph.nodes
        ]
        super().__init__(name, nodes, graph.output_names())

    def build(self, part: Part) -> Graph:
        """The part as a graph."""
        renamed = self._renamed(part.nodes, part.bypassed)
        graph = Graph(self.name)
        for k in part.nodes:
            if k in part.bypassed:
                continue
            n = self.graph.nodes[k]
            inputs = [renamed.get(t, t) for t in n.inputs]
            graph.nodes.append(Node(n.op, n.name, inputs, list(n.outputs), dict(n.attrs), n.source))
        used = {t for n in graph.nodes for t in n.inputs}
        graph.consts = {t: a for t, a in self.graph.consts.items() if t in used}
        for tensor, array in part.inputs.items():
            dtype = dtypes.from_numpy(array.dtype)
            if dtype is None:
                raise MaceError(f"'{tensor}' has the type {array.dtype}, which MACE does not have")
            graph.inputs.append(Interface(tensor, array.shape, dtype, "NONE"))
        graph.outputs = [Interface(t, (), "f32", "NONE") for t in part.outputs]
        return graph

    def convert(self, part: Part, folder: Path) -> ConvertedGraph:
        del folder
        graph = self.build(part)
        return convert_imported(self.name, graph, optimize_options=self._options)

    def write(self, part: Part, folder: Path) -> Path:
        from mace.export.model import to_bytes

        try:
            model = self.convert(part, folder).model
        except ConversionError:
            model = to_bytes(infer(self.build(part)).graph)
        path = folder / f"{self.name}.pb"
        path.write_bytes(model.graph)
        (folder / f"{self.name}.data").write_bytes(model.data)
        return path


def with_values(part: Part, values: Mapping[str, Array]) -> Part:
    """The part on other inputs."""
    inputs = {name: np.ascontiguousarray(values[name]) for name in part.inputs}
    return Part(part.nodes, inputs, part.outputs, part.bypassed)
