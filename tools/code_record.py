#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures what models as code cost to build, and what names a protected model gives away.

  python tools/code_record.py time       ResNet50 as code: seconds of the whole conversion
  python tools/code_record.py names      MobileNetV1, obfuscated: names of its graph in each file
  python tools/code_record.py --record   both, written to docs/deployment.md

Exit codes: 0 all is well, 3 it takes longer than a minute, or a name is left.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from deployment_table import DOCUMENT, record  # noqa: E402
from mace.errors import EXIT_OK, EXIT_VERDICT  # noqa: E402
from mace.resources import resource  # noqa: E402

_PARTS = ("time", "names")
_AS_CODE = ("--model_graph_format=code", "--model_data_format=code")
_MOST_SECONDS = 60.0


def _converted(name: str, library: str, folder: Path, words: tuple[str, ...], **model: Any) -> Path:
    """Converts a model of the zoo for this machine under a library's name; where it lies then."""
    document = yaml.safe_load((ROOT / "test" / "zoo" / f"{name}.yml").read_text(encoding="utf-8"))
    (described,) = document["models"].values()
    path = (ROOT / "test" / "zoo" / described["model_file_path"]).resolve()
    described |= {"model_file_path": str(path), **model}
    document |= {"library_name": library, "target_abis": ["host"]}
    config = folder / f"{library}.yml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    command = [sys.executable, str(ROOT / "tools" / "converter.py"), "convert"]
    try:
        subprocess.run([*command, f"--config={config}", *words, "-q"], cwd=folder, check=True)
    finally:
        shutil.rmtree(ROOT / "mace" / "codegen" / "models" / library, ignore_errors=True)
    return folder / "builds" / library


def _make(name: str) -> None:
    command = [sys.executable, str(ROOT / "test" / "zoo" / "make.py"), name]
    subprocess.run(command, cwd=ROOT, check=True)


def measure_time(folder: Path) -> tuple[str, bool]:
    """A table of the first conversion and of one under another name, for which everything that is
    this model's is generated and compiled again."""
    _make("resnet50")
    text = "| conversion | seconds | libraries (bytes) |\n| --- | ---: | ---: |\n"
    seconds = 0.0
    for what, library in (("first", "resnet50"), ("warm", "resnet50_again")):
        begin = time.monotonic()
        made = _converted("resnet50", library, folder, _AS_CODE)
        seconds = time.monotonic() - begin
        size = sum(path.stat().st_size for path in made.rglob("*.a"))
        text += f"| {what} | {seconds:.1f} | {size:,} |\n"
    load = os.getloadavg()[0]
    text += f"\nThe machine has {os.cpu_count()} cores, and on average {load:.0f} programs wanted one.\n"
    return text, seconds < _MOST_SECONDS


def names_of(graph: Path) -> set[str]:
    """The names of a TensorFlow graph's nodes, and their parts, but for words that any program has."""
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    names = {node.name for node in GraphDef.FromString(graph.read_bytes()).node}
    parts = {part for name in names for part in name.split("/")}
    return {name for name in names if "/" in name} | {p for p in parts if re.search(r"_.*\d", p)}


def strings_of(path: Path) -> str:
    """What `strings` finds in a file."""
    done = subprocess.run(["strings", "-a", str(path)], capture_output=True, text=True, check=True)
    return done.stdout


def names_left(names: set[str], path: Path) -> set[str]:
    """Those that stand anywhere in the strings of a file. A byte before a name, such as its length
    in a model, may be a letter too, so that no string needs to begin with it."""
    text = strings_of(path)
    return {name for name in names if name in text}


def measure_names(folder: Path) -> tuple[str, bool]:
    """A table of files, and how many names of the graph `strings` finds in each."""
    _make("mobilenet_v1")
    names = names_of(ROOT / "builds" / "zoo" / "mobilenet_v1.pb")
    open_one = _converted("mobilenet_v1", "open_net", folder, ())
    files = _converted("mobilenet_v1", "hidden_net", folder, (), obfuscate=1)
    code = _converted("mobilenet_v1", "hidden_code", folder, _AS_CODE, obfuscate=1)
    text = f"| file | strings | of {len(names)} names and their parts |\n| --- | ---: | ---: |\n"
    well = True
    for what, path in (
        ("model.pb as it is, to compare with", open_one / "model" / "mobilenet_v1.pb"),
        ("model.pb, obfuscated", files / "model" / "mobilenet_v1.pb"),
        ("model.data, obfuscated", files / "model" / "mobilenet_v1.data"),
        ("library of the model as code, obfuscated", next(code.rglob("*.a"))),
        ("libmace.so", resource("libmace.so")),
    ):
        count, left = len(strings_of(path).splitlines()), len(names_left(names, path))
        well = well and (left > 0) == (path.parent.parent == open_one)
        text += f"| {what} | {count:,} | {left} |\n"
    return text, well


def main() -> int:
    """Measures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"default: {', '.join(_PARTS)}")
    parser.add_argument("--record", action="store_true", help="write docs/deployment.md")
    options = parser.parse_args()
    parts = options.parts or _PARTS
    if not {*parts} <= {*_PARTS}:
        parser.error(f"there is no part {parts}")
    all_well = True
    for part, measure in (("time", measure_time), ("names", measure_names)):
        if part not in parts:
            continue
        with tempfile.TemporaryDirectory(prefix="mace-code-") as folder:
            text, well = measure(Path(folder))
        all_well = all_well and well
        print(text, end="", flush=True)
        if options.record:
            record(f"code_{part}", text, DOCUMENT)
    return EXIT_OK if all_well else EXIT_VERDICT


if __name__ == "__main__":
    sys.exit(main())
