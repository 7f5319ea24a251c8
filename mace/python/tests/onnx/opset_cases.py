# SPDX-License-Identifier: Apache-2.0
"""Models of one operator in each form that it has had since opset 7: cases of onnx's own suite where
they are valid in that form too, and cases of ours for forms that the suite no longer has."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from mace.graph.ir import Array
from mace.importers.onnx.node import VERSIONS
from mace.importers.onnx.opsets import OLDEST_OPSET
from onnx import TensorProto, helper, numpy_helper, parser
from onnx.reference import ReferenceEvaluator

_MANIFEST = Path(__file__).parents[4] / "test" / "conformance" / "onnx_manifest.txt"
# Of the suite, for each form of an operator.
_MOST_CASES = 3
# Whose forms differ in types alone, and for which the suite knows better than onnxruntime.
_AS_SUITE = ("DFT", "MaxUnpool")

onnxruntime.set_default_logger_severity(4)


@dataclass
class Own:
    """A node with attributes, and its inputs in order: those called x... are given when the model
    runs, the others are initializers."""

    op: str
    forms: tuple[int, ...]
    inputs: dict[str, Array]
    attrs: dict[str, Any] = field(default_factory=dict)
    outputs: int = 1


@dataclass
class Case:
    """A model, what it is given by name, and what must come out of it."""

    model: onnx.ModelProto
    inputs: dict[str, Array]
    outputs: list[Array]


def _x(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


_REDUCTIONS = [
    "ReduceMean",
    "ReduceSum",
    "ReduceSumSquare",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceProd",
    "ReduceMax",
    "ReduceMin",
]
_BOXES = {
    "x": _x(1, 2, 8, 8),
    "rois": np.array([[0, 0, 6, 6], [1, 2, 7.5, 5]], np.float32),
    "batch": np.zeros(2, np.int64),
}
_LOOP_BODY = parser.parse_graph(
    "body (int64 i, bool c, float[2, 3] v) => (bool d, float[2, 3] w, float[2, 3] s)"
    "{ d = Identity(c) w = Add(v, v) s = Neg(v) }"
)
_SCAN_BODY = parser.parse_graph(
    "body (float[3] v, float[3] x) => (float[3] w, float[3] s) { w = Add(v, x) s = Neg(w) }"
)
_SCALES = np.array([1, 1, 2, 1.5], np.float32)
_BATCH = {
    "x": _x(2, 3, 4, 5),
    **{k: np.abs(_x(3)) + i for i, k in enumerate(("scale", "bias", "mean", "variance"))},
}

OWN = [
    Own("Clip", (6,), {"x": _x(3, 4)}, {"min": -0.5, "max": 0.5}),
    Own("Clip", (6,), {"x": _x(3, 4)}, {"max": 0.25}),
    Own("Clip", (6,), {"x": _x(3, 4)}, {"min": 0.0, "max": 6.0}),
    Own("Clip", (6,), {"x": _x(3, 4)}),
    Own("TopK", (1,), {"x": _x(3, 7)}, {"k": 3, "axis": 1}, 2),
    Own("TopK", (1,), {"x": _x(5, 2)}, {"k": 2, "axis": 0}, 2),
    Own("Slice", (1,), {"x": _x(5, 6, 7)}, {"starts": [1, -3], "ends": [4, 1000], "axes": [0, 2]}),
    Own("Slice", (1,), {"x": _x(5, 6)}, {"starts": [0, 1], "ends": [-1, 5]}),
    Own("Pad", (2,), {"x": _x(3, 4)}, {"pads": [1, 0, 2, 3], "value": 1.5}),
    Own("Pad", (2,), {"x": _x(1, 2, 4, 5)}, {"pads": [0, 0, 1, 2, 0, 0, 3, 1], "mode": "reflect"}),
    Own("Pad", (2,), {"x": _x(1, 2, 4, 5)}, {"pads": [0, 0, 1, 2, 0, 0, 3, 1], "mode": "edge"}),
    Own("Squeeze", (1,), {"x": _x(1, 3, 1, 5)}, {"axes": [0, 2]}),
    Own("Squeeze", (1, 11), {"x": _x(1, 3, 1, 5)}),
    Own("Squeeze", (11,), {"x": _x(1, 3, 1, 5)}, {"axes": [-2]}),
    Own("Unsqueeze", (1, 11), {"x": _x(3, 5)}, {"axes": [0, 3]}),
    Own("Unsqueeze", (11,), {"x": _x(3, 5)}, {"axes": [-1]}),
    Own("DepthToSpace", (1,), {"x": _x(1, 8, 2, 3)}, {"blocksize": 2}),
    Own("MeanVarianceNormalization", (9, 13), {"x": _x(2, 3, 4, 5)}, {"axes": [0, 2, 3]}),
    Own("MeanVarianceNormalization", (9, 13), {"x": _x(2, 3, 4, 5)}, {"axes": [1]}),
    Own("GlobalLpPool", (2, 22), {"x": _x(2, 3, 4, 5)}, {"p": 2}),
    Own("GlobalLpPool", (2, 22), {"x": _x(2, 3, 4, 5)}, {"p": 3}),
    *(
        Own(op, (1, 11, 13), {"x": np.abs(_x(2, 3, 4)) + 0.1}, attrs)
        for op in _REDUCTIONS
        for attrs in ({}, {"axes": [1]}, {"axes": [0, 2], "keepdims": 0})
    ),
    *(Own(op, (11,), {"x": np.abs(_x(2, 3, 4)) + 0.1}, {"axes": [-1]}) for op in _REDUCTIONS),
    Own("Upsample", (7,), {"x": _x(1, 2, 3, 4)}, {"scales": [1.0, 1.0, 2.0, 3.0]}),
    Own(
        "Upsample",
        (7,),
        {"x": _x(1, 2, 3, 4)},
        {"scales": [1.0, 1.0, 2.0, 2.0], "mode": "linear"},
    ),
    Own("Upsample", (9,), {"x": _x(1, 2, 3, 4), "scales": _SCALES}, {"mode": "linear"}),
    Own("Resize", (10,), {"x": _x(1, 2, 3, 4), "scales": _SCALES}),
    Own("Resize", (10,), {"x": _x(1, 2, 3, 4), "scales": _SCALES}, {"mode": "linear"}),
    Own("Resize", (10,), {"x": _x(1, 2, 6, 4), "s": np.array([1, 1, 0.5, 0.75], np.float32)}),
    *(
        Own(
            "Resize",
            (11, 13),
            {"x": _x(1, 2, 4, 5), "roi": np.zeros(0, np.float32), "scales": _SCALES},
            attrs,
        )
        for attrs in (
            {},
            {"mode": "linear"},
            {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
            {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
            {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
        )
    ),
    Own(
        "RoiAlign",
        (10,),
        _BOXES,
        {"output_height": 3, "output_width": 2, "sampling_ratio": 2, "spatial_scale": 0.5},
    ),
    *(Own(op, (1, 11), {"x": _x(2, 3, 4)}) for op in ("Softmax", "LogSoftmax", "Hardmax")),
    *(
        Own(op, forms, {"x": _x(2, 3, 4)}, {"axis": axis})
        for op in ("Softmax", "LogSoftmax", "Hardmax")
        for forms, axis in (((1, 11, 13), 0), ((1, 11, 13), 1), ((1, 11, 13), 2), ((11, 13), -2))
    ),
    Own("BatchNormalization", (7, 9, 14, 15), _BATCH, {"epsilon": 1e-3}),
    Own("Split", (2, 11), {"x": _x(6, 4)}, {"axis": 0, "split": [1, 2, 3]}, 3),
    Own("Split", (2, 11, 13), {"x": _x(6, 4)}, {"axis": 1}, 2),
    Own("Split", (13, 18), {"x": _x(6, 4), "split": np.array([1, 5])}, {"axis": 0}, 2),
    Own("Split", (18,), {"x": _x(7, 4)}, {"num_outputs": 3}, 3),
    Own("Gemm", (7, 9), {"x": _x(3, 4), "b": _x(4, 5), "c": _x(5)}, {"alpha": 0.5, "beta": 2.0}),
    Own("Dropout", (7, 10), {"x": _x(3, 4)}, {"ratio": 0.4}),
    Own("Flatten", (1, 9, 11), {"x": _x(2, 3, 4)}, {"axis": 2}),
    Own("Scatter", (9,), {"x": _x(3, 3), "i": np.array([[1, 0, 2]]), "u": _x(1, 3)}, {"axis": 0}),
    Own(
        "GroupNormalization",
        (18,),
        {"x": _x(2, 4, 3, 3), "s": _x(2), "b": _x(2)},
        {"num_groups": 2},
    ),
    Own(
        "DequantizeLinear",
        (10, 13),
        {"x": np.arange(6, dtype=np.uint8), "s": np.float32(0.5), "z": np.uint8(3)},
    ),
    Own(
        "Loop",
        (1, 11, 13, 16, 19, 21, 23, 24, 25),
        {"n": np.array(3), "c": np.array(True), "x": _x(2, 3)},
        {"body": _LOOP_BODY},
        2,
    ),
    *(
        Own(
            "Scan",
            (8,),
            {"": np.zeros(0), "x0": _x(2, 3), "x1": _x(2, 5, 3)},
            {"body": _SCAN_BODY, "num_scan_inputs": 1, "directions": [backward]},
            2,
        )
        for backward in (0, 1)
    ),
    Own(
        "ai.onnx.ml.LabelEncoder",
        (2, 4),
        {"x": np.array([3, 5, 7])},
        {"keys_int64s": [5, 3], "values_floats": [0.5, 1.5], "default_float": -1.0},
    ),
]


@cache
def _suite() -> dict[str, list[Any]]:
    """The cases of onnx's suite of one node that pass, by operator."""
    from onnx.backend.test.loader import load_model_tests

    passes = set(re.findall(r"^node/(\S+) pass$", _MANIFEST.read_text(), re.M))
    cases = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in load_model_tests(kind="node"):
            if case.name in passes and len(case.model.graph.node) == 1:
                node = case.model.graph.node[0]
                name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
                cases[name].append(case)
    return cases


def forms(op: str) -> list[int]:
    """The versions since which an operator had another form, from the one of opset 7 on."""
    domain, _, name = op.rpartition(".")
    history = {
        s.since_version
        for s in onnx.defs.get_all_schemas_with_history()
        if s.name == name and s.domain == domain and not s.deprecated
    }
    if domain:
        return sorted(history)
    old = [v for v in history if v <= OLDEST_OPSET]
    return sorted(
        {v for v in history if v > OLDEST_OPSET} | {max(old, default=OLDEST_OPSET)} & history
    )


def opset_with(op: str, form: int) -> int:
    """The first opset, of those that can be imported, in which an operator has a form."""
    return form if "." in op else max(form, OLDEST_OPSET)


def cases(op: str, form: int) -> list[Case]:
    """What can be tested of an operator in a form."""
    found = [c for own in OWN if own.op == op and form in own.forms if (c := _own(own, form))]
    suite = _suite()[op]
    for case in suite[:: max(1, len(suite) // (2 * _MOST_CASES))]:
        if len(found) < _MOST_CASES and (older := _older(case, op, form)) is not None:
            found.append(older)
    for case in suite if not found else ():
        if not found and (older := _older(case, op, form)) is not None:
            found.append(older)
    return found


def _own(own: Own, form: int) -> Case:
    names = [f"y{i}" for i in range(own.outputs)]
    domain, _, name = own.op.rpartition(".")
    node = helper.make_node(name, list(own.inputs), names, domain=domain, **own.attrs)
    given = {n: a for n, a in own.inputs.items() if n.startswith("x")}
    types = {n: helper.np_dtype_to_tensor_dtype(a.dtype) for n, a in given.items()}
    kinds = [TensorProto.FLOAT, TensorProto.INT64 if own.op == "TopK" else TensorProto.FLOAT]
    graph = helper.make_graph(
        [node],
        "case",
        [helper.make_tensor_value_info(n, types[n], a.shape) for n, a in given.items()],
        [helper.make_tensor_value_info(n, kinds[min(i, 1)], None) for i, n in enumerate(names)],
        [
            numpy_helper.from_array(np.asarray(a), n)
            for n, a in own.inputs.items()
            if n and n not in given
        ],
    )
    model, *others = (
        helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid(domain, opset_with(own.op, version))]
            + ([helper.make_opsetid("", 17)] if domain else []),
            ir_version=8,
        )
        for version in (form, *own.forms)
    )
    # Where onnxruntime lacks the newest form, it may have an older one.
    for known in (model, *others):
        if (outputs := _expected(known, given)) is not None:
            return Case(model, given, outputs)
    raise AssertionError(f"{own.op} of opset {form}: nothing tells what is right")


def _older(case: Any, op: str, form: int) -> Case | None:
    """A case of the suite in a form of its operator, if it is valid in that form."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    newest = True
    for entry in model.opset_import:
        if entry.domain == op.rpartition(".")[0]:
            newest = form == forms(op)[-1]
            entry.version = entry.version if newest else opset_with(op, form)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError):
        return None
    inputs, outputs = (
        [numpy_helper.to_array(v) if isinstance(v, TensorProto) else np.asarray(v) for v in values]
        for values in case.data_sets[0]
    )
    given = dict(zip([v.name for v in model.graph.input], inputs, strict=True))
    expected = outputs if newest or op in _AS_SUITE else _expected(model, given)
    return None if expected is None else Case(model, given, expected)


def _expected(model: onnx.ModelProto, given: dict[str, Array]) -> list[Array] | None:
    """What onnxruntime computes, or onnx's own reference where that lacks the operator."""
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return [np.asarray(a) for a in session.run(None, given)]
    except Exception:  # it raises various types for what it lacks
        pass
    try:
        return [np.asarray(a) for a in ReferenceEvaluator(model).run(None, given)]
    except Exception:
        return None


def operators() -> list[str]:
    """All operators that are imported, of those that the installed onnx describes."""
    return sorted(op for op in VERSIONS if forms(op))
