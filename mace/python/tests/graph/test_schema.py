# SPDX-License-Identifier: Apache-2.0
"""ops.yml as typed objects, and the check of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mace.graph import dtypes, schema
from mace.graph.ir import Node


def _conv(inputs: int = 2, **attrs: Any) -> Node:
    return Node("Conv2D", "conv", ["x", "w", "b", "z"][:inputs], ["y"], attrs)


def test_every_operator_has_a_sentence_and_types() -> None:
    for operator in schema.operators().values():
        assert operator.doc.endswith(".")
        assert operator.types["cpu"]
        assert operator.types["cpu"] == ("any",) or all(
            t in dtypes.NUMBERS for t in operator.types["cpu"]
        )
        for attribute in operator.attributes.values():
            if not attribute.required:
                assert attribute.problem(attribute.default) is None, attribute.name


def test_good_node() -> None:
    assert schema.check_node(_conv(strides=[2, 2], padding="SAME", activation="RELU")) == []


@pytest.mark.parametrize(
    ("attrs", "text"),
    [
        ({"strides": [2]}, "must have 2 elements"),
        ({"strides": [0, 1]}, "must be at least 1"),
        ({"strides": [1.0, 1]}, "must be a list of integers"),
        ({"strides": [True, 1]}, "must be a list of integers"),
        ({"padding": "FULL"}, "must be one of VALID, SAME, EXPLICIT"),
        ({"stride": [1, 1]}, "did you mean strides?"),
        ({"max_limit": "six"}, "must be a number"),
        ({"group": 0}, "must be at least 1"),
    ],
)
def test_bad_attributes(attrs: dict[str, Any], text: str) -> None:
    problems = schema.check_node(_conv(**attrs))
    assert len(problems) == 1
    assert text in problems[0]


def test_all_problems_are_found() -> None:
    assert len(schema.check_node(_conv(1, strides=[0, 1], pads=1))) == 3


def test_arity() -> None:
    assert "takes 2 to 3" in schema.check_node(_conv(4))[0]
    assert schema.check_node(Node("Concat", "c", ["a"] * 9, ["y"], {"axis": 0})) == []
    assert "takes 1 to any number" in schema.check_node(Node("Concat", "c", [], ["y"]))[0]
    absent = Node("Conv2D", "conv", ["x", ""], ["y"])
    assert schema.check_node(absent) == ["input filter of Conv2D is missing"]


def test_required_attribute_and_unknown_operator() -> None:
    assert schema.check_node(Node("Unary", "u", ["x"], ["y"])) == ["Unary needs the attribute type"]
    problem = schema.check_node(Node("Conv2d", "c", ["x", "w"], ["y"]))[0]
    assert problem == "there is no operator Conv2d; did you mean Conv2D?"


def test_defaults() -> None:
    assert schema.attribute(_conv(), "strides") == [1, 1]
    assert schema.attribute(_conv(strides=[3, 1]), "strides") == [3, 1]


def test_unknown_attribute_type_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ops.yml"
    path.write_text(
        "groups: {}\noperators:\n  A:\n    doc: x\n    inputs: {i: any}\n    outputs: {o: any}\n"
        "    attrs:\n      size: {type: number}\n    types: {cpu: [f32]}\n"
    )
    with pytest.raises(ValueError, match=r"A\.size in ops.yml has the unknown type number"):
        schema.load(path)


def test_names_of_types() -> None:
    assert dtypes.parse("float32") == dtypes.parse("f32") == dtypes.parse("FLOAT") == "f32"
    assert dtypes.parse("complex64") is None
    assert dtypes.from_numpy(">i8") == "i64"
    assert dtypes.from_numpy("c8") is None
    for name in dtypes.NUMBERS:
        assert dtypes.from_numpy(dtypes.to_numpy(name)) == name
