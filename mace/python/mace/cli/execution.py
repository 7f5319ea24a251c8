# SPDX-License-Identifier: Apache-2.0
"""What run and benchmark share: the models and devices they go over, and the inputs."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt

from mace import api
from mace.cli.arguments import UsageError
from mace.cli.common import chosen_models, deployment_of, library_folder, model_folder
from mace.cli.console import Console, printable
from mace.config.schema import Deployment, Subgraph
from mace.devices import Device, Request, select_devices
from mace.devices.job import ConvertedFiles, Job, OpenclFiles, Settings, file_name
from mace.errors import MaceError
from mace.fetch import fetch
from mace.model_file import read_interface
from mace.protection.encryption import read_key
from mace.protection.names import NAMES_SUFFIX, PRIVATE, NameMap
from mace.runtime import TensorInfo
from mace.validation.inputs import file_inputs, random_inputs, raw_inputs, sized_inputs

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Target:
    """One model for one ABI and runtime ("cpu", "gpu")."""

    deployment: Deployment
    name: str
    abi: str
    files: ConvertedFiles
    runtime: str = "cpu"

    @property
    def subgraph(self) -> Subgraph:
        """The model's interface in the deployment file."""
        return self.deployment.models[self.name].subgraph

    @property
    def threshold(self) -> float:
        """The least cosine similarity of its outputs."""
        half = self.deployment.models[self.name].storage in ("fp16_fp16", "bf16_fp32")
        return self.subgraph.threshold(self.runtime.upper(), half)

    @property
    def folder(self) -> Path:
        """builds/<library_name>."""
        return library_folder(self.deployment)


def targets(options: argparse.Namespace) -> list[Target]:
    """All models for all ABIs that the command line asks for. Raises MaceError if one is not
    converted yet."""
    deployment = deployment_of(options)
    others = [abi for abi in deployment.target_abis if abi != "host"]
    if options.address_sanitizer and others:
        raise UsageError(
            f"--address_sanitizer: not for {', '.join(others)}, since AddressSanitizer's libraries are "
            "there for this machine alone",
            hint="add --target_abis=host",
        )
    if deployment.is_static and options.omp_num_threads > 1:
        raise UsageError(
            f"--omp_num_threads={options.omp_num_threads}: straight-line code has one thread",
            hint="leave it out, or write 'model_graph_format: code'",
        )
    found = []
    for name in chosen_models(deployment, options.models):
        folder = model_folder(deployment)
        graph, data = folder / f"{name}.pb", folder / f"{name}.data"
        key_file = api.encryption_key_file(deployment, name)
        key = read_key(key_file) if key_file is not None else None
        inputs, outputs = read_interface(graph, key)
        _check_names(deployment, name, inputs, graph)
        library = deployment.library_name if deployment.is_code else ""
        embedded = deployment.has_data_in_code
        if deployment.models[name].encryption_key_in_code:
            key_file = None  # the program has it
        files = ConvertedFiles(name, graph, data, inputs, outputs, library, embedded, key_file)
        wanted = getattr(options, "runtime", None)
        runtimes = [wanted] if wanted else deployment.models[name].runtimes
        found += [
            Target(deployment, name, abi, files, runtime)
            for abi in deployment.target_abis
            for runtime in runtimes
        ]
    return found


def _check_names(deployment: Deployment, name: str, inputs: list[TensorInfo], graph: Path) -> None:
    wanted = deployment.models[name].subgraph.input_tensors
    if sorted(wanted) != sorted(info.name for info in inputs):
        raise MaceError(
            f"'{graph}' was converted with other inputs than '{deployment.file}' says",
            hint=f"convert it again: mace convert --config={shlex.quote(str(deployment.file))}",
        )


def devices_of(target: Target, options: argparse.Namespace) -> list[Device]:
    """All devices that the model is to run on."""
    folder = target.folder / "_tmp" / target.name / target.abi
    request = Request(
        options.device, options.device_yml, target.deployment.target_socs, options.keep_files
    )
    return select_devices(target.abi, folder, request)


def settings_of(options: argparse.Namespace, runtime: str) -> Settings:
    """How the command line wants models to be run on a runtime."""
    return Settings(
        runtime=runtime,
        gpu_data_type=options.data_type or "",
        gpu_memory_type=options.cl_mem_type or "",
        failure_ratio=getattr(options, "runtime_failure_ratio", 0.0),
        check_ranges=getattr(options, "gpu_out_of_range_check", False),
        num_threads=1 if options.disable_openmp else options.omp_num_threads,
        cpu_affinity_policy=options.cpu_affinity_policy,
        gpu_perf_hint=options.gpu_perf_hint,
        gpu_priority_hint=options.gpu_priority_hint,
        limit_opencl_kernel_time=options.limit_opencl_kernel_time,
        opencl_queue_window_size=options.opencl_queue_window_size,
        vlog_level=getattr(options, "vlog_level", 0),
        dynamic=options.mace_lib_type == "dynamic",
        sanitize=options.address_sanitizer,
        timeout=options.timeout,
    )


@contextmanager
def job_on_device(target: Target, device: Device, options: argparse.Namespace) -> Iterator[Job]:
    """The model on a device, which nobody else uses meanwhile."""
    with device.lock():
        try:
            opencl = None
            if target.runtime == "gpu" and not options.disable_tuning:
                opencl = OpenclFiles.of(
                    target.folder, target.deployment.library_name, device.info()
                )
            yield Job(device, target.files, settings_of(options, target.runtime), opencl)
        except MaceError as error:
            if (names := names_of(target)) is not None:
                error.args = (names.restore(str(error)),)
            raise
        finally:
            device.clean()


def show_placements(target: Target, figures: Mapping[str, Any], console: Console) -> None:
    """Says which operators did not run on the runtime that was asked for, and why."""
    if target.runtime == "cpu":
        return
    placements = figures.get("placements", [])
    elsewhere = [each for each in placements if each["device"].lower() != target.runtime]
    count, runtime = len(placements) - len(elsewhere), target.runtime.upper()
    console.out(f"  {count} of {len(placements)} operators on the {runtime}")
    groups: dict[tuple[str, str, str], int] = {}
    for each in elsewhere:
        key = (each["device"], each["type"], each["reason"])
        groups[key] = groups.get(key, 0) + 1
    for (device, kind, reason), number in groups.items():
        console.out(f"  on the {device}: {number} {kind}: {printable(reason, 200)}")


def names_of(target: Target) -> NameMap | None:
    """The names that were replaced in the model, if it was obfuscated on this machine."""
    path = target.folder / PRIVATE / f"{target.name}{NAMES_SUFFIX}"
    if not target.deployment.models[target.name].obfuscate or not path.is_file():
        return None
    return NameMap.read(path)


@dataclass(frozen=True)
class Sample:
    """One set of inputs. suffix: of the names of its files, when they come from --input_dir."""

    arrays: dict[str, Array]
    suffix: str = ""


def samples(
    target: Target, input_dir: str, seed: int, count: int, console: Console
) -> list[Sample]:
    """The inputs for a model: from --input_dir, from validation_inputs_data, or random ones."""
    subgraph = target.subgraph
    order = {name: index for index, name in enumerate(subgraph.input_tensors)}
    infos = sorted(target.files.inputs, key=lambda info: order[info.name])
    infos = sized_inputs(infos, subgraph.input_shapes)
    if input_dir:
        return _from_folder(infos, Path(input_dir))
    if subgraph.validation_inputs_data:
        paths = [
            fetch(location, target.deployment.folder, None, console.progress)
            for location in subgraph.validation_inputs_data
        ]
        return [Sample(arrays) for arrays in file_inputs(infos, paths)]
    ranges = subgraph.ranges()
    return [Sample(random_inputs(infos, ranges, seed + number)) for number in range(count)]


def _from_folder(infos: list[TensorInfo], folder: Path) -> list[Sample]:
    """Files <input><suffix>, where <input> is the input's name with '_' for odd signs: each suffix
    that the first input has is one sample."""
    prefix = file_name(infos[0].name)
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError as error:
        raise MaceError(f"the folder '{folder}' cannot be read: {error.strerror}") from None
    suffixes = [
        name[len(prefix) :] for name in names if re.match(re.escape(prefix) + r"(\W|_|$)", name)
    ]
    if not suffixes:
        raise MaceError(
            f"'{folder}' has no file for the input '{infos[0].name}'",
            hint=f"name the files {prefix}_0, {prefix}_1, ...: bare elements, row by row",
        )
    return [
        Sample(raw_inputs(infos, [folder / f"{file_name(i.name)}{suffix}" for i in infos]), suffix)
        for suffix in suffixes
    ]
