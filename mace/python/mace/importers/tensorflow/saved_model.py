# SPDX-License-Identifier: Apache-2.0
"""Reads a SavedModel without TensorFlow: one signature of it as a graph without calls of functions,
and the values of the variables that the graph reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.node_def_pb2 import NodeDef

from mace.errors import MaceError
from mace.graph.ir import Array
from mace.importers.base import UnsupportedError
from mace.importers.tensorflow.bundle import Bundle
from mace.importers.tensorflow.functions import Functions
from mace.importers.tensorflow.graph_def import normalized, numpy_type, split_tensor_name

_DEFAULT = "serving_default"
_VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
_ASSIGNMENTS = ("AssignVariableOp", "Assign")
_PASSING = ("Identity", "IdentityN", "Cast", "EnsureShape")


@dataclass
class Source:
    """A graph to import. variables: values by the name of the node that stands for the variable.
    inputs, outputs: names of tensors that a signature gives; None where there is no signature."""

    nodes: list[Any]
    functions: Functions
    variables: dict[str, Array] = field(default_factory=dict)
    inputs: list[str] | None = None
    outputs: list[str] | None = None


def is_saved_model(path: Path) -> bool:
    """Whether the path is the folder of a SavedModel."""
    return any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))


def read_saved_model(folder: Path, signature: str | None = None) -> Source:
    """One signature of the SavedModel: `signature`, else "serving_default", else the only one.

    Inputs and outputs take the names that the signature gives them. Raises MaceError.
    """
    meta = _meta_graph(folder)
    chosen = meta.signature_def[_signature(folder, meta, signature)]
    functions = Functions(meta.graph_def.library, meta.meta_info_def.stripped_op_list.op)
    nodes = {n.name: n for n in meta.graph_def.node}
    try:
        outputs = [normalized(o.name) for _, o in sorted(chosen.outputs.items())]
        body = functions.inlined(_reached(nodes, outputs))
        restored = _restored(meta, nodes, functions)
    except UnsupportedError as error:
        raise MaceError(f"the SavedModel '{folder}': {error}", hint=error.hint) from None
    read = {n.name for n in body if n.op in _VARIABLES}
    variables: dict[str, Array] = {}
    if read:
        bundle = Bundle(folder / "variables" / "variables")
        variables = {n: bundle.read(key) for n, key in sorted(restored.items()) if n in read}
    source = Source(body, functions, variables)
    _name_interfaces(source, chosen)
    return source


def signature_names(folder: Path, signature: str | None = None) -> tuple[str, list[str]]:
    """The name of the signature that read_saved_model() takes, and of its inputs."""
    meta = _meta_graph(folder)
    chosen = _signature(folder, meta, signature)
    return chosen, sorted(meta.signature_def[chosen].inputs)


def _meta_graph(folder: Path) -> Any:
    from mace.importers.tensorflow.messages import message

    path = folder / "saved_model.pb"
    model = message("SavedModel")()
    try:
        if path.is_file():
            model.ParseFromString(path.read_bytes())
        else:
            path = folder / "saved_model.pbtxt"
            text_format.Parse(path.read_text(encoding="utf-8"), model, allow_unknown_field=True)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError):
        raise MaceError(
            f"'{path}' is not a TensorFlow SavedModel, or it is damaged",
            hint="copy the folder again",
        ) from None
    except OSError as error:
        raise MaceError(f"'{path}' cannot be read: {error.strerror}") from None
    graphs = [g for g in model.meta_graphs if "serve" in g.meta_info_def.tags]
    if not graphs:
        raise MaceError(
            f"the SavedModel '{folder}' has no graph with the tag 'serve'",
            hint="export it for inference, e.g. by tf.saved_model.save or model.export",
        )
    return graphs[0]


def _signature(folder: Path, meta: Any, wanted: str | None) -> str:
    signatures = {k: s for k, s in meta.signature_def.items() if s.outputs and k[:2] != "__"}
    names = ", ".join(sorted(signatures)) or "none"
    if wanted is None and _DEFAULT in signatures:
        wanted = _DEFAULT
    if wanted is None and len(signatures) == 1:
        wanted = next(iter(signatures))
    if wanted is None or wanted not in signatures:
        raise MaceError(
            f"the SavedModel '{folder}' has no signature '{wanted or _DEFAULT}'; it has {names}",
            hint="save it with signatures=, e.g. tf.saved_model.save(model, folder, signatures=f)",
        )
    return wanted


def _reached(nodes: dict[str, Any], tensors: list[str]) -> list[Any]:
    """The nodes that the tensors need, control edges aside, in the order of the model."""
    found: set[str] = set()
    stack = [split_tensor_name(t)[0] for t in tensors]
    while stack:
        name = stack.pop()
        if name in found or name not in nodes:
            continue
        found.add(name)
        stack += [split_tensor_name(t)[0] for t in nodes[name].input if t[:1] != "^"]
    return [n for name, n in nodes.items() if name in found]


def _restored(meta: Any, nodes: dict[str, Any], functions: Functions) -> dict[str, str]:
    """Key in the bundle by node of a variable: what the model's own restoring assigns."""
    root = split_tensor_name(meta.saver_def.restore_op_name)[0]
    if root not in nodes:
        return {}
    # Restoring is ordered by control edges where it is no function.
    part: dict[str, Any] = {}
    stack = [root]
    while stack:
        name = stack.pop()
        if name not in part and name in nodes:
            part[name] = nodes[name]
            stack += [split_tensor_name(t.removeprefix("^"))[0] for t in nodes[name].input]
    inlined = {n.name: n for n in functions.inlined(part.values())}
    result: dict[str, str] = {}
    for node in inlined.values():
        if node.op not in _ASSIGNMENTS or len(node.input) < 2:
            continue
        handle, _ = _origin(inlined, node.input[0])
        value, index = _origin(inlined, node.input[1])
        if handle in inlined and value in inlined and inlined[value].op == "RestoreV2":
            names, _ = _origin(inlined, inlined[value].input[1])
            keys = inlined[names].attr["value"].tensor.string_val if names in inlined else []
            if index < len(keys):
                result[handle] = keys[index].decode("utf-8", "replace")
    return result


def _origin(nodes: dict[str, Any], tensor: str) -> tuple[str, int]:
    """Node and output where a tensor comes from, past nodes that only hand it on."""
    name, index = split_tensor_name(tensor)
    for _ in range(len(nodes)):
        node = nodes.get(name)
        if node is None or node.op not in _PASSING:
            break
        position = index if node.op == "IdentityN" else 0
        if position >= len(node.input):
            break
        name, index = split_tensor_name(node.input[position])
    return name, index


def _name_interfaces(source: Source, signature: Any) -> None:
    """Gives inputs and outputs the names of the signature, where the graph does not use them."""
    taken = {n.name for n in source.nodes}
    by_name = {n.name: n for n in source.nodes}
    source.inputs, source.outputs = [], []
    for key, info in sorted(signature.inputs.items()):
        name = split_tensor_name(info.name)[0]
        # An input that nothing reads is no part of the graph.
        if name not in by_name or numpy_type(info.dtype) is None:
            continue
        if key in taken:
            source.inputs.append(name)
            continue
        node = NodeDef()
        node.CopyFrom(by_name[name])
        node.name = key
        by_name[name].CopyFrom(_identity(name, key, info.dtype))
        source.nodes.append(node)
        source.inputs.append(key)
        taken.add(key)
    for key, info in sorted(signature.outputs.items()):
        if key in taken:
            source.outputs.append(normalized(info.name))
            continue
        source.nodes.append(_identity(key, normalized(info.name), info.dtype))
        source.outputs.append(key)
        taken.add(key)


def _identity(name: str, tensor: str, dtype: int) -> Any:
    node = NodeDef(name=name, op="Identity", input=[tensor])
    node.attr["T"].type = dtype
    return node
