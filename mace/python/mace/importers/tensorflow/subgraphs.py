# SPDX-License-Identifier: Apache-2.0
"""Loops and branches whose course only the run knows: operators Loop and If, with the functions as
graphs inside. What a graph reads of the one round it are inputs; constants are taken inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.graph.ir import Graph, Interface, Node, Value
from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.context import Context, TensorList
from mace.importers.tensorflow.expressions import Body
from mace.importers.tensorflow.graph_def import TfNode, normalized, split_tensor_name
from mace.importers.tensorflow.registry import alias, described

_ROUNDS = np.iinfo(np.int64).max


class _Inner:
    """A graph inside an operator. Its names are unique in the whole model."""

    def __init__(self, outer: Builder, node: TfNode, name: str) -> None:
        self.outer, self.node = outer, node
        self.prefix = outer.tensor(name)
        self.builder = Builder(Graph(name))
        self.builder._used = outer._used
        self.builder.begin(node.name, node.op)

    def input(self, name: str, dtype: str, shape: tuple[int, ...] = ()) -> str:
        """Adds an input."""
        tensor = f"{self.prefix}/{name}"
        self.builder.reserve([tensor])
        self.builder.graph.inputs.append(Interface(tensor, shape, dtype, "NONE"))
        return tensor

    def like(self, name: str, tensor: str) -> str:
        """Adds an input of the type and shape of a tensor outside."""
        value = described(self.outer, tensor)
        if value is None or value.dtype is None or value.shape is None:
            raise UnsupportedError(
                f"the shape of '{tensor}', which it reads, is not known when the model is converted",
                "give the model's inputs fixed shapes",
            )
        return self.input(name, value.dtype, value.shape)

    def const(self, tensor: str) -> str:
        """Takes a constant inside."""
        self.builder.graph.consts[tensor] = self.outer.graph.consts[tensor]
        return tensor

    def output(self, tensor: str) -> str:
        """Adds an output; returns its type."""
        result = self.builder.op("Identity", [tensor])
        value = described(self.builder, result) or Value(result)
        dtype = value.dtype or "f32"
        self.builder.graph.outputs.append(Interface(result, value.shape or (), dtype, "NONE"))
        return dtype


def if_operator(builder: Builder, node: TfNode, context: Context) -> None:
    """The operator If."""
    condition, given = node.input(0), node.inputs[1:]
    if node.type_attr("Tcond", "bool") != "bool":
        condition = builder.op("Cast", [condition], None, output_type="bool")
    if any(t in context.lists for t in given):
        raise UnsupportedError("it hands a list to a branch that only the run chooses")
    read = list(dict.fromkeys(t for t in given if t not in builder.graph.consts))
    graphs, types = [], []
    for key in ("then_branch", "else_branch"):
        inner = _Inner(builder, node, key)
        names = {t: inner.like(f"input{i}", t) for i, t in enumerate(read)}
        arguments = [names[t] if t in names else inner.const(t) for t in given]
        results = context.call(inner.builder, node.function_attr(key), arguments, node.attrs)
        types.append([inner.output(t) for t in results])
        graphs.append(inner.builder.graph)
    if types[0] != types[1]:
        raise UnsupportedError("its branches give different types")
    outputs = node.outputs(len(types[0]))
    _add(builder, node, Node("If", outputs[0], [condition, *read], outputs, {}), graphs)


def _add(builder: Builder, node: TfNode, made: Node, graphs: list[Graph]) -> None:
    made.source = f"{node.op} '{node.name}'"
    made.subgraphs = graphs
    builder.graph.nodes.append(made)


def loop_operator(builder: Builder, node: TfNode, context: Context) -> None:
    """The operator Loop. Lists that each round writes at its own place are what it stacks."""
    body = Body(context.functions, node, node.function_attr("body"))
    inner = _Inner(builder, node, "body")
    inner.input("round", "i64")
    inner.input("condition", "bool")
    kinds = [_kind(builder, node, context, body, i) for i in range(len(node.inputs))]
    outside, arguments = _interface(builder, node, context, inner, kinds)
    function = node.function_attr("body")
    nodes, results = context.functions.instantiate(function, inner.prefix, arguments, node.attrs)
    nodes = context.functions.inlined(nodes)
    wanted = {i: results[i] for i, kind in enumerate(kinds) if kind == "variable"}
    stacked = {i: _item(nodes, results[i]) for i, kind in enumerate(kinds) if kind == "stack"}
    order = [*wanted, *stacked]
    made = context.import_part(inner.builder, nodes, [*wanted.values(), *stacked.values()])
    inner.builder.begin(node.name, node.op)
    state = list(arguments)
    for index, tensor in zip(order, made, strict=True):
        state[index] = tensor
    condition = node.function_attr("cond")
    (holds,) = context.call(inner.builder, condition, state, node.attrs)
    (first,) = context.call(builder, condition, node.inputs, node.attrs)
    for tensor in (holds, *made):
        inner.output(tensor)
    outputs = [node.output(i) if i in wanted else builder.tensor("steps") for i in order]
    inputs = [builder.const(_ROUNDS, np.int64, "rounds"), first, *outside]
    attrs = {"variables": len(wanted)}
    _add(builder, node, Node("Loop", node.name, inputs, outputs, attrs), [inner.builder.graph])
    for index, output in zip(order, outputs, strict=True):
        if index in stacked:
            context.lists[node.output(index)] = TensorList(dense=output)
    for index, kind in enumerate(kinds):
        if kind not in ("variable", "stack"):
            alias(builder, node, node.inputs[index], node.output(index))


def _kind(builder: Builder, node: TfNode, context: Context, body: Body, index: int) -> str:
    """What a loop variable is: "constant", "list" (read), "stack" (written), "capture" (the loop
    leaves it alone) or "variable"."""
    tensor = node.inputs[index]
    listed = context.lists.get(tensor)
    if listed is None:
        if not body.is_invariant(index):
            return "variable"
        return "constant" if tensor in builder.graph.consts else "capture"
    if body.is_invariant(index) and listed.dense:
        return "list"
    result = body.results[index]
    if body.op(result) != "TensorListSetItem" or not listed.count:
        raise UnsupportedError(
            "it changes a list in a way that is known only when the model runs",
            "give the model's inputs fixed sizes",
        )
    handle, place, _ = body.inputs(result)
    counter = body.argument(place)
    started = builder.value(node.inputs[counter]) if counter >= 0 else None
    plain = body.argument(handle) == index and counter >= 0 and body.is_counter(counter)
    if not plain or started is None or started.any() or not _fills(builder, node, context, listed):
        raise UnsupportedError("it writes a list in another order than that of its rounds")
    return "stack"


def _fills(builder: Builder, node: TfNode, context: Context, listed: TensorList) -> bool:
    """Whether the loop's condition compares something with the number of elements of the list."""
    condition = Body(context.functions, node, node.function_attr("cond"))
    producers = builder.graph.producers()

    def root(name: str) -> str:
        while name in producers and producers[name].op == "Identity":
            name = producers[name].inputs[0]
        return name

    numbers = [condition.argument(t) for n in condition.nodes for t in condition.inputs(n)]
    bounds = {root(node.inputs[i]) for i in numbers if i >= 0}
    return root(listed.count) in bounds


def _interface(
    builder: Builder, node: TfNode, context: Context, inner: _Inner, kinds: list[str]
) -> tuple[list[str], list[str]]:
    """What the operator reads outside (variables, then the rest), and the body's arguments."""
    outside: list[str] = []
    arguments = [""] * len(kinds)
    for turn in ("variable", "capture"):
        for index, kind in enumerate(kinds):
            tensor = node.inputs[index]
            if kind == turn:
                arguments[index] = inner.like(f"input{index}", tensor)
                outside.append(tensor)
            elif kind == "list" and turn == "capture":
                dense = context.lists[tensor].dense
                if dense in builder.graph.consts:
                    arguments[index] = inner.const(dense)
                else:
                    arguments[index] = inner.like(f"input{index}", dense)
                    outside.append(dense)
                handle = f"{arguments[index]}/list"
                context.lists[handle] = TensorList(dense=arguments[index])
                arguments[index] = handle
            elif kind == "constant":
                arguments[index] = inner.const(tensor)
            elif kind == "stack":
                arguments[index] = f"{inner.prefix}/stack{index}"
    return outside, arguments


def _item(nodes: list[Any], tensor: str) -> str:
    """What the body writes into a list."""
    by_name = {n.name: n for n in nodes}
    for _ in range(len(nodes)):
        node = by_name.get(split_tensor_name(normalized(tensor))[0])
        if node is None:
            break
        if node.op == "TensorListSetItem":
            return str(node.input[2])
        tensor = node.input[split_tensor_name(tensor)[1] if node.op == "IdentityN" else 0]
    raise UnsupportedError("it writes a list that is not found", "the model file is damaged")
