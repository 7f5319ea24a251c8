# SPDX-License-Identifier: Apache-2.0
"""SavedModels and Keras files against TensorFlow: variables, functions, loops, names, damage."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_model  # noqa: F401  It sets TensorFlow up.
from mace.cli.main import main
from mace.convert import ConvertRequest, convert_graph, describe_model
from mace.errors import MaceError
from mace.fetch import file_sha256
from mace.graph.ir import Array, Graph
from mace.importers.base import InterfaceRequest
from mace.importers.tensorflow import import_model
from mace.importers.tensorflow.freeze import frozen_graph_def
from mace.runtime import Engine

RNG = np.random.default_rng(5)
LAYERS = tf.keras.layers


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


class Module(tf.Module):  # type: ignore[misc]  # TensorFlow has no types.
    """Variables, nested calls, outputs of several tensors, an embedding and a branch."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(random(3, 4))
        self.table = tf.Variable(random(7, 4))
        self.count = tf.Variable(np.arange(3, dtype=np.int64))

    @tf.function  # type: ignore[untyped-decorator]
    def parts(self, x: Any) -> Any:
        first, _, third = tf.split(x, 3, 1)
        return tf.concat([third, first * tf.cast(self.count[1], tf.float32)], 1)

    def looked_up(self, rows: Any) -> Any:
        return tf.gather(self.table, rows)

    @tf.function  # type: ignore[untyped-decorator]
    def serve(self, x: Any, rows: Any) -> dict[str, Any]:
        return {
            "product": tf.matmul(x, self.weight) + self.looked_up(rows),
            "parts": self.parts(self.parts(tf.concat([x, x[:, :0]], 1)) @ random(2, 3)),
        }


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel with two signatures."""
    folder = tmp_path_factory.mktemp("saved") / "module"
    module = Module()
    specs = [
        tf.TensorSpec([None, 3], tf.float32, name="x"),
        tf.TensorSpec([None], tf.int32, name="rows"),
    ]
    serve = module.serve.get_concrete_function(*specs)
    other = module.parts.get_concrete_function(tf.TensorSpec([2, 3], name="x"))
    tf.saved_model.save(module, folder, {"serving_default": serve, "other": other})
    return folder


def expected(folder: Path, feeds: dict[str, Array]) -> dict[str, Array]:
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    results = signature(**{name: tf.constant(array) for name, array in feeds.items()})
    return {name: value.numpy() for name, value in results.items()}


def run(path: Path, feeds: dict[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """The converted model and what the engine computes."""
    types = {"float32": "f32", "int32": "i32"}
    inputs = [InterfaceRequest(n, a.shape, types[str(a.dtype)]) for n, a in feeds.items()]
    converted = convert_graph(ConvertRequest("model", "tensorflow", path, inputs=inputs))
    with Engine.from_bytes(converted.model.graph, converted.model.data or None) as engine:
        return converted.graph, engine.run(feeds)


def check(folder: Path, feeds: dict[str, Array]) -> Graph:
    graph, found = run(folder, feeds)
    wanted = expected(folder, feeds)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=1e-4)
    return graph


FEEDS = {"x": random(2, 3), "rows": np.array([6, 0], np.int32)}


def test_saved_model(saved: Path) -> None:
    described = describe_model("tensorflow", saved)
    assert [i.name for i in described.inputs] == ["rows", "x"]
    assert [o.name for o in described.outputs] == ["parts", "product"]
    check(saved, FEEDS)
    # Its file stands for the folder.
    assert describe_model("tensorflow", saved / "saved_model.pb").inputs == described.inputs


def test_frozen_form_of_a_saved_model_runs_in_tensorflow(saved: Path) -> None:
    definition = tf.compat.v1.GraphDef.FromString(frozen_graph_def(saved).SerializeToString())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
    with tf.compat.v1.Session(graph=graph) as session:
        found = session.run(["product:0", "parts:0"], {f"{n}:0": a for n, a in FEEDS.items()})
    wanted = expected(saved, FEEDS)
    np.testing.assert_allclose(found[0], wanted["product"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[1], wanted["parts"], rtol=1e-5, atol=1e-5)


def test_frozen_form_of_a_loop_runs_in_tensorflow(tmp_path: Path) -> None:
    """The loop's functions take the values of variables."""
    data = tf.keras.Input((4, 3), name="x")
    model = tf.keras.Model(data, LAYERS.GRU(2)(LAYERS.LSTM(4, return_sequences=True)(data)))
    _randomize(model)
    model.export(tmp_path / "model", verbose=False)
    frozen = frozen_graph_def(tmp_path / "model").SerializeToString()
    definition = tf.compat.v1.GraphDef.FromString(frozen)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
    x = random(2, 4, 3)
    with tf.compat.v1.Session(graph=graph) as session:
        found = session.run("output_0:0", {"x:0": x})
    np.testing.assert_allclose(found, model(x).numpy(), rtol=1e-5, atol=1e-5)


def test_signatures(saved: Path, tmp_path: Path) -> None:
    module = Module()
    tf.saved_model.save(module, tmp_path / "none")
    with pytest.raises(MaceError, match="has no signature"):
        describe_model("tensorflow", tmp_path / "none")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("variables/variables.index", "index .* cannot be read"),
        ("variables/variables.data-00000-of-00001", "variables' file .* cannot be read"),
    ],
)
def test_missing_files(saved: Path, tmp_path: Path, file: str, words: str) -> None:
    folder = shutil.copytree(saved, tmp_path / "model")
    (folder / file).unlink()
    with pytest.raises(MaceError, match=words):
        import_model(folder, None, [], [])


def test_damaged_files(saved: Path, tmp_path: Path) -> None:
    """Every damage gives a sentence or a model, and nothing else."""
    folder = shutil.copytree(saved, tmp_path / "model")
    rng = np.random.default_rng(6)
    for file in ("saved_model.pb", "variables/variables.index"):
        data = (saved / file).read_bytes()
        for trial in range(60):
            damaged = bytearray(data[: int(rng.integers(0, len(data)))] if trial % 2 else data)
            for position in rng.integers(0, len(damaged), 3) if damaged else []:
                damaged[position] ^= 1 << int(rng.integers(0, 8))
            (folder / file).write_bytes(damaged)
            try:
                import_model(folder, None, [], [])
            except MaceError as error:
                assert str(error)
        (folder / file).write_bytes(data)
    data = (saved / "variables/variables.data-00000-of-00001").read_bytes()
    (folder / "variables/variables.data-00000-of-00001").write_bytes(data[:10])
    with pytest.raises(MaceError, match="ends before"):
        import_model(folder, None, [], [])


# The operator that each becomes; "" for loops that are written out step by step.
RECURRENT: dict[str, tuple[str, Any]] = {
    "lstm": ("LSTM", lambda: LAYERS.LSTM(4, return_sequences=True)),
    "lstm, last step, no bias": ("LSTM", lambda: LAYERS.LSTM(4, use_bias=False)),
    "lstm with states": ("LSTM", lambda: LAYERS.LSTM(4, return_state=True, return_sequences=True)),
    "lstm backwards": (
        "LSTM",
        lambda: LAYERS.LSTM(3, go_backwards=True, return_sequences=True),
    ),
    "lstm of other functions": (
        "LSTM",
        lambda: LAYERS.LSTM(3, activation="relu", recurrent_activation="softsign"),
    ),
    "lstm of composed functions": (
        "",
        lambda: LAYERS.LSTM(3, recurrent_activation="hard_sigmoid"),
    ),
    "bidirectional lstm": (
        "LSTM",
        lambda: LAYERS.Bidirectional(LAYERS.LSTM(3, return_sequences=True)),
    ),
    "gru": ("GRU", lambda: LAYERS.GRU(4, return_sequences=True)),
    "gru, last step": ("GRU", lambda: LAYERS.GRU(4, return_state=True)),
    "gru without bias": ("GRU", lambda: LAYERS.GRU(4, use_bias=False)),
    "gru, reset before": ("", lambda: LAYERS.GRU(4, reset_after=False)),
    "simple": ("RNN", lambda: LAYERS.SimpleRNN(4, return_sequences=True)),
    "stacked": ("", lambda: LAYERS.RNN([LAYERS.LSTMCell(3), LAYERS.GRUCell(2)])),
    "unrolled": ("", lambda: LAYERS.LSTM(4, unroll=True)),
    "time distributed": ("", lambda: LAYERS.TimeDistributed(LAYERS.Dense(3))),
}


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_layers(tmp_path: Path, name: str) -> None:
    operator, layer = RECURRENT[name]
    data = tf.keras.Input((5, 3), name="x")
    model = tf.keras.Model(data, layer()(data))
    _randomize(model)
    model.export(tmp_path / "model", verbose=False)
    graph = check(tmp_path / "model", {"x": random(2, 5, 3)})
    found = {n.op for n in graph.nodes} & {"LSTM", "GRU", "RNN"}
    assert found == ({operator} if operator else set())


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent_layer_of_any_length(tmp_path: Path, kind: str) -> None:
    data = tf.keras.Input((None, 3), name="x")
    middle = getattr(LAYERS, kind)(4, return_sequences=True)(data)
    model = tf.keras.Model(data, getattr(LAYERS, kind)(2)(middle))
    _randomize(model)
    model.export(tmp_path / "model", verbose=False)
    inputs = [InterfaceRequest("x", (-1, -1, 3))]
    request = ConvertRequest("model", "tensorflow", tmp_path / "model", inputs=inputs)
    converted = convert_graph(request)
    with Engine.from_bytes(converted.model.graph, converted.model.data) as engine:
        for shape in ((2, 5, 3), (1, 9, 3)):
            x = random(*shape)
            (found,) = engine.run({"x": x}).values()
            np.testing.assert_allclose(found, model(x).numpy(), rtol=1e-4, atol=1e-4)


def test_loop_of_any_length_that_is_no_layer(tmp_path: Path) -> None:
    """Becomes a Loop that stacks what each step gives."""
    data = tf.keras.Input((None, 3), name="x")
    middle = LAYERS.GRU(4, reset_after=False, return_sequences=True)(data)
    model = tf.keras.Model(data, middle)
    _randomize(model)
    model.export(tmp_path / "model", verbose=False)
    x = random(2, 5, 3)
    inputs = [InterfaceRequest("x", (2, -1, 3))]
    request = ConvertRequest("model", "tensorflow", tmp_path / "model", inputs=inputs)
    converted = convert_graph(request)
    assert "Loop" in {n.op for n in converted.graph.nodes}
    with Engine.from_bytes(converted.model.graph, converted.model.data) as engine:
        for steps in (5, 3):
            (found,) = engine.run({"x": x[:, :steps]}).values()
            wanted = model(x[:, :steps]).numpy()
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


class Control(tf.Module):  # type: ignore[misc]  # TensorFlow has no types.
    """A loop whose end depends on what it computes, and a branch that depends on the input."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(random(3, 3) * 0.2 + np.eye(3, dtype=np.float32))

    @tf.function(input_signature=[tf.TensorSpec([2, 3], name="x")])  # type: ignore[untyped-decorator]
    def serve(self, x: Any) -> dict[str, Any]:
        count, grown = tf.while_loop(
            lambda i, y: tf.reduce_max(tf.abs(y)) < 20,
            lambda i, y: (i + 1, tf.matmul(y, self.weight) + tf.sign(x)),
            (tf.constant(0), x),
        )
        chosen = tf.cond(tf.reduce_sum(x) > 0, lambda: tf.matmul(x, self.weight), lambda: x - grown)
        return {"count": count, "grown": grown, "chosen": chosen}


def test_control_flow_that_depends_on_the_input(tmp_path: Path) -> None:
    module = Control()
    tf.saved_model.save(module, tmp_path / "model", {"serving_default": module.serve})
    for sign in (1, -1):
        x = np.abs(random(2, 3)) * np.float32(sign)
        graph = check(tmp_path / "model", {"x": x})
        assert {"If", "Loop"} <= {n.op for n in graph.nodes}


def _randomize(model: Any) -> None:
    for variable in model.weights:
        if "float" in str(variable.dtype):
            variable.assign(random(*variable.shape) * 0.5)


def small_keras() -> Any:
    """A model with two outputs, a recurrent layer and a name that no node may have."""
    data = tf.keras.Input((6, 4, 2), name="photo in")
    x = LAYERS.Conv2D(3, 3, padding="same", activation="relu", name="conv")(data)
    y = LAYERS.BatchNormalization(name="norm")(x)
    y = LAYERS.GRU(4, name="memory")(LAYERS.Reshape((6, 12), name="rows")(y))
    pooled = LAYERS.GlobalAveragePooling2D(name="pooled")(x)
    return tf.keras.Model(data, [LAYERS.Dense(5, activation="softmax", name="prob")(y), pooled])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_files(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = small_keras()
    _randomize(model)
    for variable in model.get_layer("norm").weights:
        variable.assign(np.abs(random(*variable.shape)) + 0.1)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    x = random(2, 6, 4, 2)
    (name,) = (i.name for i in describe_model("tensorflow", path).inputs)
    _, found = run(path, {name: x})
    wanted = [t.numpy() for t in model(x, training=False)]
    assert sorted(a.shape for a in found.values()) == sorted(a.shape for a in wanted)
    for array in wanted:
        (same,) = (a for a in found.values() if a.shape == array.shape)
        np.testing.assert_allclose(same, array, rtol=1e-4, atol=1e-4)


def test_sha256_of_a_folder(saved: Path) -> None:
    command = "find . -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"
    result = subprocess.run(command, shell=True, cwd=saved, capture_output=True, text=True)
    assert file_sha256(saved) == result.stdout.split()[0]


def test_command_line(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """init, check, convert and a validated run of a SavedModel."""
    folder = shutil.copytree(saved, tmp_path / "model.v1")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "model.v1"]) == 0
    text = (tmp_path / "model.v1.yml").read_text()
    assert file_sha256(folder) in text
    text = text.replace("'?,3'", "'2,3'").replace("- ?,3", "- 2,3").replace("'?'", "'2'")
    text = text.replace("- '2'\n", "- '2'\n").replace("-1.0,1.0", "0.0,1.0")
    (tmp_path / "model.v1.yml").write_text(text)
    assert main(["check", "model.v1"]) == 0
    assert main(["convert", "--config=model.v1.yml"]) == 0
    capsys.readouterr()
    code = main(["run", "--config=model.v1.yml", "--validate", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == 0, document
    assert all(v["passed"] for v in document["runs"][0]["validation"])
    with (folder / "saved_model.pb").open("ab") as stream:
        stream.write(b"\x00")
    assert main(["convert", "--config=model.v1.yml"]) != 0
    assert "SHA-256" in capsys.readouterr().err
    os.rename(folder / "saved_model.pb", folder / "other.pb")
    assert main(["check", "model.v1"]) != 0
    assert "no SavedModel" in capsys.readouterr().err
