# SPDX-License-Identifier: Apache-2.0
"""How networks are read: old forms of prototxts, shared weights, phases and stages, and what is said
of networks that contradict themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from caffe_model import expect, input_layer, layer, run, write
from mace.analysis import interpreter
from mace.graph.ir import Array
from mace.importers.base import ImportFailed, InterfaceRequest
from mace.importers.caffe import CAFFE, describe_model, import_model
from mace.importers.caffe.prototxt import read_network
from mace.proto_messages import message_class, new

RNG = np.random.default_rng(12)
INPUT = 'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9\n'


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


WEIGHTS = {"conv1": [random(4, 3, 3, 3), random(4)], "ip": [random(5, 4), random(5)]}
TODAY = (
    layer(
        "Convolution",
        "data",
        "conv1",
        "convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 }",
    )
    + layer("ReLU", "conv1", "conv1", name="relu1")
    + layer("LRN", "conv1", "norm", "lrn_param { local_size: 3 alpha: 0.5 }")
    + layer("Pooling", "norm", "pool", "pooling_param { pool: AVE kernel_size: 4 stride: 4 }")
    + layer("Concat", "pool pool", "twice", "concat_param { concat_dim: 2 }")
    + layer("Pooling", "twice", "one", "pooling_param { kernel_size: 4 stride: 4 }")
    + layer("InnerProduct", "one", "ip", "inner_product_param { num_output: 5 }")
    + layer("Softmax", "ip", "prob")
)
V1 = """
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1" blobs_lr: 1 blobs_lr: 2
  weight_decay: 1 convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 } }
layers { name: "relu1" type: RELU bottom: "conv1" top: "conv1" }
layers { name: "norm" type: LRN bottom: "conv1" top: "norm" lrn_param { local_size: 3 alpha: 0.5 } }
layers { name: "pool" type: POOLING bottom: "norm" top: "pool"
  pooling_param { pool: AVE kernel_size: 4 stride: 4 } }
layers { name: "twice" type: CONCAT bottom: "pool" bottom: "pool" top: "twice"
  concat_param { concat_dim: 2 } }
layers { name: "one" type: POOLING bottom: "twice" top: "one"
  pooling_param { kernel_size: 4 stride: 4 } }
layers { name: "ip" type: INNER_PRODUCT bottom: "one" top: "ip"
  inner_product_param { num_output: 5 } }
layers { name: "acc" type: ACCURACY bottom: "ip" bottom: "label" top: "acc" include { phase: TEST } }
layers { name: "prob" type: SOFTMAX bottom: "ip" top: "prob" }
"""
V0 = """
layers { layer { name: "pad1" type: "padding" pad: 1 } bottom: "data" top: "padded" }
layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 3 stride: 2
  weight_filler { type: "gaussian" std: 0.01 } blobs_lr: 1. weight_decay: 0. }
  bottom: "padded" top: "conv1" }
layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
layers { layer { name: "norm" type: "lrn" local_size: 3 alpha: 0.5 beta: 0.75 }
  bottom: "conv1" top: "norm" }
layers { layer { name: "pool" type: "pool" pool: AVE kernelsize: 4 stride: 4 }
  bottom: "norm" top: "pool" }
layers { layer { name: "twice" type: "concat" concat_dim: 2 } bottom: "pool" bottom: "pool"
  top: "twice" }
layers { layer { name: "one" type: "pool" kernelsize: 4 stride: 4 } bottom: "twice" top: "one" }
layers { layer { name: "ip" type: "innerproduct" num_output: 5 } bottom: "one" top: "ip" }
layers { layer { name: "prob" type: "softmax" } bottom: "ip" top: "prob" }
"""


@pytest.mark.parametrize("text", [V1, V0])
def test_old_prototxts(tmp_path: Path, text: str) -> None:
    x = random(1, 3, 8, 9)
    _, (expected,) = run(INPUT + TODAY, WEIGHTS, {"data": x}, ["prob"], tmp_path)
    _, (found,) = run(INPUT + text, WEIGHTS, {"data": x}, ["prob"], tmp_path)
    np.testing.assert_array_equal(found, expected)
    old = {layer.name: layer for layer in read_network(tmp_path / "net.prototxt")[0].layer}
    (tmp_path / "today.prototxt").write_text(INPUT + TODAY)
    for new_layer in read_network(tmp_path / "today.prototxt")[0].layer:
        assert old[new_layer.name].type == new_layer.type


def test_every_old_type_has_a_name_of_today() -> None:
    """Types of V1 become names that are registered, inputs, or layers that are left out."""
    network = new("mace.caffe.NetParameter", "caffe.desc")
    types = message_class("mace.caffe.V1LayerParameter", "caffe.desc").DESCRIPTOR.enum_types[0]
    for value in types.values_by_name.values():
        if value.name != "NONE":
            network.layers.add(name=value.name, type=value.number)
    from mace.importers.caffe.upgrade import upgrade

    upgrade(network, "x.prototxt")
    left = {"Accuracy", "HDF5Output", "Silence"}
    data = {"Data", "DummyData", "HDF5Data", "ImageData", "MemoryData", "WindowData"}
    names = {m.type for m in network.layer}
    assert {n for n in names - left - data if not n.endswith("Loss")} <= set(CAFFE.ops())


def test_old_caffemodels(tmp_path: Path) -> None:
    """Weights under the names of V1 and V0, with four dimensions each."""
    x = random(1, 3, 8, 9)
    _, (expected,) = run(INPUT + TODAY, WEIGHTS, {"data": x}, ["prob"], tmp_path)
    for oldest in (False, True):
        net = new("mace.caffe.NetWeights", "caffe.desc")
        for name, arrays in WEIGHTS.items():
            outer = net.layers.add()
            target = outer.layer if oldest else outer
            target.name = name
            for array in arrays:
                blob = target.blobs.add()
                dims = [1] * (4 - array.ndim) + list(array.shape)
                blob.num, blob.channels, blob.height, blob.width = dims
                blob.data.append(array.tobytes())
        model, data = write(tmp_path, INPUT + TODAY)
        data.write_bytes(net.SerializeToString())
        graph = import_model(model, data, [InterfaceRequest("data", None, None, "NCHW")], [])
        np.testing.assert_array_equal(interpreter.outputs(graph, {"data": x})["prob"], expected)


def test_padding_before_something_else(tmp_path: Path) -> None:
    text = INPUT + 'layers { layer { name: "p" type: "padding" pad: 1 } bottom: "data" top: "q" }'
    text += 'layers { layer { name: "r" type: "relu" } bottom: "q" top: "r" }'
    with pytest.raises(ImportFailed, match="padded blob"):
        import_model(*write(tmp_path, text), [], [])


SHARED = "inner_product_param { num_output: 6 bias_term: false }"


@pytest.mark.parametrize("file", ["both", "first", "second"])
def test_shared_weights(tmp_path: Path, file: str) -> None:
    x, weight = random(2, 6), random(6, 6)
    body = layer("InnerProduct", "data", "a", 'param { name: "w" } ' + SHARED)
    body += layer("InnerProduct", "a", "y", 'param { name: "w" } ' + SHARED)
    weights = {"a": [weight], "y": [weight]}
    kept = {n: w for n, w in weights.items() if file == "both" or (n == "a") == (file == "first")}
    expect(tmp_path, body, x, x @ weight.T @ weight.T, kept)


def test_weights_shared_with_other_dimensions(tmp_path: Path) -> None:
    x, weight = random(2, 4, 3, 3), random(3, 4, 1, 1)
    body = layer(
        "Convolution",
        "data",
        "a",
        'param { name: "w" } convolution_param { num_output: 3 kernel_size: 1 bias_term: false }',
    )
    body += layer(
        "InnerProduct",
        "data",
        "y",
        'param { name: "w" } inner_product_param { num_output: 2 bias_term: false }',
    )
    with pytest.raises(ImportFailed, match=r"weights of shape \[3, 4, 1, 1\] do not fit \[2, \?\]"):
        import_model(*write(tmp_path, input_layer(x.shape) + body, {"a": [weight]}), [], [])


def test_permissive_sharing(tmp_path: Path) -> None:
    x, weight = random(2, 3), random(3, 1, 1)
    spec = 'param { name: "w" share_mode: PERMISSIVE }'
    body = layer("Parameter", "", "p", spec + " parameter_param { shape { dim: 3 dim: 1 dim: 1 } }")
    body = body.replace('bottom: ""', "")
    body += layer("Parameter", "", "q", spec + " parameter_param { shape { dim: 1 dim: 3 } }")
    body = body.replace('bottom: ""', "") + layer("Eltwise", "data r", "y")
    body += layer("Reshape", "p", "s", "reshape_param { shape { dim: 1 dim: 3 } }")
    body = body.replace('bottom: "r"', 'bottom: "t"')
    tile = layer("Tile", "q", "t", "tile_param { axis: 0 tiles: 2 }")
    position = body.index('layer { name: "y"')
    body = body[:position] + tile + body[position:]
    expect(tmp_path, body, x, x + weight.reshape(1, 3), {"p": [weight]})


def outputs(folder: Path, text: str) -> list[str]:
    return [o.name for o in import_model(*write(folder, text), [], []).outputs]


def test_loss_becomes_softmax(tmp_path: Path) -> None:
    data = input_layer((2, 5)) + input_layer((2,), "label")
    for tops, name in (("loss", "loss"), ("loss prob", "prob")):
        text = data + layer("SoftmaxWithLoss", "data label", tops, name="loss")
        assert outputs(tmp_path, text) == [name]
    text = data + layer("Softmax", "data", "prob")
    text += layer("SoftmaxWithLoss", "data label", "loss")
    assert outputs(tmp_path, text) == ["prob"]
    x = random(2, 5)
    y = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    text = layer("SoftmaxWithLoss", "data label", "y")
    _, (found,) = run(input_layer(x.shape) + text, None, {"data": x}, ["y"], tmp_path)
    np.testing.assert_allclose(found, y, rtol=1e-5)


def test_silence_and_stored_results(tmp_path: Path) -> None:
    text = input_layer((2, 6)) + layer("Slice", "data", "a b", name="slice")
    text += layer("AbsVal", "a", "y")
    assert outputs(tmp_path, text) == ["b", "y"]
    silence = 'layer { name: "hush" type: "Silence" bottom: "b" }\n'
    assert outputs(tmp_path, text + silence) == ["y"]
    stored = 'layer { name: "store" type: "HDF5Output" bottom: "y" bottom: "b" }\n'
    assert outputs(tmp_path, text + stored) == ["b", "y"]


@pytest.mark.parametrize(
    ("state", "rule", "kept"),
    [
        ("state { level: 2 }", "include { min_level: 1 }", True),
        ("state { level: 2 }", "include { max_level: 1 }", False),
        ("state { level: 2 }", "include { min_level: 1 max_level: 2 phase: TEST }", True),
        ('state { stage: "a" stage: "b" }', 'include { stage: "a" stage: "b" }', True),
        ('state { stage: "a" }', 'include { stage: "a" stage: "b" }', False),
        ('state { stage: "a" }', 'include { stage: "deploy" }', False),
        ('state { stage: "a" }', 'exclude { not_stage: "b" }', False),
        ('state { stage: "a" }', 'exclude { stage: "b" }', True),
        ("state { phase: TRAIN }", "include { phase: TEST }", True),
    ],
)
def test_states(tmp_path: Path, state: str, rule: str, kept: bool) -> None:
    text = (
        state
        + input_layer((2, 6))
        + layer("AbsVal", "data", "x")
        + layer("ELU", "x", "x", rule, "e")
    )
    kinds = describe_model(write(tmp_path, text)[0]).operators
    assert ("ELU" in kinds) == kept


@pytest.mark.parametrize(
    "data",
    [
        'layer { name: "d" type: "DummyData" top: "data" dummy_data_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }',
        'layer { name: "d" type: "DummyData" top: "data" dummy_data_param { num: 2 channels: 3 height: 4 width: 5 } }',
        'layer { name: "d" type: "MemoryData" top: "data" top: "label" '
        "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 } }",
    ],
)
def test_data_layers_that_tell_their_shape(tmp_path: Path, data: str) -> None:
    graph = import_model(*write(tmp_path, data + layer("AbsVal", "data", "y")), [], [])
    assert [(i.name, i.shape) for i in graph.inputs] == [("data", (2, 4, 5, 3))]


@pytest.mark.parametrize("kind", ["Data", "HDF5Data", "ImageData", "WindowData", "AnnotatedData"])
def test_data_layers_become_inputs(tmp_path: Path, kind: str) -> None:
    data = f'layer {{ name: "d" type: "{kind}" top: "data" top: "label" }}'
    model, weights = write(tmp_path, data + layer("AbsVal", "data", "y"))
    graph = import_model(model, weights, [InterfaceRequest("data", (1, 4, 5, 3))], [])
    assert [(i.name, i.shape) for i in graph.inputs] == [("data", (1, 4, 5, 3))]


def test_an_input_of_which_the_network_knows_nothing(tmp_path: Path) -> None:
    """Its data layer was of the training phase, say."""
    model, weights = write(tmp_path, layer("AbsVal", "data", "y"))
    with pytest.raises(
        ImportFailed, match=r"layer 'y' \(net.prototxt:1\) reads it and none writes"
    ):
        import_model(model, weights, [], [])
    graph = import_model(model, weights, [InterfaceRequest("data", (1, 4, 5, 3))], [])
    assert [i.name for i in graph.inputs] == ["data"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            layer("AbsVal", "b", "a") + layer("AbsVal", "a", "b"),
            r"layer 'a' \(net.prototxt:2\) reads it before the layer that writes it",
        ),
        (
            layer("AbsVal", "data", "a") + layer("ReLU", "data", "a", name="r"),
            "also that of layer 'a'",
        ),
        (
            layer("AbsVal", "data", "data", name="a") + layer("Eltwise", "data x", "y"),
            "none writes",
        ),
        (layer("Split", "data", "a a", name="s"), r"the top 'a' 2 times \(net.prototxt:2\)"),
        (layer("Input", "", "data", name="i").replace('bottom: ""', ""), "is an input already"),
        (layer("AbsVal", "", "y").replace('bottom: ""', ""), "it has 0 bottoms"),
        (layer("Bias", "data", "y", "bias_param { axis: 9 }"), r"axis 9 .*prototxt:2\)"),
        (layer("Reshape", "data", "y", "reshape_param { shape { dim: -7 } }"), "its shape is"),
        (layer("Permute", "data", "y", "permute_param { order: 4000000000 }"), "order"),
        (layer("Pooling", "data", "y", "pooling_param { kernel_size: 3 stride: 0 }"), "stride"),
        (
            layer(
                "Convolution",
                "data",
                "y",
                "convolution_param { num_output: 4294967295 kernel_size: 1 }",
            ),
            "blobs",
        ),
        (input_layer((1, -3, 4, 4), "z") + layer("AbsVal", "z", "y"), "dimension outside of 1"),
        (input_layer((1, 2**40, 4, 4), "z") + layer("AbsVal", "z", "y"), "dimension outside of 1"),
        (layer("AbsVa", "data", "y"), "did you mean 'AbsVal'"),
    ],
)
def test_networks_that_contradict(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(ImportFailed, match=words):
        import_model(*write(tmp_path, input_layer((1, 2, 3, 4)) + body), [], [])


def test_every_layer_type_has_a_case() -> None:
    """Each type that is registered is named in the tests of layers."""
    names: set[str] = set()
    for path in Path(__file__).parent.glob("test_caffe_*.py"):
        if path != Path(__file__):
            tree = ast.parse(path.read_text())
            names.update(
                n.value
                for n in ast.walk(tree)
                if isinstance(n, ast.Constant) and isinstance(n.value, str)
            )
    assert set(CAFFE.ops()) <= names, set(CAFFE.ops()) - names
