# SPDX-License-Identifier: Apache-2.0
"""`mace benchmark`: runs benchmark_model, whose eight sections of text are shown as they come."""

from __future__ import annotations

import argparse
import sys

from mace.cli.console import Console
from mace.cli.execution import Target, devices_of, job_on_device, samples, targets
from mace.devices import Device
from mace.devices.job import Array
from mace.errors import EXIT_OK


def run(options: argparse.Namespace, console: Console) -> int:
    """Measures each model on each device."""
    console.result["benchmarks"] = []
    for target in targets(options):
        sample = samples(target, options.input_dir, 0, 1, console)[0]
        for device in devices_of(target, options):
            _measure(target, device, sample.arrays, options, console)
    return EXIT_OK


def _measure(
    target: Target,
    device: Device,
    arrays: dict[str, Array],
    options: argparse.Namespace,
    console: Console,
) -> None:
    with job_on_device(target, device, options) as job:
        info = device.info()
        console.say(f"measuring {target.name} on {info.name} ({info.abi})")
        outcome = job.benchmark(
            arrays,
            options.max_num_runs,
            options.max_seconds,
            options.warmup_runs,
            None if console.as_json else sys.stdout,
        )
    entry = {"model": target.name, "abi": target.abi, "device": vars(info)}
    console.result["benchmarks"].append({**entry, **outcome.figures})
