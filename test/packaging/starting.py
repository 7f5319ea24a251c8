# SPDX-License-Identifier: Apache-2.0
"""Starts programs that have to succeed."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def started(
    words: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> str:
    """What a program printed; the test fails if the program does."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=None if environment is None else dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
