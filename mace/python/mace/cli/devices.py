# SPDX-License-Identifier: Apache-2.0
"""`mace devices`: what can be reached from here, and what it is."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mace.cli.console import Console
from mace.config.loader import load_devices
from mace.devices.adb import AdbLink, connected, find_adb
from mace.devices.local import EMULATED_ABIS, EmulatedDevice, HostDevice
from mace.devices.opencl import opencl_devices
from mace.devices.process import TookTooLong
from mace.devices.remote import Link
from mace.devices.select import board_link
from mace.errors import EXIT_OK, MaceError
from mace.resources import cache_dir

# What makes kernels faster, as /proc/cpuinfo spells it on Arm and on x86.
_FEATURES = (
    ("neon", "NEON"),
    ("asimd", "NEON"),
    ("asimdhp", "fp16"),
    ("asimddp", "dot product"),
    ("i8mm", "i8mm"),
    ("bf16", "bf16"),
    ("sve2", "SVE2"),
    ("avx2", "AVX2"),
    ("avx512f", "AVX-512"),
    ("avx512_vnni", "VNNI"),
)
_LIBRARIES = (
    "for d in /vendor/lib64 /vendor/lib /system/vendor/lib64 /system/lib64 /usr/lib /usr/local/lib "
    "/usr/lib/a*-linux-gnu*; do ls $d/libOpenCL.so* $d/libcdsprpc.so 2>/dev/null; done; true"
)


@dataclass
class _Found:
    """One device."""

    kind: str
    name: str
    serial: str
    abis: list[str]
    soc: str
    system: str
    cpu_features: list[str]
    opencl: bool = False
    dsp: bool = False
    problem: str = ""


def run(options: argparse.Namespace, console: Console) -> int:
    """Lists all devices; those that cannot be used are listed with the reason."""
    found: list[_Found] = []
    with console.step("looking for devices"):
        found += [_host(), *_emulated(), *_phones(console)]
        if options.device_yml:
            found += _boards(options.device_yml)
    rows = [
        [
            item.kind,
            item.name,
            item.serial,
            ", ".join(item.abis),
            item.soc,
            item.problem or item.system,
            ", ".join(item.cpu_features),
            " ".join(n for n, there in (("OpenCL", item.opencl), ("DSP", item.dsp)) if there),
        ]
        for item in found
    ]
    header = ("kind", "name", "serial or address", "ABIs", "SoC", "system", "CPU", "libraries")
    console.table(header, rows)
    console.result["devices"] = [vars(item) for item in found]
    return EXIT_OK


def _named(flags: str) -> list[str]:
    words = set(flags.split())
    return list(dict.fromkeys(name for flag, name in _FEATURES if flag in words))


def _flags(text: str) -> str:
    """The flags of the first CPU of /proc/cpuinfo."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return value
    return ""


def _host() -> _Found:
    info = HostDevice(cache_dir()).info()
    try:
        flags = _named(_flags(Path("/proc/cpuinfo").read_text(encoding="utf-8")))
    except OSError:
        flags = []
    found = _Found("host", info.name, "", ["host"], info.soc, info.system, flags)
    found.opencl = bool(opencl_devices()[0])
    return found


def _emulated() -> Iterator[_Found]:
    for abi in EMULATED_ABIS:
        try:
            device = EmulatedDevice(cache_dir(), abi)
        except MaceError as error:
            yield _Found("emulated", abi, "", [abi], "", "", [], problem=str(error))
            continue
        info = device.info()
        flags = _named(device.cpu_flags())
        yield _Found("emulated", info.name, "", [abi], info.soc, info.system, flags)


def _phones(console: Console) -> Iterator[_Found]:
    if shutil.which("adb") is None:
        console.detail("adb is not installed, so phones are not looked for")
        return
    adb = find_adb()
    for device in connected(adb):
        if device.state != "device":
            serial, state = device.serial, f"it is {device.state}"
            yield _Found("android", "", serial, [], "", "", [], problem=state)
            continue
        link = AdbLink(adb, device.serial)
        yield _remote("android", link, device.serial, link.abis)


def _boards(path: str) -> Iterator[_Found]:
    for name, board in load_devices(path).devices.items():
        abis = list(board.target_abis)
        try:
            link = board_link(name, board)
        except MaceError as error:
            yield _Found("arm_linux", name, board.address, abis, "", "", [], problem=str(error))
            continue
        found = _remote("arm_linux", link, board.address, abis.copy)
        found.soc = ", ".join(board.target_socs) or found.soc
        yield found


def _remote(kind: str, link: Link, serial: str, abis: Callable[[], list[str]]) -> _Found:
    try:
        known = abis()
        info = link.info(known[0] if known else "")
        flags = _named(_flags(link.call("cat /proc/cpuinfo").stdout))
        libraries = link.call(_LIBRARIES).stdout
    except (MaceError, TookTooLong) as error:
        return _Found(kind, link.name, serial, [], "", "", [], problem=str(error))
    found = _Found(kind, info.name, serial, known, info.soc, info.system, flags)
    found.opencl, found.dsp = "libOpenCL" in libraries, "libcdsprpc" in libraries
    return found
