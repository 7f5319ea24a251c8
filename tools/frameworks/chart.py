# SPDX-License-Identifier: Apache-2.0
"""The results as an SVG image: a group of bars for each network, and the limit as a line."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

_COLORS = ["#d1495b", "#30638e", "#edae49", "#00798c", "#8d6a9f", "#6b705c", "#b5838d", "#3d405b"]
_BAR, _GAP, _HEIGHT, _LEFT, _TOP = 26, 34, 320, 60, 70


def svg(results: dict[str, Any]) -> str:
    """`results` is what compare_frameworks.py writes as JSON. Bars are the least times relative to
    MACE's; the dashed line is the time of the multiply-adds at the measured peak."""
    networks = {n: r for n, r in results["networks"].items() if "mace" in r["frameworks"]}
    names = sorted({f for r in networks.values() for f in r["frameworks"] if f != "mace"})
    colors = {"mace": "#222222"}
    colors.update({f: _COLORS[i % len(_COLORS)] for i, f in enumerate(names)})
    ratios = [
        (n, f, w["min_ms"] / r["frameworks"]["mace"]["min_ms"], w["min_ms"])
        for n, r in networks.items()
        for f, w in sorted(r["frameworks"].items(), key=lambda item: item[1]["min_ms"])
    ]
    top = min(max([q for _, _, q, _ in ratios], default=1.0), 3.0) * 1.05
    parts: list[str] = []
    x = _LEFT
    for n, r in networks.items():
        begin = x
        for _, f, ratio, ms in (row for row in ratios if row[0] == n):
            height = min(ratio, top) / top * _HEIGHT
            y = _TOP + _HEIGHT - height
            parts.append(
                f'<rect x="{x}" y="{y:.1f}" width="{_BAR - 4}" height="{height:.1f}" '
                f'fill="{colors[f]}"><title>{escape(f)}: {ms:.2f} ms</title></rect>'
            )
            parts.append(_text(x + (_BAR - 4) / 2, y - 4, f"{ms:.1f}", 8))
            x += _BAR
        limit = r["limit_ms"] / r["frameworks"]["mace"]["min_ms"]
        y = _TOP + _HEIGHT - min(limit, top) / top * _HEIGHT
        parts.append(
            f'<line x1="{begin - 4}" x2="{x}" y1="{y:.1f}" y2="{y:.1f}" stroke="#000" '
            f'stroke-dasharray="5 3"><title>limit: {r["limit_ms"]:.2f} ms</title></line>'
        )
        parts.append(_text((begin + x) / 2, _TOP + _HEIGHT + 18, n, 12))
        x += _GAP
    key = 0
    for f, color in colors.items():
        parts.append(f'<rect x="{_LEFT + key}" y="34" width="10" height="10" fill="{color}"/>')
        parts.append(_text(_LEFT + key + 14, 43, f, 11, "start"))
        key += 24 + 7 * len(f)
    width = max(x, _LEFT + key) + 20
    title = f"least ms of one inference, {results['threads']} thread(s); dashed: multiply-adds at "
    parts.append(_text(_LEFT, 20, f"{title}{results['peak_gflops']:.0f} GFLOPS", 13, "start"))
    size = f'width="{width}" height="{_TOP + _HEIGHT + 34}"'
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, size: int, anchor: str = "middle") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
