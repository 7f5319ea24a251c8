# SPDX-License-Identifier: Apache-2.0
"""Finds the LSTM, GRU or simple recurrent layer that a loop computes, as Keras writes them: by the expressions of the loop's
body, whatever the names. Such a loop becomes one operator, and its length need not be known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mace.graph.ir import Array
from mace.importers.base import Builder
from mace.importers.tensorflow.context import Context, TensorList
from mace.importers.tensorflow.expressions import Body
from mace.importers.tensorflow.graph_def import TfNode, tensor_to_array
from mace.importers.tensorflow.registry import alias, shape_of

# Their names in ONNX, whose operators these are.
_FUNCTIONS = {
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "Relu": "Relu",
    "Elu": "Elu",
    "Softsign": "Softsign",
    "Softplus": "Softplus",
}


class _NoMatch(Exception):
    """The loop is something else."""


@dataclass
class _Loop:
    """Numbers of loop variables: the steps' counter, the list that is read, the hidden state, the
    list that is written (-1: none) and whether each step has an element of its own there."""

    time: int
    data: int
    hidden: int
    written: int
    all_steps: bool
    step: str  # the element that a step reads


@dataclass
class _Layer:
    """Operator, attributes, weights and the loop variables of its results after the first."""

    op: str
    attrs: dict[str, Any]
    weight: Array  # D H*gates I
    recurrence: Array
    bias: Array
    states: list[int]


def recurrent_layer(builder: Builder, node: TfNode, context: Context) -> bool:
    """Writes the loop as an operator LSTM, GRU or RNN if it is one. Returns whether it is."""
    body = Body(context.functions, node, node.function_attr("body"))
    try:
        loop = _loop(builder, node, context, body)
        layer = _layer(builder, node, context, body, loop)
        _check_length(builder, node, context, loop)
    except _NoMatch:
        return False
    _write(builder, node, context, body, loop, layer)
    return True


def _layer(builder: Builder, node: TfNode, context: Context, body: Body, loop: _Loop) -> _Layer:
    for kind in (_lstm, _gru, _rnn):
        try:
            return kind(builder, node, context, body, loop)
        except _NoMatch:
            continue
    raise _NoMatch


def _loop(builder: Builder, node: TfNode, context: Context, body: Body) -> _Loop:
    """What the loop reads and writes."""
    reads = [n for n in body.nodes.values() if n.op == "TensorListGetItem"]
    writes = {
        i: body.node(t) for i, t in enumerate(body.results) if body.op(t) == "TensorListSetItem"
    }
    if len(reads) != 1 or len(writes) > 1:
        raise _NoMatch
    step = body.resolved(reads[0].name)
    data, time = (body.argument(t) for t in body.inputs(step)[:2])
    found = context.lists.get(node.inputs[data]) if data >= 0 else None
    if time < 0 or found is None or not found.dense or not body.is_invariant(data):
        raise _NoMatch
    if not body.is_counter(time) or not _equals(builder.value(node.inputs[time]), 0):
        raise _NoMatch
    for index, write in writes.items():
        place, item = body.inputs(write.name)[1:3]
        hidden = body.results.index(item) if item in body.results else -1
        if body.argument(body.inputs(write.name)[0]) != index or hidden < 0:
            raise _NoMatch
        all_steps = body.argument(place) == time
        if not all_steps and not _equals(_constant(body, place), 0):
            raise _NoMatch
        return _Loop(time, data, hidden, index, all_steps, step)
    raise _NoMatch


def _equals(value: Array | None, number: int) -> bool:
    return value is not None and value.size == 1 and int(value.reshape(-1)[0]) == number


def _constant(body: Body, tensor: str) -> Array | None:
    if body.op(tensor) != "Const":
        return None
    return tensor_to_array(body.node(tensor).attr["value"].tensor)


def _function(body: Body, tensor: str) -> tuple[str, str]:
    """The name and the argument of an activation."""
    op = body.op(tensor)
    if op not in _FUNCTIONS:
        raise _NoMatch
    return _FUNCTIONS[op], body.inputs(tensor)[0]


def _is_activation(body: Body, tensor: str) -> bool:
    return body.op(tensor) in _FUNCTIONS


def _pairs(body: Body, tensor: str, *ops: str) -> list[tuple[str, str]]:
    """The two operands of a node of one of these operators, in both orders."""
    if body.op(tensor) not in ops:
        raise _NoMatch
    first, second = body.inputs(tensor)[:2]
    return [(first, second), (second, first)]


def _affine(body: Body, tensor: str, source: str) -> tuple[str, str]:
    """Weights and bias ("": none) of a product with `source`."""
    bias = ""
    if body.op(tensor) in ("BiasAdd", "Add", "AddV2"):
        for product, rest in _pairs(body, tensor, "BiasAdd", "Add", "AddV2"):
            if body.op(product) == "MatMul" and body.is_constant(rest):
                tensor, bias = product, rest
                break
    return _product(body, tensor, source), bias


def _product(body: Body, tensor: str, source: str) -> str:
    """The weights of a plain product with `source`."""
    if body.op(tensor) != "MatMul" or body.inputs(tensor)[0] != source:
        raise _NoMatch
    weight, attrs = body.inputs(tensor)[1], body.node(tensor).attr
    if any(attrs[k].b for k in ("transpose_a", "transpose_b") if k in attrs):
        raise _NoMatch
    if not body.is_constant(weight):
        raise _NoMatch
    return weight


def _lstm(builder: Builder, node: TfNode, context: Context, body: Body, loop: _Loop) -> _Layer:
    """h = o * H(c), c = f * c + i * G(g)."""
    for inner, gate in _pairs(body, body.results[loop.hidden], "Mul"):
        if not (_is_activation(body, inner) and _is_activation(body, gate)):
            raise _NoMatch
        outer, cell = _function(body, inner)
        if cell not in body.results or body.op(cell) not in ("Add", "AddV2"):
            continue
        state = body.results.index(cell)
        forget, update = "", ("", "")
        for kept, added in _pairs(body, cell, "Add", "AddV2"):
            for first, second in _pairs(body, kept, "Mul"):
                if body.argument(second) == state and body.op(added) == "Mul":
                    forget, update = first, _pairs(body, added, "Mul")[0]
        if not forget:
            raise _NoMatch
        parts = {"o": gate, "f": forget}
        for candidate in update:
            index = _gate(body, candidate)[1]
            parts["g" if index == 2 else "i"] = candidate
        return _lstm_layer(builder, node, context, body, loop, parts, outer, state)
    raise _NoMatch


def _gate(body: Body, tensor: str) -> tuple[str, int]:
    """What is split into four, and the number of the part that an activation takes."""
    _, part = _function(body, tensor)
    return _part(body, part, 4, 0)


def _part(body: Body, tensor: str, count: int, size: int) -> tuple[str, int]:
    """The source and number of one of `count` equal parts of the last dimension. size: of a part,
    for slices."""
    if body.op(tensor) == "Split":
        split = body.node(tensor)
        axis = _constant(body, body.inputs(tensor)[0])
        if int(split.attr["num_split"].i) != count or axis is None:
            raise _NoMatch
        if int(axis.reshape(-1)[0]) not in (1, -1):
            raise _NoMatch
        return body.inputs(tensor)[1], body.output_index(tensor)
    if body.op(tensor) != "StridedSlice" or not size:
        raise _NoMatch
    source, *bounds = body.inputs(tensor)
    begin, end, strides = (_constant(body, t) for t in bounds)
    attrs = body.node(tensor).attr
    masks = {k: int(attrs[k].i) for k in ("begin_mask", "end_mask") if k in attrs}
    others = ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    if any(int(attrs[k].i) for k in others if k in attrs) or begin is None or end is None:
        raise _NoMatch
    if begin.size != 2 or strides is None or strides.tolist() != [1, 1]:
        raise _NoMatch
    if not masks.get("begin_mask", 0) & 1 or not masks.get("end_mask", 0) & 1:
        raise _NoMatch
    first = 0 if masks.get("begin_mask", 0) & 2 else int(begin[1])
    last = count * size if masks.get("end_mask", 0) & 2 or int(end[1]) == 0 else int(end[1])
    if first % size or last != first + size or first < 0:
        raise _NoMatch
    return source, first // size


def _lstm_layer(
    builder: Builder,
    node: TfNode,
    context: Context,
    body: Body,
    loop: _Loop,
    parts: dict[str, str],
    outer: str,
    state: int,
) -> _Layer:
    if parts.keys() != {"i", "o", "f", "g"}:
        raise _NoMatch
    gates = {name: _gate(body, tensor) for name, tensor in parts.items()}
    if len({source for source, _ in gates.values()}) != 1:
        raise _NoMatch
    names = {name: _function(body, tensor)[0] for name, tensor in parts.items()}
    if len({names[n] for n in "iof"}) != 1 or sorted(i for _, i in gates.values()) != [0, 1, 2, 3]:
        raise _NoMatch
    total, bias = gates["i"][0], ""
    if body.op(total) in ("BiasAdd", "Add", "AddV2"):
        for first, second in _pairs(body, total, "BiasAdd", "Add", "AddV2"):
            if body.is_constant(second):
                total, bias = first, second
                break
    for first, second in _pairs(body, total, "Add", "AddV2"):
        if body.op(first) == "MatMul" and body.inputs(first)[0] == loop.step:
            weight = _product(body, first, loop.step)
            recurrence = _product(body, second, body.name(loop.hidden))
            break
    else:
        raise _NoMatch
    values = _values(builder, node, context, body, [weight, recurrence, *([bias] if bias else [])])
    size = values[1].shape[0]
    offsets = values[2].reshape(-1) if bias else np.zeros(4 * size, np.float32)
    if values[0].shape[1:] != (4 * size,) or values[1].shape != (size, 4 * size):
        raise _NoMatch
    if offsets.size != 4 * size:
        raise _NoMatch
    order = np.concatenate([np.arange(size) + gates[n][1] * size for n in "iofg"])
    both = np.concatenate([offsets[order], np.zeros(4 * size, np.float32)])
    attrs = {"activations": ",".join([names["i"], names["g"], outer])}
    return _Layer("LSTM", attrs, values[0][:, order].T, values[1][:, order].T, both, [state])


def _gru(builder: Builder, node: TfNode, context: Context, body: Body, loop: _Loop) -> _Layer:
    """h = z * h + (1 - z) * G(n)."""
    hidden = body.name(loop.hidden)
    for kept, added in _pairs(body, body.results[loop.hidden], "Add", "AddV2"):
        for update, old in _pairs(body, kept, "Mul"):
            if old != hidden or not _is_activation(body, update):
                continue
            for rest, new in _pairs(body, added, "Mul"):
                if body.op(rest) != "Sub" or not _is_activation(body, new):
                    continue
                one, same = body.inputs(rest)
                if same == update and _equals(_constant(body, one), 1):
                    return _gru_layer(builder, node, context, body, loop, update, new)
    raise _NoMatch


def _gru_layer(
    builder: Builder,
    node: TfNode,
    context: Context,
    body: Body,
    loop: _Loop,
    update: str,
    new: str,
) -> _Layer:
    """The reset gate multiplies the product with the recurrence (Keras's reset_after)."""
    hidden = body.name(loop.hidden)
    gate, total = _function(body, update)
    function, inner = _function(body, new)
    source, recurrent, reset = "", "", ""
    for first, second in _pairs(body, inner, "Add", "AddV2"):
        if body.op(second) == "Mul" and body.op(first) == "Split":
            source = _part(body, first, 3, 0)[0]
            for factor, product in _pairs(body, second, "Mul"):
                if _is_activation(body, factor):
                    reset, recurrent = factor, product
    if not source or not reset or _function(body, reset)[0] != gate:
        raise _NoMatch
    weight, bias = _affine(body, source, loop.step)
    whole = body.inputs(recurrent)[1 if body.op(recurrent) == "Split" else 0]
    recurrence, offset = _affine(body, whole, hidden)
    wanted = [weight, recurrence, *(t for t in (bias, offset) if t)]
    values = _values(builder, node, context, body, wanted)
    size = values[1].shape[0]
    if values[0].shape[1:] != (3 * size,) or values[1].shape != (size, 3 * size):
        raise _NoMatch
    order = []
    for part in (total, _function(body, reset)[1]):
        order.append(_summed(body, part, source, whole, size))
    last = _part(body, recurrent, 3, size)
    if last[0] != whole or sorted([*order, last[1]]) != [0, 1, 2]:
        raise _NoMatch
    columns = np.concatenate([np.arange(size) + k * size for k in (*order, last[1])])
    rest = values[2:]
    offsets = []
    for given in (bias, offset):
        vector = rest.pop(0).reshape(-1) if given else np.zeros(3 * size, np.float32)
        if vector.size != 3 * size:
            raise _NoMatch
        offsets.append(vector[columns])
    attrs = {"activations": f"{gate},{function}", "linear_before_reset": True}
    weights = [v[:, columns].T for v in values[:2]]
    return _Layer("GRU", attrs, weights[0], weights[1], np.concatenate(offsets), [])


def _summed(body: Body, tensor: str, source: str, whole: str, size: int) -> int:
    """The number of the part of which the sum of both products is made."""
    for first, second in _pairs(body, tensor, "Add", "AddV2"):
        if body.op(first) == "Split" and _part(body, first, 3, size)[0] == source:
            ours, theirs = _part(body, first, 3, size), _part(body, second, 3, size)
            if theirs[0] == whole and ours[1] == theirs[1]:
                return ours[1]
    raise _NoMatch


def _rnn(builder: Builder, node: TfNode, context: Context, body: Body, loop: _Loop) -> _Layer:
    """h = F(x W + b + h R)."""
    function, total = _function(body, body.results[loop.hidden])
    for first, second in _pairs(body, total, "Add", "AddV2"):
        try:
            weight, bias = _affine(body, first, loop.step)
            recurrence = _product(body, second, body.name(loop.hidden))
        except _NoMatch:
            continue
        wanted = [weight, recurrence, *([bias] if bias else [])]
        values = _values(builder, node, context, body, wanted)
        size = values[1].shape[0]
        offsets = values[2].reshape(-1) if bias else np.zeros(size, np.float32)
        if values[0].shape[1] != size or values[1].shape[1] != size or offsets.size != size:
            raise _NoMatch
        both = np.concatenate([offsets, np.zeros(size, np.float32)])
        attrs = {"activations": function}
        return _Layer("RNN", attrs, values[0].T, values[1].T, both, [])
    raise _NoMatch


def _values(
    builder: Builder, node: TfNode, context: Context, body: Body, tensors: list[str]
) -> list[Array]:
    """The elements of weights, which the loop does not change."""
    values = []
    for tensor in tensors:
        index = body.argument(tensor)
        name = node.inputs[index] if index >= 0 else ""
        if not name:
            nodes, results = body.outside(
                context.functions, node, tensor, builder.tensor("weights")
            )
            (name,) = context.import_part(builder, nodes, results)
        value = builder.value(name)
        if value is None or value.dtype != np.float32:
            raise _NoMatch
        values.append(value)
    if any(v.ndim != 2 for v in values[:2]):
        raise _NoMatch
    return values


def _check_length(builder: Builder, node: TfNode, context: Context, loop: _Loop) -> None:
    """The loop ends after the last element of the list that it reads."""
    condition = Body(context.functions, node, node.function_attr("cond"))
    dense = context.lists[node.inputs[loop.data]].dense
    pending, timed = [condition.results[0]], False
    while pending:
        tensor = pending.pop()
        if condition.op(tensor) == "LogicalAnd":
            pending += condition.inputs(tensor)
            continue
        if condition.op(tensor) != "Less":
            raise _NoMatch
        counter, bound = condition.inputs(tensor)
        limit = _constant(condition, bound)
        outer = condition.argument(bound)
        name = node.inputs[outer] if outer >= 0 else ""
        if limit is None and outer < 0:
            raise _NoMatch
        limit = builder.value(name) if limit is None else limit
        if not _is_length(builder, dense, name, limit):
            raise _NoMatch
        number = condition.argument(counter)
        if number < 0 or not _equals(builder.value(node.inputs[number]), 0):
            raise _NoMatch
        timed = timed or number == loop.time
    if not timed:
        raise _NoMatch


def _is_length(builder: Builder, dense: str, name: str, limit: Array | None) -> bool:
    """Whether a bound is the first dimension of a tensor."""
    if limit is not None:
        shape = shape_of(builder, dense)
        return shape is not None and bool(shape) and _equals(limit, shape[0]) and shape[0] > 0
    producers = builder.graph.producers()
    found = producers.get(name)
    while found is not None and found.op == "Identity":
        found = producers.get(found.inputs[0])
    if found is None or found.op != "StridedSlice":
        return False
    bounds = [builder.value(t) for t in found.inputs[1:3]]
    shape_node = producers.get(found.inputs[0])
    return (
        shape_node is not None
        and shape_node.op == "Shape"
        and shape_node.inputs[0] == dense
        and _equals(bounds[0], 0)
        and _equals(bounds[1], 1)
        and found.attrs.get("shrink_axis_mask") == 1
    )


def _write(
    builder: Builder, node: TfNode, context: Context, body: Body, loop: _Loop, layer: _Layer
) -> None:
    dense = context.lists[node.inputs[loop.data]].dense
    states = [loop.hidden, *layer.states]
    initial = [builder.op("Unsqueeze", [node.inputs[i]], None, axis=[0]) for i in states]
    weights = [layer.weight[None], layer.recurrence[None], layer.bias[None]]
    constants = [builder.const(w, np.float32, "weight") for w in weights]
    outputs = [builder.tensor(n) for n in ("steps", "hidden", "cell")[: 1 + len(states)]]
    builder.op(layer.op, [dense, *constants, "", *initial], outputs, **layer.attrs)
    for index, output in zip(states, outputs[1:], strict=True):
        builder.op("Squeeze", [output], [node.output(index)], axis=[0])
    if loop.all_steps:
        steps = builder.op("Squeeze", [outputs[0]], None, axis=[1])
        context.lists[node.output(loop.written)] = TensorList(dense=steps)
    else:
        last = TensorList([node.output(loop.hidden)])
        context.lists[node.output(loop.written)] = last
    done = {*states, loop.written}
    for index in range(len(body.results)):
        if index in done:
            continue
        if body.is_invariant(index):
            alias(builder, node, node.inputs[index], node.output(index))
        elif body.is_counter(index):
            length = builder.op("Shape", [dense], None, start=0, end=1, output_type="i32")
            builder.op("Squeeze", [length], [node.output(index)], axis=[0])
