# SPDX-License-Identifier: Apache-2.0
"""`mace benchmark`: runs benchmark_model, whose eight sections of text are shown as they come."""

from __future__ import annotations

import argparse
import io
import sys
from functools import partial
from typing import Any

from mace.api import encryption_key
from mace.cli.arguments import UsageError
from mace.cli.common import size_text
from mace.cli.console import Console
from mace.cli.execution import (
    Target,
    devices_of,
    job_on_device,
    samples,
    show_placements,
    targets,
)
from mace.cli.parallel import Lane, on_all, raise_first
from mace.devices import Device
from mace.devices.job import Array
from mace.errors import EXIT_OK, MaceError
from mace.model_file import read_net
from mace.report import roofline


def run(options: argparse.Namespace, console: Console) -> int:
    """Measures each model on each device."""
    results: list[dict[str, Any] | MaceError] = []
    for target in targets(options):
        if options.roofline and (target.runtime != "cpu" or target.files.library):
            raise UsageError("--roofline is for models in files, on the CPU")
        sample = samples(target, options.input_dir, 0, 1, console)[0]
        devices = devices_of(target, options)
        measure = partial(_measure, target, sample.arrays, options, console)
        results += on_all(devices, measure, console)
    console.result["benchmarks"] = [item for item in results if isinstance(item, dict)]
    raise_first(results, console)
    return EXIT_OK


def _measure(
    target: Target,
    arrays: dict[str, Array],
    options: argparse.Namespace,
    console: Console,
    device: Device,
    lane: Lane,
) -> dict[str, Any]:
    """Measures on one device. Of several, each one's text is shown when it has come to its end."""
    text = io.StringIO()
    with job_on_device(target, device, options) as job:
        info = device.info()
        if lane.is_alone:
            console.say(f"measuring {target.name} on {info.name} ({info.abi})")
        else:
            lane.tell(f"measuring {target.name}")
        shown = sys.stdout if lane.is_alone else text
        outcome = job.benchmark(
            arrays,
            options.max_num_runs,
            options.max_seconds,
            options.warmup_runs,
            None if console.as_json else shown,
            options.roofline,
        )
    if not lane.is_alone:
        console.out(f"{target.name} on {info.name} ({info.abi}):\n{text.getvalue()}")
    show_placements(target, outcome.figures, console)
    if options.roofline:
        _show_roofline(target, outcome.figures, console)
    entry = {"model": target.name, "abi": target.abi, "runtime": target.runtime}
    return {**entry, "device": vars(info), **outcome.figures}


def _show_roofline(target: Target, figures: dict[str, Any], console: Console) -> None:
    """Adds the limits of operators to the figures, and shows them."""
    key = encryption_key(target.deployment, target.name)
    operators, limits = figures["operators"]["operators"], figures["limits"]
    roofline.add_limits(operators, read_net(target.files.graph, key), limits)
    copies = ", ".join(
        f"{copy['bytes_per_s'] / 1e9:.1f} GB/s of {size_text(copy['bytes'])}"
        for copy in limits["copies"]
    )
    console.out(f"the machine: {limits['macs_per_s'] / 1e9:.1f} GMAC/s; copies {copies}")
    console.table(roofline.HEADER, roofline.rows(operators), roofline.RIGHT)
