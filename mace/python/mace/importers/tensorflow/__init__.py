# SPDX-License-Identifier: Apache-2.0
"""Imports TensorFlow models (frozen GraphDef, SavedModel, Keras file): the part that the requested
outputs need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mace.errors import did_you_mean
from mace.graph.ir import Graph, Interface
from mace.importers.base import (
    Builder,
    Description,
    ImportFailed,
    InterfaceRequest,
    Problem,
    UnsupportedError,
    apply_borders,
)
from mace.importers.tensorflow import (  # noqa: F401  They register their functions.
    array,
    composed,
    control,
    einsum,
    fused,
    images,
    indexing,
    math,
    nn,
    quantization,
    segments,
    volume,
)
from mace.importers.tensorflow.context import Context
from mace.importers.tensorflow.graph_def import (
    TfNode,
    data_inputs,
    normalized,
    split_tensor_name,
)
from mace.importers.tensorflow.registry import TENSORFLOW
from mace.importers.tensorflow.source import read_source

__all__ = ["TENSORFLOW", "describe_model", "import_model", "node_names"]

_PLACEHOLDERS = ("Placeholder", "PlaceholderV2")
_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
_FRAMES = ("Enter", "Exit", "LoopCond", "Merge", "NextIteration", "Switch")
# Without consumers, these are still no results of the model.
_NO_RESULTS = ("NoOp", "Const", "Assert", *_PLACEHOLDERS)


def import_model(
    model_file: Path,
    weight_file: Path | None,
    inputs: list[InterfaceRequest],
    outputs: list[InterfaceRequest],
) -> Graph:
    """The graph between the requested inputs and outputs.

    Without requests the inputs are the model's placeholders and the outputs the tensors that
    nothing reads. An input may be any tensor of the model: what computes it is left out.
    `weight_file` is not used: these models hold their weights. Raises ImportFailed with all
    problems found.
    """
    del weight_file
    return _Import(model_file, inputs, outputs).run()


def describe_model(model_file: Path, weight_file: Path | None = None) -> Description:
    """The model's placeholders, the tensors that nothing reads, and the operators between.

    The shapes of outputs are not known to a GraphDef and left empty.
    """
    del weight_file
    source = _Import(model_file, [], [])
    inputs = [source.completed(r) for r in source.inputs]
    operators = Counter(n.op for n in source.needed())
    return Description(
        [Interface(r.name, r.shape or (), r.dtype or "f32", _format(r)) for r in inputs],
        [Interface(r.name, (), "f32", "NONE") for r in source.outputs],
        dict(sorted(operators.items())),
    )


def node_names(model_file: Path) -> set[str]:
    """Names of all nodes of a model; tensors are called as their nodes, with :1, :2, ... for
    outputs after the first."""
    return {node.name for node in read_source(model_file).nodes}


def _format(request: InterfaceRequest) -> str:
    return request.data_format if len(request.shape or ()) == 4 else "NONE"


class _Import:
    """One import: the source's nodes by name and the problems so far."""

    def __init__(
        self,
        model_file: Path,
        inputs: list[InterfaceRequest],
        outputs: list[InterfaceRequest],
    ) -> None:
        self.problems: list[Problem] = []
        self.name = model_file.stem
        self.source = read_source(model_file)
        self.context = Context(self.source.functions, self._import_part)
        self.nodes = {node.name: node for node in self.source.nodes}
        self.inputs = self._known(inputs, "input") if inputs else self._default_inputs()
        self.outputs = self._known(outputs, "output") if outputs else self._default_outputs()
        requests = self.inputs + self.outputs
        # A user may write "input:0" and expects the tensor under this name.
        self.renames = {normalized(r.name): r.name for r in requests}
        self.input_names = {normalized(r.name) for r in self.inputs}

    def run(self) -> Graph:
        """Imports the nodes that the outputs need."""
        self._stop_at_problems()
        self.inputs = [self.completed(r) for r in self.inputs]
        order = self.needed()
        graph = Graph(self.name)
        graph.inputs = [Interface(r.name, r.shape or (), r.dtype or "f32") for r in self.inputs]
        builder = Builder(graph)
        builder.reserve([self._tensor(n) for n in self.nodes])
        for node in order:
            self._import_node(builder, node)
        self._stop_at_problems()
        self._check_produced(graph)
        self._stop_at_problems()
        apply_borders(graph, self.inputs, self.outputs, nchw=False)
        return graph

    def _import_node(self, builder: Builder, source: Any) -> None:
        inputs = [self._tensor(t) for t in data_inputs(source.input)]
        node = TfNode(source.name, source.op, inputs, source.attr, self.renames, self.context)
        builder.begin(node.name, node.op)
        if node.name in self.source.variables:
            builder.graph.consts[node.output()] = self.source.variables[node.name]
            return
        handler = TENSORFLOW.get(node.op)
        if handler is None:
            message, hint = _unknown_operator(node.op)
            self._problem("operator", source, message, hint)
            return
        try:
            handler(builder, node)
        except UnsupportedError as error:
            self._problem("attribute", source, str(error), error.hint)

    def _import_part(self, builder: Builder, nodes: Sequence[Any], tensors: list[str]) -> list[str]:
        """Imports those nodes of a function's body that its results `tensors` need. Returns the
        results by their names in the graph."""
        by_name = {n.name: n for n in nodes}
        for node in _depth_first(by_name, [normalized(t) for t in tensors]):
            self._import_node(builder, node)
        return [self._tensor(normalized(t)) for t in tensors]

    def _tensor(self, name: str) -> str:
        return self.renames.get(name, name)

    def needed(self) -> list[Any]:
        """The nodes that the outputs need, producers first; stops at the inputs."""
        order: list[Any] = []
        done: set[str] = set()
        stack = [(normalized(r.name), False) for r in reversed(self.outputs)]
        while stack:
            tensor, expanded = stack.pop()
            name = split_tensor_name(tensor)[0]
            if expanded:
                order.append(self.nodes[name])
                continue
            if name in done or tensor in self.input_names:
                continue
            done.add(name)
            node = self.nodes[name]
            if node.op in _PLACEHOLDERS:
                hint = "add it to the inputs in the deployment file, or cut the model elsewhere"
                self._model_problem(node.op, name, "the outputs need this input of the model", hint)
                continue
            stack.append((tensor, True))
            for source in reversed(data_inputs(node.input)):
                if split_tensor_name(source)[0] in self.nodes or source in self.input_names:
                    stack.append((source, False))
                else:
                    message = f"it reads '{source}', which the model does not have"
                    self._model_problem(node.op, name, message, "the model file is damaged")
        return order

    def _check_produced(self, graph: Graph) -> None:
        known = {i.name for i in graph.inputs} | graph.consts.keys()
        known |= {t for n in graph.nodes for t in n.outputs}
        for node in graph.nodes:
            for tensor in node.inputs:
                if tensor and tensor not in known:
                    name, index = split_tensor_name(tensor)
                    op = self.nodes[name].op if name in self.nodes else ""
                    message = f"{node.source} reads its output {index}, which MACE does not have"
                    self.problems.append(Problem("attribute", op, name, message))
        for request in self.outputs:
            if request.name not in known:
                message = "the model has the node, but not this output of it"
                self._model_problem("output", request.name, message)

    def _known(self, requests: list[InterfaceRequest], what: str) -> list[InterfaceRequest]:
        """The requests, with a problem for each that the model does not have."""
        counts = Counter(normalized(r.name) for r in requests)
        for name, count in counts.items():
            if count > 1:
                self._model_problem(what, name, f"it is named {count} times as an {what}")
            if split_tensor_name(name)[0] not in self.nodes:
                message = f"the model has no tensor of this name{did_you_mean(name, self.nodes)}"
                hint = f"the model's inputs and outputs are {self._own_names()}"
                self._model_problem(what, name, message, hint)
        return requests

    def _own_names(self) -> str:
        requests = self._default_inputs() + self._default_outputs()
        return ", ".join(repr(r.name) for r in requests[:8]) or "none"

    def _default_inputs(self) -> list[InterfaceRequest]:
        if self.source.inputs is not None:
            return [InterfaceRequest(name) for name in self.source.inputs]
        return [InterfaceRequest(n.name) for n in self.nodes.values() if n.op in _PLACEHOLDERS]

    def _default_outputs(self) -> list[InterfaceRequest]:
        if self.source.outputs is not None:
            return [InterfaceRequest(name) for name in self.source.outputs]
        read = {split_tensor_name(t)[0] for n in self.nodes.values() for t in data_inputs(n.input)}
        found = [
            n.name for n in self.nodes.values() if n.name not in read and n.op not in _NO_RESULTS
        ]
        # Freezing leaves constants behind that nothing reads.
        computed = [name for name in found if self._reads_input(name)]
        return [InterfaceRequest(name) for name in computed or found]

    def _reads_input(self, name: str) -> bool:
        """Whether a node depends on a placeholder."""
        order = _depth_first(self.nodes, [name])
        return any(n.op in _PLACEHOLDERS for n in order)

    def completed(self, request: InterfaceRequest) -> InterfaceRequest:
        """The request with shape and type of the model's placeholder where it has none."""
        source = self.nodes[split_tensor_name(request.name)[0]]
        if source.op not in (*_PLACEHOLDERS, "PlaceholderWithDefault"):
            return request
        node = TfNode(source.name, source.op, [], source.attr)
        try:
            dtype = node.type_attr("dtype")
        except UnsupportedError as error:
            self._problem("attribute", source, str(error), error.hint)
            return request
        shape = node.shape_attr("shape")
        if request.shape is not None and shape is not None and not _fits(request.shape, shape):
            message = f"shape {list(request.shape)} does not fit the model's {list(shape)}"
            self._model_problem("input", request.name, message, "-1 in the model's means any size")
        if request.dtype is not None and request.dtype != dtype:
            message = f"its elements are {dtype} in the model and {request.dtype} as requested"
            self._model_problem("input", request.name, message, f"request {dtype}")
        if request.shape is not None:
            shape = request.shape
        return replace(request, shape=shape, dtype=dtype)

    def _problem(self, kind: str, source: Any, message: str, hint: str) -> None:
        shapes = ""
        if "_output_shapes" in source.attr:
            dims = [[int(d.size) for d in s.dim] for s in source.attr["_output_shapes"].list.shape]
            shapes = f"outputs {', '.join(str(d) for d in dims)}"
        self.problems.append(Problem(kind, source.op, source.name, message, hint, shapes))

    def _model_problem(self, op: str, name: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem("model", op, name, message, hint))

    def _stop_at_problems(self) -> None:
        if self.problems:
            raise ImportFailed(self.problems)


def _depth_first(nodes: dict[str, Any], tensors: Sequence[str]) -> list[Any]:
    """The nodes that the tensors need, producers first. What no node makes is left to others."""
    order: list[Any] = []
    done: set[str] = set()
    stack = [(t, False) for t in reversed(tensors)]
    while stack:
        tensor, expanded = stack.pop()
        name = split_tensor_name(tensor)[0]
        if expanded:
            order.append(nodes[name])
        elif name in nodes and name not in done:
            done.add(name)
            stack.append((tensor, True))
            stack += [(t, False) for t in reversed(data_inputs(nodes[name].input))]
    return order


def _fits(shape: Sequence[int], model: Sequence[int]) -> bool:
    if len(shape) != len(model):
        return False
    return all(a == b or a < 0 or b < 0 for a, b in zip(shape, model, strict=True))


def _unknown_operator(op: str) -> tuple[str, str]:
    """Why an operator is not supported, and what to do about it."""
    if op in _VARIABLES:
        return (
            "it reads a variable: the graph is not frozen",
            "freeze it with convert_variables_to_constants_v2, or give the whole SavedModel",
        )
    if op in _FRAMES:
        return (
            "it is a piece of a loop or branch whose form TensorFlow lowered",
            "freeze with convert_variables_to_constants_v2(..., lower_control_flow=False)",
        )
    near = did_you_mean(op, TENSORFLOW.ops())
    return f"MACE has no such operator{near}", "see 'mace ops' for those that it has"
