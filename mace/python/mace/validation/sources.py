# SPDX-License-Identifier: Apache-2.0
"""The tensors that a user's model has by its own account, whatever the converted model makes of
them: those that can be asked of its framework."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

# Frameworks whose rank-4 tensors are NCHW.
NCHW = ("caffe", "onnx")


def source_tensors(platform: str, model_file: Path) -> Callable[[str], bool]:
    """Whether a model has a tensor of a name, as its importer names them. Raises MaceError when the
    file cannot be read."""
    if platform == "onnx":
        from mace.importers.onnx.reader import load

        graph = load(model_file).graph
        names = {t for node in graph.node for t in node.output if t}
        names |= {i.name for i in graph.input}
        return names.__contains__
    if platform == "caffe":
        from mace.importers.caffe import blob_names

        return blob_names(model_file).__contains__
    from mace.importers.tensorflow import node_names

    nodes = node_names(model_file)
    return lambda name: name.rpartition(":")[0] in nodes or name in nodes
