#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes OpenCL sources into a C++ file: a table of names and of sources without comments.

Usage: embed_kernels.py OUTPUT SOURCE...
Runs inside the build with the system's Python. #include "x.h" is replaced by x.h of the same
folder. A source that has no header comment or more than 300 lines is an error.
"""

import re
import sys
from pathlib import Path

MAX_LINES = 300
_TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"\s*$', re.MULTILINE)
# Not round + - * / &, since "a - -b" and "a / *p" would mean something else.
_SPACE = re.compile(r"\s*([%=<>!|^~?:;,(){}\[\]])\s*")


def read(path: Path) -> str:
    """The source, refused when it breaks the rules of the house."""
    text = path.read_text(encoding="utf-8")
    if text.count("\n") > MAX_LINES:
        sys.exit(f"{path}: {text.count(chr(10))} lines; a kernel source has at most {MAX_LINES}")
    if not re.match(r"// SPDX-License-Identifier: Apache-2.0\n//", text):
        sys.exit(f"{path}: no header comment that states layout and work split")
    return text


def expand(path: Path, seen: set[str]) -> str:
    """The source with its includes in place, each once."""

    def include(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in seen:
            return ""
        seen.add(name)
        return expand(path.parent / name, seen)

    return _INCLUDE.sub(include, read(path))


def minimise(source: str) -> str:
    """Takes out comments and spaces that mean nothing to a compiler."""
    source = _TOKENS.sub(lambda m: m.group(0) if m.group(0)[0] == '"' else " ", source)
    source = source.replace("\\\n", " ")
    lines: list[str] = []
    joined = ""
    for line in (" ".join(raw.split()) for raw in source.split("\n")):
        if line.startswith("#"):
            # In a definition a space may part the name from the value: only outer ones go.
            lines += ([joined] if joined else []) + [line]
            joined = ""
        elif line:
            joined = _SPACE.sub(r"\1", f"{joined} {line}".strip()) if '"' not in line else line
    if joined:
        lines.append(joined)
    return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """A C++ string literal, in pieces that every compiler takes."""
    pieces = [text[i : i + 90] for i in range(0, len(text), 90)]
    escaped = (p.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for p in pieces)
    return "\n".join(f'     "{piece}"' for piece in escaped)


def main() -> None:
    output, sources = Path(sys.argv[1]), sorted(Path(s) for s in sys.argv[2:] if s.endswith(".cl"))
    entries = [
        f'    {{"{source.stem}",\n{literal(minimise(expand(source, set())))}}},\n'
        for source in sources
    ]
    output.write_text(
        "// Generated from mace/ops/opencl/cl.\n"
        '#include "mace/runtimes/opencl/launch.h"\n\n'
        "namespace mace {\nnamespace opencl {\n\n"
        "const EmbeddedKernel kEmbeddedKernels[] = {\n"
        + "".join(entries)
        + "    {nullptr, nullptr},\n};\n\n}  // namespace opencl\n}  // namespace mace\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
