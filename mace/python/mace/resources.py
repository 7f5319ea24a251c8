# SPDX-License-Identifier: Apache-2.0
"""Where the files lie that are not Python: libmace.so, the device programs, the message descriptors
and ops.yml. An installed package carries them; a source tree builds them when first needed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from mace.errors import MaceError

_PACKAGE = Path(__file__).resolve().parent
HOST_ABI = "host"

# The sources in the tree of what does not depend on an ABI: the file itself, or the .proto file
# that protoc describes.
_SOURCES = {
    "ops.yml": "mace/ops/ops.yml",
    "mace.desc": "mace/proto/mace.proto",
    "caffe.desc": "mace/proto/caffe.proto",
}
# Made by the build, one for each ABI.
_BINARIES = ("libmace.so", "mace_run", "benchmark_model", "example")


@lru_cache(maxsize=1)
def source_root() -> Path | None:
    """The root of the source tree that this package lies in, or None when it is installed."""
    root = _PACKAGE.parent.parent.parent
    if (root / "WORKSPACE").is_file() and (root / "mace" / "python" / "mace").is_dir():
        return root
    return None


def resource(name: str, abi: str = HOST_ABI, variant: Sequence[str] = ()) -> Path:
    """The path of a resource: "ops.yml", "mace.desc", "caffe.desc", "libmace.so", "mace_run",
    "benchmark_model", "example". The last four exist for each ABI. Builds it if need be. variant:
    of mace.build, which no package has.

    Raises MaceError if it is neither packaged nor can be built.
    """
    if name not in _SOURCES and name not in _BINARIES:
        raise ValueError(f"there is no resource '{name}'")
    if name == "libmace.so" and abi == HOST_ABI:
        override = os.environ.get("MACE_LIBRARY")
        if override:
            if not Path(override).is_file():
                raise MaceError(
                    f"MACE_LIBRARY is set to '{override}', which is not a file",
                    hint="set it to the path of libmace.so, or unset it",
                )
            return Path(override)
    packaged = _PACKAGE / "_data" / name if name in _SOURCES else _PACKAGE / "_lib" / abi / name
    if packaged.is_file() and not variant:
        return packaged
    root = source_root()
    if root is None:
        raise MaceError(
            f"this installation of mace does not contain {name}"
            + (f" for {abi}" if name in _BINARIES else "")
            + (f" built with {' '.join(variant)}" if variant else ""),
            hint="install the package again, or use a source tree, where it is built when needed",
        )
    if name.endswith(".yml"):
        return root / _SOURCES[name]
    from mace import build  # needed in a source tree only

    if name in _SOURCES:
        return build.descriptor(root, root / _SOURCES[name], name)
    return build.binary(root, name, abi, variant)


def cache_dir() -> Path:
    """The folder for downloads: builds/downloads of a source tree, else the user's cache folder."""
    root = source_root()
    if root is not None:
        return root / "builds" / "downloads"
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "mace" / "downloads"
