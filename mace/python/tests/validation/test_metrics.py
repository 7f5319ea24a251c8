# SPDX-License-Identifier: Apache-2.0
"""The measures against values worked out by hand, and what they say of odd tensors."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mace.errors import MaceError
from mace.runtime import TensorInfo
from mace.validation.compare import compare, log_csv
from mace.validation.inputs import file_inputs, random_inputs, raw_inputs, sized_inputs
from mace.validation.metrics import cosine_similarity, decibels, pixel_accuracy, sqnr
from mace.validation.reference import Reference


def array(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_cosine() -> None:
    assert cosine_similarity(array(3, 4), array(6, 8)) == pytest.approx(1.0)
    assert cosine_similarity(array(1, 0), array(0, 1)) == 0.0
    assert cosine_similarity(array(1, 0), array(1, 1)) == pytest.approx(1 / math.sqrt(2))
    assert cosine_similarity(array(0, 0), array(0, 0)) == 1.0
    assert cosine_similarity(array(0, 0), array(0, 1)) == 0.0
    assert cosine_similarity(array(), array()) == 1.0
    assert math.isnan(cosine_similarity(array(1, math.nan), array(1, 2)))
    assert math.isnan(cosine_similarity(array(1, math.inf), array(1, 2)))
    assert cosine_similarity(array(1e38, 1e38), array(1e38, 1e38)) == pytest.approx(1.0)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=20), st.floats(0.1, 100))
def test_cosine_does_not_see_scale(values: list[float], factor: float) -> None:
    x = np.array(values, np.float64)
    assert cosine_similarity(x, x * factor) == pytest.approx(1.0)


def test_sqnr() -> None:
    assert sqnr(array(3, 4), array(3, 3)) == 25.0
    assert decibels(sqnr(array(3, 4), array(3, 3))) == pytest.approx(13.9794, abs=1e-4)
    assert sqnr(array(1, 2), array(1, 2)) == math.inf
    assert decibels(math.inf) == math.inf
    assert sqnr(array(0, 0), array(0, 1)) == 0.0
    assert decibels(0.0) == -math.inf
    assert math.isnan(sqnr(array(math.nan), array(1)))


def test_pixel_accuracy() -> None:
    x = np.array([[1, 2, 3], [9, 1, 1]], np.float32)
    y = np.array([[0, 0, 1], [1, 9, 1]], np.float32)
    assert pixel_accuracy(x, y) == 0.5
    assert pixel_accuracy(x.reshape(1, 2, 1, 3), y.reshape(1, 2, 1, 3)) == 0.5
    assert pixel_accuracy(x.reshape(2, 3, 1), y.reshape(2, 3, 1)) == 0.5
    assert pixel_accuracy(np.float32(1), np.float32(2)) == 1.0


def test_verdicts() -> None:
    good = compare("out", 0, array(1, 2, 3), array(1, 2, 3.001), 0.99999)
    assert good.passed and good.max_difference == pytest.approx(0.001, abs=1e-6)
    assert not compare("out", 0, array(1, 2, 3), array(3, 2, 1), 0.99999).passed
    assert not compare("out", 0, array(math.nan), array(math.nan), 0.5).passed
    other = compare("out", 0, array(1, 2, 3), array(1, 2), 0.9)
    assert not other.passed and "(3,)" in other.problem
    text = log_csv([("out", good)])
    assert text.splitlines()[0] == "output_name,similarity,sqnr,pixel_accuracy"
    assert len(text.splitlines()) == 2


FLOAT = TensorInfo("x", (2, 3), np.dtype(np.float32), "NONE")
INT = TensorInfo("n", (4,), np.dtype(np.int32), "NONE")


def test_random_inputs_repeat_and_keep_their_range() -> None:
    ranges = [(-1.0, 1.0), (0.0, 5.0)]
    one, two = (random_inputs([FLOAT, INT], ranges, 7) for _ in range(2))
    assert (one["x"] == two["x"]).all() and (one["n"] == two["n"]).all()
    assert one["x"].dtype == np.float32 and abs(one["x"]).max() <= 1
    assert one["n"].dtype == np.int32 and one["n"].min() >= 0 and one["n"].max() <= 5
    assert (random_inputs([FLOAT], ranges[:1], 8)["x"] != one["x"]).any()


def test_open_sizes_come_from_the_deployment_file() -> None:
    info = TensorInfo("x", (1, -1, -1, 3), np.dtype(np.float32), "NHWC")
    (sized,) = sized_inputs([info], [(1, 32, 64, 3)])
    assert sized.shape == (1, 32, 64, 3)
    with pytest.raises(MaceError, match="no size is given"):
        random_inputs([info], [(-1, 1)], 0)


def test_files(tmp_path: Path) -> None:
    paths = []
    for number in range(4):
        path = tmp_path / f"{number}.npy"
        np.save(path, np.full((2, 3) if number % 2 == 0 else (4,), number, np.float64))
        paths.append(path)
    samples = file_inputs([FLOAT, INT], paths)
    assert len(samples) == 2
    assert samples[1]["x"].dtype == np.float32 and samples[1]["x"][0, 0] == 2
    assert samples[1]["n"].dtype == np.int32
    with pytest.raises(MaceError, match="wants"):
        file_inputs([INT], paths[:1])
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises(MaceError, match="no NumPy file"):
        file_inputs([INT], [tmp_path / "bad.npy"])
    np.save(tmp_path / "pickle.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(MaceError, match="no NumPy file"):
        file_inputs([INT], [tmp_path / "pickle.npy"])


def test_raw_files(tmp_path: Path) -> None:
    np.arange(6, dtype=np.float32).tofile(tmp_path / "x")
    assert raw_inputs([FLOAT], [tmp_path / "x"])["x"][1, 2] == 5
    np.arange(5, dtype=np.float32).tofile(tmp_path / "x")
    with pytest.raises(MaceError, match="has 5 elements"):
        raw_inputs([FLOAT], [tmp_path / "x"])


def make_onnx(path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Relu", ["x"], ["inner"]),
        helper.make_node("Add", ["inner", "inner"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 3, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 3, 4])
    graph = helper.make_graph(nodes, "g", [x], [y])
    opsets = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


def test_the_onnx_reference_turns_layouts_and_reads_inner_tensors(tmp_path: Path) -> None:
    make_onnx(tmp_path / "m.onnx")
    x = np.random.default_rng(0).normal(size=(1, 3, 4, 2)).astype(np.float32)
    reference = Reference(
        "onnx", tmp_path / "m.onnx", None, ["x"], ["NHWC"], ["y", "inner"], ["NHWC", "NCHW"]
    )
    ((y, inner),) = reference.run([{"x": x}])
    np.testing.assert_array_equal(y, 2 * np.maximum(x, 0))
    np.testing.assert_array_equal(inner, np.maximum(x, 0).transpose(0, 3, 1, 2))


def test_a_broken_reference_says_why(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x00\x01nonsense")
    reference = Reference("onnx", tmp_path / "m.onnx", None, ["x"], ["NHWC"], ["y"], ["NHWC"])
    with pytest.raises(MaceError, match="onnx could not run"):
        reference.run([{"x": array(1)}])
