# SPDX-License-Identifier: Apache-2.0
"""Which tensor of the user's model a tensor of the converted graph is.

Passes keep names: a tensor that still has its name is the source's. Where a Transpose or Reshape
between a tensor and a source's is cancelled, the way from one to the other is remembered here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mace.graph.ir import Array, Dims, Graph, Node

_RESHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
_NCHW_TO_NHWC = (0, 2, 3, 1)


@dataclass(frozen=True)
class Step:
    """A change of a tensor that keeps its elements: a transpose, or a reshape where order is None.
    shape: of the result of a reshape, with at most one -1."""

    order: tuple[int, ...] | None
    shape: Dims = ()


@dataclass(frozen=True)
class Origin:
    """The tensor of the user's model, and how it becomes that of the graph."""

    tensor: str
    steps: tuple[Step, ...] = ()

    def expected(self, source: Array, shape: tuple[int, ...]) -> Array | None:
        """The source's elements in the layout of the graph's tensor, whose shape is given; None
        where they do not fit."""
        array = source
        for step in self.steps:
            if step.order is not None:
                if array.ndim != len(step.order):
                    return None
                array = array.transpose(step.order)
            else:
                sizes = int(np.prod([d for d in step.shape if d >= 0], dtype=np.int64))
                if (
                    sizes == 0
                    or array.size % sizes
                    or (-1 not in step.shape and array.size != sizes)
                ):
                    return None
                array = array.reshape(step.shape)
        return array.reshape(shape) if array.size == int(np.prod(shape)) else None

    def restored(self, array: Array) -> Array | None:
        """The elements of the graph's tensor in the layout of the source's, as far as it is known:
        the reverse of a reshape is not."""
        for step in reversed(self.steps):
            if step.order is None or array.ndim != len(step.order):
                return None
            array = array.transpose(np.argsort(step.order))
        return array


class Origins:
    """Origins of the tensors of a graph, kept up while passes change it. `update` has the form of
    an observer of the conversion: it is called with the graph as imported first."""

    def __init__(self, is_source: Callable[[str], bool], nchw: bool) -> None:
        """is_source: whether the user's model has a tensor of that name. nchw: its rank-4 tensors are NCHW, so
        that inputs and outputs that are NHWC have another layout than those of their names."""
        self._is_source = is_source
        self._nchw = nchw
        self._known: dict[str, Origin] = {}
        self._first = True
        self._moves = 0  # of the graph's that were seen already

    def update(self, name: str, graph: Graph) -> None:
        """Takes over the graph after a pass."""
        del name
        present = {t for n in graph.nodes for t in (*n.inputs, *n.outputs) if t}
        present |= {i.name for i in (*graph.inputs, *graph.outputs)}
        if self._first:
            self._first = False
            self._known = {t: Origin(t) for t in present if self._is_source(t)}
            for interface in (*graph.inputs, *graph.outputs):
                if self._nchw and interface.data_format == "NHWC" and len(interface.shape) == 4:
                    self._known[interface.name] = Origin(interface.name, (Step(_NCHW_TO_NHWC),))
        self._spread(graph, [n for n in (*graph.nodes, *graph.moves[self._moves :]) if _moves(n)])
        self._moves = len(graph.moves)
        # A name that went and comes back may mean another layout.
        self._known = {t: o for t, o in self._known.items() if t in present}

    def _spread(self, graph: Graph, nodes: list[Node]) -> None:
        changed = True
        while changed:
            changed = False
            for node in nodes:
                found = self._neighbour(graph, node)
                if found is not None:
                    self._known[found[0]] = found[1]
                    changed = True

    def _neighbour(self, graph: Graph, node: Node) -> tuple[str, Origin] | None:
        """The tensor on one side of a node whose origin follows from that on the other side."""
        before, after = node.inputs[0], node.outputs[0]
        forward = before in self._known
        new, old = (after, before) if forward else (before, after)
        if new in self._known or old not in self._known or new in graph.consts:
            return None
        step = _step(graph, node, forward)
        return None if step is None else (new, _followed(self._known[old], step))

    def get(self, tensor: str) -> Origin | None:
        """The origin of a tensor of the latest graph."""
        return self._known.get(tensor)


def _moves(node: Node) -> bool:
    return node.op in (*_RESHAPES, "Transpose", "Identity")


def _step(graph: Graph, node: Node, forward: bool) -> Step | None:
    """What the node does to its input, or what undoes it. None: it cannot be told."""
    if node.op == "Identity":
        return Step(())
    if node.op == "Transpose":
        value = graph.values.get(node.inputs[0])
        rank = len(value.shape) if value is not None and value.shape is not None else 0
        order = tuple(node.attrs.get("dims") or range(rank)[::-1])
        return Step(order if forward else tuple(int(d) for d in np.argsort(order)))
    value = graph.values.get(node.outputs[0] if forward else node.inputs[0])
    if value is None or value.shape is None or value.shape.count(-1) > 1:
        return None
    return Step(None, value.shape)


def _followed(origin: Origin, step: Step) -> Origin:
    """The origin with one more step; steps that cancel are left out."""
    if step.order == ():
        return origin
    steps = list(origin.steps)
    if steps and step.order is not None and steps[-1].order is not None:
        last = steps.pop().order or ()
        if len(last) != len(step.order):
            return Origin(origin.tensor, (*origin.steps, step))
        step = Step(tuple(last[d] for d in step.order))
        if step.order == tuple(range(len(last))):
            return Origin(origin.tensor, tuple(steps))
    elif steps and step.order is None and steps[-1].order is None:
        steps.pop()
    return Origin(origin.tensor, (*steps, step))
