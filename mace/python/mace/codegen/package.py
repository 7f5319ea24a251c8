# SPDX-License-Identifier: Apache-2.0
"""Packages of generated sources below mace/codegen/models of the source tree: their templates, and
folders and files that are replaced as a whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2

from mace.errors import MaceError
from mace.resources import source_root

FOLDER = Path("mace/codegen/models")


def needed_source_root() -> Path:
    """The root of the source tree. Raises MaceError outside of one."""
    root = source_root()
    if root is None:
        raise MaceError(
            "models become code by building them, which needs MACE's source tree",
            hint="use tools/converter.py of a source tree, or write 'model_graph_format: file'",
        )
    return root


@contextmanager
def fresh_package(library: str) -> Iterator[Path]:
    """A folder to fill, which then takes the place of the library's package. When filling it fails,
    the old one stays whole."""
    parent = needed_source_root() / FOLDER
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".new-") as scratch:
        fresh = Path(scratch) / library
        yield fresh
        if package_folder(library).is_dir():
            package_folder(library).rename(Path(scratch) / "old")
        fresh.rename(package_folder(library))


def package_folder(library: str) -> Path:
    """Where the sources of a library of models are."""
    return needed_source_root() / FOLDER / library


def build_archive(label: str, abi: str, target: Path) -> None:
    """Builds a static library for an ABI and copies it to `target`. Raises BuildError."""
    from mace import build  # needed in a source tree only

    flags, doing = build.target_flags(abi), f"building {label} for {abi}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with build.outputs(needed_source_root(), [label], flags, doing) as (made,):
        copy_file(made, target)


def copy_file(source: Path, target: Path) -> None:
    """Copies a file that may be large; either whole or not at all."""
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, partial)
        partial.chmod(0o644)
        os.replace(partial, target)
    except OSError as error:
        raise MaceError(f"'{target}' cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def render(template: str, **values: Any) -> bytes:
    """A template of this package with its values."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # names of models are checked; those of tensors go through the filters
    )
    environment.filters["comment"] = comment_text
    environment.filters["string_literal"] = string_text
    return environment.get_template(template).render(values).encode()


def comment_text(text: str) -> str:
    """What of a name may stand in a comment of C."""
    return re.sub(r"[^\w.:-]", "_", text, flags=re.ASCII)


def string_text(text: str) -> str:
    """A name within the quotes of a string of C++: everything but letters and digits as octal."""
    plain = re.compile(rb"[A-Za-z0-9_ .:-]")
    data = [bytes([byte]) for byte in text.encode()]
    return "".join(b.decode() if plain.match(b) else f"\\{b[0]:03o}" for b in data)
