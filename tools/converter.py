#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`python tools/converter.py convert|run|benchmark ...`: the program `mace`, from a source tree."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PYTHON = ROOT / ".venv" / "bin" / "python"


def main() -> int:
    """Runs the command line, with the Python of tools/setup.sh if this one lacks the packages."""
    sys.path.insert(0, str(ROOT / "mace" / "python"))
    try:
        import numpy  # noqa: F401  Is this the Python that has what MACE needs?
        import pydantic  # noqa: F401
    except ModuleNotFoundError as error:
        if _PYTHON.is_file() and Path(sys.prefix).resolve() != (ROOT / ".venv").resolve():
            os.execv(_PYTHON, [str(_PYTHON), __file__, *sys.argv[1:]])
        print(f"error: the Python package '{error.name}' is not installed", file=sys.stderr)
        print("hint: run tools/setup.sh", file=sys.stderr)
        return 2
    from mace.cli.main import main as mace

    return mace(program="tools/converter.py")


if __name__ == "__main__":
    sys.exit(main())
