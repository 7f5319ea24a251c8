# SPDX-License-Identifier: Apache-2.0
"""The process that loads a framework and runs a model in it. Reads a job (JSON, see reference.py)
from standard input; arrays come and go in files. The last line of standard error says why it
failed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
# The outputs for the inputs; None for a tensor that the framework does not have.
Run: TypeAlias = Callable[[list[Array]], Sequence[Array | None]]


def main() -> int:
    """Runs the job."""
    job = json.load(sys.stdin)
    runner = {
        "tensorflow": _tensorflow,
        "caffe": _caffe,
        "onnx": _onnx,
        "opencv-onnx": _opencv,
        "opencv-tensorflow": _opencv,
    }[job["platform"]]
    run = runner(job["model_file"], job["weight_file"], job["inputs"], job["outputs"])
    results: dict[str, Array] = {}
    with np.load(job["given"]) as given:
        for number in range(job["samples"]):
            inputs = [given[f"{number}:{index}"] for index in range(len(job["inputs"]))]
            for index, array in enumerate(run(inputs)):
                if array is not None:
                    results[f"{number}:{index}"] = np.asarray(array)
    np.savez(job["made"], **results)  # type: ignore[arg-type]  # numpy has no type for this
    return 0


def _tensorflow(
    model_file: str, weight_file: str | None, inputs: Sequence[str], outputs: Sequence[str]
) -> Run:
    del weight_file
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    path = Path(model_file)
    folder = path.parent if path.name in ("saved_model.pb", "saved_model.pbtxt") else path
    if folder.is_dir():
        whole = _signature(folder, inputs, outputs)
        if whole is not None:
            return whole
    import tensorflow.compat.v1 as tf

    definition = tf.GraphDef.FromString(_frozen(path))
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    session = tf.Session(graph=graph)

    def tensor(name: str) -> str:
        return name if ":" in name else f"{name}:0"

    def run(arrays: list[Array]) -> list[Array | None]:
        feeds = {tensor(name): array for name, array in zip(inputs, arrays, strict=True)}
        result = dict(zip(known, session.run(known, feeds), strict=True))
        return [result.get(tensor(name)) for name in outputs]

    nodes = {operation.name: len(operation.outputs) for operation in graph.get_operations()}
    # Functions that the importer puts inline have names there that TensorFlow lacks.
    known = [
        t for t in map(tensor, outputs) if int(t.split(":")[1]) < nodes.get(t.split(":")[0], 0)
    ]
    return run


def _frozen(path: Path) -> bytes:
    """The bytes of a frozen graph, of whatever kind the model is."""
    from mace.importers.tensorflow.freeze import frozen_graph_def

    if path.suffix == ".pb" and path.name != "saved_model.pb":
        return path.read_bytes()
    data: bytes = frozen_graph_def(path).SerializeToString()
    return data


def _signature(folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> Run | None:
    """The signature of a SavedModel as TensorFlow loads it; None when `outputs` are no results of
    it, but tensors within."""
    import tensorflow as tf

    from mace.importers.tensorflow.saved_model import signature_names

    signature, keys = signature_names(folder)
    loaded = tf.saved_model.load(str(folder))
    function = loaded.signatures[signature]
    if not set(outputs) <= set(function.structured_outputs):
        return None
    if set(inputs) != set(keys):
        return None

    def run(arrays: list[Array]) -> list[Array]:
        feeds = {n: tf.constant(a) for n, a in zip(inputs, arrays, strict=True)}
        results = function(**feeds)
        return [results[name].numpy() for name in outputs]

    return run


def _caffe(
    model_file: str, weight_file: str | None, inputs: Sequence[str], outputs: Sequence[str]
) -> Run:
    # Else a layer may compute over an output of another that is asked for.
    os.environ["OPENCV_DNN_DISABLE_MEMORY_OPTIMIZATIONS"] = "1"
    import cv2

    from mace.importers.caffe import output_layers

    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        raise RuntimeError(
            f"OpenCV {cv2.__version__} does not read Caffe models; versions before 5 do"
        )
    net = cv2.dnn.readNetFromCaffe(model_file, weight_file or "")
    # A fused layer has no result of its own.
    net.enableFusion(False)
    # Results are named by the layers that write them, and the layers of a blob may be several.
    layers = output_layers(Path(model_file), outputs)
    names = list(dict.fromkeys(layers[name][0] for name in outputs if name in layers))

    def run(arrays: list[Array]) -> list[Array]:
        given = dict(zip(inputs, arrays, strict=True))
        for name, array in given.items():
            net.setInput(array, name)
        made = dict(zip(names, net.forwardAndRetrieve(names), strict=True)) if names else {}
        results: list[Array] = []
        for name in outputs:
            if name not in layers:
                results.append(given[name])
                continue
            layer, kind, index = layers[name]
            array = np.array(made[layer][index])
            results.append(_without_padding(array) if kind == "DetectionOutput" else array)
        return results

    return run


def _opencv(
    model_file: str, weight_file: str | None, inputs: Sequence[str], outputs: Sequence[str]
) -> Run:
    """OpenCV on an ONNX or TensorFlow model, of which it names no tensors but the results."""
    del weight_file
    import cv2

    def run(arrays: list[Array]) -> list[Array]:
        given = dict(zip(inputs, arrays, strict=True))
        if model_file.endswith(".onnx"):
            net = cv2.dnn.readNetFromONNX(_with_shapes(model_file, given))
        else:
            net = cv2.dnn.readNet(model_file)
        results = list(net.getUnconnectedOutLayersNames())
        if len(results) != len(outputs):
            count = f"{len(results)} results where the model has {len(outputs)}"
            raise RuntimeError(f"OpenCV sees {count}")
        for name, array in given.items():
            net.setInput(array, name if len(arrays) > 1 else "")
        return [np.array(array) for array in net.forward(results)]

    return run


def _with_shapes(model_file: str, given: dict[str, Array]) -> Array:
    """The bytes of an ONNX model with the shapes of all tensors, which OpenCV wants."""
    import onnx

    model = onnx.load(model_file)
    for info in model.graph.input:
        if info.name in given:
            shape = info.type.tensor_type.shape
            for dimension, size in zip(shape.dim, given[info.name].shape, strict=False):
                dimension.dim_value = size
    inferred = onnx.shape_inference.infer_shapes(model).SerializeToString()
    return np.frombuffer(inferred, np.uint8)


def _without_padding(rows: Array) -> Array:
    """Detections without the rows of zeros that OpenCV adds up to keep_top_k."""
    used = np.flatnonzero(np.abs(rows).reshape(-1, rows.shape[-1]).sum(axis=1))
    return rows[:, :, : used[-1] + 1 if used.size else 0]


def _onnx(
    model_file: str, weight_file: str | None, inputs: Sequence[str], outputs: Sequence[str]
) -> Run:
    del weight_file
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model_file, options, providers=providers)
    known = {item.name for item in (*session.get_outputs(), *session.get_inputs())}
    inner = set(outputs) - known
    if inner:
        import onnx

        model = onnx.load(model_file)
        model.graph.output.extend(
            onnx.helper.make_empty_tensor_value_info(n) for n in sorted(inner)
        )
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=providers
        )

    def run(arrays: list[Array]) -> list[Array]:
        feeds = dict(zip(inputs, arrays, strict=True))
        computed = [name for name in outputs if name not in feeds]
        result = dict(zip(computed, session.run(computed, feeds), strict=True)) if computed else {}
        return [feeds[name] if name in feeds else result[name] for name in outputs]

    return run


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        print(f"{type(error).__name__}: {' '.join(lines)[:600]}", file=sys.stderr)
        sys.exit(1)
