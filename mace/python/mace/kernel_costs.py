# SPDX-License-Identifier: Apache-2.0
"""The cost model by which the engine chooses between ways of a convolution, fitted to measurements.

Work in a unit takes its amount times what the unit costs. Of multiply-adds and the two ways of
filters the one that takes longest counts, as they go on at the same time; the others are added.
Filters cost the same in all ways, whose products are the same code. Work comes from the engine
itself (mace/kernels/winograd and strassen), costs lie in mace/base/costs.yml."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from mace.errors import MaceError

COSTS = Path("mace/base/costs.yml")
WAYS = ("product", "winograd_2", "winograd_4", "strassen")
UNITS = ("mac", "step", "filter", "input", "output")
_AT_ONCE = 3  # of the units, the first ones go on at the same time
MORE_FILTERS = 1.1  # kMoreFilters of mace/kernels/winograd/winograd.cc
STRASSEN_GAIN = 1.06  # kLeastGain of mace/kernels/strassen/strassen.cc
SHARED = ("step", "filter")  # by all ways
# A choice this much slower than the fastest way is called a wrong one.
TOLERANCE = 0.05
_DIGITS = 4
_TURNS = 20
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Timing:
    """One layer by one way. time: nanoseconds, or instructions; work: by unit."""

    layer: str
    way: str
    time: float
    work: Mapping[str, float]


Costs = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Choice:
    """What the model chooses for a layer. loss: 0.1 if it takes 10 % more than the fastest."""

    layer: str
    chosen: str
    fastest: str
    loss: float


@dataclass(frozen=True)
class Fit:
    """costs: of each way and unit, in multiply-adds of the product; unit: the time of one of those;
    errors: relative, of each way: root of the mean square and the largest."""

    costs: Costs
    unit: float
    errors: dict[str, tuple[float, float]] = field(default_factory=dict)


def fit(timings: Iterable[Timing]) -> Fit:
    """The costs, none below 0, whose relative errors have the least squares. Raises MaceError."""
    rows = list(timings)
    ways = [way for way in WAYS if any(row.way == way for row in rows)]
    if "product" not in ways:
        raise MaceError("the measurements have no plain product, in whose time all others are told")
    keys = list(dict.fromkeys(_key(way, unit) for way in ways for unit in UNITS))
    # places[i, j]: which of the unknowns is the cost of unit j in row i.
    places = np.array([[keys.index(_key(row.way, unit)) for unit in UNITS] for row in rows])
    matrix = np.array([[row.work[unit] / row.time for unit in UNITS] for row in rows])
    x = _roofline(matrix, places, len(keys))
    unit = keys.index(_key("product", "mac"))
    if x[unit] <= 0:
        # Other units limit every product: a multiply-add takes no more than in the best of them.
        x[unit] = min(row.time / row.work["mac"] for row in rows if row.way == "product")
    unit_time = float(x[unit])
    error = _times(matrix, x[places]) - 1
    errors = {}
    for way in ways:
        own = error[[row.way == way for row in rows]]
        errors[way] = (float(np.sqrt(np.mean(own**2))), float(np.max(np.abs(own))))
    costs = {
        way: {unit: _short(float(x[keys.index(_key(way, unit))]) / unit_time) for unit in UNITS}
        for way in ways
    }
    return Fit(costs, unit_time, errors)


def _key(way: str, unit: str) -> str:
    return unit if unit in SHARED else f"{way} {unit}"


def _times(matrix: Matrix, costs: Matrix) -> Matrix:
    """The modelled times of rows of work, each with its own costs."""
    every = matrix * costs
    total: Matrix = every[:, :_AT_ONCE].max(axis=1) + every[:, _AT_ONCE:].sum(axis=1)
    return total


def _roofline(matrix: Matrix, places: npt.NDArray[np.int64], count: int) -> Matrix:
    """The x >= 0 for which the modelled times are nearest to 1. Which unit limits a row follows from
    x, and x from that: both are found in turns, from several beginnings."""
    rows = np.arange(len(matrix))
    best, least = np.zeros(count), float("inf")
    for weights in itertools.product((0.0, 0.3, 0.6, 1.0), repeat=_AT_ONCE - 1):
        x = np.zeros(count)
        for unit, weight in enumerate((1.0, *weights)):
            largest = np.zeros(count)
            np.maximum.at(largest, places[:, unit], matrix[:, unit])
            known = largest > 0
            x[known] = weight / largest[known]
        for _ in range(_TURNS):
            limit = (matrix * x[places])[:, :_AT_ONCE].argmax(axis=1)
            design = np.zeros((len(matrix), count))
            design[rows, places[rows, limit]] += matrix[rows, limit]
            for unit in range(_AT_ONCE, len(UNITS)):
                design[rows, places[:, unit]] += matrix[:, unit]
            now = _nonnegative(design)
            error = float(np.sum((_times(matrix, now[places]) - 1) ** 2))
            if error < least:
                best, least = now, error
            if np.allclose(now, x, rtol=1e-9, atol=0):
                break
            x = now
    return best


def _nonnegative(design: Matrix) -> Matrix:
    """The x >= 0 for which |design x - 1| is least, by active sets (Lawson and Hanson, Solving Least
    Squares Problems, chapter 23)."""
    scale = np.maximum(np.abs(design).max(axis=0), 1e-300)
    a, count = design / scale, design.shape[1]
    x, free = np.zeros(count), np.zeros(count, dtype=bool)
    for _ in range(3 * count):
        gain = np.where(free, -np.inf, a.T @ (1 - a @ x))
        if gain.max() <= 1e-9:
            break
        free[int(gain.argmax())] = True
        while True:
            wanted = np.zeros(count)
            wanted[free] = np.linalg.lstsq(a[:, free], np.ones(len(a)), rcond=None)[0]
            below = free & (wanted <= 0)
            if not below.any():
                x = wanted
                break
            step = float(np.min(x[below] / np.maximum(x[below] - wanted[below], 1e-300)))
            x = x + step * (wanted - x)
            free &= x > 1e-12
            x[~free] = 0
    result: Matrix = x / scale
    return result


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def predicted(timing: Timing, costs: Costs) -> float:
    """The time of a way by the model, in multiply-adds of the product."""
    each = [timing.work[unit] * costs[timing.way][unit] for unit in UNITS]
    return max(each[:_AT_ONCE]) + sum(each[_AT_ONCE:])


def choices(timings: Sequence[Timing], costs: Costs) -> list[Choice]:
    """What the model chooses for each layer that has more than one way."""
    layers: dict[str, list[Timing]] = {}
    for timing in timings:
        layers.setdefault(timing.layer, []).append(timing)
    found = []
    for layer, rows in layers.items():
        if len(rows) < 2:
            continue
        chosen = _chosen(rows, costs)
        fastest = min(rows, key=lambda row: row.time)
        found.append(Choice(layer, chosen.way, fastest.way, chosen.time / fastest.time - 1))
    return found


def _chosen(rows: Sequence[Timing], costs: Costs) -> Timing:
    """As the engine chooses: a way with more filters must be faster by MORE_FILTERS, Strassen's by
    STRASSEN_GAIN."""
    chosen = rows[0]
    for row in rows[1:]:
        time, least = predicted(row, costs), predicted(chosen, costs)
        if row.way == "strassen":
            time *= STRASSEN_GAIN
        elif row.work["filter"] > chosen.work["filter"]:
            time *= MORE_FILTERS
        else:
            least *= MORE_FILTERS
        if time < least:
            chosen = row
    return chosen


def summary(found: Sequence[Choice]) -> dict[str, float]:
    """How often the fastest way was chosen, and what the other choices cost."""
    count = max(1, len(found))
    losses = [choice.loss for choice in found]
    return {
        "layers": len(found),
        "fastest": sum(choice.chosen == choice.fastest for choice in found),
        "wrong": sum(loss > TOLERANCE for loss in losses),
        "mean_loss": sum(losses) / count,
        "largest_loss": max(losses, default=0.0),
    }


def read(root: Path, row: str) -> Costs:
    """The costs of ways in the tree's table. Raises MaceError."""
    table = yaml.safe_load((root / COSTS).read_text(encoding="utf-8"))
    if row not in table:
        raise MaceError(f"{COSTS} has no row '{row}'; rows are {', '.join(table)}")
    return {way: dict(table[row][way]) for way in WAYS}


def renewed(text: str, row: str, costs: Costs) -> str:
    """The table's text with new costs of some ways of a row. Everything else, comments too, stays.
    Raises MaceError."""
    found = re.search(rf"^{re.escape(row)}:\n(?:  .*\n)+", text, re.MULTILINE)
    if found is None:
        raise MaceError(f"{COSTS} has no row '{row}'")
    block = found[0]
    for way, units in costs.items():
        numbers = ", ".join(f"{name}: {units[name]:g}" for name in UNITS)
        block, count = re.subn(rf"^  {way}: .*$", f"  {way}: {{{numbers}}}", block, flags=re.M)
        if count != 1:
            raise MaceError(f"{COSTS}: row '{row}' has {count} lines '{way}', and must have one")
    return text[: found.start()] + block + text[found.end() :]
