# SPDX-License-Identifier: Apache-2.0
"""`mace benchmark`: runs benchmark_model, whose eight sections of text are shown as they come."""

from __future__ import annotations

import argparse
import sys

from mace.cli.console import Console
from mace.cli.execution import job_on_device, samples, targets
from mace.errors import EXIT_OK


def run(options: argparse.Namespace, console: Console) -> int:
    """Measures each model on each device."""
    console.result["benchmarks"] = []
    for target in targets(options):
        sample = samples(target, options.input_dir, 0, 1, console)[0]
        with job_on_device(target, options) as (job, device):
            info = device.info()
            console.say(f"measuring {target.name} on {info.name} ({info.abi})")
            outcome = job.benchmark(
                sample.arrays,
                options.max_num_runs,
                options.max_seconds,
                options.warmup_runs,
                None if console.as_json else sys.stdout,
            )
        entry = {"model": target.name, "abi": target.abi, "device": vars(info)}
        console.result["benchmarks"].append({**entry, **outcome.figures})
    return EXIT_OK
