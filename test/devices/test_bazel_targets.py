# SPDX-License-Identifier: Apache-2.0
"""tools/bazel_adb_run.py on the four kinds of device: the operators' tests and their benchmarks, by
the commands of the documents."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pretended import PretendedBoard, PretendedPhone

_ROOT = Path(__file__).resolve().parents[2]
_TEST = ["--target=//mace/ops:ops_test", "--run_target=True"]
_BENCHMARK = ["--target=//mace/ops:ops_benchmark", "--run_target=True"]
_FEW_TESTS = "--args=--gtest_filter=Conv2dOpTest.Refusals"
# Emulated machines are slow, and this chooses a quick one.
_FEW_BENCHMARKS = "--args=--filter=MACE_BM_FULLY_*_1x1024_1000_*_CPU --benchmark_min_time=0.01"
_COLUMNS = ["Benchmark", "Time", "(ns)", "Iterations", "Input", "(MB/s)", "GMACPS"]


def _tool(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_ROOT / "tools" / "bazel_adb_run.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _check(where: list[str], name: str, abi: str) -> None:
    """Tests as a person sees them, benchmarks as a person and as a program sees them."""
    shown = _tool(*_TEST, *where, _FEW_TESTS).stdout
    assert "[       OK ] Conv2DTest.Refusals" in shown
    summary = shown.splitlines()[-1]
    assert summary.startswith(f"//mace/ops:ops_test  {abi}") and name in summary
    assert "ok" in summary.split() and "1 passed, 0 failed" in summary
    lines = _tool(*_BENCHMARK, *where, _FEW_BENCHMARKS).stdout.splitlines()
    assert lines[0] == f"//mace/ops:ops_benchmark on {name} ({abi})"
    assert lines[1].split() == _COLUMNS
    row = lines[3].split()
    assert row[0] == "MACE_BM_FULLY_CONNECTED_1x1024_1000_float_CPU" and len(lines[4]) == 0
    assert all(float(number) > 0 for number in row[1:5])
    document = json.loads(_tool(*_BENCHMARK, *where, _FEW_BENCHMARKS, "--json").stdout)
    (ran,) = document["runs"]
    assert ran["passed"] and (ran["device"], ran["abi"], ran["code"]) == (name, abi, 0)
    (benchmark,) = ran["benchmarks"]
    assert benchmark["iterations"] >= 10 and benchmark["nanoseconds"] > 0


def test_on_this_machine() -> None:
    _check(["--target_abis=host"], "host", "host")


@pytest.mark.parametrize(
    ("abi", "name"), [("arm64-v8a", "qemu-aarch64-max"), ("armeabi-v7a", "qemu-arm-max")]
)
def test_on_an_emulated_machine(abi: str, name: str) -> None:
    _check([f"--target_abis={abi}", "--device=emulated"], name, abi)


@pytest.mark.parametrize("abi", ["arm64", pytest.param("armhf", marks=pytest.mark.nightly)])
def test_on_a_board(abi: str, board: PretendedBoard, tmp_path: Path) -> None:
    (tmp_path / "devices.yml").write_text(board.device_file("pi", abi))
    _check([f"--target_abis={abi}", f"--device_yml={tmp_path}/devices.yml"], "pi", abi)
    assert board.link().call("ls -A /tmp").stdout == ""


@pytest.mark.parametrize(
    "abi", ["arm64-v8a", pytest.param("armeabi-v7a", marks=pytest.mark.nightly)]
)
def test_on_a_phone(abi: str, phone: PretendedPhone) -> None:
    _check([f"--target_abis={abi}", "--device=android"], "Nobody Test_Phone", abi)
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""


def test_what_a_target_reads_goes_along(
    phone: PretendedPhone, board: PretendedBoard, tmp_path: Path
) -> None:
    (tmp_path / "devices.yml").write_text(board.device_file("pi", "arm64"))
    where = ["--target=//mace/core:model_reader_test", "--run_target=True"]
    _tool(*where, "--device=android")
    _tool(*where, "--target_abis=arm64", f"--device_yml={tmp_path}/devices.yml")
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""
    assert board.link().call("ls -A /tmp").stdout == ""


def _phones(make_phone: Callable[..., PretendedPhone]) -> list[PretendedPhone]:
    phones = [make_phone("--property", f"ro.product.model={name}") for name in ("One", "Two")]
    for phone in phones:
        phone.link.connect()
    return phones


def test_one_of_two_phones_vanishes(make_phone: Callable[..., PretendedPhone]) -> None:
    phones = _phones(make_phone)
    phones[0].go_wrong(cut_push=100_000)
    done = _tool(*_TEST, "--device=android", _FEW_TESTS, "--json", code=4)
    document: dict[str, Any] = json.loads(done.stdout)
    assert [ran["device"] for ran in document["runs"]] == ["Nobody Two"]
    assert document["runs"][0]["passed"] and "did not take" in document["error"]["message"]


def test_a_filter_that_leaves_no_benchmark() -> None:
    done = _tool(*_BENCHMARK, "--target_abis=host", "--args=--filter=MACE_BM_NOTHING", code=3)
    assert "no benchmark ran" in done.stdout


def test_a_target_is_built_for_phones() -> None:
    words = ["--target=//mace/base:base_test", "--device=android", "--run_target=False"]
    path = Path(_tool(*words).stdout.split()[-1])
    # Android has another C library, so what is built without its tools needs none.
    shown = subprocess.run(["readelf", "-l", path], capture_output=True, text=True, check=True)
    assert "LOAD" in shown.stdout and "INTERP" not in shown.stdout
