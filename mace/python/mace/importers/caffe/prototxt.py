# SPDX-License-Identifier: Apache-2.0
"""Reads Caffe's files: the network (.prototxt, text) and its weights (.caffemodel, binary).

Parameters of layers that mace/proto/caffe.proto does not describe are skipped with their contents;
a field that is unknown within a described one is an error with file and line."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError

from mace.graph.ir import Array
from mace.importers.base import ImportFailed, Problem, UnsupportedError
from mace.importers.caffe.upgrade import upgrade
from mace.proto_messages import message_class

_DESCRIPTOR = "caffe.desc"
# Messages whose unknown fields are skipped: those that forks of Caffe add layers to.
_OPEN_MESSAGES = ("NetParameter", "LayerParameter", "V1LayerParameter")
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[{}<>\[\]:;,]|[^\s{}<>\[\]:;,"'#]+"""
)


def read_network(path: Path) -> tuple[Any, list[int]]:
    """The NetParameter in a .prototxt file, its layers in today's form, and the line at which each
    of them begins. Raises ImportFailed with file and line."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise _file_problem(path, f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        hint = "model_file_path is the .prototxt, weight_file_path the .caffemodel"
        raise _file_problem(path, "it is not text", hint) from error
    network = message_class("mace.caffe.NetParameter", _DESCRIPTOR)()
    try:
        text_format.Parse(_without_unknown(text, network.DESCRIPTOR), network)
    except text_format.ParseError as error:
        where = f"{path}:{error.GetLine() or 1}:{error.GetColumn() or 1}"
        reason = re.sub(r"^\d+:\d+ : ", "", str(error)).replace("mace.caffe.", "")
        raise _file_problem(Path(where), f"it is not a Caffe network: {reason}") from error
    if network.layers:
        upgrade(network, str(path))
    if not network.layer:
        raise _file_problem(path, "it has no layers")
    return network, _layer_lines(text)


def read_weights(path: Path) -> dict[str, list[Any]]:
    """The weights (BlobWeights messages) by name of the layer."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _file_problem(path, f"it cannot be read: {error.strerror}") from error
    weights = message_class("mace.caffe.NetWeights", _DESCRIPTOR)()
    try:
        weights.ParseFromString(data)
    except DecodeError as error:
        hint = "copy the file again; weight_file_path is the .caffemodel"
        raise _file_problem(path, "it is not a caffemodel, or it is damaged", hint) from error
    if not weights.layer and not weights.layers:
        raise _file_problem(path, "it holds no layers", "weight_file_path is the .caffemodel")
    oldest = [layer.layer for layer in weights.layers if layer.HasField("layer")]
    layers = (*oldest, *weights.layers, *weights.layer)
    return {layer.name: list(layer.blobs) for layer in layers if layer.blobs}


def blob_array(blob: Any) -> Array:
    """The numbers of a BlobWeights message; UnsupportedError when they do not fit its shape."""
    if blob.HasField("shape"):
        shape = [int(d) for d in blob.shape.dim]
    else:
        shape = [blob.num, blob.channels, blob.height, blob.width]
    data = b"".join(blob.data)
    size = 4 if data or not blob.double_data else 8
    if size == 8:
        data = b"".join(blob.double_data)
    if any(d < 0 for d in shape) or math.prod(shape) * size != len(data):
        raise UnsupportedError(
            f"its weights have {len(data)} bytes for shape {shape}", "the caffemodel is damaged"
        )
    values = np.frombuffer(data, "<f4" if size == 4 else "<f8")
    return values.astype(np.float32).reshape(shape)


def _file_problem(path: Path, message: str, hint: str = "") -> ImportFailed:
    return ImportFailed([Problem("model", "file", str(path), message, hint)])


def _tokens(text: str) -> list[re.Match[str]]:
    return [m for m in _TOKEN.finditer(text) if not m[0].isspace() and not m[0].startswith("#")]


def _layer_lines(text: str) -> list[int]:
    """The lines of the outermost fields `layer` or `layers`, in order."""
    depth, lines, line, position = 0, [], 1, 0
    for token in _tokens(text):
        if depth == 0 and token[0] in ("layer", "layers"):
            line += text.count("\n", position, token.start())
            position = token.start()
            lines.append(line)
        depth += (token[0] in "{<") - (token[0] in "}>")
    return lines


def _without_unknown(text: str, descriptor: Any) -> str:
    """The text with unknown parameters of layers made blank, so that positions stay."""
    tokens = _tokens(text)
    spans: list[tuple[int, int]] = []
    _find_unknown(tokens, 0, descriptor, spans)
    parts, position = [], 0
    for start, end in spans:
        parts += [text[position:start], re.sub(r"[^\n]", " ", text[start:end])]
        position = end
    return "".join([*parts, text[position:]])


def _find_unknown(
    tokens: list[re.Match[str]], index: int, descriptor: Any, spans: list[tuple[int, int]]
) -> int:
    """Walks the fields of one message from tokens[index] on and returns the index behind it.

    What is malformed is left to the parser, which words the error.
    """
    while index < len(tokens) and tokens[index][0] not in "}>":
        name = tokens[index]
        field = descriptor.fields_by_name.get(name[0])
        index += 1
        if index < len(tokens) and tokens[index][0] == ":":
            index += 1
        if index < len(tokens) and tokens[index][0] in "{<" and field and field.message_type:
            index = _find_unknown(tokens, index + 1, field.message_type, spans)
        else:
            index = _skip_value(tokens, index)
        while index < len(tokens) and tokens[index][0] in ";,":
            index += 1
        skipped = field is None and descriptor.name in _OPEN_MESSAGES
        if skipped and name[0].isidentifier() and index <= len(tokens):
            spans.append((name.start(), tokens[index - 1].end()))
    return index + 1


def _skip_value(tokens: list[re.Match[str]], index: int) -> int:
    """The index behind a value: one token, or all between brackets; past the end if none closes."""
    depth = 0
    while index < len(tokens):
        depth += (tokens[index][0] in "{<[") - (tokens[index][0] in "}>]")
        if depth < 0:
            return index
        index += 1
        if depth == 0:
            return index
    return len(tokens) + 1
