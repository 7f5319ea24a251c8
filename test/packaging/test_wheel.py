# SPDX-License-Identifier: Apache-2.0
"""The wheel: its engine needs nothing that an old system lacks, and it runs a model from a fresh
environment far from the source tree."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from pathlib import Path

import pytest
from starting import ROOT, started


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, made after another one that had a module more."""
    folder = tmp_path_factory.mktemp("wheel")
    stale = ROOT / "build" / f"lib.linux-x86_64-cpython-{sys.version_info[0]}{sys.version_info[1]}"
    (stale / "mace").mkdir(parents=True, exist_ok=True)
    (stale / "mace" / "stale.py").touch()
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q"]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    started([*words, "-w", folder, ROOT], folder, environment)
    return next(folder.glob("mace-*.whl"))


@pytest.mark.nightly
def test_its_tag_is_what_its_programs_need(wheel: Path, tmp_path: Path) -> None:
    tag = re.search(r"-py3-none-manylinux_(\d+)_(\d+)_x86_64\.whl$", wheel.name)
    assert tag, f"{wheel.name} is not for manylinux"
    with zipfile.ZipFile(wheel) as archive:
        assert "mace/stale.py" not in archive.namelist()
        names = [name for name in archive.namelist() if "/_lib/host/" in name]
        assert {Path(name).name for name in names} >= {"libmace.so", "mace_run", "benchmark_model"}
        archive.extractall(tmp_path, names)
    allowed = (int(tag[1]), int(tag[2]))
    for name in names:
        text = started(["objdump", "-T", tmp_path / name], tmp_path)
        needed = {tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_([\d.]+)", text)}
        assert max(needed)[:2] <= allowed, f"{name} needs glibc {max(needed)}"
        linked = started(["objdump", "-p", tmp_path / name], tmp_path)
        libraries = set(re.findall(r"NEEDED +(\S+)", linked))
        assert all(
            re.match(r"(lib(c|m|dl|pthread|stdc\+\+|gcc_s)\.so|ld-linux)", lib) for lib in libraries
        ), libraries


@pytest.mark.nightly
def test_it_runs_from_a_fresh_environment(wheel: Path, network: Path, tmp_path: Path) -> None:
    started([sys.executable, "-m", "venv", tmp_path / "venv"], tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    plain = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MACE_LIBRARY")}
    started([python, "-m", "pip", "install", "-q", wheel], tmp_path, plain)
    model = network / "builds" / "net" / "model"
    code = (
        "import mace, numpy, sys; e = mace.Engine(sys.argv[1], sys.argv[2]); "
        "print(mace.__file__); print(e.run({'x': numpy.ones((1, 8, 8, 3), 'f')})['y'].shape)"
    )
    words = [python, "-c", code, model / "net.pb", model / "net.data"]
    where, shape = started(words, tmp_path, plain).splitlines()
    assert where.startswith(str(tmp_path)) and shape == "(1, 8, 8, 4)"
    program = tmp_path / "venv" / "bin" / "mace"
    text = started([program, "convert", network / "net.onnx", "-q"], tmp_path, plain)
    assert "net" in text and (tmp_path / "builds" / "net" / "model" / "net.pb").is_file()
    text = started([program, "ops", "Conv2D"], tmp_path, plain)
    assert "Conv2D" in text
    # The programs of the device are in the wheel too.
    text = started([program, "run", f"--config={network}/net.yml", "--round=2"], network, plain)
    assert "net" in text
    text = started([program, "benchmark", f"--config={network}/net.yml"], network, plain)
    assert "Conv2D" in text
