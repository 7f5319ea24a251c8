# SPDX-License-Identifier: Apache-2.0
"""The verdict on a model's outputs: measures against the reference, thresholds, log.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.validation.metrics import cosine_similarity, decibels, pixel_accuracy, sqnr

Array: TypeAlias = npt.NDArray[Any]

LOG_COLUMNS = ("output_name", "similarity", "sqnr", "pixel_accuracy")


@dataclass(frozen=True)
class Verdict:
    """One output of one sample against its reference. sqnr is a ratio. problem: a sentence when the
    two cannot be compared at all. least_sqnr: what the sqnr must reach besides."""

    output: str
    sample: int
    threshold: float
    similarity: float = float("nan")
    sqnr: float = float("nan")
    pixel_accuracy: float = float("nan")
    max_difference: float = float("nan")
    problem: str = ""
    least_sqnr: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the similarity reaches the threshold; NaN does not."""
        reached = self.similarity >= self.threshold and not self.sqnr < self.least_sqnr
        return not self.problem and reached

    @property
    def sqnr_db(self) -> float:
        """sqnr in decibels."""
        return decibels(self.sqnr)


def compare(output: str, sample: int, expected: Array, actual: Array, threshold: float) -> Verdict:
    """Compares one output. Shapes may differ if the numbers of elements do not: check_tensors often
    stand for the same values before a reshape."""
    if expected.size != actual.size:
        problem = f"the reference has the shape {expected.shape}, and MACE gives {actual.shape}"
        return Verdict(output, sample, threshold, problem=problem)
    reference = expected.reshape(actual.shape)
    difference = np.abs(reference.astype(np.float64) - actual.astype(np.float64))
    return Verdict(
        output=output,
        sample=sample,
        threshold=threshold,
        similarity=cosine_similarity(reference, actual),
        sqnr=sqnr(reference, actual),
        pixel_accuracy=pixel_accuracy(reference, actual),
        max_difference=float(difference.max(initial=0.0)),
    )


def log_csv(rows: Sequence[tuple[str, Verdict]]) -> str:
    """The text of log.csv: a name and a verdict for each row."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(LOG_COLUMNS)
    for name, verdict in rows:
        writer.writerow([name, verdict.similarity, verdict.sqnr, verdict.pixel_accuracy])
    return stream.getvalue()
