# SPDX-License-Identifier: Apache-2.0
"""Makes what a model of the zoo needs before its deployment file works: see zoo.yml.

python test/zoo/make.py mobilenet_v2 face_detector"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).resolve().parent


def models() -> dict[str, Any]:
    """The index of the zoo: settings by name of the model."""
    index: dict[str, Any] = yaml.safe_load((_FOLDER / "zoo.yml").read_text())["models"]
    return index


def main(arguments: list[str] | None = None) -> int:
    """Runs the makers of the models that the command line names."""
    index = models()
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    choices = [*index, "all"]
    parser.add_argument(
        "models", nargs="+", choices=choices, metavar="MODEL", help=", ".join(choices)
    )
    options = parser.parse_args(arguments)
    for name in index if "all" in options.models else options.models:
        for command in index[name]["make"]:
            script, *rest = shlex.split(command)
            code = subprocess.run(
                [sys.executable, str(_FOLDER / script), *rest], check=False
            ).returncode
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
