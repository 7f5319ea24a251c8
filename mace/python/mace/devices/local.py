# SPDX-License-Identifier: Apache-2.0
"""This machine as a device, and Arm machines that qemu's user mode emulates on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock

from mace.devices.base import Device, DeviceInfo, RunResult, took_too_long
from mace.devices.process import TookTooLong, run_process
from mace.errors import DeviceError

# ABI to the emulator, and to where the shared libraries of that ABI lie.
_QEMU = {
    "arm64-v8a": ("qemu-aarch64", "/usr/aarch64-linux-gnu"),
    "armeabi-v7a": ("qemu-arm", "/usr/arm-linux-gnueabihf"),
}
EMULATED_ABIS = tuple(_QEMU)
# A program that each ABI's libraries have: the loader, which tells what the kernel says of the CPU.
_LOADER = {"arm64-v8a": "lib/ld-linux-aarch64.so.1", "armeabi-v7a": "lib/ld-linux-armhf.so.3"}
# Bits of AT_HWCAP and, from 64 on, of AT_HWCAP2 on 64-bit Arm (arch/arm64/include/uapi/asm/hwcap.h of Linux).
_HWCAP = {1: "asimd", 10: "asimdhp", 20: "asimddp", 65: "sve2", 77: "i8mm", 78: "bf16"}


class HostDevice(Device):
    """This machine."""

    def __init__(self, folder: Path, abi: str = "host") -> None:
        super().__init__(abi)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()

    def info(self) -> DeviceInfo:
        return DeviceInfo(
            "host", platform.machine(), self.abi, f"{platform.system()} {platform.release()}"
        )

    def push(self, source: Path, name: str) -> None:
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True)  # clean() may have removed it
        target.unlink(missing_ok=True)
        target.symlink_to(source.resolve())

    def pull(self, name: str, target: Path) -> bool:
        source = self._path(name)
        if not source.is_file():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return True

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        timeout: float,
        show: IO[str] | None = None,
    ) -> RunResult:
        command = [*self._prefix(), str(self._path(program)), *arguments]
        try:
            return run_process(
                command,
                timeout,
                folder=self.folder,
                environment={
                    **os.environ,
                    **environment,
                    "LD_LIBRARY_PATH": self._libraries_path(),
                },
                show=show,
            )
        except TookTooLong:
            raise took_too_long(timeout) from None

    @contextmanager
    def lock(self) -> Iterator[None]:
        path = Path(tempfile.gettempdir()) / f"mace-device-{os.getuid()}-{self.info().name}.lock"
        with FileLock(str(path)):
            yield

    def clean(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        if Path(name).name != name:
            raise ValueError(f"'{name}' is no name of a file in a device's folder")
        return self.folder / name

    def _libraries_path(self) -> str:
        """Where libraries are looked for first: among what was pushed."""
        return ":".join(filter(None, [str(self.folder), os.environ.get("LD_LIBRARY_PATH")]))

    def _prefix(self) -> list[str]:
        return []


class EmulatedDevice(HostDevice):
    """An Arm machine that qemu emulates. MACE_QEMU_CPU chooses its core; "max", the default, has
    every extension that qemu knows."""

    def __init__(self, folder: Path, abi: str) -> None:
        super().__init__(folder, abi)
        self.emulator, self._libraries = _QEMU[abi]
        self.cpu = os.environ.get("MACE_QEMU_CPU") or "max"
        if shutil.which(self.emulator) is None:
            raise DeviceError(
                f"there is no device for {abi}: {self.emulator}, which would emulate one, is not "
                "installed",
                hint="install qemu-user (apt-get install qemu-user), or use a phone (--device="
                "android), or --target_abis=host",
            )
        if self.cpu != "max" and self.cpu not in self._cores():
            raise DeviceError(
                f"{self.emulator} has no core '{self.cpu}' (MACE_QEMU_CPU)",
                hint=f"'{self.emulator} -cpu help' lists them",
            )

    def info(self) -> DeviceInfo:
        return DeviceInfo(f"{self.emulator}-{self.cpu}", self.cpu, self.abi, "Linux, emulated")

    def cpu_flags(self) -> str:
        """What /proc/cpuinfo of such a machine has as its features; "" where it cannot be told."""
        loader = Path(self._libraries) / _LOADER[self.abi]
        command = [self.emulator, "-cpu", self.cpu, "-E", "LD_SHOW_AUXV=1", str(loader)]
        try:
            shown = run_process([*command, "--version"], 20).stdout
        except (DeviceError, TookTooLong):
            return ""
        words = dict(re.findall(r"^AT_(HWCAP2?):[ \t]*(.*)$", shown, re.MULTILINE))
        if self.abi != "arm64-v8a":
            return f"{words.get('HWCAP', '')} {words.get('HWCAP2', '')}"
        bits = int(words.get("HWCAP", "0"), 16) | int(words.get("HWCAP2", "0"), 16) << 64
        return " ".join(name for bit, name in _HWCAP.items() if bits >> bit & 1)

    def _cores(self) -> list[str]:
        return run_process([self.emulator, "-cpu", "help"], 60).stdout.split()

    def _prefix(self) -> list[str]:
        return [self.emulator, "-cpu", self.cpu, "-L", self._libraries]
