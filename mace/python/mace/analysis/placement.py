# SPDX-License-Identifier: Apache-2.0
"""Which operators of a model a GPU would execute, and why not the others: the engine's own decision
for a usual device, which need not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mace.analysis.infer import for_shapes, input_tensors
from mace.errors import MaceError
from mace.graph.ir import Graph

if TYPE_CHECKING:
    from mace.runtime import Placement


def placements(graph: Graph, data_type: str = "", memory: str = "") -> list[Placement]:
    """One for each operator, for the shapes of the inputs; sizes that are not known are assumed.

    data_type: "fp32_fp32", "fp16_fp32" or "fp16_fp16", memory: "buffer" or "image"; empty: the
    usual. Raises MaceError when the engine was built without the GPU runtime.
    """
    from mace.runtime import (
        DEVICES,
        GPU_DATA_TYPES,
        GPU_MEMORY_TYPES,
        PLACEMENT_FN,
        library,
        placement_collector,
    )

    model = for_shapes(graph)
    found: list[Placement] = []
    callback = PLACEMENT_FN(placement_collector(found))  # it must outlive the call
    lib = library()
    code = lib.mace_infer_placements(
        model.graph,
        len(model.graph),
        model.data,
        len(model.data),
        DEVICES["gpu"],
        GPU_DATA_TYPES[data_type],
        GPU_MEMORY_TYPES[memory],
        input_tensors(graph, 0),
        len(graph.inputs),
        callback,
        None,
    )
    if code != 0:
        raise MaceError((lib.mace_last_error() or b"").decode("utf-8", "replace"), code=code)
    return found
