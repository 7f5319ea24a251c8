# SPDX-License-Identifier: Apache-2.0
"""What the documents show of devices is what the commands still say: transcripts and faults of
docs/deployment.md, but for figures. python tools/device_record.py --record renews them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(_ROOT / "tools"))

import device_record  # noqa: E402
from device_record import CONFIG, FAULTS, PLACES, Fault, shape  # noqa: E402

# With every change; the others at night.
_QUICK = {("adb", "the program is killed"), ("emulated", "the program hangs")}


def _recorded(name: str) -> str:
    text = device_record.DOCUMENT.read_text(encoding="utf-8")
    match = re.search(rf"<!-- recorded: {name} -->\n(.*)<!-- end of {name} -->", text, re.DOTALL)
    assert match, f"docs/deployment.md has no place for {name}"
    return match[1]


def _rows() -> dict[tuple[str, str], list[str]]:
    """Recorded faults by place and what happens: exit code and what is said."""
    lines = [line for line in _recorded("faults").splitlines() if line.startswith("| ")]
    cells = [re.split(r" \| ", line[2:].removesuffix(" |")) for line in lines[2:]]
    return {(row[0], row[1]): row[2:] for row in cells}


def test_every_fault_is_recorded() -> None:
    assert list(_rows()) == [(fault.place, fault.what) for fault in FAULTS]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault,
            marks=[] if (fault.place, fault.what) in _QUICK else [pytest.mark.nightly],
            id=f"{fault.place}-{fault.what}".replace(" ", "_"),
        )
        for fault in FAULTS
    ],
)
def test_a_fault_is_told_as_recorded(fault: Fault) -> None:
    code, seen = device_record.provoke(fault)
    told = device_record.fault_table(
        [[fault.place, fault.what, str(code), device_record.plain(seen)]]
    )
    row = " | ".join((fault.place, fault.what, *_rows()[fault.place, fault.what]))
    assert shape(told.splitlines()[-1]) == shape(f"| {row} |")


def test_every_place_has_a_transcript() -> None:
    text = _recorded("transcripts")
    assert re.findall(r"^### On (.*)$", text, re.MULTILINE) == [
        title for title, _ in PLACES.values()
    ]
    for verb in ("convert", "run", "benchmark"):
        assert text.count(f"$ python tools/converter.py {verb} ") >= len(PLACES)


@pytest.mark.nightly
def test_targets_are_as_recorded() -> None:
    body, succeeded = device_record.target_text()
    assert succeeded, body
    assert shape(body) == shape(_recorded("targets"))


@pytest.mark.nightly
@pytest.mark.parametrize("place", PLACES)
def test_a_transcript_is_as_recorded(place: str) -> None:
    body, succeeded = device_record.transcript_text(CONFIG, place)
    assert succeeded, body
    title = re.escape(body.splitlines()[0])
    match = re.search(rf"{title}\n\n```\n.*?```\n", _recorded("transcripts"), re.DOTALL)
    assert match, f"docs/deployment.md has no transcript '{title}'"
    assert shape(body) == shape(match[0])
