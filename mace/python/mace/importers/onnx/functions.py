# SPDX-License-Identifier: Apache-2.0
"""Operators that ONNX defines by others: a node that no importer function translates is replaced by
the body that its schema gives, until only nodes are left that can be translated or have no body."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import onnx
from onnx import AttributeProto, FunctionProto, GraphProto, NodeProto, TypeProto, helper

_log = logging.getLogger(__name__)

DOMAINS = ("", "ai.onnx")
# Of the operators that kaldi-onnx writes.
KALDI = "ai.kaldi2onnx"
# Bodies within bodies: those of ONNX are three deep.
_DEEPEST = 16

Supported = Callable[[str], bool]
# Of a node, by its first output: the opset of its domain, where it is not the model's.
Opsets = dict[str, int]


def key_of(node: NodeProto) -> str:
    """The first output that has a name: it tells nodes of one graph apart."""
    return next((o for o in node.output if o), node.name)


def operator_name(node: NodeProto) -> str:
    """The operator, after its domain unless that is ONNX's own."""
    return node.op_type if node.domain in DOMAINS else f"{node.domain}.{node.op_type}"


def expand(
    model: onnx.ModelProto,
    supported: Supported,
    infer: Callable[[onnx.ModelProto], onnx.ModelProto],
) -> tuple[onnx.ModelProto, Opsets]:
    """The model with bodies in place of nodes that are not supported.

    infer: adds what is known of types and shapes to a model; called before each round, since some
    bodies depend on them. A node whose body cannot be had stays as it is.
    """
    opsets: Opsets = {}
    versions = {"" if o.domain in DOMAINS else o.domain: o.version for o in model.opset_import}
    model = infer(model)
    for _ in range(_DEEPEST):
        if not _expand_graph(model.graph, supported, versions, opsets, _types(model.graph)):
            break
        del model.graph.value_info[:]
        model = infer(model)
    return model, opsets


def _types(graph: GraphProto) -> dict[str, TypeProto]:
    types = {
        v.name: v.type
        for values in (graph.value_info, graph.output, graph.input)
        for v in values
        if v.type.WhichOneof("value")
    }
    for tensor in graph.initializer:
        types[tensor.name] = helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))
    return types


def _expand_graph(
    graph: GraphProto,
    supported: Supported,
    versions: dict[str, int],
    opsets: Opsets,
    types: dict[str, TypeProto],
) -> bool:
    """Replaces the nodes of a graph and of the graphs in it once; whether there was one."""
    nodes: list[NodeProto] = []
    changed = False
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                known = {**types, **_types(inner)}
                changed |= _expand_graph(inner, supported, versions, opsets, known)
        domain = "" if node.domain in DOMAINS else node.domain
        version = opsets.get(key_of(node), versions.get(domain, 1))
        body = None if supported(operator_name(node)) else _body(node, domain, version, types)
        if body is None:
            nodes.append(node)
            continue
        changed = True
        inner_versions = {"" if o.domain in DOMAINS else o.domain: o for o in body.opset_import}
        for replacement in _instantiate(body, node, domain, version):
            place = "" if replacement.domain in DOMAINS else replacement.domain
            own = inner_versions.get(place)
            # A body that does not say which version it means is written for that of the model.
            same = version if place == domain else versions.get(place, version)
            opsets[key_of(replacement)] = own.version if own is not None else same
            nodes.append(replacement)
    if changed:
        copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
        del graph.node[:]
        graph.node.extend(copies)
    return changed


def _body(
    node: NodeProto, domain: str, version: int, types: dict[str, TypeProto]
) -> FunctionProto | None:
    """What the node's schema says that it computes; None when it says nothing of such a node."""
    try:
        schema: Any = onnx.defs.get_schema(node.op_type, version, domain)
    except onnx.defs.SchemaError:
        return None
    fixed = max((v for v in schema.function_opset_versions if v <= version), default=0)
    if fixed:
        return FunctionProto.FromString(schema.get_function_with_opset_version(fixed))
    versions = schema.context_dependent_function_opset_versions
    dependent = max((v for v in versions if v <= version), default=0)
    given = [types.get(t, TypeProto()) for t in node.input]
    if any(t and not g.WhichOneof("value") for t, g in zip(node.input, given, strict=True)):
        return None
    if not dependent:
        return None
    try:
        content = schema.get_context_dependent_function_with_opset_version(
            dependent, node.SerializeToString(), [t.SerializeToString() for t in given]
        )
    except Exception as error:  # onnx raises various types for attributes that it does not expect
        _log.debug("no body for %s '%s': %s", node.op_type, node.name, error)
        return None
    body = FunctionProto.FromString(content)
    return body if body.node else None


def _instantiate(
    body: FunctionProto, node: NodeProto, domain: str, version: int
) -> list[NodeProto]:
    """The body's nodes for the inputs, outputs and attributes of a node."""
    names = dict.fromkeys(body.input, "")
    names.update(zip(body.input, node.input, strict=False))
    names.update((f, a) for f, a in zip(body.output, node.output, strict=False) if a)
    schema = onnx.defs.get_schema(node.op_type, version, domain)
    attributes = {
        name: attribute.default_value
        for name, attribute in schema.attributes.items()
        if attribute.default_value.type != AttributeProto.UNDEFINED
    }
    attributes.update({a.name: a for a in body.attribute_proto})
    attributes.update({a.name: a for a in node.attribute})
    prefix = f"{key_of(node)}/{node.op_type}/"
    return [_renamed(inner, names, attributes, prefix) for inner in body.node]


def _renamed(
    node: NodeProto, names: dict[str, str], attributes: dict[str, AttributeProto], prefix: str
) -> NodeProto:
    """A copy with the names of the place where the body is put, and attributes filled in."""

    def rename(name: str) -> str:
        return names.setdefault(name, prefix + name) if name else ""

    result = NodeProto()
    result.CopyFrom(node)
    result.name = prefix + (node.name or key_of(node))
    result.input[:] = [rename(t) for t in node.input]
    result.output[:] = [rename(t) for t in node.output]
    del result.attribute[:]
    for attribute in node.attribute:
        filled = result.attribute.add()
        if not attribute.ref_attr_name:
            filled.CopyFrom(attribute)
            if filled.HasField("g"):
                _rename_graph(filled.g, names, attributes, prefix)
            for graph in filled.graphs:
                _rename_graph(graph, names, attributes, prefix)
        elif attribute.ref_attr_name in attributes:
            filled.CopyFrom(attributes[attribute.ref_attr_name])
            filled.name = attribute.name
        else:
            del result.attribute[-1]
    return result


def _rename_graph(
    graph: GraphProto, names: dict[str, str], attributes: dict[str, AttributeProto], prefix: str
) -> None:
    inner = dict(names)
    values: list[Any] = [*graph.input, *graph.output, *graph.value_info, *graph.initializer]
    for value in values:
        value.name = inner.setdefault(value.name, prefix + value.name)
    copies = [_renamed(n, inner, attributes, prefix) for n in graph.node]
    del graph.node[:]
    graph.node.extend(copies)
