# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's operators on sorted rows, segments and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from mace.graph import dtypes
from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.registry import TENSORFLOW, constant_int, known_shape


@TENSORFLOW.register("LowerBound", "UpperBound")
def bound(builder: Builder, node: TfNode) -> None:
    """How many elements of a sorted row are less than (or at most) each value: batch and row,
    batch and values."""
    row = builder.op("Unsqueeze", [node.input(0)], None, axis=[1])
    column = builder.op("Unsqueeze", [node.input(1)], None, axis=[2])
    kind = "LESS" if node.op == "LowerBound" else "LESS_EQUAL"
    before = builder.op("Eltwise", [row, column], None, type=kind)
    ones = builder.op("Cast", [before], None, output_type=node.type_attr("out_type", "i32"))
    builder.op("Reduce", [ones], [node.output()], reduce_type="SUM", axis=[2], keepdims=False)


# How slices are combined, and what an empty segment holds.
_SEGMENTS = {
    "UnsortedSegmentSum": "ADD",
    "UnsortedSegmentProd": "MUL",
    "UnsortedSegmentMax": "MAX",
    "UnsortedSegmentMin": "MIN",
}


@TENSORFLOW.register(*_SEGMENTS)
def unsorted_segment(builder: Builder, node: TfNode) -> None:
    """Slices combined that have the same number; those of negative numbers are left out."""
    data, ids = node.input(0), node.input(1)
    count = constant_int(builder, node, 2, "num_segments")
    shape = known_shape(builder, node, data, "data")
    rest = list(shape[len(known_shape(builder, node, ids, "segment_ids")) :])
    if count < 0 or any(d < 1 for d in rest):
        raise UnsupportedError(f"it makes {count} segments of {rest}")
    kind = _kind(node)
    combine = _SEGMENTS[node.op]
    limits: Any = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    empty = {"ADD": 0, "MUL": 1, "MAX": limits.min, "MIN": limits.max}[combine]
    # Negative ones go to a row of their own, which is cut off.
    number = dtypes.to_numpy(node.type_attr("Tindices"))
    column = builder.op("Reshape", [ids], None, shape=[-1, 1])
    negative = builder.op("Eltwise", [column, builder.const(0, number)], None, type="LESS")
    column = builder.op("Where", [negative, builder.const(count, number), column])
    start = builder.const(np.full([count + 1, *rest], empty, kind))
    slices = builder.op("Reshape", [data], None, shape=[-1, *rest])
    rows = builder.op("ScatterND", [start, column, slices], None, reduction=combine)
    bounds = [builder.const([v], np.int32) for v in (0, count, 0)]
    builder.op("Slice", [rows, *bounds], [node.output()])


@TENSORFLOW.register("MatrixDiag", "MatrixDiagV2", "MatrixDiagV3")
def matrix_diag(builder: Builder, node: TfNode) -> None:
    """Square matrices that hold the last dimension in their diagonals."""
    if node.op != "MatrixDiag":
        given = [constant_int(builder, node, i, w) for i, w in _OF_DIAGONALS]
        if given not in ([0, -1, -1], [0, 0, 0]):
            raise UnsupportedError(
                f"its diagonal, rows and columns are {given}", "use the main one"
            )
    size = known_shape(builder, node, node.input(0), "diagonal")[-1]
    if size < 0:
        raise UnsupportedError("the length of its diagonal is not known")
    other = node.input(4) if node.op != "MatrixDiag" else builder.const(0, _kind(node))
    column = builder.op("Unsqueeze", [node.input(0)], None, axis=[-1])
    inside = builder.const(np.eye(size, dtype=np.bool_))
    builder.op("Where", [inside, column, other], [node.output()])


_OF_DIAGONALS = ((1, "k"), (2, "num_rows"), (3, "num_cols"))


@TENSORFLOW.register("MatrixDiagPart", "MatrixDiagPartV2", "MatrixDiagPartV3")
def matrix_diag_part(builder: Builder, node: TfNode) -> None:
    """The diagonals of matrices."""
    if node.op != "MatrixDiagPart" and constant_int(builder, node, 1, "k"):
        raise UnsupportedError("its diagonal is not the main one")
    rows, columns = known_shape(builder, node, node.input(0), "input")[-2:]
    if min(rows, columns) < 0:
        raise UnsupportedError("the size of its matrices is not known")
    inside = builder.const(np.eye(rows, columns, dtype=np.bool_))
    alone = builder.op("Where", [inside, node.input(0), builder.const(0, _kind(node))])
    # A matrix with more columns has its diagonal in the columns as well as in the rows.
    axis = -1 if rows <= columns else -2
    builder.op("Reduce", [alone], [node.output()], reduce_type="SUM", axis=[axis], keepdims=False)


@TENSORFLOW.register("MatrixDeterminant")
def determinant(builder: Builder, node: TfNode) -> None:
    """The determinants of matrices."""
    builder.op("Det", [node.input(0)], [node.output()])


@TENSORFLOW.register("Cross")
def cross(builder: Builder, node: TfNode) -> None:
    """The cross product of vectors of three elements."""

    def turned(tensor: str, order: list[int]) -> str:
        return builder.op("Gather", [tensor, builder.const(order, np.int32)], None, axis=-1)

    products = []
    for orders in (([1, 2, 0], [2, 0, 1]), ([2, 0, 1], [1, 2, 0])):
        factors = [turned(node.input(i), order) for i, order in enumerate(orders)]
        products.append(builder.op("Eltwise", factors, None, type="PROD"))
    builder.op("Eltwise", products, [node.output()], type="SUB")


def _kind(node: TfNode) -> np.dtype[np.generic]:
    return np.dtype(dtypes.to_numpy(node.type_attr("T")))
