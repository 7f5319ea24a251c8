# SPDX-License-Identifier: Apache-2.0
"""Runs mace_run and benchmark_model on a device: what they are given, and what comes back."""

from __future__ import annotations

import json
import re
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.devices.base import Device, DeviceInfo, RunResult
from mace.errors import EXIT_INTERNAL, EXIT_USAGE, MaceError
from mace.export.files import write_files
from mace.resources import resource
from mace.runtime import TensorInfo

Array: TypeAlias = npt.NDArray[Any]

_GRAPH, _DATA, _KEY, _RESULT = "model.pb", "model.data", "model.key", "result.json"
_PARAMETERS, _PROGRAMS = "opencl_parameters.bin", "opencl_programs.bin"
_STORED_PROGRAMS = "mace_cl_compiled_program.bin"  # of --opencl_storage_path
_LIBRARY = "libmace.so"
_LOG_LINES = 12


def file_name(tensor: str) -> str:
    """What the device programs call a tensor's file: all but letters and digits become '_'."""
    return re.sub(r"[^0-9A-Za-z]", "_", tensor)


@dataclass(frozen=True)
class ConvertedFiles:
    """A converted model and its interface. library: the name of the library that has the model as
    code, and its weights too if `embedded`; empty: all is in the files. key: the file with the key
    of an encrypted model, None if the program needs none."""

    name: str
    graph: Path
    data: Path
    inputs: Sequence[TensorInfo]
    outputs: Sequence[TensorInfo]
    library: str = ""
    embedded: bool = False
    key: Path | None = None


@dataclass(frozen=True)
class Settings:
    """How a model is run."""

    num_threads: int = -1
    cpu_affinity_policy: int = 1
    gpu_perf_hint: int = 3
    gpu_priority_hint: int = 3
    limit_opencl_kernel_time: int | None = None  # in place of the model's
    opencl_queue_window_size: int | None = None
    vlog_level: int = 0
    timeout: float = 3600.0
    runtime: str = "cpu"  # or "gpu"
    gpu_data_type: str = ""  # in place of the model's: "fp32_fp32", "fp16_fp32", "fp16_fp16"
    gpu_memory_type: str = ""  # in place of the model's: "buffer" or "image"
    check_ranges: bool = False  # every index of every GPU kernel
    failure_ratio: float = 0.0  # of the calls to the GPU's driver that are to fail
    dynamic: bool = False  # the engine comes from libmace.so and is no part of the program
    sanitize: bool = False  # with AddressSanitizer
    isa: str = ""  # the instruction set whose kernels are used (MACE_ISA); the best if empty

    def flags(self) -> list[str]:
        """As flags of the device programs."""
        return [
            f"--device={self.runtime.upper()}",
            f"--omp_num_threads={self.num_threads}",
            f"--cpu_affinity_policy={self.cpu_affinity_policy}",
            f"--gpu_perf_hint={self.gpu_perf_hint}",
            f"--gpu_priority_hint={self.gpu_priority_hint}",
            *self._given("limit_opencl_kernel_time", "opencl_queue_window_size"),
            *([f"--gpu_data_type={self.gpu_data_type}"] if self.gpu_data_type else []),
            *([f"--gpu_memory_type={self.gpu_memory_type}"] if self.gpu_memory_type else []),
        ]

    def _given(self, *names: str) -> list[str]:
        return [
            f"--{name}={getattr(self, name)}" for name in names if getattr(self, name) is not None
        ]

    def variant(self) -> list[str]:
        """What the programs are built with."""
        from mace import build  # needed in a source tree only

        return [build.DYNAMIC] * self.dynamic + [build.SANITIZER] * self.sanitize

    def environment(self) -> dict[str, str]:
        """The environment of the device programs."""
        environment = {"MACE_ISA": self.isa} if self.isa else {}
        if self.check_ranges:
            environment["MACE_OUT_OF_RANGE_CHECK"] = "1"
        if self.failure_ratio:
            environment["MACE_RUNTIME_FAILURE_RATIO"] = str(self.failure_ratio)
        if self.vlog_level:
            environment["MACE_CPP_MIN_VLOG_LEVEL"] = str(self.vlog_level)
        return environment


@dataclass(frozen=True)
class OpenclFiles:
    """Where what is known of one GPU is kept on this machine. Files need not be there."""

    parameters: Path  # tuned
    programs: Path  # compiled

    @staticmethod
    def of(folder: Path, library: str, info: DeviceInfo) -> OpenclFiles:
        """In builds/<library>/opencl/<abi>, by the names of the documents."""
        where = folder / "opencl" / info.abi
        suffix = f"{_plain(info.name)}.{_plain(info.soc)}.bin"
        return OpenclFiles(
            where / f"{library}_tuned_opencl_parameter.{suffix}",
            where / f"{library}_compiled_opencl_kernel.{suffix}",
        )


def _plain(name: str) -> str:
    """A name as a part of the name of a file."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_") or "unknown"


@dataclass
class Outcome:
    """What a run gave: the program's figures, its outputs by name, its log."""

    figures: dict[str, Any]
    outputs: dict[str, Array] = field(default_factory=dict)
    log: str = ""


class Job:
    """One model on one device."""

    def __init__(
        self,
        device: Device,
        model: ConvertedFiles,
        settings: Settings,
        opencl: OpenclFiles | None = None,
    ) -> None:
        self.device, self.model, self.settings, self.opencl = device, model, settings, opencl
        names = [file_name(info.name) for info in (*model.inputs, *model.outputs)]
        if len(set(names)) != len(names):
            raise MaceError(
                f"names of inputs and outputs of '{model.name}' differ only in signs that file "
                "names lack, so their files cannot be told apart",
                hint="rename one of them in the model",
            )
        self._has_data = model.data.is_file() and not model.embedded
        if not model.library:
            device.push(model.graph, _GRAPH)
        if self._has_data:
            device.push(model.data, _DATA)
        if model.key is not None:
            device.push(model.key, _KEY)
        if opencl is not None:
            for path, name in ((opencl.parameters, _PARAMETERS), (opencl.programs, _PROGRAMS)):
                if path.is_file():
                    device.push(path, name)

    @property
    def tuned(self) -> bool:
        """Whether there are tuned parameters for the device."""
        return self.opencl is not None and self.opencl.parameters.is_file()

    def tune(self, inputs: dict[str, Array], show: IO[str] | None = None) -> None:
        """Finds the fastest kernels of the device's GPU, and keeps them with the compiled programs
        on this machine. What is known already is not looked for again."""
        if self.opencl is None:
            raise ValueError("there is no place for tuned parameters")
        self._push_inputs(inputs)
        flags = ["--opencl_tune", f"--opencl_parameter_file={_PARAMETERS}"]
        arguments = [a for a in self._arguments(inputs) if not a.startswith("--opencl_")]
        arguments += [*flags, "--opencl_storage_path=.", "--round=1", f"--json={_RESULT}"]
        self._start("mace_run", arguments, show)
        found = {}
        for path, name in (
            (self.opencl.parameters, _PARAMETERS),
            (self.opencl.programs, _STORED_PROGRAMS),
        ):
            if self.device.pull(name, self._scratch() / name):
                found[path] = (self._scratch() / name).read_bytes()
        if self.opencl.parameters not in found:
            raise MaceError(
                f"the GPU of '{self.device.info().name}' was not tuned: the run left no parameters",
                hint="run with --vlog_level=1 to see why",
            )
        write_files(found)
        self.device.push(self.opencl.parameters, _PARAMETERS)
        if self.opencl.programs in found:
            self.device.push(self.opencl.programs, _PROGRAMS)

    def run(
        self,
        inputs: dict[str, Array],
        rounds: int = 1,
        program: str = "mace_run",
        show: IO[str] | None = None,
    ) -> Outcome:
        """Runs mace_run (or the example program) on these inputs."""
        self._push_inputs(inputs)
        arguments = [*self._arguments(inputs), "--output_file=output", f"--round={rounds}"]
        outcome = self._start(program, [*arguments, f"--json={_RESULT}"], show)
        shapes = {o["name"]: o["shape"] for o in outcome.figures.get("outputs", [])}
        for info in self.model.outputs:
            array = self._pull_output(info)
            shape = shapes.get(info.name)
            outcome.outputs[info.name] = array.reshape(shape) if shape is not None else array
        return outcome

    def benchmark(
        self,
        inputs: dict[str, Array],
        max_num_runs: int,
        max_seconds: float,
        warmup: int,
        show: IO[str] | None = None,
        roofline: bool = False,
    ) -> Outcome:
        """Runs benchmark_model on these inputs. roofline: the figures have `limits`."""
        self._push_inputs(inputs)
        arguments = [
            *self._arguments(inputs),
            f"--max_num_runs={max_num_runs}",
            f"--max_time={max_seconds}",
            f"--warmup_runs={warmup}",
            f"--json={_RESULT}",
            *(["--roofline"] if roofline else []),
        ]
        return self._start("benchmark_model", arguments, show)

    def _arguments(self, inputs: dict[str, Array]) -> list[str]:
        shapes = ":".join(",".join(map(str, inputs[i.name].shape)) for i in self.model.inputs)
        arguments = [
            f"--model_name={self.model.name}",
            f"--input_shape={shapes}",
            "--input_file=input",
            *self.settings.flags(),
        ]
        if not self.model.library:
            arguments.append(f"--model_file={_GRAPH}")
        if self.model.key is not None:
            arguments.append(f"--model_key_file={_KEY}")
        if self.opencl is not None and self.opencl.parameters.is_file():
            arguments.append(f"--opencl_parameter_file={_PARAMETERS}")
        if self.opencl is not None and self.opencl.programs.is_file():
            arguments.append(f"--opencl_binary_file={_PROGRAMS}")
        if self._has_data:
            arguments.append(f"--model_data_file={_DATA}")
        return arguments

    def _push_inputs(self, inputs: dict[str, Array]) -> None:
        for info in self.model.inputs:
            array = np.ascontiguousarray(inputs[info.name], info.dtype)
            path = self._scratch() / f"input_{file_name(info.name)}"
            array.tofile(path)
            self.device.push(path, path.name)

    def _scratch(self) -> Path:
        """A folder on this machine that goes away with the job."""
        if not hasattr(self, "_folder"):
            self._folder = tempfile.TemporaryDirectory(prefix="mace-job-")
        return Path(self._folder.name)

    def _start(self, program: str, arguments: Sequence[str], show: IO[str] | None) -> Outcome:
        self.device.push(self._program(program), program)
        if self.settings.dynamic:
            library = replace(self.settings, dynamic=False).variant()
            self.device.push(resource(_LIBRARY, self.device.build, library), _LIBRARY)
        stale = self._scratch() / _RESULT
        stale.unlink(missing_ok=True)
        result = self.device.run(
            program, arguments, self.settings.environment(), self.settings.timeout, show
        )
        if result.code != 0:
            raise _failure(program, self.model.name, result)
        if not self.device.pull(_RESULT, stale):
            raise MaceError(f"{program} ended well and left no {_RESULT}")
        return Outcome(json.loads(stale.read_text("utf-8")), {}, result.stderr)

    def _program(self, name: str) -> Path:
        """The program for the device, with the model in it if that is code."""
        if not self.model.library:
            return resource(name, self.device.build, self.settings.variant())
        from mace.codegen import build_program

        return build_program(self.model.library, name, self.device.build, self.settings.variant())

    def _pull_output(self, info: TensorInfo) -> Array:
        name = f"output_{file_name(info.name)}"
        target = self._scratch() / name
        if not self.device.pull(name, target):
            raise MaceError(f"the run left no file '{name}' for the output '{info.name}'")
        return np.fromfile(target, info.dtype)


def _failure(program: str, model: str, result: RunResult) -> MaceError:
    text = [line for line in (result.stderr or result.stdout).splitlines() if line.strip()]
    # What AddressSanitizer found comes before pages of memory.
    found = next((i for i, line in enumerate(text) if "ERROR: AddressSanitizer" in line), None)
    shown = text[-_LOG_LINES:] if found is None else text[found:][:_LOG_LINES]
    log = "\n  ".join(shown) or "(it said nothing)"
    if result.code < 0:
        try:
            name = signal.Signals(-result.code).name
        except ValueError:
            name = f"signal {-result.code}"
        error = MaceError(f"{program} was ended by {name} while it ran '{model}':\n  {log}")
        error.exit_code = EXIT_INTERNAL
        return error
    error = MaceError(f"{program} could not run '{model}' (it ended with {result.code}):\n  {log}")
    error.exit_code = EXIT_USAGE if result.code == EXIT_USAGE else EXIT_INTERNAL
    return error
