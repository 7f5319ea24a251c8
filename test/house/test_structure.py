# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a program can hold the tree to: dependencies point one way, files and
functions stay small, every source carries its licence line, nothing names a machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LICENCE = "SPDX-License-Identifier: Apache-2.0"
MAX_LINES = 800
MAX_FUNCTION = 80

# Each folder of C++ and the folders that it may include from, besides itself.
CPP_LAYERS = {
    "public": set(),
    "base": {"public"},
    "runtimes": {"public", "base"},
    "runtimes/opencl": {"public", "base", "core"},
    "kernels": {"public", "base", "runtimes"},
    "crypto": {"public", "base"},
    "core": {"public", "base", "runtimes", "crypto"},
    "ops": {"public", "base", "runtimes", "kernels", "core"},
    # What says which parts an engine has sees all of it.
    "ops/generate": {"public", "base", "runtimes", "kernels", "core", "libmace"},
    # Runs operators on the GPU as the engine does.
    "ops/ops_benchmark_gpu.cc": {"public", "base", "core", "libmace", "runtimes"},
    "libmace": {"public", "base", "runtimes", "core", "crypto", "ops"},
    "codegen": {"public", "base", "runtimes", "kernels", "core"},
    "tools": {"public", "base", "codegen", "crypto"},
    # Measures as the benchmark of operators does, with the engine's own kernels.
    "tools/machine_limits.cc": {"ops"},
}
# Packages of mace/python/mace and those they may import.
PYTHON_LAYERS = {
    "graph": {"graph"},
    "export": {"export", "graph"},
    "analysis": {"analysis", "export", "graph"},
    "importers": {"importers", "analysis", "graph"},
    "passes": {"passes", "analysis", "graph"},
}


def tracked(*suffixes: str) -> Iterator[Path]:
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return (ROOT / n for n in names if n.endswith(suffixes) and (ROOT / n).is_file())


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_includes_point_down() -> None:
    wrong = []
    for path in tracked(".h", ".cc"):
        parts = path.relative_to(ROOT).parts
        if parts[0] != "mace" or len(parts) < 3 or parts[1] not in CPP_LAYERS:
            continue
        if path.stem.endswith(("_test", "_benchmark", "_test_util")):
            continue
        layers = CPP_LAYERS.get("/".join(parts[1:3]), CPP_LAYERS[parts[1]])
        for include in re.findall(r'#include "mace/(\w+)/', path.read_text(encoding="utf-8")):
            if include != parts[1] and include not in layers:
                wrong.append(f"{relative(path)} includes mace/{include}")
    assert not wrong, "dependencies point the wrong way:\n" + "\n".join(wrong)


def test_public_headers_stand_alone() -> None:
    for path in (ROOT / "mace" / "public").glob("*.h"):
        includes = re.findall(r'#include "([^"]+)"', path.read_text(encoding="utf-8"))
        assert all(i.startswith("mace/public/") for i in includes), (
            f"{relative(path)} includes {includes}: an application has nothing but mace/public"
        )


@pytest.mark.parametrize("package", sorted(PYTHON_LAYERS))
def test_imports_point_down(package: str) -> None:
    wrong = []
    shared = {"errors", "resources", "proto_messages", "runtime"}
    for path in (ROOT / "mace/python/mace" / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            elif isinstance(node, ast.Import):
                modules = [a.name for a in node.names]
            for module in modules:
                parts = module.split(".")
                inside = parts[0] == "mace" and len(parts) > 1
                if inside and parts[1] not in PYTHON_LAYERS[package] | shared:
                    wrong.append(f"{relative(path)} imports {module}")
    assert not wrong, "dependencies point the wrong way:\n" + "\n".join(wrong)


def test_files_stay_small() -> None:
    long = []
    for path in tracked(".h", ".cc", ".py", ".bzl", ".cl", ".sh"):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > MAX_LINES:
            long.append(f"{relative(path)}: {lines} lines")
    assert not long, f"over {MAX_LINES} lines, which usually hold two things: {long}"


def test_functions_stay_small() -> None:
    long = []
    for path in tracked(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > MAX_FUNCTION:
                    long.append(f"{relative(path)}: {node.name} has {length} lines")
    assert not long, "\n".join(long)


def test_every_source_names_its_licence() -> None:
    missing = []
    for path in tracked(".h", ".cc", ".py", ".bzl", ".proto", ".sh", ".yml", "BUILD", "WORKSPACE"):
        text = path.read_text(encoding="utf-8")
        if text.strip() and LICENCE not in "\n".join(text.splitlines()[:2]):
            missing.append(relative(path))
    assert not missing, f"no '{LICENCE}' in the first two lines of: {missing}"


def test_nothing_names_a_machine() -> None:
    words = ["/wo" + "rk/", "/ro" + "ot/", "DEVELOP" + "ERS.md", "/tmp" + "/h/"]
    found = []
    for path in tracked(""):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{relative(path)}: {word}" for word in words if word in text]
    assert not found, "machine paths or words of a workplace:\n" + "\n".join(found)


def test_every_operator_has_its_file_and_test() -> None:
    """Adding an operator is ops.yml, <op>.cc, <op>_test.cc and an importer function."""
    import yaml

    operators = yaml.safe_load((ROOT / "mace/ops/ops.yml").read_text(encoding="utf-8"))["operators"]
    sources = {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "mace/ops").glob("*.cc")}
    for op in operators:
        homes = [n for n, text in sources.items() if f"void Register{op}(OpRegistryBase" in text]
        assert len(homes) == 1, f"Register{op} is defined in {homes or 'no file'} of mace/ops"
        test = homes[0].replace(".cc", "_test.cc")
        assert test in sources, f"mace/ops/{homes[0]} has no {test}"
        assert f'"{op}"' in sources[test], f"mace/ops/{test} does not test {op}"


def test_operators_on_a_gpu_are_those_of_ops_yml() -> None:
    import yaml

    operators = yaml.safe_load((ROOT / "mace/ops/ops.yml").read_text(encoding="utf-8"))["operators"]
    text = (ROOT / "mace/ops/opencl/operators.cc").read_text(encoding="utf-8")
    registered = re.findall(r'\{"(\w+)", Supports', text)
    assert registered == sorted(registered), "mace/ops/opencl/operators.cc is not in order"
    assert registered == [name for name, op in sorted(operators.items()) if "gpu" in op["types"]]
