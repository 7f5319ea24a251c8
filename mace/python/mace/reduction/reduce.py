# SPDX-License-Identifier: Apache-2.0
"""The steps of a reduction: fewer nodes, nodes that pass their input on, smaller inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mace.reduction.capture import expected_of
from mace.reduction.cases import Case, Part, with_values
from mace.reduction.minimize import Budget, minimize
from mace.reduction.predicates import Differs, Predicate
from mace.validation.engines import Engine

Say = Callable[[str], None]
_MOST_SHRINKS = 40


@dataclass
class Reduced:
    """The smallest part that fails, and how many tests that took."""

    part: Part
    tests: int


def reduce_case(
    case: Case, predicate: Predicate, right: Engine, most: int, timeout: float, say: Say
) -> Reduced | None:
    """Shrinks a model that fails; None if it does not fail as a whole. right: gives the expected
    values of smaller inputs. most: tests that may be run."""

    def test(nodes: Sequence[int]) -> bool:
        part = case.part(nodes)
        failed = part is not None and predicate.fails(case, part)
        if failed:
            say(f"{len(nodes)} of {len(case.nodes)} nodes fail")
        return failed

    budget = Budget(test, most)
    everything = range(len(case.nodes))
    if not budget.fails(everything):
        return None
    nodes = minimize(everything, budget)
    part = case.part(nodes)
    assert part is not None  # it was tested
    left = budget.left
    part, left = _bypass(case, predicate, part, left)
    part, left = _shrink(case, predicate, part, right, min(left, _MOST_SHRINKS), left, timeout)
    return Reduced(part, budget.asked + budget.left - left)


def _bypass(case: Case, predicate: Predicate, part: Part, left: int) -> tuple[Part, int]:
    """Lets nodes inside pass their first input on, where the failure stays."""
    if len(part.nodes) < 2:
        return part, left
    for k in part.nodes:
        if left <= 0 or len(part.bypassed) + 1 >= len(part.nodes):
            break
        if not case.can_bypass(k):
            continue
        # The values behind a bypassed node are others, so what is expected is not known.
        if isinstance(predicate, Differs):
            break
        smaller = case.part(part.nodes, part.bypassed | {k})
        left -= 1
        if smaller is not None and predicate.fails(case, smaller):
            part = smaller
    return part, left


def _shrink(
    case: Case,
    predicate: Predicate,
    part: Part,
    right: Engine,
    most: int,
    left: int,
    timeout: float,
) -> tuple[Part, int]:
    """Halves dimensions of the inputs as long as the failure stays."""
    values = dict(case.values)
    for name in list(part.inputs):
        axis = 0
        while axis < part.inputs[name].ndim and most > 0:
            size = part.inputs[name].shape[axis]
            if size < 2:
                axis += 1
                continue
            index = [slice(None)] * axis + [slice(0, size // 2)]
            inputs = {**part.inputs, name: np.ascontiguousarray(part.inputs[name][tuple(index)])}
            smaller = with_values(part, inputs)
            most, left = most - 1, left - 1
            if _still_fails(case, predicate, smaller, right, timeout):
                part, values = smaller, dict(case.values)
            else:
                case.values = dict(values)
                axis += 1
    return part, left


def _still_fails(
    case: Case, predicate: Predicate, part: Part, right: Engine, timeout: float
) -> bool:
    if isinstance(predicate, Differs):
        expected = expected_of(case, part, right, timeout)
        if expected is None:
            return False
        case.values = {**case.values, **part.inputs, **expected}
    return predicate.fails(case, part)
