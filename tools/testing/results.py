# SPDX-License-Identifier: Apache-2.0
"""Reads what Bazel and pytest report of a test run, down to the single case."""

from __future__ import annotations

import dataclasses
import json
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

Status = Literal["passed", "failed", "skipped"]


@dataclasses.dataclass(frozen=True)
class Case:
    """One test case, or one thing that kept cases from running.

    Attributes:
      group: what the manifest knows it by: a Bazel target, or a file of pytest cases.
      name: the case within the group.
      status: how it ended.
      message: why it failed or was skipped, else empty.
    """

    group: str
    name: str
    status: Status
    message: str = ""


@dataclasses.dataclass
class Step:
    """All cases of one configuration of Bazel, or of Python."""

    name: str
    cases: list[Case] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def count(self, status: Status) -> int:
        """How many cases ended so."""
        return sum(case.status == status for case in self.cases)

    def groups(self) -> set[str]:
        """The groups of which at least one case really ran."""
        return {case.group for case in self.cases if case.name and case.status != "skipped"}


def parse_bazel(events: Path, exit_code: int) -> Step:
    """Reads Bazel's build events.

    Args:
      events: what --build_event_json_file wrote; may be missing if Bazel did not come that far.
      exit_code: Bazel's; 3 means that tests failed, 4 that there were none.
    Returns:
      The step, without a name. A target that did not build is a failed case.
    """
    step = Step("")
    tests: set[str] = set()
    reported: set[str] = set()
    for event in _events(events):
        identity = event["id"]
        if "targetConfigured" in identity and "testSize" in event.get("configured", {}):
            tests.add(identity["targetConfigured"]["label"])
        elif "targetCompleted" in identity:
            label = identity["targetCompleted"]["label"]
            if event.get("aborted", {}).get("reason") == "SKIPPED":
                if label in tests:
                    step.notes.append(f"{label} is not for this target (target_compatible_with)")
                    tests.discard(label)
            elif not event.get("completed", {}).get("success"):
                reported.add(label)
                step.cases.append(Case(label, "", "failed", "did not build, see above"))
        elif "testResult" in identity:
            label = identity["testResult"]["label"]
            reported.add(label)
            step.cases.extend(_target_cases(label, event["testResult"]))
    for label in sorted(tests - reported):
        step.cases.append(Case(label, "", "failed", "was not run, because the build failed"))
    if exit_code not in (0, 3, 4) and not step.count("failed"):
        message = f"ended with exit code {exit_code}, see above"
        step.cases.append(Case("bazel", "", "failed", message))
    return step


def _events(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            event = json.loads(line)
        except ValueError:  # cut off: Bazel was killed, which its exit code says too
            continue
        if "id" in event:
            yield event


def _target_cases(label: str, result: dict[str, Any]) -> Iterator[Case]:
    status = result.get("status", "NO_STATUS")
    cases: list[Case] = []
    for output in result.get("testActionOutput", []):
        if output["name"] == "test.xml":
            path = Path(urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path))
            cases.extend(dataclasses.replace(case, group=label) for case in parse_junit(path))
    yield from cases
    if status == "PASSED":
        if not cases:
            yield Case(label, "(whole target)", "passed")
    elif not any(case.status == "failed" for case in cases):
        # A crash or a time-out leaves no complete report.
        yield Case(label, "(whole target)", "failed", f"ended with {status}, see its log above")


def parse_junit(path: Path) -> list[Case]:
    """Reads the cases of a report in JUnit's XML, as GoogleTest, Bazel and pytest write it.

    Args:
      path: the report. A missing or broken one has no cases.
    Returns:
      The cases in order; `group` is the file that pytest names, else the class name.
    """
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError):
        return []
    return [_junit_case(element) for element in root.iter("testcase")]


def _junit_case(element: ET.Element) -> Case:
    class_name = element.get("classname", "")
    group = element.get("file") or class_name
    name = f"{class_name}.{element.get('name', '')}".strip(".")
    for kind in ("failure", "error"):
        problem = element.find(kind)
        if problem is not None:
            return Case(group, name, "failed", _text(problem))
    skipped = element.find("skipped")
    if skipped is not None or element.get("status") == "notrun":
        reason = "disabled" if skipped is None else _text(skipped)
        return Case(group, name, "skipped", reason)
    return Case(group, name, "passed")


def _text(element: ET.Element) -> str:
    message = element.get("message") or element.text or ""
    # GoogleTest begins with the place, then says what was expected.
    words = " ".join(message.strip().splitlines()[:4]).split()
    return " ".join(words)[:300] or "gave no reason"
