#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Optimizes an ONNX model for inference.

  python tools/onnx_optimizer.py model.onnx model_opt.onnx

Constants are folded, shapes are computed and nodes that do nothing are removed, by the package
onnxslim. The result is checked before it is written, and written whole or not at all.
Exit codes: 0 done, 2 wrong use, or the model cannot be optimized.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_PYTHON = ROOT / ".venv" / "bin" / "python"
# What protobuf can serialize, less some for everything but weights.
_LARGEST = 2**31 - 2**24


class OptimizerError(Exception):
    """What went wrong, as a sentence."""


def main() -> int:
    """Returns 0, or 2 after saying what is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", metavar="MODEL", type=Path, help="the model")
    parser.add_argument(
        "output", metavar="OUT", type=Path, help="where the optimized one is written"
    )
    options = parser.parse_args()
    try:
        import onnx
        import onnxslim
    except ModuleNotFoundError as error:
        if _PYTHON.is_file() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
            os.execv(_PYTHON, [str(_PYTHON), __file__, *sys.argv[1:]])
        return _fail(f"the Python package '{error.name}' is not installed", "run tools/setup.sh")
    try:
        model = _load(onnx, options.input)
        before = len(model.graph.node)
        optimized = _optimize(onnx, onnxslim, model)
        _save(onnx, optimized, options.output)
    except OptimizerError as error:
        return _fail(str(error), "convert the model as it is: MACE folds and fuses by itself")
    print(f"{options.output}: {len(optimized.graph.node)} nodes in place of {before}")
    return 0


def _fail(message: str, hint: str) -> int:
    print(f"error: {message}\nhint: {hint}", file=sys.stderr)
    return 2


def _load(onnx: Any, path: Path) -> Any:
    """The model with its weights, which lie in its own folder (onnx sees to that)."""
    try:
        return onnx.load(path)
    except OSError as error:
        raise OptimizerError(f"'{path}' cannot be read: {error.strerror or error}") from None
    except Exception as error:  # protobuf and onnx have exceptions of their own
        raise OptimizerError(f"'{path}' is not an ONNX model: {error}") from None


def _optimize(onnx: Any, onnxslim: Any, model: Any) -> Any:
    def interface(proto: Any) -> list[tuple[str, str]]:
        weights = {t.name for t in proto.graph.initializer}
        inputs = [("input", v.name) for v in proto.graph.input if v.name not in weights]
        return inputs + [("output", v.name) for v in proto.graph.output]

    wanted = interface(model)
    try:
        optimized = onnxslim.slim(model)
        if optimized.ByteSize() < _LARGEST:
            onnx.checker.check_model(optimized)
    except Exception as error:  # whatever goes wrong in there, the model is not written
        kind = type(error).__name__
        raise OptimizerError(f"the model could not be optimized ({kind}: {error})") from None
    if interface(optimized) != wanted:
        raise OptimizerError("the model could not be optimized: its inputs or outputs would change")
    return optimized


def _save(onnx: Any, model: Any, path: Path) -> None:
    """Weights that no longer fit into one file go beside it, to <name>.data."""
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".onnx_optimizer") as folder:
            made = Path(folder) / path.name
            data = f"{path.name}.data"
            big = model.ByteSize() >= _LARGEST
            external = {"save_as_external_data": True, "location": data} if big else {}
            onnx.save(model, made, **external)
            if big:
                os.replace(made.with_name(data), path.with_name(data))
            os.replace(made, path)
    except OSError as error:
        raise OptimizerError(f"'{path}' cannot be written: {error.strerror or error}") from None


if __name__ == "__main__":
    sys.exit(main())
