# SPDX-License-Identifier: Apache-2.0
"""Libraries with --define=hide_kernels=true: no name of a kernel can be read in them, and what is
hidden computes the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "repository" / "opencl_kernel"
KERNELS = ROOT / "mace" / "ops" / "opencl" / "cl"
LAUNCHES = [ROOT / "mace" / "ops" / "opencl", ROOT / "mace" / "runtimes" / "opencl"]
FLAGS = ["--config=gpu", "--define=hide_kernels=true", "--symlink_prefix=/"]


def _names() -> set[str]:
    """Kernels and programs, whose names are words that stand for nothing else in C++."""
    found = set()
    for path in KERNELS.glob("*.cl"):
        text = path.read_text("utf-8")
        found |= set(re.findall(r"^(?:__kernel )?void (\w+)\(", text, re.MULTILINE))
    assert {"conv_direct", "conv_gemm", "reduce_pixels", "buffer_to_image"} <= found
    return {name for name in found if "_" in name and name != "group_norm"}


def _embedded(folder: Path, *flags: str) -> str:
    target = folder / "embedded.cc"
    command = [sys.executable, "-B", TOOLS / "embed_kernels.py", target, *KERNELS.iterdir(), *flags]
    subprocess.run(command, check=True)
    return target.read_text("utf-8")


def _sources(text: str) -> list[bytes]:
    """The sources in a table, as C++ reads them."""
    entries = re.findall(r'\{"\w+",\n((?: +".*"\n?)+)\}', text)
    joined = ["".join(re.findall(r'^ +"(.*)"$', entry, re.MULTILINE)) for entry in entries]
    return [entry.encode().decode("unicode_escape").encode("latin1") for entry in joined]


def test_a_hidden_source_has_no_text_and_decodes_to_one_without_names(tmp_path: Path) -> None:
    open_table, table = _embedded(tmp_path), _embedded(tmp_path, "--hide")
    assert len(_sources(table)) == len(_sources(open_table)) > 15
    for plain, hidden in zip(_sources(open_table), _sources(table), strict=True):
        assert min(hidden) >= 0x80
        decoded = "".join(chr((c ^ (i * 37 + 11)) & 0x7F) for i, c in enumerate(hidden))
        assert "__kernel void" in decoded or "__kernel __attribute__" in decoded
        words = set(re.findall(r"\w+", decoded))
        assert not words & {*_names(), "HALF", "IN_TENSOR", "RANGE_AT", "TAIL", "ACT"}
        # Names alone are others: all else, such as what OpenCL offers, is as it was.
        kept = re.sub(r"(?<![.\w])[A-Za-z_]\w*", "", decoded)
        assert kept == re.sub(r"(?<![.\w])[A-Za-z_]\w*", "", plain.decode())
    assert re.findall("kEmbeddedKernelsHash = .*", table) == re.findall(
        "kEmbeddedKernelsHash = .*", open_table
    )


def test_cpp_launches_by_numbers(tmp_path: Path) -> None:
    sources = [path for folder in LAUNCHES for path in folder.glob("*.cc")]
    sources = [
        path for path in sources if not path.stem.endswith(("_test", "_test_util", "_benchmark"))
    ]
    command = [sys.executable, "-B", TOOLS / "hide_names.py", tmp_path, *sources]
    subprocess.run([*command, *KERNELS.iterdir()], check=True)
    for path in sources:
        text = (tmp_path / path.name).read_text("utf-8")
        literals = set(re.findall(r'"(\w+)"', text))
        assert not literals & _names(), path
    assert 'NewLaunch("_' in (tmp_path / "convolution.cc").read_text("utf-8")


@pytest.mark.nightly
def test_a_library_with_hidden_kernels_works_and_names_none() -> None:
    library = "//mace/libmace:libmace.so"
    subprocess.run(["bazel", "build", *FLAGS, library], cwd=ROOT, check=True)
    folder = subprocess.run(
        ["bazel", "info", *FLAGS, "bazel-bin"], cwd=ROOT, check=True, stdout=subprocess.PIPE
    ).stdout.decode()
    content = (Path(folder.strip()) / "mace/libmace/libmace.so").read_bytes()
    strings = b"\n".join(re.findall(rb"[ -~]{4,}", content)).decode()
    assert "clEnqueueNDRangeKernel" in strings, "the GPU runtime is in it"
    assert not [name for name in _names() if name in strings]
    assert not [word for word in ("__kernel", "get_global_id", "read_imagef") if word in strings]
    test = ["bazel", "test", *FLAGS, "//test/api:gpu_test"]
    subprocess.run(test, cwd=ROOT, check=True)
