# SPDX-License-Identifier: Apache-2.0
"""The body of a loop as expressions over its arguments."""

from __future__ import annotations

from typing import Any

from mace.importers.tensorflow.functions import Functions
from mace.importers.tensorflow.graph_def import (
    TfNode,
    normalized,
    split_tensor_name,
    tensor_to_array,
)

_PASSING = ("Identity", "ReadVariableOp", "IdentityN", "StopGradient")
_PREFIX = "body"


class Body:
    """A function of a loop. Tensors are named as within; those that only hand another on are
    resolved to it. Arguments are named "argument<number>", as no node is."""

    def __init__(self, functions: Functions, loop: TfNode, function: str) -> None:
        self._function = function
        arguments = [self.name(i) for i in range(len(loop.inputs))]
        nodes, results = functions.instantiate(function, _PREFIX, arguments, loop.attrs)
        self.nodes: dict[str, Any] = {n.name: n for n in functions.inlined(nodes)}
        self.results = [self.resolved(t) for t in results]

    @staticmethod
    def name(argument: int) -> str:
        """The name of an argument."""
        return f"argument{argument}"

    def argument(self, tensor: str) -> int:
        """The number of the argument that the tensor is, or -1."""
        number = tensor.removeprefix("argument")
        return int(number) if number != tensor and number.isdigit() else -1

    def resolved(self, tensor: str) -> str:
        """What the tensor is in the end."""
        tensor = normalized(tensor)
        for _ in range(len(self.nodes) + 1):
            name, index = split_tensor_name(tensor)
            node = self.nodes.get(name)
            if node is None or node.op not in _PASSING or not node.input:
                break
            place = index if node.op == "IdentityN" else 0
            tensor = normalized(node.input[min(place, len(node.input) - 1)])
        return tensor

    def node(self, tensor: str) -> Any:
        """The node that makes a tensor."""
        return self.nodes[split_tensor_name(tensor)[0]]

    def op(self, tensor: str) -> str:
        """The operator that makes a tensor, "" for arguments."""
        node = self.nodes.get(split_tensor_name(tensor)[0])
        return str(node.op) if node is not None else ""

    def output_index(self, tensor: str) -> int:
        """Which output of its node a tensor is."""
        return split_tensor_name(tensor)[1]

    def inputs(self, tensor: str) -> list[str]:
        """What the node of a tensor reads."""
        return [self.resolved(t) for t in self.node(tensor).input if t[:1] != "^"]

    def is_invariant(self, argument: int) -> bool:
        """Whether the loop hands an argument on as it is."""
        return self.results[argument] == self.name(argument)

    def is_counter(self, argument: int) -> bool:
        """Whether the loop adds one to an argument."""
        tensor = self.results[argument]
        if self.op(tensor) not in ("Add", "AddV2"):
            return False
        first, second = self.inputs(tensor)
        if self.argument(first) != argument or self.op(second) != "Const":
            return False
        value = tensor_to_array(self.node(second).attr["value"].tensor)
        return value.size == 1 and int(value.reshape(-1)[0]) == 1

    def is_constant(self, tensor: str) -> bool:
        """Whether the loop does not change the tensor."""
        pending, seen = [tensor], set()
        while pending:
            current = pending.pop()
            number = self.argument(current)
            if number >= 0:
                if not self.is_invariant(number):
                    return False
            elif current not in seen:
                seen.add(current)
                if split_tensor_name(current)[0] not in self.nodes:
                    return False
                pending += self.inputs(current)
        return True

    def outside(
        self, functions: Functions, loop: TfNode, tensor: str, prefix: str
    ) -> tuple[list[Any], list[str]]:
        """The nodes of the body for the loop's own inputs, and a tensor by its name there."""
        nodes, _ = functions.instantiate(self._function, prefix, loop.inputs, loop.attrs)
        return functions.inlined(nodes), [prefix + tensor.removeprefix(_PREFIX)]
