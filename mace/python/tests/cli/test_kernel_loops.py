# SPDX-License-Identifier: Apache-2.0
"""What tools/kernel_loops.py reads in disassemblies, and the table that docs/kernels.md has of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "tools"))

import kernel_loops  # noqa: E402

_ARM64 = """
Disassembly of section .text.outer:

0000000000000000 <outer>:
       0:      \tmov\tx0, #0x10               // =16
       4:      \tldp\tq0, q1, [x1], #0x20
       8:      \tldr\ts2, [x2]
       c:      \tfmla\tv4.4s, v0.4s, v2.s[0]
      10:      \tfmla\tv5.4s, v1.4s, v2.s[0]
      14:      \tsubs\tx0, x0, #0x1
      18:      \tb.ne\t0x4 <outer+0x4>
      1c:      \tcbnz\tx3, 0x0 <outer>
      20:      \tret
"""
_X86 = """
Disassembly of section .text.tile:
       0:      \tvmovups\t(%rax), %ymm0
       4:      \tvbroadcastss\t(%rdx), %ymm1
       8:      \tvfmadd231ps\t%ymm0, %ymm1, %ymm2
       c:      \tvfmadd231ps\t0x20(%rax), %ymm1, %ymm3
      10:      \tvmovups\t%ymm3, (%rcx)
      14:      \tjne\t0x0 <tile>
"""
_ARM32 = """
Disassembly of section .text.tile:
       0:      \tvld1.32\t{d0, d1, d2, d3}, [r0]!
       4:      \tvmla.f32\tq8, q0, d4[0]
       8:      \tvmla.f32\td18, d1, d4[0]
       c:      \tbne\t0x0 <tile>
"""


@pytest.mark.parametrize(
    ("text", "registers", "multiply_adds", "loads", "sums"),
    [(_ARM64, 5, 8, 3, 2), (_X86, 4, 16, 3, 2), (_ARM32, 5, 6, 2, 2)],
    ids=["arm64", "x86", "arm32"],
)
def test_counts(text: str, registers: int, multiply_adds: int, loads: int, sums: int) -> None:
    (code,) = kernel_loops.sections(text).values()
    (body,) = kernel_loops.inner_loops(code)  # the outer loop is none
    assert kernel_loops.registers(body) == registers
    assert kernel_loops.multiply_adds(body) == multiply_adds
    assert kernel_loops.loads(body) == loads
    assert kernel_loops.sums(body) == sums


def test_calls_and_tables_are_followed() -> None:
    calls = kernel_loops.references(
        "Relocation section '.rela.text._Z4gemm' at offset 0x0 contains 1 entry:\n"
        "0000000000000004  0000004200000113 R_AARCH64_ADR_PREL_PG_HI21 0000000000000000 .data.t + 0\n"
        "Relocation section '.rela.data.t' at offset 0x0 contains 2 entries:\n"
        "0000000000000008  0000001a00000101 R_AARCH64_ABS64 0000000000000000 .text.tile + 0\n"
        "0000000000000010  0000001a00000101 R_AARCH64_ABS64 0000000000000000 other + 0\n"
    )
    code: dict[str, kernel_loops.Code] = {
        f".text.{name}": [] for name in ("_Z4gemm", "tile", "other", "alone")
    }
    found = kernel_loops.reachable("gemm", code, calls)
    assert found == [".text._Z4gemm", ".text.other", ".text.tile"]


@pytest.mark.nightly  # llvm-19 comes with tools/setup.sh --clang
def test_a_kernel_of_this_machine() -> None:
    command = [sys.executable, "tools/kernel_loops.py", "--only=gemm_f32_6x16__avx2", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (loop,) = json.loads(done.stdout)
    # A tile of 6 x 16 with vectors of 8: as many sums, and at least a register to multiply with.
    assert 13 <= loop["registers"] <= 16
    assert loop["multiply_adds"] % (6 * 16) == 0
    assert 0 < loop["least_cycles"] <= loop["cycles"]


def test_the_document_has_every_kernel() -> None:
    text = kernel_loops.DOCUMENT.read_text(encoding="utf-8")
    table = text.partition("<!-- recorded: loops -->")[2]
    named = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert named == [kernel.name for kernel, _ in kernel_loops.wanted("")]
    # The model's figures are those of a loop that was found.
    assert all(line.count("|") == 10 for line in table.splitlines() if line.startswith("| `"))


def test_an_unknown_kernel_is_wrong_use() -> None:
    command = [sys.executable, "tools/kernel_loops.py", "--only=nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "no kernel that multiplies and adds is named 'nothing'" in done.stderr


@pytest.mark.parametrize(
    ("body", "a55", "a53"),
    [
        (["fmla\tv16.4s, v8.4s, v0.s[0]", "ldr\td12, [x1, #0x40]"], 1, 2),
        (["fmla v16.4s, v8.4s, v0.s[0]", "ldr x30, [x1, #0x48]"], 1, 1),
        (["fmla v16.4s, v8.4s, v0.s[0]", "mov v12.d[1], x30"], 1, 2),
        (["ldr d1, [x1]", "mov v12.d[1], x30"], 1, 1),
        (["fmla v16.4s, v8.4s, v0.s[0]", "fmla v17.4s, v9.4s, v0.s[0]", "subs x1, x1, #0x1"], 2, 2),
        (["ld1 {v0.4s, v1.4s, v2.4s, v3.4s}, [x1], #0x40", "fmla v16.4s, v8.4s, v0.s[0]"], 9, 9),
        (["ldp q0, q1, [x1]", "ldr q2, [x1]", "add x1, x1, #0x30"], 7, 7),
    ],
)
def test_pairs_of_cores_that_issue_in_order(body: list[str], a55: int, a53: int) -> None:
    assert kernel_loops.in_order_cycles(body, "cortex-a55") == a55
    assert kernel_loops.in_order_cycles(body, "cortex-a53") == a53
