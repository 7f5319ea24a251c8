# SPDX-License-Identifier: Apache-2.0
"""What is known of a GPU, between a device and the builds folder: names, first tuning, later runs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from mace.devices import job as job_module
from mace.devices.base import Device, DeviceInfo, RunResult
from mace.devices.job import ConvertedFiles, Job, OpenclFiles, Settings
from mace.errors import MaceError
from mace.runtime import TensorInfo


class _Phone(Device):
    """Keeps files, and answers mace_run as if it had tuned."""

    def __init__(self, folder: Path, tunes: bool = True) -> None:
        super().__init__("arm64-v8a")
        self.folder, self.tunes, self.calls = folder, tunes, list[list[str]]()

    def info(self) -> DeviceInfo:
        return DeviceInfo("MI 6/x", "msm8998", "arm64-v8a", "Android")

    def push(self, source: Path, name: str) -> None:
        shutil.copy(source, self.folder / name)

    def pull(self, name: str, target: Path) -> bool:
        if there := (self.folder / name).is_file():
            shutil.copy(self.folder / name, target)
        return there

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        show: IO[str] | None = None,
    ) -> RunResult:
        self.calls.append(list(arguments))
        (self.folder / "result.json").write_text("{}")
        np.zeros(1, np.float32).tofile(self.folder / "output_y")
        if self.tunes and "--opencl_tune" in arguments:
            (self.folder / "opencl_parameters.bin").write_bytes(b"tuned")
            (self.folder / "mace_cl_compiled_program.bin").write_bytes(b"compiled")
        return RunResult(0, "", "", 0.1)

    def lock(self) -> AbstractContextManager[None]:
        return nullcontext()

    def clean(self) -> None:
        pass


def _job(phone: _Phone, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    program = folder / "program"
    program.write_bytes(b"")
    monkeypatch.setattr(job_module, "resource", lambda name, build, variant: program)
    graph = folder / "m.pb"
    graph.write_bytes(b"graph")
    x = TensorInfo("x", (1,), np.dtype(np.float32), "NONE")
    y = TensorInfo("y", (1,), np.dtype(np.float32), "NONE")
    files = ConvertedFiles("m", graph, folder / "none", [x], [y])
    opencl = OpenclFiles.of(folder / "builds" / "lib", "lib", phone.info())
    return Job(phone, files, Settings(runtime="gpu"), opencl)


def test_the_files_have_the_documented_names() -> None:
    info = DeviceInfo("MI 6/x", "", "arm64-v8a", "Android")
    files = OpenclFiles.of(Path("builds/lib"), "lib", info)
    assert files.parameters == Path(
        "builds/lib/opencl/arm64-v8a/lib_tuned_opencl_parameter.MI_6_x.unknown.bin"
    )
    assert files.programs.name == "lib_compiled_opencl_kernel.MI_6_x.unknown.bin"


def test_what_was_tuned_is_kept_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = {"x": np.zeros(1, np.float32)}
    (tmp_path / "first").mkdir()
    phone = _Phone(tmp_path / "first")
    job = _job(phone, tmp_path, monkeypatch)
    assert not job.tuned
    job.tune(inputs)
    assert job.tuned and job.opencl is not None
    assert job.opencl.parameters.read_bytes() == b"tuned"
    assert job.opencl.programs.read_bytes() == b"compiled"
    (tmp_path / "second").mkdir()
    later = _Phone(tmp_path / "second")
    _job(later, tmp_path, monkeypatch).run(inputs)
    assert (tmp_path / "second" / "opencl_parameters.bin").read_bytes() == b"tuned"
    assert "--opencl_parameter_file=opencl_parameters.bin" in later.calls[0]
    assert "--opencl_binary_file=opencl_programs.bin" in later.calls[0]
    assert "--opencl_tune" not in later.calls[0]


def test_tuning_that_leaves_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "phone").mkdir()
    job = _job(_Phone(tmp_path / "phone", tunes=False), tmp_path, monkeypatch)
    with pytest.raises(MaceError, match="was not tuned"):
        job.tune({"x": np.zeros(1, np.float32)})
    assert not job.tuned


def test_limits_are_flags_only_where_they_are_given() -> None:
    assert not any("kernel_time" in flag or "window" in flag for flag in Settings().flags())
    flags = Settings(limit_opencl_kernel_time=1, opencl_queue_window_size=0).flags()
    assert {"--limit_opencl_kernel_time=1", "--opencl_queue_window_size=0"} <= set(flags)
