# SPDX-License-Identifier: Apache-2.0
"""Obfuscated models: nothing of the original graph is left in them, they compute the same bits, and
the developer's map leads back."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from graph_helpers import builder, finish
from mace.cli.main import main
from mace.convert import convert_imported
from mace.errors import MaceError
from mace.graph.ir import Graph, Interface, Node
from mace.model_file import read_interface
from mace.protection.names import NameMap, obfuscate
from mace.resources import source_root
from mace.runtime import Engine
from small_models import write_onnx


def _graph() -> Graph:
    b = builder(x=(2, 3))
    y = b.op("Eltwise", ["x", b.const(np.ones(3, np.float32))], ["secret_sum"], type="SUM")
    # An output whose name is one of the numbers.
    y = b.op("Activation", [y], ["t1"], activation="RELU")
    return finish(b, y)


def test_numbers_never_meet_kept_names() -> None:
    made, names = obfuscate(_graph())
    assert [o.name for o in made.outputs] == ["t1"]
    tensors = [t for n in made.nodes for t in (*n.inputs, *n.outputs)]
    assert set(tensors) == {"x", "t0", "t2", "t1"}
    assert "secret_sum" in names.tensors.values()
    assert len(set(names.tensors)) == len(set(names.tensors.values())) == 2


def test_numbers_count_in_base_36() -> None:
    graph = Graph("many", inputs=[Interface("x", (1,))], outputs=[Interface("last", (1,))])
    for i in range(1500):
        before, after = (f"a{i - 1}" if i else "x"), (f"a{i}" if i < 1499 else "last")
        graph.nodes.append(Node("Activation", f"a{i}", [before], [after], {"activation": "RELU"}))
    made, names = obfuscate(graph)
    assert len({n.name for n in made.nodes}) == len(names.operators) == 1500
    assert made.nodes[36].name == "n10"
    assert made.nodes[1499].name == "n15n"
    # Numbers that are words are names in quotes alone.
    assert names.restore("not 'not' t1 't0'") == "not 'a893' t1 'a0'"


def test_graphs_inside_operators() -> None:
    inner = Graph("then", inputs=[], outputs=[Interface("hidden", (1,))])
    inner.consts["hidden"] = np.zeros(1, np.float32)
    outer = Graph("g", inputs=[Interface("c", (), "bool")], outputs=[Interface("y", (1,))])
    outer.nodes.append(Node("If", "choice", ["c"], ["y"], {}, "", [inner, inner.copy()]))
    made, names = obfuscate(outer)
    subgraphs = made.nodes[0].subgraphs
    assert [list(g.consts) for g in subgraphs] == [["t0"], ["t1"]]
    assert [g.outputs[0].name for g in subgraphs] == ["t0", "t1"]
    assert names.tensors == {"t0": "hidden", "t1": "hidden"}


def test_same_bits() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    results = []
    for hide in (False, True):
        made = convert_imported("m", _graph(), hide_names=hide)
        with Engine.from_bytes(made.model.graph, made.model.data) as engine:
            results.append(engine.run({"x": x})["t1"])
        assert ("secret_sum" in made.model.text) == (not hide)
    assert results[0].tobytes() == results[1].tobytes()


def test_a_damaged_map(tmp_path: Path) -> None:
    path = tmp_path / "m.obfuscation.json"
    for text in ("", "[]", '{"version": 1}', '{"version": 1, "operators": 3}'):
        path.write_text(text)
        with pytest.raises(MaceError, match="is no map of obfuscated names"):
            NameMap.read(path)
    with pytest.raises(MaceError, match="cannot be read"):
        NameMap.read(tmp_path / "none")


def _network(folder: Path) -> set[str]:
    """A network with a convolution and telling names; returns those that must not be found."""
    from onnx import helper

    rng = np.random.default_rng(5)
    weights = {
        "customer_filter": rng.normal(size=(8, 3, 3, 3)).astype(np.float32),
        "customer_bias": rng.normal(size=8).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", *weights], ["face_map"], "FaceConv", pads=[1, 1, 1, 1]),
        helper.make_node("Sigmoid", ["face_map"], ["face_score"], "FaceSigmoid"),
        helper.make_node("Softmax", ["face_score"], ["y"], "FaceSoftmax", axis=1),
    ]
    write_onnx(folder / "net.onnx", nodes, {"x": (1, 3, 8, 8)}, ["y"], weights)
    return {"face_map", "face_score", "FaceConv", "FaceSigmoid", "FaceSoftmax", *weights}


def _strings(path: Path) -> str:
    found = subprocess.run(
        ["strings", "-a", "-n", "4", str(path)], capture_output=True, text=True, check=True
    )
    return found.stdout


@pytest.mark.parametrize("form", ["file", "code"])
def test_no_name_is_left(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    root = source_root()
    assert root is not None
    generated = root / "mace/codegen/models/hidden_test"
    request.addfinalizer(lambda: shutil.rmtree(generated, ignore_errors=True))
    secrets = _network(tmp_path)
    subgraph = {"input_tensors": ["x"], "input_shapes": ["1,8,8,3"], "output_tensors": ["y"]}
    model = {"platform": "onnx", "model_file_path": "net.onnx", "subgraphs": [subgraph]}
    document = {
        "library_name": "hidden_test",
        "target_abis": ["host"],
        "model_graph_format": form,
        "model_data_format": form,
        "models": {"hidden": {**model, "obfuscate": 1}},
    }
    (tmp_path / "net.yml").write_text(yaml.safe_dump(document))
    assert main(["convert", "--config=net.yml", "-q"]) == 0
    library = tmp_path / "builds/hidden_test"
    given = [p for p in library.rglob("*") if p.is_file() and "private" not in p.parts]
    assert given
    for path in given:
        text = _strings(path)
        assert [s for s in secrets if s in text] == [], path
        if path.suffix in (".pb", ".a"):
            # Nor what operators and their attributes are called in MACE.
            assert [s for s in ("Conv2D", "strides", "SIGMOID") if s in text] == []
    names_path = library / "private/hidden.obfuscation.json"
    assert names_path.stat().st_mode & 0o077 == 0
    names = NameMap.read(names_path)
    assert [o["name"] for o in names.operators.values()] == ["FaceConv/Conv2D", "y"]
    assert "face_score/untransposed" in names.tensors.values()
    folder = library / ("_code" if form == "code" else "model")
    inputs, outputs = read_interface(folder / "hidden.pb")
    assert (inputs[0].name, outputs[0].name) == ("x", "y")
    assert main(["run", "--config=net.yml", "--validate", "-q"]) == 0


def test_messages_name_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from onnx import helper

    monkeypatch.chdir(tmp_path)
    nodes = [helper.make_node("Gather", ["table", "x"], ["y"], "LookUp")]
    table = {"table": np.zeros((4, 2), np.float32)}
    path = write_onnx(tmp_path / "net.onnx", nodes, {"x": (1,)}, ["y"], table)
    import onnx

    loaded = onnx.load(path)
    loaded.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT32
    onnx.save(loaded, path)
    subgraph = {
        "input_tensors": ["x"],
        "input_shapes": ["1"],
        "input_data_types": ["int32"],
        "input_data_formats": ["NONE"],
        "input_ranges": ["9,9"],
        "output_tensors": ["y"],
        "output_data_formats": ["NONE"],
    }
    model = {"platform": "onnx", "model_file_path": "net.onnx", "subgraphs": [subgraph]}
    document = {"library_name": "lost", "models": {"lost": {**model, "obfuscate": 1}}}
    (tmp_path / "net.yml").write_text(yaml.safe_dump(document))
    assert main(["convert", "--config=net.yml", "-q", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["models"][0]["names"].endswith("private/lost.obfuscation.json")
    assert main(["run", "--config=net.yml"]) != 0
    said = capsys.readouterr().err
    assert "Gather 'y': index 9" in said  # and not of 'n0'
