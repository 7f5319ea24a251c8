#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds Bazel targets for ABIs and runs them on devices: phones by adb, boards by ssh, emulated
ones, this machine. Examples:

  python tools/bazel_adb_run.py --target=//mace/ops:ops_test --run_target=True
  python tools/bazel_adb_run.py --target=//mace/ops:ops_test --run_target=True \\
      --device=emulated --target_abis=arm64-v8a --args="--gtest_filter=Conv2D*"
  python tools/bazel_adb_run.py --target=//mace/kernels/gemm:gemm_benchmark --run_target=True \\
      --target_abis=host --args="--filter=.*1x1.*"

Exit codes: 0 ok, 1 internal error, 2 wrong use or a failed build, 3 a test failed, 4 no device.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PYTHON = ROOT / ".venv" / "bin" / "python"
sys.path.insert(0, str(ROOT / "mace" / "python"))

try:
    from mace.build import Program, program
    from mace.cli.console import Console
    from mace.config.schema import ABIS
    from mace.devices import Device, Request, select_devices
    from mace.devices.program_output import (
        Benchmark,
        TestResult,
        benchmark_rows,
        read_benchmarks,
        read_tests,
    )
    from mace.errors import EXIT_OK, EXIT_USAGE, EXIT_VERDICT, MaceError
    from mace.graph import schema
except ModuleNotFoundError as missing:
    if _PYTHON.is_file() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
        os.execv(_PYTHON, [str(_PYTHON), __file__, *sys.argv[1:]])
    print(f"error: the Python package '{missing.name}' is not installed", file=sys.stderr)
    print("hint: run tools/setup.sh", file=sys.stderr)
    sys.exit(2)

_TESTS, _BENCHMARKS = "unittest_stdout_processor", "ops_benchmark_stdout_processor"
_RUNFILES, _STARTER = "runfiles.tar", "start.sh"
_COUNTS = "simpleperf.txt"
_SIMPLEPERF = (
    f"simpleperf stat -o {_COUNTS} --group cpu-cycles,instructions "
    "--group cache-references,cache-misses --group branch-instructions,branch-misses"
)


@dataclass
class Ran:
    """How one target ended on one device. counts: what simpleperf counted."""

    target: str
    abi: str
    device: str
    code: int
    seconds: float
    tests: TestResult | None = None
    benchmarks: list[Benchmark] = field(default_factory=list)
    counts: str = ""
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether all is well; a test program must also have come to its summary."""
        complete = self.tests is None or (self.tests.complete and not self.tests.failed)
        return self.code == 0 and complete and not self.problem


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither True nor False")
    return text.lower() in ("true", "1")


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _add_build(parser: argparse.ArgumentParser) -> None:
    """What the program is built with."""
    parser.add_argument(
        "--enable_neon",
        type=_boolean,
        nargs="?",
        const=True,
        default=True,
        metavar="BOOL",
        help="default: True; False: without NEON kernels",
    )
    parser.add_argument(
        "--enable_opencl",
        type=_boolean,
        nargs="?",
        const=True,
        help="with the GPU runtime; default: in benchmarks, whose names tell what runs on the GPU",
    )
    parser.add_argument(
        "--address_sanitizer",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        metavar="BOOL",
        help="build with AddressSanitizer, for this machine alone; default: False",
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/bazel_adb_run.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--target", type=_words, required=True, metavar="LABELS", help="with commas between them"
    )
    parser.add_argument(
        "--target_abis",
        type=_words,
        default=["arm64-v8a"],
        metavar="ABIS",
        help=f"{', '.join(ABIS)}, with commas between them; default: arm64-v8a",
    )
    parser.add_argument(
        "--target_socs",
        type=_words,
        default=["all"],
        metavar="SOCS",
        help="all (default), random, or names with commas between them",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "host", "emulated", "android", "arm_linux"),
        default="auto",
        help="auto (default): as mace run",
    )
    parser.add_argument(
        "--device_yml", default="", metavar="FILE", help="the file that describes boards with Linux"
    )
    parser.add_argument(
        "--run_target",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        help="False: only build",
    )
    parser.add_argument("--args", default="", help="arguments of the program, in one word")
    parser.add_argument(
        "--stdout_processor",
        choices=(_TESTS, _BENCHMARKS),
        help="what the output is; told from the target's name if left out",
    )
    _add_build(parser)
    parser.add_argument(
        "--simpleperf",
        type=_boolean,
        nargs="?",
        const=True,
        default=False,
        help="also show what Android's profiler counts; only with --device=android",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=3600.0,
        metavar="SECONDS",
        help="end a program that takes more seconds than these (default 3600)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document alone")
    options = parser.parse_args(arguments)
    for abi in options.target_abis:
        if abi not in ABIS:
            parser.error(f"there is no ABI '{abi}'; it is one of {', '.join(ABIS)}")
    if options.address_sanitizer and options.target_abis != ["host"]:
        parser.error("--address_sanitizer: only for --target_abis=host, which has its libraries")
    if options.simpleperf and options.device != "android":
        parser.error("--simpleperf: it is a program of Android phones; add --device=android")
    return options


def _flags(options: argparse.Namespace, label: str) -> list[str]:
    opencl = label.endswith("benchmark")
    if options.enable_opencl is not None:
        opencl = options.enable_opencl
    flags = [f"--define=neon={str(options.enable_neon).lower()}"]
    flags.append(f"--define=opencl={str(opencl).lower()}")
    return [*flags, "--config=asan"] if options.address_sanitizer else flags


def _arguments(options: argparse.Namespace, is_benchmark: bool) -> list[str]:
    words = shlex.split(options.args)
    if not is_benchmark:
        return [_test_filter(word) for word in words]
    words = [
        f"--benchmark_filter={_expression(word.partition('=')[2])}"
        if word.startswith("--filter=")
        else word
        for word in words
    ]
    return [*words, "--benchmark_format=json"]


def _test_filter(word: str) -> str:
    """An argument of a test program. Conv2dOpTest*, as earlier tests of operators were called,
    stands for Conv2DTest* too."""
    flag, _, patterns = word.partition("=")
    if flag != "--gtest_filter":
        return word
    names = {name.lower(): name for name in schema.operators()}
    wanted, minus, others = patterns.partition("-")
    added = [
        re.sub(r"^\w+OpTest", f"{names[match[1].lower()]}Test", pattern)
        for pattern in wanted.split(":")
        if (match := re.match(r"(\w+)OpTest", pattern)) and match[1].lower() in names
    ]
    return f"{flag}={':'.join([wanted, *added])}{minus}{others}"


def _expression(pattern: str) -> str:
    """A regular expression. A star after a letter, digit or '_' stands for anything, as in
    MACE_BM_CONV_2D_*_GPU."""
    return re.sub(r"(?<=\w)\*", ".*", pattern)


def _run(
    made: Program, label: str, device: Device, options: argparse.Namespace, console: Console
) -> Ran:
    processor = options.stdout_processor or (_BENCHMARKS if label.endswith("benchmark") else _TESTS)
    is_benchmark = processor == _BENCHMARKS
    show = None if console.as_json or is_benchmark else sys.stdout
    arguments = _arguments(options, is_benchmark)
    with device.lock():
        try:
            info = device.info()
            console.say(f"running {label} on {info.name} ({info.abi})")
            start = _push(made, device, options.simpleperf)
            result = device.run(start, arguments, {}, options.timeout, show)
            counts = _counts(device) if options.simpleperf else ""
        finally:
            device.clean()
    ran = Ran(label, device.abi, info.name, result.code, result.seconds, counts=counts)
    if options.simpleperf and not counts:
        ran.problem = f"simpleperf counted nothing: {result.last_line()}"
    if is_benchmark and result.code == 0:
        ran.benchmarks = read_benchmarks(result.stdout)
        if not ran.benchmarks:
            lines = result.stderr.strip().splitlines()
            ran.problem = f"no benchmark ran: {lines[-1] if lines else '--args leaves none'}"
    elif not is_benchmark:
        ran.tests = read_tests(result.stdout)
        if ran.code == 0 and ran.tests.complete and not ran.tests.passed + ran.tests.skipped:
            ran.problem = "no test ran: --args leaves none"
    return ran


def _counts(device: Device) -> str:
    """What simpleperf wrote, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _COUNTS)
        return path.read_text(encoding="utf-8") if device.pull(_COUNTS, path) else ""


def _push(made: Program, device: Device, count: bool) -> str:
    """Copies the program and what it reads; the name of what is to be started. count: by
    simpleperf."""
    device.push(made.path, made.path.name)
    if made.runfiles is None and not count:
        return made.path.name
    lines = ["#!/bin/sh", "set -e", 'top="$PWD"']
    if made.runfiles is not None:
        device.push(made.runfiles, _RUNFILES)
        lines += [f"tar -xf {_RUNFILES}", 'export TEST_SRCDIR="$PWD"', f"cd {made.workspace}"]
    program = f'"$top"/{shlex.quote(made.path.name)} "$@"'
    counting = _SIMPLEPERF.replace(_COUNTS, f'"$top"/{_COUNTS}')
    lines.append(f"exec {counting} {program}" if count else f"exec {program}")
    starter = made.path.with_name(_STARTER)
    starter.write_text("\n".join(lines) + "\n", encoding="utf-8")
    starter.chmod(0o755)
    device.push(starter, _STARTER)
    return _STARTER


def _show(rans: list[Ran], console: Console) -> None:
    for ran in rans:
        if ran.benchmarks:
            console.out(f"{ran.target} on {ran.device} ({ran.abi})")
            header = ("Benchmark", "Time (ns)", "Iterations", "Input (MB/s)", "GMACPS")
            console.table(header, benchmark_rows(ran.benchmarks), "lrrrr")
            console.out()
    rows = []
    for ran in rans:
        tests = ran.tests
        counted = f"{tests.passed} passed, {len(tests.failed)} failed" if tests else ""
        end = f"ended with {ran.code}" if ran.code >= 0 else f"ended by signal {-ran.code}"
        unfinished = "no summary" if tests and not tests.complete and ran.code == 0 else end
        verdict = "ok" if ran.passed else ran.problem or unfinished
        rows.append([ran.target, ran.abi, ran.device, verdict, counted, f"{ran.seconds:.1f}"])
    console.table(("target", "ABI", "device", "result", "tests", "s"), rows, "lllllr")
    for ran in rans:
        if ran.counts:
            console.out(f"{ran.target} on {ran.device} ({ran.abi}):\n{ran.counts.rstrip()}")
        for name in ran.tests.failed if ran.tests else []:
            console.out(f"FAILED: {name} ({ran.abi}, {ran.device})")


def _all(options: argparse.Namespace, console: Console) -> int:
    rans: list[Ran] = []
    failed: list[MaceError] = []
    for abi in options.target_abis:
        request = Request(options.device, options.device_yml, options.target_socs)
        folder = ROOT / "builds" / "bazel_adb_run" / abi
        for label in options.target:
            if not options.run_target:
                build = f"android-{abi}" if options.device == "android" else abi
                console.out(f"built {program(ROOT, label, build, _flags(options, label)).path}")
                continue
            for device in select_devices(abi, folder, request):
                made = program(ROOT, label, device.build, _flags(options, label))
                try:
                    rans.append(_run(made, label, device, options, console))
                except MaceError as error:
                    # What other devices gave is worth having all the same.
                    console.say(f"{label} did not come to its end: {error}")
                    failed.append(error)
    if rans:
        _show(rans, console)
    results: list[dict[str, Any]] = [{**asdict(ran), "passed": ran.passed} for ran in rans]
    console.result["runs"] = results
    if failed:
        raise failed[0]
    return EXIT_OK if all(ran.passed for ran in rans) else EXIT_VERDICT


def main(arguments: list[str]) -> int:
    """Runs the tool; returns the exit code."""
    options = _parse(arguments)
    console = Console("bazel_adb_run", options.json)
    try:
        code = _all(options, console)
    except MaceError as error:
        console.error(error)
        console.finish(error.exit_code or EXIT_USAGE, error)
        return error.exit_code
    console.finish(code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
