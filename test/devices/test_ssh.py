# SPDX-License-Identifier: Apache-2.0
"""Boards by ssh: programs run there, and what is said when something goes wrong on the way."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from mace.devices import Request, select_devices
from mace.devices.remote import ConnectionLost, RemoteDevice
from mace.devices.ssh import SshLink
from mace.errors import DeviceError, MaceError
from pretended import PretendedBoard, free_port
from shell_script import script


def test_a_program_runs_in_its_folder(board: PretendedBoard, tmp_path: Path) -> None:
    link = board.link()
    device = RemoteDevice(link, "arm64")
    device.push(script(tmp_path, 'echo "$1|$NAME"; cat data > made; exit 3'), "program")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 5000)
    device.push(tmp_path / "data.bin", "data")
    result = device.run("program", ['it\'s $HOME `id` "x"'], {"NAME": "a;b"}, 30)
    assert (result.code, result.stdout) == (3, 'it\'s $HOME `id` "x"|a;b\n')
    assert device.pull("made", tmp_path / "made")
    assert (tmp_path / "made").read_bytes() == (tmp_path / "data.bin").read_bytes()
    assert not device.pull("none", tmp_path / "none")
    info = device.info()
    assert (info.name, info.abi) == ("board", "arm64") and info.system.startswith("Test board")
    device.clean()
    assert link.call("ls -A /tmp").stdout == ""


def test_commands_share_a_connection(board: PretendedBoard) -> None:
    link = board.link()
    for _ in range(3):
        assert link.call("true").code == 0
    assert len(board.sessions()) == 1
    link.close()
    end = time.monotonic() + 10
    while board.sessions():
        assert time.monotonic() < end


@pytest.mark.parametrize("code", [3, 255])
def test_exit_codes(board: PretendedBoard, code: int) -> None:
    assert board.link().call(f"exit {code}").code == code


def test_a_timeout_ends_the_program(board: PretendedBoard, tmp_path: Path) -> None:
    device = RemoteDevice(board.link(), "arm64")
    device.push(script(tmp_path, "exec sleep 4321"), "program")
    with pytest.raises(MaceError, match="took longer than 2 s"):
        device.run("program", [], {}, 2)
    end = time.monotonic() + 10
    while board.link().call("ps -ef | grep '[s]leep 4321'; true").stdout:
        assert time.monotonic() < end


def test_a_board_without_sftp(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    small = PretendedBoard(tmp_path / "board", "--no_sftp")
    try:
        device = RemoteDevice(small.link(), "arm64")
        device.push(script(tmp_path, "echo in; exit 4"), "program")
        result = device.run("program", [], {}, 30)
        assert (result.code, result.stdout) == (4, "in\n")
        assert device.pull("program", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == (tmp_path / "script").read_bytes()
    finally:
        small.end()


def test_full_storage(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    small = PretendedBoard(tmp_path / "board", "--storage", "1m")
    try:
        (tmp_path / "big").write_bytes(bytes(3_000_000))
        device = RemoteDevice(small.link(), "arm64")
        with pytest.raises(DeviceError, match="its storage is full"):
            device.push(tmp_path / "big", "big")
        device.clean()
        assert small.link().call("ls -A /tmp").stdout == ""
    finally:
        small.end()


def test_another_host_key(board: PretendedBoard) -> None:
    other = board.folder / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    kind, key = Path(f"{other}.pub").read_text().split()[:2]
    (board.folder / "known_hosts").write_text(f"[127.0.0.1]:{board.port} {kind} {key}\n")
    with pytest.raises(DeviceError, match="its host key is not the one that is known"):
        board.link().call("true")


def test_an_unknown_host(board: PretendedBoard) -> None:
    (board.folder / "known_hosts").write_text("")
    with pytest.raises(DeviceError, match="its host key is not known") as caught:
        board.link().call("true")
    assert caught.value.exit_code == 4
    assert f"ssh -p {board.port} board@127.0.0.1" in caught.value.hint


def test_another_client_key(board: PretendedBoard) -> None:
    other = board.folder / "id_board"
    other.unlink()
    Path(f"{other}.pub").unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    with pytest.raises(DeviceError, match="does not accept the key of 'board'"):
        board.link().call("true")


def test_nothing_listens() -> None:
    link = SshLink("gone", "127.0.0.1", "board", free_port())
    with pytest.raises(DeviceError, match="nothing listens there"):
        link.call("true")


def test_a_connection_that_is_cut(board: PretendedBoard) -> None:
    link = board.link()
    link.call("true")

    def cut() -> None:
        for process in board.sessions():
            os.kill(process, signal.SIGKILL)

    timer = threading.Timer(0.7, cut)
    timer.start()
    with pytest.raises(ConnectionLost, match="was lost while a command ran"):
        link.call("sleep 20")
    timer.join()
    assert link.call("echo back").stdout == "back\n"


def test_a_board_that_freezes(board: PretendedBoard) -> None:
    link = board.link()
    link.call("true")
    frozen = board.sessions()

    def stop() -> None:
        for process in frozen:
            os.kill(process, signal.SIGSTOP)

    timer = threading.Timer(0.7, stop)
    timer.start()
    try:
        begin = time.monotonic()
        with pytest.raises(DeviceError):
            link.call("sleep 60", 30)
        assert time.monotonic() - begin < 20
    finally:
        timer.join()
        for process in frozen:
            with contextlib.suppress(ProcessLookupError):  # it was killed meanwhile
                os.kill(process, signal.SIGCONT)


def test_choosing_boards(board: PretendedBoard, tmp_path: Path) -> None:
    devices = tmp_path / "devices.yml"
    devices.write_text(board.device_file("pi", "arm64", "BCM2711"))
    (device,) = select_devices("arm64", tmp_path, Request(device_yml=str(devices)))
    assert device.info().name == "pi"
    with pytest.raises(DeviceError, match="has no board for armhf"):
        select_devices("armhf", tmp_path, Request(device_yml=str(devices)))
    with pytest.raises(DeviceError, match="no device with the SoC 'RK3588'"):
        select_devices("arm64", tmp_path, Request(device_yml=str(devices), socs=["RK3588"]))


def test_programs_that_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert shutil.which("ssh")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="there is no 'ssh' on this machine"):
        SshLink("board", "127.0.0.1", "board")
