# SPDX-License-Identifier: Apache-2.0
"""The values of all tensors of a model on one sample, which the parts of it start from."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.analysis.infer import infer
from mace.analysis.origins import Origins
from mace.convert import IMPORTED, ConvertRequest, import_graph
from mace.errors import MaceError
from mace.graph import dtypes
from mace.reduction.cases import Case, GraphCase, OnnxCase, Part
from mace.reduction.predicates import run_part
from mace.runtime import TensorInfo
from mace.validation.engines import Engine
from mace.validation.inputs import random_inputs, with_sizes
from mace.validation.reference import Reference
from mace.validation.sources import NCHW, source_tensors

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Capture:
    """How the values of a case are made: by which engine, of which random inputs."""

    request: ConvertRequest
    engine: Engine
    ranges: list[tuple[float, float]]  # of the inputs in their order; -1 to 1 for those after
    seed: int
    size: int  # of unknown dimensions
    timeout: float  # seconds

    def range_of(self, index: int) -> tuple[float, float]:
        """The range of an input."""
        return self.ranges[index] if index < len(self.ranges) else (-1.0, 1.0)

    def inputs(self, infos: list[TensorInfo]) -> dict[str, Array]:
        """Random inputs of these types and shapes."""
        bounds = [self.range_of(k) for k in range(len(infos))]
        return random_inputs(with_sizes(infos, self.size), bounds, self.seed)


def make_case(request: ConvertRequest) -> Case:
    """The model in parts: as ONNX if it is that, else as MACE imports it. Raises MaceError."""
    if request.platform == "onnx":
        return OnnxCase(request)
    return GraphCase(request.name, infer(import_graph(request)).graph, request.optimize_options)


def capture(case: Case, how: Capture) -> None:
    """Fills case.values with what the engine computes of random inputs; where it cannot run the
    model, with zeros of the shapes that are known."""
    if isinstance(case, OnnxCase):
        _capture_onnx(case, how)
    elif isinstance(case, GraphCase):
        _capture_graph(case, how)


def _everything(case: Case, inputs: dict[str, Array]) -> Part:
    outputs = [t for n in case.nodes for t in n.outputs]
    return Part(tuple(range(len(case.nodes))), inputs, list(dict.fromkeys(outputs)))


def _capture_onnx(case: OnnxCase, how: Capture) -> None:
    inputs = _onnx_inputs(case, how)
    whole = _everything(case, inputs)
    case.values = dict(inputs)
    try:
        if how.engine.runs_converted:
            case.values |= run_part(case, whole, how.engine, how.timeout)
        else:
            case.values |= run_reference(how.request.model_file, inputs, whole.outputs)
    except MaceError:
        case.values |= _zeros(case)


def run_reference(
    model_file: Path, inputs: Mapping[str, Array], outputs: list[str]
) -> dict[str, Array]:
    """What onnxruntime gives for an ONNX model, in its own layout."""
    reference = Reference(
        "onnx",
        model_file,
        None,
        list(inputs),
        ["NONE"] * len(inputs),
        outputs,
        ["NONE"] * len(outputs),
    )
    return reference.run_known([dict(inputs)])[0]


def _onnx_inputs(case: OnnxCase, how: Capture) -> dict[str, Array]:
    from onnx import helper

    from mace.importers.onnx.reader import dims_of, source_shape

    declared = {v.name: v for v in case.graph_inputs()}
    wanted = {i.name: i for i in how.request.inputs}
    infos = []
    for name, value in declared.items():
        shape = dims_of(value) or ()
        request_of = wanted.get(name)
        if request_of is not None and request_of.shape is not None:
            given = source_shape(request_of)
            shape = given if len(given) == len(shape) or not shape else shape
        dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        infos.append(TensorInfo(name, shape, dtype, "NONE"))
    return how.inputs(infos)


def _zeros(case: OnnxCase) -> dict[str, Array]:
    """Zeros for each tensor, of one element where the shape is not known."""
    import onnx
    from onnx import helper

    from mace.importers.onnx.reader import dims_of

    values: dict[str, Array] = {}
    model = onnx.shape_inference.infer_shapes(case.proto)
    for info in (*model.graph.value_info, *model.graph.output):
        shape = dims_of(info)
        kind = info.type.tensor_type.elem_type
        if shape is not None and kind and dtypes.from_numpy(helper.tensor_dtype_to_np_dtype(kind)):
            sizes = tuple(1 if d < 0 else d for d in shape)
            values[info.name] = np.zeros(sizes, helper.tensor_dtype_to_np_dtype(kind))
    for node in case.nodes:
        for tensor in node.outputs:
            values.setdefault(tensor, np.zeros(1, np.float32))
    return values


def _capture_graph(case: GraphCase, how: Capture) -> None:
    graph, request, engine = case.graph, how.request, how.engine
    infos = [
        TensorInfo(i.name, i.shape, dtypes.to_numpy(i.dtype), i.data_format) for i in graph.inputs
    ]
    inputs = how.inputs(infos)
    plain = engine if engine.runs_converted else Engine("mace:reference", "mace", isa="reference")
    case.values = dict(inputs)
    case.values |= run_part(case, _everything(case, inputs), plain, how.timeout)
    if engine.runs_converted:
        return
    origins = Origins(
        source_tensors(request.platform, request.model_file), request.platform in NCHW
    )
    origins.update(IMPORTED, graph)
    found = {t: o for t in case.values if (o := origins.get(t)) is not None}
    names = list(dict.fromkeys(o.tensor for o in found.values()))
    reference = Reference(
        platform=request.platform,
        model_file=request.model_file,
        weight_file=request.weight_file,
        inputs=[i.name for i in graph.inputs],
        input_formats=[i.data_format for i in graph.inputs],
        outputs=names,
        output_formats=["NONE"] * len(names),
    )
    (made,) = reference.run_known([inputs])
    for tensor, origin in found.items():
        if origin.tensor in made and tensor not in inputs:
            value = origin.expected(made[origin.tensor], case.values[tensor].shape)
            if value is not None:
                case.values[tensor] = np.ascontiguousarray(value)


def expected_of(case: Case, part: Part, engine: Engine, timeout: float) -> dict[str, Array] | None:
    """What the right side gives for a part on other inputs; None where it cannot be asked."""
    try:
        if engine.runs_converted:
            return run_part(case, part, engine, timeout)
        if isinstance(case, OnnxCase):
            with tempfile.TemporaryDirectory(prefix="mace-reduce-") as folder:
                return run_reference(case.write(part, Path(folder)), part.inputs, part.outputs)
    except MaceError:
        return None
    return None
