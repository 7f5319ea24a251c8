# SPDX-License-Identifier: Apache-2.0
"""Whoever interrupts a command, by Ctrl-C or by ending it, leaves nothing on the device: no folder,
no program, no lock. And two commands on one device take turns."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mace.cli.main import main
from pretended import PretendedBoard, PretendedPhone

_ROOT = Path(__file__).resolve().parents[2]
_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def _start(folder: Path, *words: str, slow: PretendedPhone | None = None) -> subprocess.Popen[str]:
    """The command, once it works: programs may have to be built, which takes as long as it takes."""
    quick = [word for word in words if not word.startswith("--round")]
    assert main(["run", "--config=net.yml", *quick]) == 0
    if slow is not None:
        slow.go_wrong(rate=100_000)
        slow.disconnect()
        slow.link.connect()
    command = [sys.executable, str(_ROOT / "tools/converter.py"), "run", "--config=net.yml"]
    return subprocess.Popen(
        [*command, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _emulators(program: str) -> list[int]:
    """Processes in which qemu runs a program whose arguments have this in them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"qemu-" in line.split(b"\0")[0] and program.encode() in line:
                found.append(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def _nothing_goes_on() -> Iterator[None]:
    """A test that fails leaves no program that runs for ever."""
    yield
    for process in _emulators("--round=10000000"):
        os.kill(process, signal.SIGKILL)


def _wait(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


def _interrupt(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """As a terminal does: the whole group gets it."""
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == _CODES[number], f"{process.returncode}\n{out}{err}"
    assert err.splitlines()[-1] == "interrupted" and "Traceback" not in err


@pytest.mark.parametrize("number", _CODES)
def test_while_a_model_runs_on_a_phone(
    number: signal.Signals, folder: Path, phone: PretendedPhone
) -> None:
    where = ["--target_abis=arm64-v8a", "--device=android"]
    process = _start(folder, *where, "--round=1000000007")
    _wait(lambda: _emulators("--round=1000000007"), "a run")
    _interrupt(process, number)
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""
    _wait(lambda: not _emulators("--round=1000000007"), "the end of the program", 10)
    assert main(["run", "--config=net.yml", *where]) == 0


def test_during_a_push_to_a_phone(folder: Path, phone: PretendedPhone) -> None:
    where = ["--target_abis=arm64-v8a", "--device=android"]
    process = _start(folder, *where, slow=phone)
    _wait(lambda: ".part" in phone.link.call("ls -A /data/local/tmp/mace*").stdout, "a push")
    _interrupt(process, signal.SIGINT)
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""


@pytest.mark.parametrize("number", _CODES)
def test_while_a_model_runs_on_a_board(
    number: signal.Signals, folder: Path, board: PretendedBoard
) -> None:
    (folder / "boards.yml").write_text(board.device_file("pi", "arm64"))
    where = ["--target_abis=arm64", "--device_yml=boards.yml"]
    process = _start(folder, *where, "--round=1000000009")
    _wait(lambda: _emulators("--round=1000000009"), "a run")
    _interrupt(process, number)
    assert board.link().call("ls -A /tmp").stdout == ""
    _wait(lambda: not _emulators("--round=1000000009"), "the end of the program", 10)
    assert main(["run", "--config=net.yml", *where]) == 0


@pytest.mark.parametrize("number", _CODES)
def test_while_a_model_runs_on_this_machine(number: signal.Signals, folder: Path) -> None:
    where = ["--target_abis=arm64-v8a"]
    process = _start(folder, *where, "--round=1000000021")
    _wait(lambda: _emulators("--round=1000000021"), "a run")
    _interrupt(process, number)
    _wait(lambda: not _emulators("--round=1000000021"), "the end of the program", 10)
    assert list((folder / "builds").rglob("_tmp/*/arm64-v8a/*")) == []
    assert main(["run", "--config=net.yml", *where]) == 0


def test_two_commands_on_one_phone(folder: Path, phone: PretendedPhone) -> None:
    where = ["--target_abis=arm64-v8a", "--device=android", "--validate"]
    for process in [_start(folder, *where) for _ in range(2)]:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0 and "passed" in out, err
    assert phone.link.call("ls -A /data/local/tmp").stdout == ""
