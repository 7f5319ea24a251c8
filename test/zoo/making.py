# SPDX-License-Identifier: Apache-2.0
"""What the makers of models share: images to measure with, and files that are written whole, and
made again only when their maker changed."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "builds" / "zoo"


def images(count: int, size: int, seed: int) -> Array:
    """Random images, count x size x size x 3 in [-1, 1]: the even ones smooth shapes of several
    scales, the odd ones white noise as random validation inputs are, to which layers that were
    measured on smooth images alone answer far too strongly."""
    rng = np.random.default_rng(seed)
    result = 0.05 * rng.standard_normal((count, size, size, 3))
    for cells, weight in ((4, 0.5), (16, 0.3), (64, 0.15)):
        grid = rng.standard_normal((count, cells, cells, 3))
        result += weight * _enlarged(grid, size)
    result[1::2] = rng.uniform(-1, 1, result[1::2].shape)
    return np.clip(result, -1, 1).astype(np.float32)


def _enlarged(grid: Array, size: int) -> Array:
    """The images resized to size x size, bilinear."""
    cells = grid.shape[1]
    position = np.clip((np.arange(size) + 0.5) * cells / size - 0.5, 0, cells - 1)
    first = np.minimum(position.astype(int), cells - 2)
    weights = np.zeros((size, cells))
    weights[np.arange(size), first] = 1 - (position - first)
    weights[np.arange(size), first + 1] = position - first
    result: Array = np.einsum("yh,nhwc,xw->nyxc", weights, grid, weights, optimize=True)
    return result


def rounded(values: Array) -> Array:
    """The numbers with 10 bits of mantissa: what was measured comes out the same on machines whose
    sums differ in the last bits."""
    fraction, exponent = np.frexp(np.asarray(values, np.float64))
    return np.ldexp(np.round(fraction * 1024) / 1024, exponent).astype(np.float32)


def say(model: str, text: str) -> None:
    """A line of progress."""
    print(f"{model}: {text}", flush=True)


def is_current(files: list[Path], source: str) -> bool:
    """Whether the files exist and were made by these sources (their text)."""
    stamp = files[0].with_suffix(".made")
    if not all(f.is_file() for f in [*files, stamp]):
        return False
    return stamp.read_text() == _key(files, source)


def write_all(contents: dict[Path, bytes], source: str) -> None:
    """Writes the files, each one whole, and the stamp that is_current() reads last."""
    files = list(contents)
    stamp = files[0].with_suffix(".made")
    stamp.unlink(missing_ok=True)
    for path, data in contents.items():
        _write(path, data)
    _write(stamp, _key(files, source).encode())


def source_text(*files: str) -> str:
    """The text of a maker and of this module."""
    return "".join(Path(f).read_text() for f in (*files, __file__))


def fail(message: str) -> int:
    """Prints why nothing was made; returns the exit code for that."""
    print(f"error: {message}", file=sys.stderr)
    return 2


def _key(files: list[Path], source: str) -> str:
    sizes = " ".join(f"{f.name}={f.stat().st_size}" for f in files)
    return f"{hashlib.sha256(source.encode()).hexdigest()} {sizes}\n"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
        try:
            stream.write(data)
        except OSError:
            os.unlink(stream.name)
            raise
    os.chmod(stream.name, 0o644)
    os.replace(stream.name, path)
