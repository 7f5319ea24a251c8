# SPDX-License-Identifier: Apache-2.0
"""Compares every layer of a converted model with the same tensor in its framework, in one run: the
tensors between the layers become outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.analysis.origins import Origin, Origins
from mace.graph.ir import Graph, Interface, Node
from mace.validation.compare import Verdict, compare

Array: TypeAlias = npt.NDArray[Any]

# numpy has no such type, so that values cannot be shown.
_NO_VALUES = ("bf16",)


@dataclass(frozen=True)
class Layer:
    """A tensor that an operator of the converted model writes and that its source has too.

    number: its place in the order of execution. output: what it is called in the model that
    instrument() makes.
    """

    number: int
    node: Node
    tensor: str
    origin: Origin
    output: str


@dataclass
class LayerResult:
    """How a layer compares: the worst of all samples. expected, actual: in the converted model's
    layout, of that sample; None when the two cannot be compared."""

    layer: Layer
    verdict: Verdict
    expected: Array | None = None
    actual: Array | None = None
    inputs: dict[str, Array] = field(default_factory=dict)


def instrument(graph: Graph, origins: Origins) -> tuple[Graph, list[Layer]]:
    """The graph with all tensors of known origin as outputs, named layer_0001 and so on, and those
    tensors in order of execution. Outputs that the graph has keep their names."""
    result = graph.copy()
    own = graph.output_names()
    taken = own | {i.name for i in graph.inputs} | set(graph.consts)
    taken |= {t for n in graph.nodes for t in n.outputs}
    renamed: dict[str, str] = {}
    layers: list[Layer] = []
    for node in graph.nodes:
        for tensor in node.outputs:
            origin = origins.get(tensor) if tensor else None
            value = graph.values.get(tensor)
            if origin is None or value is None or value.shape is None or value.dtype is None:
                continue
            if value.dtype in _NO_VALUES:
                continue
            name = tensor if tensor in own else _free(f"layer_{len(layers) + 1:04d}", taken)
            layers.append(Layer(len(layers) + 1, node, tensor, origin, name))
            if tensor in own:
                continue
            renamed[tensor] = name
            result.values[name] = type(value)(name, value.dtype, value.shape)
            result.outputs.append(Interface(name, value.shape, value.dtype, "NONE"))
    for node in result.nodes:
        node.inputs = [renamed.get(t, t) for t in node.inputs]
        node.outputs = [renamed.get(t, t) for t in node.outputs]
    return result, layers


def _free(stem: str, taken: set[str]) -> str:
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    taken.add(name)
    return name


def source_names(layers: Sequence[Layer]) -> list[str]:
    """The tensors to ask of the framework, each once."""
    return list(dict.fromkeys(layer.origin.tensor for layer in layers))


def compare_layers(
    layers: Sequence[Layer],
    references: Sequence[Mapping[str, Array]],
    outputs: Sequence[Mapping[str, Array]],
    threshold: float,
) -> list[LayerResult]:
    """The worst sample of each layer that the reference has. references: tensors of the source by name, in its layout;
    outputs: those of the instrumented model; one of each for a sample."""
    results = []
    for layer in layers:
        worst: LayerResult | None = None
        for sample, (reference, output) in enumerate(zip(references, outputs, strict=True)):
            if layer.origin.tensor not in reference:
                continue
            found = _compare(layer, sample, reference, output[layer.output], threshold)
            if worst is None or _badness(found.verdict) > _badness(worst.verdict):
                worst = found
        if worst is not None:
            results.append(worst)
    return results


def _badness(verdict: Verdict) -> tuple[int, float]:
    if verdict.problem:
        return 2, 0.0
    return (1, 0.0) if np.isnan(verdict.similarity) else (0, 1 - verdict.similarity)


def _compare(
    layer: Layer, sample: int, reference: Mapping[str, Array], actual: Array, threshold: float
) -> LayerResult:
    name = layer.origin.tensor
    source = reference[name]
    expected = layer.origin.expected(source, actual.shape)
    if expected is None:
        problem = f"the reference has the shape {source.shape}, and MACE gives {actual.shape}"
        verdict = Verdict(name, sample, threshold, problem=problem)
        return LayerResult(layer, verdict, None, actual)
    verdict = compare(name, sample, *without_equal_infinities(expected, actual), threshold)
    verdict = replace(verdict, least_sqnr=least_sqnr(threshold))
    return LayerResult(layer, verdict, expected, actual)


def least_sqnr(threshold: float) -> float:
    """The sqnr that goes with a threshold of the similarity, which alone is blind to a wrong scale.

    Noise across the signal gives a similarity of about 1 - 1 / (2 sqnr); four times of it is let
    pass.
    """
    return 1 / (8 * (1 - threshold)) if threshold < 1 else math.inf


def without_equal_infinities(expected: Array, actual: Array) -> tuple[Array, Array]:
    """Both arrays with zeros where they have the same infinity or both have no number: masks with
    -inf are no differences."""
    if expected.dtype.kind != "f" or actual.dtype.kind != "f":
        return expected, actual
    odd = ~np.isfinite(expected)
    if not odd.any():
        return expected, actual
    same = odd & ((expected == actual) | (np.isnan(expected) & np.isnan(actual)))
    return np.where(same, 0, expected), np.where(same, 0, actual)


def first_bad(results: Sequence[LayerResult]) -> LayerResult | None:
    """The first layer, in order of execution, that is below its threshold."""
    return next((result for result in results if not result.verdict.passed), None)
