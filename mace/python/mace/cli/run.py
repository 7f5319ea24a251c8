# SPDX-License-Identifier: Apache-2.0
"""`mace run`: converted models on their devices, measured and, with --validate, compared with what
their own framework computes."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mace import api
from mace.cli.arguments import UsageError
from mace.cli.common import library_folder
from mace.cli.console import Console, printable
from mace.cli.execution import (
    Sample,
    Target,
    devices_of,
    job_on_device,
    samples,
    settings_of,
    show_placements,
    targets,
)
from mace.cli.layers import show
from mace.cli.parallel import Lane, on_all, raise_first
from mace.devices import Device, DeviceInfo
from mace.devices.job import Outcome, file_name
from mace.errors import EXIT_OK, EXIT_VERDICT, MaceError
from mace.export.files import write_files
from mace.fetch import fetch
from mace.report.layers import LayerReport, describe
from mace.validation.compare import Verdict, compare, log_csv
from mace.validation.inputs import file_outputs
from mace.validation.layers import compare_layers, source_names
from mace.validation.layerwise import convert_layers, judge, run_model
from mace.validation.reference import Reference

REPORT_COLUMNS = (
    "model_name",
    "device_name",
    "soc",
    "abi",
    "runtime",
    "init(ms)",
    "warmup(ms)",
    "run_avg(ms)",
    "tuned",
)


@dataclass
class _Ran:
    """What running one model on one device gave."""

    target: Target
    device: Device
    info: DeviceInfo
    outcomes: list[Outcome] = field(default_factory=list)  # one for each sample and start
    verdicts: list[Verdict] = field(default_factory=list)
    report: LayerReport | None = None
    tuned: bool = False  # with tuned parameters of the GPU


def run(options: argparse.Namespace, console: Console) -> int:
    """Runs everything; 3 if a comparison is below its threshold."""
    if options.caffe_env == "docker":
        raise UsageError(
            "--caffe_env=docker: running Caffe in a container is not in this version of MACE",
            hint="leave it out: OpenCV's reader serves as the reference on this machine",
        )
    references: dict[str, list[list[Any]]] = {}
    ran: list[_Ran] = []
    results: list[_Ran | MaceError] = []
    for target in targets(options):
        count = options.samples if options.validate or options.validate_all_layers else 1
        inputs = samples(target, options.input_dir, options.seed, count, console)
        found = on_all(
            devices_of(target, options), partial(_outcomes, target, inputs, options), console
        )
        results += found
        for item in found:
            if isinstance(item, MaceError):
                continue
            _judge(item, inputs, options, console, references)
            _show(item, console)
            ran.append(item)
    if not ran:
        raise_first(results, console)
    _show_summary(ran, console)
    if options.report:
        _write_report(ran, options, console)
    if options.validate or options.validate_all_layers:
        _write_log(ran, console)
    console.result["runs"] = [_describe(item) for item in ran]
    raise_first(results, console)
    failed = [verdict for item in ran for verdict in item.verdicts if not verdict.passed]
    if failed:
        what = "layers" if options.validate_all_layers else "outputs"
        console.say(f"{len(failed)} of the {what} are below their threshold")
    return EXIT_VERDICT if failed else EXIT_OK


def _outcomes(
    target: Target,
    inputs: list[Sample],
    options: argparse.Namespace,
    device: Device,
    lane: Lane,
) -> _Ran:
    """Runs one model on one device. Called for several devices at the same time."""
    program = "example" if options.example else "mace_run"
    with job_on_device(target, device, options) as job:
        ran = _Ran(target, device, device.info())
        wanted = options.tune or target.deployment.target_socs
        if target.runtime == "gpu" and wanted and not options.disable_tuning:
            with lane.step(f"tuning {target.name} on {ran.info.name}"):
                job.tune(inputs[0].arrays, sys.stderr if sys.stderr.isatty() else None)
        ran.tuned = job.tuned
        for start in range(options.restart_round):
            for sample in inputs:
                with lane.step(f"running {target.name} on {ran.info.name}"):
                    show = sys.stderr if options.vlog_level > 0 else None
                    outcome = job.run(sample.arrays, options.round, program, show)
                ran.outcomes.append(outcome)
                if start == 0 and (options.output_dir or options.input_dir):
                    _save_outputs(target, outcome, sample, options)
    return ran


def _judge(
    ran: _Ran,
    inputs: list[Sample],
    options: argparse.Namespace,
    console: Console,
    references: dict[str, list[list[Any]]],
) -> None:
    """Compares what a device gave with the framework's results, if that is asked for."""
    target = ran.target
    if options.validate_all_layers:
        ran.report = _all_layers(target, ran.device, inputs, options, console)
        ran.verdicts = [result.verdict for result in ran.report.results]
    elif options.validate:
        if target.name not in references:
            with console.step(f"running {target.name} in its own framework"):
                references[target.name] = _reference(target, inputs, console)
        ran.verdicts = _compare(target, references[target.name], ran.outcomes[: len(inputs)])


def _reference(target: Target, inputs: list[Sample], console: Console) -> list[list[Any]]:
    subgraph = target.subgraph
    if subgraph.validation_outputs_data and not subgraph.check_tensors:
        return _stored(target, len(inputs), console)
    outputs = subgraph.check_tensors or subgraph.output_tensors
    reference = _framework(target, outputs, subgraph.output_data_formats, console)
    return reference.run([sample.arrays for sample in inputs])


def _stored(target: Target, count: int, console: Console) -> list[list[Any]]:
    """What the deployment file says must come out for its own inputs."""
    subgraph = target.subgraph
    paths = [
        fetch(location, target.deployment.folder, None, console.progress)
        for location in subgraph.validation_outputs_data
    ]
    infos = {info.name: info for info in target.files.outputs}
    samples = file_outputs([infos[name] for name in subgraph.output_tensors], paths)
    if len(samples) != count:
        raise UsageError(
            "validation_outputs_data belongs to validation_inputs_data, and the inputs are others",
            hint="leave --input_dir out, or the key",
        )
    return samples


def _framework(
    target: Target, outputs: Sequence[str], formats: Sequence[str], console: Console
) -> Reference:
    model_file, weight_file = api.model_files(target.deployment, target.name, console.progress)
    return Reference(
        platform=target.deployment.models[target.name].platform,
        model_file=model_file,
        weight_file=weight_file,
        inputs=target.subgraph.input_tensors,
        input_formats=target.subgraph.input_data_formats,
        outputs=outputs,
        output_formats=formats,
    )


def _all_layers(
    target: Target,
    device: Device,
    inputs: list[Sample],
    options: argparse.Namespace,
    console: Console,
) -> LayerReport:
    """Compares all layers in one run of a model that has them as outputs."""
    request = api.deployment_request(target.deployment, target.name, console.progress)
    with console.step(f"converting {target.name} with all layers"):
        model = convert_layers(request)
    names = source_names(model.layers)
    arrays = [sample.arrays for sample in inputs]
    with console.step(f"running {target.name} in its own framework"):
        reference = _framework(target, names, ["NONE"] * len(names), console)
        found = reference.run_known(arrays)
    settings = settings_of(options, target.runtime)
    with console.step(f"running all layers of {target.name} on {device.info().name}"):
        outputs = run_model(device, target.name, model.model, arrays, settings)
    threshold = target.threshold
    results = compare_layers(model.layers, found, outputs, threshold)
    first, why = judge(model, results, found, arrays, device, settings)
    what = f"MACE on {device.info().name} ({device.abi})"
    report = LayerReport(target.name, reference.platform, what, threshold, results, first, why)
    name = "layers.html" if target.abi == "host" else f"layers_{target.abi}.html"
    several = len(target.deployment.models) > 1
    show(report, _log_folder(target) / (f"{target.name}_{name}" if several else name), console)
    return report


def _log_folder(target: Target) -> Path:
    return library_folder(target.deployment) / "model" / target.runtime


def _compare(target: Target, expected: list[list[Any]], outcomes: list[Outcome]) -> list[Verdict]:
    threshold = target.threshold
    return [
        compare(name, number, reference, outcome.outputs[name], threshold)
        for number, (references, outcome) in enumerate(zip(expected, outcomes, strict=True))
        for name, reference in zip(target.subgraph.output_tensors, references, strict=True)
    ]


def _save_outputs(
    target: Target, outcome: Outcome, sample: Sample, options: argparse.Namespace
) -> None:
    folder = Path(options.output_dir or target.folder / "output")
    files = {
        folder / f"{file_name(name)}{sample.suffix}": array.tobytes()
        for name, array in outcome.outputs.items()
    }
    write_files(files)


def _average(ran: _Ran, key: str) -> float:
    values = [float(outcome.figures[key]) for outcome in ran.outcomes]
    return sum(values) / len(values)


def _show(ran: _Ran, console: Console) -> None:
    figures = {key: _average(ran, f"{key}_ms") for key in ("init", "warmup", "run_avg")}
    device = f"{ran.info.name} ({ran.info.abi})"
    if ran.target.runtime != "cpu":
        device += f" by the {ran.target.runtime.upper()}"
    console.out(
        f"{ran.target.name} on {device}: init {figures['init']:.2f} ms, "
        f"warm-up {figures['warmup']:.2f} ms, run {figures['run_avg']:.2f} ms"
    )
    show_placements(ran.target, ran.outcomes[-1].figures, console)
    if not ran.verdicts or ran.report is not None:
        return
    rows = []
    for verdict in ran.verdicts:
        result = "passed" if verdict.passed else verdict.problem or "BELOW THRESHOLD"
        rows.append(
            [
                printable(verdict.output, 60),
                str(verdict.sample),
                f"{verdict.similarity:.8f}",
                f"{verdict.sqnr_db:.1f}",
                f"{verdict.pixel_accuracy:.4f}",
                f"{verdict.max_difference:.2e}",
                f"{verdict.threshold:g}",
                result,
            ]
        )
    header = (
        "output",
        "sample",
        "similarity",
        "SQNR dB",
        "pixel accuracy",
        "max diff",
        "threshold",
        "",
    )
    console.table(header, rows, "lrrrrrrl")


def _show_summary(ran: list[_Ran], console: Console) -> None:
    """A table of all runs, if there are several."""
    if len(ran) < 2:
        return
    rows = []
    for item in ran:
        times = [f"{_average(item, f'{key}_ms'):.2f}" for key in ("init", "warmup", "run_avg")]
        least = min((verdict.similarity for verdict in item.verdicts), default=None)
        info = item.info
        similarity = "" if least is None else f"{least:.8f}"
        rows.append(
            [
                item.target.name,
                info.name,
                info.soc,
                info.abi,
                item.target.runtime,
                *times,
                similarity,
            ]
        )
    console.table((*REPORT_COLUMNS[:-1], "similarity"), rows, "lllllrrrr")


def _write_report(ran: list[_Ran], options: argparse.Namespace, console: Console) -> None:
    """Adds a line for each model and device to report.csv."""
    folder = Path(options.report_dir or library_folder(ran[0].target.deployment) / "report")
    path = folder / "report.csv"
    stream = io.StringIO()
    if path.is_file():
        stream.write(path.read_text(encoding="utf-8"))
        stream.seek(0, io.SEEK_END)
    writer = csv.writer(stream, lineterminator="\n")
    if stream.tell() == 0:
        writer.writerow(REPORT_COLUMNS)
    for item in ran:
        device = item.info
        times = [f"{_average(item, f'{key}_ms'):.3f}" for key in ("init", "warmup", "run_avg")]
        writer.writerow(
            [
                item.target.name,
                device.name,
                device.soc,
                device.abi,
                item.target.runtime,
                *times,
                str(item.tuned),
            ]
        )
    write_files({path: stream.getvalue().encode()})
    console.say(f"wrote {path}")


def _write_log(ran: list[_Ran], console: Console) -> None:
    """log.csv of all comparisons; names tell models, ABIs, devices and samples apart."""
    path = _log_folder(ran[0].target) / "log.csv"
    models = {item.target.name for item in ran}
    abis = {item.target.abi for item in ran}
    devices = {(item.target.abi, item.info.name) for item in ran}
    runtimes = {item.target.runtime for item in ran}
    rows = []
    for item in ran:
        samples_differ = len({verdict.sample for verdict in item.verdicts}) > 1
        several = samples_differ and item.report is None
        for verdict in item.verdicts:
            parts = [item.target.name] if len(models) > 1 else []
            parts += [item.target.abi] if len(abis) > 1 else []
            parts += [item.info.name] if len(devices) > len(abis) else []
            parts += [item.target.runtime] if len(runtimes) > 1 else []
            name = ":".join([*parts, verdict.output])
            rows.append((f"{name}#{verdict.sample}" if several else name, verdict))
    write_files({path: log_csv(rows).encode()})
    console.detail(f"wrote {path}")


def _describe(ran: _Ran) -> dict[str, Any]:
    layers = {"layers": describe(ran.report)} if ran.report is not None else {}
    return layers | {
        "model": ran.target.name,
        "abi": ran.target.abi,
        "runtime": ran.target.runtime,
        "device": vars(ran.info),
        "tuned": ran.tuned,
        "figures": [outcome.figures for outcome in ran.outcomes],
        "validation": [
            {**vars(verdict), "sqnr_db": verdict.sqnr_db, "passed": verdict.passed}
            for verdict in ran.verdicts
        ],
    }
