# SPDX-License-Identifier: Apache-2.0
"""The frameworks: how each is given a network and run, in float32 and with a number of threads.

A peer's `prepare` writes its own format into the folder of net.save(), untimed; `load` imports the
framework, calls its first argument (the clock starts), and returns what runs the network on an
image NHWC.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import net as nets
from . import writers

Array = nets.Array
Run = Callable[[Any], Array]


@dataclass
class Ready:
    """A loaded network: arrange() makes of an image NHWC what run() takes, untimed."""

    arrange: Callable[[Array], Any]
    run: Run


Load = Callable[[Callable[[], None], Path, int], Ready]


@dataclass(frozen=True)
class Peer:
    """A framework. modules: what it imports, and preparing for it; package: what pip calls them."""

    modules: tuple[str, ...]
    package: str
    load: Load
    prepare: Callable[[Path], None] = lambda folder: None


def _nchw(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def _same(x: Array) -> Array:
    return x


def _load_mace(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    from mace.runtime import Engine, library

    library()
    imported()
    engine = Engine(folder / "mace.pb", folder / "mace.data", num_threads=threads)
    name = engine.inputs[0].name
    return Ready(_same, lambda x: next(iter(engine.run({name: x}).values())))


def _load_onnxruntime(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    import onnxruntime

    imported()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(folder / "net.onnx"), options, providers=providers)
    return Ready(_nchw, lambda x: session.run(None, {"input": x})[0])


def _load_openvino(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    import openvino

    imported()
    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "f32",  # bf16 otherwise, on processors that have it
    }
    model = openvino.Core().compile_model(str(folder / "net.onnx"), "CPU", settings)
    request = model.create_infer_request()
    return Ready(_nchw, lambda x: request.infer({0: x})[0])


def _prepare_ncnn(folder: Path) -> None:
    import pnnx

    n, h, w, c = nets.load(folder).input_shape
    program = Path(pnnx.__file__).parent / "pnnx"
    command = [str(program), "net.onnx", f"inputshape=[{n},{c},{h},{w}]", "fp16=0"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _load_ncnn(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    import ncnn

    imported()
    model = ncnn.Net()
    model.opt.num_threads = threads
    for kind in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"):
        if hasattr(model.opt, f"use_{kind}"):
            setattr(model.opt, f"use_{kind}", False)
    model.load_param(str(folder / "net.ncnn.param"))
    model.load_model(str(folder / "net.ncnn.bin"))

    def run(x: Array) -> Array:
        extractor = model.create_extractor()
        extractor.input("in0", ncnn.Mat(x[0]))
        return np.array(extractor.extract("out0")[1])

    return Ready(_nchw, run)


def _prepare_mnn(folder: Path) -> None:
    # The extension module, never the package MNN.tools or its programs: importing those runs pip
    # and reports to an outside host.
    import _tools

    source, target = str(folder / "net.onnx"), str(folder / "net.mnn")
    command = ["mnnconvert", "-f", "ONNX", "--modelFile", source, "--MNNModel", target]
    _tools.mnnconvert([*command, "--bizCode", "mace"])


def _load_mnn(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    import MNN

    imported()
    interpreter = MNN.Interpreter(str(folder / "net.mnn"))
    how = {"numThread": threads, "precision": "high", "backend": "CPU"}
    session = interpreter.createSession(how)
    given, made = interpreter.getSessionInput(session), interpreter.getSessionOutput(session)
    float_type, layout = MNN.Halide_Type_Float, MNN.Tensor_DimensionType_Caffe

    def run(x: Array) -> Array:
        given.copyFrom(MNN.Tensor(x.shape, float_type, x, layout))
        interpreter.runSession(session)
        room = np.empty(made.getShape(), np.float32)
        tensor = MNN.Tensor(made.getShape(), float_type, room, layout)
        made.copyToHostTensor(tensor)
        return np.array(tensor.getNumpyData(), copy=True)

    return Ready(_nchw, run)


def _traced(folder: Path) -> Any:
    import tensorflow as tf

    tf.config.set_visible_devices([], "GPU")
    net = nets.load(folder)
    function = tf.function(lambda x: nets.walk(net, writers.TensorFlowBackend(tf), x))
    return function.get_concrete_function(tf.TensorSpec(net.input_shape, tf.float32))


def _load_tensorflow(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    imported()
    function = _traced(folder)
    return Ready(tf.constant, lambda x: function(x).numpy())


def _prepare_litert(folder: Path) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_concrete_functions([_traced(folder)])
    (folder / "net.tflite").write_bytes(converter.convert())


def _load_litert(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    from ai_edge_litert.interpreter import Interpreter

    imported()
    interpreter = Interpreter(model_path=str(folder / "net.tflite"), num_threads=threads)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    made = interpreter.get_output_details()[0]["index"]

    def run(x: Array) -> Array:
        interpreter.set_tensor(given, x)
        interpreter.invoke()
        result: Array = interpreter.get_tensor(made)
        return result

    return Ready(_same, run)


def _load_torch(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    import torch

    imported()
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)
    net = nets.load(folder)
    last = torch.channels_last

    class Module(torch.nn.Module):
        """The network, its weights constants."""

        def forward(self, x: Any) -> Any:
            return nets.walk(net, writers.TorchBackend(torch), x)

    n, h, w, c = net.input_shape
    with torch.inference_mode():
        example = torch.zeros(n, c, h, w).to(memory_format=last)
        traced = torch.jit.trace(Module().eval(), example, check_trace=False)
        frozen = torch.jit.optimize_for_inference(torch.jit.freeze(traced))

    def run(x: Any) -> Array:
        with torch.inference_mode():
            result: Array = frozen(x).numpy()
        return result

    return Ready(lambda x: torch.from_numpy(_nchw(x)).to(memory_format=last), run)


def _load_opencv(imported: Callable[[], None], folder: Path, threads: int) -> Ready:
    import cv2

    imported()
    cv2.setNumThreads(threads)
    model = cv2.dnn.readNetFromONNX(str(folder / "net.onnx"))
    model.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    model.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)

    def run(x: Array) -> Array:
        model.setInput(x)
        result: Array = model.forward()
        return result

    return Ready(_nchw, run)


PEERS: dict[str, Peer] = {
    "mace": Peer((), "", _load_mace),
    "onnxruntime": Peer(("onnxruntime",), "onnxruntime", _load_onnxruntime),
    "openvino": Peer(("openvino",), "openvino", _load_openvino),
    "litert": Peer(
        ("ai_edge_litert", "tensorflow"),
        "ai-edge-litert tensorflow-cpu",
        _load_litert,
        _prepare_litert,
    ),
    "ncnn": Peer(("ncnn", "pnnx"), "ncnn pnnx", _load_ncnn, _prepare_ncnn),
    "mnn": Peer(("MNN", "_tools"), "mnn", _load_mnn, _prepare_mnn),
    "tensorflow": Peer(("tensorflow",), "tensorflow-cpu", _load_tensorflow),
    "torch": Peer(("torch",), "torch", _load_torch),
    "opencv": Peer(("cv2",), "'opencv-python-headless<5'", _load_opencv),
}
