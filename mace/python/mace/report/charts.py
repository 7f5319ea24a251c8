# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG. Colours are classes that the page's style sheet gives, so that they follow
the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH = 960
_ROW = 25
_LABEL = 340
_VALUE = 168
_SERIES = 8  # colours in the style sheet; the rest share the last


@dataclass(frozen=True)
class Bar:
    """A bar: its label, its value, what is written at its end, and the number of its colour."""

    label: str
    value: float
    text: str
    series: int = 0
    title: str = ""


def series_class(number: int) -> str:
    """The style class of the n-th colour."""
    return f"s{min(number, _SERIES - 1)}"


def bar_chart(bars: Sequence[Bar], name: str) -> str:
    """Horizontal bars, one a row, the longest over the whole width."""
    top = max((bar.value for bar in bars), default=0.0) or 1.0
    room = _WIDTH - _LABEL - _VALUE
    height = _ROW * len(bars)
    parts = [_open(height, name)]
    for index, bar in enumerate(bars):
        y = index * _ROW
        width = max(1.5, room * bar.value / top)
        parts.append(
            f"<g><title>{escape(bar.title or bar.label)}</title>"
            f'<text class="label" x="{_LABEL - 10}" y="{y + 17}" text-anchor="end">'
            f"{escape(shorten(bar.label, 46))}</text>"
            f'<rect class="track" x="{_LABEL}" y="{y + 6}" width="{room}" height="14" rx="3"/>'
            f'<rect class="{series_class(bar.series)}" x="{_LABEL}" y="{y + 6}" '
            f'width="{width:.1f}" height="14" rx="3"/>'
            f'<text class="value" x="{_WIDTH - 2}" y="{y + 17}" text-anchor="end">'
            f"{escape(bar.text)}</text></g>"
        )
    return "".join([*parts, "</svg>"])


def stacked_bar(bars: Sequence[Bar], name: str) -> str:
    """One bar in parts, each as wide as its share."""
    total = sum(bar.value for bar in bars) or 1.0
    height, x = 32, 0.0
    parts = [_open(height, name)]
    clip = "clip-" + "".join(c for c in name if c.isalnum())
    parts.append(
        f'<clipPath id="{clip}"><rect width="{_WIDTH}" height="{height}" rx="6"/></clipPath>'
        f'<g clip-path="url(#{clip})">'
    )
    for bar in bars:
        width = _WIDTH * bar.value / total
        parts.append(
            f"<g><title>{escape(bar.label)}: {escape(bar.text)}</title>"
            f'<rect class="{series_class(bar.series)}" x="{x:.2f}" y="0" '
            f'width="{max(0.0, width - 1.5):.2f}" height="{height}"/>'
        )
        share = f"{100 * bar.value / total:.0f}%"
        if width > 44:
            parts.append(
                f'<text class="inside" x="{x + width / 2:.1f}" y="21" text-anchor="middle">'
                f"{share}</text>"
            )
        parts.append("</g>")
        x += width
    return "".join([*parts, "</g></svg>"])


@dataclass(frozen=True)
class Point:
    """A layer in an error chart: its error in decibels below the signal, whether it passed, and
    what is said of it under the pointer."""

    decibels: float
    passed: bool
    title: str


def error_chart(points: Sequence[Point], name: str) -> str:
    """The error along a network: layers from left to right, noise relative to the signal upward.
    Failed layers are marked, the first of them with a line."""
    height, left, bottom = 260, 64, 30
    top_db, low_db = 10.0, -160.0
    room, tall = _WIDTH - left - 12, height - bottom - 12
    parts = [_open(height, name)]

    def y_of(decibels: float) -> float:
        return 12 + tall * (top_db - min(top_db, max(low_db, decibels))) / (top_db - low_db)

    for line in range(-160, 1, 40):
        y = y_of(line)
        parts.append(
            f'<rect class="track" x="{left}" y="{y:.1f}" width="{room}" height="1"/>'
            f'<text class="value" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{line} dB</text>'
        )
    step = room / max(1, len(points))
    first = next((i for i, point in enumerate(points) if not point.passed), None)
    for index, point in enumerate(points):
        x, y = left + step * (index + 0.5), y_of(point.decibels)
        kind = "ok" if point.passed else "bad"
        width = max(1.5, min(10.0, 0.7 * step))
        if index == first:
            parts.append(f'<rect class="bad" x="{x:.1f}" y="12" width="1" height="{tall}"/>')
        parts.append(
            f"<g><title>{escape(point.title)}</title>"
            f'<rect class="{kind}" x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{max(2.0, 12 + tall - y):.1f}"/></g>'
        )
    parts.append(
        f'<text class="value" x="{left}" y="{height - 8}">first layer</text>'
        f'<text class="value" x="{_WIDTH - 12}" y="{height - 8}" text-anchor="end">last layer</text>'
    )
    return "".join([*parts, "</svg>"])


def shorten(text: str, limit: int) -> str:
    """Text of at most `limit` characters: the beginning of a longer one is left out, since names of
    operators differ at their end."""
    return text if len(text) <= limit else "…" + text[-(limit - 1) :]


def _open(height: int, name: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(name)}" xmlns="http://www.w3.org/2000/svg">'
    )
