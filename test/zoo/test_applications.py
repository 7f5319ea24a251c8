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
    assert found.cosine >= applications.LEAST_COSINE, found
    # Nothing but constants would agree perfectly, too.
    assert found.nodes > 10, found


def test_the_list_is_complete() -> None:
    """A name that Keras no longer has, or a new one of moderate size, is seen."""
    import tensorflow as tf

    module = tf.keras.applications
    present = {n for n in dir(module) if n[0].isupper()}
    assert present == {*applications.NAMES, *applications.LARGE}


def test_the_table_is_complete() -> None:
    found = applications.recorded()
    assert set(applications.NAMES) <= set(found)
    assert min(found.values()) >= applications.LEAST_COSINE


def test_a_row_is_renewed(tmp_path: Path) -> None:
    table = tmp_path / "table.md"
    table.write_text("# T\n\n| a | b |\n| --- | --- |\n| VGG16 | 1 | 2 | 0.5 | 1 |\n\nend\n")
    for name, cosine in (("VGG16", 1.0), ("MobileNet", 0.25)):
        applications.record(applications.Agreement(name, 1, 2, cosine, 0.0, 1.0), table)
    assert applications.recorded(table) == {"MobileNet": 0.25, "VGG16": 1.0}
    assert table.read_text().endswith("|\n\nend\n")
