# SPDX-License-Identifier: Apache-2.0
"""All tests of phones once more with a newer adb, which differs from Debian's where it hurts: it
tells of a lost connection by its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.nightly
def test_phones_by_a_newer_adb(tmp_path: Path) -> None:
    adbutils = pytest.importorskip("adbutils", reason="adbutils, which carries an adb, is missing")
    newer = Path(adbutils.__file__).parent / "binaries" / "adb"
    (tmp_path / "adb").write_bytes(newer.read_bytes())
    (tmp_path / "adb").chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    version = subprocess.run(["adb", "version"], env=environment, capture_output=True, text=True)
    assert "Version 29." not in version.stdout
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*words, str(Path(__file__).with_name("test_adb.py"))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
