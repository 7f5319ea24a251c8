# SPDX-License-Identifier: Apache-2.0
"""Builds for Android find the NDK, or say in one sentence what is wrong with it.

The NDK is a look-alike: a folder whose clang runs Debian's cross compilers. It shows that the rule
and its flags arrive, not that Android's own libraries link.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PREBUILT = "toolchains/llvm/prebuilt/linux-x86_64"

# Takes what only a real NDK understands out of the arguments, those in Bazel's files included.
_CLANG = """#!/bin/bash
set -eu
arguments=()
for argument in "$@"; do
  case "$argument" in
    @*) mapfile -t -O "${#arguments[@]}" arguments < "${argument#@}" ;;
    *) arguments+=("$argument") ;;
  esac
done
kept=()
for argument in "${arguments[@]}"; do
  case "$argument" in
    --target=aarch64-linux-android[0-9]*) compiler=aarch64-linux-gnu-g++ ;;
    --target=armv7a-linux-androideabi[0-9]*)
      compiler=arm-linux-gnueabihf-g++
      kept+=(-mfp16-format=ieee)  # the only one that clang has
      ;;
    --driver-mode=*) ;;
    *) kept+=("$argument") ;;
  esac
done
exec "/usr/bin/$compiler" "${kept[@]}"
"""

Build = Callable[..., "subprocess.CompletedProcess[str]"]


def _make_ndk(folder: Path, revision: str) -> Path:
    programs = folder / PREBUILT / "bin"
    programs.mkdir(parents=True)
    (folder / "source.properties").write_text(
        f"Pkg.Desc = Android NDK\nPkg.Revision = {revision}\n"
    )
    (programs / "clang").write_text(_CLANG)
    (programs / "clang").chmod(0o755)
    for tool in ("ar", "nm", "objcopy", "objdump", "strip"):
        (programs / f"llvm-{tool}").symlink_to(f"/usr/bin/aarch64-linux-gnu-{tool}")
    return folder


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """Runs Bazel, with a server and caches of its own."""
    folder = tmp_path_factory.mktemp("bazel")
    bazel = ["bazel", f"--output_user_root={folder}/root", "--max_idle_secs=60"]
    includes = "/usr/lib/gcc-cross:/usr/aarch64-linux-gnu/include:/usr/arm-linux-gnueabihf/include"
    base = {k: v for k, v in os.environ.items() if not k.startswith("ANDROID_NDK")}
    base["MACE_DISK_CACHE"] = str(folder / "cache")
    base["ANDROID_NDK_EXTRA_INCLUDES"] = includes + ":/usr/include"

    def run(
        config: str, ndk: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        if ndk is not None:
            environment["ANDROID_NDK_HOME"] = str(ndk)
        command = [*bazel, "build", f"--config={config}", f"--symlink_prefix={folder}/bazel-"]
        command += ["--curses=no", "--color=no", "//test/build:isa_main"]
        return subprocess.run(
            command, cwd=ROOT, env=base | environment, text=True, capture_output=True, check=False
        )

    yield run
    subprocess.run([*bazel, "shutdown"], cwd=ROOT, env=base, check=True, capture_output=True)


def _program(build: subprocess.CompletedProcess[str]) -> str:
    """Runs what was built and returns what it printed."""
    assert build.returncode == 0, build.stderr
    # Results are indented; lines of the build's progress may end alike.
    lines = build.stderr.splitlines()
    (path,) = [t.strip() for t in lines if t.startswith("  ") and t.endswith("/isa_main")]
    emulate = ROOT / "tools" / "run_under" / "emulate.sh"
    return subprocess.run(
        [str(emulate), path], cwd=ROOT, text=True, capture_output=True, check=True
    ).stdout


def _sentence(build: subprocess.CompletedProcess[str]) -> str:
    """The one line with which a build failed."""
    assert build.returncode != 0
    lines = [line for line in build.stderr.splitlines() if line.startswith("error:")]
    assert len(set(lines)) == 1, build.stderr
    return lines[0]


def test_without_ndk(build: Build) -> None:
    sentence = _sentence(build("android-arm64-v8a"))
    assert "needs the Android NDK r25 or newer, but ANDROID_NDK_HOME is not set" in sentence


def test_other_builds_need_no_ndk(build: Build) -> None:
    assert _program(build("host")) == "64-bit\n"


def test_ndk_that_is_too_old(build: Build, tmp_path: Path) -> None:
    ndk = _make_ndk(tmp_path / "ndk", "21.4.7075529")
    assert "is release 21.4.7075529;" in _sentence(build("android-armeabi-v7a", ndk))


def test_folder_that_is_no_ndk(build: Build, tmp_path: Path) -> None:
    assert "has no source.properties" in _sentence(build("android-arm64-v8a", tmp_path))


def test_api_level_that_is_no_number(build: Build, tmp_path: Path) -> None:
    ndk = _make_ndk(tmp_path / "ndk", "25.2.9519653")
    sentence = _sentence(build("android-arm64-v8a", ndk, ANDROID_NDK_API="new"))
    assert "ANDROID_NDK_API=new is not a number of at least 21" in sentence


@pytest.mark.parametrize(
    ("abi", "printed"),
    [
        ("arm64-v8a", "android neon hwy:16 64-bit\n"),
        ("armeabi-v7a", "android neon hwy:16 32-bit\n"),
    ],
)
def test_ndk_builds(build: Build, tmp_path: Path, abi: str, printed: str) -> None:
    ndk = _make_ndk(tmp_path / "ndk", "25.2.9519653")
    assert _program(build(f"android-{abi}", ndk)) == printed


def test_ndk_replaced_in_its_place_is_noticed(build: Build, tmp_path: Path) -> None:
    ndk = _make_ndk(tmp_path / "ndk", "24.0.8215888")
    _sentence(build("android-arm64-v8a", ndk))
    properties = ndk / "source.properties"
    properties.write_text(properties.read_text().replace("24.0", "26.1"))
    assert build("android-arm64-v8a", ndk).returncode == 0
