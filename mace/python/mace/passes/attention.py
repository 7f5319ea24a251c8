# SPDX-License-Identifier: Apache-2.0
"""Attention: a factor on the product of queries and keys is taken into the weights of the layer that
makes one of them, or put on the smaller of the three, as the product is the largest tensor there."""

from __future__ import annotations

import math

import numpy as np

from mace.graph.ir import Node
from mace.passes.match import eltwise, plain, with_scalar
from mace.passes.rewrite import Rewriter, graph_pass

# What may stand between a layer and the product: the elements stay the same.
_MOVES = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity")


@graph_pass("FOLD_ATTENTION_SCALE")
def fold_attention_scale(r: Rewriter) -> None:
    """Moves a factor on the product before a softmax into the layer of the queries or keys."""
    for softmax in r.nodes("Softmax"):
        scores = softmax.inputs[0]
        node = r.producer(scores)
        if eltwise(r, node, "SUM") and node is not None and r.used_once(scores):
            # A mask is added to the scaled product, whichever comes first.
            scores = next((t for t in node.inputs if _factor(r, t) is not None), scores)
        _fold_product(r, scores)
    for product in r.nodes("MatMul"):
        user = r.only_user(product.outputs[0])
        if user is not None and (user.op == "Softmax" or eltwise(r, user, "SUM")):
            for tensor in dict.fromkeys(product.inputs):
                _fold_operand(r, tensor)


def _factor(r: Rewriter, tensor: str) -> tuple[str, float] | None:
    """The tensor and the number whose product a tensor is, if nothing else reads either."""
    node = r.producer(tensor, "Eltwise")
    found = with_scalar(r, node, "PROD")
    if found is None or node is None or r.dtype(tensor) != "f32" or not math.isfinite(found[1]):
        return None
    return found if r.used_once(tensor) else None


def _fold_product(r: Rewriter, tensor: str) -> None:
    """Takes the factor behind a MatMul away, if there is a better place for it."""
    node, found = r.producer(tensor, "Eltwise"), _factor(r, tensor)
    if node is None or found is None or not r.used_once(found[0]):
        return
    product = r.producer(found[0], "MatMul")
    if product is None:
        return
    chain = next((c for t in product.inputs[:2] if (c := _layer(r, t))), [])
    if chain:
        _scale_layer(r, chain, found[1])
    elif not _scale_smaller(r, product, found[1]):
        return
    output = node.outputs[0]
    r.remove(node)
    r.set_output(product, 0, output)


def _fold_operand(r: Rewriter, tensor: str) -> None:
    """Takes a factor on queries or keys into the layer that makes them."""
    while (move := r.producer(tensor, *_MOVES)) is not None and r.used_once(tensor):
        tensor = move.inputs[0]
    node, found = r.producer(tensor, "Eltwise"), _factor(r, tensor)
    chain = _layer(r, found[0]) if found is not None else []
    if node is None or found is None or not chain:
        return
    _scale_layer(r, chain, found[1])
    r.become_identity(node, node.inputs[0] if r.const(node.inputs[0]) is None else node.inputs[1])


def _layer(r: Rewriter, tensor: str) -> list[Node]:
    """A FullyConnected with constant weights and what moves its elements until they are the tensor,
    from last to first; empty where there is none."""
    chain: list[Node] = []
    for _ in range(8):
        node = r.producer(tensor)
        if node is None or not r.used_once(tensor):
            return []
        chain.append(node)
        if node.op == "FullyConnected":
            known = [r.const(t) for t in node.inputs[1:] if t]
            usable = plain(r, node) and all(k is not None and k.dtype == np.float32 for k in known)
            return chain if usable else []
        if node.op not in _MOVES or not plain(r, node):
            return []
        tensor = node.inputs[0]
    return []


def _scale_layer(r: Rewriter, chain: list[Node], factor: float) -> None:
    """Multiplies the weights of the layer. The tensors on the way get new names, as their elements
    are others."""
    layer = chain[-1]
    for node in chain:
        old = node.outputs[0]
        name = r.fresh(f"{old}/scaled")
        r.set_value(name, old, r.shape(old))
        r.set_output(node, 0, name)
        r.redirect(old, name)
    inputs = [layer.inputs[0]]
    for tensor in layer.inputs[1:]:
        array = r.const(tensor)
        if array is None:
            inputs.append(tensor)
        else:
            scaled = (array * np.float32(factor)).astype(np.float32)
            inputs.append(r.add_const(f"{layer.outputs[0]}/scaled", scaled))
    r.set_inputs(layer, inputs)


def _scale_smaller(r: Rewriter, product: Node, factor: float) -> bool:
    """Multiplies the smaller operand instead, if it is smaller than the product."""
    shapes = [r.shape(t) for t in (*product.inputs[:2], product.outputs[0])]
    sizes = [math.prod(s) if s is not None and min(s, default=1) >= 0 else -1 for s in shapes]
    if min(sizes) < 0 or min(sizes[:2]) >= sizes[2]:
        return False
    index = sizes.index(min(sizes[:2]))
    tensor = product.inputs[index]
    if r.const(tensor) is not None:
        return False
    name = r.fresh(f"{product.outputs[0]}/scaled")
    r.set_value(name, tensor, shapes[index])
    number = r.add_const(f"{product.outputs[0]}/factor", np.asarray(factor, np.float32))
    r.add("Eltwise", [tensor, number], [name], {"type": "PROD"}, product)
    inputs = list(product.inputs)
    inputs[index] = name
    r.set_inputs(product, inputs)
    return True
