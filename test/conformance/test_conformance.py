# SPDX-License-Identifier: Apache-2.0
"""onnx's backend suite: no pass is lost, each exclusion has its reason, every case is listed, and
what does not pass is refused with a sentence. tools/onnx_conformance.py --update renews the list."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "onnx_conformance.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("onnx_conformance", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


tool = _load()


def test_every_case_does_what_the_manifest_says() -> None:
    manifest = tool.read_manifest()
    wrong, news = tool.compare(manifest, tool.run_all(tool.case_names(), 2))
    assert not wrong, "\n".join(wrong)
    if news:
        print(f"{len(news)} cases pass that are not listed as passes; {TOOL.name} --update")


def test_what_the_comparison_finds() -> None:
    refused, differs = tool.Outcome("refused", "why"), tool.Outcome("differs", "by much")
    crashed, passed = tool.Outcome("error", "status -11"), tool.Outcome("pass")
    results = {
        n: (o, "")
        for n, o in zip("abcde", [refused, differs, crashed, passed, passed], strict=True)
    }
    manifest = dict.fromkeys("abcf", "missing: yet") | {"d": "pass"}
    wrong, news = tool.compare(manifest, results)
    assert [w.split()[0] for w in wrong] == ["b", "c", "f", "e"]
    assert not news
    assert tool.compare({"a": "pass"}, {"a": (refused, "")})[0] == ["a passed before: refused: why"]
    assert tool.compare({"b": "missing: differs: much"}, {"b": (differs, "")})[0] == []
    assert tool.compare({"d": "excluded: strings"}, {"d": (passed, "")}) == ([], ["d"])


@pytest.mark.parametrize(
    "line", ["a", "a excluded", "a excluded: ", "a passes", "a x: y", "a pass\na pass"]
)
def test_bad_lines_are_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.txt"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match=r"manifest.txt:\d: "):
        tool.read_manifest(path)


def test_a_process_that_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "__file__", "/dev/null")  # an empty program
    outcome, _ = tool._Process().run("node/test_abs")
    assert outcome.state == "error"
