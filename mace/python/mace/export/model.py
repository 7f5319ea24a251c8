# SPDX-License-Identifier: Apache-2.0
"""From the graph to the content of model.pb, model.data and model.pb_txt (mace/proto/mace.proto).

Equal graphs give equal bytes. Constants are laid out in the order in which operators read them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import xxhash
from google.protobuf import text_format

from mace import proto_messages
from mace.errors import MaceError
from mace.export import weights
from mace.graph import dtypes, schema
from mace.graph.ir import Array, Graph, Interface, Node, Quantization, Value

FORMAT_VERSION = 2
_NEWER_VERSION = 3  # of models that older engines cannot read
MAGIC = 0x4543414D  # the bytes "MACE"
ALIGNMENT = 64  # bytes, of every constant in model.data
FORMATS = {"NONE": 0, "NHWC": 1, "NCHW": 2}
RUNTIMES = {"cpu": 0, "gpu": 2, "hexagon": 3}


@dataclass(frozen=True)
class ModelBytes:
    """The content of the files of a model."""

    graph: bytes  # model.pb
    data: bytes  # model.data

    @property
    def text(self) -> str:
        """model.pb_txt, for people."""
        model = proto_messages.message_class("mace.ModelDef").FromString(self.graph)
        net = proto_messages.message_class("mace.NetDef").FromString(net_bytes(model))
        return _text(model, net)


def to_bytes(
    graph: Graph,
    runtimes: Sequence[str] = (),
    keep: Callable[[str, Array], bool] | None = None,
    weight_format: str = "float32",
    scramble: bool = False,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> ModelBytes:
    """Serializes a graph in execution order.

    runtimes: those ("cpu", ...) for which every operator was checked. keep: tells whether the
    elements of a constant are stored; others are declared with their shape alone, which is enough
    to infer shapes. weight_format: how float32 constants are stored, one of weights.FORMATS:
    float16 all those that binary16 can hold, int8 the weights of convolutions and the like; the
    engine computes in float32 all the same. scramble: no text can be read off model.pb. settings:
    texts for the runtimes, by name. Raises MaceError when a constant has a type that MACE does not
    have.
    """
    net = proto_messages.new("mace.NetDef")
    writer = _Data(keep, weight_format)
    _write_net(net, graph, writer)
    data = b"".join(writer.chunks)
    for name, value in settings.items():
        net.arg.add(name=name, s=value.encode())
    net.checked_runtime.extend(sorted(RUNTIMES[r] for r in runtimes))

    model = proto_messages.new("mace.ModelDef")
    model.magic = MAGIC
    model.format_version = FORMAT_VERSION
    model.producer = _producer()
    model.net = proto_messages.serialize(net)
    if writer.has_int8:
        model.format_version = _NEWER_VERSION
    if scramble:
        model.format_version = _NEWER_VERSION
        # Of the content, so that equal graphs give equal bytes; 0 stands for none.
        model.net_scramble = xxhash.xxh64_intdigest(model.net) or 1
        model.net = _scrambled(model.net, model.net_scramble)
    model.net_checksum = xxhash.xxh64_intdigest(model.net)
    model.data_size = len(data)
    model.data_checksum = xxhash.xxh64_intdigest(data)
    return ModelBytes(proto_messages.serialize(model), data)


def net_bytes(model: Any) -> bytes:
    """The serialized NetDef in a ModelDef message."""
    net: bytes = model.net
    return _scrambled(net, model.net_scramble) if model.net_scramble else net


def _scrambled(content: bytes, seed: int) -> bytes:
    """The exclusive or with the sequence of SplitMix64, which is its own inverse: see mace.proto."""
    count = -(-len(content) // 8)
    words = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    words += np.uint64(seed)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    stream = words.astype("<u8").view(np.uint8)[: len(content)]
    return (np.frombuffer(content, np.uint8) ^ stream).tobytes()


def _write_net(net: Any, graph: Graph, data: _Data) -> None:
    net.name = graph.name
    for name, node in zip(unique_names(graph.nodes), graph.nodes, strict=True):
        message = net.op.add()
        _write_node(message, name, node, graph.values)
        for subgraph in node.subgraphs:
            _write_net(message.subgraph.add(), subgraph, data)
    axes = weights.channel_axes(graph)
    for name in used_constants(graph):
        tensor = net.tensors.add()
        data.write(tensor, name, graph.consts[name], axes.get(name))
        # A smaller storage has scales of its own.
        if name in graph.quantization and not tensor.quantize_info.scale:
            _write_quantization(tensor.quantize_info, graph.quantization[name])
    for interface in graph.inputs:
        _write_interface(net.input_info.add(), interface)
    for interface in graph.outputs:
        _write_interface(net.output_info.add(), interface)


def unique_names(nodes: Sequence[Node]) -> list[str]:
    """A name for each node, different from all others."""
    taken: set[str] = set()
    result = []
    for node in nodes:
        stem = name = node.name or (node.outputs[0] if node.outputs else node.op)
        count = 1
        while name in taken:
            count += 1
            name = f"{stem}__{count}"
        taken.add(name)
        result.append(name)
    return result


def _producer() -> str:
    from mace import __version__

    return f"mace {__version__}"


def _write_node(message: Any, name: str, node: Node, values: dict[str, Value]) -> None:
    operator = schema.operators()[node.op]
    message.name, message.type, message.version = name, node.op, operator.version
    message.input.extend(node.inputs)
    message.output.extend(node.outputs)
    for key in sorted(node.attrs):
        _write_attribute(message.arg.add(), operator.attributes[key], node.attrs[key])
    known = [values.get(t, Value(t)) for t in node.outputs]
    if all(v.shape is not None and v.dtype is not None for v in known):
        for value in known:
            message.output_shape.add().dims.extend(value.shape or ())
            message.output_type.append(dtypes.NUMBERS[value.dtype or "f32"])


def _write_attribute(message: Any, attribute: schema.Attribute, value: Any) -> None:
    message.name = attribute.name
    if attribute.kind in ("int", "bool"):
        message.i = int(value)
    elif attribute.kind == "dtype":
        message.i = dtypes.NUMBERS[value]
    elif attribute.kind == "float":
        message.f = float(value)
    elif attribute.kind == "int[]":
        message.ints.extend(int(v) for v in value)
    elif attribute.kind == "float[]":
        message.floats.extend(float(v) for v in value)
    else:
        message.s = str(value).encode()


def _write_quantization(message: Any, quantization: Quantization) -> None:
    message.scale.extend(float(v) for v in quantization.scale)
    message.zero_point.extend(int(v) for v in quantization.zero_point)
    message.axis = quantization.axis


def _write_interface(message: Any, interface: Interface) -> None:
    message.name = interface.name
    message.dims.extend(interface.shape)
    message.data_type = dtypes.NUMBERS[interface.dtype]
    message.data_format = FORMATS[interface.data_format]


def used_constants(graph: Graph) -> list[str]:
    """Names of the constants that something reads, in the order of reading."""
    names = [t for n in graph.nodes for t in n.inputs] + [o.name for o in graph.outputs]
    return [t for t in dict.fromkeys(names) if t in graph.consts]


class _Data:
    """The content of model.data: the elements of all constants, equal ones once."""

    def __init__(self, keep: Callable[[str, Array], bool] | None, weight_format: str) -> None:
        self.chunks: list[bytes] = []
        self.has_int8 = False
        self._keep, self._format = keep, weight_format
        self._size = 0
        self._offsets: dict[bytes, int] = {}

    def write(self, tensor: Any, name: str, array: Array, axis: int | None) -> None:
        """Describes a constant in `tensor`, and adds its elements if they are kept. axis: that of
        the output channels of weights."""
        dtype = dtypes.from_numpy(array.dtype)
        if dtype is None:
            raise MaceError(
                f"constant '{name}' has element type {array.dtype}, which MACE does not have"
            )
        tensor.name = name
        tensor.dims.extend(array.shape)
        tensor.data_type = dtypes.NUMBERS[dtype]
        stored = self._smaller(array, axis) if dtype == "f32" else None
        if stored is not None:
            array = stored.array
            tensor.stored_type = dtypes.NUMBERS[dtypes.from_numpy(array.dtype) or ""]
            if stored.scales:
                self.has_int8 = True
                tensor.quantize_info.scale.extend(stored.scales)
                tensor.quantize_info.axis = stored.axis
        if self._keep is not None and not self._keep(name, array):
            return
        if dtypes.from_numpy(array.dtype) == "bf16":
            array = array.view(np.uint16)
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        digest = hashlib.sha256(raw).digest()
        if digest not in self._offsets:
            padding = -self._size % ALIGNMENT
            self.chunks += [bytes(padding), raw]
            self._offsets[digest] = self._size + padding
            self._size += padding + len(raw)
        tensor.offset, tensor.data_size = self._offsets[digest], len(raw)

    def _smaller(self, array: Array, axis: int | None) -> weights.Stored | None:
        if self._format == "float16":
            return weights.as_half(array)
        if self._format == "bfloat16":
            return weights.as_bfloat16(array)
        if self._format == "int8" and axis is not None:
            return weights.as_int8(array, axis)
        return None


def _text(model: Any, net: Any) -> str:
    lines = [
        f"# format version: {model.format_version}",
        f"# producer: {model.producer}",
        f"# net checksum: {model.net_checksum:016x}",
        f"# data: {model.data_size} bytes, checksum {model.data_checksum:016x}",
    ]
    return "\n".join(lines) + "\n" + text_format.MessageToString(net)
