# SPDX-License-Identifier: Apache-2.0
"""The command line itself: verbs, flags, help, exit codes, output for people and for programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mace.cli import main as entry
from mace.cli.arguments import VERBS, UsageError, make_parser, parse, verb_parser
from mace.cli.console import printable, table_lines
from mace.cli.main import main
from mace.devices.opencl import opencl_devices
from mace.resources import resource

import mace

ROOT = Path(mace.__file__).parents[3]

# Every flag of the documents.
DOCUMENTED = {
    "convert": "config model_graph_format model_data_format target_abis target_socs "
    "address_sanitizer cl_mem_type",
    "run": "config model_graph_format model_data_format target_abis target_socs address_sanitizer "
    "mace_lib_type disable_openmp omp_num_threads cpu_affinity_policy gpu_perf_hint "
    "gpu_priority_hint device_yml disable_tuning round validate validate_all_layers caffe_env "
    "vlog_level gpu_out_of_range_check restart_round report report_dir runtime_failure_ratio "
    "example quantize_stat input_dir output_dir",
    "benchmark": "config model_graph_format model_data_format target_abis target_socs "
    "address_sanitizer mace_lib_type disable_openmp omp_num_threads cpu_affinity_policy "
    "gpu_perf_hint gpu_priority_hint device_yml",
}


@pytest.mark.parametrize("verb", sorted(DOCUMENTED))
def test_every_documented_flag_is_known(verb: str) -> None:
    known = {f for a in verb_parser(make_parser(), verb)._actions for f in a.option_strings}
    assert {f"--{name}" for name in DOCUMENTED[verb].split()} <= known


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_help_has_examples_and_exit_codes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert "examples:" in text and "exit codes:" in text
    assert text.count(f"  mace {verb}") >= 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["convertt"], "did you mean 'convert'"),
        ([], "a verb is missing"),
        (["run", "--config=x", "--rond=3"], "unknown flag '--rond' (did you mean '--round'?)"),
        (["run", "--config=x", "--round=0"], "0 is not at least 1"),
        (["run", "--config=x", "--round=many"], "'many' is not a whole number"),
        (["run", "--config=x", "--cpu_affinity_policy=5"], "5 is not from 0 to 4"),
        (["run"], "--config"),
        (["run", "--config=x", "more"], "'more' is not expected here"),
        (["run", "--config=x", "--runtime_failure_ratio=1.5"], "1.5 is not from 0 to 1"),
        (["run", "--config=x", "--quantize_stat"], "quantization"),
        (["convert", "--config=x", "--address_sanitizer"], "give it to run or benchmark"),
        (["run", "--config=x", "--caffe_env=docker"], "container"),
        (["run", "--config=x", "--mace_lib_type=shared"], "invalid choice: 'shared'"),
        (["convert", "--config=x", "--cl_mem_type=buffers"], "buffers"),
        (["convert"], "either --config=FILE or a model file"),
        (["convert", "a.onnx", "--config=x"], "either --config=FILE or a model file"),
        (["benchmark", "--config=x", "--max_seconds=-1"], "sensible"),
    ],
)
def test_wrong_usage_is_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err and captured.out == ""


def test_flags_that_ask_for_nothing_pass() -> None:
    options = parse(["run", "--config=x", "--runtime_failure_ratio=0.0", "--target_socs="])
    assert options.config == "x"
    assert parse(["run", "--config=x", "--cpu-affinity-policy=3"]).cpu_affinity_policy == 3
    with pytest.raises(UsageError):
        parse(["run", "--conf=x"])  # abbreviations would break when flags are added


def test_json_is_all_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "--config=/none.yml", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1 and document["command"] == "convert"
    assert document["ok"] is False and document["exit_code"] == 2
    assert "cannot be read" in document["error"]["message"]
    assert main(["convert", "--nonsense", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "MACE_INVALID_ARGS"
    assert main(["ops", "Conv2D", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["operators"][0]["name"] == "Conv2D"


def test_defects_are_1_and_hide_their_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("mace.cli.ops.run", fail)
    assert main(["ops"]) == 1
    error = capsys.readouterr().err
    assert "internal error: ZeroDivisionError: by zero" in error and "Traceback" not in error
    assert main(["ops", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (OSError(28, "No space left on device", "/x"), 2, "the disk is full ('/x')"),
        (PermissionError(13, "Permission denied", "/x"), 2, "Permission denied ('/x')"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ModuleNotFoundError("no", name="onnx"), 2, "package 'onnx' is not installed"),
        (mace.errors.DeviceError("no device"), 4, "no device"),
        (mace.errors.VerdictError("too low"), 3, "too low"),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: int,
    words: str,
) -> None:
    def fail(*_: object) -> int:
        raise raised

    monkeypatch.setattr("mace.cli.ops.run", fail)
    assert main(["ops"]) == code
    assert words in capsys.readouterr().err


def test_every_verb_has_its_module() -> None:
    assert set(entry._MODULES) == {verb.name for verb in VERBS}


def test_ops(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ops"]) == 0
    assert "Conv2D" in capsys.readouterr().out
    assert main(["ops", "Relu6"]) == 0
    assert "imported from: tensorflow" in capsys.readouterr().out
    assert main(["ops", "Conv2d"]) == 2
    assert "did you mean 'Conv2D'" in capsys.readouterr().err
    for platform in ("tensorflow", "caffe", "onnx"):
        assert main(["ops", f"--platform={platform}"]) == 0
        assert len(capsys.readouterr().out.splitlines()) > 20


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) in (0, 2)
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"mace", "engine", "adb", "Python packages"} <= {f["name"] for f in findings}
    assert all(f["well"] or f["cure"] or not f["needed"] for f in findings)


def test_doctor_tells_what_each_missing_thing_is_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = resource("libmace.so")
    monkeypatch.setattr("mace.runtime.version", lambda: "")
    monkeypatch.setattr("mace.cli.doctor.resource", lambda name: engine)
    monkeypatch.setenv("MACE_OPENCL_LIBRARY", "/none")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    assert main(["doctor", "--json"]) == 2
    findings = json.loads(capsys.readouterr().out)["findings"]
    missing = {f["name"]: f["cure"] for f in findings if not f["well"]}
    programs = {"bazel", "g++", "protoc", "javac", "qemu-aarch64", "qemu-arm", "adb", "ssh", "scp"}
    programs |= {"clang-19", "ld.lld-19", "llvm-objcopy-19"}
    assert programs | {"OpenCL", "Android NDK", "aarch64-linux-gnu-g++"} <= set(missing)
    assert all(re.match(r"to [a-z].*: .", cure) for cure in missing.values()), missing


def test_doctor_as_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MACE_LIBRARY", "/none")
    monkeypatch.setattr("mace.cli.doctor.source_root", lambda: None)
    monkeypatch.setattr("mace.cli.doctor._NEEDED", ("numpy", "no-such-package"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ANDROID_NDK_HOME", "/no/ndk")
    assert main(["doctor"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert "MISSING  Python packages: without no-such-package" in lines
    assert "MISSING  engine: MACE_LIBRARY is set to '/none', which is not a file" in lines
    assert "absent   Android NDK: ANDROID_NDK_HOME is no folder: /no/ndk" in lines
    assert "absent   adb: not installed" in lines
    # Whatever is not there has its cure in the next line.
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        assert after.startswith("         cure: ") == line.startswith(("MISSING", "absent")), line


def test_a_driver_of_opencl_is_asked_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cases = {
        "int clGetPlatformIDs() { return -1; }": "no driver that offers a device",
        "int clGetPlatformIDs() { return *(volatile int*)0; }": "asking its driver ended with -11",
        "int clGetPlatformIDs() { for (;;) sleep(1); }": "did not answer within 2 s",
    }
    for code, words in cases.items():
        (tmp_path / "cl.c").write_text(f"unsigned sleep(unsigned);\n{code}\n")
        command = ["gcc", "-shared", "-fPIC", "-O0", "cl.c", "-o", "cl.so"]
        subprocess.run(command, check=True, cwd=tmp_path)
        monkeypatch.setenv("MACE_OPENCL_LIBRARY", str(tmp_path / "cl.so"))
        names, why_not = opencl_devices(2)
        assert names == [] and words in why_not
    monkeypatch.setenv("MACE_OPENCL_LIBRARY", "/none")
    assert opencl_devices() == ([], "not installed")


def test_devices_without_programs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["devices", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["devices"]
    assert [device["kind"] for device in found] == ["host", "emulated", "emulated"]
    assert all("not installed" in device["problem"] for device in found[1:])


def test_emulated_devices_tell_what_their_core_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {
        "": [["NEON", "fp16", "dot product", "i8mm", "bf16", "SVE2"], ["NEON"]],
        "cortex-a53": [["NEON"], []],
        "cortex-a76": [["NEON", "fp16", "dot product"], []],
        "cortex-a15": [[], ["NEON"]],
    }
    for core, features in expected.items():
        monkeypatch.setenv("MACE_QEMU_CPU", core)
        assert main(["devices", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)["devices"]
        emulated = [device for device in found if device["kind"] == "emulated"]
        assert [device["abis"] for device in emulated] == [["arm64-v8a"], ["armeabi-v7a"]]
        for device, wanted in zip(emulated, features, strict=True):
            assert wanted or "no core" in device["problem"]
            assert device["cpu_features"] == (wanted if wanted or not device["problem"] else [])


def test_odd_text_cannot_disturb_a_terminal() -> None:
    assert printable("a\nb\x1b[31m\t'\"") == "a\\nb\\x1b[31m\\t'\""
    assert printable("x" * 50, 10) == "x" * 9 + "…"
    lines = table_lines(("name", "n"), [["a\nb", "1"], ["c", "22"]], "lr")
    assert lines == ["name   n", "----  --", "a\\nb   1", "c     22"]


def test_the_programs(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "mace" / "python")}
    for command in (
        [sys.executable, str(ROOT / "tools" / "converter.py")],
        [sys.executable, "-m", "mace"],
    ):
        result = subprocess.run(
            [*command, "run", "--rond"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        assert result.returncode == 2 and "did you mean '--round'" in result.stderr
        result = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert result.returncode == 0 and result.stdout.startswith("mace ")


def test_a_closed_pipe_is_no_error() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "mace" / "python")}
    command = f"{sys.executable} -m mace ops | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment)
    assert result.stderr == ""


def test_the_documents_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", "docs", "--check"]) == 0, capsys.readouterr().out
