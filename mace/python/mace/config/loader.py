# SPDX-License-Identifier: Apache-2.0
"""Reads deployment and device files; all mistakes are reported at once, with their places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mace.config.schema import (
    KEY_ALIASES,
    SUBGRAPH_KEYS,
    Deployment,
    Device,
    Devices,
    Model,
    Subgraph,
)
from mace.config.source import Document, KeyPath, read_document
from mace.errors import did_you_mean

_M = TypeVar("_M", bound=BaseModel)


def load_deployment(path: str | Path, overrides: Mapping[str, str] | None = None) -> Deployment:
    """Reads a deployment file. overrides: top-level keys whose values the command line gives.

    Raises ConfigError, or MaceError when there is no such file.
    """
    document = read_document(Path(path))
    if isinstance(document.data, dict):
        document.data.update(overrides or {})
    _harmonize(document)
    deployment = _validate(document, Deployment)
    deployment._file = Path(path)
    return deployment


def load_devices(path: str | Path) -> Devices:
    """Reads a device file."""
    return _validate(read_document(Path(path)), Devices)


def make_deployment(data: dict[str, Any], origin: str) -> Deployment:
    """A deployment from plain values, as mace.convert() gets them; `origin` is for messages."""
    document = Document(origin, data)
    _harmonize(document)
    return _validate(document, Deployment)


def _harmonize(document: Document) -> None:
    """Brings older spellings to the schema's: renamed keys, keys a level too high."""
    models = document.data.get("models") if isinstance(document.data, dict) else None
    if not isinstance(models, dict):
        return
    for name, model in models.items():
        if not isinstance(model, dict):
            continue
        path: KeyPath = ("models", name)
        for old, new in KEY_ALIASES.items():
            if old in model:
                if new in model:
                    document.complain((*path, old), f"the same as {new}, which is also given", True)
                _move(document, model, (*path, old), model, (*path, new))
        subgraphs = model.get("subgraphs")
        if isinstance(subgraphs, dict):
            subgraphs = [subgraphs]
        if isinstance(subgraphs, list) and len(subgraphs) == 1 and isinstance(subgraphs[0], dict):
            for key in SUBGRAPH_KEYS:
                if key in model and key not in subgraphs[0]:
                    target: KeyPath = (*path, "subgraphs", 0, key)
                    _move(document, model, (*path, key), subgraphs[0], target)


def _move(
    document: Document, source: dict[str, Any], old: KeyPath, target: dict[str, Any], new: KeyPath
) -> None:
    for places in (document.keys, document.values):
        for path in [p for p in places if p[: len(old)] == old]:
            places[new + path[len(old) :]] = places[path]
    target[str(new[-1])] = source.pop(str(old[-1]))


def _validate(document: Document, schema: type[_M]) -> _M:
    if not isinstance(document.data, dict):
        document.complain(
            (), f"this is no {_name(schema)}: a mapping of keys to values is expected"
        )
        document.raise_problems()
    result: _M | None = None
    try:
        result = schema.model_validate(document.data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            _explain(document, schema, item)
    document.raise_problems()
    assert result is not None
    return result


def _name(schema: type[BaseModel]) -> str:
    return {"Deployment": "deployment file", "Devices": "device file"}.get(
        schema.__name__, schema.__name__
    )


def _explain(document: Document, schema: type[BaseModel], item: Any) -> None:
    path: KeyPath = tuple(part for part in item["loc"] if part != "[key]")
    kind = item["type"]
    if kind == "extra_forbidden":
        known = list(_section(schema, path).model_fields)
        name = str(path[-1])
        document.complain(
            path, f"unknown key{did_you_mean(name, known)}; keys here are: {', '.join(known)}", True
        )
    elif kind == "missing":
        document.complain(path[:-1], f"the key '{path[-1]}' is missing", True)
    elif kind == "mace_keys":
        for key, message in item["ctx"]["problems"]:
            document.complain((*path, key), message)
    elif kind == "mace":
        document.complain(path, item["ctx"]["message"], "[key]" in item["loc"])
    elif kind in ("model_type", "dict_type", "model_attributes_type"):
        document.complain(path, "keys and values are expected here")
    elif kind == "too_short":
        document.complain(path, "at least one value is needed")
    else:
        document.complain(path, item["msg"])


def _section(schema: type[BaseModel], path: KeyPath) -> type[BaseModel]:
    """The part of the schema that a key stands in."""
    if schema is Devices:
        return Device if len(path) > 2 else Devices
    if len(path) > 3 and path[2] == "subgraphs":
        return Subgraph
    return Model if len(path) > 2 else Deployment
