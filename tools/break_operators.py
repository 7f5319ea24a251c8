#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks operators on purpose and sees whether a test fails: what survives is not tested.

    python tools/break_operators.py --count 20 --seed 1

One small break at a time is made in a copy of the tree, never in the tree itself.
Exit codes: 0 all were caught, 1 one survived, 2 wrong use."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = ROOT / "tools" / "testing" / "equivalent_breaks.txt"
sys.path.insert(0, str(ROOT / "tools" / "testing"))

import mutations  # noqa: E402

# How often another break is tried where one does not compile.
_TRIES = 8
# Fewer places to break than this, and the sources that an operator shares are broken as well.
_LITTLE = 3
# What more operators share than this is for other tests to prove.
_FEW = 4
_OPERATOR_TEST, _LIBRARY = "//mace/ops:ops_test", "//mace/libmace:libmace.so"
# What Bazel's exit codes mean to us.
_PASSED, _NO_BUILD, _FAILED = 0, 1, 3
_SECONDS = 120
_ENGINE = "mace/python/tests/runtime"
_IMPORTERS = [f"mace/python/tests/{name}" for name in ("onnx", "tensorflow", "caffe")]


@dataclass
class Break:
    """One break and what became of it; `caught_by` is empty when every test passed."""

    operator: str
    file: str
    line: int
    code: str
    old: str
    new: str
    caught_by: str
    seconds: float


class Copy:
    """A copy of the tree in which sources are broken; builds and tests run there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def renew(self) -> None:
        """Makes the copy what git knows of the tree, changes and new files included."""
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        names = {n for n in os.fsdecode(listed.stdout).split("\0") if n and (ROOT / n).is_file()}
        for name in sorted(names):
            source, target = ROOT / name, self.folder / name
            if target.is_file() and target.read_bytes() == source.read_bytes():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        for old in self._files():
            if str(old.relative_to(self.folder)) not in names:
                old.unlink()

    def _files(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(self.folder):
            folders[:] = [f for f in folders if f != "__pycache__"]
            yield from (Path(folder, f) for f in files if not Path(folder, f).is_symlink())

    def bazel(self, *arguments: str) -> int:
        """Runs Bazel in the copy and returns its exit code; what it says goes to a log."""
        command = shlex.split(os.environ.get("MACE_BAZEL", "bazel"))
        with (self.folder.parent / "break_operators.log").open("ab") as log:
            done = subprocess.run(
                [*command, *arguments], cwd=self.folder, stdout=log, stderr=log, check=False
            )
        return done.returncode

    def operator_test(self, pattern: str, jobs: int) -> int:
        """Runs the operator's own test; Bazel's exit code."""
        return self.bazel(
            "test",
            f"--jobs={jobs}",
            f"--test_filter={pattern}",
            "--test_sharding_strategy=disabled",
            f"--test_timeout={_SECONDS}",
            "--remote_upload_local_results=false",
            _OPERATOR_TEST,
        )

    def importer_tests(self, jobs: int) -> str:
        """Runs the importers' tests on the broken library; the one that failed, or nothing."""
        if self.bazel("build", f"--jobs={jobs}", _LIBRARY):
            return ""
        library = self.folder / "bazel-bin" / "mace" / "libmace" / "libmace.so"
        environment = {**os.environ, "MACE_LIBRARY": str(library), "PYTHONPATH": "mace/python"}
        suites = {
            "runtime tests": [sys.executable, "-m", "pytest", "-xq", _ENGINE],
            "onnx conformance": [sys.executable, "tools/onnx_conformance.py"],
            "importer tests": [sys.executable, "-m", "pytest", "-xq", *_IMPORTERS],
        }
        for name, command in suites.items():
            done = subprocess.run(
                command, cwd=self.folder, env=environment, capture_output=True, check=False
            )
            if done.returncode:
                return name
        return ""


def sources(file: str) -> list[str]:
    """What an operator is made of: its source and, where that holds little, what it shares."""
    path = ROOT / file
    text = path.read_text()
    if len(mutations.mutations(text)) >= _LITTLE:
        return [file]
    shared = [n for n in _included(text) if len(_users(n)) <= _FEW and path.stem != n]
    found = [path.with_name(f"{name}.cc") for name in shared]
    return [file, *(str(p.relative_to(ROOT)) for p in found if p.is_file())]


def _included(text: str) -> list[str]:
    return re.findall(r'#include "mace/ops/(\w+)\.h"', text)


def _users(name: str) -> list[Path]:
    """The sources that include a header of mace/ops."""
    folder = ROOT / "mace" / "ops"
    return [p for p in folder.glob("*.cc") if name in _included(p.read_text())]


def test_pattern(operator_source: Path) -> str:
    """A filter for the cases of an operator's own test."""
    test = operator_source.with_name(operator_source.stem + "_test.cc")
    suites = sorted(set(re.findall(r"^TEST(?:_F)?\((\w+),", test.read_text(), re.MULTILINE)))
    return ":".join(f"{suite}.*" for suite in suites)


def operators() -> dict[str, str]:
    """The source of each operator of ops.yml, relative to the root."""
    names = yaml.safe_load((ROOT / "mace" / "ops" / "ops.yml").read_text())["operators"]
    files = {
        path.stem.replace("_", ""): path
        for path in sorted((ROOT / "mace" / "ops").glob("*.cc"))
        if not path.stem.endswith(("_test", "_test_util"))
    }
    return {name: str(files[name.lower()].relative_to(ROOT)) for name in names}


def break_one(copy: Copy, name: str, file: str, options: argparse.Namespace) -> Break | None:
    """Breaks one operator; None when no break of it compiles."""
    texts = {source: (copy.folder / source).read_text() for source in sources(file)}
    unseen = equivalent()
    choices = [
        (source, chosen)
        for source, text in texts.items()
        for chosen in mutations.mutations(text)
        if (source, chosen.shown(text)) not in unseen
    ]
    random.Random(f"{options.seed} {name}").shuffle(choices)
    started = time.monotonic()
    for source, chosen in choices[:_TRIES]:
        text = texts[source]
        try:
            (copy.folder / source).write_text(chosen.applied(text))
            code = copy.operator_test(test_pattern(ROOT / file), options.jobs)
            if code == _NO_BUILD:
                continue
            if code not in (_PASSED, _FAILED):
                raise SystemExit(f"Bazel ended with {code}: see break_operators.log")
            caught = "operator test" if code == _FAILED else ""
            if not caught and options.importers:
                caught = copy.importer_tests(options.jobs)
        finally:
            (copy.folder / source).write_text(text)
        line, shown = chosen.line(text), chosen.shown(text)
        old, new = chosen.old.strip(), chosen.new.strip()
        return Break(name, source, line, shown, old, new, caught, time.monotonic() - started)
    return None


def equivalent() -> set[tuple[str, str]]:
    """The breaks (source, broken line) that change nothing that can be seen."""
    rows = EQUIVALENT.read_text().splitlines()
    cells = [row.split(" | ") for row in rows if row and not row.startswith("#")]
    return {(cell[0].strip(), cell[1].strip()) for cell in cells}


def run(options: argparse.Namespace) -> int:
    """Breaks the chosen operators one after the other; 1 if a break survived."""
    known = operators()
    unknown = sorted(set(options.operators) - set(known))
    if unknown:
        raise SystemExit(f"ops.yml has no operator {', '.join(unknown)}")
    order = sorted(known)
    random.Random(options.seed).shuffle(order)
    copy = Copy(options.folder / "tree")
    copy.folder.mkdir(parents=True, exist_ok=True)
    copy.renew()
    found: list[Break] = []
    print("| operator | place | was | is | caught by | seconds |\n|---|---|---|---|---|---|")
    try:
        if copy.operator_test("*", options.jobs) != _PASSED:
            raise SystemExit("the tests fail without a break: see break_operators.log")
        for name in options.operators or order:
            if len(found) == (len(options.operators) or options.count):
                break
            result = break_one(copy, name, known[name], options)
            if result is None:
                continue
            found.append(result)
            place = f"{Path(result.file).name}:{result.line} `{result.code}`"
            said = result.caught_by or "**survived**"
            print(
                f"| {name} | {place} | `{result.old}` | `{result.new}` | {said} "
                f"| {result.seconds:.0f} |",
                flush=True,
            )
    finally:
        copy.bazel("shutdown")
    survived = [b for b in found if not b.caught_by]
    print(f"\n{len(found)} broken, {len(found) - len(survived)} caught, {len(survived)} survived")
    if options.json:
        rows = {"seed": options.seed, "breaks": [asdict(b) for b in found]}
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 1 if survived else 0


def main(arguments: Sequence[str]) -> int:
    """Reads the command line."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("operators", nargs="*", metavar="OPERATOR", help="these, not random ones")
    parser.add_argument(
        "--count", type=int, default=20, metavar="N", help="how many operators (default 20)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="chooses operators and breaks (default 1)"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="of the build (default 2)")
    parser.add_argument(
        "--importers",
        action="store_true",
        help="where an operator's own test passes, run the importers' tests too (minutes each)",
    )
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    parser.add_argument(
        "--folder",
        type=Path,
        default=cache / "mace" / "break_operators",
        help="of the copy; default: in the cache folder",
    )
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
