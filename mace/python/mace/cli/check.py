# SPDX-License-Identifier: Apache-2.0
"""`mace check`: what of a model converts, for which runtimes, and what does not; writes nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mace import api
from mace.cli.common import problem_lines, shape_text, size_text
from mace.cli.console import Console, printable
from mace.cli.convert import stop_at
from mace.config.loader import load_deployment
from mace.errors import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from mace.convert import ConvertRequest
    from mace.graph.ir import Graph


def run(options: argparse.Namespace, console: Console) -> int:
    """Checks each model; 2 if one does not convert."""
    path = Path(options.model)
    if path.suffix in api.DEPLOYMENT_SUFFIXES:
        deployment = load_deployment(path)
        requests = [
            api.deployment_request(deployment, name, console.progress) for name in deployment.models
        ]
    else:
        weights = Path(options.weight_file) if options.weight_file else None
        requests = [api.file_request(path, weights)]
    if options.stop_at:
        requests = [stop_at(request, options.stop_at) for request in requests]
    console.result["models"] = []
    good = [_check(request, options.runtime, console) for request in requests]
    return EXIT_OK if all(good) else EXIT_USAGE


def _show_gpu(graph: Graph, request: ConvertRequest, console: Console) -> list[dict[str, str]]:
    """Says what a GPU executes, and why not the rest."""
    from mace.analysis.placement import placements

    memory = request.settings.get("opencl_mem_type", "").replace("auto", "")
    found = placements(graph, request.settings.get("gpu_data_type", ""), memory)
    elsewhere = [each for each in found if each.device != "gpu"]
    console.out(f"  on a GPU: {len(found) - len(elsewhere)} of {len(found)} operators")
    for each in elsewhere:
        console.out(
            f"  on the {each.device.upper()}: {each.type} '{printable(each.name, 60)}': "
            f"{printable(each.reason, 200)}"
        )
    return [vars(each) for each in found]


def _check(request: ConvertRequest, runtime: str, console: Console) -> bool:
    from mace.convert import ConversionError, convert_graph, describe_model

    described = describe_model(request.platform, request.model_file, request.weight_file)
    entry: dict[str, object] = {
        "name": request.name,
        "platform": request.platform,
        "source_operators": described.operators,
    }
    console.result["models"].append(entry)
    nodes = sum(described.operators.values())
    console.out(
        f"{request.name}: {request.platform}, {nodes} nodes of {len(described.operators)} kinds"
    )
    try:
        with console.step(f"checking {request.name}"):
            converted = convert_graph(request)
    except ConversionError as error:
        lines = problem_lines([(request.name, problem) for problem in error.problems])
        lines[0] = lines[0].removesuffix("; nothing written")
        for line in lines:
            console.out(line)
        entry |= {"converts": False, "problems": [vars(problem) for problem in error.problems]}
        return False
    graph = converted.graph
    counts: dict[str, int] = {}
    for node in graph.nodes:
        counts[node.op] = counts.get(node.op, 0) + 1
    for what, interfaces in (("input", graph.inputs), ("output", graph.outputs)):
        for i in interfaces:
            shape = shape_text(i.shape)
            console.out(f"  {what} {printable(i.name)}: {i.dtype} [{shape}] {i.data_format}")
    listed = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    console.out(f"  converts for cpu: {len(graph.nodes)} operators ({listed}),")
    console.out(f"  {size_text(len(converted.model.graph) + len(converted.model.data))}")
    if runtime == "gpu":
        entry["placements"] = _show_gpu(graph, request, console)
    entry |= {
        "converts": True,
        "runtimes": list(request.runtimes),
        "operators": counts,
        "inputs": [vars(i) for i in graph.inputs],
        "outputs": [vars(o) for o in graph.outputs],
        "bytes": len(converted.model.graph) + len(converted.model.data),
    }
    return True
