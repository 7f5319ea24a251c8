# SPDX-License-Identifier: Apache-2.0
"""The models of the zoo on the GPU runtime (on PoCL where there is no GPU): how far each way of
storage is from the model's own framework, and which operators are left to the CPU, and why.
--record keeps that in docs/gpu_models.md; --half compares arithmetic in half with that in float, on a
device with cl_khr_fp16 (MACE_OPENCL_DEVICE chooses it), and is kept in a table of its own there.

    python test/zoo/gpu.py squeezenet_v11 text_direction"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "gpu_models.md"
# Type of storage and kind of memory with the least cosine that is right.
STORAGES = {
    ("fp32_fp32", "buffer"): 0.99999,
    ("fp32_fp32", "image"): 0.99999,
    ("fp16_fp32", "buffer"): 0.999,
    ("fp16_fp32", "image"): 0.999,
}
# The same with --half.
HALVES = {
    ("fp16_fp32", "buffer"): 0.999,
    ("fp16_fp16", "buffer"): 0.999,
    ("fp16_fp16", "image"): 0.999,
}
SAMPLES = 2
# For models whose sizes are open and whose files do not say them.
_SEED = 11
# Numbers of a detection: image, class, score, box.
_DETECTION = 7


@dataclass
class Agreement:
    """How a model did: its operators and how many of them the GPU executed, the least cosine for each
    way of storage, and why the CPU executed the others: how many of a type for a reason."""

    name: str
    operators: int
    on_gpu: int
    cosines: list[float]
    reasons: list[tuple[str, int, str]] = field(default_factory=list)
    half: bool = False  # the ways of HALVES

    @property
    def storages(self) -> dict[tuple[str, str], float]:
        """The ways of storage, with the least cosine that is right."""
        return HALVES if self.half else STORAGES

    @property
    def bad(self) -> list[str]:
        """The ways of storage whose results are too far away."""
        return [
            "/".join(storage)
            for (storage, least), cosine in zip(self.storages.items(), self.cosines, strict=True)
            if not cosine >= least
        ]


def compare(name: str, samples: int = SAMPLES, half: bool = False) -> Agreement:
    """Makes, converts and runs a model of the zoo."""
    from mace.config.loader import load_deployment
    from mace.convert import convert_graph
    from mace.runtime import Engine, Gpu

    from mace import api

    os.environ.setdefault("MACE_OPENCL_DEVICE", "Portable Computing Language")
    subprocess.run([sys.executable, str(ROOT / "test/zoo/make.py"), name], cwd=ROOT, check=True)
    deployment = load_deployment(ROOT / "test/zoo" / f"{name}.yml")
    model = convert_graph(api.deployment_request(deployment, name)).model
    found = Agreement(name, 0, 0, [], half=half)
    given: list[Any] = []
    for data_type, memory in found.storages:
        with Engine.from_bytes(
            model.graph, model.data, device="gpu", gpu=Gpu(data_type, memory), num_threads=2
        ) as engine:
            if not given:
                given = _inputs(deployment, name, engine.inputs, samples)
                expected = _expected(deployment, name, given)
            outputs = deployment.models[name].subgraph.output_tensors
            made = [engine.run(sample) for sample in given]
            found.cosines.append(
                min(
                    _cosine(wanted, ran[output])
                    for ran, sample in zip(made, expected, strict=True)
                    for output, wanted in zip(outputs, sample, strict=True)
                )
            )
            placements = engine.placements()
        found.operators = len(placements)
        left = [p for p in placements if p.device != "gpu"]
        found.on_gpu = len(placements) - len(left)
        counts = Counter((p.type, _without_name(p.reason)) for p in left)
        found.reasons = [(kind, number, why) for (kind, why), number in sorted(counts.items())]
    return found


def _inputs(deployment: Any, name: str, infos: list[Any], count: int) -> list[Any]:
    from mace.fetch import fetch
    from mace.validation.inputs import file_inputs, random_inputs, sized_inputs

    subgraph = deployment.models[name].subgraph
    order = {tensor: index for index, tensor in enumerate(subgraph.input_tensors)}
    infos = sorted(infos, key=lambda info: order[info.name])
    infos = sized_inputs(infos, subgraph.input_shapes)
    if subgraph.validation_inputs_data:
        paths = [
            fetch(location, deployment.folder, None, lambda *_: None)
            for location in subgraph.validation_inputs_data
        ]
        return file_inputs(infos, paths)[:count]
    return [random_inputs(infos, subgraph.ranges(), _SEED + i) for i in range(count)]


def _expected(deployment: Any, name: str, given: list[Any]) -> list[list[Any]]:
    from mace.validation.reference import Reference

    from mace import api

    model_file, weight_file = api.model_files(deployment, name)
    subgraph = deployment.models[name].subgraph
    return Reference(
        platform=deployment.models[name].platform,
        model_file=model_file,
        weight_file=weight_file,
        inputs=subgraph.input_tensors,
        input_formats=subgraph.input_data_formats,
        outputs=subgraph.output_tensors,
        output_formats=subgraph.output_data_formats,
    ).run(given)


def _cosine(expected: Any, actual: Any) -> float:
    """-1 where not even the sizes agree."""
    a, b = (np.asarray(x, np.float64) for x in (expected, actual))
    if a.ndim == 4 and a.shape[-1] == _DETECTION:
        a, b = _detections(a.reshape(-1, _DETECTION), b.reshape(-1, _DETECTION))
    a, b = a.reshape(-1), b.reshape(-1)
    return float(a @ b / np.sqrt((a @ a) * (b @ b))) if a.size == b.size else -1.0


def _detections(expected: Any, actual: Any) -> tuple[Any, Any]:
    """Detections that are more than a guess, each beside the nearest one of the same class: which of
    the others are kept, and the order of equal ones, depends on the last bits."""
    sure = expected[expected[:, 2] >= 0.5]
    distances = np.abs(sure[:, None, :] - actual[None, :, :])
    return sure, actual[np.argmin(distances.sum(-1), axis=1)]


def _without_name(reason: str) -> str:
    """A reason without the operator that it begins with, so that equal ones are equal."""
    return re.sub(r"^\w+ '[^']*': ", "", reason)


def record(found: Agreement, table: Path = TABLE) -> None:
    """Puts a row into the document's table for these ways of storage, in the place of the model's old
    one."""
    cells = [f"{found.on_gpu} of {found.operators}", *(f"{cosine:.7f}" for cosine in found.cosines)]
    if not found.half:
        left = "; ".join(f"{number} {kind}: {why}" for kind, number, why in found.reasons)
        cells.append(left)
    row = f"| {found.name} | {' | '.join(cells)} |"
    lines = table.read_text(encoding="utf-8").split("\n")
    start, end = _rows(lines, found.half)
    kept = [old for old in lines[start:end] if not old.startswith(f"| {found.name} |")]
    lines[start:end] = sorted([*kept, row])
    table.write_text("\n".join(lines), encoding="utf-8")


def _rows(lines: list[str], half: bool) -> tuple[int, int]:
    """Where the rows of a table begin and end; that of arithmetic in half is the second."""
    start = [i for i, line in enumerate(lines) if re.match(r"\| *---", line)][half] + 1
    end = start
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    return start, end


def recorded(table: Path = TABLE, half: bool = False) -> dict[str, list[float]]:
    """The cosines of each model of the document, in the order of STORAGES or HALVES."""
    lines = table.read_text(encoding="utf-8").split("\n")
    start, end = _rows(lines, half)
    count = len(HALVES if half else STORAGES)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[start:end]]
    return {row[0]: [float(cell) for cell in row[2 : 2 + count]] for row in rows}


def compare_alone(name: str, samples: int = SAMPLES, half: bool = False) -> Agreement:
    """The comparison in a process of its own, which gives its memory back; PoCL's LLVM and that of
    TensorFlow, which a caller may have loaded, break each other."""
    command = [sys.executable, __file__, "--json", f"--samples={samples}", name]
    if half:
        command.append("--half")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Agreement(**json.loads(done.stdout.strip().splitlines()[-1]))


def main(arguments: list[str] | None = None) -> int:
    """Compares these models, or all of them, and prints what was found."""
    import make

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="models of the zoo; all", metavar="NAME")
    parser.add_argument("--record", action="store_true", help=f"renew their rows in {TABLE.name}")
    parser.add_argument("--half", action="store_true", help="arithmetic in half, against float")
    parser.add_argument("--json", action="store_true", help="one line of JSON for one model")
    parser.add_argument(
        "--samples", type=int, default=SAMPLES, help="inputs for each (%(default)s)"
    )
    options = parser.parse_args(arguments)
    names = options.names or list(make.models())
    unknown = set(names) - set(make.models())
    if unknown:
        parser.error(f"the zoo has no model {', '.join(sorted(unknown))}")
    if options.json:
        print(json.dumps(asdict(compare(names[0], options.samples, options.half))))
        return 0
    bad = 0
    for name in names:
        found = compare_alone(name, options.samples, options.half)
        bad += bool(found.bad)
        cosines = " ".join(f"{cosine:.7f}" for cosine in found.cosines)
        print(f"{name}: {found.on_gpu} of {found.operators} on the GPU, cosines {cosines}")
        for kind, number, why in found.reasons:
            print(f"  on the CPU: {number} {kind}: {why}", flush=True)
        if options.record:
            record(found)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
