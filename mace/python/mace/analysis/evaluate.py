# SPDX-License-Identifier: Apache-2.0
"""Computes tensors that depend on constants alone, with our own engine: what is folded at
conversion is what the device would have computed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import numpy as np

from mace.errors import MaceError
from mace.graph import schema
from mace.graph.ir import Array, Graph, Interface, Node, Quantization

_log = logging.getLogger(__name__)


def evaluate(graph: Graph, tensors: Iterable[str]) -> dict[str, Array]:
    """The elements of those of `tensors` that depend on constants alone and that the engine can
    compute. The others are left out; why is logged at debug level."""
    wanted = list(tensors)
    result = {t: graph.consts[t] for t in wanted if t in graph.consts}
    part = _static_part(graph, [t for t in wanted if t not in result])
    if part is None:
        return result
    computed = _run(part)
    if computed is None:  # one operator that fails must not keep the others from being computed
        computed = {}
        for output in part.outputs if len(part.outputs) > 1 else []:
            single = _static_part(graph, [output.name])
            computed.update((_run(single) if single else None) or {})
    return result | computed


def quantization_of(node: Node, value: Callable[[str], Array | None]) -> Quantization | None:
    """How the constant was quantized that a Dequantize makes; None for other operators, and for
    blocks with scales of their own."""
    if node.op != "Dequantize" or node.attrs.get("block_size", 0):
        return None
    integers, scale = value(node.inputs[0]), value(node.inputs[1])
    if integers is None or scale is None or scale.ndim > 1:
        return None
    zero = value(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    points = np.zeros(scale.size, np.int32) if zero is None else zero.astype(np.int32).reshape(-1)
    axis = int(schema.attribute(node, "axis")) if scale.size > 1 else 0
    return Quantization(scale.reshape(-1), points, axis % max(1, integers.ndim))


def static_tensors(graph: Graph) -> set[str]:
    """Names of the constants and of all tensors that depend on constants alone."""
    static = set(graph.consts) | {""}
    for node in graph.nodes:
        if all(t in static for t in node.inputs):
            static.update(node.outputs)
    return static


def _static_part(graph: Graph, tensors: list[str]) -> Graph | None:
    """The nodes that compute those of `tensors` that depend on constants alone, as a graph."""
    static = static_tensors(graph)
    outputs = [t for t in tensors if t in static]
    wanted = set(outputs)
    nodes = []
    for node in reversed(graph.nodes):
        if wanted.intersection(node.outputs):
            nodes.append(node)
            wanted.update(t for t in node.inputs if t and t not in graph.consts)
    if not nodes:
        return None
    used = {t for n in nodes for t in n.inputs}
    consts = {name: array for name, array in graph.consts.items() if name in used}
    interfaces = [Interface(t, (), data_format="NONE") for t in outputs]
    return Graph(f"{graph.name}/constants", nodes[::-1], consts, [], interfaces)


def _run(part: Graph) -> dict[str, Array] | None:
    # Here, because reading an importer's source must not need the engine.
    from mace.analysis.infer import infer
    from mace.export.model import to_bytes
    from mace.runtime import Engine

    try:
        described = infer(part).graph
        for output in part.outputs:
            value = described.values.get(output.name)
            if value is None or value.dtype is None:
                _log.debug("not folded to constants: the type of %s is not known", output.name)
                return None
            output.shape, output.dtype = value.shape or (), value.dtype
        model = to_bytes(part)
        with Engine.from_bytes(model.graph, model.data or None) as engine:
            return dict(engine.run({}))
    except MaceError as error:
        names = ", ".join(o.name for o in part.outputs)
        _log.debug("not folded to constants: %s (%s)", names, error)
        return None
