# SPDX-License-Identifier: Apache-2.0
"""TensorFlow's loops and branches as functions, and the lists of tensors that its loops fill.

A loop whose course is known when the model is converted is written out step by step, and its lists
become plain tensors. That is how Keras's recurrent layers come."""

from __future__ import annotations

import numpy as np

from mace.importers.base import Builder, UnsupportedError
from mace.importers.tensorflow.context import Context, TensorList
from mace.importers.tensorflow.graph_def import TfNode
from mace.importers.tensorflow.recurrent import recurrent_layer
from mace.importers.tensorflow.registry import TENSORFLOW, alias, constant_int
from mace.importers.tensorflow.subgraphs import if_operator, loop_operator

# More steps or nodes than these would make a model that nobody wants.
_MAX_STEPS = 2048
_MAX_NODES = 100_000
# Larger tensors are not worth computing at conversion.
_SMALL = 1024


def _context(node: TfNode) -> Context:
    if node.context is None:
        raise UnsupportedError("it is not part of a model")
    return node.context


@TENSORFLOW.register("While", "StatelessWhile")
def while_(builder: Builder, node: TfNode) -> None:
    """A recurrent layer as one operator, a loop of a known number of steps written out, or a Loop."""
    context, state = _context(node), list(node.inputs)
    if recurrent_layer(builder, node, context):
        return
    condition, body = node.function_attr("cond"), node.function_attr("body")
    start = len(builder.graph.nodes)
    for _ in range(_MAX_STEPS):
        (holds,) = context.call(builder, condition, state, node.attrs)
        value = builder.value(holds)
        if value is None or len(builder.graph.nodes) > _MAX_NODES:
            break
        if not value.reshape(-1)[:1].any():
            for index, tensor in enumerate(state):
                alias(builder, node, tensor, node.output(index))
            return
        state = context.call(builder, body, state, node.attrs)
        state = [_folded(builder, context, t) for t in state]
    del builder.graph.nodes[start:]
    loop_operator(builder, node, context)


def _folded(builder: Builder, context: Context, tensor: str) -> str:
    """A small tensor that is known as a constant, so that a counter is no chain of additions."""
    if tensor in context.lists or tensor in builder.graph.consts:
        return tensor
    value = builder.value(tensor) if builder.is_static(tensor) else None
    return tensor if value is None or value.size > _SMALL else builder.const(value)


@TENSORFLOW.register("If", "StatelessIf")
def if_(builder: Builder, node: TfNode) -> None:
    """One of two functions, by the first input."""
    value = builder.value(node.input(0))
    if value is None:
        if_operator(builder, node, _context(node))
        return
    # A number counts as true unless it is 0, another tensor unless it is empty.
    holds = bool(value.reshape(-1)[0]) if value.ndim == 0 else value.size > 0
    branch = node.function_attr("then_branch" if holds else "else_branch")
    _take(builder, node, branch)


@TENSORFLOW.register("Case", "StatelessCase")
def case(builder: Builder, node: TfNode) -> None:
    """One of several functions, by the first input; the last one for numbers out of range."""
    branches = node.functions_attr("branches")
    index = constant_int(builder, node, 0, "index")
    if not branches:
        raise UnsupportedError("it has no branches", "the model file is damaged")
    _take(builder, node, branches[index if 0 <= index < len(branches) else -1])


def _take(builder: Builder, node: TfNode, branch: str) -> None:
    results = _context(node).call(builder, branch, node.inputs[1:], node.attrs)
    for index, tensor in enumerate(results):
        alias(builder, node, tensor, node.output(index))


def _list(node: TfNode, index: int) -> TensorList:
    found = _context(node).lists.get(node.input(index))
    if found is None:
        raise UnsupportedError(
            f"its list (input {index}, '{node.input(index)}') is known only when the model runs"
        )
    return found


def _elements(node: TfNode, index: int) -> list[str | None]:
    found = _list(node, index)
    if found.dense or found.is_open:
        raise UnsupportedError(
            "it changes a list whose length is known only when the model runs",
            "give the model's inputs fixed sizes",
        )
    return list(found.elements)


def _element(node: TfNode, elements: list[str | None], index: int) -> str:
    if not 0 <= index < len(elements):
        raise UnsupportedError(f"it reads element {index} of a list of {len(elements)}")
    tensor = elements[index]
    if tensor is None:
        raise UnsupportedError(f"it reads element {index} of a list, which nothing wrote")
    return tensor


@TENSORFLOW.register("TensorListReserve", "EmptyTensorList")
def tensor_list_reserve(builder: Builder, node: TfNode) -> None:
    """A list of so many elements, all of them open."""
    count = 0
    if node.op == "TensorListReserve":
        if not builder.is_static(node.input(1)):  # A recurrent layer does without the number.
            _context(node).lists[node.output()] = TensorList(is_open=True, count=node.input(1))
            return
        count = constant_int(builder, node, 1, "number of elements")
    if not 0 <= count <= _MAX_STEPS:
        raise UnsupportedError(f"its list has {count} elements")
    _context(node).lists[node.output()] = TensorList([None] * count)


@TENSORFLOW.register("TensorListFromTensor")
def tensor_list_from_tensor(builder: Builder, node: TfNode) -> None:
    """The slices of a tensor along its first dimension."""
    del builder
    _context(node).lists[node.output()] = TensorList(dense=node.input(0))


@TENSORFLOW.register("TensorListGetItem")
def tensor_list_get_item(builder: Builder, node: TfNode) -> None:
    """One element."""
    found = _list(node, 0)
    if found.dense:
        builder.op("Gather", [found.dense, node.input(1)], [node.output()], axis=0)
        return
    index = constant_int(builder, node, 1, "index")
    alias(builder, node, _element(node, found.elements, index), node.output())


@TENSORFLOW.register("TensorListSetItem")
def tensor_list_set_item(builder: Builder, node: TfNode) -> None:
    """The list with another element at an index."""
    elements, index = _elements(node, 0), constant_int(builder, node, 1, "index")
    if not 0 <= index < _MAX_STEPS:
        raise UnsupportedError(f"it writes element {index} of a list")
    if index >= len(elements) and node.bool_attr("resize_if_index_out_of_bounds"):
        elements += [None] * (index + 1 - len(elements))
    if index >= len(elements):
        raise UnsupportedError(f"it writes element {index} of a list of {len(elements)}")
    elements[index] = node.input(2)
    _context(node).lists[node.output()] = TensorList(elements)


@TENSORFLOW.register("TensorListPushBack")
def tensor_list_push_back(builder: Builder, node: TfNode) -> None:
    """The list with one more element."""
    del builder
    _context(node).lists[node.output()] = TensorList([*_elements(node, 0), node.input(1)])


@TENSORFLOW.register("TensorListPopBack")
def tensor_list_pop_back(builder: Builder, node: TfNode) -> None:
    """The list without its last element, and that."""
    elements = _elements(node, 0)
    last = _element(node, elements, len(elements) - 1)
    _context(node).lists[node.output()] = TensorList(elements[:-1])
    alias(builder, node, last, node.output(1))


@TENSORFLOW.register("TensorListLength")
def tensor_list_length(builder: Builder, node: TfNode) -> None:
    """The number of elements."""
    found = _list(node, 0)
    if not found.dense:
        builder.graph.consts[node.output()] = np.asarray(len(found.elements), np.int32)
        return
    length = builder.op("Shape", [found.dense], None, start=0, end=1, output_type="i32")
    builder.op("Squeeze", [length], [node.output()], axis=[0])


@TENSORFLOW.register("TensorListStack")
def tensor_list_stack(builder: Builder, node: TfNode) -> None:
    """All elements along a new first dimension."""
    found = _list(node, 0)
    if found.dense:
        alias(builder, node, found.dense, node.output())
        return
    if not found.elements:
        raise UnsupportedError("it joins a list without elements")
    elements = [_element(node, found.elements, i) for i in range(len(found.elements))]
    builder.op("Stack", elements, [node.output()], axis=0)


@TENSORFLOW.register("TensorListConcatV2", "TensorListConcat")
def tensor_list_concat(builder: Builder, node: TfNode) -> None:
    """All elements one after the other along their first dimension."""
    found = _list(node, 0)
    if found.dense or not found.elements:
        raise UnsupportedError("it joins a list without elements, or one made of a tensor")
    elements = [_element(node, found.elements, i) for i in range(len(found.elements))]
    if len(elements) == 1:
        alias(builder, node, elements[0], node.output())
        return
    builder.op("Concat", elements, [node.output()], axis=0)


@TENSORFLOW.register("TensorListGather")
def tensor_list_gather(builder: Builder, node: TfNode) -> None:
    """Some elements along a new first dimension."""
    found = _list(node, 0)
    if not found.dense:
        raise UnsupportedError("it gathers from a list that was not made of a tensor")
    builder.op("Gather", [found.dense, node.input(1)], [node.output()], axis=0)
