# SPDX-License-Identifier: Apache-2.0
"""Keras files (.keras, .h5) as frozen graphs: the installed TensorFlow, in a process of its own
(mace/frameworks/keras_worker.py), loads the model and freezes it. The result is kept in the cache."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from mace.errors import MaceError
from mace.resources import cache_dir

SUFFIXES = (".keras", ".h5", ".hdf5")
_TIMEOUT = 3600
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"


def is_keras(path: Path) -> bool:
    """Whether the file is of one of Keras's formats, by its content."""
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError:
        return False
    return head == _HDF5 or head[:4] == _ZIP


def frozen_keras(path: Path) -> Path:
    """The frozen GraphDef of a Keras file. Raises MaceError."""
    worker = Path(__file__).parents[2] / "frameworks" / "keras_worker.py"
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(worker.read_bytes())
    folder = cache_dir() / "keras"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{digest.hexdigest()[:32]}.pb"
    with FileLock(str(target) + ".lock"):
        if not target.is_file():
            _freeze(path, worker, target)
    return target


def _freeze(path: Path, worker: Path, target: Path) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise MaceError(
            f"'{path}' is a Keras file, which TensorFlow has to load, and it is not installed",
            hint="pip install tensorflow-cpu, or give the model as a SavedModel (model.export)",
        )
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        made = Path(work) / "model.pb"
        command = [sys.executable, "-P", str(worker), str(path.resolve()), str(made)]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=_TIMEOUT, check=False, cwd=work
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MaceError(f"TensorFlow could not be run on '{path}': {error}") from None
        if result.returncode != 0 or not made.is_file():
            lines = [line for line in result.stderr.splitlines() if line.strip()]
            reason = lines[-1] if lines else f"it ended with {result.returncode}"
            raise MaceError(
                f"Keras cannot load '{path}': {reason}",
                hint="if the model has layers of its own, export it as a SavedModel (model.export)",
            )
        os.replace(made, target)
