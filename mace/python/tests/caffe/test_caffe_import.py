# SPDX-License-Identifier: Apache-2.0
"""Which layers of a Caffe network are imported, under which names, and what is said when not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from caffe_model import caffemodel, input_layer, layer, run, write
from mace.analysis import interpreter
from mace.graph.ir import Array
from mace.importers.base import ImportFailed, InterfaceRequest, Problem
from mace.importers.caffe import describe_model, import_model, output_layers

RNG = np.random.default_rng(6)
CONV = "convolution_param { num_output: 4 kernel_size: 1 }"


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


WEIGHTS = {"conv": [random(4, 3, 1, 1), random(4)], "fc": [random(5, 48), random(5)]}


def network(data: str = input_layer((1, 3, 3, 4))) -> str:
    """A convolution, a ReLU in place, an InnerProduct, a Softmax in place."""
    return (
        data
        + layer("Convolution", "data", "conv", CONV)
        + layer("ReLU", "conv", "conv", name="relu")
        + layer("InnerProduct", "conv", "fc", "inner_product_param { num_output: 5 }")
        + layer("Softmax", "fc", "fc", name="prob")
    )


def problems(folder: Path, text: str, inputs: list[str], outputs: list[str]) -> list[Problem]:
    """What is wrong with importing this."""
    model, data = write(folder, text, WEIGHTS)
    with pytest.raises(ImportFailed) as caught:
        import_model(
            model,
            data,
            [InterfaceRequest(n) for n in inputs],
            [InterfaceRequest(n) for n in outputs],
        )
    return caught.value.problems


def softmax(x: Array) -> Array:
    y = np.exp(x - x.max())
    return y / y.sum()


def test_in_place_layers(tmp_path: Path) -> None:
    x = random(1, 3, 3, 4)
    outputs = ["conv#1", "conv", "fc#1", "fc"]
    _, found = run(network(), WEIGHTS, {"data": x}, outputs, tmp_path)
    conv = np.einsum("oi,nihw->nohw", WEIGHTS["conv"][0][:, :, 0, 0], x)
    conv += WEIGHTS["conv"][1][:, None, None]
    fc = np.maximum(conv, 0).reshape(1, -1) @ WEIGHTS["fc"][0].T + WEIGHTS["fc"][1]
    for actual, value in zip(found, [conv, np.maximum(conv, 0), fc, softmax(fc)], strict=True):
        np.testing.assert_allclose(actual, value, rtol=1e-4, atol=1e-5)


def test_layers_in_place_on_an_input(tmp_path: Path) -> None:
    text = input_layer((1, 2, 3, 4)) + layer("ReLU", "data", "data", name="a")
    text += layer("AbsVal", "data", "y")
    x = random(1, 2, 3, 4)
    graph, (found,) = run(text, None, {"data": x}, ["y"], tmp_path)
    assert graph.inputs[0].name == "data" and graph.nodes[0].outputs == ["data#1"]
    np.testing.assert_array_equal(found, np.maximum(x, 0))


def test_nhwc_borders(tmp_path: Path) -> None:
    model, data = write(tmp_path, network(), WEIGHTS)
    graph = import_model(model, data, [], [InterfaceRequest("conv"), InterfaceRequest("fc")])
    assert graph.inputs[0].shape == (1, 3, 4, 3)
    assert [o.data_format for o in graph.outputs] == ["NHWC", "NONE"]
    x = random(1, 3, 3, 4)
    _, found = run(network(), WEIGHTS, {"data": x}, ["conv", "fc"], tmp_path)
    results = interpreter.outputs(graph, {"data": x.transpose(0, 2, 3, 1)})
    np.testing.assert_allclose(results["conv"], found[0].transpose(0, 2, 3, 1), rtol=1e-5)
    np.testing.assert_allclose(results["fc"], found[1], rtol=1e-5)


@pytest.mark.parametrize(
    "data",
    [
        'input: "data" input_dim: 1 input_dim: 3 input_dim: 3 input_dim: 4\n',
        'input: "data" input_shape { dim: 1 dim: 3 dim: 3 dim: 4 }\n',
        'layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } }\n'
        + input_layer((1, 3, 3, 4)),
    ],
)
def test_forms_of_inputs(tmp_path: Path, data: str) -> None:
    model, weights = write(tmp_path, network(data), WEIGHTS)
    graph = import_model(model, weights, [], [])
    assert [(i.name, i.shape) for i in graph.inputs] == [("data", (1, 3, 4, 3))]
    assert [o.name for o in graph.outputs] == ["fc"]


def test_training_layers_are_left_out(tmp_path: Path) -> None:
    text = (
        'layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "x" } '
        "transform_param { crop_size: 3 } }\n"
        + network("")
        + 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }'
        + 'layer { name: "top1" type: "Accuracy" bottom: "fc" bottom: "label" top: "top1" }'
    )
    model, weights = write(tmp_path, text, WEIGHTS)
    graph = import_model(model, weights, [InterfaceRequest("data", (1, 3, 4, 3))], [])
    assert [i.name for i in graph.inputs] == ["data"]
    assert [o.name for o in graph.outputs] == ["fc"]
    assert "shape" in problems(tmp_path, text, [], [])[0].message


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("include { phase: TEST }", True),
        ("include { phase: TRAIN }", False),
        ("include { phase: TRAIN } include { phase: TEST }", True),
        ("exclude { phase: TEST }", False),
        ("exclude { phase: TRAIN }", True),
        ("include { min_level: 1 }", False),
        ("include { max_level: 1 }", True),
        ('include { stage: "deploy" }', True),
        ('include { stage: "val" }', False),
        ('exclude { stage: "deploy" }', False),
        ('include { not_stage: "deploy" }', False),
        ("phase: TRAIN", False),
    ],
)
def test_phases(tmp_path: Path, rule: str, kept: bool) -> None:
    text = input_layer((1, 2, 3, 4)) + layer("AbsVal", "data", "y")
    text += layer("ReLU", "y", "y", rule, name="relu")
    model, weights = write(tmp_path, text)
    graph = import_model(model, weights, [], [])
    ops = [n.op for n in graph.nodes if n.op != "Transpose"]
    assert ops == (["Unary", "Activation"] if kept else ["Unary"])


def test_only_what_the_outputs_need(tmp_path: Path) -> None:
    text = network() + layer("Nonsense", "conv", "other", "nonsense_param { a: 1 b { c: '}' } }")
    model, weights = write(tmp_path, text, WEIGHTS)
    assert len(import_model(model, weights, [], [InterfaceRequest("fc")]).nodes) > 3
    found = problems(tmp_path, text, [], [])
    assert [(p.kind, p.op, p.node) for p in found] == [("operator", "Nonsense", "other")]


def test_all_problems_at_once(tmp_path: Path) -> None:
    text = (
        network()
        + layer("Relu", "conv", "p")
        + layer("Pooling", "p", "q", "pooling_param { pad: 2 kernel_size: 2 }")
    )
    found = problems(tmp_path, text, ["data"], ["q", "fc"])
    assert [p.kind for p in found] == ["operator", "attribute"]
    assert "did you mean 'ReLU'" in found[0].message and "its pad [2, 2]" in found[1].message


def test_missing_names(tmp_path: Path) -> None:
    found = problems(tmp_path, network(), ["date"], ["fcc"])
    assert "did you mean 'data'?" in found[0].message
    assert "did you mean 'fc'?" in found[1].message


def test_an_input_within_the_network(tmp_path: Path) -> None:
    x = np.abs(random(1, 4, 3, 4))
    _, (found,) = run(network(), WEIGHTS, {"conv": x}, ["fc"], tmp_path)
    fc = x.reshape(1, -1) @ WEIGHTS["fc"][0].T + WEIGHTS["fc"][1]
    np.testing.assert_allclose(found, softmax(fc), rtol=1e-4)


def test_wrong_channels_and_type(tmp_path: Path) -> None:
    model, data = write(tmp_path, network(), WEIGHTS)
    with pytest.raises(ImportFailed, match=r"does not fit the network's \[1, 3, 4, 3\]"):
        import_model(model, data, [InterfaceRequest("data", (1, 3, 5, 5))], [])
    with pytest.raises(ImportFailed, match="i32 was requested"):
        import_model(model, data, [InterfaceRequest("data", None, "i32")], [])
    import_model(model, data, [InterfaceRequest("data", (1, 3, 9, 9), None, "NCHW")], [])


def test_missing_and_wrong_weights(tmp_path: Path) -> None:
    model, data = write(
        tmp_path, network(), {"cov": WEIGHTS["conv"], "fc": [random(3, 7), random(5)]}
    )
    with pytest.raises(ImportFailed) as caught:
        import_model(model, data, [], [])
    first, second = caught.value.problems
    assert first.node == "conv" and "blobs" in first.message and "'cov'" in first.hint
    assert second.node == "fc" and "do not fit" in second.message
    with pytest.raises(ImportFailed, match="blobs"):
        import_model(model, None, [], [])


def test_old_forms_of_weights(tmp_path: Path) -> None:
    x = random(1, 3, 3, 4)
    _, expected = run(network(), WEIGHTS, {"data": x}, ["fc"], tmp_path)
    model, data = write(tmp_path, network(), WEIGHTS)
    data.write_bytes(caffemodel(WEIGHTS, old_shapes=True))
    graph = import_model(model, data, [InterfaceRequest("data", None, None, "NCHW")], [])
    np.testing.assert_array_equal(interpreter.outputs(graph, {"data": x})["fc"], expected[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layer {\n  name: 'a'\n  type: ", ":3:"),
        ("layer {\n  name: 'a'\n  top 'b'\n}", ":3:"),
        ("layer {\n  convolution_param {\n    kernel: 3\n  }\n}", ':3:.*no field named "kernel"'),
        ("layer {\n  pooling_param { pool: MIN } }", ":2:.*MIN"),
        ("}", ":1:"),
        ("", "no layers"),
        ("layers { name: 'a' }", "no type"),
        ("layers { name: 'a' type: CONVOLUTIO }", ":1:.*CONVOLUTIO"),
        ("layers { layer { name: 'a' type: 'convolution' } }", "'convolution', which Caffe"),
        ("layers { name: 'a' type: RELU } layer { name: 'b' type: 'ReLU' }", "both"),
        ("layer { type: 'AbsVal' name: 'a' } layer { type: 'AbsVal' name: 'a' }", "2 layers"),
        ("x { " * 5000, ":1:"),
    ],
)
def test_text_that_does_not_parse(tmp_path: Path, text: str, words: str) -> None:
    model, data = write(tmp_path, text)
    with pytest.raises(ImportFailed, match="(?s)" + words):
        import_model(model, data, [], [])


def test_files_that_are_something_else(tmp_path: Path) -> None:
    model, data = write(tmp_path, network(), WEIGHTS)
    with pytest.raises(ImportFailed, match="not text"):
        model.write_bytes(b"\xff\xfe\x00")
        import_model(model, data, [], [])
    with pytest.raises(ImportFailed, match="cannot be read"):
        import_model(tmp_path / "none.prototxt", data, [], [])
    model.write_text(network())
    for content, words in ((b"\x0a\xff\xff\xff", "not a caffemodel"), (b"", "no layers")):
        data.write_bytes(content)
        with pytest.raises(ImportFailed, match=words):
            import_model(model, data, [], [])


def test_damaged_files_give_problems(tmp_path: Path) -> None:
    model, data = write(tmp_path, network(), WEIGHTS)
    texts, weights = model.read_bytes(), data.read_bytes()
    rng = np.random.default_rng(7)
    for trial in range(400):
        path, whole = (model, texts) if trial % 2 else (data, weights)
        damaged = bytearray(whole[: int(rng.integers(1, len(whole)))] if trial % 4 < 2 else whole)
        for position in rng.integers(0, len(damaged), 3):
            damaged[position] ^= 1 << int(rng.integers(0, 7))
        path.write_bytes(damaged)
        try:
            import_model(model, data, [], [])
        except ImportFailed as error:
            assert all(p.message for p in error.problems)
        path.write_bytes(whole)


def test_describe_and_layers_of_outputs(tmp_path: Path) -> None:
    model, data = write(tmp_path, network(), WEIGHTS)
    description = describe_model(model, data)
    assert [(i.name, i.shape, i.data_format) for i in description.inputs] == [
        ("data", (1, 3, 4, 3), "NHWC")
    ]
    assert [o.name for o in description.outputs] == ["fc"]
    assert description.operators == {"Convolution": 1, "InnerProduct": 1, "ReLU": 1, "Softmax": 1}
    assert output_layers(model, ["conv", "fc", "fc#1", "none"]) == {
        "conv": ("relu", "ReLU", 0),
        "fc": ("prob", "Softmax", 0),
        "fc#1": ("fc", "InnerProduct", 0),
    }
