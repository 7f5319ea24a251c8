# SPDX-License-Identifier: Apache-2.0
"""MobileNetV1 obfuscated and encrypted: no name of its graph is left in what is given away. And its
weights in fewer bytes, as it comes from TensorFlow and as it comes from Caffe."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
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


def _names_of_the_graph() -> set[str]:
    """Names of all nodes, and their parts that are no common words."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef.FromString((ROOT / "builds/zoo/mobilenet_v1.pb").read_bytes())
    names = {node.name for node in graph.node} - {"input", "prob"}
    assert len(names) > 50
    return {name for name in names if len(name) >= 4}


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
    names = _names_of_the_graph()
    for path in given:
        found = subprocess.run(["strings", "-a", str(path)], capture_output=True, text=True)
        # Whole strings, and their parts between signs.
        strings = set(found.stdout.split()) | set(re.split(r"[\W]+", found.stdout))
        assert names & strings == set(), path
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
