# SPDX-License-Identifier: Apache-2.0
"""float64 where MACE has it: a node whose operator computes in float32 alone reads and writes float64
tensors through conversions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from mace.importers.base import Builder
from mace.importers.onnx.node import OnnxNode

# Operators that are made of what MACE has for float64: arithmetic, reductions, products, and all
# that moves elements.
_NAMES = """
Add Sub Mul Div Mod Pow Min Max Sum Mean Equal Less LessOrEqual Greater GreaterOrEqual
Neg Abs Sqrt Reciprocal Exp Log Floor Ceil Round Sign Erf Sin Cos Tan Asin Acos Atan Sinh Cosh
Asinh Acosh Atanh IsInf IsNaN Relu Clip ThresholdedRelu Softsign Shrink Where Cast CastLike
BitCast ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceSumSquare ReduceL1 ReduceL2
ReduceLogSum ReduceLogSumExp ArgMax ArgMin Identity Dropout Reshape
Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather Tile Expand Shape Size
ConstantOfShape OneHot Trilu EyeLike CumSum CumProd MatMul Gemm GatherElements
GatherND ScatterElements Scatter If Loop Scan
ScatterND TensorScatter ReverseSequence Compress NonZero Unique TopK
"""
_DOUBLE = frozenset(_NAMES.split())

Function = Callable[[Builder, OnnxNode], None]


def translate(b: Builder, n: OnnxNode, function: Function) -> None:
    """Lets an importer function translate a node, in float32 if the operator has no float64."""
    if n.op in _DOUBLE or not any(n.dtype(t) == "f64" for t in (*n.inputs, *n.outputs) if t):
        function(b, n)
        return
    inputs = [_narrow(b, n, t) for t in n.inputs]
    outputs = [_stand_in(b, n, t) for t in n.outputs]
    function(b, dataclasses.replace(n, inputs=inputs, outputs=outputs))
    for inner, outer in zip(outputs, n.outputs, strict=True):
        if inner != outer:
            b.op("Cast", [inner], [outer], output_type="f64")


def _narrow(b: Builder, n: OnnxNode, tensor: str) -> str:
    """A float64 tensor as float32; others as they are."""
    if not tensor or n.dtype(tensor) != "f64":
        return tensor
    value = b.graph.consts.get(tensor)
    if value is not None:
        name = b.const(value.astype(np.float32))
    else:
        name = b.op("Cast", [tensor], output_type="f32")
    return _same_shape(n, tensor, name)


def _stand_in(b: Builder, n: OnnxNode, tensor: str) -> str:
    """A name for the float32 of which a float64 output is made; others as they are."""
    if not tensor or n.dtype(tensor) != "f64":
        return tensor
    return _same_shape(n, tensor, b.tensor("f32"))


def _same_shape(n: OnnxNode, tensor: str, name: str) -> str:
    shape = n.shape(tensor)
    if shape is not None:
        n.types.shapes[name] = shape
    n.types.dtypes[name] = n.types.declared[name] = "f32"
    return name
