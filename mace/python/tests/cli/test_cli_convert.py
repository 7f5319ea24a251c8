# SPDX-License-Identifier: Apache-2.0
"""Conversion by command: what is written, and that bad models and a full disk leave nothing."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from mace.cli.main import main
from onnx import helper
from small_models import (
    bad_caffe,
    bad_onnx,
    bad_tensorflow,
    conv_onnx,
    scale_numpy,
    scale_onnx,
    write_caffe,
    write_onnx,
)

import mace

PACKAGE = Path(mace.__file__).parents[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path) -> list[str]:
    """What conversion left: all files under builds/."""
    return sorted(str(p.relative_to(folder)) for p in (folder / "builds").rglob("*") if p.is_file())


def deployment(folder: Path, **changes: object) -> Path:
    """A deployment file for scale.onnx; changes: keys of the model or its subgraph."""
    scale_onnx(folder / "scale.onnx")
    subgraph: dict[str, object] = {
        "input_tensors": ["x"],
        "input_shapes": ["1,4,5,3"],
        "output_tensors": ["y"],
    }
    model: dict[str, object] = {"platform": "onnx", "model_file_path": "scale.onnx"}
    for key, value in changes.items():
        (model if key in ("model_file_path", "model_sha256_checksum") else subgraph)[key] = value
    model["subgraphs"] = [subgraph]
    path = folder / "scale.yml"
    document = {"library_name": "lib", "target_abis": ["host"], "models": {"scale": model}}
    path.write_text(yaml.safe_dump(document))
    return path


def test_layout_and_result(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", f"--config={deployment(folder)}", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert written(folder) == [
        f"builds/lib/model/scale.{suffix}" for suffix in ("data", "pb", "pb_txt")
    ]
    (model,) = document["models"]
    graph = folder / model["graph"]
    assert model["graph_sha256"] == hashlib.sha256(graph.read_bytes()).hexdigest()
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype(np.float32)
    with mace.Engine(graph) as engine:
        np.testing.assert_allclose(engine.run({"x": x})["y"], scale_numpy(x), atol=1e-6)


def test_same_input_same_bytes(folder: Path) -> None:
    digests = set()
    for number in range(2):
        assert main(["convert", str(conv_onnx(folder / "c.onnx")), f"--output_dir=o{number}"]) == 0
        parts = [(folder / f"o{number}" / f"c.{s}").read_bytes() for s in ("pb", "data", "pb_txt")]
        digests.add(hashlib.sha256(b"".join(parts)).hexdigest())
    assert len(digests) == 1


def test_names_with_blanks_and_signs_of_the_shell(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conv_onnx(folder / "my net;$(touch x).onnx")
    assert main(["init", "my net;$(touch x).onnx", "-o", "a b.yml"]) == 0
    # What it says to type next can be typed.
    assert "mace convert --config='a b.yml'" in capsys.readouterr().out
    assert main(["convert", "--config=a b.yml", "-q"]) == 0
    assert (folder / "builds/my_net_touch_x/model/my_net_touch_x.pb").is_file()
    assert not (folder / "x").exists()


def test_init_then_convert(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conv_onnx(folder / "net.onnx")
    assert main(["init", "net.onnx"]) == 0
    assert main(["init", "net.onnx"]) == 2
    assert "--force writes over it" in capsys.readouterr().err
    assert main(["convert", "net.yml"]) == 0
    prototxt, _ = write_caffe(folder / "caffe.prototxt")
    assert main(["init", prototxt.name]) == 0
    assert main(["convert", "--config=caffe.yml"]) == 0
    assert "builds/caffe/model/caffe.pb" in written(folder)


def test_stop_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scale_onnx(folder / "scale.onnx")
    assert main(["convert", "scale.onnx", "--stop_at=inner", "--json"]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert [output["name"] for output in model["outputs"]] == ["inner"]
    assert main(["convert", "scale.onnx", "--stop_at=iner"]) == 2
    assert "did you mean 'inner'" in capsys.readouterr().err.replace('"', "'")


def test_check_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(scale_onnx(folder / "scale.onnx"))]) == 0
    assert "converts for cpu" in capsys.readouterr().out
    assert main(["check", str(bad_onnx(folder / "bad.onnx"))]) == 2
    assert "FancyUnknownOp" in capsys.readouterr().out
    assert not (folder / "builds").exists()


def fails(folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The error of a conversion that must fail with 2 and leave nothing."""
    before = written(folder)
    assert main(["convert", *words]) == 2
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    assert written(folder) == before
    return captured.err


def test_missing_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = deployment(folder, model_file_path="scael.onnx")
    error = fails(folder, [f"--config={path}"], capsys)
    assert "scael.onnx' does not exist (did you mean 'scale.onnx'?)" in error
    assert "does not exist" in fails(folder, ["none.onnx"], capsys)


def test_wrong_checksum(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = deployment(folder, model_sha256_checksum="0" * 64)
    assert "SHA-256" in fails(folder, [f"--config={path}"], capsys)


def test_wrong_shapes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conv_onnx(folder / "net.onnx")
    assert main(["init", "net.onnx"]) == 0
    text = (folder / "net.yml").read_text()
    (folder / "net.yml").write_text(text.replace("1,8,8,3", "1,8,8,5"))
    error = fails(folder, ["--config=net.yml"], capsys)
    assert "1x3x8x8" in error and "1x5x8x8" in error and "nothing written" in error
    path = deployment(folder, output_shapes=["1,4,5,4"])
    error = fails(folder, [f"--config={path}"], capsys)
    assert "output 'y' is 1,4,5,3, and output_shapes says 1,4,5,4" in error


def test_missing_tensor(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for key, name in (("output_tensors", "iner"), ("input_tensors", "iner")):
        error = fails(folder, [f"--config={deployment(folder, **{key: [name]})}"], capsys)
        assert "iner" in error and "did you mean" in error and "inner" in error


def test_unsupported_operators_of_each_format(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = fails(folder, [str(bad_onnx(folder / "bad.onnx"))], capsys)
    assert "1 unsupported operator and 1 other problem (3 nodes); nothing written" in error
    assert "2 nodes  block/fancy_1, block/fancy_2" in error and "head/up" in error
    error = fails(folder, [str(bad_tensorflow(folder / "bad.pb"))], capsys)
    assert "1 unsupported operator (1 node)" in error and "deep/strange" in error
    error = fails(folder, [str(bad_caffe(folder / "bad.prototxt")[0])], capsys)
    assert "1 unsupported operator (1 node)" in error and "roi/strange" in error


@pytest.mark.parametrize("suffix", ["onnx", "pb", "prototxt"])
def test_files_that_are_no_models(
    folder: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    path = folder / f"junk.{suffix}"
    (folder / "junk.caffemodel").write_bytes(b"\xff" * 10)
    for content in (b"", b"\x00\xff\x13junk" * 20, b"layer {"):
        path.write_bytes(content)
        assert f"junk.{suffix}" in fails(folder, [str(path)], capsys)
    (folder / "what.xyz").write_bytes(b"x")
    assert "what kind of model" in fails(folder, ["what.xyz"], capsys)


def test_truncated_onnx(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = conv_onnx(folder / "net.onnx").read_bytes()
    for size in range(1, len(raw), len(raw) // 9):
        (folder / "cut.onnx").write_bytes(raw[:size])
        fails(folder, ["cut.onnx"], capsys)


HOSTILE = "a/../../b'\"\n; rm -rf $(HOME) ${HOME} $${HOME} `x` <b>&\\ é"


def test_names_cannot_do_harm(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        helper.make_node("Relu", [HOSTILE], [HOSTILE + "1"], name=HOSTILE),
        helper.make_node("Sigmoid", [HOSTILE + "1"], [HOSTILE + "2"], name=HOSTILE),
    ]
    write_onnx(folder / "h.onnx", nodes, {HOSTILE: (1, 3, 4, 5)}, [HOSTILE + "2"])
    assert main(["init", "h.onnx"]) == 0
    assert main(["convert", "h.yml", "-v"]) == 0
    assert "\n;" not in capsys.readouterr().err
    assert written(folder) == [f"builds/h/model/h.{s}" for s in ("data", "pb", "pb_txt")]
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 3)).astype(np.float32)
    with mace.Engine("builds/h/model/h.pb") as engine:
        y = engine.run({HOSTILE: x})[HOSTILE + "2"]
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-np.maximum(x, 0))), atol=1e-6)


def test_a_full_disk(folder: Path) -> None:
    """A limit on the size of files stands for a disk that fills up while the weights are written."""
    deployment_file = deployment(folder)
    before = sorted(folder.rglob("*"))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONDONTWRITEBYTECODE": "1"}
    code = "import signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    code += "from mace.cli.main import main; sys.exit(main(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", code, "convert", f"--config={deployment_file}"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        preexec_fn=limit,
    )
    assert result.returncode == 2, result.stderr
    assert "cannot be written" in result.stderr and "Traceback" not in result.stderr
    assert [p for p in sorted(folder.rglob("*")) if p.is_file()] == [
        p for p in before if p.is_file()
    ]


def test_a_disk_that_is_full_keeps_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deployment(folder)
    assert main(["convert", f"--config={path}"]) == 0
    before = {name: (folder / name).read_bytes() for name in written(folder)}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert "No space left" in fails(folder, [f"--config={path}"], capsys)
    assert {name: (folder / name).read_bytes() for name in written(folder)} == before


def test_a_folder_that_may_not_be_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "builds").write_text("a file where a folder should be")
    path = deployment(folder)
    assert main(["convert", f"--config={path}"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_several_models_are_checked_before_any_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = deployment(folder)
    document = yaml.safe_load(path.read_text())
    bad_onnx(folder / "bad.onnx")
    subgraph = {"input_tensors": ["x"], "input_shapes": ["1,4,4,3"], "output_tensors": ["y"]}
    bad = {"platform": "onnx", "model_file_path": "bad.onnx", "subgraphs": [subgraph]}
    document["models"]["worse"] = bad
    path.write_text(yaml.safe_dump(document))
    assert "FancyUnknownOp" in fails(folder, [f"--config={path}"], capsys)
    assert written(folder) == []
    assert main(["convert", f"--config={path}", "--models=scale"]) == 0
    assert main(["convert", f"--config={path}", "--models=scal"]) == 2
    assert "did you mean 'scale'" in capsys.readouterr().err
