# SPDX-License-Identifier: Apache-2.0
"""Passes that turn matrix products with constants into FullyConnected and simplify their inputs."""

from __future__ import annotations

import math

import numpy as np

from mace.graph.ir import Node
from mace.passes.match import activation_attrs, plain
from mace.passes.rewrite import Rewriter, graph_pass


@graph_pass("TRANSFORM_MATMUL_TO_FC")
def matmul_to_fc(r: Rewriter) -> None:
    """Replaces a MatMul with a constant matrix by a FullyConnected."""
    for node in r.nodes("MatMul"):
        weight, rank = r.const(node.inputs[1]), r.rank(node.inputs[0])
        if weight is None or rank is None or rank < 2 or r.attr(node, "transpose_a"):
            continue
        if weight.ndim < 2 or weight.ndim > rank or math.prod(weight.shape[:-2]) != 1:
            continue
        matrix = weight.reshape(weight.shape[-2:])
        if not r.attr(node, "transpose_b"):
            matrix = matrix.T
        name = r.add_const(f"{node.outputs[0]}/weight", np.ascontiguousarray(matrix))
        quantized = r.graph.quantization.get(node.inputs[1])
        if quantized is not None and weight.ndim == 2:
            order = [0, 1] if r.attr(node, "transpose_b") else [1, 0]
            r.graph.quantization[name] = quantized.permuted(order)
        r.replace(node, "FullyConnected", [node.inputs[0], name], axis=-1)


@graph_pass("TRANSPOSE_MATMUL")
def transpose_matmul(r: Rewriter) -> None:
    """Lets a MatMul read matrices as they are instead of transposed."""
    for node in r.nodes("MatMul"):
        for index, flag in enumerate(("transpose_a", "transpose_b")):
            before = r.producer(node.inputs[index], "Transpose")
            rank = r.rank(node.inputs[index])
            if before is None or rank is None or rank < 2:
                continue
            dims = before.attrs.get("dims") or list(range(rank))[::-1]
            if list(dims) == [*range(rank - 2), rank - 1, rank - 2]:
                node.attrs[flag] = not r.attr(node, flag)
                inputs = list(node.inputs)
                inputs[index] = before.inputs[0]
                r.set_inputs(node, inputs)


@graph_pass("TRANSFORM_GLOBAL_CONV_TO_FC")
def global_conv_to_fc(r: Rewriter) -> None:
    """Replaces a convolution whose filter covers the whole image by a FullyConnected."""
    for node in r.nodes("Conv2D"):
        weight, image = r.const(node.inputs[1]), r.shape(node.inputs[0])
        output = r.shape(node.outputs[0])
        if weight is None or image is None or output is None or len(image) != 4:
            continue
        covers = weight.shape[1:] == image[1:] and output[1:3] == (1, 1)
        paddings = r.attr(node, "paddings")
        if not covers or r.attr(node, "group") != 1 or any(paddings or []):
            continue
        if not all(r.const(t) is not None for t in node.inputs[2:] if t):
            continue
        if node.inputs[1] in r.graph.quantization or set(r.attr(node, "dilations")) - {1}:
            continue
        name = r.add_const(f"{node.outputs[0]}/weight", weight.reshape(weight.shape[0], -1))
        attrs = {"axis": -1, **activation_attrs(node)}
        inputs = [node.inputs[0], name, *node.inputs[2:]]
        if image[1:3] == (1, 1):
            r.replace(node, "FullyConnected", inputs, **attrs)
            continue
        product = r.fresh(f"{node.outputs[0]}/product")
        r.set_value(product, node.outputs[0], (output[0], output[3]))
        r.add("FullyConnected", inputs, [product], attrs | {"axis": 1}, node)
        r.replace(node, "Reshape", [product], shape=[-1, 1, 1, output[3]])


@graph_pass("FOLD_FC_RESHAPE")
def fold_fc_reshape(r: Rewriter) -> None:
    """Lets a FullyConnected read a tensor that is flattened for it, also when it is transposed."""
    for node in r.nodes("FullyConnected"):
        while _fold_flatten(r, node):
            pass


def _fold_flatten(r: Rewriter, node: Node) -> bool:
    before = r.producer(node.inputs[0], "Reshape", "Flatten", "Squeeze")
    weight = r.const(node.inputs[1])
    flat = r.shape(node.inputs[0])
    if before is None or weight is None or flat is None or len(flat) != 2 or len(before.inputs) > 1:
        return False
    if r.attr(node, "axis") not in (1, -1) or not plain(r, before):
        return False
    shape = r.shape(before.inputs[0])
    if shape is None or len(shape) < 3 or min(shape[1:]) < 1:
        return False
    # The rows must stay rows: both counts of rows are known, or follow from the other dimensions.
    if math.prod(shape[1:]) != weight.shape[1] or weight.shape[1] != flat[1]:
        return False
    source = before.inputs[0]
    transpose = r.producer(source, "Transpose")
    if transpose is not None:
        dims = list(transpose.attrs.get("dims", []))
        if dims and dims[0] == 0:
            # Columns in the order of the tensor before the transpose.
            columns = weight.reshape(weight.shape[0], *shape[1:])
            back = [dims.index(d) for d in range(len(dims))]
            weight = np.ascontiguousarray(columns.transpose(back)).reshape(weight.shape)
            source = transpose.inputs[0]
            name = r.add_const(f"{node.outputs[0]}/weight", weight)
            r.set_inputs(node, [source, name, *node.inputs[2:]])
            node.attrs["axis"] = 1
            return True
    r.set_inputs(node, [source, *node.inputs[1:]])
    node.attrs["axis"] = 1
    return True
