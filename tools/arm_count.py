# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions that an Arm build executes for one inference, without Arm hardware.

benchmark_model runs under qemu-user with the plugin of tools/arm_count. One thread, the second
inference; the count repeats to 1e-4. An instruction is not a time: --mca weighs the executed code
with llvm-mca, --cache simulates an L1 of 64 KB and an L2 of 512 KB. --benchmark counts single
operators of ops_benchmark in place of models. Examples:

  python tools/arm_count.py builds/mobilenet_v1/model/mobilenet_v1.pb --abi arm64-v8a --operators
  python tools/arm_count.py --benchmark 'POOLING|SOFTMAX' --mca neoverse-n1

Exit codes: 0 done, 1 a program failed, 2 wrong use.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# ABI: emulator, libraries, core, triple of LLVM.
ABIS = {
    "arm64-v8a": ("qemu-aarch64", "/usr/aarch64-linux-gnu", "cortex-a76", "aarch64-linux-gnu"),
    "armeabi-v7a": ("qemu-arm", "/usr/arm-linux-gnueabihf", "cortex-a7", "thumbv7-linux-gnueabihf"),
}
MCA_COVER = 0.995  # of the executed instructions; the rest is scaled
MCA_ITERATIONS = 100
# Readings of the clocks by benchmark_model with one run of each kind: two of time and two of the
# processor's around the engine's creation, three of the warm-up; those of the run without statistics
# follow, then one of the next section and the one that begins its run. The operators follow, two
# readings each, where none is in a chain, whose parts are timed too.
PLAIN_RUN = 9
FIRST_OPERATOR = 13
# Readings of the clock by ops_benchmark for each of its cases, when no time is asked for: one before
# the first round, then one before it again and after each of ten.
BENCHMARK_READINGS = 12
BENCHMARK_ROUND = 9  # the interval that is counted: between readings 9 and 10, the eighth round
# What a core like neoverse-n1 does in a cycle: two multiply-adds and two loads or stores of 128 bits.
MACS_PER_CYCLE = 8
BYTES_PER_CYCLE = 32


@dataclass
class Interval:
    """What ran between two readings of the clock: how often each block, and cache misses."""

    blocks: dict[int, int]
    l1_misses: int
    l2_misses: int


@dataclass
class Block:
    """Straight code: its distance from the program's first code, and its instructions."""

    address: int
    instructions: int
    code: str


@dataclass
class Trace:
    """All that the plugin wrote."""

    intervals: list[Interval] = field(default_factory=list)
    blocks: dict[int, Block] = field(default_factory=dict)

    def instructions(self, interval: Interval) -> int:
        """Executed instructions of an interval."""
        return sum(self.blocks[b].instructions * n for b, n in interval.blocks.items())


def read_trace(path: Path) -> Trace:
    """Reads the plugin's file."""
    trace = Trace()
    for line in path.read_text().splitlines():
        words = line.split()
        if words[0] == "interval":
            numbers = [int(word) for word in words[1:]]
            pairs = dict(zip(numbers[2::2], numbers[3::2], strict=True))
            trace.intervals.append(Interval(pairs, numbers[0], numbers[1]))
        else:
            trace.blocks[int(words[1])] = Block(int(words[2], 16), int(words[3]), words[4])
    return trace


def build(abi: str, package: str = "mace/tools", name: str = "benchmark_model") -> Path:
    """A program of this tree for an ABI, with symbols."""
    command = [str(ROOT / "tools" / "bazel"), "build", f"--config={abi}", "-c", "opt"]
    subprocess.run([*command, f"//{package}:{name}"], cwd=ROOT, check=True)
    return ROOT / "bazel-bin" / package / name


def emulate(
    words: list[str], abi: str, cpu: str, cache: bool, folder: Path, chains: bool = True
) -> tuple[subprocess.CompletedProcess[str], Trace]:
    """Runs a program with its arguments once under the plugin."""
    plugin = folder / "counter.so"
    source = ROOT / "tools" / "arm_count" / "counter.c"
    compile_ = ["cc", "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden"]
    subprocess.run([*compile_, "-o", str(plugin), str(source)], check=True)
    emulator, libraries, default_cpu, _ = ABIS[abi]
    options = f"{plugin},out={folder / 'trace.txt'}" + (",cache=1" if cache else "")
    command = [emulator, "-cpu", cpu or default_cpu, "-L", libraries, "-plugin", options, *words]
    environment = {**os.environ, **({} if chains else {"MACE_CHAINS": "0"})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        name = Path(words[0]).name
        sys.exit(f"{name} failed under {emulator}:\n{done.stdout[-2000:]}{done.stderr}")
    return done, read_trace(folder / "trace.txt")


def run(
    program: Path, model: Path, abi: str, cpu: str, cache: bool, folder: Path, chains: bool = True
) -> Trace:
    """Runs benchmark_model once under the plugin; statistics.json is left in the folder."""
    words = [str(program), f"--model_file={model}"]
    words += [f"--model_data_file={model.with_suffix('.data')}", "--omp_num_threads=1"]
    words += ["--cpu_affinity_policy=0", "--max_num_runs=1", "--max_time=0", "--warmup_runs=1"]
    words += [f"--json={folder / 'statistics.json'}"]
    return emulate(words, abi, cpu, cache, folder, chains)[1]


class Symbols:
    """Names of the program's functions, by distance from its first code."""

    def __init__(self, program: Path) -> None:
        table: list[tuple[int, str]] = []
        listing = subprocess.run(
            ["nm", "-C", str(program)], capture_output=True, text=True, check=True
        )
        for line in listing.stdout.splitlines():
            found = re.match(r"([0-9a-f]+) [tTwWiI] (?!\$)(.*)", line)
            if found:
                table.append((int(found[1], 16), found[2]))
        headers = subprocess.run(
            ["readelf", "-lW", str(program)], capture_output=True, text=True, check=True
        ).stdout
        # The emulator calls the begin of the executable segment the first code.
        executable = re.search(r"LOAD\s+\S+ 0x([0-9a-f]+) .* R E ", headers)
        self.begin = int(executable[1], 16) if executable else 0
        table.sort()
        self.addresses = [address for address, _ in table]
        self.names = [name for _, name in table]

    def at(self, distance: int) -> str:
        """The function with this code, or the library outside."""
        i = bisect_right(self.addresses, distance + self.begin) - 1
        if i < 0 or distance + self.begin - self.addresses[i] > 1 << 16:
            return "(system libraries)"
        name = self.names[i].replace("(anonymous namespace)::", "").replace("mace::", "")
        return re.sub(r"^void |\(.*", "", name)


def goes_on(code: str) -> bool:
    """Whether a block of arm64 was cut where the emulator's buffers were full, or at a page: its last
    instruction is no branch, no return and no system call."""
    last = int.from_bytes(bytes.fromhex(code)[-4:], "little")
    top = last >> 25
    # b and bl; cbz and tbz; b.cond; br, blr and ret; svc and the like.
    branches = (top >> 1 & 0x1F == 5, top & 0x3E == 0x1A, top == 0x2A, top == 0x6B, top == 0x6A)
    return not any(branches)


def straight_code(trace: Trace, interval: Interval) -> tuple[Trace, Interval]:
    """Blocks as the program has them: what the emulator cut is put together again. A block that is
    also jumped to counts by itself as often as that."""
    at = {trace.blocks[b].address: b for b in interval.blocks}
    following: dict[int, int] = {}
    entered = Counter(interval.blocks)
    for b, n in interval.blocks.items():
        block = trace.blocks[b]
        end = block.address + len(block.code) // 2
        if end in at and at[end] != b and goes_on(block.code):
            following[b] = at[end]
            entered[at[end]] -= n
    whole = Trace()
    counts: dict[int, int] = {}
    for b, n in entered.items():
        if n <= 0:
            continue
        first = trace.blocks[b]
        code, instructions, part = first.code, first.instructions, b
        while part in following:
            part = following[part]
            code += trace.blocks[part].code
            instructions += trace.blocks[part].instructions
        whole.blocks[b] = Block(first.address, instructions, code)
        counts[b] = n
    return whole, Interval(counts, interval.l1_misses, interval.l2_misses)


_CYCLES: dict[tuple[str, str], dict[str, float]] = {}  # of blocks that were weighed before


def block_cycles(codes: set[str], triple: str, core: str) -> dict[str, float]:
    """Cycles of a turn of each block as a loop, by its code; none of those that the model lacks."""
    found = _CYCLES.setdefault((triple, core), {})
    new = sorted(codes - set(found))
    source = []
    for i, code in enumerate(new):
        text = " ".join(f"0x{byte:02x}" for byte in bytes.fromhex(code))
        listing = subprocess.run(
            ["llvm-mc-19", "--disassemble", f"--triple={triple}", "-mattr=+all"],
            input=text, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        lines = [line for line in listing.splitlines() if line.strip() != ".text"]
        source += [f"# LLVM-MCA-BEGIN b{i}", *lines, "# LLVM-MCA-END"]
    if source:
        command = ["llvm-mca-19", f"-mtriple={triple}", f"-mcpu={core}", "-mattr=+all"]
        command += [f"-iterations={MCA_ITERATIONS}", "--instruction-info=0"]
        command += ["--resource-pressure=0", "--skip-unsupported-instructions=any"]
        report = subprocess.run(
            command, input="\n".join(source), capture_output=True, text=True, check=True
        ).stdout
        for i, total in re.findall(r"Code Region - b(\d+).*?Total Cycles:\s+(\d+)", report, re.S):
            found[new[int(i)]] = int(total) / MCA_ITERATIONS
    return found


def mca_cycles(trace: Trace, interval: Interval, triple: str, core: str) -> float:
    """Cycles of an interval, each block as a steady loop with all loads in L1."""
    if triple.startswith("aarch64"):
        trace, interval = straight_code(trace, interval)
    weight = {b: trace.blocks[b].instructions * n for b, n in interval.blocks.items()}
    total, covered, chosen = sum(weight.values()), 0, []
    for b in sorted(weight, key=lambda key: -weight[key]):
        chosen.append(b)
        covered += weight[b]
        if covered >= MCA_COVER * total:
            break
    codes = {b: trace.blocks[b].code for b in chosen}
    known_cycles = block_cycles(set(codes.values()), triple, core)
    cycles = {b: known_cycles[code] for b, code in codes.items() if code in known_cycles}
    known = sum(weight[b] for b in cycles)
    return sum(interval.blocks[b] * cycles[b] for b in cycles) * total / max(known, 1)


def functions(trace: Trace, interval: Interval, symbols: Symbols) -> list[tuple[str, int]]:
    """Executed instructions of each function, most first."""
    counts: Counter[str] = Counter()
    for b, n in interval.blocks.items():
        counts[symbols.at(trace.blocks[b].address)] += trace.blocks[b].instructions * n
    return counts.most_common()


def operators(trace: Trace, statistics: list[dict[str, object]]) -> list[dict[str, object]]:
    """Executed instructions of each operator, in the order of running."""
    rows = []
    for i, row in enumerate(statistics):
        count = trace.instructions(trace.intervals[FIRST_OPERATOR + 2 * i])
        keep = {key: row.get(key) for key in ("name", "type", "output_shape", "macs")}
        rows.append({**keep, "instructions": count})
    return rows


def count(model: Path, arguments: argparse.Namespace, program: Path) -> dict[str, object]:
    """Everything asked for, of one model."""
    with tempfile.TemporaryDirectory() as folder:
        trace = run(program, model, arguments.abi, arguments.cpu, arguments.cache, Path(folder))
        statistics = json.loads((Path(folder) / "statistics.json").read_text())
        rows: list[dict[str, object]] = []
        if arguments.operators:  # apart: those of a chain run in turns
            parts = run(
                program, model, arguments.abi, arguments.cpu, False, Path(folder), chains=False
            )
            separate = json.loads((Path(folder) / "statistics.json").read_text())
            rows = operators(parts, separate["operators"]["operators"])
    whole = trace.intervals[PLAIN_RUN]
    macs = int(statistics["operators"]["total_macs"])
    result: dict[str, object] = {
        "model": model.stem,
        "abi": arguments.abi,
        "cpu": arguments.cpu or ABIS[arguments.abi][2],
        "instructions": trace.instructions(whole),
        "instructions_per_mac": trace.instructions(whole) / macs if macs else None,
        "functions": functions(trace, whole, Symbols(program)),
        "operators": rows,
    }
    if arguments.cache:
        result["l1_misses"], result["l2_misses"] = whole.l1_misses, whole.l2_misses
    if arguments.mca:
        result["mca_cycles"] = {
            core: mca_cycles(trace, whole, ABIS[arguments.abi][3], core) for core in arguments.mca
        }
    return result


def count_benchmark(arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Each case of ops_benchmark whose name matches: what one round of it executes."""
    program = arguments.program or build(arguments.abi, "mace/ops", "ops_benchmark")
    words = [str(program), f"--filter={arguments.benchmark}", "--benchmark_min_time=0"]
    with tempfile.TemporaryDirectory() as folder:
        done, trace = emulate(
            [*words, "--benchmark_format=json"], arguments.abi, arguments.cpu, False, Path(folder)
        )
    cases = json.loads(done.stdout)["benchmarks"]
    if len(trace.intervals) < BENCHMARK_READINGS * len(cases):
        sys.exit(
            f"ops_benchmark read the clock {len(trace.intervals)} times for {len(cases)} cases"
        )
    rows: list[dict[str, object]] = []
    for i, case in enumerate(cases):
        interval = trace.intervals[BENCHMARK_READINGS * i + BENCHMARK_ROUND]
        macs, moved = case.get("macs", 0), case.get("moved_bytes", 0)
        limit = max(macs / MACS_PER_CYCLE, moved / BYTES_PER_CYCLE)
        row = {"name": case["name"], "macs": macs, "moved_bytes": moved, "limit_cycles": limit}
        triple = ABIS[arguments.abi][3]
        cycles = {core: mca_cycles(trace, interval, triple, core) for core in arguments.mca}
        rows.append({**row, "instructions": trace.instructions(interval), "mca_cycles": cycles})
    return rows


def show_benchmark(rows: list[dict[str, Any]], cores: list[str]) -> None:
    """A line for each case; the share is of the limit, for each core."""
    titles = "".join(f" {core + ' Kcycles':>20} {'% of limit':>10}" for core in cores)
    print(f"{'case':<56} {'Kinstructions':>13} {'Kmacs':>9} {'KB':>8}{titles}")
    for row in rows:
        line = f"{row['name']:<56} {row['instructions'] / 1e3:>13.1f} {row['macs'] / 1e3:>9.0f}"
        line += f" {row['moved_bytes'] / 1e3:>8.0f}"
        for core in cores:
            cycles = row["mca_cycles"][core]
            line += f" {cycles / 1e3:>20.1f} {100 * row['limit_cycles'] / cycles:>10.0f}"
        print(line)


def show(result: dict[str, object], with_operators: bool) -> None:
    """The table of one model."""
    parts = [f"{result['model']} {result['abi']} {result['cpu']}:"]
    parts.append(f"{_million(result['instructions'])} M instructions")
    for key, name in (("l1_misses", "L1 misses"), ("l2_misses", "L2 misses")):
        if key in result:
            parts.append(f"{_million(result[key])} M {name}")
    cycles = result.get("mca_cycles")
    if isinstance(cycles, dict):
        parts += [f"{_million(c)} M cycles of {core}" for core, c in cycles.items()]
    print(", ".join(parts).replace(":,", ":"))
    rows = result["operators"]
    if with_operators and isinstance(rows, list):
        for row in rows:
            macs = row["macs"] or 0
            ratio = f"{4 * row['instructions'] / macs:6.3f}" if macs else " " * 6
            print(f"  {_million(row['instructions']):>9} {ratio}  {row['type']:<16} {row['name']}")
    names = result["functions"]
    if isinstance(names, list):
        for name, number in names[:12]:
            print(f"  {_million(number):>9}  {name}")


def _million(value: object) -> str:
    return f"{float(str(value)) / 1e6:.3f}"


def main() -> None:
    """Parses the command line, counts, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, help="model.pb, with model.data beside it")
    parser.add_argument(
        "--benchmark", metavar="REGEX", help="count these cases of ops_benchmark instead"
    )
    parser.add_argument("--abi", choices=list(ABIS), default="arm64-v8a", help="default: arm64-v8a")
    parser.add_argument(
        "--cpu", default="", help="core that qemu emulates; default: cortex-a76, cortex-a7"
    )
    parser.add_argument(
        "--program", type=Path, help="benchmark_model or ops_benchmark; built if not given"
    )
    parser.add_argument(
        "--operators", action="store_true", help="a line for each operator, by a run without chains"
    )
    parser.add_argument("--cache", action="store_true", help="simulate caches (slow)")
    parser.add_argument("--mca", nargs="*", default=[], metavar="CORE", help="e.g. neoverse-n1")
    parser.add_argument("--json", type=Path, help="file for all figures")
    arguments = parser.parse_args()
    if bool(arguments.models) == bool(arguments.benchmark):
        parser.error("name models, or operators by --benchmark")
    results = []
    if arguments.benchmark:
        results = count_benchmark(arguments)
        show_benchmark(results, arguments.mca)
    program = arguments.program or (build(arguments.abi) if arguments.models else Path())
    for model in arguments.models:
        results.append(count(model, arguments, program))
        show(results[-1], arguments.operators)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
