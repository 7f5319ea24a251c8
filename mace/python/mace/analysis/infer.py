# SPDX-License-Identifier: Apache-2.0
"""Types and shapes of all tensors, inferred by the engine's own shape rules (mace_infer_shapes).

Unknown dimensions of inputs are probed with two sizes: a dimension of a tensor that comes out
different is unknown too.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mace.errors import INVALID_ARGS, UNSUPPORTED, MaceError
from mace.export.model import RUNTIMES, ModelBytes, to_bytes, unique_names
from mace.graph import dtypes
from mace.graph.ir import Array, Dims, Graph, Interface, Node, Value
from mace.graph.problem import Problem

if TYPE_CHECKING:
    from mace.runtime import CTensor

# Sizes that networks with unknown height and width accept: most want a multiple of 32.
_PROBES = (64, 96)
_BATCH_PROBES = (1, 2)
# Constants of up to so many elements are given to the engine: shapes may depend on them.
_SMALL = 1024


@dataclass
class Inference:
    """A copy of the graph with `values` filled in, and what the engine cannot execute.

    invalid: those of the problems that no pass can mend, as the graph contradicts itself.
    """

    graph: Graph
    problems: list[Problem] = field(default_factory=list)
    invalid: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class _Complaint:
    code: int
    name: str
    message: str


@dataclass
class _Probe:
    values: dict[str, Value] = field(default_factory=dict)
    complaints: list[_Complaint] = field(default_factory=list)


def infer(graph: Graph, runtime: str = "cpu") -> Inference:
    """Infers types and shapes, and checks every operator for a runtime.

    With unknown dimensions a problem counts when it occurs for every probed size, since a size
    that was chosen here may not suit the network. Problems name the user's operator where known.
    """
    result = graph.copy()
    model = for_shapes(graph)
    dynamic = any(d < 0 for i in graph.inputs for d in i.shape)
    probes = [_probe(graph, model, which, runtime) for which in range(2 if dynamic else 1)]
    result.values = _merge(probes)
    for name, array in graph.consts.items():
        result.values[name] = Value(name, dtypes.from_numpy(array.dtype), array.shape)
    for interface in graph.inputs:
        result.values[interface.name] = Value(interface.name, interface.dtype, interface.shape)
    nodes = dict(zip(unique_names(graph.nodes), graph.nodes, strict=True))
    inference = Inference(result)
    for complaint in probes[0].complaints:
        if all(_same(complaint, p.complaints) for p in probes[1:]):
            node = nodes.get(complaint.name)
            problem = _problem(complaint, node, result.values, dynamic)
            inference.problems.append(problem)
            if complaint.code == INVALID_ARGS:
                inference.invalid.append(problem)
    return inference


def _same(complaint: _Complaint, others: list[_Complaint]) -> bool:
    """Whether the same node fails there too; the sentences may name other sizes."""
    return any(complaint.name == o.name and complaint.code == o.code for o in others)


def _problem(
    complaint: _Complaint, node: Node | None, values: dict[str, Value], dynamic: bool
) -> Problem:
    shapes = ", ".join(_describe(values.get(t)) for t in node.inputs if t) if node else ""
    hint = ""
    if dynamic and complaint.code != UNSUPPORTED:
        hint = f"sizes {_PROBES[0]} and {_PROBES[1]} were tried; give the shapes of the inputs"
    op = (node.source.split(" ", 1)[0] if node.source else node.op) if node else ""
    kind = "attribute" if node else "model"
    message = complaint.message
    if node is not None:
        message = message.removeprefix(f"{node.op} '{complaint.name}': ")
    return Problem(kind, op, complaint.name, message, hint, shapes)


def _describe(value: Value | None) -> str:
    if value is None or value.shape is None:
        return "?"
    return "x".join("?" if d < 0 else str(d) for d in value.shape) or "scalar"


def probe_shape(interface: Interface, which: int) -> Dims:
    """The shape that stands for an input with unknown dimensions in the first or second probe."""
    rank = len(interface.shape)
    sizes = [_BATCH_PROBES if i == 0 and rank > 1 else _PROBES for i in range(rank)]
    return tuple(d if d >= 0 else sizes[i][which] for i, d in enumerate(interface.shape))


def input_tensors(graph: Graph, which: int) -> ctypes.Array[CTensor]:
    """The inputs with the shapes of a probe, for the engine."""
    from mace.runtime import MAX_RANK, CTensor

    tensors = (CTensor * max(1, len(graph.inputs)))()
    for tensor, interface in zip(tensors, graph.inputs, strict=False):
        shape = probe_shape(interface, which)
        if len(shape) > MAX_RANK:
            raise MaceError(
                f"the input '{interface.name}' has {len(shape)} dimensions, and MACE's tensors "
                f"have at most {MAX_RANK}",
                hint="reshape it in the model to join dimensions that are next to each other",
            )
        tensor.name = interface.name.encode()
        tensor.dtype = dtypes.NUMBERS[interface.dtype]
        tensor.rank = len(shape)
        tensor.dims[: len(shape)] = shape
    return tensors


def for_shapes(graph: Graph) -> ModelBytes:
    """The graph as files that are enough to infer shapes: of constants only small ones are there."""
    return to_bytes(graph, keep=lambda _, array: array.size <= _SMALL)


def _probe(graph: Graph, model: ModelBytes, which: int, runtime: str) -> _Probe:
    from mace.runtime import PROBLEM_FN, SHAPE_FN, library

    result = _Probe()

    def on_shape(_: object, name: bytes, dtype: int, rank: int, dims: Array) -> None:
        text = name.decode("utf-8", "replace")
        shape = tuple(dims[i] for i in range(rank)) if rank >= 0 else None
        result.values[text] = Value(text, dtypes.NAMES.get(dtype), shape)

    def on_problem(_: object, code: int, name: bytes, op: bytes, message: bytes) -> None:
        texts = (t.decode("utf-8", "replace") for t in (name, message))
        result.complaints.append(_Complaint(code, *texts))

    tensors = input_tensors(graph, which)
    # The callbacks must outlive the call.
    shape_fn, problem_fn = SHAPE_FN(on_shape), PROBLEM_FN(on_problem)
    lib = library()
    data = ctypes.create_string_buffer(model.data, len(model.data) + 1)
    code = lib.mace_infer_shapes(
        model.graph, len(model.graph), ctypes.addressof(data), len(model.data), RUNTIMES[runtime],
        tensors, len(graph.inputs), shape_fn, problem_fn, None,
    )  # fmt: skip
    if code != 0 and not result.complaints:
        message = (lib.mace_last_error() or b"").decode("utf-8", "replace")
        result.complaints.append(_Complaint(code, "", message or f"the engine gave code {code}"))
    return result


def _merge(probes: list[_Probe]) -> dict[str, Value]:
    """What all probes agree on. A tensor that one of them did not reach keeps its rank alone."""
    merged: dict[str, Value] = {}
    for name in dict.fromkeys(n for p in probes for n in p.values):
        found = [p.values[name] for p in probes if name in p.values]
        shapes = [v.shape for v in found if v.shape is not None]
        ranks = {len(s) for s in shapes}
        shape: Dims | None = None
        if len(ranks) == 1 and len(shapes) == len(probes):
            shape = tuple(d[0] if len(set(d)) == 1 else -1 for d in zip(*shapes, strict=True))
        elif len(ranks) == 1:
            shape = (-1,) * ranks.pop()
        merged[name] = Value(name, found[0].dtype, shape)
    return merged
