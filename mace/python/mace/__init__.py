# SPDX-License-Identifier: Apache-2.0
"""MACE: convert a trained network once, run it anywhere.

import mace
files = mace.convert("model.onnx")
with mace.Engine(files.graph, files.data) as engine:
    outputs = engine.run({"x": array})
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mace.errors import MaceError

if TYPE_CHECKING:
    from mace.api import ConvertedModel as ConvertedModel
    from mace.runtime import Engine, Gpu

__version__ = "1.0.0"
__all__ = ["Engine", "Gpu", "MaceError", "__version__", "convert"]


def convert(model: str, **config: Any) -> ConvertedModel:
    """Converts a model file or a deployment file; see mace.api.convert."""
    from mace import api  # the converter's libraries are loaded when it is used

    return api.convert(model, **config)


def __getattr__(name: str) -> Any:
    # NumPy takes longer to load than all else, and not everything here needs it.
    if name in ("Engine", "Gpu"):
        from mace import runtime

        return getattr(runtime, name)
    raise AttributeError(f"module 'mace' has no attribute '{name}'")


class _Package(ModuleType):
    """The package, in which importing the module mace.convert does not hide mace.convert()."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "convert" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
