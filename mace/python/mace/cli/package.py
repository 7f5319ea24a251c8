# SPDX-License-Identifier: Apache-2.0
"""`mace convert --package`: models, libraries and headers of a deployment in one archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mace import api
from mace.cli.common import library_folder, model_folder, size_text
from mace.cli.console import Console
from mace.config.schema import Deployment
from mace.errors import MaceError
from mace.model_file import read_interface
from mace.resources import source_root

# Beside the libraries, and of no use to who links them.
_NOT_PACKAGED = ("libmace.map", "sizes.txt", "sizes.json", "sizes.html")


def package(deployment: Deployment, models: Sequence[str], console: Console) -> Path:
    """Builds the engine for the deployment's ABIs and writes builds/<library>/libmace_<library>
    .tar.gz with what an application needs. Returns its path. Raises MaceError."""
    from mace.packaging import archive, libraries

    root = source_root()
    if root is None:
        raise MaceError(
            "--package builds libraries from source, and this is an installed package",
            hint="use tools/converter.py of a source tree",
        )
    folder = library_folder(deployment)
    libraries.write_public_headers(root, folder / "include")
    files: dict[str, Path | bytes] = {**archive.folder_files(folder / "include", "include")}
    kinds = libraries.check_runtimes(root, [], console.detail)
    encryption = any(deployment.models[name].encryption_key_file for name in models)
    hide_kernels = any(deployment.models[name].obfuscate for name in models)
    for abi in libraries.check_abis(deployment.target_abis):
        for kind in kinds:
            with console.step(f"building libmace for {abi} ({kind})"):
                made = libraries.build_libraries(
                    root, abi, kind, folder / "lib", "", (), encryption, hide_kernels
                )
            prefix = f"lib/{abi}/{kind}"
            files |= archive.folder_files(made.folder, prefix, _NOT_PACKAGED)
    files |= _model_files(deployment, models, folder)
    files |= archive.folder_files(folder / "opencl", "opencl")
    graphs = {name: model_folder(deployment) / f"{name}.pb" for name in models}
    interfaces = {
        name: read_interface(graph, api.encryption_key(deployment, name))
        for name, graph in graphs.items()
    }
    name = f"libmace_{deployment.library_name}"
    text = archive.readme(
        deployment.library_name, interfaces, list(files), deployment.model_graph_format
    )
    files["README.md"] = text.encode()
    target = folder / f"{name}.tar.gz"
    with console.step(f"writing {target}"):
        archive.write_archive(target, name, files)
    console.out(f"wrote {target} ({size_text(target.stat().st_size)})")
    return target


def _model_files(deployment: Deployment, models: Sequence[str], folder: Path) -> dict[str, Path]:
    """Models as they are delivered: in files, or as a library for each ABI."""
    if not deployment.is_code:
        return {
            f"model/{name}{suffix}": folder / "model" / f"{name}{suffix}"
            for name in models
            for suffix in (".pb", ".data")
        }
    library = deployment.library_name
    files = {
        f"model/{abi}/{library}.a": folder / "model" / abi / f"{library}.a"
        for abi in deployment.target_abis
    }
    if not deployment.has_data_in_code:
        files |= {f"model/{name}.data": folder / "model" / f"{name}.data" for name in models}
    return files
