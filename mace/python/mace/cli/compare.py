# SPDX-License-Identifier: Apache-2.0
"""`mace compare`: one model on two engines, layer by layer."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from mace import api
from mace.cli.arguments import UsageError
from mace.cli.common import chosen_models
from mace.cli.console import Console
from mace.cli.layers import show
from mace.config.loader import load_deployment
from mace.convert import ConvertRequest
from mace.devices import select_devices
from mace.devices.job import Settings
from mace.devices.select import Request
from mace.errors import EXIT_OK, EXIT_VERDICT
from mace.report.layers import LayerReport, describe
from mace.validation.engines import Contest, parse_engine, random_samples, run_both
from mace.validation.layers import compare_layers
from mace.validation.layerwise import judge


def run(options: argparse.Namespace, console: Console) -> int:
    """Compares; 3 if a layer is below the threshold."""
    request, ranges = request_of(options, console)
    first, second = (
        parse_engine(text, request.platform) for text in (options.first, options.second)
    )
    with tempfile.TemporaryDirectory(prefix="mace-compare-") as folder:
        contest = Contest(request, [], Path(folder), options.timeout)
        with console.step(f"converting {request.name}"):
            model = contest.model(second.optimise if second.runs_converted else first.optimise)
        contest.samples = random_samples(
            request, model, ranges, options.seed, options.samples, options.unknown_size
        )
        with console.step(f"running {request.name} on {first.text} and on {second.text}"):
            sides = run_both(contest, first, second)
        results = compare_layers(sides.layers, sides.expected, sides.actual, options.threshold)
        device = None
        if second.kind == "mace":
            device = select_devices(second.abi, Path(folder) / second.abi, Request())[0]
        settings = Settings(timeout=options.timeout, isa=second.isa)
        samples = contest.samples
        found, why = judge(
            sides.model,
            results,
            sides.expected,
            samples,
            device,
            settings,
            alone=second.runs_converted,
        )
    report = LayerReport(
        request.name, first.text, second.text, options.threshold, results, found, why
    )
    path = Path(options.output_dir or ".") / f"{request.name}_compare.html"
    show(report, path, console)
    console.result["comparison"] = describe(report)
    console.result["report"] = str(path)
    return EXIT_VERDICT if report.failed else EXIT_OK


def request_of(
    options: argparse.Namespace, console: Console
) -> tuple[ConvertRequest, list[tuple[float, float]]]:
    """What to convert for a model file or a deployment file, and the ranges of its inputs."""
    path = Path(options.model)
    if path.suffix not in api.DEPLOYMENT_SUFFIXES:
        weights = Path(options.weight_file) if options.weight_file else None
        return api.file_request(path, weights), []
    if options.weight_file:
        raise UsageError(
            "--weight_file belongs to a model file; the deployment file has its own key"
        )
    deployment = load_deployment(path)
    names = chosen_models(deployment, options.models)
    if len(names) > 1:
        raise UsageError(
            f"'{path}' has several models", hint=f"--models names one of: {', '.join(names)}"
        )
    request = api.deployment_request(deployment, names[0], console.progress)
    return request, deployment.models[names[0]].subgraph.ranges()
