# SPDX-License-Identifier: Apache-2.0
"""libmace_<library>.tar.gz: what an application needs of a deployment, in one file. The same inputs
give the same bytes: names are sorted, times and owners left out."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mace import __version__
from mace.errors import MaceError
from mace.runtime import TensorInfo

# Weights hardly shrink, so more effort would be time without gain.
_LEVEL = 5


def write_archive(target: Path, folder: str, files: Mapping[str, Path | bytes]) -> None:
    """Writes `files` (names in the archive -> files or contents) below `folder` into `target`.

    Either all of it appears or nothing. Raises MaceError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with (
            os.fdopen(descriptor, "wb") as raw,
            gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
        ):
            for name in sorted(files):
                _add(archive, f"{folder}/{name}", files[name])
        os.chmod(partial, 0o644)
        os.replace(partial, target)
    except OSError as error:
        where = error.filename or target
        raise MaceError(f"'{target}' cannot be written: '{where}': {error.strerror}") from None
    finally:
        Path(partial).unlink(missing_ok=True)


def _add(archive: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755 if name.endswith(".so") else 0o644
    if isinstance(content, bytes):
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
        return
    with content.open("rb") as stream:
        entry.size = os.fstat(stream.fileno()).st_size
        archive.addfile(entry, stream)


def folder_files(folder: Path, prefix: str, without: Sequence[str] = ()) -> dict[str, Path]:
    """The files below a folder by their names in the archive; none if there is no such folder."""
    return {
        f"{prefix}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in without and not path.name.startswith(".")
    }


def readme(
    library: str,
    models: Mapping[str, tuple[Sequence[TensorInfo], Sequence[TensorInfo]]],
    files: Sequence[str],
    graph_format: str,
) -> str:
    """What the integrator reads first: what is where, and how to use it. graph_format: as in the
    deployment file."""
    lines = [f"# libmace_{library}", ""]
    lines += [
        f"Models of the library {library} and the engine, MACE {__version__}.",
        "",
        "## Models",
    ]
    for name, (inputs, outputs) in sorted(models.items()):
        lines += ["", f"### {name}", "", "| | name | type | shape | layout |"]
        lines.append("| --- | --- | --- | --- | --- |")
        for what, infos in (("input", inputs), ("output", outputs)):
            for info in infos:
                shape = ", ".join("any" if d < 0 else str(d) for d in info.shape)
                cells = (what, f"`{_cell(info.name)}`", str(info.dtype), shape, info.format)
                lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Files", ""]
    lines += [f"- `{_cell(name)}`" for name in sorted(files)]
    lines += ["", "## Use", ""]
    lines += {"file": _FILE_USE, "code": _CODE_USE, "static": _STATIC_USE}[graph_format]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text of a model that cannot end its cell."""
    return "".join(c if c.isprintable() and c not in "`|" else "?" for c in text)


_LINKING = [
    "With CMake: `find_package(mace)` with `mace_DIR` set to `lib/<abi>/<runtimes>/cmake/mace`, and",
    "`target_link_libraries(app mace::mace)` (libmace.so) or `mace::mace_static` (libmace.a). With",
    "pkg-config: the packages `mace` and `mace-static` in `lib/<abi>/<runtimes>/pkgconfig`. By hand:",
    "`-Iinclude`, and `-lmace` or `libmace.a -lstdc++ -lm -ldl -pthread`. On Android, libmace.so goes",
    "to `jniLibs/<abi>/`.",
]
_FILE_USE = [
    "```cpp",
    '#include "mace/public/mace.h"',
    "",
    "mace::MaceEngineConfig config(mace::DeviceType::CPU);",
    "std::shared_ptr<mace::MaceEngine> engine;",
    "mace::MaceStatus status = mace::CreateMaceEngineFromProto(",
    "    graph_bytes /* of <model>.pb */, data_path /* of <model>.data */, {}, {}, config, &engine);",
    "```",
    "",
    *_LINKING,
]
_CODE_USE = [
    "```cpp",
    '#include "mace/public/mace_engine_factory.h"',
    "",
    "mace::MaceEngineConfig config(mace::DeviceType::CPU);",
    "std::shared_ptr<mace::MaceEngine> engine;",
    "mace::MaceStatus status = mace::CreateMaceEngineFromCode(",
    '    "<model>", "" /* or the path of its .data file */, {}, {}, config, &engine);',
    "```",
    "",
    "Link the library of models (`model/<abi>/`) before the engine's.",
    *_LINKING,
]
_STATIC_USE = [
    "```c",
    '#include "mace/public/<model>.h"',
    "",
    "const void *inputs[] = {input};",
    "void *outputs[] = {output};",
    "int code = <model>_run(inputs, outputs, NULL); /* 0: done */",
    "```",
    "",
    "Link `model/<abi>/<library>.a` and `-lm`; the engine is not needed. The header says the rest.",
]
