#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes OpenCL sources into a C++ file: a table of names and of sources without comments, and a hash
of all sources, whichever are in the table.

Usage: embed_kernels.py OUTPUT SOURCE... [--only=NAME,...] [--hide]
--only: these sources alone, in a table that takes the place of the one with all.
--hide: not to be read: encoded, with numbers for names (see hide_names.py).
Runs inside the build with the system's Python. #include "x.h" is replaced by x.h of the same
folder. A source that has no header comment or more than 300 lines is an error.

Functions get RANGE_PARAMETER before their parameters and calls of them RANGE_ARGUMENT before theirs;
an element of a global pointer, p[i], becomes RANGE_AT(p, i). cl/common.h defines these: as nothing
and p[i], or so that indices are checked.
"""

import hashlib
import re
import sys
from pathlib import Path

from hide_names import encode, hidden_names, hide

MAX_LINES = 300
_WEAK = "__attribute__((weak))"
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


def without_comments(source: str) -> str:
    """The source with a space for each comment, and continued lines in one."""
    source = _TOKENS.sub(lambda m: m.group(0) if m.group(0)[0] == '"' else " ", source)
    return source.replace("\\\n", " ")


def _closing(source: str, start: int) -> int:
    """Where the bracket closes that opens at start."""
    pairs = {"(": ")", "[": "]"}
    opening, closing, depth = source[start], pairs[source[start]], 0
    for place in range(start, len(source)):
        depth += (source[place] == opening) - (source[place] == closing)
        if depth == 0:
            return place
    sys.exit(f"a bracket does not close: {source[start : start + 60]}")


def _functions(source: str) -> dict[int, str]:
    """The functions that the source defines: names by the place of their parameters' bracket."""
    # Directives keep their length, so that places stay right.
    code = re.sub(r"^[ \t]*#[^\n]*", lambda m: " " * len(m.group(0)), source, flags=re.MULTILINE)
    found, depth = {}, 0
    for match in re.finditer(r"[{}]|\b(\w+)\s*\(", code):
        depth += (match.group(0) == "{") - (match.group(0) == "}")
        if depth == 0 and match.group(1):
            place = match.end() - 1
            if code[_closing(code, place) + 1 :].lstrip().startswith("{"):
                found[place] = match.group(1)
    return found


def with_ranges(source: str) -> str:
    """Puts in where indices can be checked."""
    functions = _functions(source)
    names = "|".join(sorted(set(functions.values()))) or "(?!)"

    def call(match: re.Match[str]) -> str:
        defined = match.end() - 1 in functions
        return f"{match.group(0)}{'RANGE_PARAMETER' if defined else 'RANGE_ARGUMENT'} "

    source = re.sub(rf"\b(?:{names})\s*\((?!\s*\))", call, source)
    pointers = set(
        re.findall(r"__global\s+(?:const\s+)?\w+\s*\*\s*(?:restrict\s+)?(\w+)", source)
    ) - {"ranges", "restrict"}
    for pointer in sorted(pointers):
        place = 0
        while match := re.compile(rf"\b{pointer}\[").search(source, place):
            end = _closing(source, match.end() - 1)
            index = source[match.end() : end]
            source = f"{source[: match.start()]}RANGE_AT({pointer}, {index}){source[end + 1 :]}"
            place = match.start() + len(f"RANGE_AT({pointer}")
    return source


def minimise(source: str) -> str:
    """Takes out spaces that mean nothing to a compiler."""
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
    # Three octal digits cannot run into what follows.
    codes = (re.sub("[^ -~]", lambda m: f"\\{ord(m.group(0)):03o}", piece) for piece in escaped)
    return "\n".join(f'     "{piece}"' for piece in codes)


def entry(source: Path, names: dict[str, str]) -> str:
    """The literals of a source's name and text; with names in numbers if there are any."""
    text = minimise(with_ranges(without_comments(expand(source, set()))))
    if names:
        text = encode(hide(text, names))
    return f'"{names.get(source.stem, source.stem)}",\n{literal(text)}'


def main() -> None:
    output, sources = Path(sys.argv[1]), sorted(Path(s) for s in sys.argv[2:] if s.endswith(".cl"))
    names = hidden_names([Path(s) for s in sys.argv[2:]]) if "--hide" in sys.argv else {}
    digest = hashlib.sha256("".join(entry(source, {}) for source in sources).encode())
    only = [word.removeprefix("--only=") for word in sys.argv if word.startswith("--only=")]
    strong = bool(only)
    if strong:
        unknown = set(only[0].split(",")) - {source.stem for source in sources}
        if unknown:
            sys.exit(f"error: there is no OpenCL source '{min(unknown)}'")
        sources = [source for source in sources if source.stem in only[0].split(",")]
    entries = [f"    {{{entry(source, names)}}},\n" for source in sources]
    output.write_text(
        "// Generated from mace/ops/opencl/cl.\n"
        '#include "mace/runtimes/opencl/launch.h"\n\n'
        "namespace mace {\nnamespace opencl {\n\n"
        + ("" if strong else f"extern const EmbeddedKernel kEmbeddedKernels[] {_WEAK};\n")
        + ("" if strong else f"extern const uint64_t kEmbeddedKernelsHash {_WEAK};\n")
        + f"const uint64_t kEmbeddedKernelsHash = 0x{digest.hexdigest()[:16]};\n"
        + "const EmbeddedKernel kEmbeddedKernels[] = {\n"
        + "".join(entries)
        + "    {nullptr, nullptr},\n};\n\n}  // namespace opencl\n}  // namespace mace\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
