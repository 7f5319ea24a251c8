# SPDX-License-Identifier: Apache-2.0
"""Runs a model in the framework that it comes from. The framework is loaded in a process of its own
(reference_worker.py): it is large, and what it does to its process stays there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.errors import MaceError

Array: TypeAlias = npt.NDArray[Any]

_TIMEOUT = 3600
_PACKAGES = {
    "tensorflow": "tensorflow-cpu",
    "caffe": "opencv-python-headless<5",
    "onnx": "onnxruntime",
    "opencv-onnx": "opencv-python-headless<5",
    "opencv-tensorflow": "opencv-python-headless<5",
}
# Frameworks whose rank-4 tensors are NCHW.
_NCHW = ("caffe", "onnx", "opencv-onnx", "opencv-tensorflow")
_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)


@dataclass(frozen=True)
class Reference:
    """A model in its own framework. formats: data formats of inputs and outputs as the converted
    model has them; arrays go in and come out in these."""

    platform: str
    model_file: Path
    weight_file: Path | None
    inputs: Sequence[str]
    input_formats: Sequence[str]
    outputs: Sequence[str]
    output_formats: Sequence[str]

    def run(self, samples: Sequence[dict[str, Array]]) -> list[list[Array]]:
        """The outputs for each sample, in the order of `outputs`. Raises MaceError."""
        result = []
        for made in self.run_known(samples):
            missing = [name for name in self.outputs if name not in made]
            if missing:
                raise MaceError(f"{self.platform} has no tensor '{missing[0]}' in this model")
            result.append([made[name] for name in self.outputs])
        return result

    def run_known(self, samples: Sequence[dict[str, Array]]) -> list[dict[str, Array]]:
        """As run(), by name and without those of the outputs that the framework does not have."""
        with tempfile.TemporaryDirectory(prefix="mace-reference-") as folder:
            given, made = Path(folder, "inputs.npz"), Path(folder, "outputs.npz")
            arrays = {
                f"{number}:{index}": self._to_framework(sample[name], self.input_formats[index])
                for number, sample in enumerate(samples)
                for index, name in enumerate(self.inputs)
            }
            np.savez(given, **arrays)  # type: ignore[arg-type]  # numpy has no type for this
            job = {
                "platform": self.platform,
                "model_file": str(self.model_file.resolve()),
                "weight_file": str(self.weight_file.resolve()) if self.weight_file else None,
                "inputs": list(self.inputs),
                "outputs": list(self.outputs),
                "samples": len(samples),
                "given": str(given),
                "made": str(made),
            }
            self._work(job)
            with np.load(made) as results:
                return [
                    {
                        name: self._from_framework(results[f"{number}:{index}"], data_format)
                        for index, (name, data_format) in enumerate(
                            zip(self.outputs, self.output_formats, strict=True)
                        )
                        if f"{number}:{index}" in results
                    }
                    for number in range(len(samples))
                ]

    def _work(self, job: dict[str, Any]) -> None:
        paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        command = [sys.executable, "-m", "mace.validation.reference_worker"]
        try:
            result = subprocess.run(
                command,
                input=json.dumps(job),
                capture_output=True,
                text=True,
                env=environment,
                timeout=_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MaceError(f"the {self.platform} reference could not be run: {error}") from None
        if result.returncode == 0:
            return
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"it ended with {result.returncode}"
        hint = ""
        if "No module named" in reason:
            hint = f"install it: pip install '{_PACKAGES[self.platform]}' (setup/optionals.txt)"
        elif "is not a registered function/op" in reason:
            hint = "give what must come out in validation_outputs_data"
        raise MaceError(f"{self.platform} could not run '{self.model_file}': {reason}", hint=hint)

    def _to_framework(self, array: Array, data_format: str) -> Array:
        if self.platform in _NCHW and data_format == "NHWC" and array.ndim == 4:
            return np.ascontiguousarray(array.transpose(_TO_NCHW))
        return array

    def _from_framework(self, array: Array, data_format: str) -> Array:
        if self.platform in _NCHW and data_format == "NHWC" and array.ndim == 4:
            return np.ascontiguousarray(array.transpose(_TO_NHWC))
        return array
