# SPDX-License-Identifier: Apache-2.0
"""`mace dev docs`: writes the tables of the documents from the sources that they describe. `mace dev
fit` is in fit.py.

A table stands between two comments, <!-- generated: NAME --> and <!-- end of NAME -->.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mace.cli import coverage
from mace.cli.arguments import VERBS, make_parser, verb_parser
from mace.cli.console import Console
from mace.cli.ops import source_operators, source_versions
from mace.config.schema import PLATFORMS, Deployment, Device, Model, Subgraph
from mace.errors import EXIT_OK, EXIT_VERDICT, MaceError
from mace.graph import schema
from mace.resources import source_root

_BLOCK = re.compile(r"<!-- generated: (\w+) -->\n(.*?)<!-- end of \1 -->\n", re.DOTALL)
_KERNEL = re.compile(r"MACE_(\w+)_KERNEL\((\w+),.*?kIsa(\w+)")
_MACHINES = {"x86-64": "__x86_64__", "arm64-v8a": "__aarch64__", "armeabi-v7a": "__arm__"}


def run(options: argparse.Namespace, console: Console) -> int:
    """Renews the tables; with --check only says whether they are current (3 if not)."""
    if options.task == "fit":
        from mace.cli import fit

        return fit.run(options, console)
    root = source_root()
    if root is None:
        raise MaceError("the documents are part of a source tree, and this is an installed package")
    changed = []
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        if not path.is_file():
            continue
        old = path.read_text(encoding="utf-8")
        new = renewed(old, str(path.relative_to(root)), root)
        if new != old:
            changed.append(str(path.relative_to(root)))
            if not options.check:
                path.write_text(new, encoding="utf-8")
    console.result["changed"] = changed
    for name in changed:
        console.out(f"{name} {'is not current' if options.check else 'renewed'}")
    if not changed:
        console.out("the documents are current")
    return EXIT_VERDICT if changed and options.check else EXIT_OK


def renewed(text: str, name: str, root: Path) -> str:
    """The document with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        block = match.group(1)
        if block not in _TABLES:
            raise MaceError(f"{name} asks for the table '{block}', which nothing makes")
        body = "\n".join(_TABLES[block](root))
        return f"<!-- generated: {block} -->\n{body}\n<!-- end of {block} -->\n"

    return _BLOCK.sub(table, text)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return (
            "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
        )

    return [
        line(header),
        "| " + " | ".join("---" for _ in header) + " |",
        *(line(row) for row in rows),
    ]


def _keys(model: type[BaseModel]) -> list[str]:
    rows = []
    for name, info in model.model_fields.items():
        extra: Any = info.json_schema_extra or {}
        rows.append([f"`{name}`", extra.get("values", ""), _default(info), info.description or ""])
    return _markdown(("key", "values", "default", "meaning"), rows)


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    default = info.default
    if default is False:
        return "0"
    if default in (None, [], {}, ""):
        extra: Any = info.json_schema_extra or {}
        return "0" if extra.get("values") == "0" else ""
    if isinstance(default, list):
        return ", ".join(map(str, default))
    return str(default)


def _yaml_table(model: type[BaseModel]) -> Callable[[Path], list[str]]:
    return lambda root: _keys(model)


def _flags(root: Path) -> list[str]:
    """A table of flags for each verb, and what they share once."""
    del root
    parser = make_parser()
    lines: list[str] = []
    for verb in VERBS:
        chosen = verb_parser(parser, verb.name)
        rows = []
        for action in chosen._actions:
            names = action.option_strings or [str(action.metavar or action.dest)]
            value = f" {action.metavar}" if action.metavar and action.option_strings else ""
            if action.choices:
                value = " " + ", ".join(map(str, action.choices))
            if "--help" in names:
                continue
            rows.append([", ".join(f"`{name}`" for name in names) + value, action.help or ""])
        lines += [f"#### `mace {verb.name}`: {verb.help}", "", "```sh"]
        lines += [line.strip() for line in verb.examples.splitlines()]
        lines += ["```", "", *_markdown(("flag", "meaning"), rows), ""]
    return lines[:-1]


def _operators(root: Path) -> list[str]:
    del root
    rows = []
    for op in schema.operators().values():
        types = "; ".join(f"{runtime}: {' '.join(names)}" for runtime, names in op.types.items())
        inputs = ", ".join(
            p.name + ("?" if p.optional else "*" if p.repeated else "") for p in op.inputs
        )
        rows.append([f"`{op.name}`", types, inputs, ", ".join(op.attributes), op.doc])
    return _markdown(("operator", "types by runtime", "inputs", "attributes", "meaning"), rows)


# More source operators than this are counted, not named.
_NAMED = 12


def _coverage(root: Path) -> list[str]:
    """What each operator runs on, is made from and refuses, and how far it is tested."""
    rows = []
    for op in schema.operators().values():
        types = "; ".join(f"{runtime}: {' '.join(names)}" for runtime, names in op.types.items())
        made = []
        for platform in PLATFORMS:
            names = coverage.sources(platform)[op.name]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            made.append(", ".join(names[:_NAMED]) + more)
        cases = str(coverage.cases(op.name, root))
        rows.append([f"`{op.name}`", types, *made, coverage.refusals(op.name, root), cases])
    header = ("operator", "types by runtime", *PLATFORMS, "does not support", "cases")
    return _markdown(header, rows)


def _imported(root: Path) -> list[str]:
    del root
    lines = []
    for platform in PLATFORMS:
        names = source_operators(platform)
        shown = [name + source_versions(platform, name) for name in names]
        lines.append(f"**{platform}** ({len(names)}): {', '.join(shown)}.")
        lines.append("")
    return lines[:-1]


@dataclass(frozen=True)
class Kernel:
    """A kernel of the CPU. isa: an instruction set as MACE_ISA names it."""

    family: str
    name: str
    isa: str
    targets: tuple[str, ...]


def kernel_list(root: Path) -> list[Kernel]:
    """The kernels of every family's kernels.inc below a source tree, in its order."""
    found = []
    for path in sorted((root / "mace" / "kernels").glob("*/kernels.inc")):
        targets: tuple[str, ...] = tuple(_MACHINES)
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("#"):
                targets = _targets(line, targets)
            elif match := _KERNEL.match(line):
                found.append(Kernel(path.parent.name, match[2], match[3].lower(), targets))
    return found


def _kernels(root: Path) -> list[str]:
    rows = []
    for kernel in kernel_list(root):
        every = len(kernel.targets) == len(_MACHINES)
        targets = "all" if every else ", ".join(kernel.targets)
        rows.append([kernel.family, f"`{kernel.name}`", kernel.isa, targets])
    return _markdown(("family", "kernel", "instruction set", "target"), rows)


def _targets(line: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """The targets of the lines after a preprocessor line of a kernels.inc."""
    if line.startswith("#endif"):
        return tuple(_MACHINES)
    found = tuple(name for name, macro in _MACHINES.items() if macro in line)
    if not found and "MACE_ENABLE_NEON" in line:
        return ("arm64-v8a", "armeabi-v7a")
    return found or before


def _support(root: Path) -> list[str]:
    """What works where."""
    cpu = len(schema.operators())
    table = (root / "mace/ops/opencl/operators.cc").read_text(encoding="utf-8")
    gpu = len(set(re.findall(r'\{"(\w+)"', table)))
    rows = [
        ["x86-64 Linux (`host`)", f"float32, {cpu} operators", "", "", "runs here"],
        [
            "64-bit Arm (`arm64-v8a`)",
            f"float32, {cpu} operators; convolutions in float16 on Armv8.2",
            "",
            "",
            "built and run under emulation",
        ],
        [
            "32-bit Arm (`armeabi-v7a`)",
            f"float32, {cpu} operators",
            "",
            "",
            "built and run under emulation",
        ],
    ]
    for row in rows:
        row[2] = f"float32 and half, {gpu} operators" + (
            ", on PoCL" if "host" in row[0] else ", built"
        )
        row[3] = "not in this version"
    lines = _markdown(("target", "CPU", "GPU (OpenCL)", "DSP (Hexagon)", "tested how"), rows)
    counts = ", ".join(f"{platform} {len(source_operators(platform))}" for platform in PLATFORMS)
    return [*lines, "", f"Operators that are imported: {counts}."]


_TABLES: dict[str, Callable[[Path], list[str]]] = {
    "deployment_keys": _yaml_table(Deployment),
    "model_keys": _yaml_table(Model),
    "subgraph_keys": _yaml_table(Subgraph),
    "device_keys": _yaml_table(Device),
    "flags": _flags,
    "operators": _operators,
    "imported": _imported,
    "coverage": _coverage,
    "kernels": _kernels,
    "support": _support,
}
