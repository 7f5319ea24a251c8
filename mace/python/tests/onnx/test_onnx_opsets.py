# SPDX-License-Identifier: Apache-2.0
"""Every imported operator in each form that it has had since opset 7, against onnxruntime or onnx's
reference, in the engine; what is refused for its opset."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from mace.errors import MaceError
from mace.importers.base import ImportFailed
from mace.importers.onnx import opsets
from mace.importers.onnx.importer import import_proto
from mace.importers.onnx.node import VERSIONS
from onnx_models import one, random
from opset_cases import cases, forms, operators

from mace import onnx_backend

# Strings alone.
_REFUSED = {("ai.onnx.ml.LabelEncoder", 1)}


@pytest.mark.parametrize("op", operators())
def test_each_form(op: str) -> None:
    for form in forms(op):
        if (op, form) in _REFUSED:
            assert opsets.refusal(op, form)
            continue
        found = cases(op, form)
        assert found, f"{op} has the form of opset {form}, and no case tests it"
        for case in found:
            where = f"{op} of opset {form}: {onnx.printer.to_text(case.model.graph.node[0])}"
            got = onnx_backend.prepare(case.model).run(list(case.inputs.values()))
            for have, want in zip(got, case.outputs, strict=True):
                assert have.shape == want.shape and have.dtype == want.dtype, where
                wide = [a.astype(np.float64) for a in (have, want)]
                np.testing.assert_allclose(*wide, rtol=1e-3, atol=1e-5, err_msg=where)


@pytest.mark.parametrize("op", operators())
def test_ranges_are_those_of_the_schemas(op: str) -> None:
    """A new form of an operator is noticed: it is in no range before somebody has looked at it."""
    first, last = VERSIONS[op]
    known = forms(op)
    assert (op, known[0]) in _REFUSED or first <= known[0]
    assert known[-1] <= last, f"{op} has a form of opset {known[-1]}, and {last} is the last known"


def test_forms_outside_the_range_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VERSIONS, "Relu", (7, 13))
    with pytest.raises(ImportFailed, match="has the form of opset 14.*from opset 7 to 13"):
        import_proto(one("Relu", [2, 3], opset=17))
    import_proto(one("Relu", [2, 3], opset=13))


def test_operators_of_another_opset_are_refused() -> None:
    with pytest.raises(ImportFailed, match="ONNX has no HardSwish in opset 13"):
        import_proto(one("HardSwish", [2, 3], opset=13))
    with pytest.raises(ImportFailed, match="Upsample .*has the form of opset 10"):
        import_proto(one("Upsample", [1, 1, 2, 2], {"s": np.ones(4, np.float32)}, opset=10))


def test_older_models_are_raised() -> None:
    """Add of opset 6 broadcasts only where it is told to."""
    old = one("Add", [2, 3, 4, 5], {"c": random(4, 5)}, opset=6, broadcast=1)
    c = onnx.numpy_helper.to_array(old.graph.initializer[0])
    info = onnx.helper.make_tensor_value_info("c", onnx.TensorProto.FLOAT, c.shape)
    old.graph.input.append(info)  # as older models have it
    x = random(2, 3, 4, 5)
    got = onnx_backend.prepare(old).run([x])[0]
    np.testing.assert_allclose(got, x + c, rtol=1e-6)


def test_models_that_are_too_new_are_refused() -> None:
    with pytest.raises(MaceError, match=r"uses opset 999; \d+ is the newest"):
        import_proto(one("Relu", [2, 3], opset=999))
