# SPDX-License-Identifier: Apache-2.0
"""The architectures of tf.keras.applications with random weights that behave like trained ones, and
how far MACE's results are from TensorFlow's; --record keeps them in docs/applications.md:

    python test/zoo/applications.py MobileNetV3Small EfficientNetB0"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "applications.md"
# Every one whose weights take less than 400 MB.
NAMES = (
    "ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "DenseNet121", "DenseNet169", "DenseNet201",
    "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4",
    "EfficientNetB5", "EfficientNetB6", "EfficientNetB7", "EfficientNetV2B0", "EfficientNetV2B1",
    "EfficientNetV2B2", "EfficientNetV2B3", "EfficientNetV2S", "EfficientNetV2M",
    "InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large",
    "MobileNetV3Small", "NASNetLarge", "NASNetMobile", "ResNet101", "ResNet101V2", "ResNet152",
    "ResNet152V2", "ResNet50", "ResNet50V2", "VGG16", "VGG19", "Xception",
)  # fmt: skip
# What is larger, which nothing runs unless it is named.
LARGE = ("ConvNeXtLarge", "ConvNeXtXLarge", "EfficientNetV2L")
SIZE = 96
SAMPLES = 2
LEAST_COSINE = 0.99999
_CLASSES = 200


@dataclass
class Agreement:
    """How a model did: its parameters, nodes after the passes, least cosine and largest error
    relative to the largest element of all samples, seconds to convert."""

    name: str
    parameters: int
    nodes: int
    cosine: float
    error: float
    seconds: float


def compare(name: str, folder: Path) -> Agreement:
    """Builds a model, freezes, converts and runs it."""
    import tensorflow as tf

    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)
    model = getattr(tf.keras.applications, name)(
        weights=None, input_shape=(SIZE, SIZE, 3), classes=_CLASSES, classifier_activation=None
    )
    randomize(tf, model, rng)
    path = folder / f"{name}.pb"
    path.write_bytes(_frozen(tf, model))
    samples = [_images(rng, 1) for _ in range(SAMPLES)]
    expected = [np.asarray(model(x, training=False)) for x in samples]
    parameters = int(model.count_params())
    del model
    nodes, cosine, error, seconds = _against_mace(name, path, samples, expected)
    return Agreement(name, parameters, nodes, cosine, error, seconds)


def _against_mace(
    name: str, path: Path, samples: list[Any], expected: list[Any]
) -> tuple[int, float, float, float]:
    from mace.convert import ConvertRequest, convert_graph
    from mace.importers.base import InterfaceRequest
    from mace.runtime import Engine

    started = time.monotonic()
    inputs = [InterfaceRequest("input", samples[0].shape)]
    converted = convert_graph(ConvertRequest(name, "tensorflow", path, inputs=inputs))
    seconds = time.monotonic() - started
    cosine, error = 1.0, 0.0
    with Engine.from_bytes(converted.model.graph, converted.model.data, num_threads=2) as engine:
        for sample, wanted in zip(samples, expected, strict=True):
            (found,) = engine.run({"input": sample}).values()
            a, b = found.astype(np.float64).reshape(-1), wanted.astype(np.float64).reshape(-1)
            cosine = min(cosine, float(a @ b / np.sqrt((a @ a) * (b @ b))))
            error = max(error, float(np.abs(a - b).max() / np.abs(b).max()))
    return len(converted.graph.nodes), cosine, error, seconds


def randomize(tf: Any, model: Any, rng: np.random.Generator) -> None:
    """Weights by He's rule, norms that differ by channel, statistics measured on a batch."""
    norms = []
    for layer in _layers(model):
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            norms.append(layer)
        for variable in layer.weights:
            _set(variable, rng)
    for layer in norms:
        layer.momentum = 0.0
    if norms:
        model(_images(rng, 4), training=True)


def _layers(model: Any) -> list[Any]:
    """The layers that hold weights themselves, those of inner models included."""
    found: list[Any] = []
    for layer in model.layers:
        found += _layers(layer) if getattr(layer, "layers", None) else [layer]
    return found


def _set(variable: Any, rng: np.random.Generator) -> None:
    shape, kind = tuple(variable.shape), variable.name.split("/")[-1]
    if "kernel" in kind:
        depthwise = "depthwise" in kind or ("depthwise" in variable.path and len(shape) == 4)
        fan = np.prod(shape[:2]) if depthwise and shape[-1] == 1 else np.prod(shape[:-1])
        variable.assign(rng.standard_normal(shape) * np.sqrt(2 / max(fan, 1)))
    elif kind == "gamma":
        # Of a scale of layers (ConvNeXt) as well, whose own default is next to nothing.
        variable.assign(rng.uniform(0.4, 0.8, shape))
    elif kind in ("beta", "bias"):
        variable.assign(rng.standard_normal(shape) * 0.1)


def _images(rng: np.random.Generator, count: int) -> Any:
    """Smooth patterns with some noise, of the range that these models expect."""
    grid = np.linspace(0, 6, SIZE)
    phase = rng.uniform(0, 6, (count, 3, 2))
    rows, columns = (np.sin(grid[None, :, None] * (1 + phase[:, None, :, i])) for i in range(2))
    waves = rows[:, :, None, :] * columns[:, None, :, :]
    noise = rng.standard_normal((count, SIZE, SIZE, 3))
    return (127.5 + 90 * waves + 20 * noise).clip(0, 255).astype(np.float32)


def _frozen(tf: Any, model: Any) -> bytes:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    spec = tf.TensorSpec((None, SIZE, SIZE, 3), tf.float32, name="input")
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)
    data: bytes = (
        convert_variables_to_constants_v2(function).graph.as_graph_def().SerializeToString()
    )
    return data


def record(found: Agreement, table: Path = TABLE) -> None:
    """Puts a row into the document's table, in the place of the model's old one."""
    row = (
        f"| {found.name} | {found.parameters / 1e6:.1f} | {found.nodes} | {found.cosine:.9f} "
        f"| {found.error:.1e} |"
    )
    head, rows, tail = _parts(table.read_text(encoding="utf-8"))
    kept = [old for old in rows if not old.startswith(f"| {found.name} |")]
    lines = sorted([*kept, row], key=lambda line: line.split("|")[1].strip().lower())
    table.write_text("\n".join([*head, *lines, *tail]), encoding="utf-8")


def recorded(table: Path = TABLE) -> dict[str, float]:
    """The least cosine of each model of the document."""
    _, rows, _ = _parts(table.read_text(encoding="utf-8"))
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return {cell[1]: float(cell[4]) for cell in cells}


def _parts(text: str) -> tuple[list[str], list[str], list[str]]:
    """The lines before the table's rows, the rows, and the lines after them."""
    lines = text.split("\n")
    start = next(i for i, line in enumerate(lines) if re.match(r"\| *---", line)) + 1
    end = start
    while end < len(lines) and lines[end].startswith("|"):
        end += 1
    return lines[:start], lines[start:end], lines[end:]


def _alone(name: str) -> Agreement:
    """The comparison in a process of its own, which gives its memory back."""
    command = [sys.executable, __file__, "--json", name]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Agreement(**json.loads(done.stdout.strip().splitlines()[-1]))


def main(arguments: list[str]) -> int:
    """Compares these models, or all of them, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="names of tf.keras.applications", metavar="NAME")
    parser.add_argument("--record", action="store_true", help=f"renew their rows in {TABLE.name}")
    parser.add_argument("--json", action="store_true", help="one line of JSON for one model")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - {*NAMES, *LARGE}
    if unknown:
        parser.error(f"no such model: {', '.join(sorted(unknown))}")
    sys.path.insert(0, str(ROOT / "mace" / "python"))
    if options.json:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(asdict(compare(options.names[0], Path(folder)))))
        return 0
    print(f"{'model':20} {'nodes':>6} {'cosine':>12} {'error':>9} {'convert':>8}", flush=True)
    worst = 1.0
    for name in options.names or NAMES:
        found = _alone(name)
        worst = min(worst, found.cosine)
        line = f"{found.name:20} {found.nodes:6} {found.cosine:12.9f} {found.error:9.1e}"
        print(f"{line} {found.seconds:6.1f} s", flush=True)
        if options.record:
            record(found)
    return 0 if worst >= LEAST_COSINE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
