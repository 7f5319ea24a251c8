# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's arithmetic and rearranging operators against TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from mace.graph.ir import Array
from tf_model import check

RNG = np.random.default_rng(2)
RAW = tf.raw_ops


def random(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": tf.add,
    "add v1": lambda a, b: RAW.Add(x=a, y=b),
    "sub": tf.subtract,
    "mul": tf.multiply,
    "div": lambda a, b: RAW.Div(x=a, y=b),
    "real div": tf.divide,
    "floor div": lambda a, b: RAW.FloorDiv(x=a, y=b),
    "mod": lambda a, b: tf.math.floormod(a, b),
    "max": tf.maximum,
    "min": tf.minimum,
    "pow": lambda a, b: tf.pow(tf.abs(a), b),
    "squared difference": tf.math.squared_difference,
    "equal": lambda a, b: tf.equal(tf.round(a), tf.round(b)),
    "not equal": lambda a, b: tf.not_equal(tf.round(a), tf.round(b)),
    "less": tf.less,
    "less equal": tf.less_equal,
    "greater": tf.greater,
    "greater equal": tf.greater_equal,
    "and": lambda a, b: tf.logical_and(a > 0, b > 0),
    "or": lambda a, b: tf.logical_or(a > 0, b > 0),
    "add n": lambda a, b: tf.add_n([a + b, a - b, b + a]),
    "select": lambda a, b: tf.where(a > b, a, b),
    "select v1": lambda a, b: RAW.Select(condition=a + b > 0, x=a - b, y=a * b),
}


@pytest.mark.parametrize("name", BINARY)
def test_binary(tmp_path: Path, name: str) -> None:
    check(tmp_path, BINARY[name], random(2, 3, 1, 4), random(5, 1))


@pytest.mark.parametrize("op", ["FloorDiv", "TruncateDiv", "FloorMod"])
def test_integer_division(tmp_path: Path, op: str) -> None:
    x, y = np.array([7, -7, 7, -7], np.int32), np.array([2, 2, -2, -2], np.int32)
    check(tmp_path, lambda a, b: getattr(RAW, op)(x=a, y=b), x, y)


UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": tf.negative,
    "abs": tf.abs,
    "sqrt": lambda x: tf.sqrt(tf.abs(x)),
    "rsqrt": lambda x: tf.math.rsqrt(tf.abs(x) + 0.1),
    "square": tf.square,
    "reciprocal": tf.math.reciprocal,
    "exp": tf.exp,
    "log": lambda x: tf.math.log(tf.abs(x)),
    "floor": tf.floor,
    "ceil": tf.math.ceil,
    "round": tf.round,
    "sign": tf.sign,
    "erf": tf.math.erf,
    "sin": tf.sin,
    "cos": tf.cos,
    "not": lambda x: tf.logical_not(x > 0),
    "cast": lambda x: tf.cast(x * 10, tf.int32),
    "cast to bool": lambda x: tf.cast(x, tf.bool),
    "check": lambda x: tf.debugging.check_numerics(x, "bad"),
    "stop gradient": tf.stop_gradient,
    "add n of one": lambda x: RAW.AddN(inputs=[x]),
}


@pytest.mark.parametrize("name", UNARY)
def test_unary(tmp_path: Path, name: str) -> None:
    check(tmp_path, UNARY[name], random(3, 4, 5) * 2)


REDUCE: dict[str, Callable[..., Any]] = {
    "mean": tf.reduce_mean,
    "sum": tf.reduce_sum,
    "max": tf.reduce_max,
    "min": tf.reduce_min,
    "prod": tf.reduce_prod,
    "all": lambda x, *a, **k: tf.reduce_all(x > -1, *a, **k),
    "any": lambda x, *a, **k: tf.reduce_any(x > 1, *a, **k),
    "norm": lambda x, *a, **k: RAW.EuclideanNorm(
        input=x, axis=[0, 1, 2] if a[0] is None else a[0], keep_dims=k["keepdims"]
    ),
}


@pytest.mark.parametrize("name", REDUCE)
@pytest.mark.parametrize("axis", [None, 1, [0, -1], []])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduce(tmp_path: Path, name: str, axis: Any, keepdims: bool) -> None:
    if name == "norm" and axis == []:
        axis = [2]
    check(tmp_path, lambda x: REDUCE[name](x, axis, keepdims=keepdims), random(2, 3, 4))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_arg(tmp_path: Path, axis: int) -> None:
    def model(x: Any) -> list[Any]:
        return [tf.argmax(x, axis), tf.argmin(x, axis, output_type=tf.int32)]

    check(tmp_path, model, random(3, 4, 5))


def test_matrix_products(tmp_path: Path) -> None:
    def model(a: Any, b: Any) -> list[Any]:
        flat = tf.matmul(a[0], b[0, 1], transpose_a=True, transpose_b=True)
        batched = tf.matmul(a[:, None], b)
        adjoint = RAW.BatchMatMul(x=a, y=b[:, 0], adj_x=True, adj_y=True)
        return [flat, batched, adjoint]

    check(tmp_path, model, random(2, 3, 3), random(2, 4, 3, 3))


STRUCTURE: dict[str, Callable[[Any], Any]] = {
    "reshape": lambda x: tf.reshape(x, [4, -1]),
    "reshape to a scalar": lambda x: tf.reshape(tf.reduce_sum(x), []),
    "reshape by shape": lambda x: tf.reshape(x, tf.stack([tf.shape(x)[0], -1])),
    "squeeze": lambda x: tf.squeeze(x[:, :, :1, None]),
    "squeeze axis": lambda x: tf.squeeze(x[:, :, :1, None], [2]),
    "expand": lambda x: [tf.expand_dims(x, a) for a in (0, 2, -1)],
    "shape": lambda x: [tf.shape(x), tf.shape(x, out_type=tf.int64)],
    "shape n": lambda x: RAW.ShapeN(input=[x, x[0]]),
    "size and rank": lambda x: [RAW.Size(input=x), RAW.Rank(input=x)],
    "strided slice": lambda x: [x[1, ..., ::2], x[:, None, 1:-1], x[..., ::-1, -1], x[-1:, 0]],
    "slice": lambda x: [tf.slice(x, [0, 1, 2], [2, -1, 2]), tf.slice(x, [1, 0, 0], [1, 1, -1])],
    "slice at a computed place": lambda x: tf.slice(x, tf.shape(x) - 2, [-1, 1, -1]),
    "slice of a computed size": lambda x: tf.slice(x, [0, 1, 0], tf.shape(x) - [0, 1, 3]),
    "pack": lambda x: [tf.stack([x, x + 1, x * 2], a) for a in (0, 1, -1)],
    "unpack": lambda x: [*tf.unstack(x, axis=1), *tf.unstack(x, axis=-1)],
    "concat": lambda x: [tf.concat([x, x * 2, x + 1], a) for a in (0, 1, -1)],
    "concat v1": lambda x: RAW.Concat(concat_dim=1, values=[x, x * 2]),
    "split": lambda x: [*tf.split(x, 3, 1), *tf.split(x, 2, -1)],
    "split v": lambda x: tf.split(x, [1, 3, 2], 2),
    "split v, rest first": lambda x: tf.split(x, [-1, 3, 2], 2),
    "split v, rest between": lambda x: tf.split(x, [1, 2, -1, 1], 2),
    "split v, rest last": lambda x: tf.split(x, [1, 2, -1], -1),
    "transpose": lambda x: tf.transpose(x, [2, 0, 1]),
    "transpose by default": tf.transpose,
    "tile": lambda x: tf.tile(x, [1, 2, 3]),
    "broadcast": lambda x: tf.broadcast_to(x[:, :1], tf.shape(x)),
    "fill": lambda x: [tf.fill(tf.shape(x), 2.5), tf.fill(tf.shape(x)[:2], 1 << 24)],
    "fill with a large integer": lambda x: tf.fill(tf.shape(x), (1 << 24) + 1),
    "fill with a computed value": lambda x: tf.fill([2, 3], x[0, 0, 0]),
    "zeros like": lambda x: [RAW.ZerosLike(x=x), RAW.OnesLike(x=x)],
    "range": lambda x: tf.range(1, tf.shape(x)[1] * 3, 2),
    "gather": lambda x: [tf.gather(x, [[1, 0], [0, 1]]), tf.gather(x, [2, 0], axis=1)],
    "gather at a computed place": lambda x: tf.gather(x, tf.argmax(x[0, 0]), axis=-1),
    "pad": lambda x: [
        tf.pad(x, [[0, 0], [1, 2], [3, 0]]),
        tf.pad(x, [[0, 1], [1, 0], [0, 2]], constant_values=-1.5),
        tf.pad(x, [[0, 0], [1, 2], [3, 0]], "REFLECT"),
        tf.pad(x, [[0, 0], [1, 2], [3, 0]], "SYMMETRIC"),
    ],
    "reverse": lambda x: [tf.reverse(x, [0, -1]), tf.reverse(x, [])],
    "default": lambda x: tf.compat.v1.placeholder_with_default(x, [None, None, None]),
    "identities": lambda x: RAW.IdentityN(input=[x, x + 1]),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure(tmp_path: Path, name: str) -> None:
    check(tmp_path, STRUCTURE[name], random(2, 3, 6))
