#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deploys a model in every form on every ABI, as an application outside the tree would, and shows
what came of it: libmace.so and libmace.a with the model in files, the model as code, and the model
as straight-line code; each built, run, and compared with the model's own framework.

  python tools/deployment_table.py test/zoo/mobilenet_v1.yml
  python tools/deployment_table.py test/zoo/mobilenet_v1.yml --abis=linux-x86-64 --forms=a,static
  python tools/deployment_table.py test/zoo/mobilenet_v1.yml --device_yml=boards.yml --record

Phones' ABIs are emulated. The ABIs of boards run on the boards of --device_yml, and without it on one
that this machine pretends (test/devices/ssh_board.py). --record puts the table into
docs/deployment.md. Exit codes: 0 all is well, 2 wrong use, 3 a form does not build, run or agree.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
for _folder in (ROOT / "mace" / "python", ROOT / "test" / "devices"):
    sys.path.insert(0, str(_folder))

from mace.cli.main import main as mace  # noqa: E402
from mace.config.loader import load_deployment  # noqa: E402
from mace.config.schema import Deployment  # noqa: E402
from mace.devices import Device, Request, select_devices  # noqa: E402
from mace.errors import EXIT_OK, EXIT_USAGE, EXIT_VERDICT, MaceError  # noqa: E402
from mace.model_file import read_interface  # noqa: E402
from mace.packaging.libraries import build_libraries, check_abis, write_public_headers  # noqa: E402
from mace.validation.inputs import random_inputs  # noqa: E402
from mace.validation.metrics import cosine_similarity  # noqa: E402
from mace.validation.reference import Reference  # noqa: E402

from mace import api  # noqa: E402

APPLICATION = ROOT / "test" / "packaging" / "application" / "deployed.cc"
DOCUMENT = ROOT / "docs" / "deployment.md"
LEAST_SIMILARITY = 0.99999
# ABI of a library -> what deployment files call it, and the prefix of its compiler.
ABIS = {
    "linux-x86-64": ("host", ""),
    "arm64-v8a": ("arm64-v8a", "aarch64-linux-gnu-"),
    "armeabi-v7a": ("armeabi-v7a", "arm-linux-gnueabihf-"),
    "aarch64_linux_gnu": ("arm64", "aarch64-linux-gnu-"),
    "arm_linux_gnueabihf": ("armhf", "arm-linux-gnueabihf-"),
}
BOARDS = ("arm64", "armhf")
FORMS = {
    "so": "libmace.so",
    "a": "libmace.a",
    "code": "as code",
    "static": "straight-line code",
}
COLUMNS = (
    "ABI",
    "where",
    "form",
    "builds",
    "runs",
    "similarity",
    "program (bytes)",
    "of it machine code",
    "start-up (ms)",
    "first inference (ms)",
)


@dataclass
class Row:
    """One form on one ABI. size: of the stripped program, or of libmace.so where it is apart; code:
    bytes of it that are instructions. Times as the application measures them."""

    abi: str
    form: str
    where: str = ""
    builds: bool = False
    runs: bool = False
    similarity: float = float("nan")
    size: int = 0
    code: int = 0
    startup_ms: float = float("nan")
    first_ms: float = float("nan")
    problem: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it builds, runs and agrees."""
        return self.builds and self.runs and self.similarity >= LEAST_SIMILARITY

    def cells(self) -> list[str]:
        """As the table shows it."""
        if not self.runs:
            done = ["yes" if self.builds else "no", "no", self.problem, *[""] * 4]
        else:
            times = (self.startup_ms, self.first_ms)
            done = ["yes", "yes", f"{self.similarity:.8f}", f"{self.size:,}", f"{self.code:,}"]
            done += [f"{time:,.2f}" if time < 10 else f"{time:,.0f}" for time in times]
        return [self.abi, self.where, FORMS[self.form], *done]


class Case:
    """A model of one float input and one float output, what goes in and what must come out."""

    def __init__(self, config: Path) -> None:
        """Works in the current folder. Raises MaceError."""
        self.config, self.done = config, set[tuple[str, str]]()
        self.deployment: Deployment = load_deployment(str(config), {})
        self.library = self.deployment.library_name
        if len(self.deployment.models) != 1:
            raise MaceError(f"'{config}' has more than one model", hint="name one with one model")
        self.name = next(iter(self.deployment.models))
        self.folder = Path("builds", self.library).resolve()
        self.convert("file", ["host"])
        graph = self.folder / "model" / f"{self.name}.pb"
        inputs, outputs = read_interface(graph, None)
        if [str(np.dtype(info.dtype)) for info in (*inputs, *outputs)] != ["float32"] * 2:
            raise MaceError(f"'{self.name}' has not one float32 input and one float32 output")
        subgraph = self.deployment.models[self.name].subgraph
        self.inputs = random_inputs(inputs, subgraph.ranges(), 0)
        model_file, weight_file = api.model_files(self.deployment, self.name, lambda _: None)
        reference = Reference(
            platform=self.deployment.models[self.name].platform,
            model_file=model_file,
            weight_file=weight_file,
            inputs=subgraph.input_tensors,
            input_formats=subgraph.input_data_formats,
            outputs=subgraph.check_tensors or subgraph.output_tensors,
            output_formats=subgraph.output_data_formats,
        )
        self.expected = reference.run([self.inputs])[0][0]
        Path("input").write_bytes(self.inputs[inputs[0].name].tobytes())

    def convert(self, form: str, abis: Sequence[str]) -> None:
        """Converts the model as a user does, once for each form and ABI."""
        wanted = [abi for abi in abis if (form, abi) not in self.done]
        if not wanted:
            return
        words = ["convert", f"--config={self.config}", f"--target_abis={','.join(wanted)}", "-q"]
        words += [f"--model_graph_format={form}"]
        if form == "code":
            words.append("--model_data_format=code")
        with contextlib.redirect_stdout(sys.stderr):
            if mace(words) != EXIT_OK:
                raise MaceError("it cannot be converted, see above")
        self.done |= {(form, abi) for abi in wanted}


def build(case: Case, abi: str, form: str, folder: Path) -> list[tuple[Path, str]]:
    """Builds what is copied to the device: paths and names, the program first."""
    short, prefix = ABIS[abi]
    print(f"deployment_table: {abi}, {FORMS[form]}", file=sys.stderr, flush=True)
    libraries, include = Path("builds/lib").resolve(), Path("builds/include").resolve()
    program = folder / "deployed"
    command = [
        f"{prefix}g++",
        "-std=c++17",
        "-O2",
        "-s",
        "-Wl,--gc-sections",
        f"-DMODEL={case.name}",
    ]
    command += [str(APPLICATION), "-o", str(program)]
    model = [(case.folder / "model" / f"{case.name}.{s}", f"model.{s}") for s in ("pb", "data")]
    if form in ("code", "static"):
        case.convert(form, [short])
        command += [f"-I{case.folder / 'include'}", "-DFROM_CODE"]
        command += [str(case.folder / "model" / short / f"{case.library}.a")]
        model = []
    if form == "static":
        command[command.index("-DFROM_CODE")] = "-DSTRAIGHT_LINE"
        _call([*command, "-lm"])
        return [(program, "deployed")]
    library = build_libraries(ROOT, abi, "cpu", libraries)
    write_public_headers(ROOT, include)
    command.append(f"-I{include}")
    if form == "so":
        _call([*command, str(library.shared)])
        return [(program, "deployed"), (library.shared, "libmace.so"), *model]
    _call([*command, str(library.static), "-ldl", "-pthread"])
    return [(program, "deployed"), *model]


def run(case: Case, row: Row, files: Sequence[tuple[Path, str]], device: Device) -> None:
    """Runs the program on the device and fills in the row."""
    words = ["input", "output", str(case.expected.size), "model.pb", "model.data"]
    with device.lock():
        try:
            for path, name in [*files, (Path("input"), "input")]:
                device.push(path.resolve(), name)
            result = device.run("deployed", words, {"LD_LIBRARY_PATH": "."}, 1800)
            if result.code != 0:
                raise MaceError(f"it ended with {result.code}: {result.last_line()}")
            if not device.pull("output", Path("output").resolve()):
                raise MaceError("it left no output")
        finally:
            device.clean()
    row.startup_ms, row.first_ms = map(float, result.stdout.split())
    output = np.fromfile("output", np.float32)
    row.similarity = cosine_similarity(case.expected.ravel(), output)
    row.runs = True


def machine_code(path: Path) -> int:
    """Bytes of instructions in an ELF file."""
    text = _call(["readelf", "-SW", str(path)])
    sections = re.findall(r"(?:PROG|NO)BITS\s+\w+ \w+ (\w+) \w+\s+(\w+)", text)
    return sum(int(size, 16) for size, flags in sections if "X" in flags)


def _call(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        line = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise MaceError(f"{command[0]} failed: {line}")
    return done.stdout


@contextlib.contextmanager
def boards(options: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, str]]:
    """The file of boards, and what they are."""
    if options.device_yml or not any(ABIS[abi][0] in BOARDS for abi in options.abis):
        yield options.device_yml and str(Path(options.device_yml).resolve()), "board, by ssh"
        return
    from pretended import PretendedBoard

    scratch.chmod(0o755)
    board = PretendedBoard(scratch / "board")
    try:
        path = scratch / "boards.yml"
        path.write_text(board.device_file("board", ", ".join(BOARDS)))
        yield str(path), "pretended board, by ssh; emulated"
    finally:
        board.end()


def table(case: Case, options: argparse.Namespace, device_yml: str, board: str) -> list[Row]:
    """All rows; a line about each as it is done."""
    rows = []
    for abi in options.abis:
        short = ABIS[abi][0]
        where = "this machine" if short == "host" else "emulated"
        for form in options.forms:
            row = Row(abi, form, board if short in BOARDS else where)
            rows.append(row)
            try:
                with tempfile.TemporaryDirectory(dir=".") as folder:
                    files = build(case, abi, form, Path(folder).resolve())
                    row.builds = True
                    measured = files[1 if form == "so" else 0][0]
                    row.size, row.code = measured.stat().st_size, machine_code(measured)
                    (device,) = select_devices(
                        short, Path(folder, "job"), Request("auto", device_yml)
                    )
                    run(case, row, files, device)
            except MaceError as error:
                row.problem = str(error)
            print(f"deployment_table: {' | '.join(row.cells())}", file=sys.stderr, flush=True)
    return rows


def markdown(rows: Sequence[Row]) -> str:
    """The table for a document."""
    lines = [COLUMNS, ["---"] * 6 + ["---:"] * 4, *(row.cells() for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def record(name: str, text: str, document: Path) -> None:
    """Puts a text between the two comments of a document that carry the name."""
    pattern = rf"(<!-- recorded: {name} -->\n).*?(<!-- end of {name} -->\n)"
    old = document.read_text(encoding="utf-8")
    new, count = re.subn(pattern, lambda m: m[1] + text + m[2], old, flags=re.DOTALL)
    if count != 1:
        raise MaceError(f"'{document}' has no place for '{name}'")
    document.write_text(new, encoding="utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, help="a deployment file of one model")
    parser.add_argument("--abis", default=",".join(ABIS), help="default: %(default)s")
    parser.add_argument("--forms", default=",".join(FORMS), help="default: %(default)s")
    parser.add_argument("--device_yml", default="", help="boards, in place of a pretended one")
    parser.add_argument("--record", action="store_true", help="write docs/deployment.md")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    options.config = options.config.resolve()
    options.forms = options.forms.split(",")
    for form in options.forms:
        if form not in FORMS:
            parser.error(f"there is no form '{form}'; forms are {', '.join(FORMS)}")
    try:
        options.abis = check_abis(options.abis.split(","))
    except MaceError as error:
        parser.error(str(error))
    return options


def main() -> int:
    """Makes the table."""
    options = _parse()
    with tempfile.TemporaryDirectory(prefix="mace-deployment-") as folder:
        scratch = Path(folder)
        os.chdir(scratch)
        with boards(options, scratch) as (device_yml, board):
            rows = table(Case(options.config), options, device_yml, board)
        os.chdir(ROOT)
    if options.json:
        shown: list[dict[str, Any]] = [asdict(row) | {"is_well": row.is_well} for row in rows]
        print(json.dumps({"rows": shown}, indent=1))
    else:
        print(markdown(rows), end="")
    if options.record:
        record("deployment_table", markdown(rows), DOCUMENT)
    return EXIT_OK if all(row.is_well for row in rows) else EXIT_VERDICT


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MaceError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code if error.exit_code else EXIT_USAGE)
