# SPDX-License-Identifier: Apache-2.0
"""What model.pb says of inputs and outputs, read without the engine: enough to prepare a run on
another machine. Whether the file is sound is for the engine to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from mace.errors import MaceError
from mace.export.model import net_bytes
from mace.protection.encryption import decrypt, is_encrypted
from mace.proto_messages import message_class
from mace.runtime import DTYPES, FORMATS, TensorInfo

_MAGIC = 0x4543414D


def read_net(path: Path, key: bytes | None = None) -> Any:
    """The NetDef of a converted model. key: of one that is encrypted. Raises MaceError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MaceError(
            f"there is no converted model '{path}': {error.strerror}", hint="run convert first"
        ) from None
    if is_encrypted(raw):
        if key is None:
            raise MaceError(
                f"'{path}' is encrypted, and no key is given",
                hint="name its key in the deployment file: encryption_key_file",
            )
        raw = decrypt(raw, key)
    model, net = message_class("mace.ModelDef")(), message_class("mace.NetDef")()
    try:
        model.ParseFromString(raw)
        if model.magic != _MAGIC:
            raise DecodeError("its first field is not that of a MACE model")
        net.ParseFromString(net_bytes(model))
    except DecodeError as error:
        raise _damaged(path, error) from None
    return net


def read_interface(
    path: Path, key: bytes | None = None
) -> tuple[list[TensorInfo], list[TensorInfo]]:
    """Inputs and outputs of a converted model; as read_net."""
    net = read_net(path, key)
    try:
        infos = [
            [
                TensorInfo(i.name, tuple(i.dims), DTYPES[i.data_type], FORMATS[i.data_format])
                for i in interface
            ]
            for interface in (net.input_info, net.output_info)
        ]
    except KeyError as error:
        raise _damaged(path, error) from None
    return infos[0], infos[1]


def _damaged(path: Path, error: Exception) -> MaceError:
    return MaceError(
        f"'{path}' is damaged or is not a MACE model: {error}", hint="convert the model again"
    )
