# SPDX-License-Identifier: Apache-2.0
"""Element types under their three names: ours ("f32"), numpy's and the number of the file format."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import numpy.typing as npt

# Numbers of enum DataType in mace/proto/mace.proto; names as in mace/ops/ops.yml.
NUMBERS: dict[str, int] = {
    "f32": 1,
    "u8": 2,
    "f16": 3,
    "i32": 4,
    "bf16": 5,
    "i8": 6,
    "i64": 7,
    "bool": 8,
    "f64": 9,
    "i16": 10,
    "u16": 11,
    "u32": 12,
    "u64": 13,
}
NAMES: dict[int, str] = {number: name for name, number in NUMBERS.items()}

_NUMPY: dict[str, npt.DTypeLike] = {
    "f32": np.float32,
    "u8": np.uint8,
    "f16": np.float16,
    "i32": np.int32,
    "bf16": ml_dtypes.bfloat16,
    "i8": np.int8,
    "i64": np.int64,
    "bool": np.bool_,
    "f64": np.float64,
    "i16": np.int16,
    "u16": np.uint16,
    "u32": np.uint32,
    "u64": np.uint64,
}
_BY_NUMPY: dict[np.dtype[np.generic], str] = {np.dtype(t): name for name, t in _NUMPY.items()}

_LONG: dict[str, str] = {
    "float32": "f32",
    "float": "f32",
    "uint8": "u8",
    "float16": "f16",
    "half": "f16",
    "int32": "i32",
    "bfloat16": "bf16",
    "int8": "i8",
    "int64": "i64",
    "float64": "f64",
    "double": "f64",
    "int16": "i16",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
}


def to_numpy(name: str) -> np.dtype[np.generic]:
    """The numpy type of "f32", "i64", ...; that of bf16 is ml_dtypes.bfloat16."""
    return np.dtype(_NUMPY[name])


def from_numpy(dtype: npt.DTypeLike) -> str | None:
    """ "f32", "i64", ... of a numpy type of either byte order, or None when MACE has no such type."""
    return _BY_NUMPY.get(np.dtype(dtype).newbyteorder("="))


def parse(name: str) -> str | None:
    """Our name of "float32", "int64", "f32", ...; None for what is no element type."""
    lower = name.lower()
    return lower if lower in NUMBERS else _LONG.get(lower)
