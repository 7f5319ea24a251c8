#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Numbers in place of the names that C++ and OpenCL sources have in common, for libraries in which
nobody shall read them (--define=hide_kernels=true): those of programs, kernels and macros.

Usage: hide_names.py FOLDER CPP_OR_CL_SOURCE...
Writes each C++ source to FOLDER/<its name>, with other names where kernels are launched.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Macros are written in capitals; these are of OpenCL C.
_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_OF_OPENCL = re.compile(r"CLK_|M_|FLT_|INT_|MACE_|(?:INFINITY|NAN|MAXFLOAT)\Z")
_KERNEL = re.compile(r"__kernel\s+(?:__attribute__\s*\(\(.*?\)\)\)\s*)?void\s+(\w+)", re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*")
# Where C++ names a program, a kernel or a macro, up to the end of the statement.
_LAUNCHES = re.compile(
    r"(?:\b(?:NewLaunch|TransformLaunch|Define|DefineTail)\(|\bdefines(?:\.\w+\(|\s*=)"
    r"|(?:\.|->)(?:program|kernel)\s*=|kernel->name\b)[^;]*;"
)
_LITERAL = re.compile(r'"(\w+)(=\d*)?"')


def hidden_names(sources: list[Path]) -> dict[str, str]:
    """The number of each name in the OpenCL sources (.cl and .h) among these files."""
    found = set()
    for path in sources:
        if path.parent.name != "cl":
            continue
        text = _COMMENT.sub("", path.read_text(encoding="utf-8"))
        found |= {path.stem} if path.suffix == ".cl" else set()
        found |= set(_KERNEL.findall(text))
        found |= {
            word
            for word in re.findall(r"\b\w+\b", text)
            if _CAPITALS.match(word) and not _OF_OPENCL.match(word)
        }
    return {name: f"_{number}" for number, name in enumerate(sorted(found))}


def hide(text: str, names: dict[str, str]) -> str:
    """OpenCL source without these names; components of vectors and literals stay."""
    return re.sub(
        r'"[^"\n]*"|(?<![.\w])[A-Za-z_]\w*',
        lambda match: names.get(match.group(0), match.group(0)),
        text,
    )


def hide_in_cpp(text: str, names: dict[str, str]) -> str:
    """C++ source with numbers for these names where kernels are launched."""

    def literal(match: re.Match[str]) -> str:
        return f'"{names.get(match.group(1), match.group(1))}{match.group(2) or ""}"'

    return _LAUNCHES.sub(lambda match: _LITERAL.sub(literal, match.group(0)), text)


def encode(text: str) -> str:
    """ASCII with the highest bit set in each character, which is no text to tools that look for
    such; mace/runtimes/opencl/programs.cc decodes it."""
    return "".join(chr(0x80 | (ord(c) ^ (i * 37 + 11)) & 0x7F) for i, c in enumerate(text))


def main() -> None:
    folder, sources = Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]]
    names = hidden_names(sources)
    folder.mkdir(parents=True, exist_ok=True)
    for path in sources:
        if path.suffix == ".cc":
            text = hide_in_cpp(path.read_text(encoding="utf-8"), names)
            (folder / path.name).write_text(f'#line 1 "{path}"\n{text}', encoding="utf-8")


if __name__ == "__main__":
    main()
