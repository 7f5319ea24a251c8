# SPDX-License-Identifier: Apache-2.0
"""The engine as libmace.so and libmace.a for each ABI, with its headers and the files by which
pkg-config and CMake find it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mace import __version__, build
from mace.errors import MaceError, did_you_mean
from mace.export.files import write_files
from mace.packaging.package_files import cmake_files, pkg_config_files

# What a library is called after: the parts of the engine that are in it.
RUNTIMES: dict[str, tuple[str, ...]] = {
    "cpu": (),
    "cpu_gpu": ("opencl",),
    "cpu_gpu_dsp": ("opencl", "hexagon"),
}
_PART_NAMES = {"opencl": "the GPU runtime", "hexagon": "the DSP runtime"}
# ABI of a library -> what build.py calls its target, with and without the Android NDK.
_TARGETS = {
    "armeabi-v7a": ("android-armeabi-v7a", "armeabi-v7a"),
    "arm64-v8a": ("android-arm64-v8a", "arm64-v8a"),
    "arm_linux_gnueabihf": ("armeabi-v7a", "armeabi-v7a"),
    "aarch64_linux_gnu": ("arm64-v8a", "arm64-v8a"),
    "linux-x86-64": ("host", "host"),
}
ABIS = tuple(_TARGETS)
# What deployment files call them.
OTHER_NAMES = {"host": "linux-x86-64", "arm64": "aarch64_linux_gnu", "armhf": "arm_linux_gnueabihf"}
# Servers may have pages of 64 KiB.
_LINK_FLAGS = {"aarch64_linux_gnu": ("--linkopt=-Wl,-z,max-page-size=65536",)}
_SHARED = "//mace/libmace:libmace.so.stripped"
_STATIC = "//mace/libmace:libmace.a"
_MAP = "//mace/libmace:libmace.map"
# What a library may be optimized for, and what that adds to the build.
OPTIMIZATIONS: dict[str, tuple[str, ...]] = {"speed": (), "size": ("--define=optimize=size",)}
# What libmace.so exports: mace.h and mace_c.h, or the latter alone.
INTERFACES: dict[str, tuple[str, ...]] = {"c++": (), "c": ("--define=interface=c",)}
# What errors say: sentences, or the source line and the names that are in them.
MESSAGES: dict[str, tuple[str, ...]] = {"full": (), "short": ("--define=messages=short",)}
# The selection of an engine that can do nothing.
NO_OPERATORS = "//mace/ops:no_operators"


@dataclass(frozen=True)
class Library:
    """The libraries of one ABI that were written, and how they were built."""

    abi: str
    runtimes: str
    c_library: str  # "Android (NDK)" or "glibc"
    folder: Path
    link_map: Path  # what is in libmace.so: see packaging.sizes
    operators: list[str] = field(default_factory=list)  # empty: all

    @property
    def shared(self) -> Path:
        """libmace.so, stripped."""
        return self.folder / "libmace.so"

    @property
    def static(self) -> Path:
        """libmace.a."""
        return self.folder / "libmace.a"


def check_abis(names: Sequence[str]) -> list[str]:
    """The ABIs by their names here. Raises MaceError for one that is not known."""
    found = []
    for name in names or ABIS:
        abi = OTHER_NAMES.get(name, name)
        if abi not in _TARGETS:
            raise MaceError(
                f"there is no ABI '{name}'{did_you_mean(name, ABIS)}",
                hint=f"ABIs are: {', '.join(ABIS)}",
            )
        if abi not in found:
            found.append(abi)
    return found


def lacking(root: Path, runtimes: str) -> str:
    """The part of the engine that this version lacks for such a library, or ""."""
    for part in RUNTIMES[runtimes]:
        # Headers alone are a plan, not a runtime.
        if not any((root / "mace" / "runtimes" / part).glob("*.cc")):
            return _PART_NAMES[part]
    return ""


def check_runtimes(root: Path, names: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """The kinds of library to build: those named, or without names what documents promise and this
    version has. Raises MaceError for one that is not known or cannot be built."""
    for name in names:
        if name not in RUNTIMES:
            raise MaceError(
                f"there are no libraries '{name}'{did_you_mean(name, RUNTIMES)}",
                hint=f"--runtimes are: {', '.join(RUNTIMES)}",
            )
        part = lacking(root, name)
        if part:
            raise MaceError(
                f"libraries '{name}' cannot be built: {part} is not in this version of MACE",
                hint="leave out --runtimes to build what there is",
            )
    if names:
        return list(dict.fromkeys(names))
    found = []
    for name in list(RUNTIMES)[1:]:
        part = lacking(root, name)
        if part:
            say(f"no libraries '{name}': {part} is not in this version of MACE")
        else:
            found.append(name)
    return found or ["cpu"]


def build_libraries(
    root: Path,
    abi: str,
    runtimes: str,
    output: Path,
    selection: str = "",
    operators: Sequence[str] = (),
    encryption: bool = False,
    hide_kernels: bool = False,
    optimize: str = "speed",
    interface: str = "c++",
    messages: str = "full",
) -> Library:
    """Writes `output`/<abi>/<runtimes>/libmace.{so,a} and the package files beside them.

    selection: the Bazel package of a selection of operators, or NO_OPERATORS, empty for all. encryption: they can
    read encrypted models. hide_kernels: those of the GPU have no names. optimize: one of
    OPTIMIZATIONS; "size" takes clang. interface: one of INTERFACES. messages: one of
    MESSAGES. Raises BuildError.
    """
    android = bool(os.environ.get("ANDROID_NDK_HOME"))
    target = _TARGETS[abi][0 if android else 1]
    flags = [*build.target_flags(target), *_LINK_FLAGS.get(abi, ()), *OPTIMIZATIONS[optimize]]
    flags += INTERFACES[interface]
    flags += MESSAGES[messages]
    if optimize == "size" and not android:
        flags[0] += "-clang"  # as the NDK's compiler is
    for part in ("opencl", "hexagon"):
        flags.append(f"--define={part}={'true' if part in RUNTIMES[runtimes] else 'false'}")
    # The second says which compilers made it.
    flags += ["--stripopt=--strip-unneeded", "--stripopt=--remove-section=.comment"]
    if encryption:
        flags.append(build.ENCRYPTION)
    if hide_kernels and "opencl" in RUNTIMES[runtimes]:
        flags.append(build.HIDE_KERNELS)
    if selection:
        label = selection if ":" in selection else f"{selection}:selection"
        flags.append(f"--//mace/ops:selection={label}")
    folder = output / abi / runtimes
    folder.mkdir(parents=True, exist_ok=True)
    labels = [_SHARED, _STATIC, _MAP]
    with build.outputs(root, labels, flags, f"building libmace for {abi}") as made:
        for source, name in zip(made, ("libmace.so", "libmace.a", "libmace.map"), strict=True):
            copy_file(source, folder / name)
    files = pkg_config_files(__version__) | cmake_files(__version__)
    write_files({folder / name: text.encode() for name, text in files.items()})
    c_library = "Android (NDK)" if target.startswith("android") else "glibc"
    return Library(abi, runtimes, c_library, folder, folder / "libmace.map", list(operators))


def write_public_headers(root: Path, folder: Path) -> list[Path]:
    """Copies the headers for applications to `folder`/mace/public; returns their paths."""
    headers = sorted((root / "mace" / "public").glob("*.h"))
    contents = {folder / "mace" / "public" / path.name: path.read_bytes() for path in headers}
    write_files(contents)
    return list(contents)


def copy_file(source: Path, target: Path) -> None:
    """Copies a file that Bazel made read-only; either whole or not at all. Raises MaceError."""
    partial = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
        partial.chmod(0o755 if target.suffix == ".so" else 0o644)
        os.replace(partial, target)
    except OSError as error:
        raise MaceError(f"'{target}' cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
