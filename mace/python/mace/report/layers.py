# SPDX-License-Identifier: Apache-2.0
"""The report of a comparison layer by layer, as one HTML file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mace.report.charts import Point, error_chart
from mace.report.page import render
from mace.validation.diagnose import Diagnosis
from mace.validation.layers import LayerResult

_SAMPLES = 12


@dataclass(frozen=True)
class LayerReport:
    """A comparison: what is compared with what, all layers in order, and why the first wrong one
    is wrong."""

    model: str
    expected: str  # what counts as right, e.g. "tensorflow"
    actual: str
    threshold: float
    results: Sequence[LayerResult]
    first: LayerResult | None = None
    diagnosis: Diagnosis | None = None

    @property
    def failed(self) -> list[LayerResult]:
        """Layers below the threshold."""
        return [result for result in self.results if not result.verdict.passed]


def page(report: LayerReport) -> str:
    """The page."""
    worst = max(
        (r.verdict.max_difference for r in report.results if not r.verdict.problem), default=0.0
    )
    cards = [
        {"value": str(len(report.results)), "label": "layers compared"},
        {"value": str(len(report.failed)), "label": f"below a similarity of {report.threshold:g}"},
        {"value": f"{worst:.2e}", "label": "largest error of any element"},
    ]
    values = {
        "title": f"{report.model}: layer by layer",
        "subtitle": f"{report.actual}, compared with {report.expected}.",
        "cards": cards,
        "first": _first(report),
        "chart": error_chart([_point(r) for r in report.results], "error by layer"),
        "rows": [_row(result) for result in report.results],
    }
    return render(values, "layers.html.j2")


def describe(report: LayerReport) -> dict[str, Any]:
    """The report for --json."""
    return {
        "model": report.model,
        "expected": report.expected,
        "actual": report.actual,
        "threshold": report.threshold,
        "failed": len(report.failed),
        "first_bad": _describe_first(report),
        "layers": [
            {
                "number": r.layer.number,
                "tensor": r.layer.origin.tensor,
                "converted": r.layer.tensor,
                "operator": r.layer.node.op,
                "similarity": r.verdict.similarity,
                "sqnr_db": r.verdict.sqnr_db,
                "max_difference": r.verdict.max_difference,
                "passed": r.verdict.passed,
                "problem": r.verdict.problem,
            }
            for r in report.results
        ],
    }


def _describe_first(report: LayerReport) -> dict[str, Any] | None:
    if report.first is None:
        return None
    diagnosis = report.diagnosis
    return {
        "tensor": report.first.layer.origin.tensor,
        "operator": report.first.layer.node.op,
        "source": report.first.layer.node.source,
        "cause": diagnosis.cause if diagnosis else "",
        "confirmed": diagnosis.confirmed if diagnosis else False,
        "evidence": diagnosis.evidence if diagnosis else [],
    }


def _point(result: LayerResult) -> Point:
    verdict = result.verdict
    noise = -verdict.sqnr_db
    if math.isnan(noise):
        noise = 10.0
    title = f"{result.layer.number} {verdict.output}: similarity {verdict.similarity:.8f}"
    return Point(noise, verdict.passed, verdict.problem or title)


def _row(result: LayerResult) -> dict[str, Any]:
    verdict, node = result.verdict, result.layer.node
    shape = result.actual.shape if result.actual is not None else ()
    return {
        "number": result.layer.number,
        "tensor": verdict.output,
        "op": node.op,
        "shape": "x".join(map(str, shape)) or "scalar",
        "cosine": f"{verdict.similarity:.8f}",
        "sqnr": f"{verdict.sqnr_db:.1f}",
        "error": f"{verdict.max_difference:.2e}",
        "passed": verdict.passed,
        "result": "passed" if verdict.passed else verdict.problem or "below the threshold",
    }


def _first(report: LayerReport) -> dict[str, Any] | None:
    result, diagnosis = report.first, report.diagnosis
    if result is None:
        return None
    node = result.layer.node
    attributes = ", ".join(f"{key} {node.attrs[key]}" for key in sorted(node.attrs))
    came = f", from {node.source}" if node.source else ""
    return {
        "name": result.verdict.output,
        "description": f"Written by {node.op} '{node.name}'{came}"
        + (f" ({attributes})." if attributes else "."),
        "certainty": "confirmed" if diagnosis and diagnosis.confirmed else "a guess",
        "cause": diagnosis.cause if diagnosis else result.verdict.problem or "not looked into",
        "evidence": diagnosis.evidence if diagnosis else [],
        "samples": samples(result),
    }


def samples(result: LayerResult) -> list[tuple[str, str, str, str]]:
    """The elements with the largest errors: index, expected, actual, difference."""
    if result.expected is None or result.actual is None or result.actual.size == 0:
        return []
    x = np.asarray(result.expected, np.float64)
    y = np.asarray(result.actual, np.float64)
    error = np.abs(x - y)
    order = np.argsort(-np.nan_to_num(error, nan=np.inf), axis=None, kind="stable")[:_SAMPLES]
    rows = []
    for flat in order:
        index = tuple(int(i) for i in np.unravel_index(int(flat), x.shape))
        rows.append(
            (str(list(index)), f"{x[index]:.7g}", f"{y[index]:.7g}", f"{y[index] - x[index]:.3g}")
        )
    return rows
