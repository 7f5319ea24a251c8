# SPDX-License-Identifier: Apache-2.0
"""Whole models: borders, names, problems, files that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from mace.analysis import interpreter
from mace.convert import ConversionError, convert_imported
from mace.errors import MaceError
from mace.importers.base import ImportFailed, InterfaceRequest
from mace.importers.onnx import describe_model, import_model
from mace.importers.onnx.importer import import_proto
from onnx import TensorProto, helper, numpy_helper
from onnx_models import compare, imported, model, random

WEIGHT = random(4, 3, 3, 3)


def _conv_relu() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    return model(nodes, {"x": ("n", 3, "h", "w")}, ["y"], {"w": WEIGHT})


def _save(path: Path, proto: onnx.ModelProto) -> Path:
    path.write_bytes(proto.SerializeToString())
    return path


def test_borders_are_nhwc(tmp_path: Path) -> None:
    graph = import_model(_save(tmp_path / "m.onnx", _conv_relu()), None, [], [])
    assert [(i.name, i.shape, i.data_format) for i in graph.inputs] == [
        ("x", (-1, -1, -1, 3), "NHWC")
    ]
    assert [(o.name, o.shape, o.data_format) for o in graph.outputs] == [
        ("y", (-1, -1, -1, 4), "NHWC")
    ]
    x = random(2, 5, 6, 3)
    got = interpreter.outputs(graph, {"x": x})["y"]
    plain = interpreter.outputs(imported(_conv_relu()), {"x": x.transpose(0, 3, 1, 2)})["y"]
    np.testing.assert_allclose(got, plain.transpose(0, 2, 3, 1), rtol=1e-5)


def test_shapes_of_the_deployment_file() -> None:
    graph = import_proto(_conv_relu(), [InterfaceRequest("x", (1, 8, 6, 3))])
    assert graph.inputs[0].shape == (1, 8, 6, 3)
    assert graph.outputs[0].shape == (1, 8, 6, 4)
    graph = import_proto(_conv_relu(), [InterfaceRequest("x", (1, 3, 8, 6), None, "NCHW")])
    assert (graph.inputs[0].shape, graph.inputs[0].data_format) == ((1, 3, 8, 6), "NCHW")


@pytest.mark.parametrize("shape", [(1, 8, 6, 4), (1, 8, 6), (1, 3, 8, 6)])
def test_wrong_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImportFailed, match=r"the model's input is \?x3x\?x\?") as caught:
        import_proto(_conv_relu(), [InterfaceRequest("x", shape)])
    assert "input_shapes" in caught.value.problems[0].hint


def test_cut_in_the_middle() -> None:
    graph = import_proto(
        _conv_relu(), [InterfaceRequest("c", (1, 4, 5, 6), None, "NCHW")], [InterfaceRequest("y")]
    )
    assert [n.op for n in graph.nodes] == ["Activation", "Transpose"]
    graph = import_proto(_conv_relu(), [], [InterfaceRequest("c")])
    assert [o.name for o in graph.outputs] == ["c"]
    assert "Activation" not in [n.op for n in graph.nodes]


def test_missing_names_get_a_suggestion() -> None:
    with pytest.raises(ImportFailed) as caught:
        import_proto(_conv_relu(), [InterfaceRequest("X")], [InterfaceRequest("yy")])
    messages = [p.message for p in caught.value.problems]
    assert len(messages) == 2
    assert "did you mean 'x'?" in messages[0]
    assert "did you mean 'y'?" in messages[1]


def test_needed_input_that_is_not_given() -> None:
    two = model([helper.make_node("Add", ["a", "b"], ["y"])], {"a": (2,), "b": (2,)}, ["y"])
    with pytest.raises(ImportFailed, match="not among those given"):
        import_proto(two, [InterfaceRequest("a")])


def test_all_problems_at_once() -> None:
    nodes = [
        helper.make_node("Multinomial", ["x"], ["a"], name="first"),
        helper.make_node("Conv", ["a", "w"], ["b"], name="second"),
        helper.make_node("MaxPool", ["b"], ["c"], name="third", kernel_shape=[2, 2, 2, 2]),
        helper.make_node("Fancy", ["c"], ["y"], name="fourth", domain="com.acme"),
    ]
    inputs = {"x": (1, 3, 8, 8), "w": (4, 3, 3, 3, 3, 3)}
    with pytest.raises(ImportFailed) as caught:
        import_proto(model(nodes, inputs, ["y"]))
    problems = caught.value.problems
    assert [(p.kind, p.op, p.node) for p in problems] == [
        ("operator", "Multinomial", "first"),
        ("attribute", "Conv", "second"),
        ("attribute", "MaxPool", "third"),
        ("operator", "com.acme.Fancy", "fourth"),
    ]
    assert problems[0].shapes == "1x3x8x8"
    assert all(p.message and p.hint for p in problems)


def test_only_what_the_outputs_need_is_imported() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["y"]),
        helper.make_node("GridSample", ["x", "x"], ["unused"]),
    ]
    graph = import_proto(model(nodes, {"x": (1, 2, 3, 4)}, ["y"]))
    assert "y" in {o.name for o in graph.outputs}


def test_hostile_names() -> None:
    name = "a\"b'c\n/../d;$(rm)"
    node = helper.make_node("Relu", [name], [name + "y"], name=name)
    graph = imported(model([node], {name: (2, 3)}, [name + "y"]))
    x = random(2, 3)
    np.testing.assert_array_equal(
        interpreter.outputs(graph, {name: x})[name + "y"], np.maximum(x, 0)
    )


def test_initializers_that_are_inputs_too() -> None:
    """As models of IR version 3 list them."""
    proto = _conv_relu()
    proto.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, (4, 3, 3, 3)))
    assert [i.name for i in import_proto(proto).inputs] == ["x"]


def test_constant_node_and_output_that_is_a_constant() -> None:
    value = random(1, 2, 3, 4)
    nodes = [
        helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(value)),
        helper.make_node("Add", ["x", "k"], ["y"]),
    ]
    graph = import_proto(model(nodes, {"x": (1, 2, 3, 4)}, ["y", "k"]))
    got = interpreter.outputs(graph, {"x": value.transpose(0, 2, 3, 1)})
    np.testing.assert_array_equal(got["k"], value.transpose(0, 2, 3, 1))
    np.testing.assert_allclose(got["y"], 2 * value.transpose(0, 2, 3, 1))


def test_half_and_double_become_float32() -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
        helper.make_node("Mul", ["h", "k"], ["m"]),
        helper.make_node("Cast", ["m"], ["y"], to=TensorProto.FLOAT),
    ]
    graph = imported(model(nodes, {"x": (2,)}, ["y"], {"k": np.array([0.5], np.float16)}))
    assert {a.dtype for a in graph.consts.values()} == {np.dtype(np.float32)}


def test_constants_of_other_types() -> None:
    nodes = [helper.make_node("Equal", ["x", "s"], ["y"])]
    proto = model(nodes, {"x": (1,)}, ["y"], {"s": np.array(["a"], object)})
    with pytest.raises(ImportFailed, match="it holds strings"):
        import_proto(proto)
    proto = model(
        [helper.make_node("Add", ["x", "k"], ["y"])],
        {"x": (1,)},
        ["y"],
        {"k": np.zeros(1, np.complex64)},
    )
    with pytest.raises(ImportFailed, match="COMPLEX64 is not one of MACE's"):
        import_proto(proto)


def test_sequences_are_named() -> None:
    node = helper.make_node("SequenceConstruct", ["x"], ["y"])
    with pytest.raises(ImportFailed, match="MACE has no operator for SequenceConstruct"):
        import_proto(model([node], {"x": (2,)}, ["y"]))


def test_too_many_dimensions() -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])], {"x": (1,) * 7}, ["y"])
    with pytest.raises(MaceError, match="the input 'x' has 7 dimensions"):
        convert_imported("onnx", import_proto(proto))


def test_cycle() -> None:
    nodes = [helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    with pytest.raises(ImportFailed, match="cycle"):
        import_proto(model(nodes, {"x": (1,)}, ["b"]))


def test_nodes_out_of_order() -> None:
    nodes = [helper.make_node("Relu", ["b"], ["y"]), helper.make_node("Neg", ["x"], ["b"])]
    assert [n.op for n in imported(model(nodes, {"x": (2,)}, ["y"])).nodes] == [
        "Unary",
        "Activation",
    ]


def test_attributes_of_wrong_types() -> None:
    for node in (
        helper.make_node("Conv", ["x", "w"], ["y"], strides="two"),
        helper.make_node("Conv", ["x", "w"], ["y"], strides=[1, 1, 1]),
        helper.make_node("Conv", ["x", "w"], ["y"], pads=[1]),
        helper.make_node("Conv", ["x", "w"], ["y"], group=0),
        helper.make_node("Concat", ["x"], ["y"]),
        helper.make_node("Transpose", ["x"], ["y"], perm=[0.5]),
        helper.make_node("Add", ["x"], ["y"]),
        helper.make_node("Split", ["x"], ["y"], axis=9),
        helper.make_node("Softmax", [], ["y"]),
        helper.make_node("Cast", ["x"], ["y"], to=99),
        helper.make_node("Resize", ["x"], ["y"], mode="cubic"),
    ):
        proto = model([node], {"x": (1, 3, 8, 8)}, ["y"], {"w": random(4, 3, 3, 3)})
        with pytest.raises((ImportFailed, ConversionError)):
            convert_imported("test", import_proto(proto))


def test_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(MaceError, match="cannot be read: No such file"):
        import_model(path, None, [], [])
    path.write_bytes(b"GIF89a, clearly not a model")
    with pytest.raises(MaceError, match="not an ONNX model|holds no ONNX graph"):
        import_model(path, None, [], [])
    path.write_bytes(b"")
    with pytest.raises(MaceError, match="holds no ONNX graph"):
        import_model(path, None, [], [])


def test_truncated_and_flipped_models_never_crash(tmp_path: Path) -> None:
    content = _conv_relu().SerializeToString()
    rng = np.random.default_rng(5)
    path = tmp_path / "m.onnx"
    for trial in range(150):
        damaged = bytearray(content[: rng.integers(len(content))] if trial % 2 else content)
        for _ in range(3 * (trial % 3)):
            if damaged:
                damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            import_model(path, None, [], [])
        except MaceError as error:
            assert str(error)


def test_external_weights(tmp_path: Path) -> None:
    proto = _conv_relu()
    onnx.save(
        proto, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0
    )
    graph = import_model(tmp_path / "m.onnx", None, [], [])
    assert any(a.shape == (4, 3, 3, 3) for a in graph.consts.values())
    (tmp_path / "w.bin").unlink()
    with pytest.raises(MaceError, match=r"tensor 'w' cannot be read: there is no file 'w.bin'"):
        import_model(tmp_path / "m.onnx", None, [], [])


def _external(**entries: str) -> onnx.ModelProto:
    """A model whose filter of 432 bytes is said to lie elsewhere."""
    proto = _conv_relu()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": "w.bin", **entries}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return proto


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("../secret.bin", "is not a path inside"),
        ("sub/../../secret.bin", "is not a path inside"),
        ("..\\secret.bin", "is not a path inside"),
        ("/etc/hostname", "is not a path inside"),
        ("C:\\secret.bin", "is not a path inside"),
        ("", "is not a path inside"),
        ("link.bin", "is a link out of"),
        ("linked/secret.bin", "is a link out of"),
        (".", "is not a path inside"),
        ("model", "is no file"),
        ("none.bin", "there is no file"),
        ("nul\0.bin", "there is no file"),
    ],
)
def test_external_weights_stay_in_the_folder(tmp_path: Path, location: str, message: str) -> None:
    folder = tmp_path / "model"
    (folder / "model").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(bytes(432))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    (folder / "linked").symlink_to(tmp_path)
    path = _save(folder / "m.onnx", _external(location=location))
    with pytest.raises(MaceError, match=message):
        import_model(path, None, [], [])


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"offset": "68"}, "end at byte 500 of 'w.bin', which has 499 bytes"),
        ({"length": "400"}, "400 bytes are given for 432 bytes"),
        ({"offset": "-4"}, "offset is '-4', which is no number"),
        ({"offset": "9" * 30}, "which is no number"),
        ({"offset": "999999999999999999"}, "which has 499 bytes"),
        ({"length": "many"}, "length is 'many'"),
    ],
)
def test_external_weights_that_are_not_there(
    tmp_path: Path, entries: dict[str, str], message: str
) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(499))
    with pytest.raises(MaceError, match=message):
        import_model(_save(tmp_path / "m.onnx", _external(**entries)), None, [], [])
    with pytest.raises(ImportFailed, match="without its folder"):
        import_proto(_external(**entries))


def test_external_weights_beyond_four_gigabytes(tmp_path: Path) -> None:
    """They are read where they lie: of a file with a hole before them."""
    offset = 5 * 2**30
    weight = random(4, 3, 3, 3)
    with (tmp_path / "w.bin").open("wb") as file:
        file.seek(offset)
        file.write(weight.tobytes())
    path = _save(tmp_path / "m.onnx", _external(offset=str(offset), length="432"))
    graph = import_model(path, None, [], [])
    np.testing.assert_array_equal(graph.consts["w"], weight)


def test_local_functions_are_inlined() -> None:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    body = [helper.make_node("Neg", ["a"], ["n"]), helper.make_node("Relu", ["n"], ["r"])]
    function = helper.make_function("local", "NegRelu", ["a"], ["r"], body, opsets[:1])
    graph = helper.make_graph(
        [helper.make_node("NegRelu", ["x"], ["y"], domain="local")],
        "g",
        [helper.make_tensor_value_info("x", 1, (2, 3))],
        [helper.make_tensor_value_info("y", 1, (2, 3))],
    )
    proto = helper.make_model(graph, functions=[function], opset_imports=opsets, ir_version=8)
    compare(proto)


def test_describe(tmp_path: Path) -> None:
    described = describe_model(_save(tmp_path / "m.onnx", _conv_relu()))
    assert described.operators == {"Conv": 1, "Relu": 1}
    assert described.inputs[0].shape == (-1, -1, -1, 3)
    assert described.outputs[0].data_format == "NHWC"


def test_ranks_behind_a_computed_reshape() -> None:
    """onnx gives up on shapes behind a Reshape to a computed shape; channels are found all the same."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Mul", ["s", "one"], ["t"]),
        helper.make_node("Reshape", ["x", "t"], ["r"]),
        helper.make_node("Relu", ["r"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["y"]),
    ]
    feed = {"x": random(2, 3, 4, 5)}
    compare(model(nodes, {"x": ("n", 3, "h", "w")}, ["y"], {"one": np.ones(4, np.int64)}), feed)
