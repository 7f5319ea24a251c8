# SPDX-License-Identifier: Apache-2.0
"""Kernels that compute in half (cl_khr_fp16) are valid OpenCL C 1.2, of which clang is the judge: no
driver that CI has takes them."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

KERNELS = Path(__file__).resolve().parents[2] / "mace" / "ops" / "opencl" / "cl"
CLANG = shutil.which("clang-19")
STORAGES = {
    "buffer": "",
    "image": "IMG=1",
    "buffer weights": "BUFFER_WEIGHTS=1",
    "image of buffer weights": "IMG=1 BUFFER_WEIGHTS=1",
}
DIRECT = "conv_direct LX=4 LY=4 TC=2 TW=4"
GEMM = "conv_gemm BM=32 BN=32 TM=4 TN=4 BK=8"
BUFFERS_ONLY = {"matmul", "winograd", "lstm"}
CASES = [
    f"{DIRECT} KS=1 IN_TAIL=1 OUT_TAIL=0 ACT=1",
    f"{DIRECT} KS=4 IN_TAIL=0 OUT_TAIL=1 ACT=2 ONE=1 RESIDUAL=1",
    f"{GEMM} KS=1 IN_TAIL=1 OUT_TAIL=0 ACT=5",
    f"{GEMM} KS=2 IN_TAIL=0 OUT_TAIL=1 ACT=4 ONE=1 SPLIT=1",
    "deconv IN_TAIL=1 OUT_TAIL=0",
    "deconv IN_TAIL=0 OUT_TAIL=1 DEPTHWISE=1 ACT=7",
    "depthwise TW=4 K3=1 SX=2 OUT_TAIL=1",
    "depthwise TW=2 OUT_TAIL=0 MULTIPLIER=1",
    "matmul",
    "winograd R=2",
    "winograd R=4 ACT=1",
    "lstm",
    *(f"elementwise TAIL=1 UNARY={number}" for number in (0, 1, 4, 6)),
    *(f"elementwise TAIL=1 MODE_A=0 MODE_B=3 BINARY={number}" for number in (0, 3, 5, 7)),
    "elementwise TAIL=0 MODE_A=0 MODE_B=1 BINARY=0 COEFFICIENTS=1",
    *(f"elementwise TAIL=1 ACT={number}" for number in (1, 2, 5, 9)),
    "elementwise TAIL=1 SLOPE=1 SCALE=1",
]


def _compile(program: str, *defines: str) -> str:
    """What clang says against a source; nothing if it is right."""
    assert CLANG is not None, "clang-19 is not installed"
    command = [CLANG, "-cl-std=CL1.2", "-Xclang", "-finclude-default-header", "-target", "spir64"]
    flags = [f"-D{define}" for define in defines]
    command += ["-fsyntax-only", "-Werror", "-x", "cl", *flags, f"{program}.cl"]
    ran = subprocess.run(command, cwd=KERNELS, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else ran.stderr or "it failed without a word"


@pytest.mark.parametrize("storage", STORAGES)
def test_kernels_compile(storage: str) -> None:
    for case, half in itertools.product(CASES, ("HALF=1", "HALF=1 HALF_ARITHMETIC=1")):
        program, *defines = case.split()
        if "image" in storage and program in BUFFERS_ONLY:
            continue
        problem = _compile(program, *defines, *half.split(), *STORAGES[storage].split())
        assert not problem, f"{case} {half}:\n{problem}"


def test_the_judge_finds_what_is_wrong() -> None:
    assert "use of undeclared identifier" in _compile("elementwise", "HALF=1", "BINARY=0")
