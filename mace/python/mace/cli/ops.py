# SPDX-License-Identifier: Apache-2.0
"""`mace ops`: the engine's operators from ops.yml, and those of the frameworks."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

from mace.cli.console import Console
from mace.errors import EXIT_OK, MaceError, did_you_mean

if TYPE_CHECKING:
    from mace.graph.schema import Attribute, Operator

# Where each importer keeps its registry.
_REGISTRIES = {
    "tensorflow": ("mace.importers.tensorflow", "TENSORFLOW"),
    "caffe": ("mace.importers.caffe", "CAFFE"),
    "onnx": ("mace.importers.onnx.importer", "REGISTRY"),
}


def run(options: argparse.Namespace, console: Console) -> int:
    """Lists operators, or describes one."""
    if options.platform:
        return _of_platform(options, console)
    from mace.graph.schema import operators

    known = operators()
    if options.name is None:
        rows = [[op.name, _types(op), op.doc] for op in known.values()]
        console.table(("operator", "types", "meaning"), rows)
        console.result["operators"] = [_describe(op) for op in known.values()]
        return EXIT_OK
    if options.name in known:
        _show(known[options.name], console)
    elif not _imported_by(options.name):
        names = [*known, *(op for platform in _REGISTRIES for op in source_operators(platform))]
        raise MaceError(
            f"there is no operator '{options.name}'{did_you_mean(options.name, names)}",
            hint="'mace ops' lists the engine's, 'mace ops --platform=onnx' those of a framework",
        )
    platforms = _imported_by(options.name)
    if platforms:
        console.out(f"{options.name} is imported from: {', '.join(platforms)}")
    console.result["imported_from"] = platforms
    return EXIT_OK


def source_operators(platform: str) -> list[str]:
    """The operators of a framework that its importer knows."""
    result: list[str] = registry_of(platform).ops()
    return result


def registry_of(platform: str) -> Any:
    """The registry of a framework's importer."""
    module, name = _REGISTRIES[platform]
    return getattr(importlib.import_module(module), name)


def source_versions(platform: str, name: str) -> str:
    """The forms of an operator that are imported, as the versions of its schema; empty for
    frameworks whose operators have none."""
    module, _ = _REGISTRIES[platform]
    ranges = getattr(importlib.import_module(module), "VERSIONS", {})
    return f" {ranges[name][0]}-{ranges[name][1]}" if name in ranges else ""


def _imported_by(name: str) -> list[str]:
    return [platform for platform in _REGISTRIES if name in source_operators(platform)]


def _of_platform(options: argparse.Namespace, console: Console) -> int:
    names = source_operators(options.platform)
    if options.name is not None:
        if options.name not in names:
            raise MaceError(
                f"{options.platform} operator '{options.name}' is not imported"
                f"{did_you_mean(options.name, names)}"
            )
        names = [options.name]
    for name in names:
        console.out(name + source_versions(options.platform, name))
    console.result |= {"platform": options.platform, "operators": names}
    return EXIT_OK


def _types(op: Operator) -> str:
    return "; ".join(f"{runtime}: {' '.join(types)}" for runtime, types in op.types.items())


def _attribute(attribute: Attribute) -> str:
    kind = attribute.kind if attribute.kind != "enum" else f"one of {', '.join(attribute.choices)}"
    if attribute.count is not None:
        kind = kind.replace("[]", f"[{attribute.count}]")
    parts = [kind, "required" if attribute.required else f"default {attribute.default}"]
    if attribute.minimum is not None:
        parts.append(f"at least {attribute.minimum}")
    if attribute.maximum is not None:
        parts.append(f"at most {attribute.maximum}")
    return "; ".join(parts)


def _show(op: Operator, console: Console) -> None:
    console.out(f"{op.name}: {op.doc}")
    console.out(f"  types: {_types(op)}")
    for what, ports in (("input", op.inputs), ("output", op.outputs)):
        for port in ports:
            mark = " (optional)" if port.optional else " (any number)" if port.repeated else ""
            console.out(f"  {what} {port.name}: {port.meaning}{mark}")
    for attribute in op.attributes.values():
        doc = f" {attribute.doc}" if attribute.doc else ""
        console.out(f"  attribute {attribute.name}: {_attribute(attribute)}.{doc}")
    console.result["operators"] = [_describe(op)]


def _describe(op: Operator) -> dict[str, object]:
    return {
        "name": op.name,
        "doc": op.doc,
        "types": op.types,
        "inputs": [vars(port) for port in op.inputs],
        "outputs": [vars(port) for port in op.outputs],
        "attributes": [vars(attribute) for attribute in op.attributes.values()],
    }
