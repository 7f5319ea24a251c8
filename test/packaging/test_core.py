# SPDX-License-Identifier: Apache-2.0
"""The engine without operators: what every library holds of it, what it says of a model, and how
large it may be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mace.cli.main import main
from starting import ROOT, started

_APPLICATION = Path(__file__).parent / "application"
# Stripped, in bytes, with --optimize=size: what docs/performance.md has of it and a little more.
_MOST = {("c++", "full"): 116_000, ("c", "full"): 98_000, ("c", "short"): 90_000}


def _built(folder: Path, *words: str, abi: str = "linux-x86-64") -> Path:
    """The folder of the libraries."""
    command = ["build", "--no_operators", f"--target_abis={abi}", f"--output_dir={folder}", "-q"]
    assert main([*command, *words]) == 0
    return folder / "lib" / abi / "cpu"


def _exported(library: Path) -> set[str]:
    """The names as nm gives them, without arguments."""
    listed = started(["nm", "-D", "-C", "--defined-only", library], library.parent)
    return {line.split(" ", 2)[2].partition("(")[0] for line in listed.splitlines()}


def _run(compiler: list[str | Path], library: Path, model: Path, folder: Path) -> str:
    """What an application says of a model that it cannot run."""
    cplusplus = str(compiler[0]).endswith("++")
    language = (
        ["-std=c++17", _APPLICATION / "app.cc"]
        if cplusplus
        else ["-std=c99", _APPLICATION / "app.c"]
    )
    include = f"-I{library.parents[2] / 'include'}"
    words = [*compiler, *language, include, library / "libmace.so", f"-Wl,-rpath,{library}"]
    started([*words, "-o", folder / "app"], folder)
    emulator: list[str | Path] = []
    if "aarch64" in str(compiler[0]):
        emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
    with pytest.raises(AssertionError) as failure:
        started([*emulator, folder / "app", model / "net.pb", model / "net.data"], folder)
    return str(failure.value)


def test_a_model_is_refused_by_the_name_of_its_operator(network: Path, tmp_path: Path) -> None:
    library = _built(tmp_path)
    model = network / "builds" / "net" / "model"
    assert "MACE_UNSUPPORTED: operator" in (said := _run(["g++"], library, model, tmp_path))
    assert "there is no operator type 'Conv2D'" in said
    assert (library / "libmace.so").stat().st_size < 250_000
    damaged = tmp_path / "model"
    shutil.copytree(model, damaged)
    (damaged / "net.pb").write_bytes((model / "net.pb").read_bytes()[:-5])
    assert "model.pb is damaged" in _run(["g++"], library, damaged, tmp_path)


def test_the_interface_of_c_alone(network: Path, tmp_path: Path) -> None:
    library = _built(tmp_path, "--interface=c")
    text = (ROOT / "mace" / "libmace" / "exported_symbols.txt").read_text(encoding="utf-8")
    wanted = {line for line in text.splitlines() if line.startswith("mace_")}
    assert _exported(library / "libmace.so") == wanted
    model = network / "builds" / "net" / "model"
    assert "there is no operator type 'Conv2D'" in _run(["gcc"], library, model, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize(("interface", "messages"), list(_MOST))
def test_size(
    interface: str, messages: str, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/performance.md says of it, and that it says what a model lacks."""
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    words = ["--optimize=size", f"--interface={interface}", f"--messages={messages}"]
    library = _built(tmp_path, *words, abi="arm64-v8a")
    assert (library / "libmace.so").stat().st_size < _MOST[interface, messages]
    compiler = "aarch64-linux-gnu-g++" if interface == "c++" else "aarch64-linux-gnu-gcc"
    said = _run([compiler], library, network / "builds" / "net" / "model", tmp_path)
    assert "Conv2D" in said
    assert ("no operator type" in said) == (messages == "full")
    assert (".cc " in said) == (messages == "short")


def test_operators_are_none_or_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", "--no_operators", "--selective", "--config=net.yml"]) == 2
    assert "exclude each other" in capsys.readouterr().err
