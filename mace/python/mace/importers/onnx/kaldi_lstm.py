# SPDX-License-Identifier: Apache-2.0
"""Kaldi's LSTM as kaldi-onnx writes it: the gates of all frames at once where it was taken apart, or
the layer with its two affine transforms and delays, which becomes a Loop over groups of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mace.graph.ir import Array, Graph, Interface, Node
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.kaldi import cut, frames_rank, kaldi, number, padded, positions
from mace.importers.onnx.node import OnnxNode

_LARGEST = int(np.iinfo(np.int64).max)


@kaldi("LstmNonlinear", "LSTMNonlinear")
def _lstm_nonlinear(b: Builder, n: OnnxNode) -> None:
    """Of i, f, c, o and the cell before, in that order, the cell and the output. Where three more
    elements follow they scale the gates i, f and o: dropout, as it was trained."""
    x, axis = n.inputs[0], n.rank(n.inputs[0]) - 1
    params = n.constant(b, 1, "its second input")
    size = params.shape[-1]
    if params.shape != (3, size) or size < 1:
        raise UnsupportedError(f"its second input is of shape {params.shape}, not 3 x cells")
    shape = n.shape(x)
    width = int(n.attr("input_dim", -1)) if shape is None or shape[-1] < 0 else shape[-1]
    if width >= 0 and width not in (5 * size, 5 * size + 3):
        raise UnsupportedError(f"its input has {width} elements for {size} cells, not 5 for each")
    scaled = width == 5 * size + 3
    i, f, c, o, before = (cut(b, x, axis, k * size, (k + 1) * size) for k in range(5))
    scales = [cut(b, x, axis, 5 * size + k, 5 * size + k + 1) if scaled else "" for k in range(3)]

    def gate(name: str, weights: Array, cell: str, scale: str) -> str:
        peephole = b.op("Eltwise", [cell, b.const(weights)], type="PROD")
        opened = b.op("Activation", [b.op("Eltwise", [name, peephole], type="SUM")], **_SIGMOID)
        return b.op("Eltwise", [opened, scale], type="PROD") if scale else opened

    kept = b.op("Eltwise", [gate(f, params[1], before, scales[1]), before], type="PROD")
    fresh = b.op("Activation", [c], activation="TANH")
    fresh = b.op("Eltwise", [gate(i, params[0], before, scales[0]), fresh], type="PROD")
    cell = b.op("Eltwise", [kept, fresh], type="SUM")
    shown = b.op("Activation", [cell], activation="TANH")
    output = b.op("Eltwise", [gate(o, params[2], cell, scales[2]), shown], type="PROD")
    b.op("Concat", [cell, output], n.outputs, axis=axis)


_SIGMOID = {"activation": "SIGMOID"}


@dataclass
class _Lstm:
    """What a DynamicLSTM is: its inputs by name, and its attributes in frames of its own rate."""

    states: list[str]  # what outputs and cells were before the chunk; none: zeros
    first: Array  # 4 cells x (input + output that comes back): i, f, c, o
    params: Array  # 3 x cells: i, f, o
    second: Array  # output x cells
    biases: list[str]  # of the first and of the second transform, "" for none
    out_delay: int
    cell_delay: int
    offset: int  # which elements of the output come back
    size: int  # how many do
    scale: float  # of what comes back

    @property
    def cells(self) -> int:
        return int(self.params.shape[1])


def _described(b: Builder, n: OnnxNode) -> _Lstm:
    base = 3 if "forward_indexes" in n.attrs else 1  # before the first weight
    first, params, second = (n.constant(b, base + k, "a weight of it") for k in range(3))
    if any(w.ndim != 2 for w in (first, params, second)):
        raise UnsupportedError("its weights are no matrices")
    extra = n.inputs[base + 3 :]
    flags = [bool(n.attr(f"bias_{k}", len(extra) == 2)) for k in "ab"]
    if sum(flags) != len(extra):
        raise UnsupportedError(f"it has {len(extra)} biases, and says that it has {sum(flags)}")
    rest = iter(extra)
    biases = [next(rest) if flag else "" for flag in flags]
    factor = number(n, "subsample_factor", 1, 1)
    delays = [int(n.attr(f"prev_{k}_delay", 0)) for k in ("out", "cell")]
    if any(d >= 0 or d % factor for d in delays):
        raise UnsupportedError(
            f"its prev_out_delay {delays[0]} and prev_cell_delay {delays[1]} must be negative, and "
            f"multiples of its subsample_factor {factor}"
        )
    lstm = _Lstm(
        n.inputs[1:base],
        first,
        params,
        second,
        biases,
        -delays[0] // factor,
        -delays[1] // factor,
        number(n, "prev_out_offset", 0),
        number(n, "prev_out_dim", 0, 1),
        float(n.attr("scale", 1.0)),
    )
    _check_sizes(n, lstm)
    return lstm


def _check_sizes(n: OnnxNode, lstm: _Lstm) -> None:
    cells, inputs = lstm.cells, lstm.first.shape[1] - lstm.size
    shape = n.shape(n.inputs[0])
    fits = (
        lstm.params.shape[0] == 3
        and cells == int(n.attr("prev_cell_dim", cells)) > 0
        and lstm.first.shape[0] == 4 * cells
        and lstm.second.shape[1] == cells
        and lstm.offset + lstm.size <= lstm.second.shape[0]
        and inputs > 0
        and (shape is None or shape[-1] in (-1, inputs))
    )
    if not fits:
        sizes = ", ".join(
            "x".join(str(d) for d in w.shape) for w in (lstm.first, lstm.params, lstm.second)
        )
        raise UnsupportedError(
            f"its weights of {sizes}, prev_out_dim {lstm.size}, prev_out_offset {lstm.offset} and "
            f"prev_cell_dim {n.attr('prev_cell_dim', cells)} do not fit each other and its input"
        )


@kaldi("DynamicLSTM")
def _dynamic_lstm(b: Builder, n: OnnxNode) -> None:
    """The LSTM with projection that kaldi-onnx joins of IfDefined, Append, Affine, LstmNonlinear,
    Affine, DimRange and Scale. A frame needs the output and the cell of so many frames before, so
    that as many are computed at once; what does not depend on them is computed first."""
    rank = frames_rank(n)
    if rank > 3:
        raise UnsupportedError(f"its input has rank {rank}; at most batch x frames x dimension")
    lstm = _described(b, n)
    x, states = n.inputs[0], lstm.states
    if rank == 2:
        x, *states = (b.op("Unsqueeze", [t], axis=[0]) for t in (x, *states))
    if "forward_indexes" in n.attrs:
        places = positions(n, "forward_indexes")
        frames = places.size
        x = b.op("Gather", [x, b.const(places)], axis=1)
    else:
        shape = n.shape(n.inputs[0])
        frames = shape[-2] if shape is not None else -1
        if frames < 1:
            raise UnsupportedError(
                "the number of frames is not known", "give its input a fixed shape"
            )
    if not states:  # frames before the first count as zeros, however many
        lstm.out_delay = min(lstm.out_delay, frames)
        lstm.cell_delay = min(lstm.cell_delay, frames)
        states = [
            _zeros(b, x, lstm.out_delay, lstm.size),
            _zeros(b, x, lstm.cell_delay, lstm.cells),
        ]
    own, back = np.split(lstm.first, [lstm.first.shape[1] - lstm.size], axis=1)
    bias = [lstm.biases[0]] if lstm.biases[0] else []
    gates = b.op("FullyConnected", [x, b.const(own), *bias])
    group = min(lstm.out_delay, lstm.cell_delay, frames)
    rounds = -(-frames // group)
    results = _loop(b, lstm, back, gates, states, group, rounds, rounds * group - frames)
    output = n.outputs[0] if rank == 3 else b.tensor("output")
    y, cells = (
        cut(b, t, 1, 0, frames, [name])
        for t, name in zip(results, (output, b.tensor("cells")), strict=True)
    )
    if rank == 2:
        b.op("Squeeze", [y], n.outputs[:1], axis=[0])
    _caches(b, n, lstm, y, cells, frames)


def _zeros(b: Builder, x: str, frames: int, size: int) -> str:
    batch = b.op("Shape", [x], start=0, end=1, output_type="i64")
    shape = b.op("Concat", [batch, b.const([frames, size], np.int64)], axis=0)
    return b.op("Expand", [b.const(0, np.float32), shape])


def _loop(
    b: Builder,
    lstm: _Lstm,
    back: Array,
    gates: str,
    states: list[str],
    group: int,
    rounds: int,
    missing: int,
) -> list[str]:
    """Outputs and scaled cells of all frames, batch x frames x elements."""
    if missing:
        gates = padded(b, gates, 3, 1, 0, missing)
    width = 4 * lstm.cells
    gates = b.op("Reshape", [gates], shape=[0, rounds, group, width], copy_zeros=True)
    gates = b.op("Transpose", [gates], dims=[1, 0, 2, 3])
    body = _body(lstm, back, group, bias=bool(lstm.biases[1]))
    bias = [lstm.biases[1]] if lstm.biases[1] else []
    inputs = [b.const(rounds, np.int64), b.const(True, np.bool_), *states, gates, *bias]
    outputs = [b.tensor(s) for s in ("last_outputs", "last_cells", "outputs", "cells")]
    b.op("Loop", inputs, outputs, variables=2, counted=True)
    b.graph.nodes[-1].subgraphs = [body]
    joined = []
    for stack, size in ((outputs[2], lstm.second.shape[0]), (outputs[3], lstm.cells)):
        rows = b.op("Transpose", [stack], dims=[1, 0, 2, 3])
        joined.append(b.op("Reshape", [rows], shape=[0, rounds * group, size], copy_zeros=True))
    return joined


def _caches(b: Builder, n: OnnxNode, lstm: _Lstm, y: str, cells: str, frames: int) -> None:
    """What the next chunk is given: some frames of what comes back."""
    squeezed = frames_rank(n) == 2
    for k, name in ((1, "out"), (2, "cell")):
        if not n.uses_output(k):
            continue
        places = np.asarray(n.attr(f"{name}_cache_indexes", []), np.int64)
        if not places.size or places.min() < 0 or places.max() >= frames:
            raise UnsupportedError(
                f"its {name}_cache_indexes {places.tolist()} do not name some of its {frames} frames"
            )
        rows = cells
        if name == "out":
            rows = cut(b, y, 2, lstm.offset, lstm.offset + lstm.size)
            rows = b.op("Eltwise", [rows, b.const(lstm.scale, np.float32)], type="PROD")
        last = None if squeezed else [n.outputs[k]]
        kept = b.op("Gather", [rows, b.const(places)], last, axis=1)
        if squeezed:
            b.op("Squeeze", [kept], [n.outputs[k]], axis=[0])


class _Writer:
    """Adds nodes to the graph of a round."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def op(self, op: str, *inputs: str, **attrs: Any) -> str:
        name = self.graph.unique(op)
        self.graph.nodes.append(Node(op, name, list(inputs), [name], attrs))
        return name

    def const(self, value: Any, dtype: Any = np.float32) -> str:
        return self.graph.add_const("const", np.asarray(value, dtype))

    def rows(self, x: str, start: int, end: int, axis: int = 1) -> str:
        return self.op("Slice", x, *(self.const([v], np.int64) for v in (start, end, axis)))

    def gate(self, part: str, weights: Array, cell: str) -> str:
        peephole = self.op("Eltwise", cell, self.const(weights), type="PROD")
        return self.op("Activation", self.op("Eltwise", part, peephole, type="SUM"), **_SIGMOID)


def _body(lstm: _Lstm, back: Array, group: int, bias: bool) -> Graph:
    """A round: `group` frames, each by the output and the cell of one before the group. The
    variables are the last outputs and cells, oldest first."""
    graph = Graph("frames")
    names = ["round", "go_on", "outputs", "cells", "gates", *(["bias"] if bias else [])]
    types = ["i64", "bool"] + ["f32"] * (len(names) - 2)
    graph.inputs = [
        Interface(name, (), dtype, "NONE") for name, dtype in zip(names, types, strict=True)
    ]
    w = _Writer(graph)
    held, cells = (w.rows(name, 0, group) for name in ("outputs", "cells"))
    fed = w.op("FullyConnected", held, w.const(back))
    sums = w.op("Eltwise", w.op("Gather", "gates", "round", axis=0), fed, type="SUM")
    size = lstm.cells
    i, f, c, o = (w.rows(sums, k * size, (k + 1) * size, 2) for k in range(4))
    kept = w.op("Eltwise", w.gate(f, lstm.params[1], cells), cells, type="PROD")
    tanh = {"activation": "TANH"}
    fresh = w.op(
        "Eltwise", w.gate(i, lstm.params[0], cells), w.op("Activation", c, **tanh), type="PROD"
    )
    cell = w.op("Eltwise", kept, fresh, type="SUM")
    shown = w.op("Activation", cell, **tanh)
    memory = w.op("Eltwise", w.gate(o, lstm.params[2], cell), shown, type="PROD")
    y = w.op("FullyConnected", memory, w.const(lstm.second), *(["bias"] if bias else []))
    comes_back = w.rows(y, lstm.offset, lstm.offset + lstm.size, 2)
    if lstm.scale != 1:
        factor = w.const(lstm.scale)
        comes_back = w.op("Eltwise", comes_back, factor, type="PROD")
        cell = w.op("Eltwise", cell, factor, type="PROD")
    moved = [
        w.op("Concat", w.rows(name, group, _LARGEST), new, axis=1) if delay > group else new
        for name, new, delay in (
            ("outputs", comes_back, lstm.out_delay),
            ("cells", cell, lstm.cell_delay),
        )
    ]
    results = ["go_on", *moved, y, w.op("Identity", cell)]
    moved = [w.op("Identity", t) for t in moved]
    graph.outputs = [
        Interface(name, (), dtype, "NONE")
        for name, dtype in zip(
            ["go_on", *moved, *results[3:]], ["bool", "f32", "f32", "f32", "f32"], strict=True
        )
    ]
    return graph
