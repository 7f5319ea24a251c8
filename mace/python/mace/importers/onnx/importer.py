# SPDX-License-Identifier: Apache-2.0
"""Drives the import of an ONNX model: what is needed for the outputs, node by node, all problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import onnx

from mace.errors import did_you_mean
from mace.graph.ir import Dims, Graph, GraphError, Interface, Node, topological
from mace.importers.base import (
    Builder,
    Description,
    ImportFailed,
    InterfaceRequest,
    Problem,
    UnsupportedError,
    apply_borders,
)
from mace.importers.onnx import (
    control,
    einsum,
    elementwise,
    experimental,
    indexing,
    kaldi,
    kaldi_lstm,
    manipulation,
    ml,
    neural,
    normalization,
    opsets,
    pooling,
    precision,
    quantized,
    recurrent,
    reduction,
    resize,
    sampling,
    signal,
    trees,
)
from mace.importers.onnx.node import REGISTRY, OnnxNode
from mace.importers.onnx.node import VERSIONS as VERSIONS
from mace.importers.onnx.reader import OnnxModel, dims_of, element_type, load, read, source_shape

# The modules register their functions when they are imported.
FUNCTIONS = (
    control,
    einsum,
    elementwise,
    experimental,
    indexing,
    kaldi,
    kaldi_lstm,
    manipulation,
    ml,
    neural,
    normalization,
    pooling,
    quantized,
    recurrent,
    reduction,
    resize,
    sampling,
    signal,
    trees,
)


def import_model(
    model_file: Path,
    weight_file: Path | None,
    inputs: list[InterfaceRequest],
    outputs: list[InterfaceRequest],
) -> Graph:
    """Imports a file; `weight_file` is not used (ONNX models name their weight files themselves).

    inputs, outputs: what the application wants to see, any tensors of the model; empty: the model's
    own. Raises MaceError when the file cannot be read, ImportFailed with all problems.
    """
    return import_proto(load(model_file), inputs, outputs, model_file.parent)


def import_proto(
    model: onnx.ModelProto,
    inputs: Sequence[InterfaceRequest] = (),
    outputs: Sequence[InterfaceRequest] = (),
    folder: Path | None = None,
) -> Graph:
    """Imports a model in memory; see import_model. folder: where weights in other files lie."""
    source = read(model, inputs, folder)
    in_requests = _requests(source, source.inputs, inputs)
    out_requests = _requests(source, source.outputs, outputs)
    problems = _missing(source, in_requests, out_requests) + _misfits(model, inputs)
    problems += _bad_inputs(model, in_requests)
    if problems:
        raise ImportFailed(problems)
    nodes = _needed(source, in_requests, out_requests)
    graph = Graph(model.graph.name or "onnx")
    graph.consts = {
        n: a for n, a in source.consts.items() if n not in {r.name for r in in_requests}
    }
    builder = Builder(graph)
    builder.reserve([t for n in source.nodes for t in (*n.inputs, *n.outputs)])
    builder.reserve([i.name for i in source.inputs])
    for node in nodes:
        problems += _bad_constants(source, node)
        problem = _import_node(builder, node)
        if problem is not None:
            problems.append(problem)
    if problems:
        raise ImportFailed(problems)
    apply_borders(graph, in_requests, out_requests, nchw=True)
    return graph


def describe_model(model_file: Path, weight_file: Path | None = None) -> Description:
    """What a file says of itself; rank-4 tensors as NHWC."""
    source = read(load(model_file), [], model_file.parent)
    counts = Counter(n.op for n in source.nodes)
    return Description(
        [_nhwc(i) for i in source.inputs], [_nhwc(o) for o in source.outputs], dict(counts)
    )


def _nhwc(interface: Interface) -> Interface:
    shape = interface.shape
    if len(shape) != 4:
        return interface
    n, c, h, w = shape
    return Interface(interface.name, (n, h, w, c), interface.dtype, "NHWC")


def _requests(
    source: OnnxModel, own: list[Interface], requests: Sequence[InterfaceRequest]
) -> list[InterfaceRequest]:
    """The requests, with shape and type from the model where they say nothing."""
    if not requests:
        requests = [InterfaceRequest(i.name) for i in own]
    known = {i.name: i for i in (*source.inputs, *source.outputs)}
    result = []
    for request in requests:
        interface = known.get(request.name)
        shape, dtype = request.shape, request.dtype
        if shape is None:
            found = interface.shape if interface else source.types.shapes.get(request.name)
            shape = found or ()
            if len(shape) == 4 and request.data_format == "NHWC":
                shape = (shape[0], shape[2], shape[3], shape[1])
        if dtype is None:
            dtype = interface.dtype if interface else source.types.dtypes.get(request.name, "f32")
        result.append(InterfaceRequest(request.name, shape, dtype, request.data_format))
    return result


def _missing(
    source: OnnxModel, inputs: list[InterfaceRequest], outputs: list[InterfaceRequest]
) -> list[Problem]:
    """Requested tensors that the model does not have."""
    produced = {t for n in source.nodes for t in n.outputs if t}
    known = produced | set(source.consts) | {i.name for i in source.inputs}
    problems = []
    for what, requests in (("input", inputs), ("output", outputs)):
        for request in requests:
            if request.name not in known:
                near = did_you_mean(request.name, sorted(known))
                text = f"the model has no tensor of that name for the {what}{near}"
                problems.append(Problem("model", "Model", request.name, text))
    return problems


def _misfits(model: onnx.ModelProto, requests: Sequence[InterfaceRequest]) -> list[Problem]:
    """Requested input shapes that contradict the model's own."""
    own = {v.name: dims_of(v) for v in model.graph.input}
    problems = []
    for request in requests:
        shape, wanted = own.get(request.name), request.shape
        if shape is None or wanted is None:
            continue
        wanted = source_shape(request)
        fits = len(shape) == len(wanted) and all(
            s == w or s < 0 or w < 0 for s, w in zip(shape, wanted, strict=True)
        )
        if not fits:
            text = f"the model's input is {_sizes(shape)}, and {_sizes(wanted)} is asked for"
            hint = "correct input_shapes" + ("; they are given as NHWC" if len(shape) == 4 else "")
            problems.append(Problem("model", "Model", request.name, text, hint))
    return problems


def _bad_inputs(model: onnx.ModelProto, requests: list[InterfaceRequest]) -> list[Problem]:
    """Inputs that are no tensors of a type that MACE has."""
    used = {r.name for r in requests}
    problems = []
    for info in model.graph.input:
        number = info.type.tensor_type.elem_type
        if info.name in used and element_type(number) is None:
            kind = info.type.WhichOneof("value") or "nothing"
            what = onnx.TensorProto.DataType.Name(number) if kind == "tensor_type" else kind
            text = f"the input is of type {what}, which MACE does not have"
            problems.append(Problem("model", "Model", info.name, text, "change it in the model"))
    return problems


def _needed(
    source: OnnxModel, inputs: list[InterfaceRequest], outputs: list[InterfaceRequest]
) -> list[OnnxNode]:
    """The nodes that the outputs need, in execution order."""
    given = {r.name for r in inputs}
    # A requested input that a node computes cuts the graph there.
    shells = []
    for index, node in enumerate(source.nodes):
        kept = [t if t not in given else "" for t in node.outputs]
        read = [*node.inputs, *node.captures]
        shells.append(Node(node.op, node.name, read, kept, {"index": index}))
    wanted = {r.name for r in outputs} - given
    # Until nothing new is needed; models list producers first, so that this takes one round.
    needed: dict[int, Node] = {}
    before = -1
    while before != len(needed):
        before = len(needed)
        for shell in reversed(shells):
            if wanted.intersection(t for t in shell.outputs if t):
                needed[shell.attrs["index"]] = shell
                wanted.update(t for t in shell.inputs if t)
    known = given | set(source.consts) | set(source.bad_consts)
    known |= {i.name for i in source.inputs}
    try:
        order = topological([needed[i] for i in sorted(needed)], known)
    except GraphError as error:
        raise ImportFailed([Problem("model", "Model", "", str(error))]) from None
    missing = [i for i in source.inputs if i.name not in given]
    used = {t for n in order for t in n.inputs}
    problems = [
        Problem(
            "model", "Model", i.name, "the outputs need this input, which is not among those given"
        )
        for i in missing
        if i.name in used
    ]
    if problems:
        raise ImportFailed(problems)
    return [source.nodes[n.attrs["index"]] for n in order]


def _bad_constants(source: OnnxModel, node: OnnxNode) -> list[Problem]:
    return [
        Problem(
            "attribute",
            node.op,
            node.name,
            f"constant '{t}' cannot be used: {source.bad_consts[t]}",
        )
        for t in node.inputs
        if t in source.bad_consts
    ]


def _import_node(builder: Builder, node: OnnxNode) -> Problem | None:
    builder.begin(node.name, node.op)
    function = REGISTRY.get(node.op)
    shapes = ", ".join(_describe(node, t) for t in node.inputs if t)
    if function is None:
        near = did_you_mean(node.op, REGISTRY.ops()) if "." not in node.op else ""
        text = f"MACE has no operator for {node.op}{near}"
        hint = "replace it in the model, or add it: the developer guide tells how"
        return Problem("operator", node.op, node.name, text, hint, shapes)
    odd = opsets.refusal(node.op, node.opset)
    if odd:
        hint = "export the model with another opset"
        return Problem("operator", node.op, node.name, odd, hint, shapes)
    try:
        precision.translate(builder, node, function)
    except UnsupportedError as error:
        return Problem("attribute", node.op, node.name, str(error), error.hint, shapes)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        # Attributes of a wrong type or number, in a model that does not keep to ONNX.
        text = f"its attributes or inputs are not those of ONNX ({type(error).__name__}: {error})"
        return Problem("attribute", node.op, node.name, text, "check it with onnx.checker", shapes)
    return None


def _describe(node: OnnxNode, tensor: str) -> str:
    shape = node.shape(tensor)
    return "?" if shape is None else _sizes(shape)


def _sizes(shape: Dims) -> str:
    return "x".join("?" if d < 0 else str(d) for d in shape) or "scalar"
