#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how large the libraries are, whole, for one network, and without operators, for speed
and for size, and what the latter costs in instructions of a start and an inference.

  python tools/size_table.py                        # all of it, about ten minutes with a warm cache
  python tools/size_table.py sizes --only=armeabi-v7a
  python tools/size_table.py --record               # into docs/performance.md

Sizes are bytes of stripped files. Instructions are counted under emulation, of an application
that loads MobileNetV1 and runs it once on one thread (test/packaging/application/deployed.cc).
Exit codes: 0 done, 2 wrong use or a build failed, 3 a library is larger than wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
for _folder in ("mace/python", "tools"):
    sys.path.insert(0, str(ROOT / _folder))

import arm_count  # noqa: E402
from deployment_table import ABIS, APPLICATION, record  # noqa: E402
from mace.errors import EXIT_OK, EXIT_USAGE, EXIT_VERDICT, MaceError  # noqa: E402

DOCUMENT = ROOT / "docs" / "performance.md"
NETWORK = "mobilenet_v1"
CONFIG = ROOT / "test" / "zoo" / f"{NETWORK}.yml"
ARM_AND_HOST = ("arm64-v8a", "armeabi-v7a", "linux-x86-64")
SMALLEST = ("--optimize=size", "--interface=c", "--messages=short")
_PARTS = ("sizes", "costs")


@dataclass(frozen=True)
class Kind:
    """A library: what `mace build` is asked for. most: bytes that arm64-v8a may have; other Arm ABIs
    must be smaller than that one."""

    what: str
    words: Sequence[str]
    most: int = 0
    abis: Sequence[str] = ("arm64-v8a", "armeabi-v7a")


KINDS = (
    Kind("all operators, CPU", ("--runtimes=cpu",), 900_000, ARM_AND_HOST),
    Kind("all operators, CPU and GPU", ("--runtimes=cpu_gpu",), 1_400_000, ARM_AND_HOST),
    Kind("all operators, CPU", ("--runtimes=cpu", "--optimize=size")),
    Kind("MobileNetV1 alone, CPU", ("--selective",)),
    Kind("MobileNetV1 alone, CPU", ("--selective", "--optimize=size"), 250_000),
    Kind("MobileNetV1 alone, CPU", ("--selective", *SMALLEST), abis=ARM_AND_HOST[:1]),
    Kind("no operators", ("--no_operators",), abis=ARM_AND_HOST[:1]),
    Kind("no operators", ("--no_operators", "--optimize=size"), abis=ARM_AND_HOST[:1]),
    Kind(
        "no operators",
        ("--no_operators", "--optimize=size", "--interface=c"),
        abis=ARM_AND_HOST[:1],
    ),
    Kind("no operators", ("--no_operators", *SMALLEST), 90_000, ARM_AND_HOST[:1]),
)


@dataclass
class Row:
    """Bytes of libmace.so of a kind, by ABI."""

    kind: Kind
    sizes: dict[str, int] = field(default_factory=dict)

    def is_well(self) -> bool:
        """Whether it is as small as it shall be, and the 32-bit one smaller."""
        large = self.sizes.get("arm64-v8a", 0)
        small = self.sizes.get("armeabi-v7a", 0)
        return (not self.kind.most or large < self.kind.most) and (not large or small < large)

    def cells(self) -> list[str]:
        """As the table shows it."""
        flags = " ".join(w for w in self.kind.words if not w.startswith("--runtimes"))
        sizes = [f"{self.sizes[abi]:,}" if abi in self.sizes else "" for abi in ARM_AND_HOST]
        return [
            self.kind.what,
            f"`{flags}`" if flags else "",
            *sizes,
            f"{self.kind.most:,}" if self.kind.most else "",
        ]


class Builder:
    """Builds libraries below a scratch folder, where the network is converted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        selections = ROOT / "mace" / "codegen" / "selections"
        self._selection = selections / NETWORK
        self._keep = self._selection.exists()
        make = [sys.executable, str(ROOT / "test" / "zoo" / "make.py"), NETWORK]
        subprocess.run(make, cwd=ROOT, check=True, stdout=sys.stderr)
        self._mace("convert", f"--config={CONFIG}", "--target_abis=host")

    def _mace(self, *words: str) -> dict[str, object]:
        command = [sys.executable, str(ROOT / "tools" / "converter.py"), *words, "--json"]
        done = subprocess.run(
            command, cwd=self.folder, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode != 0:
            raise MaceError(f"{' '.join(words)}: it ended with {done.returncode}, see above")
        result: dict[str, object] = json.loads(done.stdout)
        return result

    def build(self, abi: str, words: Sequence[str]) -> Path:
        """The folder of the libraries."""
        output = Path(tempfile.mkdtemp(dir=self.folder))
        chosen = [f"--config={CONFIG}"] if "--selective" in words else []
        try:
            self._mace("build", *chosen, *words, f"--target_abis={abi}", f"--output_dir={output}")
        finally:
            if not self._keep:
                shutil.rmtree(self._selection, ignore_errors=True)
        (library,) = output.glob(f"lib/{abi}/*/libmace.so")
        return library.parent


def sizes(builder: Builder, only: str) -> list[Row]:
    """A row for each kind; a line about each library as it is done."""
    rows = []
    for kind in KINDS:
        row = Row(kind)
        for abi in kind.abis:
            label = " ".join((abi, kind.what, *kind.words))
            if only in label:
                row.sizes[abi] = (builder.build(abi, kind.words) / "libmace.so").stat().st_size
                print(f"size_table: {label}: {row.sizes[abi]:,}", file=sys.stderr, flush=True)
        if row.sizes:
            rows.append(row)
    return rows


def size_text(rows: Sequence[Row]) -> str:
    """The table of sizes for a document."""
    header = ["library", "flags of `mace build`", *ARM_AND_HOST, "wanted, arm64-v8a"]
    lines = [header, ["---"] * 2 + ["---:"] * 4, *(row.cells() for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def instructions(builder: Builder, abi: str, library: Path, folder: Path) -> tuple[int, int]:
    """Executed instructions of MobileNetV1's start and of its first inference."""
    program = folder / "deployed"
    command = [f"{ABIS[abi][1]}g++", "-std=c++17", "-O2", f"-DMODEL={NETWORK}", str(APPLICATION)]
    command += [f"-I{library.parents[2] / 'include'}", str(library / "libmace.so")]
    command += [f"-Wl,-rpath,{library}", "-o", str(program)]
    subprocess.run(command, check=True)
    model = builder.folder / "builds" / NETWORK / "model" / NETWORK
    (folder / "input").write_bytes(np.zeros(224 * 224 * 3, np.float32).tobytes())
    words = [str(program), str(folder / "input"), str(folder / "output"), "1000"]
    words += [f"{model}.pb", f"{model}.data"]
    _, trace = arm_count.emulate(words, abi, "", False, folder)
    counts = [trace.instructions(interval) for interval in trace.intervals]
    # Between the program's three readings of the clock; the engine reads none itself.
    return counts[-3], counts[-2]


def costs(builder: Builder) -> str:
    """The table of what --optimize=size costs."""
    lines = [
        [
            "ABI",
            "flags",
            "libmace.so (bytes)",
            "start-up (million instructions)",
            "first inference (million)",
        ],
        ["---"] * 2 + ["---:"] * 3,
    ]
    for abi in ("arm64-v8a", "armeabi-v7a"):
        for words in (["--runtimes=cpu"], ["--runtimes=cpu", "--optimize=size"]):
            with tempfile.TemporaryDirectory(dir=builder.folder) as folder:
                library = builder.build(abi, words)
                counted = instructions(builder, abi, library, Path(folder))
            size = (library / "libmace.so").stat().st_size
            cells = [abi, " ".join(words[1:]) or "none: for speed", f"{size:,}"]
            lines.append([*cells, *(f"{count / 1e6:.2f}" for count in counted)])
            print(f"size_table: {' | '.join(lines[-1])}", file=sys.stderr, flush=True)
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def main() -> int:
    """Measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"default: {', '.join(_PARTS)}")
    parser.add_argument("--only", default="", help="sizes of kinds and ABIs with these letters")
    parser.add_argument("--record", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    parts = options.parts or _PARTS
    if not {*parts} <= {*_PARTS}:
        parser.error(f"there is no part {parts}; parts are {', '.join(_PARTS)}")
    if options.record and options.only:
        parser.error("--record wants all of it: leave out --only")
    well = True
    os.environ.pop("ANDROID_NDK_HOME", None)
    with tempfile.TemporaryDirectory(prefix="mace-sizes-") as folder:
        builder = Builder(Path(folder))
        if "sizes" in parts:
            rows = sizes(builder, options.only)
            well = all(row.is_well() for row in rows)
            _show("library_sizes", size_text(rows), options.record)
        if "costs" in parts:
            _show("size_costs", costs(builder), options.record)
    return EXIT_OK if well else EXIT_VERDICT


def _show(name: str, text: str, recorded: bool) -> None:
    print(text, end="")
    if recorded:
        record(name, text, DOCUMENT)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MaceError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code if error.exit_code else EXIT_USAGE)
