# SPDX-License-Identifier: Apache-2.0
"""Programs that the tools run on this machine."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest
from mace.devices.process import TookTooLong, run_process
from mace.errors import DeviceError


def test_words_arrive_as_they_are_and_streams_apart() -> None:
    shown = io.StringIO()
    script = 'printf "%s|" "$@"; echo said >&2'
    result = run_process(["sh", "-c", script, "-", "a b", "$HOME", "", "';x"], 30, show=shown)
    assert (result.code, result.stdout, result.stderr) == (0, "a b|$HOME||';x|", "said\n")
    assert sorted(shown.getvalue()) == sorted(result.stdout + result.stderr)


def test_streams_are_shown_apart() -> None:
    shown = io.StringIO(), io.StringIO()
    run_process(["sh", "-c", "echo out; echo said >&2"], 30, show=shown)
    assert [stream.getvalue() for stream in shown] == ["out\n", "said\n"]


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -11 $$", -11)])
def test_how_it_ended(script: str, code: int) -> None:
    assert run_process(["sh", "-c", script], 30).code == code


def test_output_that_is_no_text_and_no_input() -> None:
    result = run_process(["sh", "-c", "printf '\\377\\n'; cat; echo end"], 30)
    assert result.stdout == "\ufffd\nend\n"


def test_folder_and_environment(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "ONLY": "this"}
    result = run_process(["sh", "-c", "pwd; env"], 30, folder=tmp_path, environment=environment)
    assert result.stdout.splitlines()[0] == str(tmp_path)
    assert "ONLY=this" in result.stdout and "HOME=" not in result.stdout


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    children = tmp_path / "children"
    script = f"sleep 300 & echo $! > {children}; echo begun; wait"
    begin = time.monotonic()
    with pytest.raises(TookTooLong) as raised:
        run_process(["sh", "-c", script], 1)
    assert raised.value.result.stdout == "begun\n"
    assert time.monotonic() - begin < 60
    status = Path(f"/proc/{children.read_text().strip()}/stat")
    # Nobody may have waited for it yet, which is no matter of ours.
    assert not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_a_grandchild_that_keeps_the_output_open_is_not_waited_for() -> None:
    begin = time.monotonic()
    result = run_process(["sh", "-c", "setsid sleep 90 & echo parent; exit 3"], 80)
    assert (result.code, result.stdout) == (3, "parent\n")
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("kind", ["missing", "no program", "folder"])
def test_what_cannot_be_started(kind: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    if kind == "no program":
        program.write_bytes(b"\0\1\2")
        program.chmod(0o755)
    folder = tmp_path / "missing" if kind == "folder" else None
    words = ["true"] if kind == "folder" else [str(program)]
    with pytest.raises(DeviceError, match=f"'{words[0]}' cannot be started: "):
        run_process(words, 30, folder=folder)
