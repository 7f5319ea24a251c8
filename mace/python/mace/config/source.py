# SPDX-License-Identifier: Apache-2.0
"""YAML text as plain values that know their place, so that every complaint names file and line.

All scalars stay text: the schema gives them types, and nothing turns a tensor named "off" into a
boolean on the way. Aliases, merges and ${ENV} work ($${ENV} is ${ENV} itself); tags do not.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from mace.errors import MaceError, ProblemsError

KeyPath: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]  # line and column, from 1

_MAX_BYTES = 1 << 20
_MAX_VALUES = 100_000  # aliases of aliases could make far more than the text shows
_MAX_DEPTH = 20
_NULLS = {"", "~", "null", "Null", "NULL"}
_ENV = re.compile(r"(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class ConfigError(ProblemsError):
    """A deployment or device file is wrong; `problems` has one line for each mistake."""


@dataclass
class Document:
    """The content of a YAML file: dict, list, str and None, and where each key and value stands."""

    file: str
    data: Any = None
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[tuple[Place, str]] = field(default_factory=list)
    count: int = 0

    def place(self, path: KeyPath, of_key: bool = False) -> Place:
        """Where the value (or key) at this path stands, or the nearest thing around it."""
        first, second = (self.keys, self.values) if of_key else (self.values, self.keys)
        for length in range(len(path), -1, -1):
            prefix = path[:length]
            found = first.get(prefix) or second.get(prefix)
            if found:
                return found
        return (1, 1)

    def complain(self, path: KeyPath, message: str, of_key: bool = False) -> None:
        """Adds a problem of the value (or key) at this path."""
        name = ".".join(str(part) for part in path)
        self.problems.append((self.place(path, of_key), f"{name}: {message}" if name else message))

    def raise_problems(self) -> None:
        """Raises a ConfigError with all problems, in the order of the file; nothing if none."""
        if not self.problems:
            return
        lines = [
            f"{self.file}:{line}:{column}: {text}" for (line, column), text in sorted(self.problems)
        ]
        title = f"{len(lines)} problem{'s' if len(lines) > 1 else ''} in '{self.file}'"
        raise ConfigError(title, list(dict.fromkeys(lines)))


def read_document(path: Path) -> Document:
    """Reads a YAML file. Raises MaceError if it cannot be read, ConfigError if it is no YAML."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise MaceError(f"'{path}' cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MaceError(f"'{path}' is not UTF-8 text (byte {error.start})") from None
    if len(raw) > _MAX_BYTES:
        raise MaceError(f"'{path}' is larger than {_MAX_BYTES} bytes; is it a deployment file?")
    return parse_document(text, str(path))


def parse_document(text: str, file: str) -> Document:
    """Parses YAML text; `file` is its name in messages."""
    document = Document(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.problems.append((place, f"this is no YAML: {error.problem or error.context}"))
        document.raise_problems()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        document.problems.append(((1, 1), f"this is no YAML: {str(error).splitlines()[0]}"))
        document.raise_problems()
    else:
        if node is not None:
            document.data = _value(document, node, ())
    return document


def _place(node: yaml.Node) -> Place:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _value(document: Document, node: yaml.Node, path: KeyPath) -> Any:
    document.values[path] = _place(node)
    document.count += 1
    if document.count > _MAX_VALUES or len(path) > _MAX_DEPTH:
        document.problems.append((_place(node), "the file nests or repeats too much"))
        document.raise_problems()
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, path)
    if isinstance(node, yaml.SequenceNode):
        return [_value(document, item, (*path, i)) for i, item in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)
    if not node.tag.startswith("tag:yaml.org,2002:"):
        document.complain(path, f"the tag '{node.tag}' is not understood")
    if node.style is None and node.value in _NULLS:
        return None
    return _expand(document, node.value, path)


def _mapping(document: Document, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
    result: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append((_place(key_node), "a key must be a plain word"))
            continue
        key = key_node.value
        if key_node.tag == "tag:yaml.org,2002:merge":
            merged |= _merged(document, value_node, path)
            continue
        if key in result:
            document.problems.append(
                (_place(key_node), f"{'.'.join(map(str, (*path, key)))}: the key is given twice")
            )
            continue
        document.keys[(*path, key)] = _place(key_node)
        result[key] = _value(document, value_node, (*path, key))
    return {**merged, **result}


def _merged(document: Document, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if isinstance(source, yaml.MappingNode):
            result = {**_mapping(document, source, path), **result}
        else:
            document.problems.append((_place(source), "'<<' wants a mapping"))
    return result


def _expand(document: Document, text: str, path: KeyPath) -> str:
    def replace(match: re.Match[str]) -> str:
        doubled, name = match.groups()
        if doubled:
            return match.group()[1:]
        value = os.environ.get(name)
        if value is None:
            document.complain(path, f"the environment variable {name} is not set")
        return value or ""

    return _ENV.sub(replace, text)


def escape(text: str) -> str:
    """Text as it must stand in a file so that it is read as it is."""
    return _ENV.sub(lambda match: "$" + match.group(), text)
