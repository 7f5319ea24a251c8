# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's Einsum as sums, transposes and one matrix product."""

from __future__ import annotations

from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import TENSORFLOW, known_shape


@TENSORFLOW.register("Einsum")
def einsum(builder: Builder, node: TfNode) -> None:
    """One or two operands."""
    equation = node.string_attr("equation", "").replace(" ", "")
    shapes = [known_shape(builder, node, t, "operand") for t in node.inputs]
    terms, result = _parsed(equation, [len(s) for s in shapes])
    tensors = []
    for index, tensor in enumerate(node.inputs):
        others = set(result).union(*(t for i, t in enumerate(terms) if i != index))
        alone = [i for i, label in enumerate(terms[index]) if label not in others]
        if alone:
            attrs = {"reduce_type": "SUM", "axis": alone, "keepdims": False}
            tensor = builder.op("Reduce", [tensor], None, **attrs)
            terms[index] = [label for label in terms[index] if label in others]
        tensors.append(tensor)
    tensor, term = tensors[0], terms[0]
    if len(tensors) == 2:
        tensor, term = _product(builder, tensors, terms, result)
    order = [term.index(label) for label in result]
    if order == sorted(order):
        builder.op("Identity", [tensor], [node.output()])
    else:
        builder.op("Transpose", [tensor], [node.output()], dims=order)


def _parsed(equation: str, ranks: list[int]) -> tuple[list[list[str]], list[str]]:
    """Labels of the operands and of the result; those under an ellipsis get names of their own,
    counted from the last dimension on."""
    left, arrow, right = equation.partition("->")
    parts = left.split(",")
    if not arrow or len(parts) != len(ranks) or len(ranks) > 2:
        raise UnsupportedError(f"attribute equation is '{equation}' for {len(ranks)} operands")
    terms, most = [], 0
    for part, rank in zip(parts, ranks, strict=True):
        hidden = rank - len(part.replace("...", ""))
        if hidden < 0 or (hidden and "..." not in part):
            raise UnsupportedError(
                f"its equation '{equation}' does not fit an operand of rank {rank}"
            )
        most = max(most, hidden if "..." in part else 0)
        terms.append(_labels(part, hidden))
    result = _labels(right, most)
    for term in (*terms, result):
        if len(set(term)) != len(term):
            raise UnsupportedError(f"its equation '{equation}' repeats a label: a diagonal")
    if not set(result) <= set().union(*terms):
        raise UnsupportedError(f"the result of its equation '{equation}' has a label of no operand")
    return terms, result


def _labels(part: str, hidden: int) -> list[str]:
    before, dots, after = part.partition("...")
    between = [f".{i}" for i in range(hidden, 0, -1)] if dots else []
    return [*before, *between, *after]


def _product(
    builder: Builder, tensors: list[str], terms: list[list[str]], result: list[str]
) -> tuple[str, list[str]]:
    """The product over the labels that both operands have and the result has not."""
    first, second = terms
    batch = [v for v in first if v in second and v in result]
    summed = [v for v in first if v in second and v not in result]
    rows, columns = ([v for v in t if v not in o] for t, o in ((first, second), (second, first)))
    left, sizes = _matrix(builder, tensors[0], first, batch, rows, summed, 0)
    right, others = _matrix(builder, tensors[1], second, batch, summed, columns, 1)
    tensor = builder.op("MatMul", [left, right])
    place = len(batch)
    # The columns first: what stands behind them does not move.
    for labels, shape, axis in ((columns, others, place + 1), (rows, sizes, place)):
        if not labels:
            tensor = builder.op("Squeeze", [tensor], None, axis=[axis])
        elif len(labels) > 1:
            tensor = builder.op("Reshape", [tensor, shape], None, axis=axis, num_axes=1)
    return tensor, [*batch, *rows, *columns]


def _matrix(
    builder: Builder,
    tensor: str,
    term: list[str],
    batch: list[str],
    rows: list[str],
    columns: list[str],
    free: int,
) -> tuple[str, str]:
    """An operand as batch x joined rows x joined columns, and the sizes of those of the two
    (`free`: 0 rows, 1 columns) that only this operand has, where there are several."""
    order = [term.index(v) for v in (*batch, *rows, *columns)]
    if order != sorted(order):
        tensor = builder.op("Transpose", [tensor], None, dims=order)
    starts = [len(batch), len(batch) + len(rows)]
    groups = [rows, columns]
    sizes = ""
    if len(groups[free]) > 1:
        end = starts[free] + len(groups[free])
        attrs = {"start": starts[free], "end": end, "output_type": "i32"}
        sizes = builder.op("Shape", [tensor], None, **attrs)
    for labels, axis in ((columns, starts[1]), (rows, starts[0])):
        if not labels:
            tensor = builder.op("Unsqueeze", [tensor], None, axis=[axis])
        elif len(labels) > 1:
            attrs = {"shape": [-1], "axis": axis, "num_axes": len(labels)}
            tensor = builder.op("Reshape", [tensor], None, **attrs)
    return tensor, sizes
