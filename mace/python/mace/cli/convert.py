# SPDX-License-Identifier: Apache-2.0
"""`mace convert`: every model of a deployment file, or one model file. All are checked before
anything is written."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mace import api
from mace.cli.arguments import UsageError
from mace.cli.common import (
    UnsupportedModel,
    chosen_models,
    deployment_of,
    library_folder,
    model_folder,
    shape_text,
    size_text,
)
from mace.cli.console import Console, printable
from mace.cli.package import package
from mace.codegen import (
    CodeModel,
    build_library,
    check_names,
    static,
    write_headers,
    write_sources,
)
from mace.config.schema import Deployment
from mace.errors import EXIT_OK
from mace.export.files import write_files
from mace.fetch import file_sha256

if TYPE_CHECKING:
    from mace.convert import ConvertedGraph, ConvertRequest, ConvertResult
    from mace.graph.problem import Problem
    from mace.validation.storage import StorageReport


def run(options: argparse.Namespace, console: Console) -> int:
    """Converts and shows what was written."""
    requests, folder, deployment = _requests(options, console)
    if deployment is not None and deployment.is_code:
        check_names([request.name for request in requests])
    if len(requests) > 1:
        check_all(requests, console)
    from mace.protection.names import PRIVATE

    rows = []
    console.result["models"] = []
    for request in requests:
        dump = _dump_folder(options, request, len(requests))
        private = None if folder == Path(options.output_dir or "") else folder.parent / PRIVATE
        ranges = deployment.models[request.name].subgraph.ranges() if deployment else None
        result, storage = _convert(request, folder, private, console, dump, ranges)
        entry = _describe(request, result)
        if storage is not None:
            entry["weights"] = {"format": request.weight_format, **vars(storage)}
        console.result["models"].append(entry)
        operators = str(sum(result.operators.values()))
        size = size_text(sum(path.stat().st_size for path in (result.graph_path, result.data_path)))
        rows.append([request.name, operators, size, str(result.graph_path), str(result.data_path)])
        for what, interfaces in (("input", result.inputs), ("output", result.outputs)):
            for i in interfaces:
                text = f"{printable(i.name)} {i.dtype} [{shape_text(i.shape)}] {i.data_format}"
                console.detail(f"{request.name}: {what} {text}")
        if result.names_path is not None:
            console.say(f"names of {request.name}: {result.names_path} (keep it to yourself)")
    console.table(("model", "operators", "size", "graph", "data"), rows, "lrrll")
    if deployment is not None and deployment.is_static:
        _make_static(deployment, [request.name for request in requests], folder, console)
    elif deployment is not None and deployment.is_code:
        _make_code(deployment, [request.name for request in requests], folder, console)
    if options.package and deployment is not None:
        console.result["package"] = str(package(deployment, [r.name for r in requests], console))
    return EXIT_OK


def _make_code(deployment: Deployment, names: list[str], folder: Path, console: Console) -> None:
    """The library of the models for each ABI, and its headers."""
    embedded = deployment.model_data_format == "code"
    models = [
        CodeModel(
            name,
            folder / f"{name}.pb",
            folder / f"{name}.data" if embedded else None,
            _key_shares(deployment, name),
        )
        for name in names
    ]
    library = deployment.library_name
    root = library_folder(deployment)
    write_sources(library, models)
    made: dict[str, list[str]] = {"headers": [], "libraries": []}
    made["headers"] = [str(p) for p in write_headers(library, models, root / "include")]
    if not embedded:
        copies = {root / "model" / f"{name}.data": folder / f"{name}.data" for name in names}
        write_files({target: source.read_bytes() for target, source in copies.items()})
    for abi in deployment.target_abis:
        target = root / "model" / abi / f"{library}.a"
        with console.step(f"building {library}.a for {abi}"):
            build_library(library, abi, target)
        made["libraries"].append(str(target))
    _say_made(made, console)


def _say_made(made: dict[str, list[str]], console: Console) -> None:
    for paths in made.values():
        for path in paths:
            console.out(f"wrote {path}")
    console.result["code"] = made


def _make_static(deployment: Deployment, names: list[str], folder: Path, console: Console) -> None:
    """The library of the models as straight-line code for each ABI, and its headers."""
    sources = [
        static.StaticSource(name, folder / f"{name}.pb", folder / f"{name}.data") for name in names
    ]
    library = deployment.library_name
    root = library_folder(deployment)
    models: dict[str, list[static.StaticModel]] = {}
    for abi in deployment.target_abis:
        isa = static.isa_for(abi, deployment.static_isa)
        with console.step(f"writing the code of {library} for {abi} ({isa})"):
            models[abi] = static.emit(sources, abi, isa)
    static.write_static_sources(library, models)
    first = models[deployment.target_abis[0]]
    made: dict[str, list[str]] = {"headers": [], "libraries": []}
    made["headers"] = [
        str(path) for path in static.write_static_headers(library, first, root / "include")
    ]
    for abi in deployment.target_abis:
        target = root / "model" / abi / f"{library}.a"
        with console.step(f"building {library}.a for {abi}"):
            static.build_static_library(library, abi, target)
        made["libraries"].append(str(target))
    _say_made(made, console)


def _key_shares(deployment: Deployment, name: str) -> bytes | None:
    """What a library has of a model's key, if it is to have it."""
    from mace.protection.encryption import key_shares

    key = api.encryption_key(deployment, name)
    wanted = deployment.models[name].encryption_key_in_code
    return key_shares(key) if key is not None and wanted else None


def _requests(
    options: argparse.Namespace, console: Console
) -> tuple[list[ConvertRequest], Path, Deployment | None]:
    if bool(options.config) == bool(options.model):
        raise UsageError("give either --config=FILE or a model file")
    if options.model and Path(options.model).suffix in api.DEPLOYMENT_SUFFIXES:
        options.config, options.model = options.model, None
    deployment = None
    if options.package and (options.model or options.output_dir):
        raise UsageError("--package needs --config=FILE, and its models where they are by default")
    if options.model:
        weights = Path(options.weight_file) if options.weight_file else None
        requests = [api.file_request(Path(options.model), weights)]
        folder = Path("builds") / requests[0].name / "model"
    else:
        if options.weight_file:
            raise UsageError(
                "--weight_file belongs to a model file; the deployment file has its own key"
            )
        deployment = deployment_of(options)
        names = chosen_models(deployment, options.models)
        requests = [api.deployment_request(deployment, name, console.progress) for name in names]
        folder = model_folder(deployment)
    if options.graph_optimize_options:
        names = [n.strip() for n in options.graph_optimize_options.split(",") if n.strip()]
        requests = [replace(request, optimize_options=names) for request in requests]
    if options.cl_mem_type:
        memory = {"opencl_mem_type": options.cl_mem_type}
        requests = [
            replace(request, settings={**request.settings, **memory}) for request in requests
        ]
    if options.stop_at:
        requests = [stop_at(request, options.stop_at) for request in requests]
    if options.output_dir and (deployment is None or not deployment.is_code):
        folder = Path(options.output_dir)
    return requests, folder, deployment


def stop_at(request: ConvertRequest, tensor: str) -> ConvertRequest:
    """The request with one output, an inner tensor of the model."""
    from mace.importers.base import InterfaceRequest

    data_format = "NHWC" if request.platform != "tensorflow" else "NONE"
    return replace(request, outputs=[InterfaceRequest(tensor, None, None, data_format)])


def check_all(requests: list[ConvertRequest], console: Console) -> None:
    """Raises UnsupportedModel with the problems of all models."""
    from mace.convert import ConversionError, convert_graph

    problems: list[tuple[str, Problem]] = []
    for request in requests:
        with console.step(f"checking {request.name}"):
            try:
                convert_graph(request)
            except ConversionError as error:
                problems += [(request.name, problem) for problem in error.problems]
    if problems:
        raise unsupported(problems)


def unsupported(problems: list[tuple[str, Problem]]) -> UnsupportedModel:
    """The error that shows these problems."""
    hint = "'mace ops NAME' says what is supported of an operator; "
    hint += "--stop_at=TENSOR converts the part before a tensor"
    return UnsupportedModel(problems, hint)


def _dump_folder(options: argparse.Namespace, request: ConvertRequest, count: int) -> Path | None:
    """Where the graph goes after each pass: a folder for each model, if there are several."""
    if not options.dump_passes:
        return None
    folder = Path(options.dump_passes)
    return folder / request.name if count > 1 else folder


def _convert(
    request: ConvertRequest,
    folder: Path,
    private: Path | None,
    console: Console,
    dump: Path | None,
    ranges: list[tuple[float, float]] | None,
) -> tuple[ConvertResult, StorageReport | None]:
    from mace.analysis.dump import PassDump
    from mace.convert import ConversionError, convert_graph, write_model

    passes = PassDump(dump) if dump is not None else None

    console.say(f"converting {request.name} ({request.platform}, {request.model_file})")
    try:
        with console.step(f"converting {request.name}"):
            converted = convert_graph(
                request,
                lambda stage: console.detail(f"  {stage}"),
                passes.add if passes is not None else None,
            )
    except ConversionError as error:
        raise unsupported([(request.name, problem) for problem in error.problems]) from None
    finally:
        if passes is not None:
            passes.finish()
            console.say(f"wrote {passes.count} graphs to {passes.folder}")
    api.check_output_shapes(request, converted)
    result = write_model(request, converted, folder, private_dir=private)
    return result, _compare_storage(request, converted, ranges, console)


def _compare_storage(
    request: ConvertRequest,
    converted: ConvertedGraph,
    ranges: list[tuple[float, float]] | None,
    console: Console,
) -> StorageReport | None:
    """What storing the weights in fewer bytes gives, said too; None for float32."""
    from mace.validation.storage import compare_storage

    if request.weight_format == "float32":
        return None
    with console.step(f"comparing {request.name} with float32"):
        report = compare_storage(converted, ranges)
    sizes = f"{size_text(report.stored_bytes)} in place of {size_text(report.float32_bytes)}"
    console.say(f"{request.name}: weights as {request.weight_format}: {sizes}")
    for name, similarity in report.similarity.items():
        console.say(f"  {printable(name, 60)}: similarity {similarity:.7f} with float32")
    if report.why:
        console.say(f"  not compared with float32: {printable(report.why, 300)}")
    return report


def _describe(request: ConvertRequest, result: ConvertResult) -> dict[str, object]:
    def interfaces(items: list[object]) -> list[dict[str, object]]:
        return [vars(item) for item in items]

    return {
        "name": request.name,
        "platform": request.platform,
        "source": str(request.model_file),
        "graph": str(result.graph_path),
        "data": str(result.data_path),
        "text": str(result.text_path),
        "graph_sha256": file_sha256(result.graph_path),
        "data_sha256": file_sha256(result.data_path),
        "inputs": interfaces(list(result.inputs)),
        "outputs": interfaces(list(result.outputs)),
        "operators": result.operators,
        "names": str(result.names_path) if result.names_path is not None else None,
    }
