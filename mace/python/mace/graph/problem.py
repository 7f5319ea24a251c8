# SPDX-License-Identifier: Apache-2.0
"""What keeps a model from being converted, as importers and the engine's check report it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Problem:
    """A reason why a model cannot be converted. `kind`: "operator" (there is no such operator in
    MACE), "attribute" (it exists, but not with this attribute, type or shape) or "model"."""

    kind: str
    op: str  # source operator, e.g. "GridSample"
    node: str  # its name in the user's model
    message: str  # what is wrong, a sentence
    hint: str = ""  # what to do about it
    shapes: str = ""  # shapes of the inputs where known
