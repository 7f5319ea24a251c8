# SPDX-License-Identifier: Apache-2.0
"""ONNX's own node suite through mace.onnx_backend and the engine. nodes_passing.txt lists the cases
that must pass; it may only grow. The other cases must be refused with a sentence."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mace.errors import MaceError
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.test_case import TestCase
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from mace import onnx_backend

MANIFEST = Path(__file__).with_name("nodes_passing.txt")
PASSING = [line for line in MANIFEST.read_text().splitlines() if not line.startswith("#")]

# Cases that are computed, with another result. What differs is said here.
DIFFERENT = {
    # These results are rounded to bfloat16 at every step; MACE rounds once, at the end.
    "test_attention_3d_causal_bf16_expanded",
    "test_attention_4d_attn_mask_causal_bf16_expanded",
    "test_attention_4d_causal_bf16_expanded",
    "test_attention_4d_causal_padded_kv_bf16_expanded",
    "test_attention_4d_padded_kv_bf16_expanded",
    # The corners are those of a size that is no integer; onnxruntime and PyTorch do as MACE does.
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
}


@lru_cache(maxsize=1)
def _cases() -> dict[str, TestCase]:
    return {case.name: case for case in load_model_tests(kind="node")}


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _run(case: TestCase) -> bool:
    """Whether all outputs are right, within the suite's tolerances."""
    prepared = onnx_backend.prepare(case.model)
    for inputs, outputs in case.data_sets:
        got = prepared.run([_array(v) for v in inputs])
        for value, output in zip(got, outputs, strict=True):
            want = np.asarray(_array(output))
            if value.shape != want.shape or value.dtype != want.dtype:
                return False
            near = np.allclose(
                value.astype(np.float64),
                want.astype(np.float64),
                rtol=case.rtol,
                atol=case.atol,
                equal_nan=True,
            )
            if not near:
                return False
    return True


@pytest.mark.parametrize("name", PASSING)
def test_passes(name: str) -> None:
    assert _run(_cases()[name])


def test_the_others_are_refused_with_a_sentence() -> None:
    """And none of them passes: then it belongs into the manifest."""
    news, wrong = [], []
    for name, case in _cases().items():
        if name in PASSING:
            continue
        try:
            (news if _run(case) else wrong).append(name)
        except (MaceError, BackendIsNotSupposedToImplementIt) as error:
            assert str(error), name
    assert not news, f"add to {MANIFEST.name}: {news}"
    assert set(wrong) == DIFFERENT
