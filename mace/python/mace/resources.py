# SPDX-License-Identifier: Apache-2.0
"""Where the package's data files are: beside the package when installed, else in the source tree."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_TREE = _PACKAGE.parents[2]
_SOURCES = {"ops.yml": "mace/ops/ops.yml", "mace.desc": "mace/proto/mace.proto", "caffe.desc": "mace/proto/caffe.proto"}


@lru_cache(maxsize=16)
def resource(name: str) -> Path:
    """The path of ops.yml, mace.desc or caffe.desc; FileNotFoundError says what is missing."""
    packaged = _PACKAGE / "_data" / name
    if packaged.is_file():
        return packaged
    source = _TREE / _SOURCES[name]
    if not source.is_file():
        raise FileNotFoundError(f"{name} is neither in {packaged.parent} nor made from {source}")
    return source if source.suffix == ".yml" else _descriptor(source, name)


def _descriptor(source: Path, name: str) -> Path:
    target = _TREE / "builds" / "descriptors" / name
    if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as stream:
        made = stream.name
    command = ["protoc", f"--descriptor_set_out={made}", "-I", str(source.parent), source.name]
    subprocess.run(command, check=True)
    os.replace(made, target)
    return target
