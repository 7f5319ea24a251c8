# SPDX-License-Identifier: Apache-2.0
"""What the documents say of operators is what the sources say."""

from __future__ import annotations

from mace.cli import coverage
from mace.graph import schema
from mace.resources import source_root


def test_sources() -> None:
    found = coverage.sources("tensorflow")
    assert {"ResizeBilinear", "ResizeBicubic"} <= set(found["Resize"])
    # By a function of another one, by the node's own name, and by way of a table.
    assert "Dilation2D" in found["Reduce"]
    assert "DepthToSpace" in found["DepthToSpace"]
    assert "Conv2D" not in found["Eltwise"]
    assert "Conv" in coverage.sources("onnx")["Conv2D"]
    assert "ROIAlign" in coverage.sources("caffe")["RoiAlign"]


def test_every_operator_has_cases_and_a_source() -> None:
    root = source_root()
    assert root is not None
    folder = root / "mace/python/mace/passes"
    passes = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for name in schema.operators():
        assert coverage.cases(name, root) > 0, name
        sources = [coverage.sources(p)[name] for p in ("tensorflow", "caffe", "onnx")]
        assert any(sources) or f'"{name}"' in passes, name


def test_refusals() -> None:
    root = source_root()
    assert root is not None
    assert "coeff with integer inputs" in coverage.refusals("Eltwise", root)
    assert coverage.refusals("ArgMax", root) == ""
