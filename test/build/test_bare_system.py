# SPDX-License-Identifier: Apache-2.0
"""tools/setup.sh on a Debian that has nothing installed, as in a new container: what it needs stands
in setup/*.txt, and not on the machine of whoever wrote it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# How this machine reaches Debian's packages and PyPI; whatever of it there is.
_NETWORK = ("apt/apt.conf.d", "apt/sources.list.d", "apt/sources.list", "apt/keyrings")
_NETWORK += ("hosts", "pip.conf", "resolv.conf")
# Certificates that somebody added on this machine; Debian's package of the others takes them up.
_TRUSTED = Path("/usr/local/share/ca-certificates")


def _started(*words: str | Path) -> str:
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, timeout=3600
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def _inside(root: Path, line: str) -> str:
    """Runs a command line in a tree of the system, with /proc, and with pip's local packages if
    this machine has some."""
    quoted = shlex.quote(str(root))
    mounts = f"mount -t proc proc {quoted}/proc && mount --bind /dev {quoted}/dev"
    if Path("/opt").is_dir():
        mounts += f" && mount --bind /opt {quoted}/opt"
    command = f"{mounts} && exec chroot {quoted} /bin/sh -c {shlex.quote(f'cd /mace && {line}')}"
    return _started("unshare", "--mount", "--pid", "--fork", "/bin/sh", "-c", command)


@pytest.mark.nightly
def test_setup_on_a_bare_debian(tmp_path: Path) -> None:
    # No skip: whoever runs what is nightly learns that this was not tested.
    assert os.geteuid() == 0, (
        "only root can make a system's tree; --deselect this test if you are not"
    )
    assert shutil.which("debootstrap"), "debootstrap is wanted: apt-get install debootstrap"
    root = tmp_path / "root"
    _started("debootstrap", "--variant=minbase", "bookworm", root)
    for name in _NETWORK:
        source, target = Path("/etc", name), root / "etc" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copy(source, target)
    if _TRUSTED.is_dir():
        shutil.copytree(_TRUSTED, root / _TRUSTED.relative_to("/"), dirs_exist_ok=True)
    (root / "mace").mkdir()
    archive = tmp_path / "tree.tar"
    _started("git", "-C", ROOT, "archive", "-o", archive, "HEAD")
    _started("tar", "-xf", archive, "-C", root / "mace")
    assert "setup: ready" in _inside(root, "tools/setup.sh --core")
    assert _inside(root, "tools/setup.sh --core --check") == "setup: ready\n"
    assert "Conv2D" in _inside(root, ".venv/bin/python tools/converter.py ops Conv2D")
    # Every compiler and program that doctor asks for is there.
    findings = _inside(
        root,
        "for p in bazel g++ protoc qemu-aarch64 qemu-arm adb ssh javac; do command -v $p; done",
    )
    assert len(findings.splitlines()) == 8
