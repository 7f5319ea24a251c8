# SPDX-License-Identifier: Apache-2.0
"""Any TensorFlow model as a frozen GraphDef that TensorFlow itself can run: for references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorboard.compat.proto.graph_pb2 import GraphDef

from mace.importers.tensorflow.source import read_source

_INT32 = 3


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
    return graph


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
