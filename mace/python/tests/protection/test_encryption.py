# SPDX-License-Identifier: Apache-2.0
"""Encrypted models: they run with their key, and with nothing else; nothing can be read off them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from graph_helpers import builder, finish
from mace.cli.main import main
from mace.convert import convert_imported
from mace.errors import INVALID_ARGS, MaceError
from mace.export.model import ModelBytes
from mace.graph.ir import Graph
from mace.protection.encryption import (
    DATA,
    decrypt,
    encrypt_model,
    key_shares,
    read_key,
)
from mace.resources import resource, source_root
from mace.runtime import Engine
from small_models import conv_onnx

KEY = bytes(range(32))
X = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)


def _graph() -> Graph:
    b = builder(x=(2, 3))
    y = b.op("Eltwise", ["x", b.const(np.arange(3, dtype=np.float32))], ["telling"], type="SUM")
    return finish(b, b.op("Activation", [y], ["y"], activation="RELU"))


@pytest.fixture(scope="module")
def plain() -> ModelBytes:
    """A model as it is before."""
    return convert_imported("m", _graph()).model


def test_round_trip_and_engine(plain: ModelBytes) -> None:
    made = encrypt_model(plain, KEY)
    assert made == encrypt_model(plain, KEY)
    assert made != encrypt_model(plain, bytes(32))
    assert (decrypt(made.graph, KEY), decrypt(made.data, KEY, DATA)) == (plain.graph, plain.data)
    assert b"telling" not in made.graph
    with Engine.from_bytes(made.graph, made.data, model_key=KEY) as engine:
        np.testing.assert_array_equal(
            engine.run({"x": X})["y"], np.maximum(X + np.arange(3, dtype=np.float32), 0)
        )


def test_packed_weights_are_not_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    b = builder(x=(2, 3))
    weight = b.const(np.arange(12, dtype=np.float32).reshape(4, 3))
    model = convert_imported("m", finish(b, b.op("FullyConnected", ["x", weight]))).model
    made = encrypt_model(model, KEY)
    Engine.from_bytes(made.graph, made.data, model_key=KEY, storage_path=tmp_path)
    assert not list(tmp_path.iterdir())
    assert "the model is encrypted" in capfd.readouterr().err
    Engine.from_bytes(model.graph, model.data, storage_path=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_sizes(size: int) -> None:
    content = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    made = encrypt_model(ModelBytes(b"g", content), KEY)
    assert decrypt(made.data, KEY, DATA) == content


def _refusal(graph: bytes, data: bytes | None, key: bytes | None = KEY) -> str:
    with pytest.raises(MaceError) as caught:
        Engine.from_bytes(graph, data, model_key=key)
    assert caught.value.code == INVALID_ARGS
    return str(caught.value)


def test_refusals_of_the_engine(plain: ModelBytes) -> None:
    made = encrypt_model(plain, KEY)
    assert "no key is given" in _refusal(made.graph, made.data, None)
    assert "the key is not the one" in _refusal(made.graph, made.data, bytes(32))
    assert "has 32 bytes, not 16" in _refusal(made.graph, made.data, bytes(16))
    assert "model.pb is encrypted, but model.data is not" in _refusal(made.graph, plain.data)
    assert "model.data is encrypted, but model.pb is not" in _refusal(plain.graph, made.data)
    assert "neither the content nor the path" in _refusal(made.graph, None)
    assert "is another file" in _refusal(made.data, made.data)
    other = encrypt_model(ModelBytes(plain.graph + b"", plain.data + bytes(64)), KEY)
    assert "with another model.pb" in _refusal(made.graph, other.data)
    for index in range(8, len(made.data), 5):
        changed = bytearray(made.data)
        changed[index] ^= 4
        _refusal(made.graph, bytes(changed))


def test_refusals_of_the_tools(plain: ModelBytes) -> None:
    made = encrypt_model(plain, KEY)
    with pytest.raises(MaceError, match="the key is not the one"):
        decrypt(made.graph, bytes(32))
    for content in (made.graph[:-1], made.graph + b"x", b"", made.data):
        with pytest.raises(MaceError, match="damaged"):
            decrypt(content, KEY)


def test_keys(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for content in (KEY, KEY.hex().encode(), KEY.hex().upper().encode() + b"\n"):
        path.write_bytes(content)
        assert read_key(path) == KEY
    for content in (b"", KEY[:31], KEY.hex().encode()[:-1], b"z" * 64, KEY.hex().encode() + b"0"):
        path.write_bytes(content)
        with pytest.raises(MaceError, match="holds no key"):
            read_key(path)
    with pytest.raises(MaceError, match="cannot be read") as caught:
        read_key(tmp_path / "none")
    assert "openssl rand -hex 32" in caught.value.hint
    shares = key_shares(KEY)
    assert bytes(a ^ b for a, b in zip(shares[:32], shares[32:], strict=True)) == KEY
    assert KEY not in shares


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, plain: ModelBytes) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MaceError, match="needs the Python package cryptography"):
        encrypt_model(plain, KEY)


def _deploy(folder: Path, form: str, **more: Any) -> Path:
    conv_onnx(folder / "net.onnx")
    (folder / "net.key").write_text(KEY.hex() + "\n")
    subgraph = {"input_tensors": ["x"], "input_shapes": ["1,8,8,3"], "output_tensors": ["y"]}
    model = {"platform": "onnx", "model_file_path": "net.onnx", "subgraphs": [subgraph]}
    document = {
        "library_name": "locked_test",
        "target_abis": ["host"],
        "model_graph_format": form,
        "model_data_format": form,
        "models": {"locked": {**model, "encryption_key_file": "net.key", **more}},
    }
    (folder / "net.yml").write_text(yaml.safe_dump(document))
    return folder / "builds/locked_test"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A folder for a deployment; the generated sources go away with the test."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    root = source_root()
    assert root is not None
    shutil.rmtree(root / "mace/codegen/models/locked_test", ignore_errors=True)


def test_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library = _deploy(folder, "file", obfuscate=1)
    assert main(["convert", "--config=net.yml", "-q"]) == 0
    graph, data = library / "model/locked.pb", library / "model/locked.data"
    assert graph.read_bytes()[:8] == data.read_bytes()[:8] == b"MACEENC1"
    assert not (library / "model/locked.pb_txt").exists()
    text = library / "private/locked.pb_txt"
    assert "Conv2D" in text.read_text()
    assert text.stat().st_mode & 0o077 == 0
    capsys.readouterr()
    assert main(["run", "--config=net.yml", "--validate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["validation"][0]["similarity"] > 0.99999
    (folder / "net.key").write_text("00" * 32)
    assert main(["run", "--config=net.yml"]) == 2
    assert "the key is not the one" in capsys.readouterr().err
    (folder / "net.key").unlink()
    assert main(["convert", "--config=net.yml"]) == 2
    assert "cannot be read" in capsys.readouterr().err


def _mace_run(library: Path, *flags: str, key: str = "") -> subprocess.CompletedProcess[str]:
    files = [f"--model_file={library / 'model/locked.pb'}"]
    files.append(f"--model_data_file={library / 'model/locked.data'}")
    environment = {**os.environ, "MACE_MODEL_KEY": key}
    command = [str(resource("mace_run", "host")), *files, *flags]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_program(folder: Path) -> None:
    library = _deploy(folder, "file")
    assert main(["convert", "--config=net.yml", "-q"]) == 0
    assert _mace_run(library, key=KEY.hex()).returncode == 0
    assert _mace_run(library, "--model_key_file=net.key", key="no key").returncode == 0
    (folder / "raw.key").write_bytes(KEY)
    assert _mace_run(library, "--model_key_file=raw.key").returncode == 0
    (folder / "bad.key").write_text("abc")
    for arguments, key, said in (
        ([], "", "no key is given"),
        ([], "xyz", "the environment variable MACE_MODEL_KEY holds no key"),
        (["--model_key_file=bad.key"], "", "holds no key"),
        (["--model_key_file=none.key"], "", "cannot be read"),
    ):
        done = _mace_run(library, *arguments, key=key)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize("inside", [0, 1])
def test_code(folder: Path, inside: int, capsys: pytest.CaptureFixture[str]) -> None:
    library = _deploy(folder, "code", encryption_key_in_code=inside)
    assert main(["convert", "--config=net.yml", "-q"]) == 0
    archive = (library / "model/host/locked_test.a").read_bytes()
    assert KEY not in archive
    assert (key_shares(KEY) in archive) == bool(inside)
    assert b"Conv2D" not in archive
    assert main(["run", "--config=net.yml", "--validate", "-q"]) == 0
    header = (library / "include/mace/public/locked.h").read_text()
    assert ("mace_model_locked_key" in header) == bool(inside)
    if inside:
        # Nobody needs the key any more, but the tools.
        assert re.search(r"KeyShares\(\) \{ return mace_model_locked_key", header)


def test_key_in_code_needs_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _deploy(folder, "file", encryption_key_in_code=1)
    assert main(["convert", "--config=net.yml"]) == 2
    assert "wants its key in code" in capsys.readouterr().err
    _deploy(folder, "code", encryption_key_in_code=1, encryption_key_file="")
    assert main(["convert", "--config=net.yml"]) == 2
    assert "there is no key" in capsys.readouterr().err
