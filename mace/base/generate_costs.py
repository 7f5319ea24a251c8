#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the rows of the C++ table from costs.yml. Usage: generate_costs.py COSTS_YML OUTPUT

Runs inside the build with the system's Python."""

import sys
from pathlib import Path

import yaml

# The order of the fields in mace/base/costs.h.
WAYS = ("product", "winograd_2", "winograd_4", "strassen")
WORK = ("mac", "step", "filter", "input", "output")
CHAINS = (
    "byte",
    "least_image",
    "least_tiled",
    "step_weights",
    "all_weights",
    "all_bytes",
    "band",
)
# Row: the C++ name of its instruction set, and the targets that have it.
ROWS = {
    "avx512": ("kIsaAvx512", "defined(__x86_64__)"),
    "avx2": ("kIsaAvx2", "defined(__x86_64__)"),
    "sse4": ("kIsaSse4", "defined(__x86_64__)"),
    "neon": ("kIsaNeon", "defined(__aarch64__)"),
    "neon_armv7": ("kIsaNeon", "defined(__arm__)"),
    "reference": ("kIsaReference", "1"),
}


def numbers(where: str, values: dict[str, float], names: tuple[str, ...]) -> str:
    """The numbers of one group, as C++ initializes a struct."""
    if set(values) != set(names):
        sys.exit(f"{where} has {', '.join(values)}, and must have {', '.join(names)}")
    for name, value in values.items():
        if not 0 <= value < 1e9:
            sys.exit(f"{where}: {name} is {value}, which is no cost")
    return "{" + ", ".join(str(values[name]) for name in names) + "}"


def main() -> None:
    """Writes the table."""
    table = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if list(table) != list(ROWS):
        sys.exit(f"{sys.argv[1]} has {', '.join(table)}, and must have {', '.join(ROWS)}")
    lines = []
    for row, (isa, target) in ROWS.items():
        given = table[row]
        if set(given) != {*WAYS, "chains"}:
            sys.exit(f"{sys.argv[1]}: {row} has {', '.join(given)}")
        groups = [numbers(f"{row}: {way}", given[way], WORK) for way in WAYS]
        groups.append(numbers(f"{row}: chains", given["chains"], CHAINS))
        lines += [f"#if {target}", f"{{{isa}, {', '.join(groups)}}},", "#endif"]
    Path(sys.argv[2]).write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
