# SPDX-License-Identifier: Apache-2.0
"""The table of every form of a model on every ABI: its command works, and what the document has of
it is whole. python tools/deployment_table.py test/zoo/mobilenet_v1.yml --record renews it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from starting import ROOT, started

sys.path.insert(0, str(ROOT / "tools"))

import deployment_table
from deployment_table import ABIS, COLUMNS, DOCUMENT, FORMS


def _rows(*words: str | Path) -> list[dict[str, Any]]:
    command = [sys.executable, ROOT / "tools" / "deployment_table.py", *words, "--json"]
    rows: list[dict[str, Any]] = json.loads(started(command, ROOT))["rows"]
    return rows


def test_a_small_network_in_every_form(network: Path) -> None:
    rows = _rows(network / "net.yml", "--abis=linux-x86-64")
    assert [row["form"] for row in rows] == list(FORMS)
    assert all(row["is_well"] for row in rows), rows
    assert all(row["startup_ms"] >= 0 and row["first_ms"] > 0 for row in rows)
    by_form = {row["form"]: row for row in rows}
    # Straight-line code has the kernels alone that the model needs.
    assert 0 < by_form["static"]["code"] < by_form["a"]["code"] / 10
    assert by_form["code"]["size"] > by_form["static"]["size"]


def test_the_document_has_every_form_on_every_abi() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    lines = text.partition("<!-- recorded: deployment_table -->\n")[2].splitlines()
    assert lines[0] == "| " + " | ".join(COLUMNS) + " |"
    cells = [line.strip("| ").split(" | ") for line in lines[2 : 2 + len(ABIS) * len(FORMS)]]
    assert [(row[0], row[2]) for row in cells] == [
        (abi, form) for abi in ABIS for form in FORMS.values()
    ]
    assert all(row[3:5] == ["yes", "yes"] and float(row[5]) >= 0.99999 for row in cells)
    assert all(("emulated" in row[1]) == (row[0] != "linux-x86-64") for row in cells)


def test_instructions_of_a_program_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.s").write_text(".text\n.globl f\nf: .zero 4096\n.data\n.zero 9999\n")
    started(["gcc", "-shared", "-nostdlib", "a.s", "-o", "a.so"], tmp_path)
    assert 4096 <= deployment_table.machine_code(tmp_path / "a.so") < 4200


def test_wrong_words() -> None:
    with pytest.raises(AssertionError, match=re.escape("there is no form 'dll'")):
        _rows("net.yml", "--forms=dll")
    with pytest.raises(AssertionError, match="there is no ABI 'mips'"):
        _rows("net.yml", "--abis=mips")


@pytest.mark.nightly
def test_mobilenet_on_every_abi() -> None:
    started([sys.executable, ROOT / "test" / "zoo" / "make.py", "mobilenet_v1"], ROOT)
    rows = _rows(ROOT / "test" / "zoo" / "mobilenet_v1.yml")
    assert len(rows) == len(ABIS) * len(FORMS)
    assert all(row["is_well"] for row in rows), rows
