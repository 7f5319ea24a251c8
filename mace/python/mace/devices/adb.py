# SPDX-License-Identifier: Apache-2.0
"""Android devices, by the adb program. Its exit code is not believed: older ones end with 0 when the
connection drops. Every call has a limit of time, since adb has none of its own."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from mace.devices.base import DeviceInfo, RunResult
from mace.devices.process import Shown, TookTooLong, run_process
from mace.devices.remote import SHORT, ConnectionLost, Link, matching_line
from mace.errors import DeviceError

_FOLDER = "/data/local/tmp"

# What adb says, and what that means to somebody who uses it.
_CAUSES = (
    (r"No space left", "its storage is full", "remove something in /data/local/tmp, or elsewhere"),
    (
        r"unauthorized|failed to authenticate",
        "it does not allow this machine to use it",
        "unlock it and answer its question about debugging with yes",
    ),
    (
        r"device offline",
        "it is offline",
        "wake it up, plug it in again, or run 'adb kill-server'",
    ),
    (
        r"more than one (device|emulator)|multiple devices",
        "several devices have this serial number",
        "disconnect one of them; or reach it by the network: adb tcpip 5555, adb connect ADDRESS",
    ),
    (
        r"not found|no devices|unable to connect|failed to connect|Connection refused",
        "it is not connected",
        "'adb devices' lists what is",
    ),
    (r"Read-only file system|Permission denied", "it does not let files be written", ""),
)


@dataclass(frozen=True)
class Connected:
    """A line of `adb devices`."""

    serial: str
    state: str


def find_adb() -> str:
    """The path of adb. Raises DeviceError if there is none."""
    adb = shutil.which("adb")
    if adb is None:
        raise DeviceError(
            "there is no 'adb' on this machine, so no Android device can be reached",
            hint="install adb (Debian: apt-get install adb); or leave out --device to use the "
            "emulator, or use --target_abis=host",
        )
    return adb


def connected(adb: str) -> list[Connected]:
    """All devices that adb knows, usable or not. ANDROID_SERIAL, if set, names the one that counts,
    and is connected to when it is an address."""
    chosen = os.environ.get("ANDROID_SERIAL", "")
    if re.fullmatch(r"[^:\s]+:\d+", chosen):
        AdbLink(adb, chosen).connect()
    try:
        result = run_process([adb, "devices"], SHORT)
    except TookTooLong:
        raise DeviceError(f"'adb devices' gave no answer in {SHORT:.0f} s") from None
    if result.code != 0:
        raise DeviceError(f"'adb devices' failed: {result.last_line('adb')}")
    fields = [line.split("\t") for line in result.stdout.splitlines() if "\t" in line]
    found = [Connected(words[0], words[1].split()[0]) for words in fields if words[1].strip()]
    return [device for device in found if chosen in ("", device.serial)]


def _reason(result: RunResult) -> str:
    """Why a file was not copied. When the connection breaks, adb gives a count of files alone."""
    text = f"{result.stdout}\n{result.stderr}".splitlines()
    lines = [line for line in text if line.strip() and not re.search(r"\d files? pu", line)]
    return f"adb: {lines[-1].strip().removeprefix('adb: ')}" if lines else "the connection broke"


class AdbLink(Link):
    """An Android device by its serial number, or its address and port."""

    base = _FOLDER

    def __init__(self, adb: str, serial: str) -> None:
        self.adb, self.name = adb, serial
        self._properties: dict[str, str] | None = None

    def shell(self, command: str, timeout: float, show: Shown = None) -> RunResult:
        result = self._adb(["shell", command], timeout, show)
        if result.code != 0 and not result.stdout:
            self._explain(result)
        return result

    def upload(self, source: Path, target: str, timeout: float) -> None:
        result = self._adb(["push", str(source), target], timeout)
        if result.code != 0:
            self._explain(result)
            raise ConnectionLost(
                f"'{self.name}' did not take '{source.name}': {_reason(result)}",
                hint="see that it is awake and its cable is sound, then try again",
            )

    def download(self, source: str, target: Path, timeout: float) -> None:
        result = self._adb(["pull", source, str(target)], timeout)
        if result.code != 0:
            self._explain(result)
            raise ConnectionLost(
                f"'{self.name}' did not give '{source}': {_reason(result)}",
                hint="see that it is awake and its cable is sound, then try again",
            )

    def info(self, abi: str) -> DeviceInfo:
        known = self.properties()
        name = " ".join(
            known[key] for key in ("ro.product.manufacturer", "ro.product.model") if known.get(key)
        )
        return DeviceInfo(
            name or self.name,
            known.get("ro.board.platform") or known.get("ro.hardware", ""),
            abi,
            f"Android {known.get('ro.build.version.release', '')}".strip(),
        )

    def properties(self) -> dict[str, str]:
        """What getprop lists."""
        if self._properties is None:
            try:
                text = self.call("getprop").stdout
            except TookTooLong:
                raise self._silent() from None
            self._properties = dict(re.findall(r"^\[([^]]*)\]: \[(.*)\]\r?$", text, re.MULTILINE))
        return self._properties

    def abis(self) -> list[str]:
        """What it runs, the best first."""
        known = self.properties()
        text = known.get("ro.product.cpu.abilist") or known.get("ro.product.cpu.abi", "")
        return [abi for abi in text.split(",") if abi]

    def hardware_serial(self) -> str:
        """Tells one device under two addresses from two devices."""
        return self.properties().get("ro.serialno") or self.name

    def boot(self) -> str:
        """Tells devices apart whose makers gave them one serial number; "" if it does not say."""
        try:
            said = self.call("cat /proc/sys/kernel/random/boot_id")
        except TookTooLong:
            raise self._silent() from None
        return said.stdout.strip() if said.code == 0 else ""

    def connect(self) -> None:
        """Connects to an address and port. Raises DeviceError."""
        said = None
        for _ in range(2):
            try:
                # It ends with 0 even when it fails.
                said = run_process([self.adb, "connect", self.name], SHORT)
                state = self._adb(["get-state"], SHORT)
            except TookTooLong:
                raise self._silent() from None
            if state.stdout.strip() == "device":
                return
            # "already connected" may speak of a connection that is dead.
            run_process([self.adb, "disconnect", self.name], SHORT)
        assert said is not None
        self._explain(said)
        raise DeviceError(f"'{self.name}' cannot be connected to: {said.last_line('adb')}")

    def _adb(self, words: list[str], timeout: float, show: Shown = None) -> RunResult:
        return run_process([self.adb, "-s", self.name, *words], timeout, show=show)

    def _silent(self) -> DeviceError:
        return ConnectionLost(
            f"'{self.name}' gives no answer",
            hint="wake it up, plug it in again, or run 'adb kill-server'",
        )

    def _explain(self, result: RunResult) -> None:
        """Raises DeviceError if adb's text tells the cause."""
        text = f"{result.stderr}\n{result.stdout[-2000:]}"
        for pattern, cause, hint in _CAUSES:
            if line := matching_line(pattern, text):
                line = re.sub(r"^(adb: )?(error: )?", "", line)
                raise DeviceError(
                    f"'{self.name}' cannot be used: {cause} (adb: {line})",
                    hint=hint,
                )
