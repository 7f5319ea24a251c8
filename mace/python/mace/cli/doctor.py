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
from mace.errors import EXIT_OK, EXIT_USAGE, MaceError
from mace.resources import cache_dir, resource, source_root

_NEEDED = (
    "numpy",
    "protobuf",
    "onnx",
    "pydantic",
    "PyYAML",
    "filelock",
    "rich",
    "tensorboard",
    "xxhash",
)
_REFERENCES = {
    "tensorflow-cpu": ("tensorflow", "TensorFlow"),
    "onnxruntime": ("onnxruntime", "ONNX"),
    "opencv-python-headless": ("opencv-python", "Caffe"),
}


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
    cure = "run tools/setup.sh --core, or: pip install -r setup/requirements.txt"
    found = listed if not missing else f"without {', '.join(missing)}"
    return [Finding("Python packages", not missing, found, cure)]


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
            [path, argument], capture_output=True, text=True, timeout=20, check=False
        )
        lines = (result.stdout or result.stderr).strip().splitlines()
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name, False, f"{path} cannot be run: {error}", cure, needed)
    return Finding(name, True, f"{path}, {lines[0] if lines else 'no version'}")


def _build_tools() -> list[Finding]:
    in_tree = source_root() is not None
    cure = "run tools/setup.sh"
    findings = [Finding("source tree", in_tree, str(source_root() or "none"), "", needed=False)]
    if in_tree:
        path = shutil.which("bazel")
        found = path or "not installed"
        findings.append(Finding("bazel", path is not None, found, cure))
        findings.append(_program("g++", "--version", cure, True))
        findings.append(_program("aarch64-linux-gnu-g++", "--version", cure, False))
        findings.append(_program("arm-linux-gnueabihf-g++", "--version", cure, False))
    return findings


def _devices() -> list[Finding]:
    cure = "install qemu-user (Debian: apt-get install qemu-user)"
    findings = [
        _program("qemu-aarch64", "--version", cure, False),
        _program("qemu-arm", "--version", cure, False),
        _program("adb", "version", "to reach Android devices: install adb", False),
    ]
    ndk = os.environ.get("ANDROID_NDK_HOME", "")
    well = bool(ndk) and Path(ndk).is_dir()
    found = ndk if well else f"ANDROID_NDK_HOME is {'not set' if not ndk else 'no folder: ' + ndk}"
    cure = "to build for Android: set ANDROID_NDK_HOME to an NDK of version r25 or newer"
    findings.append(Finding("Android NDK", well, found, cure, needed=False))
    return findings
