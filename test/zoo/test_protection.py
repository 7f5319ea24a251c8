# SPDX-License-Identifier: Apache-2.0
"""MobileNetV1 obfuscated and encrypted: no name of its graph is left in what is given away. And its
weights in fewer bytes, as it comes from TensorFlow and as it comes from Caffe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from mace.resources import resource

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from code_record import DOCUMENT, names_left, names_of  # noqa: E402

KEY = "00112233445566778899aabbccddeeff" * 2
_GENERATED = ROOT / "mace/codegen/models/protected_zoo"


def _deployment(name: str, folder: Path, **more: Any) -> Path:
    """The deployment of a model of the zoo with other keys."""
    subprocess.run([sys.executable, str(ROOT / "test/zoo/make.py"), name], cwd=ROOT, check=True)
    document = yaml.safe_load((ROOT / f"test/zoo/{name}.yml").read_text(encoding="utf-8"))
    (model,) = document["models"].values()
    for key in ("model_file_path", "weight_file_path"):
        if key in model:
            model[key] = str((ROOT / "test/zoo" / model[key]).resolve())
    model |= more.pop("model")
    # The zoo's weights are drawn at random, and such a network magnifies what rounding changes.
    model["subgraphs"][0]["validation_threshold"] = {"CPU": 0.9}
    document |= {"library_name": "protected_zoo", "target_abis": ["host"], **more}
    (folder / "zoo.key").write_text(KEY)
    path = folder / "zoo.yml"
    path.write_text(yaml.safe_dump(document))
    return path


def _converter(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "tools/converter.py"), *arguments, "--json"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_names_are_found_where_they_are(tmp_path: Path) -> None:
    config = _deployment("mobilenet_v1", tmp_path, model={})
    _converter(tmp_path, "convert", f"--config={config}")
    names = names_of(ROOT / "builds/zoo/mobilenet_v1.pb")
    model = tmp_path / "builds/protected_zoo/model/mobilenet_v1.pb"
    assert len(names_left(names, model)) > 50
    assert names_left(names, resource("libmace.so")) == set()


def test_what_the_document_says_of_code() -> None:
    """python tools/code_record.py --record renews it."""

    def rows(name: str) -> list[list[str]]:
        text = DOCUMENT.read_text(encoding="utf-8")
        lines = text.partition(f"<!-- recorded: {name} -->\n")[2].splitlines()[2:]
        return [line.strip("| ").split(" | ") for line in lines[: lines.index("")]]

    assert [row[0] for row in rows("code_time")] == ["first", "warm"]
    assert all(float(row[1]) < 60 for row in rows("code_time"))
    left = [int(row[2]) for row in rows("code_names")[:5]]
    assert left[0] > 50 and left[1:] == [0] * 4


@pytest.mark.parametrize("form", ["file", "code"])
def test_no_name_of_the_graph_is_left(form: str, tmp_path: Path, request: Any) -> None:
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", str(_GENERATED)], check=True))
    config = _deployment(
        "mobilenet_v1",
        tmp_path,
        model={"obfuscate": 1},
        model_graph_format=form,
        model_data_format=form,
    )
    _converter(tmp_path, "convert", f"--config={config}")
    folder = tmp_path / "builds/protected_zoo"
    given = [p for p in folder.rglob("*") if p.is_file() and "private" not in p.parts]
    assert any(p.suffix == (".a" if form == "code" else ".data") for p in given)
    names = names_of(ROOT / "builds/zoo/mobilenet_v1.pb")
    assert len(names) > 50
    for path in given:
        assert names_left(names, path) == set(), path
    document = _converter(tmp_path, "run", f"--config={config}", "--validate")
    assert document["runs"][0]["validation"][0]["similarity"] > 0.99999


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v1_caffe"])
def test_weights_in_fewer_bytes(name: str, tmp_path: Path) -> None:
    for form, ratio, least in (("float16", 0.51, 0.999), ("int8", 0.27, 0.9)):
        config = _deployment(name, tmp_path, model={"weight_format": form})
        shown = _converter(tmp_path, "convert", f"--config={config}")["models"][0]["weights"]
        assert shown["stored_bytes"] < ratio * shown["float32_bytes"]
        assert all(least < s < 1 for s in shown["similarity"].values()), shown


def test_encrypted(tmp_path: Path) -> None:
    config = _deployment(
        "mobilenet_v1",
        tmp_path,
        model={"obfuscate": 1, "encryption_key_file": "zoo.key", "weight_format": "int8"},
    )
    _converter(tmp_path, "convert", f"--config={config}")
    data = (tmp_path / "builds/protected_zoo/model/mobilenet_v1.data").read_bytes()
    assert data[:8] == b"MACEENC1"
    document = _converter(tmp_path, "run", f"--config={config}", "--validate")
    assert document["runs"][0]["validation"][0]["similarity"] > 0.9
