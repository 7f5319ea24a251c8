# SPDX-License-Identifier: Apache-2.0
"""Which part of the converter may know which: importers know source formats, passes the graph."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

_PACKAGE = Path(__file__).resolve().parents[2] / "mace"

# What the modules of a part must not import.
_STRANGERS = {
    "graph": ("importers", "passes", "cli", "config", "devices", "convert", "api", "validation"),
    "passes": ("importers", "export", "runtime", "cli", "config", "devices", "convert", "api"),
    "importers": ("passes", "export", "runtime", "cli", "config", "devices", "convert", "api"),
    "export": ("importers", "passes", "runtime", "cli", "config", "devices", "convert", "api"),
}
_FRAMEWORKS = {"tensorflow": ("onnx",), "caffe": ("onnx", "tensorboard"), "onnx": ("tensorboard",)}


def _imports(path: Path) -> set[str]:
    """Names of all modules that a file imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _found(folder: Path, unwanted: tuple[str, ...]) -> list[str]:
    return [
        f"{path.relative_to(_PACKAGE)} imports {name}"
        for path in sorted(folder.rglob("*.py"))
        for name in sorted(_imports(path))
        if any(name == u or name.startswith(u + ".") for u in unwanted)
    ]


@pytest.mark.parametrize("part", _STRANGERS)
def test_dependencies_point_one_way(part: str) -> None:
    assert _found(_PACKAGE / part, tuple(f"mace.{s}" for s in _STRANGERS[part])) == []


@pytest.mark.parametrize("framework", _FRAMEWORKS)
def test_importers_need_their_own_framework_alone(framework: str) -> None:
    unwanted = ("tensorflow", "cv2", "onnxruntime", *_FRAMEWORKS[framework])
    assert _found(_PACKAGE / "importers" / framework, unwanted) == []


def test_the_check_sees_imports_inside_functions(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def f():\n    from mace.passes import optimize\n    import mace.cli.main\n")
    assert {"mace.passes", "mace.passes.optimize", "mace.cli.main"} <= _imports(path)
