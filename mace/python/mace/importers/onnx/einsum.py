# SPDX-License-Identifier: Apache-2.0
"""ONNX Einsum as transposes, sums and matrix products of two operands at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register


@register("Einsum", versions=(12, 28))
def _einsum(b: Builder, n: OnnxNode) -> None:
    terms, result = parse(str(n.require("equation")), [n.rank(t) for t in n.inputs])
    dtype = n.dtype(n.inputs[0])
    operands = [_diagonal(b, t, list(term)) for t, term in zip(n.inputs, terms, strict=True)]
    if dtype != "f32":
        operands = [(b.op("Cast", [t], output_type="f32"), term) for t, term in operands]
    while len(operands) > 1:
        first, second, *rest = operands
        kept = set(result).union(*(term for _, term in rest))
        operands = [_product(b, first, second, kept), *rest]
    tensor, term = operands[0]
    tensor, term = _sum(b, tensor, term, set(result))
    order = [term.index(label) for label in result]
    if dtype != "f32":
        tensor = b.op("Cast", [tensor], output_type=dtype)
    b.op(
        "Transpose" if order else "Identity",
        [tensor],
        n.outputs,
        **({"dims": order} if order else {}),
    )


def parse(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The labels of each operand and of the result; dimensions under ... get labels of their own."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise UnsupportedError(f"the equation {equation} is for {len(terms)} operands")
    hidden = max(
        (rank - len(t) + 3 for t, rank in zip(terms, ranks, strict=True) if "..." in t), default=0
    )
    free = [chr(0x100 + i) for i in range(hidden)]
    expanded = []
    for term, rank in zip(terms, ranks, strict=True):
        count = rank - len(term) + 3 if "..." in term else 0
        full = term.replace("...", "".join(free[hidden - count :]))
        if len(full) != rank or count < 0:
            raise UnsupportedError(
                f"the equation {equation} does not fit an operand of rank {rank}"
            )
        expanded.append(full)
    if not arrow:
        joined = "".join(expanded)
        once = sorted(c for c in set(joined) if joined.count(c) == 1 and c not in free)
        return expanded, "".join([*free, *once])
    result = right.replace("...", "".join(free))
    if len(set(result)) != len(result) or not set(result) <= set("".join(expanded)):
        raise UnsupportedError(f"the result of the equation {equation} is not one of its labels")
    return expanded, result


Labelled = tuple[str, list[str]]


def _diagonal(b: Builder, tensor: str, term: list[str]) -> Labelled:
    """Dimensions of one label as one: the elements for which their indices are equal."""
    for label in sorted(set(term)):
        while term.count(label) > 1:
            first = term.index(label)
            second = term.index(label, first + 1)
            rest = [i for i in range(len(term)) if i not in (first, second)]
            tensor = b.op("Transpose", [tensor], dims=[first, second, *rest])
            size = b.op("Shape", [tensor], start=0, end=1, output_type="i64")
            size = b.op("Reshape", [size], shape=[])
            line = b.op("Range", [b.const(0, np.int64), size, b.const(1, np.int64)])
            both = b.op("Stack", [line, line], axis=1)
            tensor = b.op("GatherND", [tensor, both])
            term = [label, *(term[i] for i in rest)]
    return tensor, term


def _sum(b: Builder, tensor: str, term: list[str], kept: set[str]) -> Labelled:
    """Adds up over the labels that nothing else needs."""
    axes = [i for i, label in enumerate(term) if label not in kept]
    if axes:
        tensor = b.op("Reduce", [tensor], reduce_type="SUM", axis=axes, keepdims=False)
    return tensor, [label for label in term if label in kept]


def _product(b: Builder, x: Labelled, y: Labelled, kept: set[str]) -> Labelled:
    """Two operands as one: labels of both that are not kept are summed by a matrix product."""
    (a, term_a), (c, term_c) = _sum(b, *x, kept | set(y[1])), _sum(b, *y, kept | set(x[1]))
    batch = [label for label in term_a if label in term_c and label in kept]
    summed = [label for label in term_a if label in term_c and label not in kept]
    rows = [label for label in term_a if label not in term_c]
    columns = [label for label in term_c if label not in term_a]
    if not summed or len(batch) > 4:
        return _outer(b, (a, term_a), (c, term_c), summed)
    left = _matrix(b, a, term_a, batch, rows, summed)
    right = _matrix(b, c, term_c, batch, summed, columns)
    y2 = b.op("MatMul", [left, right])
    result = [*batch, *rows, *columns]
    # batch, joined rows, joined columns; sizes come from the operands themselves.
    parts = [_sizes(b, a, term_a, batch, c, term_c)] if batch else []
    parts += [_sizes(b, a, term_a, rows)] if rows else []
    parts += [_sizes(b, c, term_c, columns)] if columns else []
    shape = b.op("Concat", parts, axis=0) if parts else b.const(np.zeros(0, np.int64))
    return b.op("Reshape", [y2, shape]), result


def _outer(b: Builder, x: Labelled, y: Labelled, summed: list[str]) -> Labelled:
    """The product with broadcasting, then sums."""
    labels = [*x[1], *(label for label in y[1] if label not in x[1])]
    full = []
    for tensor, term in (x, y):
        order = sorted(range(len(term)), key=lambda i, t=term: labels.index(t[i]))  # type: ignore[misc]
        if order != sorted(order):
            tensor = b.op("Transpose", [tensor], dims=order)
        missing = [i for i, label in enumerate(labels) if label not in term]
        full.append(b.op("Unsqueeze", [tensor], axis=missing) if missing else tensor)
    if len(labels) > 6:
        raise UnsupportedError(f"a product would have {len(labels)} dimensions, the most are 6")
    product = b.op("Eltwise", full, type="PROD")
    return _sum(b, product, labels, set(labels) - set(summed))


def _matrix(
    b: Builder, tensor: str, term: list[str], batch: list[str], rows: list[str], columns: list[str]
) -> str:
    """The operand as batch x joined rows x joined columns."""
    order = [term.index(label) for label in (*batch, *rows, *columns)]
    if order != sorted(order):
        tensor = b.op("Transpose", [tensor], dims=order)
    parts = [b.op("Shape", [tensor], start=0, end=len(batch), output_type="i64")] if batch else []
    for start, count in ((len(batch), len(rows)), (len(batch) + len(rows), len(columns))):
        size = b.op("Shape", [tensor], start=start, end=start + count, output_type="i64")
        if count == 0:
            parts.append(b.const([1], np.int64))
        else:
            parts.append(b.op("Reduce", [size], reduce_type="PROD", axis=[0], keepdims=True))
    return b.op("Reshape", [tensor, b.op("Concat", parts, axis=0)])


def _sizes(
    b: Builder,
    tensor: str,
    term: list[str],
    labels: list[str],
    other: str = "",
    term2: Sequence[str] = (),
) -> str:
    """The sizes of labels in an operand; with another one the larger of both, as 1 broadcasts."""
    shape = b.op("Shape", [tensor], output_type="i64")
    sizes = b.op("Gather", [shape, b.const([term.index(v) for v in labels], np.int64)], axis=0)
    if not other:
        return sizes
    shape = b.op("Shape", [other], output_type="i64")
    index = b.const([list(term2).index(v) for v in labels], np.int64)
    return b.op("Eltwise", [sizes, b.op("Gather", [shape, index], axis=0)], type="MAX")
