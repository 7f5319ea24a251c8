# SPDX-License-Identifier: Apache-2.0
"""Applications outside the tree, in C++ and C, compile and run against the libraries that `mace
build` writes, by pkg-config, by CMake and by hand; and the libraries export what they should."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from starting import ROOT, started

_APPLICATION = Path(__file__).parent / "application"
_TOOLS = {
    "linux-x86-64": ("", ""),
    "arm64-v8a": ("aarch64-linux-gnu-", "qemu-aarch64"),
    "aarch64_linux_gnu": ("aarch64-linux-gnu-", "qemu-aarch64"),
    "armeabi-v7a": ("arm-linux-gnueabihf-", "qemu-arm"),
    "arm_linux_gnueabihf": ("arm-linux-gnueabihf-", "qemu-arm"),
}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the script wrote for this machine, moved to another place."""
    folder = tmp_path_factory.mktemp("libraries")
    script = ["bash", ROOT / "tools" / "build-standalone-lib.sh", "--abis", "linux-x86-64"]
    started([*script, "--runtimes", "cpu", "--size_report", f"--output_dir={folder}/a"], ROOT)
    return (folder / "a").rename(folder / "moved")


def _library(built: Path, abi: str = "linux-x86-64") -> Path:
    return built / "lib" / abi / "cpu"


def _models(network: Path) -> list[Path]:
    folder = network / "builds" / "net" / "model"
    return [folder / "net.pb", folder / "net.data"]


def _exported(library: Path) -> set[str]:
    """Names of what a library exports, without parameters."""
    text = started(["nm", "-DC", "--defined-only", library], library.parent)
    return {re.sub(r"\(.*|\[abi:\w+\]", "", line.split(" ", 2)[2]) for line in text.splitlines()}


def _listed() -> set[str]:
    """Names that libmace.so is to export."""
    text = (ROOT / "mace" / "libmace" / "exported_symbols.txt").read_text(encoding="utf-8")
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def test_exports_are_the_interface(built: Path) -> None:
    differ = sorted(_exported(_library(built) / "libmace.so") ^ _listed())
    assert not differ, (
        f"mace/libmace/exported_symbols.txt lists what libmace.so exports; it differs in {differ}"
    )


def test_headers_are_all_that_is_public(built: Path) -> None:
    found = {path.relative_to(built / "include").as_posix() for path in built.rglob("*.h")}
    public = {path.name for path in (ROOT / "mace" / "public").glob("*.h")}
    assert found == {f"mace/public/{name}" for name in public}


def test_pkg_config(built: Path, network: Path, expected: str, tmp_path: Path) -> None:
    library = _library(built)
    environment = os.environ | {"PKG_CONFIG_PATH": str(library / "pkgconfig")}
    for package in ("mace", "mace-static"):
        words = ["pkg-config", "--cflags", "--libs", package]
        flags = started(words, tmp_path, environment).split()
        for source, compiler, standard in (("app.cc", "g++", "c++17"), ("app.c", "gcc", "c99")):
            program = tmp_path / f"{package}_{source.replace('.', '_')}"
            command = [compiler, f"-std={standard}", _APPLICATION / source, "-o", program]
            started([*command, *flags], tmp_path)
            paths = os.environ | {"LD_LIBRARY_PATH": str(library)}
            assert started([program, *_models(network)], tmp_path, paths) == expected


def test_cmake(built: Path, network: Path, expected: str, tmp_path: Path) -> None:
    where = f"-Dmace_DIR={_library(built) / 'cmake' / 'mace'}"
    started(["cmake", "-S", _APPLICATION, "-B", tmp_path, where], tmp_path)
    started(["cmake", "--build", tmp_path], tmp_path)
    for program in ("shared_c", "shared_cc", "static_c", "static_cc"):
        assert started([tmp_path / program, *_models(network)], tmp_path) == expected


def test_nothing_hidden_gets_out_of_the_archive(built: Path, tmp_path: Path) -> None:
    """A library of an application that has libmace.a in it exports the public interface alone."""
    shared = tmp_path / "libapp.so"
    whole = ["-Wl,--whole-archive", _library(built) / "libmace.a", "-Wl,--no-whole-archive"]
    started(["g++", "-shared", *whole, "-Wl,--gc-sections", "-pthread", "-o", shared], tmp_path)
    assert {name for name in _exported(shared) if name.startswith("mace")} <= _listed()


def test_size_report(built: Path) -> None:
    library = _library(built)
    report = json.loads((library / "sizes.json").read_text())
    assert report["file_size"] == (library / "libmace.so").stat().st_size
    parts = {(part["group"], part["part"]): part["size"] for part in report["parts"]}
    assert parts["operators", "conv_2d"] > 1000 and parts["kernels", "gemm"] > 1000
    assert sum(parts.values()) == sum(piece["size"] for piece in report["objects"])
    # The map is of a link without the C library's start files.
    assert 0.7 < sum(parts.values()) / report["file_size"] < 1.1
    page = (library / "sizes.html").read_text()
    assert page.count("<div class=") > 100 and "conv_2d" in page and "<script" not in page


@pytest.mark.nightly
def test_on_the_gpu(network: Path, expected: str, tmp_path: Path) -> None:
    """The GPU's libraries run applications on the CPU, and on PoCL."""
    script = ["bash", ROOT / "tools" / "build-standalone-lib.sh", "--abis", "linux-x86-64"]
    started([*script, "--runtimes=cpu_gpu", f"--output_dir={tmp_path}"], ROOT)
    library = tmp_path / "lib" / "linux-x86-64" / "cpu_gpu"
    environment = os.environ | {"LD_LIBRARY_PATH": str(library), "MACE_OPENCL_DEVICE": "Portable"}
    for program in _programs(library, "", tmp_path):
        assert started([program, *_models(network)], tmp_path, environment) == expected
        on_gpu = started([program, *_models(network), "GPU"], tmp_path, environment)
        assert float(on_gpu) == pytest.approx(float(expected), rel=1e-4)


def _programs(library: Path, prefix: str, folder: Path) -> list[Path]:
    """The application in C++ and C with libmace.so and libmace.a, found by pkg-config and by CMake:
    eight programs. prefix: of the compilers."""
    environment = os.environ | {"PKG_CONFIG_PATH": str(library / "pkgconfig")}
    found = []
    for package in ("mace", "mace-static"):
        flags = started(["pkg-config", "--cflags", "--libs", package], folder, environment).split()
        for source, compiler, standard in (("app.cc", "g++", "c++17"), ("app.c", "gcc", "c99")):
            program = folder / f"{package}_{compiler}"
            command = [prefix + compiler, f"-std={standard}", _APPLICATION / source, "-o", program]
            started([*command, *flags], folder)
            found.append(program)
    build = folder / "cmake"
    words = [f"-Dmace_DIR={library / 'cmake' / 'mace'}", f"-DCMAKE_C_COMPILER={prefix}gcc"]
    words += [
        f"-DCMAKE_CXX_COMPILER={prefix}g++",
        *(["-DCMAKE_SYSTEM_NAME=Linux"] if prefix else []),
    ]
    started(["cmake", "-S", _APPLICATION, "-B", build, *words], folder)
    started(["cmake", "--build", build], folder)
    return found + [build / name for name in ("shared_c", "shared_cc", "static_c", "static_cc")]


@pytest.mark.nightly
@pytest.mark.parametrize("runtimes", ["cpu", "cpu_gpu"])
@pytest.mark.parametrize("abi", [abi for abi in _TOOLS if abi != "linux-x86-64"])
def test_other_abis(abi: str, runtimes: str, network: Path, expected: str, tmp_path: Path) -> None:
    prefix, emulator = _TOOLS[abi]
    script = ["bash", ROOT / "tools" / "build-standalone-lib.sh", "--abis", abi]
    without = {key: value for key, value in os.environ.items() if key != "ANDROID_NDK_HOME"}
    said = started([*script, f"--runtimes={runtimes}", f"--output_dir={tmp_path}"], ROOT, without)
    assert abi in said and "glibc" in said
    library = tmp_path / "lib" / abi / runtimes
    environment = os.environ | {"QEMU_LD_PREFIX": f"/usr/{prefix.rstrip('-')}"}
    for program in _programs(library, prefix, tmp_path):
        run = [emulator, "-E", f"LD_LIBRARY_PATH={library}", program, *_models(network)]
        assert started(run, tmp_path, environment) == expected
        # There is no OpenCL in the emulator: a sentence, and no crash.
        done = subprocess.run(
            [*run, "GPU"], env=environment, capture_output=True, text=True, check=False
        )
        words = "OpenCL" if runtimes == "cpu_gpu" else "GPU"
        assert done.returncode == 1 and words in done.stdout, done


def test_wrong_words(capfd: pytest.CaptureFixture[str]) -> None:
    script = str(ROOT / "tools" / "build-standalone-lib.sh")
    for words, sentence in (
        (["--abis", "arm64-v8"], "there is no ABI 'arm64-v8' (did you mean 'arm64-v8a'?)"),
        (["--runtimes=gpu"], "there are no libraries 'gpu'"),
        (["--abis"], "usage: bash tools/build-standalone-lib.sh"),
    ):
        assert subprocess.run(["bash", script, *words], check=False).returncode == 2
        assert sentence in capfd.readouterr().err
