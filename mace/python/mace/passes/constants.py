# SPDX-License-Identifier: Apache-2.0
"""Constant folding: what depends on constants alone is computed once, at conversion."""

from __future__ import annotations

from mace.analysis.evaluate import evaluate, quantization_of, static_tensors
from mace.passes.rewrite import Rewriter, graph_pass

# Results that are so many bytes larger than what they are made of stay computed.
_MOST_GROWTH = 1 << 20


@graph_pass("FOLD_CONSTANT")
def fold_constants(r: Rewriter) -> None:
    """Replaces computed tensors by constants where no input of the model has a part in them."""
    static = static_tensors(r.graph)
    border = []
    for node in r.nodes():
        for tensor in node.outputs:
            if tensor not in static or tensor in r.graph.consts:
                continue
            outside = [u for u in r.users(tensor) if any(o not in static for o in u.outputs)]
            if outside or tensor in r.outputs:
                border.append(tensor)
    if not border:
        return
    inputs = sum(
        r.graph.consts[t].nbytes for n in r.nodes() for t in n.inputs if t in r.graph.consts
    )
    for tensor, array in evaluate(r.graph, border).items():
        if array.nbytes > inputs + _MOST_GROWTH:
            continue
        if tensor in r.outputs:
            continue
        name, source = r.add_const(f"{tensor}/folded", array), r.producer(tensor, "Dequantize")
        quantized = quantization_of(source, r.const) if source is not None else None
        if quantized is not None:
            r.graph.quantization[name] = quantized
        r.redirect(tensor, name)
