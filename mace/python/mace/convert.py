# SPDX-License-Identifier: Apache-2.0
"""From a trained network to the files of a MACE model: import, optimise, check with the engine,
write. Nothing is written when there is any problem, and all problems are found at once."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mace.analysis.infer import infer
from mace.errors import MaceError, did_you_mean
from mace.export.files import write_files
from mace.export.model import ModelBytes, to_bytes
from mace.graph import schema
from mace.graph.ir import Graph, Interface
from mace.importers.base import Description, ImportFailed, InterfaceRequest, Problem
from mace.passes import optimize
from mace.protection.encryption import encrypt_model
from mace.protection.names import NAMES_SUFFIX, PRIVATE, NameMap, obfuscate

PLATFORMS = ("tensorflow", "caffe", "onnx")
Progress = Callable[[str], None]
# Called with the graph as imported ("IMPORT") and after each pass, by the name of the pass.
Observer = Callable[[str, Graph], None]
IMPORTED = "IMPORT"


@dataclass(frozen=True)
class ConvertRequest:
    """What to convert, and how.

    inputs, outputs: what the application wants to see; empty: the model's own. A request without
    shape or dtype takes them from the model. weight_file: Caffe only. optimize_options: names of
    passes, None for all. weight_format: how weights are stored, "float32", "float16", "bfloat16" or "int8" (see
    mace.export.weights). obfuscate: operators
    and inner tensors get numbers for names. encryption_key: 32 bytes that the files are encrypted
    with, None for not at all. settings: what the model tells the runtimes.
    """

    name: str
    platform: str
    model_file: Path
    weight_file: Path | None = None
    inputs: Sequence[InterfaceRequest] = ()
    outputs: Sequence[InterfaceRequest] = ()
    runtimes: Sequence[str] = ("cpu",)
    optimize_options: Sequence[str] | None = None
    weight_format: str = "float32"
    obfuscate: bool = False
    encryption_key: bytes | None = field(default=None, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)


class ConversionError(MaceError):
    """The model cannot be converted; `problems` lists every reason."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        lines = [
            f"{p.op} '{p.node}': {p.message}" + (f"; {p.hint}" if p.hint else "") for p in problems
        ]
        super().__init__("\n  ".join([f"model '{name}' cannot be converted", *lines]))
        self.problems = list(problems)


@dataclass(frozen=True)
class ConvertedGraph:
    """An optimised graph that the engine accepts, and its bytes. names: those of the graph, when the
    bytes have others."""

    graph: Graph
    model: ModelBytes
    names: NameMap | None = None


@dataclass(frozen=True)
class ConvertResult:
    """Where the files of a converted model are, and what is in them."""

    graph_path: Path  # <name>.pb
    data_path: Path  # <name>.data
    text_path: Path  # <name>.pb_txt
    inputs: list[Interface]
    outputs: list[Interface]
    operators: dict[str, int] = field(default_factory=dict)  # nodes by operator
    names_path: Path | None = None  # <name>.obfuscation.json, which is not to be given away


def import_graph(request: ConvertRequest) -> Graph:
    """The graph as the importer writes it. Raises ImportFailed with all problems."""
    graph: Graph = _importer(request.platform).import_model(
        request.model_file, request.weight_file, list(request.inputs), list(request.outputs)
    )
    graph.name = request.name
    problems = [
        Problem("attribute", node.source or node.op, node.name, text)
        for node, text in schema.check_graph(graph)
    ]
    if problems:
        raise ImportFailed(problems)
    return graph


def describe_model(platform: str, model_file: Path, weight_file: Path | None = None) -> Description:
    """Inputs, outputs and operators of a model file, whether or not it can be converted."""
    description: Description = _importer(platform).describe_model(model_file, weight_file)
    return description


def _importer(platform: str) -> Any:
    if platform not in PLATFORMS:
        raise MaceError(
            f"there is no importer for '{platform}'{did_you_mean(platform, PLATFORMS)}",
            hint=f"the platform is one of {', '.join(PLATFORMS)}",
        )
    return importlib.import_module(f"mace.importers.{platform}")


def convert_graph(
    request: ConvertRequest, progress: Progress | None = None, observe: Observer | None = None
) -> ConvertedGraph:
    """Imports, optimises and checks a model without writing anything.

    progress: called with a few words before each stage. observe: sees the graph after each pass.
    Raises ConversionError with all problems.
    """
    say = progress or (lambda _: None)
    say("reading")
    try:
        graph = import_graph(request)
    except ImportFailed as error:
        raise ConversionError(request.name, error.problems) from None
    return convert_imported(
        request.name,
        graph,
        request.runtimes,
        request.optimize_options,
        progress,
        weight_format=request.weight_format,
        observe=observe,
        hide_names=request.obfuscate,
        settings=request.settings,
    )


def convert_imported(
    name: str,
    graph: Graph,
    runtimes: Sequence[str] = ("cpu",),
    optimize_options: Sequence[str] | None = None,
    progress: Progress | None = None,
    weight_format: str = "float32",
    observe: Observer | None = None,
    hide_names: bool = False,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> ConvertedGraph:
    """Optimises and checks a graph that an importer made; see convert_graph."""
    say = progress or (lambda _: None)
    say("optimising")
    graph = _optimised(name, graph, optimize_options, observe)
    say("checking")
    problems: list[Problem] = []
    for runtime in runtimes:
        checked = infer(graph, runtime)
        graph = checked.graph
        problems += [p for p in checked.problems if p not in problems]
    if problems:
        raise ConversionError(name, problems)
    _describe_outputs(graph)
    written, names = obfuscate(graph) if hide_names else (graph, None)
    model = to_bytes(
        written, runtimes, weight_format=weight_format, scramble=hide_names, settings=settings
    )
    _load(name, graph, model, names)
    return ConvertedGraph(graph, model, names)


def _optimised(
    name: str, graph: Graph, options: Sequence[str] | None, observe: Observer | None
) -> Graph:
    first = infer(graph)
    if first.invalid:
        raise ConversionError(name, first.problems)
    if observe is not None:
        observe(IMPORTED, first.graph)
    try:
        return optimize(first.graph, options, observe)
    except MaceError:
        raise
    except Exception:
        # Passes may rely on what a model with problems does not hold to; those are the news then.
        if first.problems:
            raise ConversionError(name, first.problems) from None
        raise


def _describe_outputs(graph: Graph) -> None:
    """Lets the outputs say the shape and type that the engine inferred."""
    for output in graph.outputs:
        value = graph.values.get(output.name)
        if value is not None:
            output.dtype = value.dtype or output.dtype
        if value is not None and value.shape is not None:
            output.shape = value.shape
            if len(value.shape) != 4:
                output.data_format = "NONE"


def _load(
    name: str,
    graph: Graph,
    model: ModelBytes,
    names: NameMap | None,
    key: bytes | None = None,
) -> None:
    """Proves that the engine takes the model with its weights, and can plan it."""
    from mace.runtime import Engine

    try:
        with Engine.from_bytes(model.graph, model.data or None, model_key=key) as engine:
            if all(d >= 0 for i in graph.inputs for d in i.shape):
                engine.output_shapes({i.name: i.shape for i in graph.inputs})
    except MaceError as error:
        text = names.restore(str(error)) if names is not None else str(error)
        problem = Problem("model", "Model", name, text)
        raise ConversionError(name, [problem]) from None


def convert_model(
    request: ConvertRequest, output_dir: Path, progress: Progress | None = None
) -> ConvertResult:
    """Converts a model and writes <name>.pb, <name>.data and <name>.pb_txt into `output_dir`; if
    its names are obfuscated, also private/<name>.obfuscation.json.

    Raises ConversionError with all problems, or MaceError when files cannot be read or written;
    nothing is written or changed then.
    """
    return write_model(request, convert_graph(request, progress), output_dir, progress)


def write_model(
    request: ConvertRequest,
    converted: ConvertedGraph,
    output_dir: Path,
    progress: Progress | None = None,
    private_dir: Path | None = None,
) -> ConvertResult:
    """Writes what convert_graph() made for this request; see convert_model. private_dir: where
    files go that stay with the developer; default: `output_dir`/private."""
    if progress is not None:
        progress("writing" if request.encryption_key is None else "encrypting and writing")
    data_path = output_dir / f"{request.name}.data"
    graph_path = output_dir / f"{request.name}.pb"
    text_path = output_dir / f"{request.name}.pb_txt"
    private_dir = private_dir or output_dir / PRIVATE
    model = converted.model
    if request.encryption_key is not None:
        model = encrypt_model(model, request.encryption_key)
        _load(request.name, converted.graph, model, converted.names, request.encryption_key)
        text_path = private_dir / text_path.name
    names_path = private_dir / f"{request.name}{NAMES_SUFFIX}"
    secret: dict[Path, bytes] = {}
    if converted.names is not None:
        digest = hashlib.sha256(model.graph).hexdigest()
        secret[names_path] = converted.names.to_json(digest)
    text = {text_path: converted.model.text.encode()}
    files = {data_path: model.data, graph_path: model.graph}
    if request.encryption_key is None:
        write_files(files | text, secret)
    else:
        write_files(files, secret | text)
    operators: dict[str, int] = {}
    for node in converted.graph.nodes:
        operators[node.op] = operators.get(node.op, 0) + 1
    graph = converted.graph
    return ConvertResult(
        graph_path,
        data_path,
        text_path,
        graph.inputs,
        graph.outputs,
        operators,
        names_path if converted.names is not None else None,
    )
