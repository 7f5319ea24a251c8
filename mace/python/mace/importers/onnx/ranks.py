# SPDX-License-Identifier: Apache-2.0
"""Ranks of tensors where onnx's shape inference gives up, as it does behind a Reshape whose shape is
computed. Only the rank is needed: to know which dimension is which."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mace.graph.ir import Array
from mace.importers.onnx.functions import KALDI
from mace.importers.onnx.node import OnnxNode, Types

Ranks = list[int | None]
Rule = Callable[[OnnxNode, Ranks, Types, dict[str, Array]], int | None]

_AS_FIRST = [
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Clip",
    "ConvTranspose",
    "DepthToSpace",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Abs",
    "Ceil",
    "Celu",
    "Cos",
    "Floor",
    "Gelu",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNormalization",
    "HardSigmoid",
    "HardSwish",
    "Hardmax",
    "Identity",
    "InstanceNormalization",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "LpNormalization",
    "LRN",
    "MaxPool",
    "Mish",
    "Neg",
    "Not",
    "Pad",
    "Pow",
    "PRelu",
    "Reciprocal",
    "Relu",
    "Resize",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Slice",
    "Softmax",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Swish",
    "Tanh",
    "ThresholdedRelu",
    "Tile",
    "Trilu",
    "Upsample",
    "Concat",
    "Affine",
    "Crop",
    "ImageScaler",
    "ParametricSoftplus",
    "Scale",
    "ScaledTanh",
]
_BROADCAST = [
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Mod",
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "And",
    "Or",
    "Xor",
    "Sum",
    "Max",
    "Min",
    "Mean",
    "Where",
]


def complete(nodes: Sequence[OnnxNode], consts: dict[str, Array], types: Types) -> None:
    """Adds shapes of unknown dimensions for tensors whose rank alone can be told."""
    for name, array in consts.items():
        types.shapes.setdefault(name, array.shape)
    for node in nodes:
        unknown = [t for t in node.outputs if t and t not in types.shapes]
        rule = _first if node.op.startswith(f"{KALDI}.") else _RULES.get(node.op)
        if not unknown or rule is None:
            continue
        ranks = [_rank(types, t) for t in node.inputs]
        rank = rule(node, ranks, types, consts) if ranks else None
        if rank is not None and rank >= 0:
            for tensor in unknown:
                types.shapes[tensor] = (-1,) * rank


def _rank(types: Types, tensor: str) -> int | None:
    shape = types.shapes.get(tensor)
    return None if shape is None else len(shape)


def _first(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    return ranks[0]


def _widest(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    known = [r for r in ranks if r is not None]
    return max(known) if len(known) == len(ranks) else None


def _mat_mul(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    rank = _widest(n, ranks, t, c)
    return rank if rank is not None and min(r or 0 for r in ranks) >= 2 else None


def _conv(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    return ranks[1] if len(ranks) > 1 else None


def _length(types: Types, tensor: str) -> int | None:
    """The number of elements of a one-dimensional tensor: the rank that it describes."""
    shape = types.shapes.get(tensor)
    return shape[0] if shape is not None and len(shape) == 1 and shape[0] >= 0 else None


def _described(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    return _length(t, n.input(1))


def _expand(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    length = _length(t, n.input(1))
    return None if length is None or ranks[0] is None else max(length, ranks[0])


def _transpose(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    return len(n.attrs["perm"]) if "perm" in n.attrs else ranks[0]


def _axes(n: OnnxNode, consts: dict[str, Array]) -> int | None:
    if "axes" in n.attrs:
        return len(n.attrs["axes"])
    value = consts.get(n.input(1))
    return None if value is None else int(value.size)


def _squeeze(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    count = _axes(n, c)
    return None if count is None or ranks[0] is None else ranks[0] - count


def _unsqueeze(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    count = _axes(n, c)
    return None if count is None or ranks[0] is None else ranks[0] + count


def _reduce(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    if n.attr("keepdims", 1):
        return ranks[0]
    if n.op.startswith("Arg"):
        return None if ranks[0] is None else ranks[0] - 1
    return _squeeze(n, ranks, t, c)


def _gather(n: OnnxNode, ranks: Ranks, t: Types, c: dict[str, Array]) -> int | None:
    if len(ranks) < 2 or ranks[0] is None or ranks[1] is None:
        return None
    return ranks[0] + ranks[1] - 1


def _fixed(rank: int) -> Rule:
    return lambda n, ranks, t, c: rank


_RULES: dict[str, Rule] = {
    **dict.fromkeys(_AS_FIRST, _first),
    **dict.fromkeys(_BROADCAST, _widest),
    **dict.fromkeys(
        [
            "ReduceMean",
            "ReduceSum",
            "ReduceMax",
            "ReduceMin",
            "ReduceProd",
            "ReduceSumSquare",
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ArgMax",
            "ArgMin",
        ],
        _reduce,
    ),
    "Conv": _conv,
    "MatMul": _mat_mul,
    "Gemm": _fixed(2),
    "Flatten": _fixed(2),
    "Shape": _fixed(1),
    "Range": _fixed(1),
    "Reshape": _described,
    "Expand": _expand,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Gather": _gather,
}
