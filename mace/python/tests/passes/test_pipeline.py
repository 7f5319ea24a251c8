# SPDX-License-Identifier: Apache-2.0
"""All passes together on random graphs: the result computes the same, and once more changes
nothing, down to the bytes of the model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import graph_helpers
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mace.analysis import interpreter
from mace.analysis.infer import infer
from mace.export.model import to_bytes
from mace.graph.ir import Array, Graph
from mace.importers.base import Builder
from mace.passes import optimize

Draw = Callable[[st.SearchStrategy[int]], int]

_ACTIVATIONS = ("RELU", "TANH", "SIGMOID", "HARDSWISH", "SILU", "LEAKYRELU", "ELU")
_MOST_ELEMENTS = 2000


class RandomGraph:
    """Writes random operators one after the other, with the values of all tensors so far."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        shape = (1, self.below(3) + 2, self.below(3) + 2, 2 * self.below(2) + 2)
        self.b: Builder = graph_helpers.builder(x=shape)
        self.random = np.random.default_rng(self.below(1000))
        self.x = self.random.normal(size=shape).astype(np.float32)
        self.tensors: dict[str, Array] = {"x": self.x}

    def below(self, limit: int) -> int:
        return self.draw(st.integers(0, limit - 1))

    def op(self, op: str, inputs: list[str], outputs: int = 1, **attrs: object) -> None:
        names = [self.b.tensor(op) for _ in range(outputs)]
        self.b.op(op, inputs, names, **attrs)
        node = self.b.graph.nodes[-1]
        values = {**self.b.graph.consts, **self.tensors}
        for name, array in zip(
            names, interpreter.compute(node, [values[t] for t in inputs]), strict=True
        ):
            self.tensors[name] = array

    def const(self, *shape: int) -> str:
        return self.b.const(self.random.normal(size=shape).astype(np.float32))

    def add(self) -> None:
        """One more operator on one of the latest tensors."""
        names = list(self.tensors)
        name = names[-1 - self.below(min(3, len(names)))]
        shape = self.tensors[name].shape
        steps = (self._point, self._combine, self._move, self._reshape, self._part)
        if len(shape) == 4 and self.below(2):
            steps = (self._window, self._norm, self._pad)
        steps[self.below(len(steps))](name, shape)

    def _point(self, name: str, shape: tuple[int, ...]) -> None:
        kind = _ACTIVATIONS[self.below(len(_ACTIVATIONS))]
        self.op("Activation", [name], activation=kind, activation_coefficient=0.3)

    def _combine(self, name: str, shape: tuple[int, ...]) -> None:
        same = [t for t, a in self.tensors.items() if a.shape == shape]
        kinds = ("SUM", "PROD", "SUB", "MAX", "MIN")
        choice = self.below(4)
        if choice == 0:
            other = self.const()
        elif choice == 1 and shape:
            other = self.const(shape[-1])
        elif choice == 2 and shape:
            axis = self.below(len(shape))
            other = self.const(*(d if k == axis else 1 for k, d in enumerate(shape)))
        else:
            other = same[self.below(len(same))]
        inputs = [name, other] if self.below(2) else [other, name]
        self.op("Eltwise", inputs, type=kinds[self.below(len(kinds))])

    def _move(self, name: str, shape: tuple[int, ...]) -> None:
        orders = list(itertools.permutations(range(len(shape))))
        common = [o for o in orders if o in ((0, 3, 1, 2), (0, 2, 3, 1))]
        chosen = common if common and self.below(3) else orders
        self.op("Transpose", [name], dims=list(chosen[self.below(len(chosen))]))

    def _reshape(self, name: str, shape: tuple[int, ...]) -> None:
        size = math.prod(shape)
        divisors = [d for d in range(1, size + 1) if size % d == 0]
        first = divisors[self.below(len(divisors))]
        rest = [d for d in range(1, size // first + 1) if size // first % d == 0]
        second = rest[self.below(len(rest))]
        wanted = [[-1], [first, -1], [first, second, -1], [1, first, second, -1]][self.below(4)]
        self.op("Reshape", [name], shape=wanted)

    def _part(self, name: str, shape: tuple[int, ...]) -> None:
        if not shape:
            return
        axis = self.below(len(shape))
        choice = self.below(5)
        if choice == 0:
            self.op("Reduce", [name], reduce_type="MEAN", axis=[axis], keepdims=bool(self.below(2)))
        elif choice == 1:
            self.op("Softmax", [name], axis=axis)
        elif choice == 2 and 2 * math.prod(shape) <= _MOST_ELEMENTS:
            self.op("Concat", [name, name], axis=axis)
        elif choice == 3 and shape[axis] % 2 == 0:
            self.op("Split", [name], 2, axis=axis)
        elif len(shape) < 5:
            self.op("Unsqueeze", [name], axis=[axis])

    def _window(self, name: str, shape: tuple[int, ...]) -> None:
        padding = ("VALID", "SAME")[self.below(2)]
        if self.below(2):
            filters = self.const(1 + self.below(3), 1 + self.below(2), 1, shape[3])
            if padding == "SAME" or self.tensors[name].shape[1] >= 2:
                self.op("Conv2D", [name, filters], padding=padding)
            return
        kind = ("MAX", "AVG")[self.below(2)]
        self.op("Pooling", [name], kernels=[1, 1], pooling_type=kind, padding=padding)

    def _norm(self, name: str, shape: tuple[int, ...]) -> None:
        self.op("BatchNorm", [name, self.const(shape[3]), self.const(shape[3])])

    def _pad(self, name: str, shape: tuple[int, ...]) -> None:
        if math.prod(shape) * 4 <= _MOST_ELEMENTS:
            self.op("Pad", [name], paddings=[0, 0, self.below(2), 1, 0, self.below(2), 0, 0])

    def finish(self) -> Graph:
        """The graph; its outputs are the last tensor and perhaps another."""
        names = [t for t in self.tensors if t != "x"] or ["x"]
        chosen = dict.fromkeys([names[-1], names[self.below(len(names))]])
        return graph_helpers.finish(self.b, *chosen)


@st.composite
def random_graphs(draw: Draw) -> tuple[Graph, Array]:
    graph = RandomGraph(draw)
    for _ in range(2 + graph.below(10)):
        graph.add()
    return graph.finish(), graph.x


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
@given(random_graphs())
def test_random_graphs(case: tuple[Graph, Array]) -> None:
    graph, x = case
    expected = interpreter.outputs(graph, {"x": x})
    result = optimize(infer(graph).graph)
    got = interpreter.outputs(result, {"x": x})
    for name, array in expected.items():
        assert got[name].shape == array.shape, name
        scale = max(1.0, float(np.abs(array).max(initial=0)))
        np.testing.assert_allclose(got[name] / scale, array / scale, atol=2e-5, err_msg=name)
    result = infer(result).graph
    again = infer(optimize(result)).graph
    assert to_bytes(again) == to_bytes(result), "once more changes the graph"
