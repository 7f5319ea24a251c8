# SPDX-License-Identifier: Apache-2.0
"""Operators of the domain ai.onnx.ml, and counting of n-grams, as arithmetic on numbers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from mace.graph import dtypes
from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register
from mace.importers.onnx.reader import to_array

# Windows of n-grams are written out one by one: so many at most.
_MOST_WINDOWS = 64


@register("ai.onnx.ml.Binarizer", versions=(1, 1))
def _binarizer(b: Builder, n: OnnxNode) -> None:
    dtype = n.dtype(n.inputs[0])
    limit = b.const(n.attr("threshold", 0.0), dtypes.to_numpy(dtype))
    above = b.op("Eltwise", [n.inputs[0], limit], type="GREATER")
    b.op("Cast", [above], n.outputs, output_type=dtype)


def _listed(n: OnnxNode, stem: str) -> Array:
    """The keys or values of a LabelEncoder, which are numbers."""
    if f"{stem}_tensor" in n.attrs:
        return np.ravel(to_array(n.attrs[f"{stem}_tensor"]))
    for kind, dtype in (("int64s", np.int64), ("floats", np.float32)):
        if f"{stem}_{kind}" in n.attrs:
            return np.asarray(n.attrs[f"{stem}_{kind}"], dtype)
    raise UnsupportedError(f"its {stem} are no numbers", "map strings before the model")


@register("ai.onnx.ml.LabelEncoder", versions=(2, 4))
def _label_encoder(b: Builder, n: OnnxNode) -> None:
    """Each element is compared with all keys; the first that is equal chooses the value."""
    x, keys, values = n.inputs[0], _listed(n, "keys"), _listed(n, "values")
    if keys.size != values.size or keys.size == 0:
        raise UnsupportedError(f"it has {keys.size} keys and {values.size} values")
    if "default_tensor" in n.attrs:
        missing: Any = to_array(n.attrs["default_tensor"]).reshape(())
    elif values.dtype.kind == "f":
        missing = n.attr("default_float", -0.0)
    else:
        missing = n.attr("default_int64", -1)
    column = b.op("Unsqueeze", [x], axis=[n.rank(x)])
    keys = keys.astype(dtypes.to_numpy(n.dtype(x)))
    hits = b.op("Eltwise", [column, b.const(keys)], type="EQUAL")
    if keys.dtype.kind == "f" and np.isnan(keys).any():
        odd = b.op("Eltwise", [column, column], type="NOT_EQUAL")
        both = b.op("Eltwise", [odd, b.const(np.isnan(keys))], type="AND")
        hits = b.op("Eltwise", [hits, both], type="OR")
    numbers = b.op("Cast", [hits], output_type="i32")
    place = b.op("ArgMax", [numbers], axis=-1, output_type="i64")
    found = b.op("Reduce", [hits], reduce_type="ANY", axis=[-1])
    chosen = b.op("Gather", [b.const(values), place], axis=0)
    b.op("Where", [found, chosen, b.const(missing, values.dtype)], n.outputs)


@register("TfIdfVectorizer", versions=(9, 9))
def _tf_idf(b: Builder, n: OnnxNode) -> None:
    """How often each n-gram of the pool occurs, by comparing shifted slices of the input."""
    if "pool_int64s" not in n.attrs:
        raise UnsupportedError("its n-grams are strings", "number the words before the model")
    shape = n.shape(n.inputs[0])
    if shape is None or shape[-1] < 0 or len(shape) > 2:
        raise UnsupportedError("the length of its input is not known", "give it a fixed shape")
    x = b.op("Cast", [n.inputs[0]], output_type="i64")
    x = b.op("Reshape", [x], shape=[-1, shape[-1]]) if shape[-1] else x
    grams = _grams(n)
    indexes = [int(v) for v in n.require("ngram_indexes")]
    counts, order = [], []
    for length, pool, first in grams:
        order += indexes[first : first + len(pool)]
        counts.append(_count(b, n, x, shape[-1], length, pool))
    size = max(indexes) + 1
    # Columns of no n-gram take an appended zero.
    zero = b.op("Eltwise", [_column(b, counts[0]), b.const(0, np.float32)], type="PROD")
    joined = b.op("Concat", [*counts, zero], axis=1)
    places = np.full(size, len(order), np.int64)
    places[order] = np.arange(len(order))
    total = b.op("Gather", [joined, b.const(places)], axis=1)
    mode = n.require("mode")
    if mode in ("IDF", "TFIDF"):
        weights = np.ones(size, np.float32)
        for index, weight in zip(indexes, n.attr("weights", [1.0] * len(indexes)), strict=True):
            weights[index] = weight
        if mode == "IDF":
            total = b.op("Eltwise", [total, b.const(1, np.float32)], type="MIN")
        total = b.op("Eltwise", [total, b.const(weights)], type="PROD")
    b.op("Reshape", [total], n.outputs, shape=[size] if len(shape) == 1 else [-1, size])


def _column(b: Builder, tensor: str) -> str:
    return b.op("Gather", [tensor, b.const([0], np.int64)], axis=1)


def _grams(n: OnnxNode) -> list[tuple[int, Array, int]]:
    """Length, n-grams of that length as rows, and the number of the first of them; only the
    lengths that are counted."""
    pool = np.asarray(n.attrs["pool_int64s"], np.int64)
    starts = [*(int(v) for v in n.require("ngram_counts")), pool.size]
    low, high = int(n.require("min_gram_length")), int(n.require("max_gram_length"))
    grams, first = [], 0
    for length, (begin, end) in enumerate(itertools.pairwise(starts), 1):
        rows = pool[begin:end].reshape(-1, length)
        if len(rows) and low <= length <= high:
            grams.append((length, rows, first))
        first += len(rows)
    if not grams:
        raise UnsupportedError(f"it has no n-grams of {low} to {high} elements")
    return grams


def _count(b: Builder, n: OnnxNode, x: str, size: int, length: int, pool: Array) -> str:
    """Rows x n-grams: occurrences, each of whose elements may be up to so many places apart."""
    skips = int(n.require("max_skip_count")) if length > 1 else 0
    if length * (skips + 1) > _MOST_WINDOWS:
        raise UnsupportedError(f"max_skip_count is {skips} for n-grams of {length} elements")
    totals = []
    for step in range(1, skips + 2):
        count = size - (length - 1) * step
        if count <= 0:
            break
        hits = ""
        for i in range(length):
            lists = [b.const([v], np.int64) for v in (i * step, i * step + count, 1)]
            part = b.op("Unsqueeze", [b.op("Slice", [x, *lists])], axis=[2])
            equal = b.op("Eltwise", [part, b.const(pool[:, i])], type="EQUAL")
            hits = b.op("Eltwise", [hits, equal], type="AND") if hits else equal
        numbers = b.op("Cast", [hits], output_type="f32")
        totals.append(b.op("Reduce", [numbers], reduce_type="SUM", axis=[1]))
    if not totals:
        raise UnsupportedError(f"its input of {size} elements is shorter than its n-grams")
    result = totals[0]
    for more in totals[1:]:
        result = b.op("Eltwise", [result, more], type="SUM")
    return result
