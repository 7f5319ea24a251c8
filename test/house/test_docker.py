# SPDX-License-Identifier: Apache-2.0
"""The Dockerfiles: what a linter would say of them, and that they use what the tree has."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "docker").glob("*/Dockerfile"))


def instructions(path: Path) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile with their arguments, lines joined."""
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_both_are_there() -> None:
    assert [path.parent.name for path in FILES] == ["mace-dev", "mace-dev-lite"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_dockerfile(path: Path) -> None:
    found = instructions(path)
    assert found[0][0] == "FROM"
    assert re.fullmatch(r"debian:\d+", found[0][1]), "the base is of one release, not the latest"
    names = [name for name, _ in found]
    assert set(names) <= {"FROM", "SHELL", "WORKDIR", "COPY", "RUN", "ENV", "CMD"}
    assert names.count("CMD") == 1 and names[-1] == "CMD"
    for name, arguments in found:
        if name in ("CMD", "SHELL"):
            assert isinstance(json.loads(arguments), list), "the form without a shell between"
        elif name == "COPY":
            assert (ROOT / shlex.split(arguments)[0]).exists(), arguments
        elif name == "WORKDIR":
            assert arguments.startswith("/")
        elif name == "RUN":
            # The one set-up script of all, and no package lists left in the layer.
            assert arguments.startswith("tools/setup.sh")
            assert arguments.endswith("rm -rf /var/lib/apt/lists/*")
            assert "sudo" not in arguments and "apt-get" not in arguments
            check = ["bash", "-n", "-c", arguments]
            assert subprocess.run(check, check=False).returncode == 0
            flags = re.findall(r"--[\w-]+", arguments)
            usage = (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")
            assert all(f"{flag} " in usage for flag in flags)
    # Whoever changes a source must not have to install everything again.
    assert names.index("RUN") < len(names) - 1 - names[::-1].index("COPY")


def test_what_setup_reads_is_copied_before_it_runs() -> None:
    used = set(re.findall(r"setup/\w+\.txt", (ROOT / "tools/setup.sh").read_text("utf-8")))
    assert used and all((ROOT / name).is_file() for name in used)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "builds" in ignored and "setup" not in ignored
