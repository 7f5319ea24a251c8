# SPDX-License-Identifier: Apache-2.0
"""Caffe's recurrent layers. A marker for each step and sequence says whether the state goes on (1)
or begins anew (0); unlike in Caffe the state of one run is not that with which the next begins."""

from __future__ import annotations

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.caffe.layer import CAFFE, CaffeLayer

# A sequence whose markers are computed becomes so many operators.
_MAX_STEPS = 512


@CAFFE.register("ContinuationIndicator")
def continuation_indicator(builder: Builder, layer: CaffeLayer) -> None:
    """Markers of sequences that all begin at the first step."""
    parameter = layer.message.continuation_indicator_param
    steps, batch = int(parameter.time_step), int(parameter.batch_size)
    if not (1 <= steps <= 2**16 and 1 <= batch <= 2**10):
        raise UnsupportedError(f"its time_step is {steps}, its batch_size {batch}")
    markers = np.ones((steps, batch), np.float32)
    markers[0] = 0
    builder.op("Identity", [builder.const(markers)], [layer.top()])
    layer.set_rank(2)


@CAFFE.register("LSTM")
def lstm(builder: Builder, layer: CaffeLayer) -> None:
    """Gates in the order input, forget, output, candidate."""
    _Recurrent(builder, layer, 4, 2).write()


@CAFFE.register("RNN")
def rnn(builder: Builder, layer: CaffeLayer) -> None:
    """tanh of the weighted input and state; a weighted tanh of that is the output."""
    _Recurrent(builder, layer, 1, 1).write()


class _Recurrent:
    """One recurrent layer: its inputs in their places, and what is written for it."""

    def __init__(self, builder: Builder, layer: CaffeLayer, gates: int, states: int) -> None:
        self.builder, self.layer = builder, layer
        self.gates, self.states = gates, states
        parameter = layer.message.recurrent_param
        self.size = int(parameter.num_output)
        if self.size < 1:
            raise UnsupportedError("its num_output is 0", "correct the prototxt")
        exposed = states if parameter.expose_hidden else 0
        rest = len(layer.bottoms) - 2 - exposed
        if rest not in (0, 1) or len(layer.tops) != 1 + exposed:
            raise UnsupportedError(
                f"it has {len(layer.bottoms)} bottoms and {len(layer.tops)} tops",
                "its bottoms are the input, the markers, maybe an input for all steps and, with "
                "expose_hidden, the initial states",
            )
        layer.need_rank(2, 1)
        self.static = bool(rest)
        self.initial = layer.bottoms[2 + rest :]

    def write(self) -> None:
        """One operator for all steps, or, when the markers are computed, one for each step."""
        self.weights = self._weights()
        markers = self.builder.value(self.layer.bottom(1))
        # Without initial states the first marker is of no account: the state is 0 anyway.
        first = 0 if self.initial else 1
        if markers is not None and np.all(markers[1:] == 1):
            state = self.initial
            if self.initial and not np.all(markers[:1] == 1):
                state = [self._times(s, self.builder.const(markers[:1, :, None])) for s in state]
            hidden, *last = self._step(self._input(), state)
        else:
            hidden, *last = self._unrolled(first)
        self._finish(hidden, last)

    def _weights(self) -> list[str]:
        """Weights, recurrent weights and bias as the operator wants them, for one direction."""
        layer, rows = self.layer, self.gates * self.size
        parts = [layer.shaped(0, rows, -1)]
        bias = layer.vector(1, rows)
        if self.static:
            parts.append(layer.shaped(2, rows, -1))
        recurrence = layer.shaped(2 + self.static, rows, self.size)
        zeros = np.zeros_like(bias)
        values = (np.concatenate(parts, 1), recurrence, np.concatenate([bias, zeros]))
        names = ("weight", "recurrence", "bias")
        result = []
        for name, value in zip(names, values, strict=True):
            ordered = self._order(value) if self.gates == 4 else value
            result.append(self.builder.const(ordered[None], suffix=name))
        return result

    def _order(self, value: Array) -> Array:
        """Rows by gate: Caffe has i f o g, the operator i o f g; a bias has both twice."""
        blocks = value.reshape(-1, 4, self.size, *value.shape[1:])
        return blocks[:, [0, 2, 1, 3]].reshape(value.shape)

    def _input(self) -> str:
        """T x N x I, the input for all steps behind that of each."""
        builder, layer = self.builder, self.layer
        tensor = layer.bottom()
        if layer.rank() < 2:
            raise UnsupportedError(f"its input has {layer.rank()} dimensions", "it is T x N x ...")
        if layer.rank() != 3:
            tensor = builder.op("Reshape", [tensor], None, shape=[0, 0, -1], copy_zeros=True)
        if not self.static:
            return tensor
        static = builder.op("Flatten", [layer.bottom(2)], None, axis=1, end_axis=-1)
        static = builder.op("Unsqueeze", [static], None, axis=[0])
        # One for each step: 0 times a column of the input is added.
        zero = builder.const(np.zeros(1, np.float32))
        none = builder.const(np.zeros(1, np.int32))
        one, last = builder.const(np.ones(1, np.int32)), builder.const([2], np.int32)
        column = builder.op("Slice", [tensor, none, one, last], None)
        column = builder.op("Eltwise", [column, zero], None, type="PROD")
        repeated = builder.op("Eltwise", [column, static], None, type="SUM")
        return builder.op("Concat", [tensor, repeated], None, axis=2)

    def _times(self, state: str, marker: str) -> str:
        return self.builder.op("Eltwise", [state, marker], None, type="PROD")

    def _step(self, tensor: str, state: list[str]) -> list[str]:
        """The operator over some steps: hidden states T x N x H, then the last states 1 x N x H."""
        builder = self.builder
        op = "LSTM" if self.gates == 4 else "RNN"
        outputs = [builder.tensor(n) for n in ("hidden", "last", "cell")[: 1 + self.states]]
        inputs = [tensor, *self.weights]
        if state:
            inputs += ["", *state]
        builder.op(op, inputs, outputs)
        return [builder.op("Squeeze", [outputs[0]], None, axis=[1]), *outputs[1:]]

    def _unrolled(self, first: int) -> list[str]:
        """A step at a time; the state is multiplied with the markers of the step."""
        builder, layer = self.builder, self.layer
        steps, _ = layer.known(1, [0, 1])
        if steps > _MAX_STEPS:
            raise UnsupportedError(
                f"its markers are computed, for {steps} steps",
                f"make them constant, or compute at most {_MAX_STEPS} steps at a time",
            )
        tensor, markers = self._input(), layer.bottom(1)
        xs, marks = ([builder.tensor(n) for _ in range(steps)] for n in ("step", "marker"))
        wide = builder.op("Unsqueeze", [markers], None, axis=[2])
        builder.op("Split", [tensor], xs, axis=0)
        builder.op("Split", [wide], marks, axis=0)
        hidden, state = [], list(self.initial)
        for index in range(steps):
            if index >= first:
                state = [self._times(s, marks[index]) for s in state]
            result, *state = self._step(xs[index], state)
            hidden.append(result)
        joined = builder.op("Concat", hidden, None, axis=0) if steps > 1 else hidden[0]
        return [joined, *state]

    def _finish(self, hidden: str, last: list[str]) -> None:
        """Names the outputs; those of an RNN are computed from its hidden states."""
        builder, layer = self.builder, self.layer
        if self.gates == 4:
            builder.op("Identity", [hidden], [layer.top()])
        else:
            index = 3 + self.static
            weight = builder.const(layer.shaped(index, self.size, self.size), suffix="output")
            bias = builder.const(layer.vector(index + 1, self.size), suffix="output_bias")
            attrs = {"axis": 2, "activation": "TANH"}
            builder.op("FullyConnected", [hidden, weight, bias], [layer.top()], **attrs)
        layer.set_rank(3)
        for index in range(1, len(layer.tops)):
            builder.op("Identity", [last[index - 1]], [layer.tops[index]])
            layer.set_rank(3, index)
