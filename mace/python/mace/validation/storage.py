# SPDX-License-Identifier: Apache-2.0
"""What a smaller storage of weights saves, and what it costs: size, and similarity of the outputs with
those of the same model in float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mace.errors import MaceError
from mace.export.model import to_bytes
from mace.validation.inputs import random_inputs, with_sizes
from mace.validation.metrics import cosine_similarity

if TYPE_CHECKING:
    from mace.convert import ConvertedGraph

_SAMPLES = 3
# Where the model leaves a size open.
_SIZE = 64


@dataclass(frozen=True)
class StorageReport:
    """Bytes of model.data, and of each output the least cosine similarity over some samples; without
    any when `why` tells what kept the model from being run."""

    float32_bytes: int
    stored_bytes: int
    similarity: dict[str, float]
    why: str = ""


def compare_storage(
    converted: ConvertedGraph, ranges: Sequence[tuple[float, float]] | None = None
) -> StorageReport:
    """Runs the model as it is stored and in float32 on random inputs within `ranges` (default: -1 to
    1 for each)."""
    from mace.runtime import Engine

    plain = to_bytes(converted.graph, ["cpu"])
    least: dict[str, float] = {}
    why = ""
    try:
        with (
            Engine.from_bytes(plain.graph, plain.data or None) as exact,
            Engine.from_bytes(converted.model.graph, converted.model.data or None) as stored,
        ):
            infos = with_sizes(exact.inputs, _SIZE)
            bounds = list(ranges or [])
            if len(bounds) != len(infos):
                bounds = [(-1.0, 1.0)] * len(infos)
            for seed in range(_SAMPLES):
                inputs = random_inputs(infos, bounds, seed)
                expected, found = exact.run(inputs), stored.run(inputs)
                for name, array in expected.items():
                    same = array.shape == found[name].shape
                    similarity = cosine_similarity(array, found[name]) if same else 0.0
                    least[name] = min(similarity, least.get(name, 1.0))
    except MaceError as error:
        least, why = {}, str(error)
    return StorageReport(len(plain.data), len(converted.model.data), least, why)
