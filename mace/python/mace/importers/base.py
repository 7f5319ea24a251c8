# SPDX-License-Identifier: Apache-2.0
"""What the importers share: the registry of functions, the builder they write with, the problems
they collect. An import never stops at the first problem: all are reported at once.
Each importer package offers import_model() and describe_model() as convert.py calls them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from mace.analysis.evaluate import evaluate, quantization_of
from mace.errors import MaceError
from mace.graph.ir import Array, Graph, Interface, Node, Quantization
from mace.graph.problem import Problem as Problem

SourceNode = TypeVar("SourceNode")

NCHW_TO_NHWC = [0, 2, 3, 1]
NHWC_TO_NCHW = [0, 3, 1, 2]


class UnsupportedError(Exception):
    """Raised by an importer function: this node cannot be expressed. The message is a sentence
    that names the attribute at fault; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ImportFailed(MaceError):
    """The model cannot be imported; `problems` lists every reason."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.op} '{p.node}': {p.message}" for p in problems))
        self.problems = problems


@dataclass
class Description:
    """What a model file says of itself: its inputs and outputs as the application of a converted
    model would see them, and how many nodes there are of each source operator."""

    inputs: list[Interface]
    outputs: list[Interface]
    operators: dict[str, int]


@dataclass
class Builder:
    """Writes nodes into a graph on behalf of one source node.

    Tensor names of the source are kept, so that reports and check_tensors can refer to them.
    """

    graph: Graph
    source_name: str = ""
    source_op: str = ""
    _used: set[str] = field(default_factory=set)
    # Computed tensors whose elements depend on constants alone, with what computes them.
    _static: dict[str, Node] = field(default_factory=dict)
    _values: dict[str, Array | None] = field(default_factory=dict)

    def begin(self, name: str, op: str) -> None:
        """Starts the translation of a source node."""
        self.source_name, self.source_op = name, op

    def tensor(self, suffix: str = "") -> str:
        """A fresh tensor name that tells where it comes from."""
        stem = f"{self.source_name or self.source_op}{'/' + suffix if suffix else ''}"
        name, n = stem, 1
        while name in self._used or name in self.graph.consts:
            n += 1
            name = f"{stem}__{n}"
        self._used.add(name)
        return name

    def reserve(self, names: list[str]) -> None:
        """Names of the source's own tensors, which fresh names must avoid."""
        self._used.update(names)

    def op(
        self,
        op: str,
        inputs: list[str],
        outputs: list[str] | None = None,
        /,
        **attrs: Any,
    ) -> str:
        """Adds a node and returns the name of its first output (a fresh one unless given)."""
        result = outputs or [self.tensor(op)]
        self._used.update(result)
        node = Node(op, result[0], list(inputs), list(result), attrs)
        node.source = f"{self.source_op} '{self.source_name}'"
        self.graph.nodes.append(node)
        if all(not t or self.is_static(t) for t in inputs):
            self._static.update(dict.fromkeys(result, node))
        return result[0]

    def const(
        self, array: Array | list[Any] | float, dtype: Any = None, suffix: str = "const"
    ) -> str:
        """Adds a constant and returns its name."""
        name = self.tensor(suffix)
        value = np.asarray(array, dtype=dtype)
        self.graph.consts[name] = np.ascontiguousarray(value) if value.ndim else value
        return name

    def is_static(self, tensor: str) -> bool:
        """Whether the tensor's elements depend on constants alone."""
        return tensor in self.graph.consts or tensor in self._static

    def value(self, tensor: str) -> Array | None:
        """The elements of a constant, or of a tensor that is computed from constants alone (the
        engine computes it); None when they depend on the model's inputs."""
        while tensor in self._static and self._static[tensor].op == "Identity":
            tensor = self._static[tensor].inputs[0]
        if tensor in self.graph.consts:
            return self.graph.consts[tensor]
        if tensor in self._static and tensor not in self._values:
            self._values[tensor] = evaluate(self.graph, [tensor]).get(tensor)
        return self._values.get(tensor)

    def quantization(self, tensor: str) -> Quantization | None:
        """How a constant that Dequantize makes was quantized, if that can be told."""
        node = self._static.get(tensor)
        while node is not None and node.op == "Identity":
            node = self._static.get(node.inputs[0])
        return quantization_of(node, self.value) if node is not None else None

    def nhwc(self, tensor: str) -> str:
        """The rank-4 tensor with channels moved last."""
        return self.op("Transpose", [tensor], None, dims=NCHW_TO_NHWC)

    def nchw(self, tensor: str, output: str) -> str:
        """The rank-4 tensor with channels moved first, under the name `output`."""
        return self.op("Transpose", [tensor], [output], dims=NHWC_TO_NCHW)


Handler = Callable[[Builder, SourceNode], None]


class Registry(Generic[SourceNode]):
    """Importer functions by source operator."""

    def __init__(self, framework: str) -> None:
        self.framework = framework
        self._handlers: dict[str, Callable[[Builder, SourceNode], None]] = {}

    def register(
        self, *ops: str
    ) -> Callable[[Callable[[Builder, SourceNode], None]], Callable[[Builder, SourceNode], None]]:
        """Decorator: the function translates these source operators."""

        def wrap(
            function: Callable[[Builder, SourceNode], None],
        ) -> Callable[[Builder, SourceNode], None]:
            for op in ops:
                if op in self._handlers:
                    raise ValueError(f"{self.framework} operator {op} is registered twice")
                self._handlers[op] = function
            return function

        return wrap

    def get(self, op: str) -> Callable[[Builder, SourceNode], None] | None:
        """The function for a source operator, or None."""
        return self._handlers.get(op)

    def ops(self) -> list[str]:
        """All source operators that are supported, sorted."""
        return sorted(self._handlers)


@dataclass
class InterfaceRequest:
    """What the deployment file says of one input or output of the model.

    For a rank-4 tensor of an NCHW framework with data_format NHWC the model gets a Transpose at
    its border, so that the application sees NHWC. NONE and NCHW leave it as in the source.
    """

    name: str
    shape: tuple[int, ...] | None = None  # in the order of data_format; -1: any size
    dtype: str | None = None
    data_format: str = "NHWC"


def apply_borders(
    graph: Graph, inputs: list[InterfaceRequest], outputs: list[InterfaceRequest], nchw: bool
) -> None:
    """Sets the graph's inputs and outputs as requested.

    `nchw`: the source framework orders rank-4 tensors NCHW. An input or output that is requested
    as NHWC then keeps its name for the NHWC tensor; the source's tensor becomes "<name>/nchw" with
    a Transpose between. Tensors of another rank than 4 have no format. A request without a shape
    counts as rank 0: importers fill in what the model says first.
    """
    graph.inputs = [_interface(r) for r in inputs]
    graph.outputs = [_interface(r) for r in outputs]
    if not nchw:
        return
    for interface in graph.inputs:
        if interface.data_format == "NHWC":
            inner = graph.unique(f"{interface.name}/nchw")
            graph.replace_uses(interface.name, inner)
            node = Node("Transpose", inner, [interface.name], [inner], {"dims": NHWC_TO_NCHW})
            graph.nodes.insert(0, node)
    inputs_by_name = {i.name for i in graph.inputs}
    for interface in graph.outputs:
        if interface.data_format != "NHWC":
            continue
        if interface.name in inputs_by_name:
            continue
        if interface.name in graph.consts:
            value = graph.consts.pop(interface.name)
            graph.replace_uses(interface.name, graph.add_const(f"{interface.name}/nchw", value))
            graph.consts[interface.name] = np.ascontiguousarray(value.transpose(NCHW_TO_NHWC))
            continue
        inner = graph.unique(f"{interface.name}/nchw")
        graph.replace_uses(interface.name, inner)
        for node in graph.nodes:
            node.outputs = [inner if t == interface.name else t for t in node.outputs]
        graph.nodes.append(
            Node("Transpose", interface.name, [inner], [interface.name], {"dims": NCHW_TO_NHWC})
        )


def _interface(request: InterfaceRequest) -> Interface:
    shape = request.shape if request.shape is not None else ()
    data_format = request.data_format if len(shape) == 4 else "NONE"
    return Interface(request.name, shape, request.dtype or "f32", data_format)
