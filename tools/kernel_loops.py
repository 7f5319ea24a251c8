#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows what the compiler made of the kernels that multiply and add: of each one's busiest inner loop
the vector registers, the multiply-adds for each vector that is loaded, and the cycles that a model
of the processor (llvm-mca) gives it.

  python tools/kernel_loops.py                           # all, for x86-64, arm64-v8a, armeabi-v7a
  python tools/kernel_loops.py --only=gemm --json
  python tools/kernel_loops.py --show=gemm_f32_8x8__neon  # the loop itself
  python tools/kernel_loops.py --record                  # into docs/kernels.md
  python tools/kernel_loops.py --only=gemm_f32_8x8 --in-order  # on cores that issue in order

It builds the kernels first. The models know caches and branches to be perfect: read "of peak" as a
limit, and cycles beside those of tools/arm_count.py. Exit codes: 0, 1 a tool fails, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "mace" / "python"))

from deployment_table import record  # noqa: E402
from mace.cli.dev import Kernel, kernel_list  # noqa: E402
from mace.errors import EXIT_OK, MaceError  # noqa: E402

from mace import build  # noqa: E402

DOCUMENT = ROOT / "docs" / "kernels.md"
KINDS = ("gemm_", "dwconv_")  # how names begin
COLUMNS = (
    "kernel",
    "target",
    "vector registers",
    "multiply-adds in the loop",
    "for each loaded vector",
    "cycles",
    "multiply-adds a cycle",
    "of peak",
    "model",
)


@dataclass(frozen=True)
class Machine:
    """A processor that llvm-mca knows."""

    triple: str
    cpu: str
    features: str = ""


_MACHINES = {
    ("x86-64", "avx512"): Machine("x86_64", "skylake-avx512"),
    ("x86-64", "avx2"): Machine("x86_64", "skylake"),
    ("x86-64", "sse4"): Machine("x86_64", "sandybridge"),
    ("arm64-v8a", "neon"): Machine("aarch64", "neoverse-n1"),
    ("arm64-v8a", "neona55"): Machine("aarch64", "cortex-a55"),
    ("arm64-v8a", "neonbf16"): Machine("aarch64", "neoverse-n2"),
    ("arm64-v8a", "neonfp16"): Machine("aarch64", "neoverse-n1"),
    ("armeabi-v7a", "neon"): Machine("thumbv7", "cortex-a57", "+neon,+vfp4"),
}
_TURNS = 100
_BRANCH = re.compile(r"(?:b[\w.]*|cbn?z|tbn?z|j\w+)\s+(?:.*,\s*)?#?0x([0-9a-f]+)\b")
_CONFIGS = {"x86-64": "host", "arm64-v8a": "arm64-v8a", "armeabi-v7a": "armeabi-v7a"}


@dataclass(frozen=True)
class Loop:
    """The inner loop that a kernel is mostly in, and its figures for one turn.
    least_cycles: what its multiply-adds would take if nothing else were in it."""

    kernel: str
    target: str
    registers: int
    multiply_adds: int
    loads: int
    cycles: float
    least_cycles: float
    machine: Machine
    body: tuple[str, ...]

    def cells(self) -> list[str]:
        """A row of the table."""
        return [
            f"`{self.kernel}`",
            self.target,
            str(self.registers),
            str(self.multiply_adds),
            f"{self.multiply_adds / max(self.loads, 1):.1f}",
            f"{self.cycles:.1f}",
            f"{self.multiply_adds / self.cycles:.1f}",
            f"{100 * self.least_cycles / self.cycles:.0f} %",
            self.machine.cpu,
        ]


def objects(kernel: Kernel, target: str) -> list[Path]:
    """The objects of a kernel's instruction set, which are built first."""
    name = f"{kernel.family}_{kernel.isa}"
    flags = build.target_flags(_CONFIGS[target])
    label = f"//mace/kernels/{kernel.family}:{name}"
    with build.outputs(ROOT, [label], flags, f"building {label}") as (made,):
        return sorted((made.parent / "_objs" / name).glob("*.o"))


def loops(kernel: Kernel, target: str) -> Iterator[Loop]:
    """The fastest of the kernel's loops that keep many sums, or nothing if it has none."""
    machine = _MACHINES[(target, kernel.isa)]
    found = []
    for path in objects(kernel, target):
        code = sections(_run("llvm-objdump-19", "-d", "--no-show-raw-insn", str(path)))
        calls = references(_run("readelf", "-rW", str(path)))
        for name in reachable(kernel.name, code, calls):
            found += [body for body in inner_loops(code[name]) if multiply_adds(body)]
    most = max(map(sums, found), default=0)
    timed = [(body, cycles(body, machine)) for body in found if 2 * sums(body) > most]
    if timed:
        body, took = max(timed, key=lambda pair: multiply_adds(pair[0]) / pair[1])
        least = throughput([text for text in body if _lanes(text)], machine)
        counts = (registers(body), multiply_adds(body), loads(body))
        yield Loop(kernel.name, target, *counts, took, least, machine, tuple(body))


Code = list[tuple[int, str]]


def sections(text: str) -> dict[str, Code]:
    """Address and text of the instructions of each section of a disassembly."""
    found: dict[str, Code] = {}
    code: Code = []
    for line in text.splitlines():
        if match := re.match(r"Disassembly of section (\S+):", line):
            code = found.setdefault(match[1], [])
        elif match := re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line):
            code.append((int(match[1], 16), re.sub(r"\s*(//|@|#) .*", "", match[2]).strip()))
    return found


def references(text: str) -> dict[str, set[str]]:
    """Which names each section's relocations have: sections and symbols."""
    found: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in text.splitlines():
        if match := re.match(r"Relocation section '\.rela?(\S+)'", line):
            names = found.setdefault(match[1], set())
        elif match := re.match(r"[0-9a-f]{8,}\s+\S+\s+R_\S+\s+[0-9a-f]+\s+(\S+)", line):
            names.add(match[1])
    return found


def reachable(kernel: str, code: dict[str, Code], calls: dict[str, set[str]]) -> list[str]:
    """Sections with code that the kernel's functions lead to, by calls and by tables."""
    every = set(code) | set(calls)
    by_symbol = {name.split(".", 2)[-1]: name for name in code if name.startswith(".text.")}
    seen: set[str] = set()
    waiting = [name for name in code if kernel in name]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for other in calls.get(name, ()):
            target = other if other in every else by_symbol.get(other)
            waiting += [target] if target is not None else []
    return [name for name in sorted(seen) if name in code]


def inner_loops(code: Code) -> Iterator[list[str]]:
    """The loops of a section that have no other within: backward branches and what they enclose."""
    spans = []
    for address, text in code:
        match = _BRANCH.match(text)
        if match and int(match[1], 16) <= address:
            spans.append((int(match[1], 16), address))
    for begin, end in spans:
        if not any((b, e) != (begin, end) and begin <= b and e <= end for b, e in spans):
            yield [text for address, text in code if begin <= address <= end]


def sums(body: Sequence[str]) -> int:
    """How many vector registers multiply-adds write to: the size of the tile."""
    written = set()
    for text in body:
        if _lanes(text):
            operands = text.split(None, 1)[1].split(",")
            written.add(operands[-1 if "%" in text else 0].strip())
    return len(written)


def multiply_adds(body: Sequence[str]) -> int:
    """Multiply-adds of elements, where SSE's products count, whose sums are apart."""
    return sum(_lanes(text) for text in body)


def _lanes(text: str) -> int:
    if re.match(r"vfn?m(add|sub)\d+ps", text):
        return 16 if "%zmm" in text else 8 if "%ymm" in text else 4
    if text.startswith("mulps"):
        return 4
    if text.startswith("bfmmla"):
        return 16
    if match := re.match(r"fml[as]\s+v\d+\.(\d+)[sh]", text):
        return int(match[1])
    if match := re.match(r"v(?:ml|fm)[as]\.f32\s+([qd])\d+", text):
        return 4 if match[1] == "q" else 2
    return 0


def registers(body: Sequence[str]) -> int:
    """How many vector registers the instructions name."""
    used = set()
    for text in body:
        used |= {int(n) for n in re.findall(r"%[xyz]mm(\d+)", text)}
        if "%" not in text:
            used |= {int(n) for n in re.findall(r"\b[vq](\d+)\b", text)}
            halves = re.findall(r"\bd(\d+)\b", text)
            wide = text.startswith("v")  # of 32-bit Arm: two d are a q
            used |= {int(n) // 2 if wide else int(n) for n in halves}
    return len(used)


def loads(body: Sequence[str]) -> int:
    """How many vector registers are filled from memory; an operand in memory is one."""
    return sum(_loaded(text) for text in body)


def _loaded(text: str) -> int:
    if re.search(r"%[xyz]mm", text):
        # The last operand is written to.
        return int("(%" in text and not text.rstrip().endswith(")"))
    if re.match(r"(ldr|ldur)\s+[qds]\d", text):
        return 1
    if re.match(r"ldn?p\s+[qds]\d", text):
        return 2
    if match := re.match(r"(?:v)?ld[1-4]\S*\s+\{([^}]*)\}", text):
        return _listed(match[1])
    if match := re.match(r"vldmia\s+\S+\s+\{([^}]*)\}", text):
        return _listed(match[1])
    return int(re.match(r"vldr\s+d\d", text) is not None)


def _listed(text: str) -> int:
    """Registers in a list such as "d0, d1" or "v0.4s - v3.4s", in vectors of 16 bytes."""
    numbers = [int(n) for n in re.findall(r"[vqd](\d+)", text)]
    count = numbers[-1] - numbers[0] + 1 if "-" in text else len(numbers)
    return max(1, count // 2) if re.match(r"\s*d", text) else count


def cycles(body: Sequence[str], machine: Machine) -> float:
    """Cycles of one turn, as llvm-mca models many."""
    return _model(body, machine, r"Total Cycles:\s+(\d+)") / _TURNS


def throughput(body: Sequence[str], machine: Machine) -> float:
    """Cycles for which instructions keep the units busy, whatever they wait for."""
    return _model(body, machine, r"Block RThroughput:\s+([\d.]+)")


def _model(body: Sequence[str], machine: Machine, figure: str) -> float:
    code = [re.sub(r"\s*<[^>]*>", "", text) for text in body if not _BRANCH.match(text)]
    words = [f"-mtriple={machine.triple}", f"-mcpu={machine.cpu}", f"-iterations={_TURNS}"]
    words += [f"-mattr={machine.features}"] if machine.features else []
    out = _run("llvm-mca-19", *words, "-", given="\n".join(code) + "\n")
    match = re.search(figure, out)
    if match is None:
        raise MaceError("llvm-mca does not print what was expected", hint=out[:500])
    return float(match[1])


def _run(*command: str, given: str | None = None) -> str:
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)
    except FileNotFoundError:
        raise MaceError(f"there is no {command[0]}", hint="run tools/setup.sh --clang") from None
    if done.returncode != 0:
        raise MaceError(f"{command[0]} ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout


def wanted(only: str) -> Iterator[tuple[Kernel, str]]:
    """Kernels that multiply and add, whose names have `only` in them, with their targets."""
    for kernel in kernel_list(ROOT):
        for target in kernel.targets:
            known = kernel.name.startswith(KINDS) and (target, kernel.isa) in _MACHINES
            if known and only in kernel.name:
                yield kernel, target


def markdown(found: Sequence[Loop]) -> str:
    """The table for a document."""
    lines = [COLUMNS, ["---"] * 2 + ["---:"] * 6 + ["---"], *(loop.cells() for loop in found)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


# What goes beside another instruction in the same cycle. A multiply-add of 128 bits takes all of the
# vector unit on both cores, a load of 128 bits all of the core for two cycles (ncnn's notes
# "arm-a53-a55-dual-issue"; onnxruntime's commit 50a6f095 says the same of the A55).
_ALWAYS = {("add", "add"), ("add", "load"), ("add", "vector load"), ("add", "insert")}
_PAIRS: dict[str, set[tuple[str, str]]] = {
    "cortex-a55": _ALWAYS
    | {("vector", other) for other in ("load", "vector load", "insert", "add")}
    | {("insert", "load"), ("insert", "vector load")},
    "cortex-a53": _ALWAYS
    | {("vector", other) for other in ("load", "add")}
    | {("insert", "load"), ("insert", "vector load")},
}


def in_order_cycles(body: Sequence[str], core: str) -> int:
    """Cycles of one turn on an arm64 core that issues in order, at most two instructions in a cycle.
    All operands are ready: a limit for a kernel whose loads come long before they are used."""
    total, waiting = 0, ""
    for text in body:
        kind, quads = _issue_kind(text)
        if quads:
            total, waiting = total + 2 * quads, ""
        elif waiting and {(waiting, kind), (kind, waiting)} & _PAIRS[core]:
            waiting = ""  # in the cycle of the one before
        else:
            total, waiting = total + 1, kind
    return total


def _issue_kind(text: str) -> tuple[str, int]:
    """What an instruction is, and the vectors of 128 bits that it loads."""
    if match := re.match(r"ld1r?\s+\{([^}]*)\}", text):
        numbers = [int(n) for n in re.findall(r"v(\d+)", match[1])]
        return "", numbers[-1] - numbers[0] + 1 if "-" in match[1] else len(numbers)
    if re.match(r"ldu?r\s+q", text):
        return "", 1
    if re.match(r"ldn?p\s+q", text):
        return "", 2
    if re.match(r"ldu?r\s+[ds]\d", text):
        return "vector load", 0
    if re.match(r"ldu?r", text):
        return "load", 0
    if re.match(r"(mov|ins)\s+v\d+\.\w\[\d\], [xw]", text):
        return "insert", 0
    return ("vector" if re.search(r"\bv\d+\.", text) else "add"), 0


def in_order_lines(found: Sequence[Loop]) -> list[str]:
    """A line for each kernel of arm64: cycles of a turn by the pairs that cores take."""
    lines = []
    for loop in found:
        if loop.target != "arm64-v8a":
            continue
        rates = []
        for core in _PAIRS:
            took = in_order_cycles(loop.body, core)
            rates.append(f"{core} {took} cycles, {loop.multiply_adds / took:.2f} a cycle")
        lines.append(f"{loop.kernel}: {loop.multiply_adds} multiply-adds, {'; '.join(rates)}")
    return lines


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="kernels whose names have this in them")
    parser.add_argument("--show", metavar="KERNEL", help="print this kernel's loop")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("--in-order", action="store_true", help="count pairs of A55 and A53")
    parser.add_argument("--record", action="store_true", help="write docs/kernels.md")
    options = parser.parse_args()
    pairs = list(wanted(options.show or options.only))
    if not pairs:
        parser.error(
            f"no kernel that multiplies and adds is named '{options.show or options.only}'"
        )
    found = [loop for kernel, target in pairs for loop in loops(kernel, target)]
    if options.show:
        for loop in found:
            print(f"{loop.kernel}, {loop.target}: {loop.cycles:.1f} cycles")
            print("".join(f"  {text}\n" for text in loop.body), end="")
    elif options.in_order:
        print("\n".join(in_order_lines(found)))
    elif options.json:
        print(json.dumps([asdict(loop) for loop in found], indent=2))
    else:
        print(markdown(found), end="")
    if options.record:
        record("loops", markdown(found), DOCUMENT)
    return EXIT_OK


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MaceError as error:
        print(f"kernel_loops: {error}", file=sys.stderr)
        sys.exit(1)
