# SPDX-License-Identifier: Apache-2.0
"""`mace init`: a deployment file for a model, with its inputs, outputs and shapes filled in."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mace import api
from mace.cli.common import shape_text
from mace.cli.console import Console
from mace.config.loader import load_deployment
from mace.config.schema import DATA_TYPES
from mace.config.source import escape
from mace.errors import EXIT_OK, MaceError
from mace.fetch import fetch, file_sha256

if TYPE_CHECKING:
    from mace.importers.base import Description

_TYPE_NAMES = {short: name for name, short in DATA_TYPES.items()}


def run(options: argparse.Namespace, console: Console) -> int:
    """Writes the file and reads it again to be sure."""
    from mace.convert import describe_model

    model = fetch(options.model, Path.cwd())
    platform = api.guess_platform(model)
    weights = (
        Path(options.weight_file) if options.weight_file else api.find_weights(model, platform)
    )
    beside = model.resolve() if model.is_dir() else model
    beside = beside.with_name(f"{beside.name if model.is_dir() else model.stem}.yml")
    target = Path(options.output) if options.output else beside
    if target.exists() and not options.force:
        raise MaceError(f"'{target}' exists", hint="--force writes over it, -o names another file")
    description = describe_model(platform, model, weights)
    library = options.library_name or api.model_name(model)
    text = deployment_text(library, platform, model, weights, description, target.resolve().parent)
    partial = target.with_name(f".{target.name}.new")
    try:
        partial.write_text(text, encoding="utf-8")
        load_deployment(partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    console.out(f"wrote {target}; next: mace convert --config={shlex.quote(str(target))}")
    console.result |= {"file": str(target), "inputs": [vars(i) for i in description.inputs]}
    console.result["outputs"] = [vars(o) for o in description.outputs]
    return EXIT_OK


def deployment_text(
    library: str,
    platform: str,
    model: Path,
    weights: Path | None,
    description: Description,
    folder: Path,
) -> str:
    """The text of a deployment file in `folder`."""
    inputs, outputs = description.inputs, description.outputs
    settings: dict[str, object] = {
        "platform": platform,
        "model_file_path": escape(os.path.relpath(model.resolve(), folder)),
        "model_sha256_checksum": file_sha256(model),
    }
    if weights is not None:
        settings["weight_file_path"] = escape(os.path.relpath(weights.resolve(), folder))
        settings["weight_sha256_checksum"] = file_sha256(weights)
    subgraph: dict[str, object] = {
        "input_tensors": [escape(i.name) for i in inputs],
        "input_shapes": [shape_text(i.shape) for i in inputs],
        "input_data_formats": [i.data_format for i in inputs],
    }
    if any(i.dtype != "f32" for i in inputs):
        subgraph["input_data_types"] = [_TYPE_NAMES.get(i.dtype, i.dtype) for i in inputs]
    subgraph["input_ranges"] = ["-1.0,1.0" for _ in inputs]
    subgraph["output_tensors"] = [escape(o.name) for o in outputs]
    subgraph["output_data_formats"] = [o.data_format for o in outputs]
    settings |= {"subgraphs": [subgraph], "runtime": "cpu"}
    document = {
        "library_name": library,
        "target_abis": ["host"],
        "model_graph_format": "file",
        "model_data_format": "file",
        "models": {library: settings},
    }
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
    note = "# In shapes, ? stands for any size: give numbers to run with random inputs.\n"
    return (note if "?" in text else "") + text
