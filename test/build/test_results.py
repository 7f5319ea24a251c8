# SPDX-License-Identifier: Apache-2.0
"""The test runner counts what ran, and nothing that went wrong escapes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools" / "testing"))

import manifest
import results

_GTEST = """<?xml version="1.0"?>
<testsuites><testsuite name="Suite">
<testcase name="Good" classname="Suite" status="run" result="completed"/>
<testcase name="Bad" classname="Suite"><failure message="1 is not 2&#10;more"/></testcase>
<testcase name="Off" classname="Suite" status="notrun"/>
<testcase name="Skipped" classname="Suite" status="run"><skipped message="no GPU"/></testcase>
</testsuite></testsuites>"""


def _configured(label: str) -> dict[str, Any]:
    return {"id": {"targetConfigured": {"label": label}}, "configured": {"testSize": "SMALL"}}


def _completed(label: str, **content: object) -> dict[str, Any]:
    return {"id": {"targetCompleted": {"label": label}}, **content}


def _result(label: str, status: str, xml: Path | None = None) -> dict[str, Any]:
    outputs = [{"name": "test.xml", "uri": xml.as_uri()}] if xml else []
    result = {"status": status, "testActionOutput": outputs}
    return {"id": {"testResult": {"label": label}}, "testResult": result}


def _step(folder: Path, events: list[dict[str, Any]], code: int) -> results.Step:
    path = folder / "events.json"
    path.write_text("\n".join(json.dumps(event) for event in events))
    return results.parse_bazel(path, code)


def test_cases_of_a_target_are_counted(tmp_path: Path) -> None:
    xml = tmp_path / "a report.xml"
    xml.write_text(_GTEST)
    step = _step(tmp_path, [_configured("//a:t"), _result("//a:t", "FAILED", xml)], 3)
    assert [step.count(s) for s in ("passed", "failed", "skipped")] == [1, 1, 2]
    assert step.cases[1] == results.Case("//a:t", "Suite.Bad", "failed", "1 is not 2 more")
    assert step.groups() == {"//a:t"}


def test_crash_without_report_is_a_failure(tmp_path: Path) -> None:
    broken = tmp_path / "test.xml"
    broken.write_text("<testsuites><testsuite>")
    step = _step(tmp_path, [_configured("//a:t"), _result("//a:t", "TIMEOUT", broken)], 3)
    assert [case.message for case in step.cases] == ["ended with TIMEOUT, see its log above"]


def test_crash_after_passed_cases_is_a_failure(tmp_path: Path) -> None:
    xml = tmp_path / "test.xml"
    xml.write_text('<testsuite><testcase name="a" classname="S"/></testsuite>')
    step = _step(tmp_path, [_result("//a:t", "FAILED", xml)], 3)
    assert (step.count("passed"), step.count("failed")) == (1, 1)


def test_target_without_report_is_one_case(tmp_path: Path) -> None:
    assert _step(tmp_path, [_result("//a:sh", "PASSED")], 0).count("passed") == 1


def test_what_does_not_build_is_a_failure(tmp_path: Path) -> None:
    events = [_configured("//a:t"), _completed("//a:lib", completed={}), _configured("//a:u")]
    step = _step(tmp_path, [*events, _completed("//a:t", completed={})], 1)
    assert {case.group for case in step.cases if case.status == "failed"} == {
        "//a:lib",
        "//a:t",
        "//a:u",
    }
    assert step.groups() == set()


def test_target_for_another_cpu_is_noted(tmp_path: Path) -> None:
    skipped = _completed("//a:t", aborted={"reason": "SKIPPED"})
    step = _step(tmp_path, [_configured("//a:t"), skipped], 0)
    assert not step.cases
    assert "//a:t" in step.notes[0]


@pytest.mark.parametrize("code", [1, 2, 37])
def test_bazel_that_breaks_off_is_a_failure(tmp_path: Path, code: int) -> None:
    assert results.parse_bazel(tmp_path / "missing.json", code).count("failed") == 1


def test_manifest_round_trip_and_loss(tmp_path: Path) -> None:
    path = tmp_path / "manifest.txt"
    assert manifest.read(path) == {}
    entries = {"host": {"//b:t", "//a:t"}, "python": {"test/test_x.py"}}
    manifest.write(path, entries)
    assert manifest.read(path) == entries
    assert manifest.lost(entries, "host", {"//b:t", "//c:t"}) == ["//a:t"]
    assert manifest.lost(entries, "arm64-v8a", set()) == []


def test_manifest_with_a_broken_line_says_where(tmp_path: Path) -> None:
    path = tmp_path / "manifest.txt"
    path.write_text("# comment\nhost\n")
    with pytest.raises(ValueError, match=r"manifest\.txt:2: expected a step and a test"):
        manifest.read(path)
