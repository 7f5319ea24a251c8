# SPDX-License-Identifier: Apache-2.0
"""Weights in a quarter of the bytes: what is stored, what the engine makes of it, what convert says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from graph_helpers import builder, finish, random
from mace.cli.main import main
from mace.convert import convert_imported
from mace.export.model import to_bytes
from mace.export.weights import as_bfloat16, as_int8, channel_axes
from mace.graph.ir import Array, Graph
from mace.runtime import Engine
from mace.validation.storage import compare_storage
from small_models import conv_onnx

from mace import proto_messages


@pytest.mark.parametrize(("shape", "axis"), [((8, 3, 3, 4), 0), ((1, 7, 7, 16), 3), ((16, 32), 1)])
def test_each_channel_has_its_scale(shape: tuple[int, ...], axis: int) -> None:
    channels = np.moveaxis(random(*shape), axis, -1) * np.logspace(-6, 6, shape[axis])
    array = np.ascontiguousarray(np.moveaxis(channels, -1, axis)).astype(np.float32)
    stored = as_int8(array, axis)
    assert stored is not None
    scales = np.array(stored.scales, np.float32)
    back = np.moveaxis(np.moveaxis(stored.array, axis, -1).astype(np.float32) * scales, -1, axis)
    error = np.abs(np.moveaxis(back - array, axis, -1)).max(axis=(*range(array.ndim - 1),))
    assert np.all(error <= scales * 0.5001)
    assert np.abs(stored.array).max() == 127


@pytest.mark.parametrize(
    "array",
    [
        np.ones((4, 4), np.float32),  # few
        np.ones((64, 9), np.float32),  # a scale for nine elements
        np.full((4, 64), np.inf, np.float32),
        np.full((4, 64), np.nan, np.float32),
        np.full((4, 64), 1e-44, np.float32),
    ],
)
def test_what_stays_as_it_is(array: Array) -> None:
    assert as_int8(array, 0) is None


def test_zeros() -> None:
    stored = as_int8(np.zeros((4, 64), np.float32), 0)
    assert stored is not None
    assert stored.scales == (1.0,) * 4


def _graph() -> Graph:
    b = builder(x=(1, 6, 6, 8))
    y = b.op("Conv2D", ["x", b.const(random(16, 3, 3, 8)), b.const(random(16))])
    y = b.op("DepthwiseConv2d", [y, b.const(random(1, 3, 3, 16))])
    y = b.op("Reshape", [y, b.const([1, 64], "int32")])
    y = b.op("FullyConnected", [y, b.const(random(12, 64))])
    y = b.op("MatMul", [y, b.const(random(12, 32))])
    y = b.op("MatMul", [y, b.const(random(10, 32))], transpose_b=True)
    return finish(b, b.op("Eltwise", [y, b.const(random(10))], type="SUM"))


def test_bfloat16_rounds_to_the_nearest() -> None:
    array = np.concatenate([random(1000), np.float32([np.inf, -np.inf, 0, -0.0, 1e-40, 3.38e38])])
    stored = as_bfloat16(array.astype(np.float32))
    assert stored is not None
    back = stored.array.astype(np.float32)
    finite = np.isfinite(array)
    assert np.array_equal(back[~finite], array[~finite])
    normal = finite & (np.abs(array) > 1e-37)
    error = np.abs(back[normal] - array[normal])
    assert np.all(error <= np.abs(array[normal]) / 2**8)
    # One number saves nothing, and the largest float32 would become infinite.
    assert as_bfloat16(np.float32([1.001])) is None
    assert as_bfloat16(np.float32([1, np.finfo(np.float32).max])) is None


def test_the_engine_expands_bfloat16() -> None:
    graph = _graph()
    converted = convert_imported("m", graph, weight_format="bfloat16")
    plain = convert_imported("m", graph)
    assert len(converted.model.data) < 0.6 * len(plain.model.data)
    x = {"x": random(1, 6, 6, 8)}
    (got,) = Engine.from_bytes(converted.model.graph, converted.model.data).run(x).values()
    (want,) = Engine.from_bytes(plain.model.graph, plain.model.data).run(x).values()
    assert not np.array_equal(got, want)
    similarity = np.vdot(got, want) / (np.linalg.norm(got) * np.linalg.norm(want))
    assert similarity > 0.9999


def test_an_engine_that_keeps_packed_weights(tmp_path: Path) -> None:
    model = convert_imported("m", _graph()).model
    x = {"x": random(1, 6, 6, 8)}
    (want,) = Engine.from_bytes(model.graph, model.data).run(x).values()
    for _ in range(2):
        engine = Engine.from_bytes(model.graph, model.data, storage_path=tmp_path)
        (got,) = engine.run(x).values()
        assert np.array_equal(got, want)
        (file,) = tmp_path.iterdir()
        assert file.name.startswith("mace_packed_")


def test_the_engine_expands_it() -> None:
    converted = convert_imported("m", _graph(), weight_format="int8")
    net = proto_messages.message_class("mace.NetDef").FromString(
        proto_messages.message_class("mace.ModelDef").FromString(converted.model.graph).net
    )
    axes = {tuple(t.dims): t.quantize_info.axis for t in net.tensors if t.stored_type == 6}
    assert axes == {
        (16, 3, 3, 8): 0,
        (12, 64): 0,
        (10, 32): 0,
    }
    # The same graph, its weights rounded beforehand.
    rounded = converted.graph.copy()
    for name, axis in channel_axes(rounded).items():
        stored = as_int8(rounded.consts[name], axis)
        if stored is None:
            continue
        integers = np.moveaxis(stored.array, axis, -1).astype(np.float32)
        floats = integers * np.array(stored.scales, np.float32)
        rounded.consts[name] = np.ascontiguousarray(np.moveaxis(floats, -1, axis))
    expected = to_bytes(rounded)
    x = {"x": random(1, 6, 6, 8)}
    outputs = []
    for model in (converted.model, expected):
        with Engine.from_bytes(model.graph, model.data) as engine:
            outputs.append(next(iter(engine.run(x).values())))
    assert outputs[0].tobytes() == outputs[1].tobytes()
    report = compare_storage(converted)
    assert report.stored_bytes < report.float32_bytes / 2
    assert all(0.999 < s < 1 for s in report.similarity.values())


def test_axes_of_products() -> None:
    graph = _graph()
    axes = {graph.consts[name].shape: axis for name, axis in channel_axes(graph).items()}
    assert (axes[12, 32], axes[10, 32], axes[12, 64]) == (1, 0, 0)


def test_weights_that_are_something_else_too() -> None:
    b = builder(x=(8, 64))
    shared = b.const(random(64, 64))
    y = b.op("MatMul", ["x", shared])
    y = b.op("FullyConnected", [y, shared])  # the other axis
    added = b.const(random(8, 64))
    graph = finish(b, b.op("Eltwise", [b.op("MatMul", [added, shared]), y], type="SUM"))
    assert channel_axes(graph) == {}


@pytest.mark.parametrize("form", ["float16", "int8"])
def test_convert_tells_size_and_similarity(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    conv_onnx(tmp_path / "net.onnx")
    subgraph = {"input_tensors": ["x"], "input_shapes": ["1,8,8,3"], "output_tensors": ["y"]}
    model: dict[str, Any] = {
        "platform": "onnx",
        "model_file_path": "net.onnx",
        "subgraphs": [subgraph],
        "weight_format": form,
    }
    document = {"library_name": "small", "models": {"small": model}}
    (tmp_path / "net.yml").write_text(yaml.safe_dump(document))
    assert main(["convert", "--config=net.yml", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["models"][0]["weights"]
    assert shown["stored_bytes"] < shown["float32_bytes"]
    assert 0.999 < shown["similarity"]["y"] <= 1
    assert main(["convert", "--config=net.yml"]) == 0
    assert f"small: weights as {form}" in capsys.readouterr().err
    assert main(["run", "--config=net.yml", "--validate", "-q"]) == 0
