# SPDX-License-Identifier: Apache-2.0
"""Functions of a GraphDef's library: their bodies as nodes in the caller's names.

Inside a FunctionDef an input is "argument" or "node:output_arg:index"; outside it is "node:index"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tensorboard.compat.proto.node_def_pb2 import NodeDef

from mace.importers.base import UnsupportedError

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
# Functions that call each other deeper than this, or give more nodes, are taken to be hostile.
_MAX_DEPTH = 64
_MAX_NODES = 1_000_000

# Names of the outputs of operators that have several, for graphs without definitions of operators.
_OUTPUTS: dict[str, tuple[str, ...]] = {
    "BlockLSTM": ("i", "cs", "f", "o", "ci", "co", "h"),
    "BlockLSTMV2": ("i", "cs", "f", "o", "ci", "co", "h"),
    "FusedBatchNorm": ("y", "batch_mean", "batch_variance"),
    "FusedBatchNormV2": ("y", "batch_mean", "batch_variance"),
    "FusedBatchNormV3": ("y", "batch_mean", "batch_variance"),
    "ListDiff": ("out", "idx"),
    "MaxPoolWithArgmax": ("output", "argmax"),
    "NonMaxSuppressionV4": ("selected_indices", "valid_outputs"),
    "NonMaxSuppressionV5": ("selected_indices", "selected_scores", "valid_outputs"),
    "QuantizeV2": ("output", "output_min", "output_max"),
    "TensorListPopBack": ("output_handle", "tensor"),
    "TopK": ("values", "indices"),
    "TopKV2": ("values", "indices"),
    "Unique": ("y", "idx"),
    "UniqueV2": ("y", "idx"),
    "UniqueWithCounts": ("y", "idx", "count"),
}


class Functions:
    """The functions of a library by name. op_list: definitions of the operators, as a SavedModel
    carries them; they say which output "values:1" of a node is."""

    def __init__(self, library: Any = None, op_list: Iterable[Any] = ()) -> None:
        functions = library.function if library is not None else []
        self._functions = {f.signature.name: f for f in functions}
        self._definitions = {d.name: d for d in op_list}

    def definitions(self) -> list[Any]:
        """All FunctionDefs."""
        return list(self._functions.values())

    def called(self, node: Any) -> str:
        """The name of the function that a node calls, or "" if it is no call."""
        if node.op in CALLS:
            return str(node.attr["f"].func.name)
        return str(node.op) if node.op in self._functions else ""

    def instantiate(
        self, name: str, prefix: str, arguments: Sequence[str], attrs: Any
    ) -> tuple[list[NodeDef], list[str]]:
        """The nodes of a function, named "<prefix>/<node>", that read `arguments`, and the
        tensors that it returns. attrs: of the call, for types that the function leaves open."""
        function = self._functions.get(name)
        if function is None:
            raise UnsupportedError(
                f"it calls the function '{name}', which the model does not have",
                "the model file is damaged",
            )
        parameters = [a.name for a in function.signature.input_arg]
        if len(parameters) != len(arguments):
            raise UnsupportedError(
                f"it calls the function '{name}' of {len(parameters)} arguments with "
                f"{len(arguments)}",
                "the model file is damaged",
            )
        known = dict(zip(parameters, arguments, strict=True))
        inner = {n.name: n for n in function.node_def}
        nodes = []
        for source in function.node_def:
            node = NodeDef()
            node.CopyFrom(source)
            node.name = f"{prefix}/{source.name}"
            del node.input[:]
            node.input.extend(
                self._resolve(t, known, inner, prefix) for t in source.input if t[:1] != "^"
            )
            for value in node.attr.values():
                if value.placeholder and value.placeholder in attrs:
                    value.CopyFrom(attrs[value.placeholder])
            nodes.append(node)
        returned = [
            self._resolve(function.ret[a.name], known, inner, prefix)
            for a in function.signature.output_arg
        ]
        return nodes, returned

    def inlined(self, nodes: Iterable[Any]) -> list[Any]:
        """The nodes with each call replaced by the function's body; an IdentityN of the call's
        name gives its results. Raises UnsupportedError."""
        result: list[Any] = []
        stack = [(node, 0) for node in reversed(list(nodes))]
        while stack:
            node, depth = stack.pop()
            name = self.called(node)
            if not name:
                result.append(node)
                continue
            if depth >= _MAX_DEPTH or len(result) + len(stack) > _MAX_NODES:
                raise UnsupportedError(
                    f"its functions call each other too often ('{name}')",
                    "functions that call themselves are not supported",
                )
            arguments = [t for t in node.input if t[:1] != "^"]
            body, returned = self.instantiate(name, node.name, arguments, node.attr)
            results = NodeDef(name=node.name, op="IdentityN", input=returned)
            if "Tout" in node.attr:
                results.attr["T"].CopyFrom(node.attr["Tout"])
            result.append(results)
            stack.extend((n, depth + 1) for n in reversed(body))
        return result

    def _resolve(self, text: str, known: dict[str, str], inner: dict[str, Any], prefix: str) -> str:
        """The tensor outside that a name inside stands for."""
        if text in known:
            return known[text]
        node, _, rest = text.partition(":")
        if node not in inner:
            raise UnsupportedError(
                f"in a function, something reads '{text}', which it does not have",
                "the model file is damaged",
            )
        argument, _, index = rest.rpartition(":")
        offset = self._offset(inner[node], argument) + (int(index) if index.isdigit() else 0)
        return f"{prefix}/{node}:{offset}" if offset else f"{prefix}/{node}"

    def _offset(self, node: Any, argument: str) -> int:
        """The number of the first tensor of a named output of a node."""
        if node.op in self._functions:
            names = [a.name for a in self._functions[node.op].signature.output_arg]
            return names.index(argument) if argument in names else 0
        definition = self._definitions.get(node.op)
        if definition is None:
            outputs = _OUTPUTS.get(node.op, ())
            return outputs.index(argument) if argument in outputs else 0
        offset = 0
        for output in definition.output_arg:
            if output.name == argument:
                break
            if output.number_attr:
                offset += int(node.attr[output.number_attr].i)
            elif output.type_list_attr:
                offset += len(node.attr[output.type_list_attr].list.type)
            else:
                offset += 1
        return offset
