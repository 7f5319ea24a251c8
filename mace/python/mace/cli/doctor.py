# SPDX-License-Identifier: Apache-2.0
"""`mace doctor`: what is installed and what is missing, each with its cure."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mace import __version__
from mace.cli.console import Console
from mace.devices.opencl import opencl_devices
from mace.errors import EXIT_OK, EXIT_USAGE, MaceError
from mace.resources import cache_dir, resource, source_root

_NEEDED = (
    "numpy",
    "protobuf",
    "onnx",
    "pydantic",
    "PyYAML",
    "filelock",
    "jinja2",
    "rich",
    "tensorboard",
    "xxhash",
)
_REFERENCES = {
    "tensorflow-cpu": ("tensorflow", "TensorFlow"),
    "onnxruntime": ("onnxruntime", "ONNX"),
    "opencv-python-headless": ("opencv-python", "Caffe"),
}
# Packages that something needs which not everybody does.
_FOR_SOME = {"cryptography": "to encrypt models"}
# Debian's cross compilers, and the ABIs that they build for.
_CROSS = (
    ("aarch64-linux-gnu", "arm64-v8a and arm64"),
    ("arm-linux-gnueabihf", "armeabi-v7a and armhf"),
)
# Programs that size-optimized libraries are made with, and Debian's packages that have them.
_SMALLEST = {"clang-19": "clang-19", "ld.lld-19": "lld-19", "llvm-objcopy-19": "llvm-19"}


@dataclass
class Finding:
    """One line: what was looked for, whether it is well, what was found, what to do."""

    name: str
    well: bool
    found: str
    cure: str = ""
    needed: bool = True


def run(options: argparse.Namespace, console: Console) -> int:
    """Shows all findings; 2 if something that is needed is missing."""
    del options
    findings: list[Finding] = [
        Finding(
            "mace", True, f"{__version__}, Python {platform.python_version()}, {sys.executable}"
        )
    ]
    for check in (_packages, _references, _engine, _build_tools, _devices):
        with console.step(f"looking at {check.__name__.strip('_').replace('_', ' ')}"):
            findings += check()
    findings.append(Finding("downloads", True, str(cache_dir())))
    for finding in findings:
        mark = "ok     " if finding.well else "MISSING" if finding.needed else "absent "
        console.out(f"{mark}  {finding.name}: {finding.found}")
        if finding.cure and not finding.well:
            console.out(f"         cure: {finding.cure}")
    console.result["findings"] = [vars(finding) for finding in findings]
    return EXIT_OK if all(f.well or not f.needed for f in findings) else EXIT_USAGE


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages() -> list[Finding]:
    versions = {name: _version(name) for name in _NEEDED}
    missing = [name for name, version in versions.items() if version is None]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    cure = "to convert models: run tools/setup.sh --core, or: pip install -r setup/requirements.txt"
    found = listed if not missing else f"without {', '.join(missing)}"
    findings = [Finding("Python packages", not missing, found, cure)]
    for name, purpose in _FOR_SOME.items():
        version = _version(name)
        cure = f"{purpose}: pip install {name}"
        found = version or "not installed"
        findings.append(Finding(name, version is not None, found, cure, needed=False))
    return findings


def _references() -> list[Finding]:
    findings = []
    for name, (other, framework) in _REFERENCES.items():
        version = _version(name) or _version(other)
        found = version or "not installed"
        cure = f"to validate {framework} models: pip install -r setup/optionals.txt"
        findings.append(
            Finding(f"{name} ({framework})", version is not None, found, cure, needed=False)
        )
    return findings


def _engine() -> list[Finding]:
    from mace import runtime

    try:
        path = resource("libmace.so")
        return [Finding("engine", True, f"{path}, {runtime.version()}")]
    except MaceError as error:
        return [Finding("engine", False, str(error).splitlines()[0], error.hint)]


def _program(name: str, argument: str, cure: str, needed: bool) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(name, False, "not installed", cure, needed)
    try:
        result = subprocess.run(
            [path, *([argument] if argument else [])],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        lines = (result.stdout or result.stderr).strip().splitlines() if argument else []
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name, False, f"{path} cannot be run: {error}", cure, needed)
    return Finding(name, True, f"{path}, {lines[0]}" if lines else path)


def _build_tools() -> list[Finding]:
    in_tree = source_root() is not None
    found = str(source_root() or "none: what this package has in it can be used, nothing built")
    cure = "to build engines, libraries and models as code: work in a clone of the repository"
    findings = [Finding("source tree", in_tree, found, cure, needed=False)]
    if in_tree:
        path = shutil.which("bazel")
        cure = "to build the engine: run tools/setup.sh"
        findings.append(Finding("bazel", path is not None, path or "not installed", cure))
        findings.append(_program("g++", "--version", cure, True))
        findings.append(_program("protoc", "--version", "to read models: run tools/setup.sh", True))
        for machine, abis in _CROSS:
            cure = f"to build for {abis}: run tools/setup.sh"
            findings.append(_program(f"{machine}-g++", "--version", cure, False))
        for name in _SMALLEST:
            cure = "to make the smallest libraries (build --optimize=size): apt-get install "
            findings.append(_program(name, "--version", cure + " ".join(_SMALLEST.values()), False))
        cure = "to make an archive for Android (build --aar): apt-get install default-jdk-headless"
        findings.append(_program("javac", "-version", cure, False))
    return findings


def _devices() -> list[Finding]:
    findings = []
    for program, abi in (("qemu-aarch64", "arm64-v8a"), ("qemu-arm", "armeabi-v7a")):
        cure = f"to run for {abi} without a device: apt-get install qemu-user"
        findings.append(_program(program, "--version", cure, False))
    cure = "to run on phones: apt-get install adb"
    findings.append(_program("adb", "version", cure, False))
    for program, argument in (("ssh", "-V"), ("scp", "")):
        cure = "to run on boards with Linux: apt-get install openssh-client"
        findings.append(_program(program, argument, cure, False))
    names, why_not = opencl_devices()
    cure = "to run on this machine's GPU: install its driver; on its CPU in place of one: apt-get "
    cure += "install ocl-icd-libopencl1 pocl-opencl-icd"
    found = ", ".join(names) or why_not
    findings.append(Finding("OpenCL", bool(names), found, cure, needed=False))
    ndk = os.environ.get("ANDROID_NDK_HOME", "")
    well = bool(ndk) and Path(ndk).is_dir()
    found = ndk if well else f"ANDROID_NDK_HOME is {'not set' if not ndk else 'no folder: ' + ndk}"
    cure = "to build for Android: set ANDROID_NDK_HOME to an NDK of version r25 or newer"
    findings.append(Finding("Android NDK", well, found, cure, needed=False))
    return findings
