# SPDX-License-Identifier: Apache-2.0
"""Any TensorFlow model as a frozen GraphDef that TensorFlow itself can run: for references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.compat.proto.graph_pb2 import GraphDef

from mace.importers.tensorflow.source import read_source

_INT32 = 3
_FUNCTIONS = ("cond", "body", "then_branch", "else_branch")
_MAX_DEPTH = 16


def frozen_graph_def(path: Path) -> Any:
    """The model's graph with constants instead of variables and without calls of functions; its
    inputs and outputs have the names that the importer gives them. Raises MaceError."""
    source = read_source(path)
    graph = GraphDef()
    variables = source.variables
    for node in source.nodes:
        added = graph.node.add()
        added.CopyFrom(node)
        if node.name in variables:
            _constant(added, variables[node.name], int(node.attr["dtype"].type))
        elif node.op == "ReadVariableOp":
            dtype = int(node.attr["dtype"].type)
            added.op = "Identity"
            added.ClearField("attr")
            added.attr["T"].type = dtype
        elif node.op == "ResourceGather":
            dtype, indices = int(node.attr["dtype"].type), int(node.attr["Tindices"].type)
            axis = graph.node.add(name=f"{node.name}/axis__frozen", op="Const")
            _scalar(axis, int(node.attr["batch_dims"].i))
            added.op = "GatherV2"
            added.input.append(axis.name)
            added.ClearField("attr")
            added.attr["Tparams"].type, added.attr["Tindices"].type = dtype, indices
            added.attr["Taxis"].type = _INT32
            added.attr["batch_dims"].i = int(node.attr["batch_dims"].i)
        kept = [t for t in added.input if t[:1] != "^"]
        del added.input[:]
        added.input.extend(kept)
    for function in source.functions.definitions():
        graph.library.function.add().CopyFrom(function)
    functions = {f.signature.name: f for f in graph.library.function}
    types = {n.name: int(n.attr["dtype"].type) for n in graph.node if n.name in variables}
    _pass_values(graph.node, types, functions, 0)
    return graph


def _pass_values(nodes: Any, types: dict[str, int], functions: dict[str, Any], depth: int) -> None:
    """Makes loops and branches take a variable's value instead of the variable. types: of what
    were variables, by name."""
    for node in nodes:
        names = [node.attr[k].func.name for k in _FUNCTIONS if k in node.attr]
        if "branches" in node.attr:
            names += [f.name for f in node.attr["branches"].list.func]
        key = "T" if node.op in ("While", "StatelessWhile") else "Tin"
        inputs = list(node.input) if key == "T" else list(node.input)[1:]
        if not names or key not in node.attr or depth > _MAX_DEPTH:
            continue
        listed = node.attr[key].list.type
        given = {
            i: types[name]
            for i, name in enumerate(t.split(":")[0] for t in inputs)
            if name in types and i < len(listed)
        }
        for index, dtype in given.items():
            listed[index] = dtype
        for name in names:
            if given and name in functions:
                _take_values(functions[name], given, functions, depth)


def _take_values(
    function: Any, given: dict[int, int], functions: dict[str, Any], depth: int
) -> None:
    """Makes a function take values for some of its arguments, which it takes as variables."""
    signature, types = function.signature, {}
    for index, dtype in given.items():
        argument = signature.input_arg[index]
        argument.type = dtype
        types[argument.name] = dtype
    for result in signature.output_arg:
        if function.ret[result.name] in types:  # The body of a loop hands its variables on.
            result.type = types[function.ret[result.name]]
    for node in function.node_def:
        if node.op == "ReadVariableOp" and node.input[0] in types:
            node.op = "Identity"
            node.ClearField("attr")
            node.attr["T"].type = types[node.input[0]]
            # What reads it names the output of a variable.
            _rename_output(function, node.name, "value", "output")
    _pass_values(function.node_def, types, functions, depth + 1)


def _rename_output(function: Any, node: str, old: str, new: str) -> None:
    before, after = f"{node}:{old}:", f"{node}:{new}:"
    for reader in function.node_def:
        for index, name in enumerate(reader.input):
            if name.startswith(before):
                reader.input[index] = after + name.removeprefix(before)
    for key, name in list(function.ret.items()):
        if name.startswith(before):
            function.ret[key] = after + name.removeprefix(before)


def _constant(node: Any, array: Any, dtype: int) -> None:
    node.op = "Const"
    node.ClearField("attr")
    node.attr["dtype"].type = dtype
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype
    for size in array.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_content = array.tobytes()


def _scalar(node: Any, value: int) -> None:
    node.attr["dtype"].type = _INT32
    node.attr["value"].tensor.dtype = _INT32
    node.attr["value"].tensor.int_val.append(value)
    node.attr["value"].tensor.tensor_shape.SetInParent()
