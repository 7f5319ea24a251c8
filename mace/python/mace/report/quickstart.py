# SPDX-License-Identifier: Apache-2.0
"""The stages of tools/quickstart.sh after the set-up: make, convert, run, validate and measure
three models, and write what came out as one HTML file. A stage whose inputs did not change is
not run."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mace.errors import EXIT_INTERNAL, EXIT_OK, MaceError
from mace.export.files import write_files
from mace.report.quickstart_page import make_page
from mace.resources import resource, source_root

# OpenCL on the CPU. Its driver is known to the system by this file, and to MACE by this name.
_POCL = Path("/etc/OpenCL/vendors/pocl.icd")
_POCL_NAME = "Portable Computing Language"
_BINARIES = ("libmace.so", "mace_run", "benchmark_model")


@dataclass(frozen=True)
class Subject:
    """A model of the quickstart: its name in the zoo, and what it is called in the report."""

    name: str
    title: str
    platform: str


SUBJECTS = (
    Subject("face_detector", "Face detector (res10 SSD)", "Caffe"),
    Subject("text_detector", "Text detector (PP-OCRv4)", "ONNX"),
    Subject("mobilenet_v2", "MobileNetV2", "TensorFlow"),
)


class Stages:
    """Runs commands whose results are kept with a digest of all that they were made from."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        self.total = 0.0
        package = root / "mace" / "python" / "mace"
        sources = [path for path in sorted(package.rglob("*.py")) if path.parent.name != "report"]
        self._engine = self._digest([resource(name) for name in _BINARIES] + sources)

    def run(
        self, name: str, words: Sequence[str], sources: Sequence[Path], results: Sequence[Path] = ()
    ) -> dict[str, Any]:
        """The JSON document that `mace WORDS --json` prints. sources: files that it reads; results:
        files that it makes besides."""
        key = self._digest(sources, " ".join(words) + self._engine)
        kept = self.folder / f"{name}.json"
        if kept.is_file() and all(path.is_file() for path in results):
            document: dict[str, Any] = json.loads(kept.read_text("utf-8"))
            if document.get("key") == key:
                say(f"{name}: up to date")
                return document
        say(f"{name} ...")
        begin = time.monotonic()
        output = self._command([sys.executable, "-m", "mace", *words, "--json"])
        document = {**json.loads(output), "key": key}
        write_files({kept: json.dumps(document, indent=1).encode()})
        say(f"{name}: {time.monotonic() - begin:.1f} s")
        return document

    def make(self, script: str, names: Sequence[str]) -> None:
        """Runs a maker of the zoo, which itself leaves alone what is there."""
        self._command([sys.executable, str(self.root / script), *names])

    def _command(self, command: Sequence[str]) -> str:
        environment = {**os.environ, "PYTHONPATH": str(self.root / "mace" / "python")}
        result = subprocess.run(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if result.returncode != EXIT_OK:
            error = MaceError(
                f"'{' '.join(command[1:])}' ended with {result.returncode}",
                hint="what it said is above",
            )
            error.exit_code = max(result.returncode, EXIT_INTERNAL)
            raise error
        return result.stdout

    def _digest(self, files: Sequence[Path], text: str = "") -> str:
        digest = hashlib.sha256(text.encode())
        for path in files:
            digest.update(str(path).encode() + b"\0")
            if path.is_file():
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()


def say(text: str) -> None:
    """A line of progress."""
    print(f"quickstart: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Runs all stages and writes builds/quickstart/report.html."""
    root = source_root()
    if root is None:
        raise MaceError("the quickstart is part of a source tree")
    begin = time.monotonic()
    os.chdir(root)
    folder = root / "builds" / "quickstart"
    stages = Stages(root, folder)
    stages.make("test/zoo/make.py", [subject.name for subject in SUBJECTS])
    results = {subject.name: _run_model(stages, subject) for subject in SUBJECTS}
    _run_on_gpu(stages, SUBJECTS[-1], results[SUBJECTS[-1].name])
    report = folder / "report.html"
    say("report ...")
    page = make_page(root, SUBJECTS, results)
    write_files({report: page.encode()})
    say(f"done in {time.monotonic() - begin:.0f} s")
    print(f"\nThe report: {report}")
    return EXIT_OK


def _run_model(stages: Stages, subject: Subject) -> dict[str, Any]:
    name = subject.name
    zoo = stages.root / "test" / "zoo"
    made = stages.root / "builds" / "zoo"
    config = zoo / f"{name}.yml"
    sources = [config, made / f"{name}.pb", *sorted((made / "inputs").glob(f"{name}_*.npy"))]
    flag = f"--config={config.relative_to(stages.root)}"
    model = stages.root / "builds" / name / "model"
    files = [model / f"{name}.pb", model / f"{name}.data"]
    converted = stages.run(f"{name}.convert", ["convert", flag], sources, files)
    sources += files
    host = [flag, "--target_abis=host"]
    run = stages.run(
        f"{name}.run", ["run", *host, "--validate", "--samples=3", "--round=10"], sources
    )
    benchmark = stages.run(
        f"{name}.benchmark",
        ["benchmark", *host, "--omp_num_threads=1", "--max_seconds=3"],
        sources,
    )
    return {
        "convert": converted["models"][0],
        "run": run["runs"][0],
        "benchmark": benchmark["benchmarks"][0],
    }


def _run_on_gpu(stages: Stages, subject: Subject, result: dict[str, Any]) -> None:
    """Adds "gpu": the model once more, by the GPU runtime on PoCL, where that is installed."""
    if not _POCL.is_file():
        say("GPU runtime: passed over, as PoCL is not installed (apt install pocl-opencl-icd)")
        return
    os.environ.setdefault("MACE_OPENCL_DEVICE", _POCL_NAME)
    name = subject.name
    flag = f"--config={(stages.root / 'test' / 'zoo' / f'{name}.yml').relative_to(stages.root)}"
    model = stages.root / "builds" / name / "model"
    words = ["run", flag, "--target_abis=host", "--runtime=gpu", "--data_type=fp32_fp32"]
    words += ["--disable_tuning", "--validate", "--samples=1", "--round=1"]
    files = [model / f"{name}.pb", model / f"{name}.data"]
    result["gpu"] = stages.run(f"{name}.gpu", words, files)["runs"][0]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MaceError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
