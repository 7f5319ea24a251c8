# SPDX-License-Identifier: Apache-2.0
"""What values of flags may be: each function reads one from the command line and refuses others with
a sentence, as argparse wants it."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def integer(low: int, high: int | None = None) -> Callable[[str], int]:
    """Whole numbers from `low` on, to `high` if it is given."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None
        if value < low or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            raise argparse.ArgumentTypeError(f"{value} is not {bounds}")
        return value

    return parse


def _number(text: str, fits: Callable[[float], bool], wanted: str) -> float:
    """A number that fits; `wanted` says in a refusal what that means."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not fits(value):
        raise argparse.ArgumentTypeError(f"{text} is not {wanted}")
    return value


def seconds(text: str) -> float:
    """A time, above 0."""
    return _number(text, lambda value: 0 < value < 1e6, "a sensible number of seconds")


def ratio(text: str) -> float:
    """From 0 to 1."""
    return _number(text, lambda value: 0 <= value <= 1, "from 0 to 1")


def similarity(text: str) -> float:
    """Above 0 and at most 1."""
    return _number(text, lambda value: 0 < value <= 1, "above 0 and at most 1")
