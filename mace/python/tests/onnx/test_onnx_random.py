# SPDX-License-Identifier: Apache-2.0
"""Random operators on random shapes of rank 0 to 6, empty ones among them, and on random element
types, in the engine against onnxruntime. What onnxruntime refuses is not compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from mace.graph.ir import Array
from onnx import helper, numpy_helper

from mace import onnx_backend

FLOATS = ("float32", "float64")
NUMBERS = (*FLOATS, "int32", "int64")
ALL = (*NUMBERS, "int8", "uint8", "bool")
_ROUNDS = 40
onnxruntime.set_default_logger_severity(4)


@dataclass
class Drawn:
    """A node; `inputs` are given when the model runs, `constants` are initializers."""

    op: str
    inputs: list[Array]
    attrs: dict[str, Any] = field(default_factory=dict)
    constants: list[Array] = field(default_factory=list)
    outputs: int = 1


class Source:
    """Random numbers, shapes and tensors."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def below(self, limit: int) -> int:
        return int(self.random.integers(limit))

    def one(self, choices: Any) -> Any:
        return choices[self.below(len(choices))]

    def shape(self, low: int = 0, high: int = 6, empty: bool = True) -> list[int]:
        rank = low + self.below(high - low + 1)
        sizes = [1 + self.below(4 if rank < 4 else 3) for _ in range(rank)]
        if empty and rank and self.below(10) == 0:
            sizes[self.below(rank)] = 0
        return sizes

    def tensor(self, shape: list[int], dtype: str) -> Array:
        if dtype == "bool":
            return self.random.integers(0, 2, shape).astype(bool)
        if dtype in FLOATS:
            return (self.random.standard_normal(shape) * 3).astype(dtype)
        return self.random.integers(0 if dtype == "uint8" else -9, 9, shape).astype(dtype)

    def axis(self, rank: int) -> int:
        return self.below(2 * rank) - rank

    def axes(self, rank: int) -> list[int]:
        chosen = [a for a in range(rank) if self.below(2)]
        return [a - rank if self.below(2) else a for a in chosen]

    def broadcast(self, shape: list[int]) -> list[int]:
        """A shape that broadcasts with another."""
        kept = shape[self.below(len(shape) + 1) :]
        return [1 if self.below(4) == 0 else d for d in kept]


def _unary(s: Source) -> Drawn:
    ops = [
        "Abs",
        "Neg",
        "Sqrt",
        "Exp",
        "Floor",
        "Ceil",
        "Sign",
        "Relu",
        "Sigmoid",
        "Tanh",
        "Erf",
        "Softplus",
        "Elu",
        "HardSwish",
    ]
    op = s.one(ops)
    dtype = s.one(NUMBERS if op in ("Abs", "Neg", "Sign", "Relu") else FLOATS)
    if op in ("Softplus", "Elu", "HardSwish", "Erf"):
        dtype = "float32"
    return Drawn(op, [s.tensor(s.shape(), dtype)])


def _binary(s: Source) -> Drawn:
    op = s.one(
        [
            "Add",
            "Sub",
            "Mul",
            "Div",
            "Pow",
            "Max",
            "Min",
            "Less",
            "Equal",
            "Greater",
            "Mod",
            "LessOrEqual",
            "PRelu",
        ]
    )
    dtype = s.one(NUMBERS)
    if op in ("Pow", "PRelu"):
        dtype = "float32"
    if op == "Mod":
        dtype = s.one(("int32", "int64", "int8", "uint8"))
    shape = s.shape()
    a, b = s.tensor(shape, dtype), s.tensor(s.broadcast(shape), dtype)
    if op in ("Div", "Mod"):
        b = np.where(b == 0, np.ones_like(b), b)
    if op == "Pow":
        a = np.abs(a)
    if op != "PRelu" and s.below(2):
        a, b = b, a
        if op in ("Div", "Mod"):
            b = np.where(b == 0, np.ones_like(b), b)
    return Drawn(op, [a, b])


def _logical(s: Source) -> Drawn:
    shape = s.shape()
    op = s.one(("And", "Or", "Xor"))
    return Drawn(op, [s.tensor(shape, "bool"), s.tensor(s.broadcast(shape), "bool")])


def _reduce(s: Source) -> Drawn:
    kinds = ["Mean", "Sum", "Max", "Min", "Prod", "SumSquare", "L1", "L2", "LogSumExp"]
    op, shape = "Reduce" + s.one(kinds), s.shape(empty=False)
    dtype = s.one(("float32", "int32", "int64", "float64"))
    if op == "ReduceMean" or op.endswith(("LogSumExp", "L2", "L1")):
        dtype = "float32"
    axes = [np.array(s.axes(len(shape)), np.int64)] if shape else []
    attrs = {"keepdims": s.below(2), "noop_with_empty_axes": s.below(2)}
    return Drawn(op, [s.tensor(shape, dtype)], attrs, axes)


def _softmax(s: Source) -> Drawn:
    shape = s.shape(1)
    attrs = {"axis": s.axis(len(shape))}
    return Drawn(s.one(("Softmax", "LogSoftmax")), [s.tensor(shape, "float32")], attrs)


def _transpose(s: Source) -> Drawn:
    shape = s.shape()
    attrs = {"perm": [int(p) for p in s.random.permutation(len(shape))]} if shape else {}
    return Drawn("Transpose", [s.tensor(shape, s.one(ALL))], attrs)


def _concat(s: Source) -> Drawn:
    shape, dtype = s.shape(1), s.one(ALL)
    axis = s.axis(len(shape))
    parts = []
    for _ in range(1 + s.below(3)):
        sizes = list(shape)
        sizes[axis] = s.below(4)
        parts.append(s.tensor(sizes, dtype))
    return Drawn("Concat", parts, {"axis": axis})


def _split(s: Source) -> Drawn:
    shape = s.shape(1, empty=False)
    axis = s.axis(len(shape))
    first = s.below(shape[axis] + 1)
    sizes = np.array([first, shape[axis] - first], np.int64)
    return Drawn("Split", [s.tensor(shape, s.one(ALL))], {"axis": axis}, [sizes], 2)


def _slice(s: Source) -> Drawn:
    shape = s.shape(1)
    axes = s.axes(len(shape)) or [0]
    lists = [
        [s.below(9) - 4 for _ in axes],
        [s.below(12) - 6 for _ in axes],
        axes,
        [s.one((1, 1, 2, -1, -2)) for _ in axes],
    ]
    return Drawn("Slice", [s.tensor(shape, s.one(ALL))], {}, [np.array(v) for v in lists])


def _pad(s: Source) -> Drawn:
    shape = s.shape(1, 5, empty=False)
    mode = s.one(("constant", "edge", "reflect"))
    most = 3 if mode != "reflect" else 1
    pads = [s.below(min(most, d) if mode == "reflect" else most) for d in (*shape, *shape)]
    constants = [np.array(pads, np.int64)]
    x = s.tensor(shape, s.one(NUMBERS))
    if mode == "constant" and s.below(2):
        constants.append(np.array(2, x.dtype))
    return Drawn("Pad", [x], {"mode": mode}, constants)


def _expand(s: Source) -> Drawn:
    shape = s.shape(0, 5)
    wanted = [1 + s.below(3) for _ in range(s.below(2))] + shape
    return Drawn(
        "Expand", [s.tensor(s.broadcast(shape), s.one(ALL))], {}, [np.array(wanted, np.int64)]
    )


def _tile(s: Source) -> Drawn:
    shape = s.shape(1, 5)
    repeats = np.array([s.below(4) for _ in shape], np.int64)
    return Drawn("Tile", [s.tensor(shape, s.one(NUMBERS))], {}, [repeats])


def _gather(s: Source) -> Drawn:
    shape = s.shape(1, 4, empty=False)
    axis = s.axis(len(shape))
    limit = shape[axis]
    indices = s.random.integers(-limit, limit, s.shape(0, 2)).astype(s.one(("int32", "int64")))
    return Drawn("Gather", [s.tensor(shape, s.one(ALL)), indices], {"axis": axis})


def _gather_elements(s: Source) -> Drawn:
    shape = s.shape(1, 6, empty=False)
    axis = s.axis(len(shape))
    limit = shape[axis]
    wanted = [1 + s.below(d) if i != axis % len(shape) else s.below(5) for i, d in enumerate(shape)]
    indices = s.random.integers(-limit, limit, wanted)
    return Drawn("GatherElements", [s.tensor(shape, s.one(NUMBERS)), indices], {"axis": axis})


def _where(s: Source) -> Drawn:
    shape, dtype = s.shape(), s.one(("float32", "int64", "int32", "uint8"))
    parts = [s.tensor(s.broadcast(shape), t) for t in ("bool", dtype, dtype)]
    return Drawn("Where", parts)


def _reshape(s: Source) -> Drawn:
    shape = s.shape(empty=False)
    size = int(np.prod(shape))
    divisors = [d for d in range(1, size + 1) if size % d == 0]
    wanted = s.one(([-1], [s.one(divisors), -1], [1, -1, s.one(divisors)]))
    return Drawn("Reshape", [s.tensor(shape, s.one(ALL))], {}, [np.array(wanted, np.int64)])


def _squeeze(s: Source) -> Drawn:
    shape = s.shape(1, 4)
    axes = sorted({s.below(len(shape) + 2) for _ in range(2)})
    return Drawn("Unsqueeze", [s.tensor(shape, s.one(ALL))], {}, [np.array(axes, np.int64)])


def _flatten(s: Source) -> Drawn:
    shape = s.shape(1)
    return Drawn("Flatten", [s.tensor(shape, s.one(ALL))], {"axis": s.below(len(shape) + 1)})


def _cumulate(s: Source) -> Drawn:
    shape = s.shape(1)
    attrs = {"exclusive": s.below(2), "reverse": s.below(2)}
    axis = np.array(s.axis(len(shape)), np.int64)
    return Drawn("CumSum", [s.tensor(shape, s.one(NUMBERS))], attrs, [axis])


def _extreme(s: Source) -> Drawn:
    shape = s.shape(1, empty=False)
    attrs = {"axis": s.axis(len(shape)), "keepdims": s.below(2), "select_last_index": s.below(2)}
    return Drawn(s.one(("ArgMax", "ArgMin")), [s.tensor(shape, s.one(("float32", "int32")))], attrs)


def _top(s: Source) -> Drawn:
    shape = s.shape(1, empty=False)
    axis = s.axis(len(shape))
    values = s.random.permutation(int(np.prod(shape))).reshape(shape).astype("float32")
    attrs = {"axis": axis, "largest": s.below(2)}
    return Drawn("TopK", [values], attrs, [np.array([s.below(shape[axis] + 1)])], 2)


def _product(s: Source) -> Drawn:
    batch = s.shape(0, 4)
    m, k, n = (s.below(5) for _ in range(3))
    dtype = s.one(("float32", "float64", "int32", "int64"))
    left, right = s.broadcast(batch), s.broadcast(batch)
    return Drawn("MatMul", [s.tensor([*left, m, k], dtype), s.tensor([*right, k, n], dtype)])


def _cast(s: Source) -> Drawn:
    target = np.dtype(s.one((*NUMBERS, "bool", "uint8")))
    x = s.tensor(s.shape(), s.one(ALL))
    if target == np.uint8:
        x = np.abs(x) if x.dtype != bool else x
    return Drawn("Cast", [x], {"to": helper.np_dtype_to_tensor_dtype(target)})


def _layer_norm(s: Source) -> Drawn:
    shape = s.shape(1)
    axis = s.below(len(shape))
    attrs = {"axis": axis, "epsilon": 1e-3}
    return Drawn("LayerNormalization", [s.tensor(shape, "float32")], attrs,
                 [s.tensor(shape[axis:], "float32") for _ in range(2)])  # fmt: skip


def _conv(s: Source) -> Drawn:
    spatial = 1 + s.below(3)
    group = 1 + s.below(2)
    channels, outputs = group * (1 + s.below(3)), group * (1 + s.below(3))
    kernel = [1 + s.below(3) for _ in range(spatial)]
    x = s.tensor([s.below(3), channels, *(3 + s.below(4) for _ in kernel)], "float32")
    w = s.tensor([outputs, channels // group, *kernel], "float32")
    attrs = {"group": group, "strides": [1 + s.below(2) for _ in kernel]}
    attrs["pads"] = [s.below(2) for _ in range(2 * spatial)]
    return Drawn("Conv", [x], attrs, [w] if s.below(2) else [w, s.tensor([outputs], "float32")])


def _pool(s: Source) -> Drawn:
    spatial = 1 + s.below(3)
    kernel = [1 + s.below(3) for _ in range(spatial)]
    x = s.tensor([s.below(3), 1 + s.below(3), *(3 + s.below(4) for _ in kernel)], "float32")
    attrs: dict[str, Any] = {"kernel_shape": kernel, "strides": [1 + s.below(2) for _ in kernel]}
    attrs["pads"] = [s.below(min(2, k)) for k in kernel * 2]
    op = s.one(("MaxPool", "AveragePool"))
    if op == "AveragePool":
        attrs["count_include_pad"] = s.below(2)
    return Drawn(op, [x], attrs)


def _norm(s: Source) -> Drawn:
    shape = s.shape(3, 5, empty=False)
    vectors = [s.tensor([shape[1]], "float32") for _ in range(2)]
    return Drawn("InstanceNormalization", [s.tensor(shape, "float32")], {"epsilon": 1e-2}, vectors)


KINDS: list[Callable[[Source], Drawn]] = [
    _unary, _binary, _logical, _reduce, _softmax, _transpose, _concat, _split, _slice, _pad,
    _expand, _tile, _gather, _gather_elements, _where, _reshape, _squeeze, _flatten, _cumulate,
    _extreme, _top, _product, _cast, _layer_norm, _conv, _pool, _norm,
]  # fmt: skip


def _model(drawn: Drawn) -> tuple[onnx.ModelProto, dict[str, Array]]:
    given = {f"x{i}": a for i, a in enumerate(drawn.inputs)}
    constants = {f"c{i}": a for i, a in enumerate(drawn.constants)}
    names = [f"y{i}" for i in range(drawn.outputs)]
    node = helper.make_node(drawn.op, [*given, *constants], names, **drawn.attrs)
    infos = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in given.items()
    ]
    initializers = [numpy_helper.from_array(a, n) for n, a in constants.items()]
    outputs = [onnx.ValueInfoProto(name=n) for n in names]
    graph = helper.make_graph([node], "random", infos, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model), given


def check(drawn: Drawn) -> bool:
    """Compares; False when onnxruntime does not take the model."""
    model, given = _model(drawn)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
        expected = session.run(None, given)
    except Exception:  # it raises various types
        return False
    shapes = ", ".join(f"{a.dtype}{list(a.shape)}" for a in (*drawn.inputs, *drawn.constants))
    where = f"{onnx.printer.to_text(model.graph.node[0])} of {shapes}"
    got = onnx_backend.prepare(model).run(list(given.values()))
    for have, want in zip(got, expected, strict=True):
        want = np.asarray(want)
        assert have.shape == want.shape and have.dtype == want.dtype, where
        np.testing.assert_allclose(
            have.astype(np.float64), want.astype(np.float64), 2e-4, 1e-4, err_msg=where
        )
    return True


@pytest.mark.parametrize("kind", KINDS, ids=lambda f: f.__name__.strip("_"))
def test_random(kind: Callable[[Source], Drawn]) -> None:
    compared = sum(check(kind(Source(seed))) for seed in range(_ROUNDS))
    assert compared >= _ROUNDS // 4
