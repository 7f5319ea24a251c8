# SPDX-License-Identifier: Apache-2.0
"""mace/ops/ops.yml as typed objects, and the check of a node against them.

Nothing else in the package knows what operators and attributes there are.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mace.graph import dtypes
from mace.graph.ir import Graph, Node
from mace.resources import resource

_SCALAR_KINDS = ("int", "float", "bool", "string", "dtype", "int[]", "float[]")


@dataclass(frozen=True)
class Port:
    """An input or output: its name, and its meaning or layout as a text."""

    name: str
    meaning: str
    optional: bool = False
    repeated: bool = False


@dataclass(frozen=True)
class Attribute:
    """An attribute of an operator.

    kind: "int", "float", "bool", "string", "dtype", "int[]", "float[]" or "enum". count: number of
    elements of an "int[]", None when it is free. choices: of an "enum".
    """

    name: str
    kind: str
    required: bool
    default: Any
    count: int | None = None
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    doc: str = ""

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value, as a half sentence, or None."""
        if self.kind == "enum":
            return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
        if self.kind == "dtype":
            known = isinstance(value, str) and value in dtypes.NUMBERS
            return None if known else f"must be an element type ({', '.join(dtypes.NUMBERS)})"
        if self.kind == "string":
            return None if isinstance(value, str) else "must be a string"
        if self.kind == "bool":
            return None if isinstance(value, bool) else "must be true or false"
        if self.kind == "float":
            return None if _is_number(value) else "must be a number"
        if self.kind == "float[]":
            good = isinstance(value, list | tuple) and all(_is_number(v) for v in value)
            return None if good else "must be a list of numbers"
        return self._integer_problem(value)

    def _integer_problem(self, value: Any) -> str | None:
        elements = [value] if self.kind == "int" else value
        if not isinstance(elements, list | tuple) or not all(_is_int(v) for v in elements):
            return "must be an integer" if self.kind == "int" else "must be a list of integers"
        if self.count is not None and len(elements) != self.count:
            return f"must have {self.count} elements"
        if self.minimum is not None and any(v < self.minimum for v in elements):
            return f"must be at least {self.minimum}"
        if self.maximum is not None and any(v > self.maximum for v in elements):
            return f"must be at most {self.maximum}"
        return None


@dataclass(frozen=True)
class Operator:
    """One operator: ports, attributes by name, element types by runtime."""

    name: str
    doc: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    attributes: dict[str, Attribute]
    types: dict[str, tuple[str, ...]]
    type_of: str  # the input (or dtype attribute) whose type selects the kernel
    version: int  # the newest
    subgraphs: tuple[str, ...] = ()  # names of the graphs inside it

    @property
    def input_range(self) -> tuple[int, int | None]:
        """Fewest and most inputs; None: any number. Absent optional inputs inside count."""
        return _arity(self.inputs)

    @property
    def output_range(self) -> tuple[int, int | None]:
        """Fewest and most outputs; None: any number."""
        return _arity(self.outputs)

    def attribute(self, node: Node, name: str) -> Any:
        """The node's value of an attribute, or its default."""
        return node.attrs.get(name, self.attributes[name].default)


def _arity(ports: tuple[Port, ...]) -> tuple[int, int | None]:
    fewest = sum(1 for p in ports if not p.optional)
    return fewest, None if any(p.repeated for p in ports) else len(ports)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@lru_cache(maxsize=1)
def operators() -> dict[str, Operator]:
    """All operators by name."""
    return load(resource("ops.yml"))


def load(path: Path) -> dict[str, Operator]:
    """Reads a file of the form of ops.yml; ValueError names the entry that is wrong."""
    # libyaml's parser takes a tenth of the time; PyYAML comes without it on some machines.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    spec = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return {
        name: _operator(name, entry, spec["groups"])
        for name, entry in sorted(spec["operators"].items())
    }


def _operator(name: str, entry: dict[str, Any], groups: dict[str, Any]) -> Operator:
    specs: dict[str, Any] = {}
    for key, value in entry["attrs"].items():
        if key == "use":
            for group in [value] if isinstance(value, str) else value:
                specs.update(groups[group])
        else:
            specs[key] = value
    inputs = tuple(_port(text, str(meaning)) for text, meaning in entry["inputs"].items())
    return Operator(
        name=name,
        doc=entry["doc"],
        inputs=inputs,
        outputs=tuple(_port(text, str(meaning)) for text, meaning in entry["outputs"].items()),
        attributes={key: _attribute(f"{name}.{key}", key, s) for key, s in specs.items()},
        types={runtime: tuple(names) for runtime, names in entry["types"].items()},
        type_of=entry.get("type_of", inputs[0].name),
        version=entry.get("versions", [1, 1])[1],
        subgraphs=tuple(entry.get("subgraphs", {})),
    )


def _port(text: str, meaning: str) -> Port:
    return Port(text.rstrip("?*"), meaning, "?" in text, text.endswith("*"))


def _attribute(where: str, name: str, spec: dict[str, Any]) -> Attribute:
    kind = str(spec["type"])
    count: int | None = None
    choices: tuple[str, ...] = ()
    if match := re.fullmatch(r"enum\((.*)\)", kind):
        kind, choices = "enum", tuple(v.strip() for v in match[1].split(","))
    elif match := re.fullmatch(r"int\[(\d+)\]", kind):
        kind, count = "int[]", int(match[1])
    elif kind not in _SCALAR_KINDS:
        raise ValueError(f"{where} in ops.yml has the unknown type {kind}")
    return Attribute(
        name=name,
        kind=kind,
        required="default" not in spec,
        default=spec.get("default"),
        count=count,
        choices=choices,
        minimum=spec.get("min"),
        maximum=spec.get("max"),
        doc=spec.get("doc", ""),
    )


def attribute(node: Node, name: str) -> Any:
    """The node's value of an attribute, or the operator's default."""
    return operators()[node.op].attribute(node, name)


def check_node(node: Node) -> list[str]:
    """Everything that is wrong with a node by itself, as sentences that do not name it."""
    operator = operators().get(node.op)
    if operator is None:
        close = difflib.get_close_matches(node.op, operators(), 1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return [f"there is no operator {node.op}{hint}"]
    problems = _check_arity(node, operator)
    if len(node.subgraphs) != len(operator.subgraphs):
        count = len(operator.subgraphs)
        problems.append(f"{node.op} has {len(node.subgraphs)} subgraphs but takes {count}")
    for subgraph in node.subgraphs:
        problems += [f"in '{n.name}' inside it: {text}" for n, text in check_graph(subgraph)]
    for name, value in node.attrs.items():
        if name not in operator.attributes:
            close = difflib.get_close_matches(name, operator.attributes, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            problems.append(f"{node.op} has no attribute {name}{hint}")
        elif problem := operator.attributes[name].problem(value):
            problems.append(f"attribute {name} of {node.op} is {value!r} but {problem}")
    for name, spec in operator.attributes.items():
        if spec.required and name not in node.attrs:
            problems.append(f"{node.op} needs the attribute {name}")
    return problems


def _check_arity(node: Node, operator: Operator) -> list[str]:
    problems = []
    for what, tensors, (fewest, most) in (
        ("inputs", node.inputs, operator.input_range),
        ("outputs", node.outputs, operator.output_range),
    ):
        if len(tensors) < fewest or (most is not None and len(tensors) > most):
            wanted = (
                f"{fewest}" if fewest == most else f"{fewest} to {most if most else 'any number'}"
            )
            problems.append(f"{node.op} has {len(tensors)} {what} but takes {wanted}")
    for tensor, port in zip(node.inputs, operator.inputs, strict=False):
        if not tensor and not port.optional:
            problems.append(f"input {port.name} of {node.op} is missing")
    return problems


def check_graph(graph: Graph) -> list[tuple[Node, str]]:
    """All problems of all nodes, each with the node it belongs to."""
    return [(node, text) for node in graph.nodes for text in check_node(node)]
