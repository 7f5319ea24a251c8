# SPDX-License-Identifier: Apache-2.0
"""The archive of a deployment: all that an application needs, the same bytes each time."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from mace.cli.main import main
from mace.errors import MaceError
from mace.packaging.archive import write_archive
from starting import started

_APPLICATION = Path(__file__).parent / "application"


def test_an_application_is_built_from_the_archive(
    network: Path, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(network)
    archive = network / "builds" / "net" / "libmace_net.tar.gz"
    contents = []
    for _ in range(2):
        assert main(["convert", "--config=net.yml", "--package", "-q"]) == 0
        contents.append(archive.read_bytes())
    assert contents[0] == contents[1]
    with tarfile.open(archive) as opened:
        names = opened.getnames()
        assert names == sorted(names) and {entry.mtime for entry in opened} == {0}
        opened.extractall(tmp_path)
    folder = tmp_path / "libmace_net"
    text = (folder / "README.md").read_text()
    assert "| input | `x` | float32 | 1, 8, 8, 3 | NHWC |" in text
    assert all(f"- `{path.removeprefix('libmace_net/')}`" in text for path in names[1:])
    library = next(folder.glob("lib/linux-x86-64/*"))
    words = ["g++", "-std=c++17", f"-I{folder / 'include'}", _APPLICATION / "app.cc", "-o", "app"]
    started([*words, library / "libmace.so", f"-Wl,-rpath,{library}"], tmp_path)
    model = folder / "model"
    assert started([tmp_path / "app", model / "net.pb", model / "net.data"], tmp_path) == expected


def test_a_package_needs_a_deployment_file(
    network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(network)
    assert main(["convert", "net.onnx", "--package"]) == 2
    assert "--package needs --config" in capsys.readouterr().err


def test_a_file_that_is_gone_leaves_no_archive(tmp_path: Path) -> None:
    with pytest.raises(MaceError, match="No such file"):
        write_archive(tmp_path / "a.tar.gz", "a", {"x": tmp_path / "gone"})
    assert list(tmp_path.iterdir()) == []
