# SPDX-License-Identifier: Apache-2.0
"""Python is clean for ruff and, the package, for mypy --strict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _check(*command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff() -> None:
    _check("ruff", "check", "--no-cache", ".")


def test_mypy() -> None:
    _check("mypy", "--strict", "--cache-dir=/dev/null", "mace/python/mace")
