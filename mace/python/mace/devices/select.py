# SPDX-License-Identifier: Apache-2.0
"""Finds the device that an ABI and the command line ask for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mace.config.loader import load_devices
from mace.devices.base import Device
from mace.devices.local import EMULATED_ABIS, EmulatedDevice, HostDevice
from mace.errors import DeviceError, MaceError

_BOARD_ABIS = ("arm64", "armhf")
_ANDROID_LATER = "running on Android devices is not in this version of MACE"
_BOARD_LATER = "running on boards by ssh is not in this version of MACE"
_USE_EMULATOR = "leave out --device to use the emulator, or use --target_abis=host"


def select_device(abi: str, folder: Path, kind: str = "auto", device_yml: str = "") -> Device:
    """The device for an ABI. folder: where its job's files go on this machine. kind: "auto",
    "host", "emulated", "android" or "arm_linux". device_yml: the boards' file.

    Raises DeviceError when there is none.
    """
    if kind == "android":
        raise _no_android(abi)
    if abi in _BOARD_ABIS or kind == "arm_linux":
        raise _no_board(abi, device_yml)
    if kind == "host" and abi != "host":
        raise DeviceError(
            f"programs for {abi} do not run on this machine as it is",
            hint="leave out --device to use the emulator",
        )
    if kind == "emulated" and abi == "host":
        raise DeviceError(
            "the ABI host is this machine, which is not emulated",
            hint=f"--target_abis is one of {', '.join(EMULATED_ABIS)} for an emulator",
        )
    return HostDevice(folder) if abi == "host" else EmulatedDevice(folder, abi)


def _no_android(abi: str) -> MaceError:
    adb = shutil.which("adb")
    if adb is None:
        return DeviceError(
            "there is no 'adb' on this machine, so no Android device can be reached",
            hint=f"install adb (Debian: apt-get install adb); or {_USE_EMULATOR}",
        )
    serials = _serials(adb)
    if not serials:
        return DeviceError(
            f"no Android device is connected for {abi} (adb devices lists none)",
            hint=f"plug one in and allow debugging; or {_USE_EMULATOR}",
        )
    return DeviceError(f"{_ANDROID_LATER} (found: {', '.join(serials)})", hint=_USE_EMULATOR)


def _serials(adb: str) -> list[str]:
    """The serial numbers of the devices that adb can use."""
    try:
        result = subprocess.run(
            [adb, "devices"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(f"'adb devices' failed: {error}") from None
    fields = [line.split() for line in result.stdout.splitlines()]
    return [words[0] for words in fields if len(words) == 2 and words[1] == "device"]


def _no_board(abi: str, device_yml: str) -> MaceError:
    if not device_yml:
        return DeviceError(
            f"no board for {abi} is known: --device_yml names none, and {_BOARD_LATER}",
            hint="use --target_abis=arm64-v8a or armeabi-v7a, which are emulated",
        )
    devices = load_devices(device_yml).devices
    fitting = [name for name, device in devices.items() if abi in device.target_abis]
    if not fitting:
        return DeviceError(
            f"'{device_yml}' has no board for {abi}", hint=f"its boards are: {', '.join(devices)}"
        )
    return DeviceError(
        f"{_BOARD_LATER} (asked for: {', '.join(fitting)})",
        hint="use --target_abis=arm64-v8a or armeabi-v7a, which are emulated",
    )
