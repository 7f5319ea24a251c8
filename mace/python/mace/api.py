# SPDX-License-Identifier: Apache-2.0
"""Conversion as a function: what mace.convert() and the command line have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mace.config.loader import load_deployment, make_deployment
from mace.config.schema import DATA_TYPES, Deployment, Model, Subgraph
from mace.errors import MaceError, did_you_mean
from mace.fetch import Progress, fetch, is_model_folder

if TYPE_CHECKING:
    from mace.convert import ConvertedGraph, ConvertRequest
    from mace.importers.base import InterfaceRequest

_PLATFORM_BY_SUFFIX = {
    ".pb": "tensorflow",
    ".pbtxt": "tensorflow",
    ".keras": "tensorflow",
    ".h5": "tensorflow",
    ".hdf5": "tensorflow",
    ".prototxt": "caffe",
    ".onnx": "onnx",
}
DEPLOYMENT_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True)
class ConvertedModel:
    """The files of a converted model."""

    name: str
    graph: Path  # <name>.pb
    data: Path  # <name>.data
    text: Path  # <name>.pb_txt, for people
    names: Path | None = None  # <name>.obfuscation.json, which is not to be given away


def convert(
    model: str | os.PathLike[str],
    *,
    output_dir: str | os.PathLike[str] | None = None,
    name: str | None = None,
    platform: str | None = None,
    weight_file: str | os.PathLike[str] | None = None,
    **config: Any,
) -> ConvertedModel:
    """Converts a model and returns the paths of what was written.

    model: a model file (.pb, .keras, .h5, .onnx, .prototxt), the folder of a SavedModel, or a
    deployment file (.yml). output_dir: where the
    files go; default: builds/<library>/model. name: the model's name; for a deployment file the
    model to convert, if it has several. platform: "tensorflow", "caffe" or "onnx", if the file's
    name does not tell. weight_file: the .caffemodel. config: for a model file any key that a
    deployment file has for a model or its subgraph, e.g. input_tensors, input_shapes,
    output_tensors, input_data_formats.

    Raises MaceError; nothing is written then.
    """
    from mace.convert import convert_graph, write_model
    from mace.protection.names import PRIVATE

    path = Path(model)
    if path.suffix in DEPLOYMENT_SUFFIXES:
        if platform or weight_file or config:
            raise MaceError(
                "a deployment file says everything itself: give only name and output_dir"
            )
        deployment = load_deployment(path)
        request = deployment_request(deployment, _one_model(deployment, name))
        library = deployment.library_name
    else:
        weights = Path(weight_file) if weight_file is not None else None
        request = file_request(path, weights, platform=platform, name=name, config=config)
        library = request.name
    parent = Path("builds") / library
    folder = Path(output_dir) if output_dir is not None else parent / "model"
    converted = convert_graph(request)
    check_output_shapes(request, converted)
    private = parent / PRIVATE if output_dir is None else None
    result = write_model(request, converted, folder, private_dir=private)
    return ConvertedModel(
        request.name, result.graph_path, result.data_path, result.text_path, result.names_path
    )


def check_output_shapes(request: ConvertRequest, converted: ConvertedGraph) -> None:
    """Raises MaceError unless the outputs have the shapes that the deployment file states."""
    wrong = []
    for wanted in request.outputs:
        value = converted.graph.values.get(wanted.name)
        shape = value.shape if value is not None else None
        if wanted.shape is None or shape is None:
            continue
        fits = len(shape) == len(wanted.shape) and all(
            a == w or a < 0 or w < 0 for a, w in zip(shape, wanted.shape, strict=True)
        )
        if not fits:
            wrong.append(
                f"output '{wanted.name}' is {_shape(shape)}, "
                f"and output_shapes says {_shape(wanted.shape)}"
            )
    if wrong:
        raise MaceError("; ".join(wrong), hint="correct output_shapes, or leave it out")


def _shape(shape: Sequence[int]) -> str:
    return ",".join("?" if d < 0 else str(d) for d in shape)


def _one_model(deployment: Deployment, name: str | None) -> str:
    names = list(deployment.models)
    if name is None:
        if len(names) > 1:
            raise MaceError(
                f"'{deployment.file}' has several models",
                hint=f"give name=, one of: {', '.join(names)}",
            )
        return names[0]
    if name not in names:
        raise MaceError(f"'{deployment.file}' has no model '{name}'{did_you_mean(name, names)}")
    return name


def guess_platform(path: Path) -> str:
    """The framework that a model file's name stands for."""
    if is_model_folder(path):
        return "tensorflow"
    if path.is_dir():
        raise MaceError(f"'{path}' is a folder, and no SavedModel (it has no saved_model.pb)")
    platform = _PLATFORM_BY_SUFFIX.get(path.suffix.lower())
    if platform is None:
        raise MaceError(
            f"it cannot be told from its name what kind of model '{path}' is",
            hint="say platform: tensorflow, caffe or onnx",
        )
    return platform


def model_name(path: Path) -> str:
    """A model name made of a file's name."""
    stem = path.resolve().name if is_model_folder(path) else path.stem
    name = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_")[:100] or "model"
    return name if not name[0].isdigit() else f"model_{name}"


def find_weights(path: Path, platform: str) -> Path | None:
    """The .caffemodel that belongs to a .prototxt: of the same name, or the only one beside it."""
    if platform != "caffe":
        return None
    same = path.with_suffix(".caffemodel")
    if same.is_file():
        return same
    beside = sorted(path.parent.glob("*.caffemodel"))
    if len(beside) == 1:
        return beside[0]
    raise MaceError(
        f"no weights are given for '{path}', and "
        + ("several .caffemodel files lie" if beside else "no .caffemodel file lies")
        + " beside it",
        hint="name the weights' file",
    )


def deployment_request(
    deployment: Deployment, name: str, progress: Progress | None = None
) -> ConvertRequest:
    """What to convert for one model of a deployment; fetches its files."""
    from mace.convert import ConvertRequest

    model = deployment.models[name]
    model_file, weight_file = model_files(deployment, name, progress)
    inputs, outputs = interface_requests(model.subgraph)
    return ConvertRequest(
        name=name,
        platform=model.platform,
        model_file=model_file,
        weight_file=weight_file,
        inputs=inputs,
        outputs=outputs,
        optimize_options=model.graph_optimize_options or None,
        weight_format=model.stored_as,
        settings=_runtime_settings(model),
        obfuscate=model.obfuscate,
        encryption_key=encryption_key(deployment, name),
    )


def encryption_key_file(deployment: Deployment, name: str) -> Path | None:
    """The file with the key that a model is encrypted with; None for not at all."""
    path = deployment.models[name].encryption_key_file
    return deployment.folder / path if path is not None else None


def encryption_key(deployment: Deployment, name: str) -> bytes | None:
    """That key. Raises MaceError."""
    from mace.protection.encryption import read_key

    path = encryption_key_file(deployment, name)
    return read_key(path) if path is not None else None


def _runtime_settings(model: Model) -> dict[str, str]:
    """What the model tells the runtimes that it is for."""
    settings: dict[str, str] = {}
    if "gpu" in model.runtimes:
        # The GPU has no bfloat16.
        storage = "fp32_fp32" if model.storage == "bf16_fp32" else model.storage
        settings |= {"gpu_data_type": storage, "opencl_mem_type": model.cl_mem_type}
        if model.limit_opencl_kernel_time:
            settings["limit_opencl_kernel_time"] = "1"
        if model.opencl_queue_window_size:
            settings["opencl_queue_window_size"] = str(model.opencl_queue_window_size)
    if "cpu" in model.runtimes and model.storage in ("fp16_fp16", "bf16_fp32"):
        settings["cpu_data_type"] = model.storage
    return settings


def model_files(
    deployment: Deployment, name: str, progress: Progress | None = None
) -> tuple[Path, Path | None]:
    """The model's file and its weights' file, fetched if need be and checked."""
    model = deployment.models[name]
    folder = deployment.folder
    model_file = fetch(model.model_file_path, folder, model.model_sha256_checksum, progress)
    if model.weight_file_path is None:
        return model_file, None
    return model_file, fetch(model.weight_file_path, folder, model.weight_sha256_checksum, progress)


def interface_requests(
    subgraph: Subgraph,
) -> tuple[list[InterfaceRequest], list[InterfaceRequest]]:
    """Inputs and outputs as the importers take them."""
    from mace.importers.base import InterfaceRequest

    types: Sequence[str | None] = [DATA_TYPES[t] for t in subgraph.input_data_types]
    shapes: Sequence[tuple[int, ...] | None] = subgraph.output_shapes
    inputs = [
        InterfaceRequest(name, shape, dtype, data_format)
        for name, shape, dtype, data_format in zip(
            subgraph.input_tensors,
            subgraph.input_shapes,
            types or [None] * len(subgraph.input_tensors),
            subgraph.input_data_formats,
            strict=True,
        )
    ]
    outputs = [
        InterfaceRequest(name, shape, None, data_format)
        for name, shape, data_format in zip(
            subgraph.output_tensors,
            shapes or [None] * len(subgraph.output_tensors),
            subgraph.output_data_formats,
            strict=True,
        )
    ]
    return inputs, outputs


def file_request(
    path: Path,
    weight_file: Path | None = None,
    *,
    platform: str | None = None,
    name: str | None = None,
    config: dict[str, Any] | None = None,
    fill: Callable[[dict[str, Any]], None] | None = None,
) -> ConvertRequest:
    """What to convert for a model file without a deployment file. config: keys of a model or its
    subgraph; what is not given is asked of the model. fill: may change the keys before they are
    checked."""
    from mace.convert import ConvertRequest, describe_model

    platform = platform or guess_platform(path)
    path = fetch(str(path), Path.cwd())
    weight_file = weight_file or find_weights(path, platform)
    given = dict(config or {})
    subgraph = {key: given.pop(key) for key in list(given) if key in Subgraph.model_fields}
    if "input_tensors" not in subgraph or "output_tensors" not in subgraph:
        described = describe_model(platform, path, weight_file)
        if "input_tensors" not in subgraph:
            subgraph["input_tensors"] = [i.name for i in described.inputs]
            subgraph.setdefault("input_shapes", [list(i.shape) for i in described.inputs])
            subgraph.setdefault("input_data_formats", [i.data_format for i in described.inputs])
        if "output_tensors" not in subgraph:
            subgraph["output_tensors"] = [o.name for o in described.outputs]
            subgraph.setdefault("output_data_formats", [o.data_format for o in described.outputs])
    model: dict[str, Any] = {
        "platform": platform,
        "model_file_path": str(path),
        "subgraphs": [subgraph],
    }
    if weight_file is not None:
        model["weight_file_path"] = str(weight_file)
    model |= given
    if fill:
        fill(model)
    name = name or model_name(path)
    deployment = make_deployment({"library_name": name, "models": {name: model}}, str(path))
    checked: Model = deployment.models[name]
    inputs, outputs = interface_requests(checked.subgraph)
    return ConvertRequest(
        name=name,
        platform=platform,
        model_file=path,
        weight_file=weight_file,
        inputs=inputs,
        outputs=outputs,
        optimize_options=checked.graph_optimize_options or None,
        weight_format=checked.stored_as,
        settings=_runtime_settings(checked),
        obfuscate=checked.obfuscate,
        encryption_key=encryption_key(deployment, name),
    )
