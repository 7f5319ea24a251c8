# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of MACE and ends with one line: "N passed, N failed".

tools/test.sh calls it once everything is installed.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import manifest
import results
from results import Case, Step

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "builds" / "test"
MANIFEST = ROOT / "test" / "test_manifest.txt"

_BAZEL_TARGETS = ["//mace/...", "//test/..."]
_PYTEST_FOLDERS = ["mace/python", "test", "tools"]

# The configurations of every run, and those of every night. The names are those of .bazelrc.
_DEFAULT = ["host", "gpu", "arm64-v8a", "armeabi-v7a"]
# What is tested in a configuration that repeats others but for a part of the engine.
_GPU = ["//mace/ops/opencl/...", "//mace/runtimes/opencl/..."]
_GPU_API = [f"//test/api:{name}_test" for name in ("gpu", "gpu_failure", "gpu_extensions", "c_api")]
_TARGETS = {
    "gpu": [*_GPU, *_GPU_API],
    "oclgrind": ["//mace/ops/opencl:gpu_ops_test", "//test/api:gpu_test"],
}
_CLANG = ["host-clang", "arm64-v8a-clang", "armeabi-v7a-clang"]
_ISAS = ["isa-reference", "isa-sse4", "isa-avx2"]
_CORES = ["cortex-a76", "cortex-a53", "cortex-a15"]
_NIGHTLY = [*_ISAS, *_CORES, "asan", "ubsan", "tsan", "oclgrind", *_CLANG]
_PYTHON = "python"

_EPILOG = f"""\
Steps: host, gpu (on PoCL), arm64-v8a and armeabi-v7a (both emulated) with Bazel, then python with
pytest.
--nightly adds the pytest cases marked "nightly", and
{", ".join(_NIGHTLY)}.

Results with all names go to builds/test/results.json. A test listed in test/test_manifest.txt that
did not run is a failure.

Exit codes: 0 all passed, 1 a test or a build failed, 2 wrong use, 4 something must be installed by
hand.
"""


def main(arguments: Sequence[str]) -> int:
    """Runs what the arguments ask for; returns the exit code."""
    options = _parse(arguments)
    try:
        expected = manifest.read(MANIFEST)
    except ValueError as error:
        print(f"test: {error}", file=sys.stderr)
        return 2
    OUTPUT.mkdir(parents=True, exist_ok=True)
    steps = []
    for name in options.steps:
        print(f"== {name}", flush=True)
        start = time.monotonic()
        step = _run_python(options.nightly) if name == _PYTHON else _run_bazel(name)
        step.name, step.seconds = name, time.monotonic() - start
        steps.append(step)
    if options.update_manifest:
        expected |= {s.name: _to_list(expected, s) for s in steps if s.name in _recorded()}
        manifest.write(MANIFEST, expected)
        print(f"wrote {MANIFEST.relative_to(ROOT)}")
    for step in steps:
        step.cases += _lost_cases(expected, step)
    _write_results(steps)
    return _report(steps, options.all_steps)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tools/test.sh",
        description="Installs what is missing, then runs every test.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="host and python alone")
    parser.add_argument("--nightly", action="store_true", help="also what takes long")
    parser.add_argument(
        "--abis",
        metavar="LIST",
        help="these steps alone, separated by commas, such as host,arm64-v8a or python; "
        "any configuration of .bazelrc will do",
    )
    parser.add_argument(
        "--update-manifest",
        action="store_true",
        help="list what ran in test/test_manifest.txt, in place of what it says of these steps",
    )
    options = parser.parse_args(arguments)
    if options.abis is not None and (options.quick or options.nightly):
        parser.error("--abis names the steps; leave out --quick and --nightly")
    options.all_steps = _recorded() + (_NIGHTLY if options.nightly else [])
    if options.abis is not None:
        options.steps = [word for word in options.abis.split(",") if word]
        if not options.steps:
            parser.error("--abis names no step")
    elif options.quick:
        options.steps = ["host", _PYTHON]
    else:
        options.steps = options.all_steps
    return options


def _recorded() -> list[str]:
    return [*_DEFAULT, _PYTHON]


def _run_bazel(config: str) -> Step:
    if config in _CLANG and shutil.which("clang-19") is None:
        return Step(config, notes=["clang-19 is not installed: tools/setup.sh --clang"])
    events = OUTPUT / f"{config}.events.json"
    events.unlink(missing_ok=True)
    command = ["bazel", "test", f"--config={config}", "--keep_going"]
    command += ["--color=no", "--curses=no", "--show_progress_rate_limit=30"]
    command += ["--test_summary=none", f"--build_event_json_file={events}"]
    if config != "host":
        # The links bazel-bin and the like stay with the host's build, where Python looks.
        command.append("--symlink_prefix=/")
    command += _TARGETS.get(config, _BAZEL_TARGETS)
    try:
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
    except OSError as error:
        return Step(config, [Case("bazel", "", "failed", f"cannot be started: {error}")])
    return results.parse_bazel(events, code)


def _run_python(nightly: bool) -> Step:
    report = OUTPUT / "pytest.xml"
    report.unlink(missing_ok=True)
    folders = [f for f in _PYTEST_FOLDERS if any((ROOT / f).rglob("test_*.py"))]
    if not folders:
        return Step(_PYTHON, notes=["there are no Python tests"])
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # xunit1 is the dialect that names the file of a case. Unless told, pytest enters no "build".
    command += ["-n", "auto", "--dist", "loadfile", "-o", "junit_family=xunit1"]
    command += ["-o", "norecursedirs=.* *.egg venv"]
    command += [f"--junitxml={report}", *(() if nightly else ("-m", "not nightly"))]
    paths = [str(ROOT / "mace" / "python"), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    code = subprocess.run([*command, *folders], cwd=ROOT, env=environment, check=False).returncode
    step = Step(_PYTHON, results.parse_junit(report))
    if code not in (0, 1) or (code == 1 and not step.count("failed")):
        message = f"ended with exit code {code}, see above"
        step.cases.append(Case("pytest", "", "failed", message))
    return step


def _to_list(expected: dict[str, set[str]], step: Step) -> set[str]:
    """What the manifest shall list of a step. What is broken just now is not gone for that."""
    broken = {case.group for case in step.cases if case.status == "failed"}
    return step.groups() | (expected.get(step.name, set()) & broken)


def _lost_cases(expected: dict[str, set[str]], step: Step) -> list[Case]:
    message = (
        "is listed in test/test_manifest.txt and did not run; if it is gone for a reason, "
        "run tools/test.sh --update-manifest"
    )
    already = {case.group for case in step.cases if case.status == "failed"}
    return [
        Case(group, "", "failed", message)
        for group in manifest.lost(expected, step.name, step.groups())
        if group not in already
    ]


def _write_results(steps: Sequence[Step]) -> None:
    content = {
        "passed": sum(step.count("passed") for step in steps),
        "failed": sum(step.count("failed") for step in steps),
        "skipped": sum(step.count("skipped") for step in steps),
        "steps": [dataclasses.asdict(step) for step in steps],
    }
    path = OUTPUT / "results.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _report(steps: Sequence[Step], all_steps: Sequence[str]) -> int:
    print("== summary")
    for step in steps:
        for note in step.notes:
            print(f"{step.name}: passed over: {note}")
        for case in step.cases:
            if case.status != "passed":
                name = f"{case.group} {case.name}".strip()
                print(f"{step.name}: {case.status}: {name}: {case.message}")
    names = {step.name for step in steps}
    for name in all_steps:
        if name not in names:
            print(f"{name}: passed over: not asked for")
    for step in steps:
        print(
            f"{step.name}: {step.count('passed')} passed, {step.count('failed')} failed, "
            f"{step.count('skipped')} skipped in {step.seconds:.0f} s"
        )
    passed = sum(step.count("passed") for step in steps)
    failed = sum(step.count("failed") for step in steps)
    if not passed and not failed:
        print("no test was found")
        failed = 1
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
