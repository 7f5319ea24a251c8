# SPDX-License-Identifier: Apache-2.0
"""What passes are written with: an editable copy of a graph that keeps track of who writes and who
reads each tensor, and the registry of passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mace.graph import dtypes, schema
from mace.graph.ir import Array, Dims, Graph, Node, Value, topological

# Operators that put the elements of their first input into another order or shape.
MOVES = ("Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")


class Rewriter:
    """Edits a copy of a graph. Nodes may be added in any order: finish() sorts them.

    Tensors keep their names and meaning, so that what is known of their shapes stays true: a pass
    that computes something else gives it a new name.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph.copy()
        self.outputs = self.graph.output_names()
        self._nodes: dict[int, Node] = {id(n): n for n in self.graph.nodes}
        self._producer: dict[str, Node] = {}
        self._users: dict[str, dict[int, Node]] = {}
        self._names = set(self.graph.consts) | {i.name for i in self.graph.inputs}
        for node in self.graph.nodes:
            self._link(node)

    def _link(self, node: Node) -> None:
        for tensor in node.inputs:
            if tensor:
                self._users.setdefault(tensor, {})[id(node)] = node
        for tensor in node.outputs:
            if tensor:
                self._producer[tensor] = node
                self._names.add(tensor)

    def _unlink(self, node: Node) -> None:
        for tensor in node.inputs:
            self._users.get(tensor, {}).pop(id(node), None)
        for tensor in node.outputs:
            if self._producer.get(tensor) is node:
                del self._producer[tensor]

    def nodes(self, *ops: str) -> list[Node]:
        """The present nodes of these types, or all, in execution order as far as they are old."""
        return [n for n in self._nodes.values() if not ops or n.op in ops]

    def alive(self, node: Node) -> bool:
        """Whether the node was not removed."""
        return id(node) in self._nodes

    def producer(self, tensor: str, *ops: str) -> Node | None:
        """The node that writes a tensor, if it is of one of these types (any when none given)."""
        node = self._producer.get(tensor)
        return node if node is not None and (not ops or node.op in ops) else None

    def users(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor."""
        return list(self._users.get(tensor, {}).values())

    def only_user(self, tensor: str) -> Node | None:
        """The node that reads a tensor when that is its only use; None for graph outputs."""
        users = self.users(tensor)
        alone = len(users) == 1 and tensor not in self.outputs
        return users[0] if alone and users[0].inputs.count(tensor) == 1 else None

    def used_once(self, tensor: str) -> bool:
        """Whether one node reads the tensor, in one place, and it is no graph output."""
        return self.only_user(tensor) is not None

    def const(self, tensor: str) -> Array | None:
        """The elements of a constant."""
        return self.graph.consts.get(tensor)

    def add_const(self, stem: str, array: Array) -> str:
        """Adds a constant under a new name and returns the name."""
        name = self.fresh(stem)
        self.graph.consts[name] = array
        self.graph.values[name] = Value(name, dtypes.from_numpy(array.dtype), array.shape)
        return name

    def fresh(self, stem: str) -> str:
        """A tensor name that is not taken; it is taken now."""
        name, count = stem, 1
        while name in self._names:
            count += 1
            name = f"{stem}__{count}"
        self._names.add(name)
        return name

    def shape(self, tensor: str) -> Dims | None:
        """The shape as far as it is known, -1 for unknown dimensions; None: not even the rank."""
        array = self.graph.consts.get(tensor)
        if array is not None:
            return array.shape
        value = self.graph.values.get(tensor)
        return value.shape if value is not None else None

    def rank(self, tensor: str) -> int | None:
        """The rank, where it is known."""
        shape = self.shape(tensor)
        return None if shape is None else len(shape)

    def dtype(self, tensor: str) -> str | None:
        """The element type, where it is known."""
        array = self.graph.consts.get(tensor)
        if array is not None:
            return dtypes.from_numpy(array.dtype)
        value = self.graph.values.get(tensor)
        return value.dtype if value is not None else None

    def attr(self, node: Node, name: str) -> Any:
        """The node's attribute or its default."""
        return schema.attribute(node, name)

    def set_value(self, tensor: str, like: str, shape: Dims | None) -> None:
        """Notes the shape of a new tensor, whose element type is that of `like`."""
        self.graph.values[tensor] = Value(tensor, self.dtype(like), shape)

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attrs: dict[str, Any] | None = None,
        source: Node | None = None,
    ) -> Node:
        """Adds a node that writes `outputs`. `source`: the node that it stands for."""
        name = source.name if source is not None and not self.alive(source) else outputs[0]
        node = Node(op, name, list(inputs), list(outputs), dict(attrs or {}))
        node.source = source.source if source is not None else ""
        if op in MOVES:
            self.graph.moves.append(Node(op, name, list(inputs), list(outputs), dict(node.attrs)))
        self._nodes[id(node)] = node
        self._link(node)
        return node

    def remove(self, node: Node) -> None:
        """Removes a node; its outputs are left without a producer."""
        self._unlink(node)
        del self._nodes[id(node)]

    def replace(self, node: Node, op: str, inputs: Sequence[str], **attrs: Any) -> Node:
        """Puts another operator in the place of a node, with the same outputs."""
        self.remove(node)
        return self.add(op, inputs, node.outputs, attrs, node)

    def set_inputs(self, node: Node, inputs: Sequence[str]) -> None:
        """Lets a node read other tensors."""
        self._unlink(node)
        node.inputs = list(inputs)
        self._link(node)

    def set_output(self, node: Node, index: int, tensor: str) -> None:
        """Lets a node write its output under another name."""
        self._unlink(node)
        node.outputs[index] = tensor
        self._link(node)

    def redirect(self, old: str, new: str) -> None:
        """Lets all readers of `old` read `new`."""
        for user in self.users(old):
            self.set_inputs(user, [new if t == old else t for t in user.inputs])

    def forward(self, node: Node, tensor: str) -> bool:
        """Removes a node whose only output equals `tensor`; its readers read that instead.

        When the node's output is a graph output, the producer of `tensor` writes under that name.
        False, with nothing changed, where that cannot be: `tensor` is itself an input, a constant
        or an output of the graph.
        """
        old = node.outputs[0]
        if old in self.outputs:
            producer = self._producer.get(tensor)
            if producer is None or tensor in self.outputs:
                return False
            self.remove(node)
            self.set_output(producer, producer.outputs.index(tensor), old)
            self.redirect(tensor, old)
            return True
        self.remove(node)
        self.redirect(old, tensor)
        return True

    def become_identity(self, node: Node, tensor: str) -> bool:
        """As forward(), but leaves an Identity where the node cannot go. False: it was one."""
        if self.forward(node, tensor):
            return True
        if node.op == "Identity":
            return False
        self.replace(node, "Identity", [tensor])
        return True

    def finish(self) -> Graph:
        """The graph in execution order, without nodes and constants that no output needs."""
        known = set(self.graph.consts) | {i.name for i in self.graph.inputs}
        order = topological(self._nodes.values(), known)
        needed = set(self.outputs)
        kept = []
        for node in reversed(order):
            if needed.intersection(node.outputs):
                kept.append(node)
                needed.update(t for t in node.inputs if t)
        self.graph.nodes = kept[::-1]
        self.graph.consts = {n: a for n, a in self.graph.consts.items() if n in needed}
        return self.graph


Body = Callable[[Rewriter], None]
GraphFunction = Callable[[Graph], Graph]


@dataclass(frozen=True)
class Pass:
    """A function from graph to graph, and the name by which a deployment file asks for it."""

    name: str
    doc: str
    function: GraphFunction

    def __call__(self, graph: Graph) -> Graph:
        return self.function(graph)


PASSES: dict[str, Pass] = {}


def graph_pass(name: str) -> Callable[[Body], Pass]:
    """Decorator: registers a function that edits a Rewriter as a pass.

    The pass is pure, and leaves the graph in execution order without dead code.
    """

    def wrap(body: Body) -> Pass:
        def function(graph: Graph) -> Graph:
            rewriter = Rewriter(graph)
            body(rewriter)
            return rewriter.finish()

        if name in PASSES:
            raise ValueError(f"pass {name} is registered twice")
        doc = (body.__doc__ or "").strip().split("\n")[0]
        PASSES[name] = Pass(name, doc, function)
        return PASSES[name]

    return wrap
