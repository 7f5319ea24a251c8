# SPDX-License-Identifier: Apache-2.0
"""ONNX LSTM, GRU and RNN: MACE's operators are theirs, with the steps first."""

from __future__ import annotations

from typing import Any

from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register

# Functions of gates for each direction, and those that take alpha, beta with their defaults.
_COUNT = {"LSTM": 3, "GRU": 2, "RNN": 1}
_DEFAULT = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
_ALPHA = {
    "Affine": 1.0,
    "LeakyRelu": 0.01,
    "ThresholdedRelu": 1.0,
    "ScaledTanh": 1.0,
    "HardSigmoid": 0.2,
    "Elu": 1.0,
}
_BETA = {"Affine": 0.0, "ScaledTanh": 1.0, "HardSigmoid": 0.5}
_PLAIN = ("Sigmoid", "Tanh", "Relu", "Softsign", "Softplus")


@register("LSTM", "GRU", "RNN", versions=(7, 22))
def _recurrent(b: Builder, n: OnnxNode) -> None:
    direction = str(n.attr("direction", "forward")).upper()
    if direction not in ("FORWARD", "REVERSE", "BIDIRECTIONAL"):
        raise UnsupportedError(f"the attribute direction is {n.attr('direction', '')}")
    attrs: dict[str, Any] = {"direction": direction, **_functions(n, direction)}
    if n.attr("clip", 0.0):
        attrs["clip"] = float(n.attr("clip", 0.0))
    if n.op == "LSTM" and n.attr("input_forget", 0):
        attrs["input_forget"] = True
    if n.op == "GRU" and n.attr("linear_before_reset", 0):
        attrs["linear_before_reset"] = True
    inputs = list(n.inputs)
    batch_first = bool(n.attr("layout", 0))
    if batch_first:  # input and initial states have the batch before steps and directions
        for i in (0, 5, 6):
            if n.input(i):
                inputs[i] = b.op("Transpose", [inputs[i]], dims=[1, 0, 2])
    names = [*n.outputs, "", "", ""][: 3 if n.op == "LSTM" else 2]
    orders = ([2, 0, 1, 3], [1, 0, 2], [1, 0, 2])
    results = [b.tensor("state") if batch_first or not name else name for name in names]
    b.op(n.op, inputs, results, **attrs)
    for name, result, order in zip(names, results, orders, strict=False):
        if batch_first and name:
            b.op("Transpose", [result], [name], dims=order)


def _functions(n: OnnxNode, direction: str) -> dict[str, Any]:
    """The functions of gates with a number alpha and beta for each. The node lists numbers for
    those that take one alone."""
    directions = 2 if direction == "BIDIRECTIONAL" else 1
    given = n.attrs.get("activations")
    if not given:
        return {}
    known = {name.lower(): name for name in (*_PLAIN, *_ALPHA)}
    names = []
    for value in given:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        if text.lower() not in known:
            raise UnsupportedError(
                f"the activation {text} is not known", f"MACE has {', '.join(known.values())}"
            )
        names.append(known[text.lower()])
    if len(names) != _COUNT[n.op] * directions:
        raise UnsupportedError(
            f"the attribute activations has {len(names)} names; there must be "
            f"{_COUNT[n.op] * directions}"
        )
    attrs: dict[str, Any] = {}
    if names != _DEFAULT[n.op] * directions:
        attrs["activations"] = ",".join(names)
    if any(name in _ALPHA for name in names):
        attrs["activation_alpha"] = _numbers(names, _ALPHA, n.attr("activation_alpha", []))
        attrs["activation_beta"] = _numbers(names, _BETA, n.attr("activation_beta", []))
    return attrs


def _numbers(names: list[str], defaults: dict[str, float], given: list[float]) -> list[float]:
    rest = iter(float(v) for v in given)
    return [next(rest, defaults[name]) if name in defaults else 0.0 for name in names]
