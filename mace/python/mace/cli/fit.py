# SPDX-License-Identifier: Apache-2.0
"""`mace dev fit`: measures all ways of 3x3 and 1x1 convolutions on a grid, fits the costs by which
the engine chooses between them, says how good its choices are, and with --write changes them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mace import build, kernel_costs
from mace.cli.console import Console
from mace.errors import EXIT_OK, MaceError
from mace.kernel_costs import Choice, Costs, Fit, Timing
from mace.resources import source_root

_PROGRAM = "//mace/kernels/conv:conv_costs"
# Image, input and output channels, /1 for 1x1 windows: of ResNet50, SqueezeNet, InceptionV3, VGG,
# detectors; and some that keep units of work apart which otherwise grow together.
_LAYERS = (
    "224x16x16,112x32x32,112x64x64,147x32x64,71x80x192,80x64x64,56x64x64,56x64x128,56x128x128,"
    "55x16x64,40x128x128,38x64x64,35x48x64,35x64x96,35x96x96,28x32x32,28x64x64,28x128x128,"
    "28x256x256,27x32x128,20x64x64,20x256x256,19x128x128,17x128x192,14x64x64,14x128x128,14x256x256,"
    "14x512x512,13x48x192,13x64x256,10x64x64,10x256x256,8x448x384,8x128x128,7x64x64,7x160x320,"
    "7x256x256,7x512x512,5x512x512,4x128x128,4x512x512,2x256x256,1x512x512,"
    "35x288x256/1,28x256x320/1,28x512x192/1,28x512x256/1,17x768x128/1,17x768x192/1,"
    "14x256x512/1,14x512x512/1,14x256x1024/1,14x1024x256/1,14x1024x512/1,10x512x512/1,10x384x256/1"
)
# The emulator executes some hundred million instructions a second.
_EMULATED_LAYERS = (
    "56x64x64,55x16x64,35x64x96,35x96x96,28x32x32,28x128x128,27x32x128,14x16x32,14x64x64,14x128x128,"
    "14x256x256,13x48x192,13x64x256,10x8x16,10x64x64,8x128x128,8x448x384,7x16x16,7x64x64,7x256x256,"
    "7x512x512,4x8x32,4x128x128,2x64x64,1x64x64,1x512x512,28x256x320/1,17x768x192/1,14x256x512/1,"
    "14x512x512/1,14x1024x256/1,10x384x256/1"
)
# Row, and the core by whose model executed instructions are weighed. Of those in 32-bit phones
# llvm-mca has no model that can be used, so that the nearest one with a model stands for them.
_EMULATED = {"arm64-v8a": ("neon", "neoverse-n1"), "armeabi-v7a": ("neon_armv7", "cortex-a57")}
_WORST = 8


def run(options: argparse.Namespace, console: Console) -> int:
    """Measures or reads measurements, fits, reports, writes."""
    root = source_root()
    if root is None:
        raise MaceError("kernels are fitted in a source tree, and this is an installed package")
    records = _load(options.timings) if options.timings else _measure(options, root, console)
    if options.save:
        text = "".join(json.dumps(record) + "\n" for record in records)
        Path(options.save).write_text(text, encoding="utf-8")
    row = str(records[0]["isa"])
    if options.isa and row != options.isa:
        raise MaceError(
            f"the measurements are those of '{row}', and '{options.isa}' was asked for",
            hint="fit an instruction set on a machine that has it",
        )
    timings = [
        Timing(r["layer"], r["way"], r["nanoseconds"], r["work"]) for r in records if "layer" in r
    ]
    result = kernel_costs.fit(timings)
    before = kernel_costs.read(root, row)
    byte = float(records[0].get("byte_nanoseconds") or 0) / result.unit
    _report(console, row, result, before, timings, byte, str(records[0].get("unit", "ns")))
    if options.write:
        path = root / kernel_costs.COSTS
        old = path.read_text(encoding="utf-8")
        new = kernel_costs.renewed(old, row, result.costs)
        path.write_text(new, encoding="utf-8")
        console.out(f"{kernel_costs.COSTS} has the new costs of {row}")
    return EXIT_OK


def _load(names: str) -> list[dict[str, Any]]:
    """Measurements that --save wrote, the least of several files."""
    best: list[dict[str, Any]] = []
    for name in names.split(","):
        try:
            records = [json.loads(line) for line in Path(name).read_text("utf-8").splitlines()]
            if "isa" not in records[0]:
                raise ValueError("the first line names no instruction set")
        except (OSError, ValueError, IndexError) as error:
            raise MaceError(f"'{name}' has no measurements: {error}") from None
        if best and [_key(r) for r in best] != [_key(r) for r in records]:
            raise MaceError(f"'{name}' measures other kernels or layers than the files before it")
        best = _least(best, records)
    return best


def _key(record: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(record.get(name)) for name in ("isa", "layer", "way"))


def _least(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The new records with the times of old ones of the same kernels that are less."""
    for before, record in zip(old, new, strict=False):
        for name in ("nanoseconds", "byte_nanoseconds"):
            if name in before:
                record[name] = min(before[name], record[name])
    return new


def _measure(options: argparse.Namespace, root: Path, console: Console) -> list[dict[str, Any]]:
    """Builds the program and runs it: first the machine, then every layer by every way."""
    emulated = options.abi != "host"
    layers = (options.layers or (_EMULATED_LAYERS if emulated else _LAYERS)).split(",")
    with console.step(f"building {_PROGRAM} for {options.abi}"):
        program = build.program(root, _PROGRAM, options.abi, ["-c", "opt"]).path
    if emulated:
        return _count(
            options.abi, root, [str(program), "--runs=1", "--seconds=0", *layers], console
        )
    environment = dict(os.environ)
    if options.isa:
        environment["MACE_ISA"] = options.isa
    words = [str(program), f"--runs={options.runs}", f"--seconds={options.seconds}", *layers]
    best: list[dict[str, Any]] = []
    for turn in range(options.rounds):
        console.say(f"measuring {len(layers)} layers, round {turn + 1} of {options.rounds}")
        best = _least(best, _run(words, environment, console))
    return best


def _run(words: list[str], environment: dict[str, str], console: Console) -> list[dict[str, Any]]:
    """What the program measures in one round."""
    records: list[dict[str, Any]] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            records.append(json.loads(line))
            console.detail(f"  {line.rstrip()}")
    _check(process.returncode, records, words)
    return records


def _count(abi: str, root: Path, words: list[str], console: Console) -> list[dict[str, Any]]:
    """The same under the emulator, by cycles that llvm-mca gives the executed instructions."""
    spec = importlib.util.spec_from_file_location("arm_count", root / "tools" / "arm_count.py")
    assert spec is not None and spec.loader is not None
    arm_count = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = arm_count  # its dataclasses look there
    spec.loader.exec_module(arm_count)
    row, core = _EMULATED[abi]
    doing = f"counting instructions of {abi}"
    with tempfile.TemporaryDirectory() as folder, console.step(doing):
        done, trace = arm_count.emulate(words, abi, "", False, Path(folder))
    records = [json.loads(line) for line in done.stdout.splitlines()]
    _check(done.returncode, records, words)
    # The clock is read before and after each way.
    intervals = trace.intervals[1::2]
    ways = [record for record in records if "layer" in record]
    if len(intervals) < len(ways):
        raise MaceError(f"the emulator counted {len(intervals)} of {len(ways)} ways")
    triple = arm_count.ABIS[abi][3]
    with console.step(f"weighing them by the model of {core}"):
        for record, interval in zip(ways, intervals, strict=False):
            record["instructions"] = trace.instructions(interval)
            record["nanoseconds"] = arm_count.mca_cycles(trace, interval, triple, core)
    records[0] |= {"isa": row, "unit": f"cycles of {core}"}
    return records


def _check(status: int, records: list[dict[str, Any]], words: list[str]) -> None:
    if status != 0 or len(records) < 2:
        raise MaceError(
            f"{Path(words[0]).name} ended with {status} after {len(records)} measurements",
            hint="layers are written as 56x64x128 or, for 1x1 windows, 14x256x512/1",
        )


def _report(
    console: Console,
    row: str,
    result: Fit,
    before: Costs,
    timings: list[Timing],
    byte: float,
    unit: str,
) -> None:
    known = {**before, **result.costs}
    found = {
        "now": kernel_costs.choices(timings, before),
        "new": kernel_costs.choices(timings, known),
    }
    console.out(f"{row}: a multiply-add of the product takes {result.unit:.4g} {unit}")
    if byte:
        console.out(f"a byte leaves the L2 cache and comes back in the time of {byte:.3g} of them")
        console.out("if nothing else goes on meanwhile, so that the byte of chains must be less")
    rows = []
    for way, units in result.costs.items():
        mean, largest = result.errors[way]
        numbers = [f"{units[name]:.4g}" for name in kernel_costs.UNITS]
        rows.append([way, *numbers, f"{mean:.1%}", f"{largest:.1%}"])
    header = ("way", *kernel_costs.UNITS, "error", "largest")
    console.table(header, rows, "l" + "r" * 7)
    for name, list_ in found.items():
        _tell(console, "as the table is" if name == "now" else "as fitted", list_)
    console.result |= {
        "isa": row,
        "unit": {"kind": unit, "of_a_multiply_add": result.unit},
        "byte": byte,
        "costs": result.costs,
        "errors": {way: {"rms": e[0], "largest": e[1]} for way, e in result.errors.items()},
        "choices": {
            name: kernel_costs.summary(list_) | {"by_layer": [vars(c) for c in list_]}
            for name, list_ in found.items()
        },
    }


def _tell(console: Console, name: str, found: list[Choice]) -> None:
    """How good the choices are, and the worst of them."""
    s = kernel_costs.summary(found)
    console.out(
        f"{name}: the fastest way is chosen for {s['fastest']:.0f} of {s['layers']:.0f} layers, "
        f"{s['wrong']:.0f} lose more than {kernel_costs.TOLERANCE:.0%}, "
        f"the mean loss is {s['mean_loss']:.2%}, the largest {s['largest_loss']:.1%}"
    )
    for choice in sorted(found, key=lambda c: -c.loss)[:_WORST]:
        if choice.loss > kernel_costs.TOLERANCE:
            console.out(
                f"  {choice.layer}: {choice.chosen} takes {choice.loss:.1%} more than "
                f"{choice.fastest}"
            )
