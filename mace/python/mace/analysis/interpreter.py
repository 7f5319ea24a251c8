# SPDX-License-Identifier: Apache-2.0
# mypy: disable-error-code="no-any-return, no-untyped-call, call-overload, list-item"
"""Executes the IR in numpy: the independent reference for importers, passes and single layers.

Written for clarity and for small tensors; it shares no code with the engine. Sums are in float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mace.analysis import interpreter_spatial as spatial
from mace.analysis import interpreter_ssd as ssd
from mace.graph import dtypes, schema
from mace.graph.ir import Array, Graph, Node, Value

Inputs = list[Any]  # arrays; None for an absent optional input
Attrs = dict[str, Any]
Function = Callable[[Inputs, Attrs, Node], list[Any]]

_FUNCTIONS: dict[str, Function] = {}


class NoReference(Exception):
    """There is no numpy version of an operator."""


def op(*names: str) -> Callable[[Function], Function]:
    """Decorator: the function computes these operators."""

    def wrap(function: Function) -> Function:
        for name in names:
            _FUNCTIONS[name] = function
        return function

    return wrap


def run(graph: Graph, inputs: dict[str, Array]) -> dict[str, Array]:
    """All tensors of the graph by name, constants and inputs included."""
    tensors: dict[str, Array] = {**graph.consts, **inputs}
    for node in graph.nodes:
        results = compute(node, [tensors[t] if t else None for t in node.inputs])
        for name, array in zip(node.outputs, results, strict=True):
            tensors[name] = array
    return tensors


def compute(node: Node, arguments: Inputs) -> list[Array]:
    """What one node makes of these inputs. Raises NoReference for an operator that is not here,
    ValueError for a node that is not as ops.yml says."""
    problems = schema.check_node(node)
    if problems:
        raise ValueError(f"{node.name}: {problems}")
    function = _FUNCTIONS.get(node.op)
    if function is None:
        raise NoReference(f"there is no numpy reference of {node.op}")
    specs = schema.operators()[node.op].attributes
    attrs = {name: node.attrs.get(name, spec.default) for name, spec in specs.items()}
    results = [np.asarray(array) for array in function(arguments, attrs, node)]
    if len(results) != len(node.outputs):
        raise NoReference(f"the numpy reference of {node.op} gives {len(results)} outputs")
    return results


def outputs(graph: Graph, inputs: dict[str, Array]) -> dict[str, Array]:
    """The graph's outputs by name."""
    tensors = run(graph, inputs)
    return {o.name: tensors[o.name] for o in graph.outputs}


def annotate(graph: Graph, inputs: dict[str, Array]) -> Graph:
    """A copy of the graph whose values hold the types and shapes that these inputs give."""
    result = graph.copy()
    result.values = {
        name: Value(name, dtypes.from_numpy(a.dtype), a.shape)
        for name, a in run(graph, inputs).items()
    }
    return result


def _erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def _softplus(x: Array) -> Array:
    return np.logaddexp(0, x)


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def activation(x: Array, a: Attrs, slope: Array | None = None) -> Array:
    """Activation functions by the attributes of the shared group."""
    if a["activation"] == "NOOP":
        return x
    alpha, beta = a["activation_coefficient"], a["activation_offset"]
    table: dict[str, Callable[[Array], Array]] = {
        "RELU": lambda v: np.maximum(v, 0),
        "RELUX": lambda v: np.clip(v, 0, a["max_limit"]),
        "TANH": np.tanh,
        "SIGMOID": _sigmoid,
        "LEAKYRELU": lambda v: np.where(v < 0, alpha * v, v),
        "HARDSIGMOID": lambda v: np.clip(alpha * v + beta, 0, 1),
        "HARDSWISH": lambda v: v * np.clip(v + 3, 0, 6) / 6,
        "ELU": lambda v: np.where(v < 0, alpha * np.expm1(np.minimum(v, 0)), v),
        "SILU": lambda v: v * _sigmoid(v),
        "PRELU": lambda v: np.where(v < 0, slope * v, v),
        "SOFTPLUS": _softplus,
        "GELU": lambda v: 0.5 * v * (1 + _erf(v / math.sqrt(2))),
        "MISH": lambda v: v * np.tanh(_softplus(v)),
        "SELU": lambda v: (
            1.0507009873554805 * np.where(v < 0, 1.6732632423543772 * np.expm1(np.minimum(v, 0)), v)
        ),
        "GELU_TANH": lambda v: v * _sigmoid(math.sqrt(8 / math.pi) * (v + 0.044715 * v**3)),
    }
    return table[a["activation"]](x.astype(np.float64)).astype(x.dtype)


@op("Activation")
def _activation(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [activation(i[0], a, i[1] if len(i) > 1 else None)]


@op("ArgMax")
def _arg_max(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    function = np.argmin if a["argmin"] else np.argmax
    result = function(i[0], axis=a["axis"], keepdims=a["keepdims"])
    return [result.astype(dtypes.to_numpy(a["output_type"]))]


@op("BatchNorm")
def _batch_norm(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, scale, offset = i[0].astype(np.float64), i[1], i[2]
    if len(i) > 3:
        x = (x - i[3]) / np.sqrt(i[4].astype(np.float64) + a["epsilon"])
    return [activation((x * scale + offset).astype(np.float32), a)]


@op("Cast")
def _cast(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    target = dtypes.to_numpy(a["output_type"])
    return [i[0].view(target) if a["reinterpret"] else i[0].astype(target)]


@op("ChannelShuffle")
def _channel_shuffle(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, group = i[0], a["group"]
    split = x.reshape(*x.shape[:-1], group, x.shape[-1] // group)
    return [np.swapaxes(split, -1, -2).reshape(x.shape)]


@op("Concat")
def _concat(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.concatenate(i, axis=a["axis"])]


@op("Crop")
def _crop(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0]
    size = a["size"] or (list(i[1].shape) if len(i) > 1 else [-1] * x.ndim)
    index = tuple(
        slice(None) if o < 0 or s < 0 else slice(o, o + s)
        for o, s in zip(a["offset"], size, strict=True)
    )
    return [x[index]]


@op("Cumulate")
def _cumulate(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, axis = i[0], a["axis"]
    x = np.flip(x, axis) if a["reverse"] else x
    product = a["type"] == "PROD"
    if a["exclusive"]:
        first = np.full_like(np.take(x, [0], axis), product) if x.size else x
        rest = np.delete(x, -1, axis) if x.size else x
        x = np.concatenate([first, rest], axis) if x.size else x
    y = (np.cumprod if product else np.cumsum)(x, axis=axis, dtype=x.dtype)
    return [np.flip(y, axis) if a["reverse"] else y]


def _spread(scale: Array, x: Array, a: Attrs) -> Array:
    """A scale or zero point for each element of x."""
    if a["block_size"]:
        repeated = np.repeat(scale, a["block_size"], axis=a["axis"])
        return np.take(repeated, np.arange(x.shape[a["axis"]]), axis=a["axis"])
    if scale.size == 1:
        return scale.reshape(())
    axis = a["axis"] % x.ndim
    return scale.reshape([-1] + [1] * (x.ndim - 1 - axis))


@op("Dequantize")
def _dequantize(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0].astype(np.int64)
    if len(i) > 2 and i[2] is not None:
        x = x - _spread(i[2], x, a)
    return [x.astype(np.float32) * _spread(i[1], x, a)]


@op("Quantize")
def _quantize(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, dtype = i[0], dtypes.to_numpy(a["output_type"])
    y = np.rint(x / _spread(i[1], x, a)).astype(np.float64)
    if len(i) > 2 and i[2] is not None:
        y = y + _spread(i[2], x, a)
    bounds: Any = np.iinfo(np.dtype(dtype.str))
    return [np.nan_to_num(np.clip(y, bounds.min, bounds.max)).astype(dtype)]


@op("Eltwise")
def _eltwise(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, y, kind = i[0], i[1], a["type"]
    if kind == "SUM" and a["coeff"]:
        return [activation(a["coeff"][0] * x + a["coeff"][1] * y, a).astype(x.dtype)]
    table: dict[str, Callable[[Array, Array], Array]] = {
        "SUM": np.add,
        "SUB": np.subtract,
        "PROD": np.multiply,
        "DIV": _divide,
        "MIN": np.minimum,
        "MAX": np.maximum,
        "POW": np.power,
        "SQR_DIFF": lambda p, q: (p - q) ** 2,
        "FLOOR_DIV": np.floor_divide,
        "MOD": np.mod,
        "EQUAL": np.equal,
        "NOT_EQUAL": np.not_equal,
        "LESS": np.less,
        "LESS_EQUAL": np.less_equal,
        "GREATER": np.greater,
        "GREATER_EQUAL": np.greater_equal,
        "AND": np.logical_and,
        "OR": np.logical_or,
        "XOR": np.logical_xor,
        "FMOD": np.fmod,
        "ATAN2": np.arctan2,
        "BIT_AND": np.bitwise_and,
        "BIT_OR": np.bitwise_or,
        "BIT_XOR": np.bitwise_xor,
        "SHIFT_LEFT": np.left_shift,
        "SHIFT_RIGHT": np.right_shift,
    }
    return [activation(table[kind](x, y), a)]


def _divide(x: Array, y: Array) -> Array:
    if x.dtype.kind == "f":
        return np.divide(x, y)
    return np.trunc(x / y).astype(x.dtype)  # integers: toward zero, as C


@op("Expand")
def _expand(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [i[0] * np.ones([int(d) for d in i[1]], i[0].dtype)]


@op("Fill")
def _fill(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    dtype = dtypes.to_numpy(a["output_type"])
    return [np.full([int(d) for d in i[0]], a["value"], dtype)]


@op("Flatten")
def _flatten(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, axis = i[0], a["axis"]
    if a["two_dimensional"]:
        axis = axis + x.ndim if axis < 0 else axis
        return [x.reshape(math.prod(x.shape[:axis]), -1)]
    axis, end = axis % x.ndim, a["end_axis"] % x.ndim
    middle = math.prod(x.shape[axis : end + 1])
    return [x.reshape(*x.shape[:axis], middle, *x.shape[end + 1 :])]


@op("FullyConnected")
def _fully_connected(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, weight = i[0], i[1]
    axis = a["axis"] % x.ndim
    y = x.reshape(*x.shape[:axis], -1).astype(np.float64) @ weight.T
    if len(i) > 2 and i[2] is not None:
        y = y + i[2]
    return [activation(y.astype(np.float32), a)]


@op("Gather")
def _gather(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.take(i[0], i[1], axis=a["axis"], mode="wrap")]


@op("Identity")
def _identity(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [i[0]]


@op("LayerNorm")
def _layer_norm(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0].astype(np.float64)
    axes = tuple(range(a["axis"] % x.ndim, x.ndim))
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + a["epsilon"])
    if len(i) > 1 and i[1] is not None:
        y = y * i[1]
    if len(i) > 2 and i[2] is not None:
        y = y + i[2]
    return [y.astype(np.float32)]


@op("GroupNorm")
def _group_norm(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0].astype(np.float64)
    groups = a["groups"] or x.shape[-1]
    split = x.reshape(x.shape[0], -1, groups, x.shape[-1] // max(groups, 1))
    mean, variance = (f((1, 3), keepdims=True) for f in (split.mean, split.var))
    y = ((split - mean) / np.sqrt(variance + a["epsilon"])).reshape(x.shape)
    if len(i) > 1 and i[1] is not None:
        y = y * i[1]
    if len(i) > 2 and i[2] is not None:
        y = y + i[2]
    return [y.astype(np.float32)]


@op("MatMul")
def _mat_mul(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, y = i[0], i[1]
    x = np.swapaxes(x, -1, -2) if a["transpose_a"] else x
    y = np.swapaxes(y, -1, -2) if a["transpose_b"] else y
    if x.dtype != np.float32:
        return [np.matmul(x, y)]
    return [np.matmul(x.astype(np.float64), y).astype(np.float32)]


@op("Pad")
def _pad(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0]
    paddings = [int(v) for v in (i[1] if len(i) > 1 and i[1] is not None else a["paddings"])]
    value = i[2] if len(i) > 2 and i[2] is not None else a["constant_value"]
    pairs = [tuple(paddings[2 * d : 2 * d + 2]) for d in range(x.ndim)]
    cut = tuple(
        slice(max(0, -p[0]), size - max(0, -p[1])) for p, size in zip(pairs, x.shape, strict=True)
    )
    x = x[cut]
    pairs = [(max(0, p[0]), max(0, p[1])) for p in pairs]
    if a["mode"] == "CONSTANT":
        return [np.pad(x, pairs, constant_values=np.asarray(value).reshape(()))]
    modes = {"REFLECT": "reflect", "SYMMETRIC": "symmetric", "EDGE": "edge", "WRAP": "wrap"}
    return [np.pad(x, pairs, mode=modes[a["mode"]])]


@op("Range")
def _range(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.arange(i[0].item(), i[1].item(), i[2].item()).astype(i[0].dtype)]


@op("Reduce")
def _reduce(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0]
    axes = tuple(d % x.ndim for d in a["axis"]) or tuple(range(x.ndim))
    table: dict[str, Callable[..., Array]] = {
        "MEAN": np.mean,
        "SUM": np.sum,
        "MIN": np.min,
        "MAX": np.max,
        "PROD": np.prod,
        "SUM_SQUARE": lambda v, **k: np.sum(v * v, **k),
        "L1": lambda v, **k: np.sum(np.abs(v), **k),
        "L2": lambda v, **k: np.sqrt(np.sum(v * v, **k)),
        "ALL": np.all,
        "ANY": np.any,
    }
    return [table[a["reduce_type"]](x, axis=axes, keepdims=a["keepdims"]).astype(x.dtype)]


@op("Reshape")
def _reshape(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0]
    wanted = a["shape"] if len(i) < 2 or i[1] is None else [int(d) for d in i[1]]
    axis = a["axis"] if a["axis"] >= 0 else x.ndim + 1 + a["axis"]
    count = x.ndim - axis if a["num_axes"] < 0 else a["num_axes"]
    if a["copy_zeros"]:
        wanted = [x.shape[axis + k] if d == 0 else d for k, d in enumerate(wanted)]
    return [x.reshape([*x.shape[:axis], *wanted, *x.shape[axis + count :]])]


@op("Reverse")
def _reverse(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.flip(i[0], a["axis"])]


@op("Shape")
def _shape(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    shape = i[0].shape[slice(a["start"], a["end"])]
    return [np.array(shape, dtypes.to_numpy(a["output_type"]))]


@op("Slice")
def _slice(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, starts, ends = i[0], i[1], i[2]
    axes = i[3] if len(i) > 3 and i[3] is not None else range(len(starts))
    steps = i[4] if len(i) > 4 and i[4] is not None else [1] * len(starts)
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = x.shape[axis]
        stop: int | None = int(end)
        if step < 0 and end < -size:
            stop = None
        first = max(int(start), -size) if step < 0 else int(start)
        index[axis] = slice(first, stop, int(step))
    return [x[tuple(index)]]


@op("Softmax")
def _softmax(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x, axis = i[0].astype(np.float64), a["axis"]
    shape = x.shape
    if a["flatten"]:
        x = x.reshape(math.prod(shape[: axis % len(shape)]), -1)
        axis = 1
    y = x - x.max(axis, keepdims=True)
    y = y - np.log(np.exp(y).sum(axis, keepdims=True))
    return [(y if a["log"] else np.exp(y)).reshape(shape).astype(np.float32)]


@op("Split")
def _split(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    sizes = a["sizes"] if len(i) < 2 or i[1] is None else [int(s) for s in i[1]]
    parts = np.cumsum(sizes)[:-1] if len(sizes) else len(n.outputs)
    return list(np.split(i[0], parts, axis=a["axis"]))


@op("SqrDiffMean")
def _sqr_diff_mean(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    x = i[0]
    axes = tuple(d % x.ndim for d in a["axis"]) or tuple(range(x.ndim))
    return [np.mean((x - i[1]) ** 2, axis=axes, keepdims=a["keepdims"])]


@op("Squeeze")
def _squeeze(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.squeeze(i[0], tuple(a["axis"]) or None)]


@op("Stack")
def _stack(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.stack(i, axis=a["axis"])]


@op("StridedSlice")
def _strided_slice(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    begin, end = i[1], i[2]
    strides = i[3] if len(i) > 3 and i[3] is not None else [1] * len(begin)
    index: list[Any] = []
    for k in range(len(begin)):
        bit = 1 << k
        if a["ellipsis_mask"] & bit:
            index.append(Ellipsis)
        elif a["new_axis_mask"] & bit:
            index.append(np.newaxis)
        elif a["shrink_axis_mask"] & bit:
            index.append(int(begin[k]))
        else:
            first = None if a["begin_mask"] & bit else int(begin[k])
            last = None if a["end_mask"] & bit else int(end[k])
            index.append(slice(first, last, int(strides[k])))
    return [i[0][tuple(index)]]


@op("Tile")
def _tile(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.tile(i[0], [int(r) for r in i[1]])]


@op("Transpose")
def _transpose(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.transpose(i[0], a["dims"] or None)]


@op("Unary")
def _unary(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    table: dict[str, Callable[[Array], Array]] = {
        "NEG": np.negative,
        "ABS": np.abs,
        "SQRT": np.sqrt,
        "RSQRT": lambda v: 1 / np.sqrt(v),
        "SQUARE": np.square,
        "RECIPROCAL": np.reciprocal,
        "EXP": np.exp,
        "LOG": np.log,
        "FLOOR": np.floor,
        "CEIL": np.ceil,
        "ROUND": np.round,
        "SIGN": np.sign,
        "ERF": lambda v: _erf(v).astype(v.dtype),
        "SIN": np.sin,
        "COS": np.cos,
        "NOT": np.logical_not,
        "TAN": np.tan,
        "ASIN": np.arcsin,
        "ACOS": np.arccos,
        "ATAN": np.arctan,
        "SINH": np.sinh,
        "COSH": np.cosh,
        "ASINH": np.arcsinh,
        "ACOSH": np.arccosh,
        "ATANH": np.arctanh,
        "EXPM1": np.expm1,
        "LOG1P": np.log1p,
        "BIT_NOT": np.bitwise_not,
    }
    return [table[a["type"]](i[0])]


@op("Unsqueeze")
def _unsqueeze(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.expand_dims(i[0], tuple(a["axis"]))]


@op("Unstack")
def _unstack(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.take(i[0], k, axis=a["axis"]) for k in range(i[0].shape[a["axis"]])]


@op("Where")
def _where(i: Inputs, a: Attrs, n: Node) -> list[Array]:
    return [np.where(i[0], i[1], i[2])]


def _spatial(name: str, function: Callable[..., Array]) -> None:
    def compute(i: Inputs, a: Attrs, n: Node) -> list[Array]:
        result = function(i, a)
        return [activation(result, a) if "activation" in a else result]

    _FUNCTIONS[name] = compute


for _name, _function in {**spatial.FUNCTIONS, **ssd.FUNCTIONS}.items():
    _spatial(_name, _function)
