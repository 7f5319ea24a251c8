# SPDX-License-Identifier: Apache-2.0
"""What the documents say of each operator beyond ops.yml, read from the sources: which operators of
the frameworks become it, what it refuses, and how many cases its test has."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from mace.cli.ops import registry_of
from mace.graph import schema

_REFUSAL = re.compile(r"NotSupported\((.*?)\);", re.DOTALL)
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",\s][^",]*)')
# A row of a table of cases, a case alone, or a call of a function of the test that makes some.
_CASE = re.compile(r'(?:\{|Refused\(|refused\(|\bcheck\(|\bCheck\w*\()\s*"|RunOpCase\(|RunOp\(\)')


def refusals(name: str, root: Path) -> str:
    """What an operator says that it does not support, in its own words."""
    found = []
    for match in _REFUSAL.finditer(_source(name, root).read_text(encoding="utf-8")):
        words = "".join(
            text if text or not value else "..." for text, value in _PART.findall(match[1])
        )
        if words and words not in found:
            found.append(words)
    return "; ".join(found)


def cases(name: str, root: Path) -> int:
    """The cases that are written down in its test; loops over random shapes count once."""
    source = _source(name, root)
    test = source.with_name(f"{source.stem}_test.cc")
    return len(_CASE.findall(test.read_text(encoding="utf-8")))


def _source(name: str, root: Path) -> Path:
    files = {p.stem.replace("_", ""): p for p in (root / "mace" / "ops").glob("*.cc")}
    return files[name.lower()]


@lru_cache(maxsize=4)
def sources(platform: str) -> dict[str, list[str]]:
    """For each operator of the engine the operators of a framework that become it, alone or with
    others."""
    known = frozenset(schema.operators())
    result: dict[str, list[str]] = {name: [] for name in known}
    registry = registry_of(platform)
    for source in registry.ops():
        function = inspect.unwrap(registry.get(source))
        module = inspect.getmodule(function)
        if module is None:
            continue
        written = _written(module, function.__name__, known)
        # Functions that write the operator of the node's own name.
        if "<node.op>" in written and source in known:
            written = written | {source}
        for name in written & known:
            result[name].append(source)
    return result


@lru_cache(maxsize=2048)
def _written(module: ModuleType, name: str, known: frozenset[str]) -> frozenset[str]:
    """The operators that a function writes, and the functions that it calls."""
    found: set[str] = set()
    pending: list[tuple[ModuleType, str]] = [(module, name)]
    seen: set[tuple[str, str]] = set()
    while pending:
        place, called = pending.pop()
        if (place.__name__, called) in seen:
            continue
        seen.add((place.__name__, called))
        body = _functions(place).get(called)
        if body is None:
            target = getattr(place, called, None)
            if inspect.isfunction(target) and target.__module__.startswith("mace.importers."):
                pending.append((sys.modules[target.__module__], target.__name__))
            continue
        for word, is_name in _words(body):
            if is_name:
                pending.append((place, word))
            elif word in known or word == "<node.op>":
                found.add(word)
    return frozenset(found)


@lru_cache(maxsize=256)
def _functions(module: ModuleType) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(module))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def _words(function: ast.FunctionDef) -> Iterator[tuple[str, bool]]:
    """Names of operators among the arguments of calls, and (True) names that are used."""
    for node in [n for statement in function.body for n in ast.walk(statement)]:
        if isinstance(node, ast.Name):
            yield node.id, True
        elif isinstance(node, ast.Call):
            for argument in node.args:
                yield from _argument(argument)
        elif isinstance(node, ast.Assign):
            yield from _argument(node.value)


def _argument(node: ast.expr) -> Iterator[tuple[str, bool]]:
    value: Any = node
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value, False
    elif isinstance(value, ast.IfExp):
        yield from _argument(value.body)
        yield from _argument(value.orelse)
    elif isinstance(value, ast.Attribute) and value.attr in ("op", "op_type", "type"):
        yield "<node.op>", False
