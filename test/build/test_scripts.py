# SPDX-License-Identifier: Apache-2.0
"""The shell scripts of the build, with a stand-in for whatever would change the system."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EMULATE = ROOT / "tools" / "run_under" / "emulate.sh"
VERSION = ROOT / "repository" / "git_version"

Result = subprocess.CompletedProcess[str]


def _run(*command: str | Path, cwd: Path = ROOT, text: str = "", **environment: str) -> Result:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environment,
        input=text,
        text=True,
        capture_output=True,
        check=False,
    )


def _script(path: Path, body: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/bash\n" + body)
    path.chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with the set-up alone, and lists of nothing but one package that is not there."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "setup.sh", tmp_path / "tools")
    (tmp_path / "setup").mkdir()
    for name in ("requirements", "optionals", "dev"):
        (tmp_path / "setup" / f"{name}.txt").write_text("# nothing\n")
    (tmp_path / "setup" / "apt.txt").write_text("# comment\nbash\nmace-test-package  # why\n")
    programs = tmp_path / "programs"
    _script(programs / "dpkg-query", 'for p in "$@"; do echo "installed $p"; done | grep -v mace-')
    _script(programs / "apt-get", f'echo "$*" >> {tmp_path}/apt.log; exit "${{APT_EXIT:-0}}"')
    _script(programs / "id", "echo 0")
    return tmp_path


def _setup(tree: Path, *options: str, **environment: str) -> Result:
    environment.setdefault("PATH", f"{tree}/programs:{os.environ['PATH']}")
    return _run(tree / "tools" / "setup.sh", *options, cwd=tree, **environment)


def test_setup_installs_once(tree: Path) -> None:
    first = _setup(tree)
    assert first.returncode == 0, first.stderr
    assert (
        "install -y --no-install-recommends mace-test-package\n" in (tree / "apt.log").read_text()
    )
    assert (tree / ".venv" / "bin" / "python").exists()
    start = time.monotonic()
    second = _setup(tree, "--no-apt")
    assert time.monotonic() - start < 1
    assert (second.returncode, second.stdout) == (0, "setup: ready\n")


def test_setup_that_failed_is_not_taken_for_done(tree: Path) -> None:
    (tree / "setup" / "dev.txt").write_text("./no-such-folder\n")
    for _ in range(2):
        result = _setup(tree, "--no-apt")
        assert result.returncode == 1
        assert "pip failed" in result.stderr
    (tree / "setup" / "dev.txt").write_text("")
    assert _setup(tree, "--no-apt").returncode == 0


def test_setup_as_plain_user_names_the_command(tree: Path) -> None:
    _script(tree / "programs" / "id", "echo 1000")
    _script(tree / "programs" / "sudo", "exit 1")
    result = _setup(tree)
    assert result.returncode == 4
    assert "as root, run: apt-get install -y --no-install-recommends mace-test-package" in (
        result.stderr
    )
    assert not (tree / "apt.log").exists()


def test_setup_uses_sudo_where_it_may(tree: Path) -> None:
    _script(tree / "programs" / "id", "echo 1000")
    _script(tree / "programs" / "sudo", '[[ "$1" == -n ]] && exit 0\nexec "$@"')
    assert _setup(tree, "--core").returncode == 0
    assert "install" in (tree / "apt.log").read_text()


def test_setup_updates_apt_before_it_gives_up(tree: Path) -> None:
    result = _setup(tree, APT_EXIT="100")
    assert result.returncode == 1
    assert "apt-get failed" in result.stderr
    verbs = [line.split()[0] for line in (tree / "apt.log").read_text().splitlines()]
    assert verbs == ["install", "update", "install"]


def test_setup_check_changes_nothing(tree: Path) -> None:
    result = _setup(tree, "--check")
    assert result.returncode == 4
    assert "mace-test-package" in result.stdout
    assert not (tree / ".venv").exists()


def test_setup_refuses_an_old_python(tree: Path) -> None:
    _script(tree / "old_python", "exit 1")
    result = _setup(tree, "--no-apt", MACE_PYTHON=str(tree / "old_python"))
    assert result.returncode == 4
    assert "older than Python 3.11" in result.stderr


@pytest.mark.parametrize("script", ["setup.sh", "test.sh"])
def test_unknown_option_is_an_error(script: str) -> None:
    result = _run(ROOT / "tools" / script, "--no-such-option")
    assert result.returncode == 2
    assert "--no-such-option" in result.stderr


@pytest.mark.parametrize("script", ["setup.sh", "test.sh"])
def test_help_is_printed(script: str) -> None:
    result = _run(ROOT / "tools" / script, "--help")
    assert result.returncode == 0
    assert "Exit codes" in result.stdout


def test_emulate_without_program() -> None:
    result = _run(EMULATE)
    assert result.returncode == 2
    assert "usage" in result.stderr


def test_emulate_runs_what_is_not_arm_as_it_is() -> None:
    assert _run(EMULATE, "/bin/echo", "a  b").stdout == "a  b\n"


@pytest.mark.parametrize(
    ("triple", "machine"), [("aarch64-linux-gnu", "aarch64"), ("arm-linux-gnueabihf", "arm")]
)
def test_emulate_finds_the_machine(tmp_path: Path, triple: str, machine: str) -> None:
    source = (
        '#include <stdio.h>\n#include <sys/auxv.h>\nint main(int argc, char** argv) { printf("%s '
        '%s\\n", (const char*)getauxval(AT_PLATFORM), argv[1]); return 7; }'
    )
    program = tmp_path / "program"
    compiled = _run(f"{triple}-gcc", "-x", "c", "-", "-o", program, text=source)
    assert compiled.returncode == 0, compiled.stderr
    result = _run(EMULATE, program, "x y")
    assert result.returncode == 7
    expected = "aarch64" if machine == "aarch64" else "v"
    assert result.stdout.startswith(expected)
    assert result.stdout.endswith(" x y\n")
    wrong = _run(EMULATE, program, MACE_QEMU_CPU="no-such-core")
    assert wrong.returncode == 2
    assert f"qemu-{machine} has no core 'no-such-core'" in wrong.stderr


def test_version_outside_git_is_unknown(tmp_path: Path) -> None:
    status = _run(VERSION / "status.sh", cwd=tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert status.stdout == "STABLE_MACE_GIT_VERSION unknown\n"


def test_version_header_survives_any_tag() -> None:
    header = _run(VERSION / "header.sh", text='STABLE_MACE_GIT_VERSION v1.0"; x-3-gabc\nOTHER 1\n')
    assert '#define MACE_GIT_VERSION "v1.0x-3-gabc"\n' in header.stdout
    assert '"unknown"' in _run(VERSION / "header.sh", text="OTHER 1\n").stdout


def test_bazel_wrapper_takes_the_bazel_that_it_is_given(tmp_path: Path) -> None:
    _script(tmp_path / "bazel", 'echo "other $*"')
    result = _run(ROOT / "tools" / "bazel", "build", BAZEL_REAL=str(tmp_path / "bazel"))
    assert result.stdout == "other build\n"


def test_bazel_wrapper_falls_back_to_debians(tmp_path: Path) -> None:
    result = _run(
        *(ROOT / "tools" / "bazel", "--batch", "help", "startup_options"),
        BAZEL_REAL="/no/such/bazel",
        MACE_DISK_CACHE=str(tmp_path),
    )
    assert result.returncode == 0, result.stderr
    (rc,) = (tmp_path / "rc").iterdir()
    assert f"build --disk_cache={tmp_path}\n" in rc.read_text()
