# SPDX-License-Identifier: Apache-2.0
"""Makes frozen TensorFlow graphs of classic networks, with weights that are random and yet behave
like trained ones: every layer has outputs of sane size, and the classes differ.

    python test/zoo/make_tensorflow.py mobilenet_v2 --out builds/zoo"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from making import DEFAULT_FOLDER, fail, images, is_current, rounded, say, source_text, write_all

# Name: class of keras.applications and seed.
MODELS = {
    "mobilenet_v1": ("MobileNet", 101),
    "mobilenet_v2": ("MobileNetV2", 102),
    "resnet50": ("ResNet50", 103),
    "inception_v3": ("InceptionV3", 104),
}
_BATCH = 8  # images that the statistics of batch norm are measured on


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
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="folder of the .pb files")
    parser.add_argument("--force", action="store_true", help="make again what is there")
    options = parser.parse_args(arguments)
    names = list(MODELS) if "all" in options.models else options.models
    source = source_text(__file__)
    for name in names:
        path = options.out / f"{name}.pb"
        if not options.force and is_current([path], source):
            say(name, f"{path} is up to date")
            continue
        try:
            data = make(name)
        except ImportError as error:
            return fail(
                f"{name} is made with TensorFlow, which is missing ({error}); "
                "install it: pip install tensorflow-cpu"
            )
        write_all({path: data}, source)
        say(name, f"wrote {path} ({len(data) / 1e6:.1f} MB)")
    return 0


def make(name: str) -> bytes:
    """The frozen GraphDef of a model: input "input" (batch of any size), output "prob"."""
    say(name, "loading TensorFlow")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # Its sums differ from one processor to the next.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    application, seed = MODELS[name]
    tf.keras.utils.set_random_seed(seed)
    tf.keras.backend.clear_session()
    say(name, "building")
    model = getattr(tf.keras.applications, application)(weights=None)
    rng = np.random.default_rng(seed)
    _initialize(tf, model, rng)
    say(name, f"measuring batch norm on {_BATCH} images")
    _measure(tf, model, rng, seed)
    say(name, "scaling the classifier")
    _scale_classifier(tf, model, seed)
    say(name, "freezing")
    return _freeze(tf, model)


def _initialize(tf: Any, model: Any, rng: np.random.Generator) -> None:
    """He's initialisation, and batch norm that differs by channel."""
    layers = tf.keras.layers
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            _initialize_norm(layer, rng)
        elif isinstance(layer, layers.DepthwiseConv2D | layers.Conv2D | layers.Dense):
            kernel = layer.kernel
            depthwise = isinstance(layer, layers.DepthwiseConv2D)
            fan = np.prod(kernel.shape[:2] if depthwise else kernel.shape[:-1])
            kernel.assign(rng.standard_normal(kernel.shape) * np.sqrt(2 / fan))
            if layer.bias is not None:
                layer.bias.assign(rng.standard_normal(layer.bias.shape) * 0.05)


def _initialize_norm(layer: Any, rng: np.random.Generator) -> None:
    if layer.scale:
        gamma = rng.uniform(0.8, 1.2, layer.gamma.shape)
        if layer.name.endswith("_3_bn") or layer.name.lower().endswith("project_bn"):
            gamma *= 0.5  # The last one of a residual branch: sums of many branches stay small.
        layer.gamma.assign(gamma)
    if layer.center:
        layer.beta.assign(rng.standard_normal(layer.beta.shape) * 0.1)


def _measure(tf: Any, model: Any, rng: np.random.Generator, seed: int) -> None:
    """Sets the statistics of each batch norm to those of a batch, then moves them a little."""
    norms = [x for x in model.layers if isinstance(x, tf.keras.layers.BatchNormalization)]
    for layer in norms:
        layer.momentum = 0.0
    model(images(_BATCH, model.input_shape[1], seed + 1000), training=True)
    for layer in norms:
        mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
        shift = rng.standard_normal(mean.shape) * 0.05 * np.sqrt(variance)
        layer.moving_mean.assign(rounded(mean + shift))
        layer.moving_variance.assign(rounded(variance * rng.uniform(0.85, 1.2, mean.shape)))


def _scale_classifier(tf: Any, model: Any, seed: int) -> None:
    """Scales the last layer so that logits spread by 2: no class takes all, none are equal."""
    layers = tf.keras.layers
    last = [x for x in model.layers if isinstance(x, layers.Conv2D | layers.Dense)][-1]
    features = tf.keras.Model(model.input, last.input)
    x = features(images(4, model.input_shape[1], seed + 2000), training=False).numpy()
    logits = x.reshape(len(x), -1) @ last.kernel.numpy().reshape(-1, last.kernel.shape[-1])
    scale = float(rounded(2.0 / logits.std(axis=1).max()))
    last.kernel.assign(last.kernel * scale)
    last.bias.assign(last.bias * scale)


def _freeze(tf: Any, model: Any) -> bytes:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    size = model.input_shape[1]

    def call(input: Any) -> Any:
        return tf.identity(model(input, training=False), name="prob")

    spec = tf.TensorSpec([None, size, size, 3], tf.float32, name="input")
    frozen = convert_variables_to_constants_v2(tf.function(call).get_concrete_function(spec))
    definition = frozen.graph.as_graph_def()
    definition.library.Clear()
    return bytes(definition.SerializeToString(deterministic=True))


if __name__ == "__main__":
    sys.exit(main())
