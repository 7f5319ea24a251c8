# SPDX-License-Identifier: Apache-2.0
"""Writes several files as one: either all of them appear under their names, complete, or none does
and what was there before stays."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mace.errors import MaceError


def write_files(contents: Mapping[Path, bytes], secret: Mapping[Path, bytes] | None = None) -> None:
    """Writes each content to its path, making folders as needed. secret: more of them, which the
    owner alone may read.

    Raises MaceError when the system does not let it, e.g. when the disk is full; no temporary file
    is left then.
    """
    temporaries: dict[Path, Path] = {}
    hidden = dict(secret or {})
    contents = {**contents, **hidden}
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content, temporaries, path not in hidden)
        for path, temporary in temporaries.items():
            os.replace(temporary, path)
        for folder in {path.parent for path in contents}:
            _sync(folder)
    except OSError as error:
        total = sum(len(c) for c in contents.values())
        names = ", ".join(f"'{p}'" for p in contents)
        raise MaceError(
            f"{names} cannot be written: {error.strerror or error}",
            hint=f"{max(total, 1000) / 1e3:,.0f} kB are needed in a folder that you may write",
        ) from error
    finally:
        for temporary in temporaries.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _write(path: Path, content: bytes, temporaries: dict[Path, Path], public: bool) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    temporaries[path] = Path(name)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    if not public:
        return
    # mkstemp makes files for the owner alone; models are as readable as any file.
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
