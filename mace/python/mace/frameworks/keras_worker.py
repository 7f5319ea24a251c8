# SPDX-License-Identifier: Apache-2.0
"""The process that loads a Keras file and writes it as a frozen GraphDef (see keras_file.py).
Arguments: the file, and where the graph goes. The last line of standard error says why it failed.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

_HDF5 = b"\x89HDF\r\n\x1a\n"


def main(arguments: list[str]) -> int:
    """Loads, freezes, writes."""
    source, target = Path(arguments[0]), Path(arguments[1])
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import tensorflow as tf

    target.write_bytes(_frozen(tf, _load(tf, source)))
    return 0


def _load(tf: Any, source: Path) -> Any:
    """Keras knows its formats by the file's name alone."""
    suffix = ".h5" if source.read_bytes()[:8] == _HDF5 else ".keras"
    with tempfile.TemporaryDirectory() as folder:
        path = source
        if source.suffix != suffix:
            path = Path(folder) / f"model{suffix}"
            shutil.copyfile(source, path)
        return tf.keras.models.load_model(path, compile=False)


def _frozen(tf: Any, model: Any) -> bytes:
    """Inputs have their layers' names; outputs "output_0", ..., or their layers' if they differ."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    inputs = [(_name(t.name), t) for t in model.inputs]
    layers = [str(name) for name in getattr(model, "output_names", [])]
    count = len(model.outputs)
    outputs = [_name(n) for n in layers] if len(set(layers)) == count else []
    if len(outputs) != count or set(outputs) & {n for n, _ in inputs}:
        outputs = [f"output_{i}" for i in range(count)]

    def call(*tensors: Any) -> list[Any]:
        results = model(list(tensors) if len(tensors) > 1 else tensors[0], training=False)
        return [tf.identity(t) for t in tf.nest.flatten(results)]

    specs = [tf.TensorSpec(t.shape, t.dtype, name=n) for n, t in inputs]
    function = tf.function(call, autograph=False).get_concrete_function(*specs)
    # Loops stay functions of the graph: those of Switch and Merge are no longer loops to read.
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    definition = frozen.graph.as_graph_def()
    taken = {node.name for node in definition.node}
    for name, tensor in zip(outputs, frozen.outputs, strict=True):
        if name in taken and tensor.name == f"{name}:0":
            continue
        node = definition.node.add(name=_free(name, taken), op="Identity", input=[tensor.name])
        node.attr["T"].type = tensor.dtype.as_datatype_enum
    data: bytes = definition.SerializeToString(deterministic=True)
    return data


def _name(text: str) -> str:
    """A name that TensorFlow takes for a node."""
    name = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", text.split(":")[0])
    return name if re.match(r"[A-Za-z0-9.]", name) else f"n{name}"


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        print(f"{type(error).__name__}: {' '.join(lines)[:600]}", file=sys.stderr)
        sys.exit(1)
