# SPDX-License-Identifier: Apache-2.0
"""What is broken on purpose, and that the list of breaks that nobody sees is current."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools" / "testing"), str(ROOT / "tools")]

import break_operators  # noqa: E402
import mutations  # noqa: E402


def breaks(code: str) -> set[str]:
    """All versions of a piece of code with one break."""
    return {m.applied(code) for m in mutations.mutations(code)}


@pytest.mark.parametrize(
    ("code", "broken"),
    [
        ("a = b < c;", {"a = b <= c;"}),
        ("a = b[1] * c;", {"a = b[2] * c;", "a = b[1] + c;"}),
        ("a = std::min(b, c);", {"a = std::max(b, c);"}),
        ("a = 0.5f;", {"a = 1.5f;"}),
        ("return true;", {"return false;"}),
        ("std::vector<int64_t> a;", set()),
        ("const float *a = b;", set()),
        ("// a < b", set()),
        ('a = "1 < 2";', set()),
        ("#define A 1", set()),
        ('return Invalid("a ", b + 1);', set()),
        ("  int a[3];", set()),
        ("  uint8_t *a[3] = {b, c, d};", set()),
        ("const int64_t grain = 1 + 2;", set()),
    ],
)
def test_breaks(code: str, broken: set[str]) -> None:
    assert breaks(code) == broken


def test_place() -> None:
    source = "// 1\na = b;\nc = d + 1;\n"
    first = mutations.mutations(source)[0]
    assert (first.line(source), first.shown(source)) == (3, "c = d - 1;")
    with pytest.raises(ValueError, match="is not at"):
        first.applied("something else")


def test_every_operator_can_be_broken() -> None:
    """But for those that have nothing to compute."""
    whole = {
        name
        for name, file in break_operators.operators().items()
        if not any(
            mutations.mutations((ROOT / source).read_text())
            for source in break_operators.sources(file)
        )
    }
    assert whole <= {"Identity"}


def test_every_operator_has_cases() -> None:
    for file in break_operators.operators().values():
        assert break_operators.test_pattern(ROOT / file), file


def test_equivalent_breaks_are_current() -> None:
    for source, line in break_operators.equivalent():
        text = (ROOT / source).read_text()
        assert line in {m.shown(text) for m in mutations.mutations(text)}, f"{source}: {line}"
