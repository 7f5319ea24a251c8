#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The GPU operators of a library for chosen models: the lines of operators.cc that it needs.

Usage: select_gpu.py OPERATORS_CC OUTPUT --only=OPERATOR,...
Runs inside the build with the system's Python.
"""

import re
import sys
from pathlib import Path

_ENTRY = re.compile(r'\n    \{"(\w+)",.*?\},(?=\n)', re.DOTALL)


def main() -> None:
    source, output, only = sys.argv[1:]
    wanted = set(only.removeprefix("--only=").split(","))
    text = Path(source).read_text(encoding="utf-8")
    found = list(_ENTRY.finditer(text))
    if not found:
        sys.exit(f"{source}: no entries of kGpuOperators are found")
    lines = "".join(m[0] for m in found if m[1] in wanted)
    Path(output).write_text(
        "// Generated from mace/ops/opencl/operators.cc.\n"
        '#include "mace/ops/opencl/operators.h"\n\n'
        "namespace mace {\nnamespace opencl {\n\n"
        f"const GpuOperator kGpuOperators[] = {{{lines}\n"
        "    {nullptr, nullptr, nullptr, nullptr, false},\n};\n\n"
        "}  // namespace opencl\n}  // namespace mace\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
