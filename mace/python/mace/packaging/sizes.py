# SPDX-License-Identifier: Apache-2.0
"""What is in libmace.so, and how large each piece is: from the linker's map, by object, and summed
by operator, family of kernels and part of the engine. As text, JSON and a treemap in HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mace.errors import MaceError

# " .text.name  0x1234  0x56 path", the name on a line of its own if it is long; lld: columns.
_GNU = re.compile(r" (\.\S+)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$")
_GNU_NAME = re.compile(r" (\.\S+)$")
_LLD = re.compile(r"\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)\s+\d+\s{9}(\S+):\((\.[^)]*)\)$")
# Of objects, kept in no file or made by the linker out of others.
_UNLOADED = (".comment", ".note.GNU", ".debug", ".symtab", ".strtab", ".ARM.attributes", ".group")
# Memory that is no part of the file.
_ZEROS = (".bss", ".tbss")
# What lld makes one object of, when it optimizes a library as a whole: sections are then called
# after what is in them, and a list of names follows, "archive:object: address kind name".
_WHOLE = ".lto.o"
_NAMED = re.compile(r"([^\s:]+):([^\s:]+): \S+ (\w) (\S+)$", re.MULTILINE)
_SECTION_NAME = re.compile(
    r"\.(?:text|rodata|data\.rel\.ro|data|gcc_except_table)\.(?:(?:unlikely|startup|exit)\.)?(\w+)"
)
_INTERNAL = "<internal>"
_STANDARD = ("_ZNS", "_ZNKS", "_ZS", "_ZN9__gnu_cxx", "_ZNK9__gnu_cxx")
_OBJECT = re.compile(r"(?:.*/)?(?:bin/)?(?P<archive>[^(]*)\((?P<object>[^)]+)\)$")


@dataclass(frozen=True)
class Piece:
    """Bytes of one object. group: "operators", "kernels", "engine", "C library" or "linker" (what it
    makes, such as tables of symbols); part: the operator, the family of kernels or the part of the
    engine."""

    group: str
    part: str
    name: str
    size: int


def read_map(path: Path, operators: Sequence[str] = ()) -> list[Piece]:
    """The pieces of a link map of GNU ld or lld, the largest first.

    operators: their source files without ".cc", to tell them from what several share.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise MaceError(f"the link map '{path}' cannot be read: {error.strerror}") from None
    sizes: dict[str, int] = {}
    for file, size in _lld(text) if "VMA" in text[:200] else _gnu(text):
        sizes[file] = sizes.get(file, 0) + size
    pieces: dict[tuple[str, str, str], int] = {}
    for file, size in sizes.items():
        key = _place(file, set(operators))
        pieces[key] = pieces.get(key, 0) + size
    return sorted((Piece(*key, size) for key, size in pieces.items()), key=lambda p: -p.size)


def with_rest(pieces: Sequence[Piece], file_size: int) -> list[Piece]:
    """The pieces and one more, so that they add up to the file: what the linker made that its map
    tells of no object, such as tables of symbols, relocations and the space up to a page."""
    rest = file_size - sum(piece.size for piece in pieces)
    if rest <= 0:
        return list(pieces)
    name = "symbols, relocations and padding"
    return sorted([*pieces, Piece("linker", name, name, rest)], key=lambda p: -p.size)


def _gnu(text: str) -> list[tuple[str, int]]:
    found, section = [], ""
    for line in text[text.find("Linker script and memory map") :].splitlines():
        name = _GNU_NAME.match(line)
        if name:
            section = name[1]
            continue
        match = _GNU.match(line)
        if match and int(match[2], 16) and _is_in_file(match[1] or section):
            found.append((match[4], int(match[3], 16)))
        section = ""
    return found


def _lld(text: str) -> list[tuple[str, int]]:
    found = []
    for line in text.splitlines():
        match = _LLD.match(line)
        if match and int(match[1], 16) and _is_in_file(match[4]):
            found.append((match[3], match[4], int(match[2], 16)))
    objects = _objects_of(text, {section for file, section, _ in found if file.endswith(_WHOLE)})
    return [
        (objects.get(section, _INTERNAL) if file.endswith(_WHOLE) else file, size)
        for file, section, size in found
    ]


def _objects_of(text: str, sections: set[str]) -> dict[str, str]:
    """The objects that sections of a library come from, which was optimized as a whole."""
    names = {section: named[1] for section in sections if (named := _SECTION_NAME.match(section))}
    wanted = set(names.values())
    listed = [
        (f"{archive}({file})", kind in "WVwv", name)
        for archive, file, kind, name in _NAMED.findall(text)
        if name in wanted
    ]
    owners = {name: owner for owner, weak, name in listed if not weak}
    # Templates of C++ are in many objects: the first one that has more in the library.
    for owner, weak, name in listed:
        if weak and not name.startswith(_STANDARD):
            owners.setdefault(name, owner)
    linked = set(owners.values())
    for owner, _, name in listed:
        if owner in linked:
            owners.setdefault(name, owner)
    return {section: owners[name] for section, name in names.items() if name in owners}


def _is_in_file(section: str) -> bool:
    return not section.startswith(_UNLOADED + _ZEROS)


def _place(file: str, operators: set[str]) -> tuple[str, str, str]:
    """Group, part and name of an object, by the archive that it comes from."""
    match = _OBJECT.match(file)
    if file == _INTERNAL:
        return "linker", "symbols and texts", "symbols and texts"
    if match is None:
        return "C library", Path(file).name, Path(file).name
    name = match["object"].partition(".")[0]
    folder = str(Path(file[: file.rfind("(")]).parent)
    where = folder.partition("/bin/")[2] if "/bin/" in folder else ""
    if where.startswith("mace/kernels/"):
        family = where.removeprefix("mace/kernels/").partition("/")[0]
        archive = Path(file[: file.rfind("(")]).stem.removeprefix("lib")
        isa = archive.removeprefix(f"{family}_")
        return "kernels", family, f"{family}/{name if isa == family else isa}"
    if where.startswith("mace/ops"):
        return "operators", name if name in operators else "shared", name
    if where.startswith("mace/"):
        part = where.removeprefix("mace/").partition("/")[0]
        return "engine", "tables" if part == "codegen" else part, name
    return "C library", Path(file[: file.rfind("(")]).name, name


def summed(pieces: Sequence[Piece]) -> list[tuple[str, str, int]]:
    """Group, part and size, the largest first."""
    sums: dict[tuple[str, str], int] = {}
    for piece in pieces:
        key = (piece.group, piece.part)
        sums[key] = sums.get(key, 0) + piece.size
    return sorted(((*key, size) for key, size in sums.items()), key=lambda row: -row[2])


def as_json(pieces: Sequence[Piece], file_size: int) -> dict[str, Any]:
    """The report for programs. file_size: of the stripped library."""
    return {
        "file_size": file_size,
        "parts": [{"group": g, "part": p, "size": s} for g, p, s in summed(pieces)],
        "objects": [vars(piece) for piece in pieces],
    }
