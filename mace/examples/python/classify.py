#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classifies images with a converted model: shows the likeliest classes of each.

    python mace/examples/python/classify.py model.pb model.data photo.npy --labels=labels.txt

An image is a .npy file with the model's input as it is (float32, already scaled), so that this needs
nothing but MACE and NumPy.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

try:
    import mace
except ModuleNotFoundError:  # from a source tree
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
    import mace


def main() -> int:
    """Returns the exit code: 0 if all images were classified."""
    parser = argparse.ArgumentParser(description="Classifies images with a converted model.")
    parser.add_argument("graph", help="<model>.pb")
    parser.add_argument("data", help="<model>.data")
    parser.add_argument("images", nargs="+", help=".npy files")
    parser.add_argument("--labels", help="names of the classes, one a line")
    parser.add_argument("--top", type=int, default=5, help="classes to show (default 5)")
    options = parser.parse_args()
    try:
        return classify(options)
    except (mace.MaceError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def classify(options: argparse.Namespace) -> int:
    """Shows the classes of each image."""
    labels = Path(options.labels).read_text("utf-8").splitlines() if options.labels else []
    with mace.Engine(options.graph, options.data) as engine:
        wanted, given = engine.inputs[0], engine.outputs[0]
        for name in options.images:
            image = np.load(name).astype(wanted.dtype)
            shape = [abs(d) for d in wanted.shape]
            scores = engine.run({wanted.name: image.reshape(shape)})[given.name].ravel()
            print(name)
            for index in np.argsort(scores)[::-1][: options.top]:
                label = labels[index] if index < len(labels) else f"class {index}"
                print(f"  {scores[index]:.4f}  {label}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
