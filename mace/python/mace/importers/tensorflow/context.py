# SPDX-License-Identifier: Apache-2.0
"""What the importer functions of loops and branches need beyond their node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mace.importers.base import Builder
from mace.importers.tensorflow.functions import Functions


@dataclass
class TensorList:
    """A TensorFlow tensor list, known when the model is converted: its elements by name, None for
    those that nobody wrote; or `dense`, a tensor whose slices along its first dimension they are.
    is_open: even their number is not known; `count` is the tensor that holds it."""

    elements: list[str | None] = field(default_factory=list)
    dense: str = ""
    is_open: bool = False
    count: str = ""


@dataclass
class Context:
    """The model's functions, and a callback that imports nodes of a function's body: those that the
    given tensors need; it returns these tensors by their names in the graph."""

    functions: Functions
    import_part: Callable[[Builder, Sequence[Any], list[str]], list[str]]
    lists: dict[str, TensorList] = field(default_factory=dict)

    def call(self, builder: Builder, function: str, arguments: list[str], attrs: Any) -> list[str]:
        """Imports a function's body with these arguments. Returns its results."""
        name, op = builder.source_name, builder.source_op
        prefix = builder.tensor("call")
        nodes, results = self.functions.instantiate(function, prefix, arguments, attrs)
        tensors = self.import_part(builder, self.functions.inlined(nodes), results)
        builder.begin(name, op)
        return tensors
