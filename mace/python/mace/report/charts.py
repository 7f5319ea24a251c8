# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG. Colours are classes that the page's style sheet gives, so that they follow
the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH = 720
_ROW = 26
_LABEL = 250
_VALUE = 118
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
            f'<g><title>{escape(bar.title or bar.label)}</title>'
            f'<text class="label" x="{_LABEL - 10}" y="{y + 17}" text-anchor="end">'
            f"{escape(shorten(bar.label, 36))}</text>"
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
    height, x = 34, 0.0
    parts = [_open(height, name)]
    clip = "clip-" + "".join(c for c in name if c.isalnum())
    parts.append(
        f'<clipPath id="{clip}"><rect width="{_WIDTH}" height="{height}" rx="6"/></clipPath>'
        f'<g clip-path="url(#{clip})">'
    )
    for bar in bars:
        width = _WIDTH * bar.value / total
        parts.append(
            f'<g><title>{escape(bar.label)}: {escape(bar.text)}</title>'
            f'<rect class="{series_class(bar.series)}" x="{x:.2f}" y="0" '
            f'width="{max(0.0, width - 1.5):.2f}" height="{height}"/>'
        )
        share = f"{100 * bar.value / total:.0f}%"
        if width > 44:
            parts.append(
                f'<text class="inside" x="{x + width / 2:.1f}" y="22" text-anchor="middle">{share}</text>'
            )
        parts.append("</g>")
        x += width
    return "".join([*parts, "</g></svg>"])


def shorten(text: str, limit: int) -> str:
    """Text of at most `limit` characters: the middle of a long one is left out."""
    if len(text) <= limit:
        return text
    head = (limit - 1) // 3
    return f"{text[:head]}…{text[-(limit - 1 - head) :]}"


def _open(height: int, name: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(name)}" xmlns="http://www.w3.org/2000/svg">'
    )
