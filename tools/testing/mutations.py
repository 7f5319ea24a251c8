# SPDX-License-Identifier: Apache-2.0
"""Small breaks of C++ sources: an operator turned into its neighbour, a number that is off by one.

Only what computes is broken: no comments, strings, messages of errors, or numbers that decide about
speed alone, for which no test can fail."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What stands between two operands, with the spaces that clang-format gives it (templates and
# pointers have none), and what takes its place.
_OPERATORS = {
    " < ": " <= ",
    " <= ": " < ",
    " > ": " >= ",
    " >= ": " > ",
    " == ": " != ",
    " != ": " == ",
    " && ": " || ",
    " || ": " && ",
    " + ": " - ",
    " - ": " + ",
    " * ": " + ",
    " / ": " * ",
    " % ": " / ",
    " += ": " -= ",
    " -= ": " += ",
    " *= ": " += ",
}
_WORDS = {
    "std::min": "std::max",
    "std::max": "std::min",
    "true": "false",
    "false": "true",
    "floor": "ceil",
    "ceil": "floor",
}
_SITE = re.compile(
    "|".join(re.escape(text) for text in sorted(_OPERATORS, key=len, reverse=True))
    + r"|(?<![\w:])(?:" + "|".join(re.escape(word) for word in _WORDS) + r")(?!\w)"
    + r"|(?<![\w.'])\d+(?:\.\d*)?f?(?![\w.'])"
)  # fmt: skip
_NOT_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
    re.DOTALL | re.MULTILINE,
)
# Calls whose arguments are words for people.
_SAYING = re.compile(r"\b(?:Invalid|Unsupported|Say|MaceStatus|VLOG|LOG|MACE_CHECK\w*)\(")
# Lines about speed, memory or registration; sizes of arrays; what nobody reads before it is set.
_NOT_BROKEN = re.compile(
    r"ParallelFor|sizeof|[gG]rain|\bmacs\b|[sS]cratch|reserve\(|static_assert|static constexpr"
    r"|Register|set_inplace|MayOverwrite|InPlace|is_const|threads|\bint \w+ = 0;$"
    r"|^\s*[\w:<>]+ \w+_ = [\w.]+;"
    r"|^\s*(?:static |const )*[\w:<>]+ [\w *]*\w\[\w+\](?:;| = \{)"
)


@dataclass(frozen=True)
class Mutation:
    """A break of one place: the text between two offsets and what takes its place."""

    start: int
    old: str
    new: str

    def applied(self, source: str) -> str:
        """The source with the break."""
        end = self.start + len(self.old)
        if source[self.start : end] != self.old:
            raise ValueError(f"'{self.old}' is not at {self.start}")
        return source[: self.start] + self.new + source[end:]

    def line(self, source: str) -> int:
        """The number of the line in the source that it was found in, from 1."""
        return source.count("\n", 0, self.start) + 1

    def shown(self, source: str) -> str:
        """The broken line."""
        return self.applied(source).splitlines()[self.line(source) - 1].strip()


def mutations(source: str) -> list[Mutation]:
    """Every break of a C++ source, in order."""
    code = _blanked(source)
    found = []
    for match in _SITE.finditer(code):
        begin = code.rfind("\n", 0, match.start()) + 1
        line = code[begin:].split("\n", 1)[0]
        if not _NOT_BROKEN.search(line):
            found.append(Mutation(match.start(), match[0], _broken(match[0])))
    return found


def _broken(text: str) -> str:
    if text in _OPERATORS or text in _WORDS:
        return _OPERATORS.get(text) or _WORDS[text]
    number = re.match(r"(\d+)(.*)", text)
    assert number is not None
    return f"{int(number[1]) + 1}{number[2]}"


def _blanked(source: str) -> str:
    """The source with spaces in place of all that is not code that computes."""
    code = _NOT_CODE.sub(lambda match: _blank(match[0]), source)
    for match in reversed(list(_SAYING.finditer(code))):
        end = _closing(code, match.end() - 1)
        code = code[: match.start()] + _blank(code[match.start() : end]) + code[end:]
    return code


def _blank(text: str) -> str:
    # Not spaces, which operators have round them.
    return re.sub(r"[^\n]", "\t", text)


def _closing(code: str, opening: int) -> int:
    """The offset after the parenthesis that closes the one at `opening`."""
    depth = 0
    for offset in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[offset], 0)
        if depth == 0:
            return offset + 1
    return len(code)
