# SPDX-License-Identifier: Apache-2.0
"""Models as code: converted, built, run and compared like models in files, and used by a program
that knows nothing but the generated headers and the two libraries."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mace.cli.main import main
from mace.errors import MaceError
from mace.resources import source_root
from small_models import conv_onnx

from mace import build
from mace.codegen import CodeModel, check_names, write_sources

_LIBRARY = "code_test"
_PROGRAM = """\
#include <cstdio>
#include "mace/public/mace.h"
#include "mace/public/mace_engine_factory.h"

int main(int argc, char **argv) {
  mace::MaceEngineConfig config(mace::CPU);
  std::shared_ptr<mace::MaceEngine> engine;
  const mace::MaceStatus status =
      mace::CreateMaceEngineFromCode(argv[1], argc > 2 ? argv[2] : "", {}, {}, config, &engine);
  if (status != mace::MaceStatus::MACE_SUCCESS) {
    std::printf("%s\\n", status.information().c_str());
    return 1;
  }
  std::printf("%s %s\\n", engine->inputs()[0].name.c_str(), engine->outputs()[0].name.c_str());
  return 0;
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a network; the generated sources go away with the test."""
    monkeypatch.chdir(tmp_path)
    conv_onnx(tmp_path / "net.onnx")
    yield tmp_path
    root = source_root()
    assert root is not None
    subprocess.run(["rm", "-rf", str(root / "mace/codegen/models" / _LIBRARY)], check=True)


def _deploy(folder: Path, data_format: str, **models: str) -> str:
    subgraph = {"input_tensors": ["x"], "input_shapes": ["1,8,8,3"], "output_tensors": ["y"]}
    model = {"platform": "onnx", "model_file_path": "net.onnx", "subgraphs": [subgraph]}
    document: dict[str, Any] = {
        "library_name": _LIBRARY,
        "target_abis": ["host"],
        "model_graph_format": "code",
        "model_data_format": data_format,
        "models": dict.fromkeys(models or ("first", "second"), model),
    }
    (folder / "net.yml").write_text(yaml.safe_dump(document))
    return "--config=net.yml"


@pytest.mark.parametrize("data_format", ["code", "file"])
def test_the_whole_way(folder: Path, data_format: str, capfd: pytest.CaptureFixture[str]) -> None:
    config = _deploy(folder, data_format)
    assert main(["convert", config, "-q"]) == 0
    library = folder / "builds" / _LIBRARY
    assert (library / "model/host" / f"{_LIBRARY}.a").is_file()
    assert (library / "model/first.data").is_file() == (data_format == "file")
    assert not (library / "model/first.pb").exists()
    capfd.readouterr()
    assert main(["run", config, "--validate", "--json"]) == 0
    runs = json.loads(capfd.readouterr().out)["runs"]
    assert [run["model"] for run in runs] == ["first", "second"]
    assert all(v["similarity"] > 0.99999 for run in runs for v in run["validation"])
    assert main(["benchmark", config, "--models=second", "--max_num_runs=2", "-q"]) == 0
    _use_from_outside(folder, library, data_format)


def _use_from_outside(folder: Path, library: Path, data_format: str) -> None:
    root = source_root()
    assert root is not None
    engine = build.program(root, "//mace/libmace:libmace.a", "host").path
    (folder / "app.cc").write_text(_PROGRAM)
    includes = [f"-I{library / 'include'}", f"-I{root}"]
    archives = [str(library / "model/host" / f"{_LIBRARY}.a"), str(engine)]
    command = ["g++", "-std=c++17", "-O1", *includes, "app.cc", *archives, "-lpthread", "-o", "app"]
    subprocess.run(command, cwd=folder, check=True)
    data = [str(library / "model/second.data")] if data_format == "file" else []

    def app(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["./app", *words], cwd=folder, capture_output=True, text=True)

    done = app("second", *data)
    assert (done.returncode, done.stdout) == (0, "x y\n")
    assert "there is no model 'third' in code_test" in app("third").stdout
    # The stack must not have become executable by the assembler's source.
    shown = subprocess.run(["readelf", "-lW", "app"], cwd=folder, capture_output=True, text=True)
    stack = next(line for line in shown.stdout.splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack


def test_a_name_that_is_no_identifier(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", _deploy(folder, "code", **{"my-net": ""})]) == 2
    assert "must be a C++ identifier" in capsys.readouterr().err
    assert not (folder / "builds").exists()


@pytest.mark.parametrize("names", [["class"], ["a__b"], ["1a"], ["Net", "net"], ["std"], ["a.b"]])
def test_names_that_cannot_be_code(names: list[str]) -> None:
    with pytest.raises(MaceError):
        check_names(names)


def test_weights_alone_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "net.yml").write_text
    _deploy(folder, "code")
    document = yaml.safe_load((folder / "net.yml").read_text())
    document["model_graph_format"] = "file"
    text(yaml.safe_dump(document))
    assert main(["convert", "--config=net.yml"]) == 2
    assert "weights become code only with their graph" in capsys.readouterr().err


def test_a_failure_leaves_the_old_sources(folder: Path) -> None:
    (folder / "m.pb").write_bytes(b"graph")
    package = write_sources(_LIBRARY, [CodeModel("m", folder / "m.pb", None)])
    before = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    with pytest.raises(MaceError):
        write_sources(_LIBRARY, [CodeModel("m", folder / "none.pb", None)])
    assert {path: path.read_bytes() for path in package.rglob("*") if path.is_file()} == before
    assert [path.name for path in package.parent.glob(".new-*")] == []


@pytest.mark.parametrize("data_format", ["code", "file"])
def test_the_example_and_the_shared_library(
    folder: Path, data_format: str, capfd: pytest.CaptureFixture[str]
) -> None:
    config = _deploy(folder, data_format, net="")
    assert main(["convert", config, "-q"]) == 0
    for words in (["--example"], ["--mace_lib_type=dynamic"]):
        capfd.readouterr()
        assert main(["run", config, "--validate", "--json", *words]) == 0
        (run,) = json.loads(capfd.readouterr().out)["runs"]
        assert run["validation"][0]["similarity"] > 0.99999


def test_the_example_on_the_gpu(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In files, with all that `run` tells programs of a GPU, and as code; on PoCL."""
    monkeypatch.setenv("MACE_OPENCL_DEVICE", "Portable Computing Language")
    config = _deploy(folder, "code", net="")
    document = yaml.safe_load((folder / "net.yml").read_text())
    document["models"]["net"]["runtime"] = "gpu"
    (folder / "net.yml").write_text(yaml.safe_dump(document))
    limits = ["--limit_opencl_kernel_time=1", "--opencl_queue_window_size=2"]
    files = ["--model_graph_format=file", "--model_data_format=file"]
    ways: list[tuple[list[str], list[str]]] = [
        (files, []),
        (files, ["--data_type=fp16_fp32", "--cl_mem_type=buffer", *limits]),
        (files, ["--tune"]),
        ([], []),
    ]
    for form, words in ways:
        assert main(["convert", config, "-q", *form]) == 0
        capfd.readouterr()
        assert main(["run", config, *form, "--example", "--validate", "--json", *words]) == 0
        (run,) = json.loads(capfd.readouterr().out)["runs"]
        assert run["runtime"] == "gpu" and run["validation"][0]["passed"]
        (figures,) = run["figures"]
        assert [each["device"] for each in figures["placements"]] == ["GPU"]
