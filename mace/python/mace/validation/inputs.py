# SPDX-License-Identifier: Apache-2.0
"""The inputs that models are run with, random ones or NumPy files, and outputs from such files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.errors import MaceError
from mace.runtime import TensorInfo

Array: TypeAlias = npt.NDArray[Any]

_MAX_ELEMENTS = 1 << 30


def random_inputs(
    inputs: Sequence[TensorInfo], ranges: Sequence[tuple[float, float]], seed: int
) -> dict[str, Array]:
    """An array for each input: uniform between the bounds of its range; the same for a seed."""
    generator = np.random.Generator(np.random.PCG64(seed))
    result: dict[str, Array] = {}
    for info, (low, high) in zip(inputs, ranges, strict=True):
        if any(d < 0 for d in info.shape):
            shape = ",".join("?" if d < 0 else str(d) for d in info.shape)
            raise MaceError(
                f"input '{info.name}' has the shape {shape}, and no size is given for ?",
                hint="give a full shape in input_shapes, or files in validation_inputs_data",
            )
        if int(np.prod(info.shape, dtype=object)) > _MAX_ELEMENTS:
            raise MaceError(f"input '{info.name}' of shape {info.shape} is too large")
        if info.dtype == np.bool_:
            array: Array = generator.random(info.shape) < 0.5
        elif np.issubdtype(info.dtype, np.integer):
            bounds = np.iinfo(info.dtype)
            first, last = (int(np.clip(v, bounds.min, bounds.max)) for v in (low, high))
            array = generator.integers(first, last, info.shape, endpoint=True).astype(info.dtype)
        else:
            array = generator.uniform(low, high, info.shape).astype(info.dtype)
        result[info.name] = array
    return result


def with_sizes(inputs: Sequence[TensorInfo], size: int) -> list[TensorInfo]:
    """The inputs with `size` where the model leaves a dimension open, and 1 for the first."""
    return [
        TensorInfo(
            info.name,
            tuple((size if k else 1) if d < 0 else d for k, d in enumerate(info.shape)),
            info.dtype,
            info.format,
        )
        for info in inputs
    ]


def sized_inputs(
    inputs: Sequence[TensorInfo], shapes: Sequence[tuple[int, ...]]
) -> list[TensorInfo]:
    """The inputs with sizes of the deployment file where the model leaves them open."""
    sized = []
    for info, shape in zip(inputs, shapes, strict=True):
        if len(shape) == len(info.shape):
            dims = tuple(s if d < 0 else d for d, s in zip(info.shape, shape, strict=True))
            info = TensorInfo(info.name, dims, info.dtype, info.format)
        sized.append(info)
    return sized


def file_inputs(inputs: Sequence[TensorInfo], files: Sequence[Path]) -> list[dict[str, Array]]:
    """Samples from .npy files: one file for each input, again and again."""
    samples = []
    for begin in range(0, len(files), len(inputs)):
        group = files[begin : begin + len(inputs)]
        samples.append({i.name: _load(i, path) for i, path in zip(inputs, group, strict=True)})
    return samples


def file_outputs(outputs: Sequence[TensorInfo], files: Sequence[Path]) -> list[list[Array]]:
    """What must come out, from .npy files in the same order. Shapes are not compared here: some are
    only known after a run."""
    arrays = [
        _batched(_read(path), outputs[index % len(outputs)]) for index, path in enumerate(files)
    ]
    return [arrays[k : k + len(outputs)] for k in range(0, len(arrays), len(outputs))]


def raw_inputs(inputs: Sequence[TensorInfo], files: Sequence[Path]) -> dict[str, Array]:
    """One sample from files of bare elements, as --input_dir has them."""
    result = {}
    for info, path in zip(inputs, files, strict=True):
        try:
            array = np.fromfile(path, info.dtype)
        except OSError as error:
            raise MaceError(f"the input file '{path}' cannot be read: {error.strerror}") from None
        wanted = int(np.prod(info.shape, dtype=object))
        if array.size != wanted:
            raise MaceError(
                f"the input file '{path}' has {array.size} elements of {info.dtype}, and the shape "
                f"{info.shape} of input '{info.name}' has {wanted}"
            )
        result[info.name] = array.reshape(info.shape)
    return result


def _read(path: Path) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MaceError(
            f"'{path}' is no NumPy file: {error}", hint="write it with numpy.save()"
        ) from None
    if not isinstance(array, np.ndarray):
        raise MaceError(f"'{path}' holds several arrays", hint="write one array with numpy.save()")
    return array


def _batched(array: Array, info: TensorInfo) -> Array:
    """The array, with the batch that it may be without."""
    if array.ndim + 1 == len(info.shape) and info.shape[0] in (1, -1):
        return array[np.newaxis]
    return array


def _load(info: TensorInfo, path: Path) -> Array:
    array = _batched(_read(path), info)
    fits = array.ndim == len(info.shape) and all(
        d in (-1, s) for d, s in zip(info.shape, array.shape, strict=True)
    )
    if not fits:
        raise MaceError(
            f"'{path}' has the shape {array.shape}, and input '{info.name}' wants {info.shape}"
        )
    return np.ascontiguousarray(array.astype(info.dtype))
