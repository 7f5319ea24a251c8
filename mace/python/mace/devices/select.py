# SPDX-License-Identifier: Apache-2.0
"""Finds the devices that an ABI and the command line ask for."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mace.config.loader import load_devices
from mace.config.schema import Device as Board
from mace.devices.adb import AdbLink, connected, find_adb
from mace.devices.base import Device
from mace.devices.local import EMULATED_ABIS, EmulatedDevice, HostDevice
from mace.devices.remote import RemoteDevice
from mace.devices.ssh import SshLink
from mace.errors import DeviceError, did_you_mean

BOARD_ABIS = ("arm64", "armhf")
_USE_EMULATOR = "leave out --device to use the emulator, or use --target_abis=host"
_NOT_SOCS = ("all", "random")


@dataclass(frozen=True)
class Request:
    """What the command line says of devices.

    kind: "auto", "host", "emulated", "android" or "arm_linux". device_yml: the boards' file. socs:
    names of SoCs, or "all" (also if empty), or "random": one of those that fit. keep: folders stay
    on the devices.
    """

    kind: str = "auto"
    device_yml: str = ""
    socs: Sequence[str] = field(default_factory=tuple)
    keep: bool = False


def select_devices(abi: str, folder: Path, request: Request) -> list[Device]:
    """The devices for an ABI, at least one. folder: where its job's files go on this machine.

    Raises DeviceError when there is none.
    """
    kind = request.kind
    if abi in BOARD_ABIS or kind == "arm_linux":
        return _chosen(_boards(abi, request), request)
    if kind == "android":
        return _chosen(_phones(abi, request), request)
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
    return [HostDevice(folder) if abi == "host" else EmulatedDevice(folder, abi)]


def _chosen(found: list[tuple[Device, str]], request: Request) -> list[Device]:
    """Of devices with their SoCs those that were asked for."""
    wanted = [soc for soc in request.socs if soc not in _NOT_SOCS]
    if wanted:
        socs = sorted({soc for _, soc in found})
        for soc in wanted:
            if soc not in socs:
                raise DeviceError(
                    f"no device with the SoC '{soc}' is connected{did_you_mean(soc, socs)}",
                    hint=f"there are: {', '.join(socs)}",
                )
        found = [(device, soc) for device, soc in found if soc in wanted]
    if "random" in request.socs:
        found = [random.choice(found)]
    return [device for device, _ in found]


def _phones(abi: str, request: Request) -> list[tuple[Device, str]]:
    adb = find_adb()
    listed = connected(adb)
    usable = [device.serial for device in listed if device.state == "device"]
    if not usable:
        others = "".join(f"; '{device.serial}' is {device.state}" for device in listed)
        raise DeviceError(
            f"no Android device is connected for {abi} (adb devices lists none that is ready"
            f"{others})",
            hint=f"plug one in and allow debugging; or {_USE_EMULATOR}",
        )
    if twice := [serial for serial in usable if usable.count(serial) > 1]:
        raise DeviceError(
            f"adb lists {len(twice)} devices as '{twice[0]}', and cannot tell them apart",
            hint="disconnect one; or reach it by the network: adb tcpip 5555, adb connect ADDRESS",
        )
    found: list[tuple[Device, str]] = []
    seen: dict[str, list[AdbLink]] = {}
    for serial in usable:
        link = AdbLink(adb, serial)
        namesakes = seen.setdefault(link.hardware_serial(), [])
        if any(_is_one_phone(link, other) for other in namesakes):
            continue
        namesakes.append(link)
        if abi in link.abis():
            device = RemoteDevice(link, abi, request.keep, f"android-{abi}")
            found.append((device, link.info(abi).soc))
    if not found:
        raise DeviceError(
            f"none of the connected Android devices runs programs for {abi} ({', '.join(usable)})",
            hint=f"use another of --target_abis; or {_USE_EMULATOR}",
        )
    return found


def _is_one_phone(link: AdbLink, other: AdbLink) -> bool:
    """Whether two links with one serial number lead to one phone, as by its cable and by its
    address."""
    boots = {link.boot(), other.boot()}
    if len(boots) == 1 and boots != {""}:
        return True
    what = f"'{other.name}' and '{link.name}' have the serial number '{link.hardware_serial()}'"
    if "" not in boots:
        _warn(f"{what} and are two devices all the same; both are used")
        return False
    _warn(f"{what} and are taken for one device; if they are two, ANDROID_SERIAL chooses one")
    return True


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)


def _boards(abi: str, request: Request) -> list[tuple[Device, str]]:
    if not request.device_yml:
        raise DeviceError(
            f"no board for {abi} is known: --device_yml names no file of boards",
            hint="write one (the user guide shows it), or use --target_abis=arm64-v8a or "
            "armeabi-v7a, which are emulated",
        )
    boards = load_devices(request.device_yml).devices
    found: list[tuple[Device, str]] = [
        (RemoteDevice(board_link(name, board), abi, request.keep), soc)
        for name, board in boards.items()
        if abi in board.target_abis
        for soc in (board.target_socs or [""])[:1]
    ]
    if not found:
        raise DeviceError(
            f"'{request.device_yml}' has no board for {abi}",
            hint=f"its boards are: {', '.join(boards)}",
        )
    return found


def board_link(name: str, board: Board) -> SshLink:
    """The way to a board of the device file."""
    return SshLink(name, board.address, board.username, board.port, board.ssh_options, board.folder)
