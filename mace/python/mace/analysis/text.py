# SPDX-License-Identifier: Apache-2.0
"""A graph as text that people read and diff: one line for each input, constant and node."""

from __future__ import annotations

import hashlib

import numpy as np

from mace.graph import dtypes
from mace.graph.ir import Array, Dims, Graph, Node

# Constants of up to so many elements are written out.
_SHOWN = 8


def graph_text(graph: Graph) -> str:
    """The graph's lines in execution order; equal graphs give equal text."""
    lines = [f"graph {graph.name}"]
    for i in graph.inputs:
        lines.append(f"input {i.name}: {i.dtype}{_shape(i.shape)} {i.data_format}")
    used = dict.fromkeys(t for n in graph.nodes for t in n.inputs if t in graph.consts)
    used |= dict.fromkeys(o.name for o in graph.outputs if o.name in graph.consts)
    lines += [f"const {name}: {_constant(graph.consts[name])}" for name in used]
    lines += [_node(graph, node) for node in graph.nodes]
    lines += [f"output {o.name} {o.data_format}" for o in graph.outputs]
    return "\n".join(lines) + "\n"


def _node(graph: Graph, node: Node) -> str:
    outputs = ", ".join(_tensor(graph, t) for t in node.outputs)
    inputs = ", ".join(t or "-" for t in node.inputs)
    attrs = ", ".join(f"{key}={node.attrs[key]!r}" for key in sorted(node.attrs))
    source = f"  # {node.source}" if node.source else ""
    return f"{outputs} = {node.op}({inputs}){' {' + attrs + '}' if attrs else ''}{source}"


def _tensor(graph: Graph, name: str) -> str:
    value = graph.values.get(name)
    if not name or value is None:
        return name or "-"
    return f"{name}: {value.dtype or '?'}{_shape(value.shape)}"


def _shape(shape: Dims | None) -> str:
    if shape is None:
        return "[*]"
    return "[" + ",".join("?" if d < 0 else str(d) for d in shape) + "]"


def _constant(array: Array) -> str:
    kind = f"{dtypes.from_numpy(array.dtype) or array.dtype}{_shape(array.shape)}"
    if array.size <= _SHOWN:
        return f"{kind} = {np.array2string(array.reshape(-1), separator=',')}".replace("\n", "")
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]
    return f"{kind} sha256 {digest}"
