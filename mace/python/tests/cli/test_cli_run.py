# SPDX-License-Identifier: Apache-2.0
"""Running, validating and measuring by command, on this machine and on emulated Arm machines."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mace.cli.main import main
from mace.errors import BuildError
from mace.proto_messages import message_class
from mace.resources import resource
from small_models import conv_onnx, scale_numpy, scale_onnx

from mace import build


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def deploy(folder: Path, **changes: object) -> str:
    """Converts scale.onnx; the flag that names its deployment file."""
    scale_onnx(folder / "scale.onnx")
    subgraph: dict[str, object] = {
        "input_tensors": ["x"],
        "input_shapes": ["1,4,5,3"],
        "output_tensors": ["y"],
        **changes,
    }
    model = {"platform": "onnx", "model_file_path": "scale.onnx", "subgraphs": [subgraph]}
    document = {"library_name": "lib", "target_abis": ["host"], "models": {"scale": model}}
    (folder / "scale.yml").write_text(yaml.safe_dump(document))
    assert main(["convert", "--config=scale.yml", "-q"]) == 0
    return "--config=scale.yml"


def run_json(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 0) -> Any:
    """The document that a command prints."""
    capsys.readouterr()
    assert main([*words, "--json", "-q"]) == code
    return json.loads(capsys.readouterr().out)


def test_validate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder, validation_threshold={"CPU": 0.99999})
    assert main(["run", config, "--validate", "--samples=3", "--round=2"]) == 0
    assert capsys.readouterr().out.count("passed") == 3
    document = run_json(["run", config, "--validate", "--restart_round=2"], capsys)
    (ran,) = document["runs"]
    assert len(ran["figures"]) == 2 and ran["device"]["name"] == "host"
    (verdict,) = ran["validation"]
    assert verdict["passed"] and verdict["similarity"] > 0.99999
    rows = list(csv.DictReader((folder / "builds/lib/model/cpu/log.csv").open()))
    assert list(rows[0]) == ["output_name", "similarity", "sqnr", "pixel_accuracy"]
    assert rows[0]["output_name"] == "y" and float(rows[0]["similarity"]) > 0.99999
    assert not list((folder / "builds/lib/_tmp").rglob("input*"))


def test_a_wrong_result_is_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder)
    text = (folder / "scale.onnx").read_bytes()
    (folder / "scale.onnx").write_bytes(text.replace(b"Sigmoid", b"Softmax"))
    assert main(["run", config, "--validate"]) == 3
    assert "BELOW THRESHOLD" in capsys.readouterr().out
    document = run_json(["run", config, "--validate"], capsys, 3)
    assert document["ok"] is False and not document["runs"][0]["validation"][0]["passed"]


def test_check_tensors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder, check_tensors=["inner"])
    assert main(["run", config, "--validate"]) == 3  # relu(x) is not sigmoid(2 relu(x))
    config = deploy(folder, output_tensors=["inner"], check_tensors=["inner"])
    assert main(["run", config, "--validate"]) == 0


def test_files_in_and_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder)
    (folder / "in").mkdir()
    arrays = [np.random.default_rng(n).normal(size=(1, 4, 5, 3)).astype(np.float32) for n in (0, 1)]
    for number, array in enumerate(arrays):
        array.tofile(folder / "in" / f"x_{number}")
    assert main(["run", config, "--input_dir=in", "--output_dir=out", "--validate"]) == 0
    for number, array in enumerate(arrays):
        made = np.fromfile(folder / "out" / f"y_{number}", np.float32)
        np.testing.assert_allclose(made.reshape(array.shape), scale_numpy(array), atol=1e-6)
    assert main(["run", config, "--input_dir=none"]) == 2
    (folder / "empty").mkdir()
    assert main(["run", config, "--input_dir=empty"]) == 2
    assert "has no file for the input 'x'" in capsys.readouterr().err


def test_numpy_files_of_other_sizes(folder: Path) -> None:
    for number, shape in enumerate([(1, 4, 5, 3), (1, 9, 7, 3)]):
        array = np.random.default_rng(number).normal(size=shape).astype(np.float32)
        np.save(folder / f"{number}.npy", array)
    config = deploy(folder, input_shapes=["1,?,?,3"], validation_inputs_data=["0.npy", "1.npy"])
    assert main(["run", config, "--validate"]) == 0


def test_outputs_from_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What only Kaldi can compute, for one: the model's framework is not asked."""
    given = [np.random.default_rng(n).normal(size=(1, 4, 5, 3)).astype(np.float32) for n in (0, 1)]
    for number, array in enumerate(given):
        np.save(folder / f"in{number}.npy", array)
        np.save(folder / f"out{number}.npy", scale_numpy(array)[0])  # without the batch
    files: dict[str, Any] = {
        "validation_inputs_data": ["in0.npy", "in1.npy"],
        "validation_outputs_data": ["out0.npy", "out1.npy"],
    }
    config = deploy(folder, backend="kaldi", **files)
    (folder / "scale.onnx").write_bytes(b"")  # no framework can read it
    assert main(["run", config, "--validate"]) == 0
    assert capsys.readouterr().out.count("passed") == 2
    np.save(folder / "out1.npy", given[1] + 1)
    assert main(["run", config, "--validate"]) == 3
    np.save(folder / "out1.npy", given[1][:, 1:])
    assert main(["run", config, "--validate"]) == 3
    assert "shape" in capsys.readouterr().out
    (folder / "in").mkdir()
    given[0].tofile(folder / "in" / "x_0")
    assert main(["run", config, "--validate", "--input_dir=in"]) == 2
    assert "belongs to validation_inputs_data" in capsys.readouterr().err


def test_outputs_from_files_must_fit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError):
        deploy(folder, validation_outputs_data=["out.npy"])
    error = capsys.readouterr().err
    assert "1 files where 0 sets of validation_inputs_data have 0 outputs" in error


def test_open_sizes_need_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", deploy(folder, input_shapes=["1,?,?,3"])]) == 2
    assert "no size is given for ?" in capsys.readouterr().err


def test_report(folder: Path) -> None:
    config = deploy(folder)
    for _ in range(2):
        assert main(["run", config, "--report"]) == 0
    rows = list(csv.reader((folder / "builds/lib/report/report.csv").open()))
    assert rows[0] == (
        [
            "model_name",
            "device_name",
            "soc",
            "abi",
            "runtime",
            "init(ms)",
            "warmup(ms)",
            "run_avg(ms)",
            "tuned",
        ]
    )
    assert len(rows) == 3 and rows[1][0] == "scale" and rows[1][3:5] == ["host", "cpu"]
    assert all(float(cell) >= 0 for cell in rows[1][5:8])


def test_benchmark(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder)
    assert main(["benchmark", config, "--max_num_runs=3", "--omp_num_threads=1"]) == 0
    text = capsys.readouterr().out
    titles = ("Warm Up", "Run without statistics", "Run with statistics", "Sort by Run Order")
    titles += (
        "Sort by Computation Time",
        "Stat by Op Type",
        "Stat by MACs",
        "Summary of Ops' Stat",
    )
    places = [text.index(title) for title in titles]
    assert places == sorted(places)
    document = run_json(["benchmark", config, "--max_num_runs=3", "--roofline"], capsys)
    (entry,) = document["benchmarks"]
    assert entry["run_with_statistics"]["rounds"] == 3
    assert entry["limits"]["macs_per_s"] > 0 and len(entry["limits"]["copies"]) == 6
    for op in entry["operators"]["operators"]:
        assert op["limit_ms"] > 0 and op["limited_by"] in ("MACs", "copy")


def test_the_example_program(folder: Path) -> None:
    assert main(["run", deploy(folder), "--example", "--validate"]) == 0


@pytest.mark.parametrize("abi", ["arm64-v8a", "armeabi-v7a"])
def test_emulated(folder: Path, capsys: pytest.CaptureFixture[str], abi: str) -> None:
    config = deploy(folder)
    document = run_json(["run", config, "--validate", f"--target_abis={abi}"], capsys)
    (ran,) = document["runs"]
    assert ran["device"]["name"].startswith("qemu-") and ran["validation"][0]["passed"]


@pytest.mark.parametrize("abi", ["host", "arm64-v8a"])
def test_with_the_shared_library(folder: Path, abi: str) -> None:
    flags = ["--mace_lib_type=dynamic", "--validate", f"--target_abis={abi}"]
    assert main(["run", deploy(folder), *flags]) == 0
    program = resource("mace_run", abi, [build.DYNAMIC])
    shown = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True)
    assert "[libmace.so]" in shown.stdout


@pytest.mark.nightly
def test_with_address_sanitizer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASAN_OPTIONS", f"verbosity=1:log_path={folder}/asan")
    assert main(["run", deploy(folder), "--address_sanitizer", "--validate"]) == 0
    assert any("AddressSanitizer" in path.read_text() for path in folder.glob("asan.*"))


def test_programs_that_cannot_be_built_so(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = deploy(folder)
    capsys.readouterr()
    assert main(["run", config, "--target_abis=host,arm64-v8a", "--address_sanitizer"]) == 2
    assert "--address_sanitizer: not for arm64-v8a" in capsys.readouterr().err
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    with pytest.raises(BuildError, match="without its NDK"):
        resource("mace_run", "android-arm64-v8a", [build.DYNAMIC])
    with pytest.raises(BuildError, match="for this machine alone"):
        resource("mace_run", "arm64-v8a", [build.SANITIZER])


def test_not_converted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder)
    (folder / "builds/lib/model/scale.pb").unlink()
    assert main(["run", config]) == 2
    assert "run convert first" in capsys.readouterr().err


def test_converted_with_another_interface(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder)
    text = (folder / "scale.yml").read_text()
    (folder / "scale.yml").write_text(text.replace("- x\n", "- inner\n"))
    assert main(["run", config]) == 2
    assert "was converted with other inputs" in capsys.readouterr().err


def test_damaged_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conv_onnx(folder / "net.onnx")
    assert main(["init", "net.onnx"]) == 0 and main(["convert", "net.yml", "-q"]) == 0
    for name in ("net.pb", "net.data"):
        path = folder / "builds/net/model" / name
        whole = path.read_bytes()
        for damaged in (b"", whole[:-1], whole[: len(whole) // 2], _flipped(whole)):
            path.write_bytes(damaged)
            capsys.readouterr()
            assert main(["run", "--config=net.yml"]) == 2
            error = capsys.readouterr().err
            assert "error: " in error and "Traceback" not in error
        path.write_bytes(whole)
    (folder / "builds/net/model/net.data").unlink()
    assert main(["run", "--config=net.yml"]) == 2
    assert main(["convert", "net.yml", "-q"]) == 0
    assert main(["run", "--config=net.yml"]) == 0


def _flipped(raw: bytes) -> bytes:
    """The bytes with one bit changed in the middle."""
    changed = bytearray(raw)
    changed[len(raw) // 2] ^= 0x04
    return bytes(changed)


def test_no_device_is_4(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = deploy(folder)
    monkeypatch.setenv("PATH", str(folder))
    assert main(["run", config, "--target_abis=arm64-v8a", "--device=android"]) == 4
    assert "there is no 'adb'" in capsys.readouterr().err
    assert main(["benchmark", config, "--target_abis=armhf"]) == 4
    assert main(["run", config, "--target_abis=arm64-v8a"]) == 4
    assert "is not installed" in capsys.readouterr().err


def test_names_that_become_the_same_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = deploy(folder)
    path = folder / "builds/lib/model/scale.pb"
    model, net = message_class("mace.ModelDef")(), message_class("mace.NetDef")()
    model.ParseFromString(path.read_bytes())
    net.ParseFromString(model.net)
    net.output_info[0].name = "x"
    model.net = net.SerializeToString()
    path.write_bytes(model.SerializeToString())
    assert main(["run", config]) == 2
    assert "cannot be told apart" in capsys.readouterr().err
