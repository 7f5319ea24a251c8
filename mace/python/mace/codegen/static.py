# SPDX-License-Identifier: Apache-2.0
"""Models as straight-line code. A program of ours, built for the ABI and run there or under an
emulator, plans a model and writes the calls of kernels down; Bazel builds the library of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mace.codegen.package import (
    FOLDER,
    build_archive,
    fresh_package,
    needed_source_root,
    package_folder,
    render,
)
from mace.errors import EXIT_USAGE, MaceError
from mace.export.files import write_files

_EMITTER = "//mace/tools:emit_static_model"
_LISTENER = "--define=kernel_listener=true"
# What each architecture has; the first is the one that code is for unless told otherwise.
_X86 = ("avx2", "sse4", "avx512", "reference")
_ARM = ("neon", "reference")
ISAS = tuple(dict.fromkeys((*_X86, *_ARM)))
# Boards run what the emulator does.
_EMULATED = {"arm64": "arm64-v8a", "armhf": "armeabi-v7a"}
_TIMEOUT = 3600.0


@dataclass(frozen=True)
class StaticSource:
    """A converted model that is to become straight-line code."""

    name: str
    graph: Path
    data: Path


@dataclass(frozen=True)
class StaticModel:
    """A model as straight-line code for one ABI: the generated source, its constants, and what they
    need. inputs and outputs: name, dtype, shape and bytes of each."""

    name: str
    source: bytes
    constants: bytes
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    arena_bytes: int
    isas: list[str]
    isa_bits: int
    eltwise_table: str
    calls: int


def isa_for(abi: str, wanted: str | None) -> str:
    """The instruction set of the code for an ABI: `wanted` if the ABI's machines may have it."""
    known = _X86 if abi == "host" else _ARM
    return wanted if wanted is not None and wanted in known else known[0]


def emit(sources: Sequence[StaticSource], abi: str, isa: str) -> list[StaticModel]:
    """The models as code for an ABI. Raises MaceError with all that cannot become code."""
    from mace import build
    from mace.devices.local import EmulatedDevice, HostDevice

    root = needed_source_root()
    machine = _EMULATED.get(abi, abi)
    emitter = build.program(root, _EMITTER, machine, [_LISTENER]).path
    problems: list[str] = []
    models: list[StaticModel] = []
    with tempfile.TemporaryDirectory(prefix="mace-static-") as scratch:
        folder = Path(scratch) / "device"
        device = HostDevice(folder) if machine == "host" else EmulatedDevice(folder, machine)
        for source in sources:
            made, found = _emit_one(device, emitter, source, isa, Path(scratch))
            problems += [f"{source.name}: {problem}" for problem in found]
            models += [made] if made is not None else []
    if problems:
        error = MaceError(
            "these models cannot become straight-line code:\n  " + "\n  ".join(problems),
            hint="write 'model_graph_format: code', which takes every model",
        )
        error.exit_code = EXIT_USAGE
        raise error
    return models


def _emit_one(
    device: Any, emitter: Path, source: StaticSource, isa: str, scratch: Path
) -> tuple[StaticModel | None, list[str]]:
    """The model, or why there is none."""
    files = {"emit_static_model": emitter, "model.pb": source.graph, "model.data": source.data}
    for name, path in files.items():
        device.push(path, name)
    words = ["--model_file=model.pb", "--model_data_file=model.data", f"--name={source.name}"]
    words += ["--output_dir=.", f"--isa={isa}"]
    result = device.run("emit_static_model", words, {}, _TIMEOUT)
    try:
        report = json.loads(result.stdout)
    except json.JSONDecodeError:
        raise MaceError(
            f"writing '{source.name}' as straight-line code ended with {result.code}:\n"
            f"  {(result.stderr or result.stdout).strip()[-2000:]}"
        ) from None
    if "problems" in report:
        return None, list(report["problems"])
    content: dict[str, bytes] = {}
    for suffix in ("cc", "bin"):
        target = scratch / f"{source.name}.{suffix}"
        device.pull(f"{source.name}.{suffix}", target)
        content[suffix] = target.read_bytes()
        target.unlink()
    report.pop("constant_bytes")
    made = StaticModel(source.name, source=content["cc"], constants=content["bin"], **report)
    return made, []


def write_static_sources(library: str, models: Mapping[str, Sequence[StaticModel]]) -> Path:
    """Writes a package for each ABI below mace/codegen/models/<library>, anew; returns the folder."""
    with fresh_package(library) as fresh:
        for abi, each in models.items():
            write_files(_contents(library, abi, each, fresh / abi))
    return package_folder(library)


def write_static_headers(library: str, models: Sequence[StaticModel], folder: Path) -> list[Path]:
    """The headers for applications: `folder`/mace/public/<model>.h. Returns their paths."""
    contents = _headers(library, models, folder)
    write_files(contents)
    return list(contents)


def build_static_library(library: str, abi: str, target: Path) -> None:
    """Builds <library>.a for an ABI and copies it to `target`. Raises BuildError."""
    build_archive(f"//{FOLDER}/{library}/{abi}:{library}.a", abi, target)


def _contents(
    library: str, abi: str, models: Sequence[StaticModel], folder: Path
) -> dict[Path, bytes]:
    tables = {model.eltwise_table for model in models if model.eltwise_table}
    values = {"folder": f"{FOLDER}/{library}/{abi}", "eltwise_table": next(iter(tables), "")}
    templates = {
        "BUILD": "static_BUILD.j2",
        "constants.S": "static_constants.S.j2",
        "interface.cc": "static_interface.cc.j2",
        "table.cc": "static_table.cc.j2",
    }
    files = {
        folder / name: render(template, library=library, models=models, **values)
        for name, template in templates.items()
    }
    for model in models:
        files[folder / f"{model.name}.cc"] = model.source
        files[folder / f"{model.name}.bin"] = model.constants
    return files | _headers(library, models, folder / "include")


def _headers(library: str, models: Sequence[StaticModel], folder: Path) -> dict[Path, bytes]:
    public = folder / "mace" / "public"
    return {
        public / f"{model.name}.h": render("static_model.h.j2", library=library, model=model)
        for model in models
    }
