# SPDX-License-Identifier: Apache-2.0
"""Devices: this machine, the emulator, and what is said when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from mace.devices import Request, select_devices
from mace.devices.base import RunResult
from mace.devices.job import _failure, file_name
from mace.devices.local import HostDevice
from mace.errors import DeviceError, MaceError
from shell_script import script


def test_host_runs_in_its_folder(tmp_path: Path) -> None:
    device = HostDevice(tmp_path / "job")
    device.push(
        script(tmp_path, 'echo "$1 $NAME"; echo warn >&2; cat data > made; exit 3'), "program"
    )
    (tmp_path / "data.bin").write_text("content")
    device.push(tmp_path / "data.bin", "data")
    result = device.run("program", ["one two"], {"NAME": "x"}, 10)
    assert (result.code, result.stdout, result.stderr) == (3, "one two x\n", "warn\n")
    assert device.pull("made", tmp_path / "back" / "made")
    assert (tmp_path / "back" / "made").read_text() == "content"
    assert not device.pull("none", tmp_path / "none")
    device.clean()
    assert not (tmp_path / "job").exists()
    assert (tmp_path / "data.bin").exists()


def test_names_with_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name of a file"):
        HostDevice(tmp_path).push(tmp_path, "../x")


def test_a_timeout_ends_the_program_and_its_children(tmp_path: Path) -> None:
    device = HostDevice(tmp_path / "job")
    device.push(script(tmp_path, "sleep 60 & echo $! > child; wait"), "program")
    begin = time.monotonic()
    with pytest.raises(MaceError, match="took longer than 1 s"):
        device.run("program", [], {}, 1)
    assert time.monotonic() - begin < 20
    child = int((tmp_path / "job" / "child").read_text())
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True)
    assert state.stdout.strip()[:1] in ("", "Z")


def test_a_signal_is_told(tmp_path: Path) -> None:
    device = HostDevice(tmp_path / "job")
    device.push(script(tmp_path, "kill -SEGV $$"), "program")
    assert device.run("program", [], {}, 10).code == -11


def test_what_address_sanitizer_found_is_told() -> None:
    memory = "\n".join(f"  0x{i:04x}: fa fa" for i in range(40))
    error = f"==7==ERROR: AddressSanitizer: heap-use-after-free\n    #0 mace::Run\n{memory}"
    told = str(_failure("mace_run", "net", RunResult(1, "", f"I starting\n{error}\n", 0.1)))
    assert "heap-use-after-free" in told and "mace::Run" in told and "0x0027" not in told


def test_no_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="there is no 'adb'") as caught:
        select_devices("arm64-v8a", tmp_path / "job", Request("android"))
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("", "no Android device is connected"),
        ("SERIAL1\tunauthorized\n", "'SERIAL1' is unauthorized"),
        ("SERIAL1\toffline\n", "'SERIAL1' is offline"),
        ("SERIAL1\tdevice\n", "connection to 'SERIAL1' was lost"),
        ("SERIAL1\tdevice\nSERIAL1\tdevice\n", "lists 2 devices as 'SERIAL1'"),
    ],
)
def test_adb_without_a_usable_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str, words: str
) -> None:
    adb = tmp_path / "adb"
    adb.write_text(f"#!/bin/sh\nprintf 'List of devices attached\\n{listed}\\n'\n")
    adb.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(DeviceError, match=words):
        select_devices("arm64-v8a", tmp_path / "job", Request("android"))


def test_no_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="qemu-aarch64.*is not installed"):
        select_devices("arm64-v8a", tmp_path / "job", Request())


def test_an_unknown_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shutil.which("qemu-arm"), "qemu-user is one of the packages that tools/setup.sh installs"
    monkeypatch.setenv("MACE_QEMU_CPU", "cortex-x99")
    with pytest.raises(DeviceError, match="has no core 'cortex-x99'"):
        select_devices("armeabi-v7a", tmp_path / "job", Request())


def test_boards(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="--device_yml names no file"):
        select_devices("arm64", tmp_path / "job", Request())
    boards = tmp_path / "devices.yml"
    boards.write_text(
        "devices:\n  pi:\n    target_abis: [armhf]\n    address: 10.0.0.1\n    username: u\n"
    )
    with pytest.raises(DeviceError, match="has no board for arm64"):
        select_devices("arm64", tmp_path / "job", Request(device_yml=str(boards)))
    (board,) = select_devices("armhf", tmp_path / "job", Request(device_yml=str(boards)))
    assert (board.abi, board.link.address) == ("armhf", "10.0.0.1")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("address: -oProxyCommand=x", "is no address or name"),
        ("address: a b", "is no address or name"),
        ("port: 70000", "is no port"),
        ("folder: tmp", "is no absolute path"),
        ("folder: /a/../b", "is no absolute path"),
        ("folder: /a;b", "is no absolute path"),
        ("password: secret", "logging in by a password"),
    ],
)
def test_bad_boards(tmp_path: Path, line: str, words: str) -> None:
    keys = {"target_abis": "[armhf]", "address": "10.0.0.1", "username": "u"}
    key, value = line.split(": ", 1)
    keys[key] = value
    boards = tmp_path / "devices.yml"
    text = "".join(f"    {name}: {content}\n" for name, content in keys.items())
    boards.write_text(f"devices:\n  pi:\n{text}")
    with pytest.raises(MaceError, match=words):
        select_devices("armhf", tmp_path / "job", Request(device_yml=str(boards)))


def test_kind_and_abi_must_fit(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="do not run on this machine"):
        select_devices("arm64-v8a", tmp_path / "job", Request("host"))
    with pytest.raises(DeviceError, match="not emulated"):
        select_devices("host", tmp_path / "job", Request("emulated"))


def test_file_names() -> None:
    assert file_name("MobilenetV1/Predictions:0") == "MobilenetV1_Predictions_0"
    assert file_name("../x\n'\"") == "___x___"
