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
@pytest.mark.parametrize("abi", [abi for abi in _TOOLS if abi != "linux-x86-64"])
def test_other_abis(abi: str, network: Path, expected: str, tmp_path: Path) -> None:
    prefix, emulator = _TOOLS[abi]
    script = ["bash", ROOT / "tools" / "build-standalone-lib.sh", "--abis", abi]
    without = {key: value for key, value in os.environ.items() if key != "ANDROID_NDK_HOME"}
    said = started([*script, "--runtimes=cpu", f"--output_dir={tmp_path}"], ROOT, without)
    assert abi in said and "glibc" in said
    library, include = _library(tmp_path, abi), f"-I{tmp_path / 'include'}"
    triple = prefix.rstrip("-")
    environment = os.environ | {"QEMU_LD_PREFIX": f"/usr/{triple}"}
    for source, standard in (("app.cc", "c++17"), ("app.c", "c99")):
        compiler = prefix + ("g++" if source == "app.cc" else "gcc")
        command = [compiler, f"-std={standard}", include, _APPLICATION / source, "-o"]
        static = [library / "libmace.a", "-lstdc++", "-lm", "-pthread"]
        started([*command, "static", *static], tmp_path)
        started([*command, "shared", f"-L{library}", "-lmace", "-Wl,--no-undefined"], tmp_path)
        for program in ("static", "shared"):
            run = [emulator, "-E", f"LD_LIBRARY_PATH={library}", tmp_path / program]
            assert started([*run, *_models(network)], tmp_path, environment) == expected


def test_wrong_words(capfd: pytest.CaptureFixture[str]) -> None:
    script = str(ROOT / "tools" / "build-standalone-lib.sh")
    for words, sentence in (
        (["--abis", "arm64-v8"], "there is no ABI 'arm64-v8' (did you mean 'arm64-v8a'?)"),
        (["--runtimes=gpu"], "there are no libraries 'gpu'"),
        (["--abis"], "usage: bash tools/build-standalone-lib.sh"),
    ):
        assert subprocess.run(["bash", script, *words], check=False).returncode == 2
        assert sentence in capfd.readouterr().err
