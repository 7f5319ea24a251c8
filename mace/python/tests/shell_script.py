# SPDX-License-Identifier: Apache-2.0
"""Programs for devices in tests, written in sh."""

from __future__ import annotations

from pathlib import Path


def script(folder: Path, text: str) -> Path:
    """A program in `folder` that runs these lines."""
    path = folder / "script"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path
