# SPDX-License-Identifier: Apache-2.0
"""The whole way on a phone and on a board: convert, push, run, compare, measure, tidy up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mace.cli.main import main
from mace.devices.opencl import opencl_devices
from pretended import PretendedBoard, PretendedPhone

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def deployment(folder: Path) -> str:
    """The deployment file of a small network, converted, in the current folder."""
    assert (folder / "net.yml").is_file()
    return "net.yml"


def test_on_a_phone(
    deployment: str, phone: PretendedPhone, capfd: pytest.CaptureFixture[str]
) -> None:
    where = ["--config", deployment, "--target_abis=arm64-v8a", "--device=android"]
    capfd.readouterr()
    assert main(["run", *where, "--validate", "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    (ran,) = result["runs"]
    assert ran["device"]["soc"] == "testsoc" and ran["device"]["abi"] == "arm64-v8a"
    assert all(verdict["similarity"] > 0.99999 for verdict in ran["validation"])
    assert main(["benchmark", *where, "--max_num_runs=2", "--omp_num_threads=1"]) == 0
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""


def test_on_a_board(
    deployment: str, board: PretendedBoard, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "devices.yml").write_text(board.device_file("pi", "arm64"))
    where = ["--config", deployment, "--target_abis=arm64", "--device_yml=devices.yml"]
    assert main(["run", *where, "--validate", "--report"]) == 0
    assert "pi (arm64)" in capfd.readouterr().out
    assert main(["run", *where, "--validate", "--mace_lib_type=dynamic"]) == 0
    assert board.link().call("ls -A /tmp").stdout == ""
    capfd.readouterr()
    assert main(["devices", "--device_yml=devices.yml", "--json"]) == 0
    found = {d["kind"]: d for d in json.loads(capfd.readouterr().out)["devices"]}
    assert found["arm_linux"]["system"].startswith("Test board")
    assert found["arm_linux"]["abis"] == ["arm64"]
    assert {"NEON", "dot product"} <= set(found["arm_linux"]["cpu_features"])


def test_devices_tell_of_their_gpu_and_dsp(
    phone: PretendedPhone, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def described() -> dict[str, Any]:
        capfd.readouterr()
        assert main(["devices", "--json"]) == 0
        found = json.loads(capfd.readouterr().out)["devices"]
        (device,) = [device for device in found if device["kind"] == "android"]
        assert isinstance(device, dict)
        return device

    device = described()
    assert (device["opencl"], device["dsp"], device["soc"]) == (False, False, "testsoc")
    features = ["NEON", "fp16", "dot product", "i8mm", "bf16", "SVE2"]
    assert device["cpu_features"] == features
    assert device["abis"][:2] == ["arm64-v8a", "armeabi-v7a"] and device["serial"] == phone.serial
    vendor = tmp_path / "phone0" / "vendor" / "lib64"
    vendor.mkdir(parents=True)
    (vendor / "libOpenCL.so").touch()
    assert (described()["opencl"], described()["dsp"]) == (True, False)
    (vendor / "libcdsprpc.so").touch()
    assert (described()["opencl"], described()["dsp"]) == (True, True)


def test_on_two_phones_at_once(
    deployment: str,
    make_phone: Callable[..., PretendedPhone],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    phones = [make_phone("--property", f"ro.product.model={name}") for name in ("One", "Two")]
    for phone in phones:
        phone.link.connect()
    where = ["--config", deployment, "--target_abis=arm64-v8a", "--device=android"]
    assert main(["run", *where, "--validate", "--report"]) == 0
    shown = capfd.readouterr()
    assert shown.err.count("done in") == 2
    assert all(f"Nobody {name}: running net" in shown.err for name in ("One", "Two"))
    table = shown.out[shown.out.index("model_name") :].splitlines()
    # They come in the order of their serials, which have the ports that were free.
    assert sorted(line.split()[2] for line in table[2:4]) == ["One", "Two"]
    report = next(tmp_path.rglob("report.csv")).read_text().splitlines()
    assert sorted(line.split(",")[1] for line in report[1:]) == ["Nobody One", "Nobody Two"]
    assert [phone.link.call("ls -A /data/local/tmp").stdout for phone in phones] == ["", ""]
    # What one of them fails in does not take the other's results away.
    phones[0].go_wrong(cut_push=100_000)
    capfd.readouterr()
    assert main(["run", *where, "--json"]) == 4
    result = json.loads(capfd.readouterr().out)
    assert [run["device"]["name"] for run in result["runs"]] == ["Nobody Two"]
    assert "did not take" in result["error"]["message"]
    phones[0].go_wrong()
    assert main(["benchmark", *where, "--max_num_runs=1", "--omp_num_threads=1", "-q"]) == 0
    out = capfd.readouterr().out
    assert all(f"net on Nobody {name} (arm64-v8a):" in out for name in ("One", "Two"))
    # What was on the way when the first one's line was cut could not be removed.
    assert phones[1].link.call("ls -A /data/local/tmp").stdout == ""


def test_a_phone_that_vanishes(
    deployment: str, phone: PretendedPhone, capfd: pytest.CaptureFixture[str]
) -> None:
    phone.link.abis()
    phone.go_wrong(cut_push=100_000)
    where = ["--config", deployment, "--target_abis=arm64-v8a", "--device=android"]
    assert main(["run", *where]) == 4
    assert "did not take" in capfd.readouterr().err


def test_phones_that_are_not_ready(
    deployment: str,
    make_phone: Callable[..., PretendedPhone],
    capfd: pytest.CaptureFixture[str],
) -> None:
    where = ["--config", deployment, "--target_abis=arm64-v8a", "--device=android"]
    assert main(["run", *where]) == 4
    assert "no Android device is connected" in capfd.readouterr().err
    other = make_phone("--property", "ro.product.cpu.abilist=x86_64")
    other.link.connect()
    assert main(["run", *where]) == 4
    assert "none of the connected Android devices runs" in capfd.readouterr().err


def _tool(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(_ROOT / "tools" / "bazel_adb_run.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_bazel_target_on_a_phone(phone: PretendedPhone) -> None:
    where = ["--target=//mace/base:status_test", "--run_target=True", "--device=android"]
    done = _tool(*where, "--args=--gtest_filter=Status*", "--json")
    assert done.returncode == 0, done.stderr
    (ran,) = json.loads(done.stdout)["runs"]
    assert ran["passed"] and ran["tests"]["complete"] and ran["tests"]["passed"] > 0
    assert ran["device"] == "Nobody Test_Phone"
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""


def test_a_bazel_target_counted_by_simpleperf(phone: PretendedPhone, tmp_path: Path) -> None:
    where = ["--target=//mace/base:status_test", "--run_target", "--device=android", "--simpleperf"]
    done = _tool(*where, "--args=--gtest_filter=Status*")
    assert done.returncode == 3 and "simpleperf counted nothing" in done.stdout
    profiler = tmp_path / "phone0" / "system" / "bin" / "simpleperf"
    profiler.write_text(
        '#!/bin/sh\n[ "$1 $2" = "stat -o" ] || exit 9\necho "12,345  cpu-cycles" > "$3"\n'
        'shift 3\nwhile [ "$1" = --group ]; do shift 2; done\nexec "$@"\n'
    )
    profiler.chmod(0o755)
    done = _tool(*where, "--args=--gtest_filter=Status*")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12,345  cpu-cycles" in done.stdout
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""


def test_a_filter_that_leaves_no_test() -> None:
    done = _tool("--target=//mace/base:status_test", "--run_target", "--target_abis=host")
    assert done.returncode == 0, done.stdout + done.stderr
    words = ["--target=//mace/base:status_test", "--run_target", "--target_abis=host"]
    done = _tool(*words, "--args=--gtest_filter=Nothing*")
    assert done.returncode == 3 and "no test ran" in done.stdout


def test_benchmarks_of_the_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names, why_not = opencl_devices()
    monkeypatch.setenv("MACE_OPENCL_DEVICE", "Portable Computing Language")
    where = ["--target=//mace/ops:ops_benchmark", "--run_target=True", "--target_abis=host"]
    chosen = "--args=--filter=MACE_BM_FULLY_CONNECTED_*_GPU --benchmark_min_time=0.01"
    done = _tool(*where, "--args=--filter=MACE_BM_FULLY_CONNECTED_*_GPU", "--enable_opencl=False")
    assert done.returncode == 3 and "those of the GPU want --define=opencl=true" in done.stdout
    with monkeypatch.context() as patch:
        patch.setenv("MACE_OPENCL_LIBRARY", str(tmp_path / "none"))
        done = _tool(*where, chosen)
    assert done.returncode == 3 and "2 benchmarks of the GPU were left out" in done.stdout
    if not names:
        pytest.skip(f"there is no OpenCL on this machine: {why_not}")
    done = _tool(*where, chosen, "--json")
    assert done.returncode == 0, done.stderr
    (ran,) = json.loads(done.stdout)["runs"]
    rows = {row["name"]: row for row in ran["benchmarks"]}
    name = "MACE_BM_FULLY_CONNECTED_1x1024_1000"
    assert list(rows) == [f"{name}_float_GPU", f"{name}_half_GPU"]
    assert all(row["gmacps"] > 0 and row["input_mb_s"] > 0 for row in rows.values()), rows


def test_filters_of_earlier_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(_ROOT / "tools"))
    from bazel_adb_run import _expression, _test_filter

    assert _test_filter("--gtest_filter=Conv2dOpTest*") == (
        "--gtest_filter=Conv2dOpTest*:Conv2DTest*"
    )
    assert _test_filter("--gtest_filter=A*-B*") == "--gtest_filter=A*-B*"
    assert _test_filter("--seed=1") == "--seed=1"
    assert _expression("MACE_BM_CONV_2D_*_GPU") == "MACE_BM_CONV_2D_.*_GPU"
    assert _expression(".*CONV.*(1x1)*") == ".*CONV.*(1x1)*"


def test_a_bazel_target_that_reads_files() -> None:
    where = ["--target=//mace/tools:programs_test", "--run_target", "--target_abis=host"]
    done = _tool(*where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed, 0 failed" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--target=nonsense"], 2, "is no label of a Bazel target"),
        (["--target=//mace/base:nothing", "--target_abis=host"], 2, "nothing"),
        (["--target=//mace/base:status_test", "--target_abis=mips"], 2, "there is no ABI 'mips'"),
        (["--target=//mace/base:status_test", "--simpleperf"], 2, "add --device=android"),
        (
            ["--target=//mace/base:status_test", "--run_target", "--device=android"],
            4,
            "no Android device is connected",
        ),
    ],
)
def test_wrong_use_of_the_tool(words: list[str], code: int, said: str) -> None:
    done = _tool(*words)
    assert done.returncode == code and said in done.stderr, done.stderr
