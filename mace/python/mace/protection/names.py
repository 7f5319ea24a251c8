# SPDX-License-Identifier: Apache-2.0
"""Obfuscation of names: every operator and inner tensor of a graph is numbered, so that two can
never fall on one name, and a map that stays with the developer leads from the numbers back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mace.errors import MaceError
from mace.export.model import unique_names
from mace.graph.ir import Graph, Value

# The folder, in that of a library, of files that must not be given away with the model.
PRIVATE = "private"
NAMES_SUFFIX = ".obfuscation.json"

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# An operator or a tensor in messages of the engine, which quote names: a number may be a word.
_NUMBERED = re.compile(r"""(?<=['"])[nt][0-9a-z]+(?=['"])""")
_VERSION = 1


@dataclass
class NameMap:
    """From the names in an obfuscated model to those of the graph that it was made from.

    operators: name to the operator's type, name and place in the user's model; tensors: name to
    name. Inputs and outputs of the model, which keep their names, are in neither.
    """

    model: str
    operators: dict[str, dict[str, str]] = field(default_factory=dict)
    tensors: dict[str, str] = field(default_factory=dict)

    def to_json(self, graph_sha256: str) -> bytes:
        """The content of <model>.obfuscation.json. graph_sha256: of the model.pb it belongs to."""
        document = {
            "version": _VERSION,
            "model": self.model,
            "graph_sha256": graph_sha256,
            "operators": self.operators,
            "tensors": self.tensors,
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> NameMap:
        """The map of a file. Raises MaceError."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(document, dict) or document.get("version") != _VERSION:
                raise ValueError("it has no version that is known here")
            operators = {str(k): _texts(v) for k, v in document["operators"].items()}
            return cls(str(document["model"]), operators, _texts(document["tensors"]))
        except OSError as error:
            raise MaceError(f"'{path}' cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, AttributeError) as error:
            raise MaceError(
                f"'{path}' is no map of obfuscated names: {error}",
                hint="give the <model>.obfuscation.json that convert wrote",
            ) from None

    def restore(self, text: str) -> str:
        """A message of the engine with the names of the user's graph."""

        def name(match: re.Match[str]) -> str:
            found = match.group()
            if found in self.operators:
                return self.operators[found]["name"]
            return self.tensors.get(found, found)

        return _NUMBERED.sub(name, text)


def _texts(value: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()}


def obfuscate(graph: Graph) -> tuple[Graph, NameMap]:
    """The graph with numbers for names, and the map back. Inputs and outputs keep their names;
    graphs inside operators have none that anybody sees, so theirs are numbered too."""
    names = NameMap(graph.name)
    kept = {i.name for i in (*graph.inputs, *graph.outputs)}
    return _renamed(graph, kept, kept, names, _numbers("n", kept), _numbers("t", kept)), names


def _numbers(prefix: str, taken: set[str]) -> Iterator[str]:
    """Names that were never given before and are not taken: counted in base 36."""
    count = 0
    while True:
        digits, rest = "", count
        while rest or not digits:
            rest, digit = divmod(rest, len(_DIGITS))
            digits = _DIGITS[digit] + digits
        if prefix + digits not in taken:
            yield prefix + digits
        count += 1


def _renamed(
    graph: Graph,
    kept: set[str],
    avoided: set[str],
    names: NameMap,
    operators: Iterator[str],
    tensors: Iterator[str],
) -> Graph:
    """kept: names of this graph that stay. avoided: names that no number may be."""
    result = graph.copy()
    result.name = ""
    result.moves = []
    new: dict[str, str] = {"": ""} | {name: name for name in kept}
    for name in _tensors(graph):
        if name not in new:
            new[name] = next(tensors)
            names.tensors[new[name]] = name
    for old, node in zip(unique_names(graph.nodes), result.nodes, strict=True):
        node.name = next(operators)
        names.operators[node.name] = {"operator": node.op, "name": old, "source": node.source}
        node.source = ""
        node.inputs = [new[t] for t in node.inputs]
        node.outputs = [new[t] for t in node.outputs]
        node.subgraphs = [
            _renamed(inner, set(), avoided, names, operators, tensors) for inner in node.subgraphs
        ]
    result.consts = {new[name]: array for name, array in graph.consts.items()}
    result.quantization = {
        new[name]: value for name, value in graph.quantization.items() if name in new
    }
    for interface in (*result.inputs, *result.outputs):
        interface.name = new[interface.name]
    result.values = {
        new[name]: Value(new[name], value.dtype, value.shape)
        for name, value in graph.values.items()
        if name in new
    }
    return result


def _tensors(graph: Graph) -> Iterator[str]:
    yield from (i.name for i in (*graph.inputs, *graph.outputs))
    for node in graph.nodes:
        yield from node.inputs
        yield from node.outputs
    yield from graph.consts
