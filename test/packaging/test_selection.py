# SPDX-License-Identifier: Apache-2.0
"""Libraries with the operators of some models alone: they run these models, refuse others by name,
are smaller, and the list may be edited by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mace.cli.main import main
from mace.errors import MaceError
from mace.packaging import selection
from mace.packaging.libraries import build_libraries
from small_models import scale_onnx
from starting import ROOT, started

_LIBRARY = "net"
_APPLICATION = Path(__file__).parent / "application"


@pytest.fixture
def library(network: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The libraries of the network's operators."""
    monkeypatch.chdir(network)
    words = ["build", "--config=net.yml", "--selective", "--runtimes=cpu", "--size_report", "-q"]
    assert main(words) == 0
    yield network / "builds" / _LIBRARY / "lib" / "linux-x86-64" / "cpu"
    shutil.rmtree(ROOT / "mace" / "codegen" / "selections" / _LIBRARY)


def _application(library: Path, folder: Path) -> Path:
    include = f"-I{library.parents[2] / 'include'}"
    words = ["g++", "-std=c++17", include, _APPLICATION / "app.cc", library / "libmace.a"]
    started([*words, "-pthread", "-o", folder / "app"], folder)
    return folder / "app"


def test_the_model_runs_and_another_does_not(
    library: Path, network: Path, expected: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = network / "builds" / _LIBRARY / "model"
    app = _application(library, tmp_path)
    assert started([app, model / "net.pb", model / "net.data"], tmp_path) == expected
    report = json.loads((library / "sizes.json").read_text())
    operators = {p["part"] for p in report["parts"] if p["group"] == "operators"} - {"shared"}
    assert operators == {"conv_2d"}
    assert report["file_size"] < 700_000
    scale_onnx(tmp_path / "other.onnx", (1, 3, 8, 8))
    words = ["convert", str(tmp_path / "other.onnx"), f"--output_dir={tmp_path}", "-q"]
    assert main(words) == 0
    capfd.readouterr()
    with pytest.raises(AssertionError, match="Activation|Eltwise"):
        started([app, tmp_path / "other.pb", tmp_path / "other.data"], tmp_path)


def test_the_list_is_edited_by_hand(library: Path, tmp_path: Path) -> None:
    before = (library / "libmace.so").stat().st_size
    build = ROOT / "mace" / "codegen" / "selections" / _LIBRARY / "BUILD"
    text = build.read_text(encoding="utf-8")
    assert selection.edited_operators(ROOT, _LIBRARY) == ["Conv2D"]
    build.write_text(text.replace('"Conv2D",', '"Conv2D",\n        "LSTM",'), encoding="utf-8")
    assert selection.edited_operators(ROOT, _LIBRARY) == ["Conv2D", "LSTM"]
    label = f"//mace/codegen/selections/{_LIBRARY}"
    made = build_libraries(ROOT, "linux-x86-64", "cpu", tmp_path, label)
    assert made.shared.stat().st_size > before
    build.write_text(text.replace('"Conv2D"', '"Conv3000"'), encoding="utf-8")
    with pytest.raises(MaceError, match="ops.yml has no operator 'Conv3000'"):
        build_libraries(ROOT, "linux-x86-64", "cpu", tmp_path, label)


def test_what_cannot_be_selected(
    network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(network)
    assert main(["build", "--selective"]) == 2
    assert "--selective needs --config" in capsys.readouterr().err
    assert main(["build", "--config=net.yml", "--selective", "--runtimes=cpu_gpu"]) == 2
    assert "write --runtimes=cpu" in capsys.readouterr().err
