# SPDX-License-Identifier: Apache-2.0
"""The architectures of tf.keras.applications agree with TensorFlow; all but one are nightly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import applications

QUICK = ("MobileNetV3Small",)


def _cases() -> list[Any]:
    return [
        pytest.param(name, marks=[] if name in QUICK else [pytest.mark.nightly])
        for name in applications.NAMES
    ]


@pytest.mark.parametrize("name", _cases())
def test_agrees_with_tensorflow(name: str, tmp_path: Path) -> None:
    found = applications.compare(name, tmp_path)
    assert found.cosine >= 0.99999, found
    # Nothing but constants would agree perfectly, too.
    assert found.nodes > 10, found


def test_the_list_is_complete() -> None:
    """A name that Keras no longer has, or a new one of moderate size, is seen."""
    import tensorflow as tf

    module = tf.keras.applications
    present = {n for n in dir(module) if n[0].isupper()}
    too_large = {"ConvNeXtLarge", "ConvNeXtXLarge", "EfficientNetV2L"}
    assert present - too_large == set(applications.NAMES)
