# SPDX-License-Identifier: Apache-2.0
"""Why a layer is wrong: patterns in its error, and what the layer alone computes of the right
inputs, by the engine and by the numpy reference, with its own attributes and with others."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.analysis import interpreter
from mace.errors import MaceError
from mace.graph import schema
from mace.graph.ir import Graph, Interface, Node
from mace.validation.metrics import cosine_similarity

Array: TypeAlias = npt.NDArray[Any]
# Runs a graph with one node: arrays by input name to arrays by output name.
Execute: TypeAlias = Callable[[Graph, dict[str, Array]], Mapping[str, Array]]

_HALF_MAX = 65504.0
# Two results count as the same when they differ by less, relative to the largest element.
_SAME = 1e-3
# The numpy reference is slow: layers of more multiply-adds are left out.
_MOST_WORK = 2e9
_MOST_VARIANTS = 64


@dataclass
class Diagnosis:
    """What is known of a wrong layer. cause: a sentence. confirmed: the layer alone was run again,
    and showed it. evidence: what was found, sentence by sentence."""

    cause: str
    confirmed: bool
    evidence: list[str] = field(default_factory=list)


def diagnose(
    node: Node,
    output: int,
    inputs: Mapping[str, Array],
    expected: Array,
    actual: Array,
    execute: Execute | None,
) -> Diagnosis:
    """Judges output number `output` of a node.

    inputs: the right values of the node's inputs, in the layout of the converted model, constants
    included; where one is missing the node cannot be run alone. execute: the engine; None when it
    cannot be used.
    """
    pattern = find_pattern(expected, actual)
    missing = [t for t in node.inputs if t and t not in inputs]
    if missing:
        cause = pattern or "the pattern of the error fits none that is known"
        reason = f"it was not run alone: the right values of '{missing[0]}' are not known"
        return Diagnosis(cause, False, [reason])
    alone = _engine(node, output, inputs, expected, execute)
    truth = _truth(node, output, inputs)
    return _judge(node, output, inputs, expected, actual, pattern, alone, truth)


def _judge(
    node: Node,
    output: int,
    inputs: Mapping[str, Array],
    expected: Array,
    actual: Array,
    pattern: str | None,
    alone: Array | None,
    truth: Array | None,
) -> Diagnosis:
    evidence = []
    if alone is not None:
        evidence.append(f"alone, on the right inputs, the engine {_verdict(alone, expected)}")
    if truth is not None:
        evidence.append(f"the float64 reference of {node.op} {_verdict(truth, expected)}")
    if alone is not None and same(alone, expected):
        return Diagnosis(
            "its inputs are wrong already: errors of the layers before add up here", True, evidence
        )
    if truth is not None and same(truth, expected):
        detail = find_pattern(expected, alone if alone is not None else actual)
        cause = f"the engine computes {node.op} wrongly here"
        return Diagnosis(f"{cause}: {detail}" if detail else cause, alone is not None, evidence)
    if truth is None:
        detail = pattern or "the pattern of the error fits none that is known"
        return Diagnosis(detail, False, [*evidence, f"there is no float64 reference of {node.op}"])
    for change, variant in variants(node, inputs):
        result = _truth(variant[0], output, variant[1])
        if result is not None and _like(result, expected):
            evidence.append(f"with {change} the float64 reference gives what was expected")
            return Diagnosis(f"{_kind(change)}: it should have {change}", True, evidence)
    cause = "the conversion is wrong: with these attributes the operator gives what MACE gives"
    if alone is not None and not same(alone, truth):
        cause = f"both the conversion and the engine's {node.op} are in doubt: no two results agree"
    return Diagnosis(f"{cause}; {pattern}" if pattern else cause, False, evidence)


def _verdict(array: Array, expected: Array) -> str:
    if array.size != expected.size:
        return f"gives the shape {array.shape}, and {expected.shape} was expected"
    similarity = cosine_similarity(expected, array)
    word = "gives" if same(array, expected) else "does not give"
    return f"{word} what was expected (similarity {similarity:.6f})"


def _kind(change: str) -> str:
    for word, kind in (
        ("padding", "padding"),
        ("transposed", "layout"),
        ("activation", "activation"),
    ):
        if word in change:
            return kind
    return "attribute"


def same(result: Array, expected: Array) -> bool:
    """Whether two results are the same but for rounding."""
    if result.size != expected.size:
        return False
    x, y = (np.asarray(a, np.float64).reshape(-1) for a in (result, expected))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return bool(np.array_equal(x, y, equal_nan=True))
    return bool(np.abs(x - y).max(initial=0) <= _SAME * max(np.abs(y).max(initial=0), 1e-12))


def _like(result: Array, expected: Array) -> bool:
    return result.shape == expected.shape and same(result, expected)


def find_pattern(expected: Array, actual: Array) -> str | None:
    """What the error looks like, as a sentence; None when it looks like nothing known."""
    if expected.size != actual.size or expected.size == 0 or same(actual, expected):
        return None
    x, y = expected.astype(np.float64), actual.reshape(expected.shape).astype(np.float64)
    for find in (_not_finite, _layout, _border, _saturation, _factor, _channels):
        found = find(x, y)
        if found is not None:
            return found
    return None


def _not_finite(x: Array, y: Array) -> str | None:
    odd = ~np.isfinite(y) & np.isfinite(x)
    if not odd.any():
        return None
    share = f"{odd.mean():.1%} of the elements are not finite"
    large = np.abs(x[odd]).max()
    if large > _HALF_MAX:
        return f"overflow of half: {share}, where {large:.3g} was expected and half ends at 65504"
    return f"numeric: {share}, where at most {large:.3g} was expected"


def _layout(x: Array, y: Array) -> str | None:
    if x.ndim < 2 or x.size < 4 or not same(np.sort(y, axis=None), np.sort(x, axis=None)):
        return None
    for order in itertools.permutations(range(x.ndim)):
        if list(order) != sorted(order) and same(x.transpose(order), y):
            return f"layout: the elements are those expected, transposed by {list(order)}"
    for axis in range(x.ndim):
        if same(np.flip(x, axis), y):
            return f"layout: the elements are those expected, reversed along dimension {axis}"
    return "layout: the elements are those expected, in another order"


def _border(x: Array, y: Array) -> str | None:
    """Errors near the edges of height and width alone."""
    if x.ndim != 4 or min(x.shape[1:3]) < 4:
        return None
    tolerance = _SAME * np.abs(x).max()
    wrong = (np.abs(x - y) > tolerance).any(axis=(0, 3))
    for width in range(1, min(wrong.shape) // 2):
        inside = wrong[width:-width, width:-width]
        if inside.size and not inside.any():
            sides = {
                "top": wrong[:width, width:-width].any(),
                "bottom": wrong[-width:, width:-width].any(),
                "left": wrong[width:-width, :width].any(),
                "right": wrong[width:-width, -width:].any(),
            }
            named = ", ".join(side for side, bad in sides.items() if bad)
            return f"padding: only the outer {width} rows or columns are wrong ({named})"
    return None


def _saturation(x: Array, y: Array) -> str | None:
    for limit, beyond, word in ((y.max(), x > y.max(), "above"), (y.min(), x < y.min(), "below")):
        at = y == limit
        clipped = np.clip(x, y.min(), y.max())
        if at.sum() > 1 and beyond.sum() > 1 and same(y, clipped) and at[beyond].all():
            note = " (the largest half)" if abs(abs(limit) - _HALF_MAX) < 1 else ""
            return (
                f"saturation: {beyond.mean():.1%} of the elements were expected {word} {limit:.6g}"
                f"{note} and are exactly that"
            )
    return None


def _factor(x: Array, y: Array) -> str | None:
    power = float((x * x).sum())
    if power == 0:
        return None
    factor = float((x * y).sum()) / power
    if abs(factor - 1) > _SAME and factor != 0 and same(y, factor * x):
        return f"scale: the elements are those expected times {factor:.6g}"
    offset = float((y - x).mean())
    if same(y, x + offset):
        return f"offset: the elements are those expected plus {offset:.6g}"
    return None


def _channels(x: Array, y: Array) -> str | None:
    if x.ndim < 2 or x.shape[-1] < 2:
        return None
    tolerance = _SAME * np.abs(x).max()
    bad = (np.abs(x - y) > tolerance).reshape(-1, x.shape[-1]).any(axis=0)
    if bad.any() and bad.mean() <= 0.5:
        first = [int(c) for c in np.flatnonzero(bad)[:6]]
        return f"channels: {int(bad.sum())} of {bad.size} are wrong and the others right: {first}"
    return None


def _engine(
    node: Node, output: int, inputs: Mapping[str, Array], expected: Array, execute: Execute | None
) -> Array | None:
    if execute is None:
        return None
    try:
        graph, arrays = single(node, inputs)
        return np.asarray(execute(graph, arrays)[node.outputs[output]])
    except MaceError:
        return None


def single(node: Node, inputs: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """A graph of one node, and the inputs that it is given. The first input stays an input, and so
    do those of its size or more; the others are constants, as most operators want them."""
    from mace.graph import dtypes

    graph = Graph(f"{node.name}/alone")
    names = list(dict.fromkeys(t for t in node.inputs if t))
    given: dict[str, Array] = {}
    for index, name in enumerate(names):
        array = np.ascontiguousarray(inputs[name]).reshape(np.shape(inputs[name]))
        dtype = dtypes.from_numpy(array.dtype)
        if dtype is None:
            raise MaceError(f"'{name}' has the type {array.dtype}, which MACE does not have")
        if index == 0:
            graph.inputs.append(Interface(name, array.shape, dtype, "NONE"))
            given[name] = array
        else:
            graph.consts[name] = array
    graph.nodes = [
        Node(node.op, node.name, list(node.inputs), list(node.outputs), dict(node.attrs))
    ]
    graph.outputs = [Interface(t, (), "f32", "NONE") for t in node.outputs if t]
    return graph, given


def _truth(node: Node, output: int, inputs: Mapping[str, Array]) -> Array | None:
    """What the numpy reference computes; None where it cannot."""
    arguments = [inputs[t] if t else None for t in node.inputs]
    if _work(node, arguments) > _MOST_WORK:
        return None
    try:
        with np.errstate(all="ignore"):
            return interpreter.compute(node, arguments)[output]
    except Exception:  # an odd variant may break numpy in any way
        return None


def _work(node: Node, arguments: list[Any]) -> float:
    """About how many multiply-adds a node needs."""
    sizes = [float(a.size) for a in arguments if a is not None]
    if len(arguments) > 1 and arguments[1] is not None and node.op in ("Conv2D", "FullyConnected"):
        per_pixel = arguments[0].size / max(1, arguments[0].shape[-1])
        return float(per_pixel * arguments[1].size)
    return sum(sizes)


def variants(
    node: Node, inputs: Mapping[str, Array]
) -> Iterator[tuple[str, tuple[Node, Mapping[str, Array]]]]:
    """The node with another attribute, or on another layout of its first input: what was changed,
    node and inputs."""
    for change, attrs in itertools.islice(_other_attributes(node), _MOST_VARIANTS):
        other = Node(node.op, node.name, node.inputs, node.outputs, {**node.attrs, **attrs})
        yield change, (other, inputs)
    for index, tensor in enumerate(node.inputs[:2]):
        array = inputs.get(tensor) if tensor else None
        if array is None or not 2 <= array.ndim <= 4:
            continue
        for order in itertools.permutations(range(array.ndim)):
            shape = tuple(array.shape[d] for d in order)
            if list(order) == sorted(order):
                continue
            moved = np.ascontiguousarray(array.transpose(order))
            what = f"input {index} transposed by {list(order)}"
            if shape == array.shape:
                yield what, (node, {**inputs, tensor: moved})
            yield (
                f"{what} and read as {array.shape}",
                (
                    node,
                    {**inputs, tensor: moved.reshape(array.shape)},
                ),
            )


def _other_attributes(node: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    operator = schema.operators()[node.op]
    if "paddings" in operator.attributes and operator.attributes["paddings"].count == 4:
        yield from _other_paddings(node)
    for name, attribute in operator.attributes.items():
        value = operator.attribute(node, name)
        if attribute.kind == "enum" and name != "padding":
            others: list[Any] = [c for c in attribute.choices if c != value]
        elif attribute.kind == "bool":
            others = [not value]
        elif attribute.kind == "int" and name == "axis":
            others = [a for a in range(-4, 4) if a != value]
        elif attribute.kind == "int[]" and name in ("dims", "axis") and 1 < len(value) <= 4:
            others = [list(p) for p in itertools.permutations(value) if list(p) != list(value)]
        elif attribute.kind == "int[]" and attribute.count == 2 and len(set(value)) == 2:
            others = [list(value)[::-1]]
        else:
            others = []
        yield from ((f"{name} {other}", {name: other}) for other in others)


def _other_paddings(node: Node) -> Iterator[tuple[str, dict[str, Any]]]:
    """Surplus on the other side, one of the other rules, height and width exchanged."""
    for rule in ("SAME", "VALID"):
        if node.attrs.get("padding", "VALID") != rule:
            yield f"padding {rule}", {"padding": rule}
    old = list(node.attrs.get("paddings", [0, 0, 0, 0]))
    seen = [old] if node.attrs.get("padding") == "EXPLICIT" else []
    top, bottom, left, right = old
    total = (top + bottom, left + right)
    for other in (
        [bottom, top, right, left],
        [left, right, top, bottom],
        [total[0], 0, total[1], 0],
        [0, total[0], 0, total[1]],
        *([p, q, p, q] for p in range(4) for q in range(4)),
    ):
        if other not in seen:
            seen.append(other)
            yield f"paddings {other}", {"padding": "EXPLICIT", "paddings": other}
