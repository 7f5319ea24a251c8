# SPDX-License-Identifier: Apache-2.0
"""Makes Caffe networks (prototxt and caffemodel) without Caffe, with weights that are random and yet
behave like trained ones. OpenCV computes the layers that statistics are measured on.

    python test/zoo/make_caffe.py squeezenet_v11 --out builds/zoo"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from making import (
    DEFAULT_FOLDER,
    Array,
    fail,
    images,
    is_current,
    rounded,
    say,
    source_text,
    write_all,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "mace" / "python"))

from google.protobuf import text_format
from mace.proto_messages import new

_BATCH = 4  # images that the statistics are measured on


class Net:
    """A network that is written layer by layer. While it is written, `blobs` holds what each layer
    gives for some images, so that the next layer's weights can be fitted to it."""

    def __init__(self, name: str, size: int, seed: int) -> None:
        self.net = new("mace.caffe.NetParameter", "caffe.desc")
        self.weights = new("mace.caffe.NetWeights", "caffe.desc")
        self.net.name = self.weights.name = name
        self.rng = np.random.default_rng(seed)
        layer = self.net.layer.add(name="data", type="Input", top=["data"])
        layer.input_param.shape.add().dim.extend([1, 3, size, size])
        self.blobs = {"data": images(_BATCH, size, seed + 1000).transpose(0, 3, 1, 2)}

    def add(self, kind: str, name: str, bottoms: list[str], top: str, arrays: list[Array]) -> Any:
        """Adds a layer; its parameters are set in what is returned."""
        layer = self.net.layer.add(name=name, type=kind, bottom=bottoms, top=[top])
        if arrays:
            weights = self.weights.layer.add(name=name, type=kind)
            for array in arrays:
                blob = weights.blobs.add()
                blob.shape.dim.extend(array.shape)
                blob.data.append(np.ascontiguousarray(array, "<f4").tobytes())
        return layer

    def convolution(
        self,
        name: str,
        bottom: str,
        count: int,
        kernel: int,
        stride: int = 1,
        pad: int = 0,
        group: int = 1,
        bias: bool = True,
        gain: float = 1.0,
    ) -> str:
        """A convolution with He's initialisation times gain. Returns its top."""
        channels = self.blobs[bottom].shape[1] // group
        fan = channels * kernel * kernel
        shape = (count, channels, kernel, kernel)
        arrays = [gain * self.rng.standard_normal(shape) * np.sqrt(2 / fan)]
        if bias:
            arrays.append(gain * self.rng.standard_normal(count) * 0.05)
        parameter = self.add("Convolution", name, [bottom], name, arrays).convolution_param
        parameter.num_output, parameter.bias_term = count, bias
        parameter.kernel_size.append(kernel)
        parameter.stride.append(stride)
        if pad:
            parameter.pad.append(pad)
        if group > 1:
            parameter.group = group
        return self.compute(bottom)

    def relu(self, name: str, blob: str) -> str:
        """A ReLU in place."""
        self.add("ReLU", name, [blob], blob, [])
        self.blobs[blob] = np.maximum(self.blobs[blob], 0)
        return blob

    def pool(self, name: str, bottom: str, kernel: int = 0, stride: int = 1) -> str:
        """A maximum over windows, or without a kernel the mean of all."""
        parameter = self.add("Pooling", name, [bottom], name, []).pooling_param
        parameter.pool = parameter.MAX if kernel else parameter.AVE
        if kernel:
            parameter.kernel_size, parameter.stride = kernel, stride
        else:
            parameter.global_pooling = True
        return self.compute(bottom)

    def normalize(self, name: str, blob: str) -> str:
        """BatchNorm and Scale in place, with the statistics of the images moved a little."""
        x = self.blobs[blob]
        count = x.shape[1]
        mean: Array = x.mean((0, 2, 3))
        variance: Array = x.var((0, 2, 3))
        mean = rounded(mean + self.rng.standard_normal(count) * 0.05 * np.sqrt(variance))
        variance = rounded(variance * self.rng.uniform(0.85, 1.2, count))
        gamma = np.asarray(self.rng.uniform(0.8, 1.2, count))
        beta = np.asarray(self.rng.standard_normal(count)) * 0.1
        factor = 8.0  # Caffe stores sums and the factor they were accumulated with.
        arrays: list[Array] = [mean * factor, variance * factor, np.array([factor])]
        parameter = self.add("BatchNorm", f"{name}/bn", [blob], blob, arrays).batch_norm_param
        parameter.use_global_stats, parameter.eps = True, 1e-5
        layer = self.add("Scale", f"{name}/scale", [blob], blob, [gamma, beta])
        layer.scale_param.bias_term = True
        y = (x - mean[:, None, None]) / np.sqrt(variance + 1e-5)[:, None, None]
        self.blobs[blob] = (y * gamma[:, None, None] + beta[:, None, None]).astype(np.float32)
        return blob

    def compute(self, bottom: str) -> str:
        """Computes the layer added last, whose only bottom is given, by OpenCV; returns its top."""
        import cv2

        layer = self.net.layer[-1]
        part, weights = type(self.net)(), type(self.weights)()
        head = part.layer.add(name="data", type="Input", top=[bottom])
        head.input_param.shape.add().dim.extend(self.blobs[bottom].shape)
        part.layer.add().CopyFrom(layer)
        if len(self.weights.layer) and self.weights.layer[-1].name == layer.name:
            weights.layer.add().CopyFrom(self.weights.layer[-1])
        buffers = [text_format.MessageToString(part).encode(), weights.SerializeToString()]
        net = cv2.dnn.readNetFromCaffe(*(np.frombuffer(b, np.uint8) for b in buffers))
        net.setInput(np.ascontiguousarray(self.blobs[bottom], np.float32))
        self.blobs[layer.top[0]] = net.forward().copy()
        return str(layer.top[0])

    def files(self) -> tuple[bytes, bytes]:
        """The prototxt and the caffemodel."""
        return text_format.MessageToString(self.net).encode(), self.weights.SerializeToString()


def squeezenet_v11(seed: int = 105) -> Net:
    """SqueezeNet 1.1 (arXiv 1602.07360): fire modules, a convolution as classifier."""
    net = Net("squeezenet_v11", 227, seed)

    def step(name: str, bottom: str, count: int, kernel: int, stride: int = 1, pad: int = 0) -> str:
        return net.relu(f"relu_{name}", net.convolution(name, bottom, count, kernel, stride, pad))

    top = net.pool("pool1", step("conv1", "data", 64, 3, stride=2), 3, 2)
    sizes = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)]
    for number, (squeeze, expand) in enumerate(sizes, 2):
        fire = f"fire{number}"
        inner = step(f"{fire}/squeeze1x1", top, squeeze, 1)
        parts = [
            step(f"{fire}/expand1x1", inner, expand, 1),
            step(f"{fire}/expand3x3", inner, expand, 3, pad=1),
        ]
        top = f"{fire}/concat"
        net.add("Concat", top, parts, top, [])
        net.blobs[top] = np.concatenate([net.blobs[p] for p in parts], axis=1)
        if number in (3, 5):
            top = net.pool(f"pool{number}", top, 3, 2)
    net.add("Dropout", "drop9", [top], top, [])
    # The classes are means over the image: scaled so that they spread by about 2.
    spread = net.blobs[top].mean((2, 3)).std(axis=1).max() * np.sqrt(2)
    gain = float(rounded(np.array(2.0 / spread)))
    top = net.relu("relu_conv10", net.convolution("conv10", top, 1000, 1, gain=gain))
    net.add("Softmax", "prob", [net.pool("pool10", top)], "prob", [])
    return net


def mobilenet_v1_caffe(seed: int = 106) -> Net:
    """MobileNetV1 (arXiv 1704.04861) as Caffe has it: symmetric padding, ReLU, BatchNorm + Scale."""
    net = Net("mobilenet_v1_caffe", 224, seed)

    def step(name: str, bottom: str, count: int, kernel: int, stride: int, group: int = 1) -> str:
        pad = kernel // 2
        top = net.convolution(name, bottom, count, kernel, stride, pad, group, bias=False)
        return net.relu(f"relu_{name}", net.normalize(name, top))

    top, channels = step("conv1", "data", 32, 3, 2), 32
    counts = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    for number, count in enumerate(counts, 2):
        stride = 2 if number in (3, 5, 7, 13) else 1
        top = step(f"conv{number}/dw", top, channels, 3, stride, channels)
        top, channels = step(f"conv{number}/sep", top, count, 1, 1), count
    top = net.pool("pool6", top)
    features = net.blobs[top].reshape(_BATCH, -1)
    gain = float(rounded(np.array(2.0 / (np.sqrt((features**2).mean(axis=1).max()) * np.sqrt(2)))))
    net.add("Softmax", "prob", [net.convolution("fc7", top, 1000, 1, gain=gain)], "prob", [])
    return net


MODELS: dict[str, Callable[[], Net]] = {
    "squeezenet_v11": squeezenet_v11,
    "mobilenet_v1_caffe": mobilenet_v1_caffe,
}


def main(arguments: list[str] | None = None) -> int:
    """Makes the models that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "models",
        nargs="+",
        choices=[*MODELS, "all"],
        metavar="MODEL",
        help=", ".join(MODELS) + " or all",
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="folder of the files")
    parser.add_argument("--force", action="store_true", help="make again what is there")
    options = parser.parse_args(arguments)
    source = source_text(__file__)
    for name in MODELS if "all" in options.models else options.models:
        paths = [options.out / f"{name}.prototxt", options.out / f"{name}.caffemodel"]
        if not options.force and is_current(paths, source):
            say(name, f"{paths[0]} is up to date")
            continue
        say(name, f"measuring its layers on {_BATCH} images")
        try:
            contents = MODELS[name]().files()
        except ImportError as error:
            return fail(
                f"{name} is made with OpenCV, which is missing ({error}); "
                "install it: pip install 'opencv-python-headless<5'"
            )
        write_all(dict(zip(paths, contents, strict=True)), source)
        say(name, f"wrote {paths[0]} and .caffemodel ({len(contents[1]) / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
