# SPDX-License-Identifier: Apache-2.0
"""If, Loop and Scan: each graph inside a node is imported as a model of its own, to which the tensors
that it reads of the graph round it are further inputs (constants: initializers)."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from mace.graph import dtypes
from mace.graph.ir import Dims, Graph, Interface, Node
from mace.importers.base import Builder, ImportFailed, InterfaceRequest, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register

_LARGEST = np.iinfo(np.int64).max


def _value_info(name: str, dtype: str, shape: Dims | None) -> onnx.ValueInfoProto:
    number = helper.np_dtype_to_tensor_dtype(dtypes.to_numpy(dtype))
    dims = None if shape is None else [d if d >= 0 else None for d in shape]
    return helper.make_tensor_value_info(name, number, dims)


def _import(
    b: Builder, n: OnnxNode, what: str, arguments: list[tuple[str, Dims | None]]
) -> tuple[Graph, list[str]]:
    """The graph that the attribute `what` holds, and the computed tensors that it captures: its
    inputs after its own, which are of the types and ranks given in `arguments`."""
    from mace.importers.onnx.importer import import_proto

    source = n.require(what)
    if len(source.input) != len(arguments):
        raise UnsupportedError(
            f"its {what} has {len(source.input)} inputs instead of {len(arguments)}",
            "check the model with onnx.checker",
        )
    versions = {**n.types.opsets, "": n.opset}
    ids = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    model = helper.make_model(source, opset_imports=ids)
    model.ir_version = 10
    graph = model.graph
    graph.name = graph.name or what
    for info, (dtype, shape) in zip(graph.input, arguments, strict=True):
        own = info.type.tensor_type
        if not own.elem_type or not own.HasField("shape"):
            rank = None if shape is None else (-1,) * len(shape)
            info.CopyFrom(_value_info(info.name, dtype, rank))
    computed = []
    for name in n.captures:
        if name in b.graph.consts:
            declared = dtypes.to_numpy(n.declared(name))
            array = b.graph.consts[name].astype(declared, copy=False)
            graph.initializer.append(numpy_helper.from_array(array, name))
        else:
            graph.input.append(_value_info(name, n.declared(name), n.shape(name)))
            computed.append(name)
    # Inside a model nothing is turned at the borders.
    inputs, outputs = (
        [InterfaceRequest(info.name, data_format="NONE") for info in infos]
        for infos in (graph.input, graph.output)
    )
    try:
        result = import_proto(model, inputs, outputs)
    except ImportFailed as error:
        raise UnsupportedError(f"its {what} cannot be converted: {error}") from None
    _distinct_outputs(result)
    return result, computed


def _distinct_outputs(graph: Graph) -> None:
    """Gives a name of its own to an output that is listed twice."""
    seen: set[str] = set()
    for output in graph.outputs:
        if output.name in seen:
            name = graph.unique(f"{output.name}/again")
            graph.nodes.append(Node("Identity", name, [output.name], [name]))
            output.name = name
        seen.add(output.name)


def _emit(
    b: Builder, n: OnnxNode, op: str, inputs: list[str], graphs: list[Graph], **attrs: object
) -> None:
    outputs = [t or b.tensor("unused") for t in n.outputs]
    b.op(op, inputs, outputs, **attrs)
    b.graph.nodes[-1].subgraphs = graphs


@register("If", versions=(1, 25))
def _if(b: Builder, n: OnnxNode) -> None:
    then, computed = _import(b, n, "then_branch", [])
    otherwise, _ = _import(b, n, "else_branch", [])
    _emit(b, n, "If", [n.inputs[0], *computed], [then, otherwise])


def _described(n: OnnxNode, tensors: list[str]) -> list[tuple[str, Dims | None]]:
    return [(n.declared(t), n.shape(t)) for t in tensors]


@register("Loop", versions=(1, 25))
def _loop(b: Builder, n: OnnxNode) -> None:
    rounds = n.input(0) or b.const(np.array(_LARGEST))
    condition = n.input(1) or b.const(np.array(True))
    variables = n.inputs[2:]
    if any(not t for t in variables):
        raise UnsupportedError("a variable has no first value", "give it one")
    arguments: list[tuple[str, Dims | None]] = [("i64", ()), ("bool", ())]
    body, computed = _import(b, n, "body", arguments + _described(n, variables))
    first = b.value(condition)
    counted = first is not None and bool(np.all(first)) and _always_true(body)
    _emit(
        b,
        n,
        "Loop",
        [rounds, condition, *variables, *computed],
        [body],
        variables=len(variables),
        counted=counted,
    )


def _always_true(body: Graph) -> bool:
    """Whether the condition that a body gives is the one that it got, or true."""
    producers = body.producers()
    name = body.outputs[0].name
    while name in producers and producers[name].op == "Identity":
        name = producers[name].inputs[0]
    known = body.consts.get(name)
    return name == body.inputs[1].name or (known is not None and bool(np.all(known)))


@register("Scan", versions=(8, 25))
def _scan(b: Builder, n: OnnxNode) -> None:
    """A Loop that gathers one slice of each scanned input in each round."""
    if n.opset < 9:
        _scan_of_batch(b, n)
        return
    scanned = int(n.require("num_scan_inputs"))
    states, inputs = n.inputs[: len(n.inputs) - scanned], n.inputs[len(n.inputs) - scanned :]
    axes = n.attr("scan_input_axes", None) or [0] * scanned
    axes = [a + n.rank(t) if a < 0 else a for a, t in zip(axes, inputs, strict=True)]
    slices = [
        (n.declared(t), (-1,) * (n.rank(t) - 1) if n.shape(t) is not None else None) for t in inputs
    ]
    body, computed = _import(b, n, "body", _described(n, states) + slices)
    backward = n.attr("scan_input_directions", None) or [0] * scanned
    _slice_inputs(body, len(states), axes, backward, [n.dtype(t) for t in inputs])
    rounds = b.op("Shape", [inputs[0]], start=axes[0], end=axes[0] + 1, output_type="i64")
    always = b.const(np.array(True))
    stacks = n.outputs[len(states) :]
    turned = [bool(d) for d in n.attr("scan_output_directions", None) or [0] * len(stacks)]
    to = n.attr("scan_output_axes", None) or [0] * len(stacks)
    plain = [not back and not axis for back, axis in zip(turned, to, strict=True)]
    outputs = [t or b.tensor("unused") for t in n.outputs[: len(states)]]
    outputs += [
        t if same and t else b.tensor("stack") for t, same in zip(stacks, plain, strict=True)
    ]
    b.op(
        "Loop",
        [rounds, always, *states, *inputs, *computed],
        outputs,
        variables=len(states),
        counted=True,
    )
    b.graph.nodes[-1].subgraphs = [body]
    for k, output in enumerate(stacks):
        if output and not plain[k]:
            _arrange(b, n, outputs[len(states) + k], output, turned[k], to[k])


def _scan_of_batch(b: Builder, n: OnnxNode) -> None:
    """Scan of opset 8, whose tensors have a batch before all else: a Loop over the batch, in which
    another one scans. Everything is stacked over the batch."""
    if n.input(0):
        raise UnsupportedError("its sequences have lengths of their own", "raise the model's opset")
    scanned = int(n.require("num_scan_inputs"))
    tensors = n.inputs[1:]
    states = len(tensors) - scanned
    described: list[tuple[str, Dims | None]] = []
    for k, tensor in enumerate(tensors):
        shape, leading = n.shape(tensor), 1 if k < states else 2
        described.append(
            (n.declared(tensor), None if shape is None else (-1,) * (len(shape) - leading))
        )
    body, computed = _import(b, n, "body", described)
    backward = n.attr("directions", None) or [0] * scanned
    _slice_inputs(body, states, [0] * scanned, backward, [n.dtype(t) for t in tensors[states:]])
    whole = Graph("batch")
    names = ["number", "go_on", *(f"whole_{k}" for k in range(len(tensors)))]
    captured = [f"captured_{k}" for k in range(len(computed))]
    types = ["i64", "bool", *(n.dtype(t) for t in (*tensors, *computed))]
    whole.inputs = [
        Interface(name, (), dtype, "NONE")
        for name, dtype in zip([*names, *captured], types, strict=True)
    ]
    own = [f"own_{k}" for k in range(len(tensors))]
    whole.nodes = [
        Node("Gather", own[k], [names[2 + k], "number"], [own[k]], {"axis": 0})
        for k in range(len(tensors))
    ]
    length = {"start": 0, "end": 1, "output_type": "i64"}
    whole.nodes.append(Node("Shape", "length", [own[states]], ["length"], length))
    outputs = [f"result_{k}" for k in range(len(n.outputs))]
    always = whole.add_const("always", np.array(True))
    attrs = {"variables": states, "counted": True}
    inner = Node("Loop", "scan", ["length", always, *own, *captured], outputs, attrs)
    inner.subgraphs = [body]
    whole.nodes.append(inner)
    given = [n.dtype(t) for t in n.outputs]
    whole.outputs = [
        Interface(name, (), dtype, "NONE")
        for name, dtype in zip(["go_on", *outputs], ["bool", *given], strict=True)
    ]
    rounds = b.op("Shape", [tensors[0]], **length)
    inputs = [rounds, b.const(np.array(True)), *tensors, *computed]
    _emit(b, n, "Loop", inputs, [whole], variables=0, counted=True)


def _arrange(b: Builder, n: OnnxNode, stack: str, output: str, turned: bool, axis: int) -> None:
    """Reverses a stack, and moves its first dimension to where it belongs."""
    if turned:
        stack = b.op("Reverse", [stack], [output] if not axis else None, axis=[0])
    if axis:
        rank = n.rank(output)
        dims = list(range(1, rank))
        dims.insert(axis + rank if axis < 0 else axis, 0)
        b.op("Transpose", [stack], [output], dims=dims)


def _slice_inputs(
    body: Graph, states: int, axes: list[int], backward: list[int], types: list[str]
) -> None:
    """Turns the body of a Scan into that of a Loop: round and condition come first, and what is
    scanned comes whole."""
    number, go_on = body.unique("scan/round"), body.unique("scan/condition")
    last = body.add_const("scan/last", np.array(-1, np.int64))
    from_end = body.unique("scan/from_end")
    nodes = [Node("Eltwise", from_end, [last, number], [from_end], {"type": "SUB"})]
    for k, axis in enumerate(axes):
        interface = body.inputs[states + k]
        whole = body.unique(f"{interface.name}/whole")
        index = from_end if backward[k] else number
        gather = Node("Gather", interface.name, [whole, index], [interface.name], {"axis": axis})
        nodes.append(gather)
        body.inputs[states + k] = Interface(whole, (), types[k], "NONE")
    body.nodes[:0] = nodes
    body.inputs[:0] = [
        Interface(number, (), "i64", "NONE"),
        Interface(go_on, (), "bool", "NONE"),
    ]
    body.outputs.insert(0, Interface(go_on, (), "bool", "NONE"))
