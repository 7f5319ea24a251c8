# SPDX-License-Identifier: Apache-2.0
"""Shell scripts, and the commands of Dockerfiles, are clean for shellcheck."""

from __future__ import annotations

import subprocess
from pathlib import Path

from test_docker import FILES, instructions

ROOT = Path(__file__).resolve().parents[2]


def _check(*words: str | Path, text: str = "") -> str:
    command = ["shellcheck", "--severity=style", *map(str, words)]
    done = subprocess.run(
        command, cwd=ROOT, input=text, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_scripts() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    scripts = [
        name
        for name in listed.stdout.splitlines()
        if (ROOT / name).is_file()
        and (ROOT / name).read_bytes().startswith((b"#!/bin/bash", b"#!/bin/sh"))
    ]
    assert len(scripts) > 5
    assert _check(*scripts) == ""


def test_commands_of_dockerfiles() -> None:
    for path in FILES:
        commands = [words for name, words in instructions(path) if name == "RUN"]
        assert commands
        assert _check("--shell=bash", "-", text="set -o pipefail\n" + "\n".join(commands)) == ""


def test_the_check_finds_something() -> None:
    assert "SC2086" in _check("--shell=bash", "-", text='rm -r $1/"x"\n')
