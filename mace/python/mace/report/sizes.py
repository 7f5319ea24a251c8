# SPDX-License-Identifier: Apache-2.0
"""The treemap of a library's pieces: squarified rectangles (Bruls, Huizing, van Wijk, 2000), laid
out here, so that the page needs no program in it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from mace.packaging.sizes import Piece, summed

_WIDTH, _HEIGHT = 1200.0, 760.0
_COLOURS = {"operators": "#2f6fab", "kernels": "#b5532a", "engine": "#4c7f3a"}
_OTHER = "#777777"
_STYLE = """\
body { font: 14px/1.4 system-ui, sans-serif; margin: 24px; color: #222; background: #fff; }
.map { position: relative; margin: 16px 0; }
.map div { position: absolute; box-sizing: border-box; border: 1px solid #fff; overflow: hidden;
  color: #fff; font-size: 11px; padding: 1px 3px; }
.map .wide { white-space: nowrap; }
table { border-collapse: collapse; } td, th { padding: 2px 12px 2px 0; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
"""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float


def squarified(sizes: Sequence[float], box: Box) -> list[Box]:
    """Rectangles with areas in proportion to `sizes` (descending, positive) that fill `box`."""
    scale = box.width * box.height / sum(sizes) if sizes else 0.0
    areas = [size * scale for size in sizes]
    boxes: list[Box] = []
    while areas:
        side = min(box.width, box.height)
        count = 1
        while count < len(areas) and _worst(areas[: count + 1], side) <= _worst(
            areas[:count], side
        ):
            count += 1
        row, areas = areas[:count], areas[count:]
        thick = sum(row) / side if side > 0 else 0.0
        along = 0.0
        for area in row:
            length = area / thick if thick > 0 else 0.0
            if box.width >= box.height:
                boxes.append(Box(box.x, box.y + along, thick, length))
            else:
                boxes.append(Box(box.x + along, box.y, length, thick))
            along += length
        if box.width >= box.height:
            box = Box(box.x + thick, box.y, max(box.width - thick, 0.0), box.height)
        else:
            box = Box(box.x, box.y + thick, box.width, max(box.height - thick, 0.0))
    return boxes


def _worst(row: Sequence[float], side: float) -> float:
    """The largest ratio of sides in a row of areas along a side."""
    total = sum(row)
    if total <= 0 or side <= 0:
        return float("inf")
    return max(side**2 * max(row) / total**2, total**2 / (side**2 * min(row)))


def treemap_page(title: str, file_size: int, pieces: Sequence[Piece]) -> str:
    """The page: a treemap by part and object, and the table of parts."""
    shown = [piece for piece in pieces if piece.size > 0]
    parts = summed(shown)
    places = squarified([float(size) for _, _, size in parts], Box(0, 0, _WIDTH, _HEIGHT))
    boxes = []
    for (group, part, size), place in zip(parts, places, strict=True):
        colour = _COLOURS.get(group, _OTHER)
        inner = [piece for piece in shown if (piece.group, piece.part) == (group, part)]
        for piece, spot in zip(
            inner, squarified([float(p.size) for p in inner], place), strict=True
        ):
            label = part if len(inner) == 1 else f"{part}: {piece.name}"
            boxes.append(_div(spot, colour, label, f"{group}, {part}, {piece.name}", piece.size))
        del size
    rows = "".join(
        f"<tr><td>{html.escape(group)}</td><td>{html.escape(part)}</td>"
        f'<td class="n">{size:,}</td></tr>'
        for group, part, size in parts
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1><p>{file_size:,} bytes stripped.</p>"
        f'<div class="map" style="width:{_WIDTH:.0f}px;height:{_HEIGHT:.0f}px">'
        f"{''.join(boxes)}</div><table><tr><th>group</th><th>part</th><th>bytes</th></tr>"
        f"{rows}</table></body></html>\n"
    )


def _div(box: Box, colour: str, label: str, where: str, size: int) -> str:
    style = (
        f"left:{box.x:.1f}px;top:{box.y:.1f}px;width:{box.width:.1f}px;height:{box.height:.1f}px;"
        f"background:{colour}"
    )
    text = html.escape(label) if box.width > 28 and box.height > 13 else ""
    tip = html.escape(f"{where}: {size:,} bytes", quote=True)
    return f'<div class="wide" style="{style}" title="{tip}">{text}</div>'
