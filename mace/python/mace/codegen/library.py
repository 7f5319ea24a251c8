# SPDX-License-Identifier: Apache-2.0
"""Writes the sources of a library of models below mace/codegen/models of the source tree, and has
Bazel build them. Graph and weights are copied in by the assembler, as they are in their files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mace.codegen.package import (
    FOLDER,
    build_archive,
    copy_file,
    fresh_package,
    needed_source_root,
    package_folder,
    render,
)
from mace.errors import MaceError
from mace.export.files import write_files
from mace.resources import source_root

_SOURCES = ("BUILD", "models.S", "table.cc")
_FACTORY = "mace_engine_factory.h"
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_KEYWORD_TEXT = (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t "
    "char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr "
    "constinit continue decltype default delete do double dynamic_cast else enum explicit export "
    "extern false float for friend goto if inline int long mutable namespace new noexcept not "
    "not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires "
    "return short signed sizeof static static_assert static_cast struct switch template this "
    "thread_local throw true try typedef typeid typename union unsigned using virtual void "
    "volatile wchar_t while xor xor_eq"
)
_KEYWORDS = frozenset(_KEYWORD_TEXT.split())
# Names in the namespace mace that a model's own namespace would hide or break.
_TAKEN = frozenset(("mace", "ops", "internal", "test", "tools", "linux", "unix", "std"))


@dataclass(frozen=True)
class CodeModel:
    """A converted model. data: None when its weights stay in a file. key_shares: 64 bytes whose
    halves give the key of an encrypted model by exclusive or; None: the application has the key."""

    name: str
    graph: Path
    data: Path | None
    key_shares: bytes | None = None

    @property
    def has_data(self) -> bool:
        """Whether the weights are code too."""
        return self.data is not None


def check_names(names: Sequence[str]) -> None:
    """Raises MaceError unless each name can be a C++ namespace and a header of its own."""
    seen: dict[str, str] = {}
    for name in names:
        if not _IDENTIFIER.match(name) or "__" in name or name in _KEYWORDS | _TAKEN:
            raise MaceError(
                f"'{name}' cannot be the name of a model that becomes code: it must be a C++ "
                "identifier that is no keyword, without two '_' together",
                hint="rename the model in the deployment file, e.g. mobilenet_v1",
            )
        if name.lower() in seen:
            raise MaceError(
                f"the models '{seen[name.lower()]}' and '{name}' differ only in case, so their "
                "headers cannot be told apart",
                hint="rename one of them in the deployment file",
            )
        seen[name.lower()] = name


def code_package(library: str) -> str:
    """The Bazel package of a library's sources."""
    return f"//{FOLDER}/{library}"


def write_sources(library: str, models: Sequence[CodeModel]) -> Path:
    """Writes the package anew; returns its folder. Raises MaceError outside a source tree."""
    needed_source_root()
    check_names([model.name for model in models])
    with fresh_package(library) as fresh:
        write_files(_contents(library, models, fresh))
        for model in models:
            if model.key_shares is not None:
                write_files({}, {fresh / f"{model.name}.key": model.key_shares})
            for path, suffix in ((model.graph, ".pb"), (model.data, ".data")):
                if path is not None:
                    copy_file(path, fresh / f"{model.name}{suffix}")
    return package_folder(library)


def write_headers(library: str, models: Sequence[CodeModel], folder: Path) -> list[Path]:
    """The headers for applications: `folder`/mace/public/... Returns their paths."""
    contents = _headers(library, models, folder)
    write_files(contents)
    return list(contents)


def build_library(library: str, abi: str, target: Path) -> None:
    """Builds <library>.a for an ABI and copies it to `target`. Raises BuildError."""
    build_archive(f"{code_package(library)}:{library}.a", abi, target)


def build_program(library: str, name: str, abi: str, variant: Sequence[str] = ()) -> Path:
    """Builds mace_run, benchmark_model or example with the models in it, for an ABI. variant: of
    mace.build. Raises MaceError."""
    from mace import build

    root = source_root()
    package, parts = code_package(library), build.parts(abi)
    folder = abi.removeprefix("android-")
    if root is not None and (root / FOLDER / library / folder / "BUILD").is_file():
        if name == "example":
            raise MaceError(
                "--example uses the class MaceEngine, which straight-line code does without",
                hint="leave out --example, or write 'model_graph_format: code'",
            )
        if name != "mace_run":
            raise MaceError(
                f"there is no {name} for straight-line code, which has no operators to measure",
                hint="measure it with: mace run --round=100, or write 'model_graph_format: code'",
            )
        if build.DYNAMIC in variant:
            raise MaceError(
                "straight-line code takes nothing from libmace.so: it has what it needs of the engine",
                hint="leave out --mace_lib_type=dynamic",
            )
        package, parts = f"{package}/{folder}", []
    elif root is None or not (root / FOLDER / library / "BUILD").is_file():
        raise MaceError(
            f"the models of '{library}' are not code in this source tree",
            hint="convert them again: mace convert --config=...",
        )
    label = f"{package}:{name}"
    build.check_variant(abi, variant)
    return build.program(root, label, abi, [build.ENCRYPTION, *parts, *variant]).path


def _contents(library: str, models: Sequence[CodeModel], folder: Path) -> dict[Path, bytes]:
    files = {folder / name: _render(f"{name}.j2", library, models) for name in _SOURCES}
    return files | _headers(library, models, folder / "include")


def _headers(library: str, models: Sequence[CodeModel], folder: Path) -> dict[Path, bytes]:
    public = folder / "mace" / "public"
    files = {public / _FACTORY: _render(f"{_FACTORY}.j2", library, models)}
    for model in models:
        files[public / f"{model.name}.h"] = _render("model.h.j2", library, models, model=model)
    return files


def _render(template: str, library: str, models: Sequence[CodeModel], **values: Any) -> bytes:
    folder = f"{FOLDER}/{library}"
    return render(template, library=library, models=models, folder=folder, **values)
