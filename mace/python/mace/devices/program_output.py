# SPDX-License-Identifier: Apache-2.0
"""What test programs and benchmarks say: GoogleTest's closing lines, Google Benchmark's JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from mace.errors import MaceError

_LOG_LINES = 8


@dataclass
class TestResult:
    """What a GoogleTest program reported. complete: it came to its summary."""

    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    complete: bool = False


@dataclass(frozen=True)
class Benchmark:
    """One line of a benchmark. input_mb_s and gmacps are None where it does not count them."""

    name: str
    nanoseconds: float
    iterations: int
    input_mb_s: float | None = None
    gmacps: float | None = None


def read_tests(text: str) -> TestResult:
    """From a GoogleTest program's output, which may end anywhere."""
    result = TestResult()
    for line in text.splitlines():
        if match := re.match(r"\[  PASSED  \] (\d+) tests?\.", line):
            result.passed, result.complete = int(match[1]), True
        elif match := re.match(r"\[  SKIPPED \] (\d+) tests?,", line):
            result.skipped = int(match[1])
        elif re.match(r"\[  FAILED  \] \d+ tests?, listed below:", line):
            result.complete = True
        elif match := re.match(r"\[  FAILED  \] (\S+\.\S+?)(,| \(|$)", line):
            # Once where it fails, and again in the summary.
            result.failed += [match[1]] if match[1] not in result.failed else []
    return result


def read_benchmarks(text: str) -> list[Benchmark]:
    """From a Google Benchmark program's output with --benchmark_format=json. Raises MaceError."""
    try:
        rows = json.loads(text)["benchmarks"]
        return [
            Benchmark(
                name=str(row["name"]),
                nanoseconds=float(row["real_time"]) * _UNITS[row.get("time_unit", "ns")],
                iterations=int(row["iterations"]),
                input_mb_s=_scaled(row.get("bytes_per_second"), 1e-6),
                gmacps=_scaled(row.get("MACs/s", row.get("items_per_second")), 1e-9),
            )
            for row in rows
            if row.get("run_type", "iteration") == "iteration" and not row.get("error_occurred")
        ]
    except (ValueError, KeyError, TypeError) as error:
        shown = "\n  ".join(text.strip().splitlines()[-_LOG_LINES:]) or "(nothing)"
        raise MaceError(
            f"the program's output is no result of benchmarks ({error}):\n  {shown}",
            hint="leave --stdout_processor out if the target is no benchmark",
        ) from None


_UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def _scaled(value: object, factor: float) -> float | None:
    return float(value) * factor if isinstance(value, int | float) else None


def benchmark_rows(benchmarks: list[Benchmark]) -> list[list[str]]:
    """The rows of the documented table: name, ns, iterations, MB/s, GMAC/s."""

    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    return [
        [b.name, f"{b.nanoseconds:.0f}", str(b.iterations), number(b.input_mb_s), number(b.gmacps)]
        for b in benchmarks
    ]
