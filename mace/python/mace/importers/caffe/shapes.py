# SPDX-License-Identifier: Apache-2.0
"""Shapes of tensors while a Caffe network is imported. Few layers need them, so the engine infers
them only when one asks."""

from __future__ import annotations

from mace.graph.ir import Graph, Interface
from mace.importers.base import NHWC_TO_NCHW, InterfaceRequest


class Shapes:
    """Answers for the graph as it is written so far; its inputs are in Caffe's order."""

    def __init__(self, graph: Graph, inputs: list[InterfaceRequest]) -> None:
        self._graph = graph
        self._inputs = [_interface(r) for r in inputs]
        self._known: dict[str, tuple[int, ...]] = {}
        self._nodes = -1

    def of(self, tensor: str) -> tuple[int, ...]:
        """The shape of a tensor, -1 where it depends on the inputs, () when nothing is known."""
        if self._nodes != len(self._graph.nodes):
            # Here, because reading an importer's source must not need the engine.
            from mace.analysis.infer import infer

            self._nodes = len(self._graph.nodes)
            graph = self._graph.copy()
            graph.inputs = self._inputs
            graph.outputs = [Interface(tensor, (), data_format="NONE")]
            values = infer(graph).graph.values
            self._known = {n: v.shape for n, v in values.items() if v.shape is not None}
        return self._known.get(tensor, ())


def _interface(request: InterfaceRequest) -> Interface:
    shape = request.shape or ()
    if len(shape) == 4 and request.data_format == "NHWC":
        shape = tuple(shape[d] for d in NHWC_TO_NCHW)
    return Interface(request.name, shape, request.dtype or "f32", "NONE")
