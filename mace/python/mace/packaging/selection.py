# SPDX-License-Identifier: Apache-2.0
"""Which operators models need, and the Bazel package that makes an engine of those alone. The list
in it may be edited by hand: it is read by every build until the next `mace build --selective`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mace.errors import MaceError
from mace.export.files import write_files
from mace.model_file import read_net

_FOLDER = Path("mace/codegen/selections")
_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
_BUILD = """\
# Written by mace build --selective for {models}.
# An operator may be added or removed by hand; mace/ops/ops.yml has all names.
load("//mace/ops:ops.bzl", "operator_tables")

package(default_visibility = ["//visibility:public"])

operator_tables(
    name = "selection",
    operators = [
{operators}
    ],
    tags = ["manual"],
)
"""


def operators_of(graph: Path, key: bytes | None = None) -> list[str]:
    """The operators of a converted model, sorted, graphs inside operators included. key: of one
    that is encrypted.

    Raises MaceError."""
    net = read_net(graph, key)
    # The engine puts Cast between what it computes in float16 and the rest.
    casts = ["Cast"] if any(argument.name == "cpu_data_type" for argument in net.arg) else []
    return sorted({*_types(net), *casts})


def _types(net: Any) -> Iterator[str]:
    nets = [net]
    while nets:
        for node in nets.pop().op:
            yield node.type
            nets.extend(node.subgraph)


def write_selection(
    root: Path, library: str, models: Sequence[str], operators: Sequence[str], known: Sequence[str]
) -> str:
    """Writes the package of a library's operators; returns its label without a target.

    known: all operators of this version. Raises MaceError.
    """
    if not _NAME.match(library) or library.startswith("."):
        raise MaceError(f"the library name '{library}' cannot be a folder's name")
    for name in operators:
        if name not in known:
            raise MaceError(
                f"the models were converted by another version: there is no operator '{name}'",
                hint="convert them again",
            )
    if not operators:
        raise MaceError("the models have no operators, so there is nothing to select")
    text = _BUILD.format(
        models=", ".join(models), operators="\n".join(f'        "{name}",' for name in operators)
    )
    path = root / _FOLDER / library / "BUILD"
    # Written only if it differs, so that Bazel has nothing to read again.
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_files({path: text.encode()})
    return f"//{_FOLDER}/{library}"


def edited_operators(root: Path, library: str) -> list[str]:
    """The operators that the package of a library lists now."""
    text = (root / _FOLDER / library / "BUILD").read_text(encoding="utf-8")
    return re.findall(r'^        "(\w+)",$', text, re.MULTILINE)
