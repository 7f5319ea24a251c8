# SPDX-License-Identifier: Apache-2.0
"""Adds to the Python package what Bazel builds for this machine: the engine and its programs."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
_BINARIES = ("libmace.so", "mace_run", "benchmark_model")
# Platform -> the newest GLIBCXX_3.4.x that auditwheel's policies allow there.
_GLIBCXX = {
    (2, 17): 19,
    (2, 24): 22,
    (2, 28): 25,
    (2, 31): 28,
    (2, 34): 29,
    (2, 35): 30,
    (2, 39): 33,
}
_DATA = ("mace.desc", "caffe.desc", "ops.yml")


class BuildPy(build_py):
    """build_py that also builds the engine."""

    def run(self) -> None:
        if not self.editable_mode:
            # What an earlier build left there and the sources no longer have would be packed too.
            shutil.rmtree(Path(self.build_lib) / "mace", ignore_errors=True)
        super().run()
        if self.editable_mode:
            return  # the source tree builds what it needs by itself
        sys.path.insert(0, str(ROOT / "mace" / "python"))
        from mace import build

        package = Path(self.build_lib) / "mace"
        for folder in (package / "_lib" / "host", package / "_data"):
            folder.mkdir(parents=True, exist_ok=True)
        for name in _BINARIES:
            shutil.copy2(build.binary(ROOT, name, "host"), package / "_lib" / "host" / name)
        for name in _DATA[:2]:
            source = ROOT / "mace" / "proto" / name.replace(".desc", ".proto")
            shutil.copy2(build.descriptor(ROOT, source, name), package / "_data" / name)
        shutil.copy2(ROOT / "mace" / "ops" / "ops.yml", package / "_data" / "ops.yml")


class BinaryDistribution(Distribution):
    """A package for one platform: it carries programs."""

    def has_ext_modules(self) -> bool:
        return True


def manylinux(binaries: Sequence[Path]) -> str:
    """The oldest platform of PEP 600 whose C and C++ libraries have what these binaries need."""
    glibc, glibcxx = (2, 17), 0
    for path in binaries:
        content = path.read_bytes()
        found = re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?(?=\0)", content)
        glibc = max([glibc, *((int(major), int(minor)) for major, minor in found)])
        minors = re.findall(rb"\0GLIBCXX_3\.4\.(\d+)(?=\0)", content)
        glibcxx = max([glibcxx, *map(int, minors)])
    for platform, newest in _GLIBCXX.items():
        if newest >= glibcxx:
            return "manylinux_{}_{}_x86_64".format(*max(glibc, platform))
    raise SystemExit(f"no manylinux platform is known to have GLIBCXX_3.4.{glibcxx}")


class Wheel(bdist_wheel):
    """A wheel for any Python 3: the engine is loaded by ctypes and knows nothing of Python."""

    def get_tag(self) -> tuple[str, str, str]:
        folder = Path(self.bdist_dir or "")
        built = [*folder.glob("**/_lib/host/*"), *ROOT.glob("build/lib*/mace/_lib/host/*")]
        return ("py3", "none", manylinux(built) if built else super().get_tag()[2])


setup(cmdclass={"build_py": BuildPy, "bdist_wheel": Wheel}, distclass=BinaryDistribution)
