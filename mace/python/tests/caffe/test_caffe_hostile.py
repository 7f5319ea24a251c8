# SPDX-License-Identifier: Apache-2.0
"""Networks of random layers with parameters, shapes and weights that nobody means well by: each is
converted or refused with a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from caffe_model import input_layer, write
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor
from mace.convert import ConvertRequest, convert_graph
from mace.errors import MaceError
from mace.importers.base import InterfaceRequest
from mace.importers.caffe import CAFFE
from mace.proto_messages import new

INTEGERS = (0, 1, 1, 2, 2, 3, 4, 7, 100, 2**31 - 1)
FLOATS = (0.0, 1.0, 0.5, -1.0, 2.0, 1e30, float("nan"), float("inf"))
SHAPES = (
    *((), (1,), (3,), (4,), (2, 3), (1, 5), (2, 4, 5), (1, 4, 3, 4, 5)),
    *((1, 4, 6, 5), (1, 4, 6, 6), (2, 8, 4, 4), (4, 4, 1, 1), (4, 1, 1, 1)),
)


def scramble(message: Any, rng: np.random.Generator) -> None:
    """Sets some fields of a message to random numbers."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.6:
            continue
        repeated = field.is_repeated
        for _ in range(int(rng.integers(1, 4)) if repeated else 1):
            if field.message_type is not None:
                inner = getattr(message, field.name)
                scramble(inner.add() if repeated else inner, rng)
                continue
            value = number(field, rng)
            if repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)


def number(field: Any, rng: np.random.Generator) -> Any:
    if field.enum_type is not None:
        return int(rng.choice([v.number for v in field.enum_type.values]))
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return bool(rng.integers(2))
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return str(rng.choice(["", "x", "ProposalLayer", "'feat_stride': 1e999", "scales: [,("]))
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return float(rng.choice(FLOATS))
    value = int(rng.choice(INTEGERS))
    signed = field.cpp_type in (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_INT64)
    return -value if signed and rng.random() < 0.3 else value


@pytest.mark.parametrize("kind", CAFFE.ops())
def test_hostile_layers(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(sum(kind.encode()))
    fields = new("mace.caffe.LayerParameter", "caffe.desc").DESCRIPTOR.fields
    names = [f.name for f in fields if f.name.endswith("_param")]
    letters = kind.lower().removeprefix("depthwise").removesuffix("depthwise")
    own = [n for n in names if n.replace("_", "").startswith(letters[:4])] or names
    for _ in range(25):
        layer = new("mace.caffe.LayerParameter", "caffe.desc")
        layer.name, layer.type = "y", kind
        for name in own:
            scramble(getattr(layer, name), rng)
        text = ""
        shape = SHAPES[rng.integers(1, len(SHAPES))]
        for index in range(int(rng.integers(0, 4))):
            if rng.random() < 0.3:
                shape = SHAPES[rng.integers(1, len(SHAPES))]
            text += input_layer(shape, f"x{index}")
            layer.bottom.append(f"x{index}")
        layer.top.extend(["y", "z", "w"][: int(rng.choice([1, 1, 1, 2, 3]))])
        blobs = [
            rng.standard_normal(SHAPES[rng.integers(len(SHAPES))]).astype(np.float32)
            for _ in range(int(rng.integers(0, 5)))
        ]
        text += f"layer {{ {text_format.MessageToString(layer)} }}"
        model, data = write(tmp_path, text, {"y": blobs} if blobs else None)
        tops = [InterfaceRequest(t, None, None, "NCHW") for t in layer.top]
        try:
            convert_graph(ConvertRequest("net", "caffe", model, data, (), tops))
        except MaceError as error:
            assert len(str(error)) > 20 and "internal error" not in str(error)
