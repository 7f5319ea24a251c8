# SPDX-License-Identifier: Apache-2.0
"""What the generators of TensorFlow's operators are written with: random attributes, shapes and
inputs drawn by hypothesis, and a case, which is a small graph and what it is fed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st
from mace.graph.ir import Array

T = TypeVar("T")


@dataclass
class Case:
    """A graph `build(placeholders)` and the arrays of its placeholders. tolerance: relative, and
    absolute for numbers near 1."""

    build: Callable[..., Any]
    arrays: list[Array] = field(default_factory=list)
    tolerance: float = 1e-4


Generator = Callable[["Gen", str], Case]
GENERATORS: dict[str, Generator] = {}


def generator(*ops: str) -> Callable[[Generator], Generator]:
    """Decorator: the function makes cases of these operators."""

    def wrap(function: Generator) -> Generator:
        for op in ops:
            assert op not in GENERATORS, op
            GENERATORS[op] = function
        return function

    return wrap


class Gen:
    """Draws the parts of a case."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self._draw = draw
        self.rng = np.random.default_rng(self.int(0, 1 << 30))

    def int(self, low: int, high: int) -> int:
        """An integer of a range, both ends included."""
        return int(self._draw(st.integers(low, high)))

    def pick(self, values: Sequence[T]) -> T:
        """One of the values."""
        return values[self.int(0, len(values) - 1)]

    def bool(self) -> bool:
        """A truth value."""
        return bool(self._draw(st.booleans()))

    def shape(self, low: int = 0, high: int = 5, least: int = 1, most: int = 4) -> tuple[int, ...]:
        """Dimensions of a rank between `low` and `high`."""
        return tuple(self.int(least, most) for _ in range(self.int(low, high)))

    def ints(self, count: int, low: int, high: int) -> list[int]:
        """A list of integers."""
        return [self.int(low, high) for _ in range(count)]

    def f32(self, shape: Sequence[int], low: float = -3, high: float = 3) -> Array:
        """Numbers of a range."""
        return self.rng.uniform(low, high, tuple(shape)).astype(np.float32)

    def i32(
        self, shape: Sequence[int], low: int = -5, high: int = 5, dtype: Any = np.int32
    ) -> Array:
        """Integers of a range."""
        return self.rng.integers(low, high, tuple(shape), endpoint=True).astype(dtype)

    def truth(self, shape: Sequence[int]) -> Array:
        """Truth values."""
        return self.rng.integers(0, 2, tuple(shape)).astype(np.bool_)

    def any(self, shape: Sequence[int], kinds: str = "fil") -> Array:
        """Floats (f), int32 (i), int64 (l) or truth values (b), one of the kinds given."""
        kind = self.pick(kinds)
        if kind == "b":
            return self.truth(shape)
        if kind == "f":
            return self.f32(shape)
        return self.i32(shape, dtype=np.int32 if kind == "i" else np.int64)

    def broadcast(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Two shapes that broadcast."""
        shape = self.shape(0, 4)
        first = [1 if self.int(0, 3) == 0 else d for d in shape]
        second = [1 if self.int(0, 3) == 0 else d for d in shape]
        cut = self.int(0, len(shape))
        return (
            (tuple(first), tuple(second[cut:]))
            if self.bool()
            else (tuple(first[cut:]), tuple(second))
        )

    def axis(self, rank: int) -> int:
        """An axis, counted from either end."""
        return self.int(-rank, rank - 1)


def raw(op: str, feeds: dict[str, Any], tolerance: float = 1e-4, **attrs: Any) -> Case:
    """A case of one operator: `feeds` become placeholders, the rest constants and attributes."""
    names = list(feeds)

    def build(*placeholders: Any) -> Any:
        function = getattr(tf.raw_ops, op)
        return function(**dict(zip(names, placeholders, strict=True)), **attrs)

    return Case(build, [np.asarray(feeds[n]) for n in names], tolerance)
