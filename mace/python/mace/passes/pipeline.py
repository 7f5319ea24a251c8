# SPDX-License-Identifier: Apache-2.0
"""The order of the passes, and their names as deployment files use them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mace.errors import MaceError, did_you_mean
from mace.graph.ir import Graph, Value
from mace.passes import (
    activation,
    attention,
    blocks,
    cleanup,
    constants,
    layout,
    linear,
    matmul,
    moments,
    normalization,
    window,
)
from mace.passes.rewrite import PASSES, Pass

# What later groups rely on comes first: constants, then transposes out of the way, then folding.
_SIMPLIFY: tuple[Pass, ...] = (
    cleanup.sort,
    cleanup.remove_identity,
    cleanup.fold_shape,
    constants.fold_constants,
    cleanup.fold_reshape,
    cleanup.remove_duplicates,
    cleanup.fold_reduce_reshape,
    blocks.block_operators,
    activation.recognise,
    normalization.layer_norm,
    moments.fold_moments,
    normalization.group_norm,
)
_FUSE: tuple[Pass, ...] = (
    layout.sink_transposes,
    cleanup.remove_identity,
    matmul.matmul_to_fc,
    matmul.transpose_matmul,
    matmul.fold_fc_reshape,
    attention.fold_attention_scale,
    window.flatten_atrous,
    window.fold_pad,
    window.channel_shuffle,
    linear.simplify_batch_norm,
    linear.fold_conv_bn,
    linear.fold_deconv_bn,
    linear.fold_depthwise_bn,
    linear.fold_fc_bn,
    linear.fold_bias,
    linear.fold_batch_norm,
    linear.fold_before,
    linear.fold_scalars,
    activation.fold_activation,
    cleanup.remove_duplicates,
    cleanup.sort,
)
# Once at the end: a transpose that became a reshape can no longer cancel.
_FINISH: tuple[Pass, ...] = (
    moments.fold_square_difference,
    matmul.global_conv_to_fc,
    cleanup.transpose_to_reshape,
    cleanup.fold_reshape,
    cleanup.remove_identity,
    matmul.fold_fc_reshape,
    cleanup.sort,
)
# One fold makes room for another: the groups are repeated until nothing changes.
_MOST_ROUNDS = 4

# Names of the documents whose work is done elsewhere: by importers, by the layout of the file, or
# by the engine. They are accepted and have no effect.
DONE_ELSEWHERE = (
    "ADD_IN_OUT_TENSOR_INFO",
    "ADD_MACE_INPUT_AND_OUTPUT_NODES",
    "ADD_OPENCL_INFORMATIONS",
    "ADD_WINOGRAD_ARG",
    "RESHAPE_FC_WEIGHT",
    "TRANSFORM_ADD_TO_BIASADD",
    "TRANSFORM_GLOBAL_POOLING",
    "TRANSPOSE_CAFFE_RESHAPE_AND_FLATTEN",
    "TRANSPOSE_FILTERS",
    "UPDATE_DATA_FORMAT",
    "UPDATE_FLOAT_OP_DATA_TYPE",
)


# Called with the name of a pass and the graph after it.
Observer = Callable[[str, Graph], None]


def optimize(
    graph: Graph, options: Sequence[str] | None = None, observe: Observer | None = None
) -> Graph:
    """The graph after all passes, or after those named in `options` alone, in the usual order.

    Sorting and the removal of dead code are always done. Ranks and shapes in graph.values let
    passes do more. Graphs inside operators are optimised too. Raises MaceError for a name that is no pass.
    """
    chosen = _chosen(options)
    watch = observe or (lambda _name, _graph: None)
    for _ in range(_MOST_ROUNDS):
        before = _summary(graph)
        graph = _apply((*_SIMPLIFY, *_FUSE), graph, chosen, watch)
        if _summary(graph) == before:
            break
    return _inside(_apply(_FINISH, graph, chosen, watch), options)


def _inside(graph: Graph, options: Sequence[str] | None) -> Graph:
    """Optimises the graphs inside operators, of which types are known but no shapes: those of a
    loop may be others in each round."""
    if not any(node.subgraphs for node in graph.nodes):
        return graph
    result = graph.copy()
    for node in result.nodes:
        for index, inner in enumerate(node.subgraphs):
            values = inner.values
            inner.values = {i.name: Value(i.name, i.dtype) for i in inner.inputs}
            node.subgraphs[index] = optimize(inner, options)
            node.subgraphs[index].values = values
    return result


def _apply(passes: Sequence[Pass], graph: Graph, chosen: set[str], watch: Observer) -> Graph:
    for function in passes:
        if function.name in chosen:
            graph = function(graph)
            watch(function.name, graph)
    return graph


def _chosen(options: Sequence[str] | None) -> set[str]:
    if not options:
        return set(PASSES)
    known = [*PASSES, *DONE_ELSEWHERE]
    for name in options:
        if name not in known:
            raise MaceError(
                f"there is no optimisation '{name}'{did_you_mean(name, known)}",
                hint=f"graph_optimize_options takes: {', '.join(sorted(PASSES))}",
            )
    return {*options, cleanup.sort.name}


def _summary(graph: Graph) -> list[tuple[str, tuple[str, ...], tuple[str, ...], str]]:
    return [
        (n.op, tuple(n.inputs), tuple(n.outputs), repr(sorted(n.attrs.items())))
        for n in graph.nodes
    ]
