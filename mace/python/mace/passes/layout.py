# SPDX-License-Identifier: Apache-2.0
"""The layout pass: transposes sink through the operators that read them until they meet their
inverse and vanish, or an operator that needs the order they make.

Each rule of layout_rules.py says how one operator works on the tensor before the transpose.
"""

from __future__ import annotations

from collections.abc import Sequence

from mace.graph.ir import Node, topological
from mace.passes.layout_rules import RULES, Sunk
from mace.passes.match import permuted
from mace.passes.rewrite import Rewriter, graph_pass

# A graph in which transposes still move after so many rounds keeps the rest of them.
_ROUNDS = 20


@graph_pass("TRANSPOSE_DATA_FORMAT")
def sink_transposes(r: Rewriter) -> None:
    """Moves transposes behind the operators that read them and cancels inverse pairs."""
    for _ in range(_ROUNDS):
        changed = False
        for node in _in_order(r):
            if r.alive(node):
                changed |= _join(r, node) if node.op == "Transpose" else _sink(r, node)
        if not changed:
            return


def _in_order(r: Rewriter) -> list[Node]:
    """The nodes in execution order, so that a transpose sinks all the way in one round."""
    known = set(r.graph.consts) | {i.name for i in r.graph.inputs}
    return topological(r.nodes(), known)


def order_of(r: Rewriter, node: Node) -> list[int] | None:
    """The order of a Transpose; None when it reverses a tensor of unknown rank."""
    dims = list(node.attrs.get("dims", []))
    if dims:
        return dims
    rank = r.rank(node.inputs[0])
    return None if rank is None else list(range(rank))[::-1]


def _join(r: Rewriter, node: Node) -> bool:
    """Joins a Transpose with one before it; removes it if the two cancel."""
    before = r.producer(node.inputs[0], "Transpose")
    own = order_of(r, node)
    if own is not None and own == sorted(own):
        return r.become_identity(node, node.inputs[0])
    inner = order_of(r, before) if before is not None else None
    if before is None or own is None or inner is None or len(own) != len(inner):
        return False
    joined = [inner[d] for d in own]
    source = before.inputs[0]
    if joined == sorted(joined):
        return r.become_identity(node, source)
    node.attrs["dims"] = joined
    r.set_inputs(node, [source])
    return True


def _sink(r: Rewriter, node: Node) -> bool:
    """Moves the transposes that a node reads behind it, if there is a rule for the node."""
    rule = RULES.get(node.op)
    if rule is None:
        return False
    order = next((o for t in node.inputs if (o := _read_order(r, t)) is not None), None)
    if order is None:
        return False
    sunk = rule(r, node, order)
    if sunk is None:
        return False
    _replace(r, node, sunk)
    return True


def _read_order(r: Rewriter, tensor: str) -> list[int] | None:
    before = r.producer(tensor, "Transpose")
    return order_of(r, before) if before is not None else None


def _replace(r: Rewriter, node: Node, sunk: Sunk) -> None:
    """Puts the operator on untransposed tensors in the node's place, with a Transpose behind it."""
    r.remove(node)
    order = sunk.order
    if order is None or list(order) == sorted(order):
        r.add(sunk.op or node.op, sunk.inputs, node.outputs, sunk.attrs, node)
        return
    fresh = [r.fresh(f"{t}/untransposed") if t else "" for t in node.outputs]
    back = _inverse(order)
    for name, tensor in zip(fresh, node.outputs, strict=True):
        if tensor:
            r.set_value(name, tensor, permuted(r.shape(tensor), back))
            transpose = r.add("Transpose", [name], [tensor], {"dims": list(order)}, node)
            transpose.name = tensor
    r.add(sunk.op or node.op, sunk.inputs, fresh, sunk.attrs, node)


def _inverse(order: Sequence[int]) -> list[int]:
    return [list(order).index(d) for d in range(len(order))]
