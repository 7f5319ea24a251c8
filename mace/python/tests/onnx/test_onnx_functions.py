# SPDX-License-Identifier: Apache-2.0
"""Operators that are imported by the bodies that ONNX defines them with."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import onnx
import pytest
from mace.graph.ir import Array
from mace.importers.base import ImportFailed
from mace.importers.onnx import functions
from mace.importers.onnx.importer import import_proto
from onnx import ModelProto, helper
from onnx.backend.test.loader import load_model_tests
from onnx.reference import ReferenceEvaluator
from onnx_models import model, random

from mace import onnx_backend


def _compare(source: ModelProto, *arrays: Array) -> None:
    names = [i.name for i in source.graph.input]
    wanted = ReferenceEvaluator(source).run(None, dict(zip(names, arrays, strict=True)))
    got = onnx_backend.prepare(source).run(list(arrays))
    for g, w in zip(got, wanted, strict=True):
        assert g.shape == w.shape and g.dtype == w.dtype
        np.testing.assert_allclose(g, w, rtol=1e-4, atol=1e-5)


def test_bodies_that_do_not_meet() -> None:
    """Two nodes of one operator, whose bodies use the same names."""
    nodes = [
        helper.make_node("RotaryEmbedding", ["x", "c", "s"], ["y"]),
        helper.make_node("RotaryEmbedding", ["y", "c", "s"], ["z"], interleaved=1),
    ]
    source = model(nodes, {"x": [1, 2, 3, 8], "c": [1, 3, 4], "s": [1, 3, 4]}, ["z"], opset=23)
    _compare(source, random(1, 2, 3, 8), random(1, 3, 4), random(1, 3, 4))


@functools.cache
def _node_cases() -> dict[str, Any]:
    return {c.name: c for c in load_model_tests(kind="node")}


# Cases whose bodies have bodies in them, graphs in attributes, and parts that depend on types.
_BODIES = [
    "sce_mean_weight_ii_log_prob",
    "nllloss_NCd1d2_with_weight_reduction_sum_ii",
    "attention_4d_gqa_with_past_and_present",
    "linear_attention_gated_delta_gqa",
    "affine_grid_3d",
    "center_crop_pad_crop_axes_chw",
    "layer_normalization_3d_axis1_epsilon",
    "blackmanwindow_symmetric",
    "clip_default_int8_inbounds",
]


@pytest.mark.parametrize("name", _BODIES)
def test_expansion_computes_the_same(name: str) -> None:
    """Bodies taken apart to the last, run by onnx's own reference."""
    case = _node_cases()[f"test_{name}"]
    source = case.model
    # onnx's reference gets the shape of the Loop wrong that Range is made of.
    kept = ["Range"]
    expanded, _ = functions.expand(source, kept.__contains__, onnx.shape_inference.infer_shapes)
    bodies = {"SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss", "Softmax", "Clip", "Swish"}
    left = {n.op_type for n in expanded.graph.node}
    assert not left & {*bodies, source.graph.node[0].op_type}
    for inputs, outputs in case.data_sets:
        names = [i.name for i in source.graph.input]
        got = ReferenceEvaluator(expanded).run(None, dict(zip(names, inputs, strict=True)))
        for g, w in zip(got, outputs, strict=True):
            np.testing.assert_allclose(g, w, rtol=case.rtol, atol=case.atol)


def test_attributes_and_defaults_of_the_node() -> None:
    for attributes in ({}, {"alpha": 0.5}):
        node = helper.make_node("SwiGLU", ["x", "g"], ["y"], **attributes)
        source = model([node], {"x": [2, 8], "g": [2, 8]}, ["y"], opset=28)
        _compare(source, random(2, 8), random(2, 8))


def test_body_that_needs_types_which_are_not_known() -> None:
    """The operator is named, as one without a body is."""
    nodes = [
        helper.make_node("Strange", ["x"], ["h"], domain="else.where"),
        helper.make_node("Attention", ["h", "h", "h"], ["y"]),
    ]
    source = model(nodes, {"x": [1, 2, 3, 4]}, ["y"], opset=23)
    source.opset_import.append(helper.make_opsetid("else.where", 1))
    with pytest.raises(ImportFailed, match=r"MACE has no operator for else\.where\.Strange"):
        import_proto(source)
