# SPDX-License-Identifier: Apache-2.0
"""Reads an ONNX file into plain Python: nodes, constants, inputs and outputs with shapes.

Weights in other files are read only from the model's own folder.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import external_data_helper, helper, inliner, numpy_helper, shape_inference

from mace.errors import MaceError
from mace.graph import dtypes
from mace.graph.ir import Array, Dims, Interface
from mace.importers.base import InterfaceRequest
from mace.importers.onnx import external, functions, kaldi, opsets, ranks
from mace.importers.onnx.node import REGISTRY, OnnxNode, Types

_log = logging.getLogger(__name__)

_DOMAINS = functions.DOMAINS
# Constants of more elements play no part in shapes.
_SHAPE_ELEMENTS = 1024

# Narrower floats of a model are computed in float32.
_COMPUTED_AS = {"f16": "f32", "bf16": "f32"}


@dataclass
class OnnxModel:
    """An ONNX graph. Names of constants that are computed by Constant nodes are among `consts`."""

    nodes: list[OnnxNode] = field(default_factory=list)
    consts: dict[str, Array] = field(default_factory=dict)
    inputs: list[Interface] = field(default_factory=list)
    outputs: list[Interface] = field(default_factory=list)
    types: Types = field(default_factory=Types)
    bad_consts: dict[str, str] = field(default_factory=dict)  # name: why it cannot be used


def load(path: Path) -> onnx.ModelProto:
    """Parses a file; big weights in other files stay there, and are checked to be there. MaceError
    says what is wrong with it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MaceError(f"the model '{path}' cannot be read: {error.strerror}") from None
    model = parse(content, str(path))
    external.load_small(model, path.parent, str(path))
    return model


def parse(content: bytes, where: str) -> onnx.ModelProto:
    """Parses the bytes of a model and checks that it is one that can be imported at all."""
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError as error:
        raise MaceError(
            f"'{where}' is not an ONNX model: {error}",
            hint="check the platform, and that the file was downloaded completely",
        ) from None
    if not model.graph.node and not model.graph.output:
        raise MaceError(f"'{where}' holds no ONNX graph")
    return model


def read(
    model: onnx.ModelProto, requests: Sequence[InterfaceRequest], folder: Path | None = None
) -> OnnxModel:
    """Reads a parsed model; shapes of the inputs are those of the requests where given.

    folder: where weights in other files lie.

    Raises MaceError for what is no ONNX model although it could be parsed.
    """
    try:
        return _read(model, requests, folder)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        # Among them names that are not UTF-8, which protobuf decodes only when they are read.
        raise MaceError(
            f"the model is not valid ONNX: {error}",
            hint="check it with onnx.checker, and that the file was downloaded completely",
        ) from None


def _read(
    model: onnx.ModelProto, requests: Sequence[InterfaceRequest], folder: Path | None
) -> OnnxModel:
    model = kaldi.standardized(opsets.raised(model))
    if model.functions:
        model = inliner.inline_local_functions(model)
    result = OnnxModel()
    for tensor in model.graph.initializer:
        _add_constant(result, tensor.name, tensor, folder)
    for sparse in model.graph.sparse_initializer:
        result.bad_consts[sparse.values.name] = "it is sparse"
    result.inputs = [_interface(v) for v in model.graph.input if v.name not in result.consts]
    result.outputs = [_interface(v) for v in model.graph.output]
    wanted = {r.name: source_shape(r) for r in requests if r.shape is not None}
    _apply_shapes(result, requests)
    light, own_opsets = functions.expand(_light(model, wanted), _is_known, _inferred)
    result.types = _types(model, light)
    result.types.opsets = opsets.versions_of(model)
    for index, node in enumerate(light.graph.node):
        if node.op_type == "Constant" and node.domain in _DOMAINS:
            _add_constant_node(result, node)
        else:
            domain = "" if node.domain in _DOMAINS else node.domain
            version = result.types.opsets.get(domain, 1)
            version = own_opsets.get(functions.key_of(node), version)
            result.nodes.append(_node(node, index, version, result.types))
    ranks.complete(result.nodes, result.consts, result.types)
    for interface in result.outputs:
        shape = result.types.shapes.get(interface.name)
        if shape is not None:
            interface.shape = shape
    return result


def _apply_shapes(model: OnnxModel, requests: Sequence[InterfaceRequest]) -> None:
    """Lets the shapes that were asked for stand for those of the file, in its own order."""
    by_name = {i.name: i for i in model.inputs}
    for request in requests:
        interface = by_name.get(request.name)
        if interface is not None and request.shape is not None:
            interface.shape = source_shape(request)


def source_shape(request: InterfaceRequest) -> Dims:
    """The requested shape in the order of ONNX: NCHW."""
    shape = tuple(request.shape or ())
    if len(shape) == 4 and request.data_format == "NHWC":
        return (shape[0], shape[3], shape[1], shape[2])
    return shape


def declared_type(number: int) -> str | None:
    """Our name for a number of onnx.TensorProto.DataType, None when MACE has no such type."""
    try:
        return dtypes.from_numpy(helper.tensor_dtype_to_np_dtype(number))
    except (KeyError, TypeError):
        return None


def element_type(number: int) -> str | None:
    """The type that MACE computes such elements in, None when it has none."""
    name = declared_type(number)
    return _COMPUTED_AS.get(name, name) if name else None


def _dims(value: onnx.TypeProto.Tensor) -> Dims | None:
    if not value.HasField("shape"):
        return None
    return tuple(
        d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else -1 for d in value.shape.dim
    )


def dims_of(info: onnx.ValueInfoProto) -> Dims | None:
    """The shape that a file declares for an input or output, -1 for unknown dimensions."""
    return _dims(info.type.tensor_type)


def _interface(info: onnx.ValueInfoProto) -> Interface:
    tensor = info.type.tensor_type
    dtype = element_type(tensor.elem_type) or "f32"
    return Interface(info.name, _dims(tensor) or (), dtype, "NONE")


def to_array(tensor: onnx.TensorProto, folder: Path | None = None) -> Array:
    """The elements in a type that MACE computes with; ValueError says why there is none."""
    if tensor.data_type == onnx.TensorProto.STRING:
        raise ValueError("it holds strings")
    if tensor.data_type not in onnx.TensorProto.DataType.values():
        raise ValueError(f"its element type {tensor.data_type} is not known")
    target = element_type(tensor.data_type)
    if target is None:
        name = onnx.TensorProto.DataType.Name(tensor.data_type)
        raise ValueError(f"its element type {name} is not one of MACE's")
    if external_data_helper.uses_external_data(tensor):
        array: Array = external.mapped(tensor, folder)
    else:
        array = numpy_helper.to_array(tensor)
    return np.ascontiguousarray(array, dtypes.to_numpy(target)).reshape(array.shape)


def _add_constant(
    model: OnnxModel, name: str, tensor: onnx.TensorProto, folder: Path | None = None
) -> None:
    try:
        model.consts[name] = to_array(tensor, folder)
    except (ValueError, TypeError) as error:
        model.bad_consts[name] = str(error)


def _add_constant_node(model: OnnxModel, node: onnx.NodeProto) -> None:
    if not node.output:
        return
    name = node.output[0]
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.name == "value":
            _add_constant(model, name, value)
        elif attribute.name in ("value_float", "value_floats"):
            model.consts[name] = np.asarray(value, np.float32)
        elif attribute.name in ("value_int", "value_ints"):
            model.consts[name] = np.asarray(value, np.int64)
        else:
            model.bad_consts[name] = f"it is given as {attribute.name}"


def _captures(graph: onnx.GraphProto) -> list[str]:
    """Names of the tensors that a graph reads of the one round it, in the order of reading."""
    own = {t.name for t in graph.initializer} | {v.name for v in graph.input}
    own |= {t.values.name for t in graph.sparse_initializer}
    read: dict[str, None] = {}
    for node in graph.node:
        names = list(node.input)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                names += _captures(inner)
        read.update((t, None) for t in names if t and t not in own)
        own.update(node.output)
    read.update((v.name, None) for v in graph.output if v.name not in own)
    return list(read)


def _node(node: onnx.NodeProto, index: int, opset: int, types: Types) -> OnnxNode:
    attrs: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        attrs[attribute.name] = (
            value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        )
    inputs = list(node.input)
    while inputs and not inputs[-1]:
        inputs.pop()
    op = functions.operator_name(node)
    first = next((o for o in node.output if o), f"{op}_{index}")
    captured = [t for a in node.attribute for graph in (a.g, *a.graphs) for t in _captures(graph)]
    return OnnxNode(
        op,
        node.name or first,
        inputs,
        list(node.output),
        attrs,
        opset,
        types,
        list(dict.fromkeys(captured)),
    )


def _is_known(op: str) -> bool:
    """Whether nodes of that operator are read as they are: REGISTRY fills after this module."""
    return op == "Constant" or REGISTRY.get(op) is not None


def _light(model: onnx.ModelProto, wanted: dict[str, Dims]) -> onnx.ModelProto:
    """A copy of the model without its big constants, with the wanted shapes of inputs."""
    light = onnx.ModelProto()
    light.ir_version = max(model.ir_version, 4)  # from 4 on initializers need not be inputs
    light.opset_import.extend(model.opset_import)
    graph = light.graph
    graph.name = model.graph.name or "graph"
    graph.node.extend(model.graph.node)
    graph.output.extend(model.graph.output)
    names = {t.name for t in model.graph.initializer}
    for info in model.graph.input:
        if info.name not in names:
            graph.input.add().CopyFrom(info)
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _SHAPE_ELEMENTS:
            graph.initializer.add().CopyFrom(tensor)
        else:
            info = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
            graph.input.add().CopyFrom(info)
    for info in graph.input:
        shape = wanted.get(info.name)
        if shape is not None:
            _set_dims(info, shape)
    return light


def _inferred(light: onnx.ModelProto) -> onnx.ModelProto:
    """The model with what onnx's own inference finds out of types and shapes."""
    try:
        return shape_inference.infer_shapes(light, data_prop=True)
    except Exception as error:  # onnx raises various types; without shapes less can be imported
        _log.debug("shapes could not be inferred: %s", error)
        return light


def _types(model: onnx.ModelProto, light: onnx.ModelProto) -> Types:
    """What is known of tensors: from the inferred model, and from what the file itself says."""
    types = Types()
    values = [*light.graph.value_info, *light.graph.input, *light.graph.output]
    for info in values:
        dims = _dims(info.type.tensor_type)
        if dims is not None:
            types.shapes[info.name] = dims
        _set_type(types, info.name, info.type.tensor_type.elem_type)
    # What the file itself says of other tensors may be of other input shapes: its ranks are kept.
    exact = kaldi.has_shapes(model, light)
    for info in model.graph.value_info:
        dims = _dims(info.type.tensor_type)
        if dims is not None:
            types.shapes.setdefault(info.name, dims if exact else (-1,) * len(dims))
        if info.name not in types.dtypes:
            _set_type(types, info.name, info.type.tensor_type.elem_type)
    for tensor_proto in model.graph.initializer:
        types.shapes[tensor_proto.name] = tuple(tensor_proto.dims)
        _set_type(types, tensor_proto.name, tensor_proto.data_type)
    return types


def _set_type(types: Types, name: str, number: int) -> None:
    dtype, declared = element_type(number), declared_type(number)
    if dtype is not None and declared is not None:
        types.dtypes[name], types.declared[name] = dtype, declared


def _set_dims(info: onnx.ValueInfoProto, shape: Dims) -> None:
    del info.type.tensor_type.shape.dim[:]
    for size in shape:
        dim = info.type.tensor_type.shape.dim.add()
        if size >= 0:
            dim.dim_value = size
