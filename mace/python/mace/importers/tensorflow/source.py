# SPDX-License-Identifier: Apache-2.0
"""Reads what TensorFlow models come as: frozen GraphDef, SavedModel, Keras file."""

from __future__ import annotations

from pathlib import Path

from mace.importers.base import ImportFailed, Problem, UnsupportedError
from mace.importers.tensorflow.functions import Functions
from mace.importers.tensorflow.graph_def import read_graph_def
from mace.importers.tensorflow.keras_file import frozen_keras, is_keras
from mace.importers.tensorflow.saved_model import Source, is_saved_model, read_saved_model


def read_source(path: Path) -> Source:
    """The graph of a model file or folder. Raises ImportFailed or MaceError with a sentence."""
    if path.name in ("saved_model.pb", "saved_model.pbtxt"):
        path = path.parent
    if path.is_dir():
        if not is_saved_model(path):
            message = "it is a folder and no SavedModel: it has no saved_model.pb"
            hint = "name the folder of a SavedModel, a Keras file, or a frozen graph (.pb)"
            raise ImportFailed([Problem("model", "file", str(path), message, hint)])
        return read_saved_model(path)
    graph = read_graph_def(frozen_keras(path) if is_keras(path) else path)
    names: set[str] = set()
    problems = []
    for node in graph.node:
        if node.name in names:
            message = "two nodes have this name"
            problems.append(Problem("model", node.op, node.name, message))
        names.add(node.name)
    if problems:
        raise ImportFailed(problems)
    functions = Functions(graph.library)
    try:
        return Source(functions.inlined(graph.node), functions)
    except UnsupportedError as error:
        raise ImportFailed([Problem("model", "file", str(path), str(error), error.hint)]) from None
