# SPDX-License-Identifier: Apache-2.0
"""The typed graph between importers and the model writer.

Operators are those of ops.yml and nothing else: spatial operators work on NHWC tensors, filters
are OHWI. An importer of an NCHW format writes a Transpose before and after such an operator; the
layout pass cancels them. So the graph can be run after every pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
# -1: any size. None instead of a tuple: not even the rank is known.
Dims: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Value:
    """A tensor of the graph: what is known of it without running."""

    name: str
    dtype: str | None = None  # "f32", "i64", ... as in ops.yml
    shape: Dims | None = None


@dataclass(frozen=True)
class Quantization:
    """How the float32 elements of a constant were integers in the source: scale * (integer -
    zero_point), with one of both for the tensor, or one for each index of `axis`."""

    scale: Array
    zero_point: Array
    axis: int = 0

    def permuted(self, order: list[int]) -> Quantization:
        """That of the transposed tensor."""
        axis = order.index(self.axis) if self.scale.size > 1 else 0
        return Quantization(self.scale, self.zero_point, axis)


@dataclass
class Node:
    """One operator. `inputs` may hold "" for an absent optional input.

    `source` says where it comes from in the user's model, for messages: name and operator there.
    """

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attrs: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    # Graphs inside the operator, in the order of ops.yml. They are closed: what they read of this
    # graph is among `inputs`. Passes treat each as a graph of its own.
    subgraphs: list[Graph] = field(default_factory=list)


@dataclass
class Interface:
    """A model input or output as the application sees it."""

    name: str
    shape: Dims
    dtype: str = "f32"
    data_format: str = "NHWC"  # "NHWC", "NCHW" or "NONE"


class GraphError(Exception):
    """The graph is not well-formed; a defect of an importer or pass, or a hostile model."""


@dataclass
class Graph:
    """Nodes in execution order, constants by name, inputs and outputs.

    Tensors are referred to by name. Constants are shared by reference and never changed in place:
    a pass that wants another value adds a constant under a new name (`add_const`).
    """

    name: str
    nodes: list[Node] = field(default_factory=list)
    consts: dict[str, Array] = field(default_factory=dict)
    inputs: list[Interface] = field(default_factory=list)
    outputs: list[Interface] = field(default_factory=list)
    values: dict[str, Value] = field(default_factory=dict)  # filled by shape inference
    # Of constants that were quantized in the source, by name.
    quantization: dict[str, Quantization] = field(default_factory=dict)
    # Transposes and the like that passes added, also those that went again: they tell which tensor
    # of the source a tensor is (analysis/origins.py).
    moves: list[Node] = field(default_factory=list)
    _counter: int = 0

    def copy(self) -> Graph:
        """A copy whose lists and nodes may be changed; constant arrays are shared."""
        nodes = [
            Node(
                n.op,
                n.name,
                list(n.inputs),
                list(n.outputs),
                dict(n.attrs),
                n.source,
                [g.copy() for g in n.subgraphs],
            )
            for n in self.nodes
        ]
        return Graph(
            self.name,
            nodes,
            dict(self.consts),
            [Interface(i.name, i.shape, i.dtype, i.data_format) for i in self.inputs],
            [Interface(o.name, o.shape, o.dtype, o.data_format) for o in self.outputs],
            dict(self.values),
            dict(self.quantization),
            list(self.moves),
            self._counter,
        )

    def unique(self, stem: str) -> str:
        """A tensor or node name that is not taken."""
        taken = self.consts.keys() | {t for n in self.nodes for t in n.outputs}
        taken |= {i.name for i in self.inputs} | {n.name for n in self.nodes}
        if stem not in taken:
            return stem
        while True:
            self._counter += 1
            name = f"{stem}__{self._counter}"
            if name not in taken:
                return name

    def add_const(self, stem: str, array: Array) -> str:
        """Adds a constant and returns its name."""
        name = self.unique(stem)
        self.consts[name] = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
        return name

    def producers(self) -> dict[str, Node]:
        """Node by the name of each tensor that it writes."""
        return {t: n for n in self.nodes for t in n.outputs if t}

    def consumers(self) -> dict[str, list[Node]]:
        """Nodes by the name of each tensor that they read, in execution order."""
        result: dict[str, list[Node]] = {}
        for node in self.nodes:
            for tensor in dict.fromkeys(t for t in node.inputs if t):
                result.setdefault(tensor, []).append(node)
        return result

    def output_names(self) -> set[str]:
        """Names of the tensors that leave the graph."""
        return {o.name for o in self.outputs}

    def replace_uses(self, old: str, new: str) -> None:
        """Makes every reader of `old` read `new`. Graph outputs keep their names: see callers."""
        for node in self.nodes:
            node.inputs = [new if t == old else t for t in node.inputs]

    def nodes_of(self, *ops: str) -> Iterator[Node]:
        """The nodes of these operator types."""
        return (n for n in self.nodes if n.op in ops)


def topological(nodes: Iterable[Node], known: set[str]) -> list[Node]:
    """The nodes ordered so that producers come first; otherwise in the given order.

    `known` holds the names of inputs and constants. Raises GraphError on a cycle or on a tensor
    that nothing produces.
    """
    pending = list(nodes)
    producer = {t: i for i, n in enumerate(pending) for t in n.outputs if t}
    order: list[Node] = []
    state = [0] * len(pending)  # 0 new, 1 open, 2 done
    for root in range(len(pending)):
        stack = [root]
        while stack:
            index = stack[-1]
            if state[index] == 2:
                stack.pop()
                continue
            node = pending[index]
            missing: list[int] = []
            for tensor in node.inputs:
                if not tensor or tensor in known:
                    continue
                if tensor not in producer:
                    raise GraphError(
                        f"node '{node.name}' ({node.op}) reads tensor '{tensor}', which nothing produces"
                    )
                if state[producer[tensor]] != 2:
                    missing.append(producer[tensor])
            if not missing:
                state[index] = 2
                order.append(node)
                stack.pop()
            elif state[index] == 1:
                raise GraphError(f"the graph has a cycle through node '{node.name}' ({node.op})")
            else:
                state[index] = 1
                stack.extend(reversed(missing))
    return order
