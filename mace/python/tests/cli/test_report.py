# SPDX-License-Identifier: Apache-2.0
"""The pages of reports: self-contained, safe with any name; what the detectors' outputs become."""

from __future__ import annotations

import base64
import html.parser
import xml.etree.ElementTree as ElementTree
from typing import Any

import jinja2
import numpy as np
import pytest
from mace.report import vision
from mace.report.charts import Bar, bar_chart, shorten, stacked_bar
from mace.report.page import render

ODD = "<script>alert('x')</script>&\"é"


def values() -> dict[str, Any]:
    """Something for every name of the template."""
    picture = np.zeros((20, 30, 3), np.uint8)
    data, width, height = vision.jpeg(picture)
    bars = [Bar(ODD, 2.0, "2 ms", 0), Bar("b", 1.0, "1 ms", 99)]
    return {
        "title": "Title",
        "subtitle": ODD,
        "cards": [{"value": "1", "label": ODD}],
        "pictures": [
            {
                "title": ODD,
                "text": "t",
                "caption": "c",
                "jpeg": data,
                "width": width,
                "height": height,
            }
        ],
        "similarity": [
            dict.fromkeys(
                ("model", "platform", "device", "output", "samples", "similarity", "sqnr"), ODD
            )
            | {"pixel_accuracy": "1", "threshold": "1", "passed": False}
        ],
        "profile_text": "",
        "profiles": [
            {
                "title": ODD,
                "stacked": stacked_bar(bars, ODD),
                "bars": bar_chart(bars, ODD),
                "legend": [{"css": "s0", "label": ODD, "text": "1"}],
            }
        ],
        "models": {"header": ["a", ODD], "rows": [["x", ODD]]},
        "environment": [("Engine", ODD)],
        "commands": [ODD],
        "footer": ODD,
    }


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_a_page_needs_nothing_else_and_runs_nothing() -> None:
    parser = _Links()
    text = render(values())
    parser.feed(text)
    assert "script" not in parser.tags and "link" not in parser.tags
    assert all(link.startswith("data:image/jpeg;base64,") for link in parser.links)
    assert "@import" not in text and "url(http" not in text
    assert text.count("failed") == 1


def test_a_forgotten_value_is_an_error() -> None:
    incomplete = values()
    del incomplete["footer"]
    with pytest.raises(jinja2.UndefinedError):
        render(incomplete)


def test_charts_are_svg() -> None:
    bars = [Bar(ODD, 4.0, "4 ms"), Bar("half", 2.0, "2 ms"), Bar("none", 0.0, "0 ms")]
    space = "{http://www.w3.org/2000/svg}"
    root = ElementTree.fromstring(bar_chart(bars, "name"))
    drawn = [r for r in root.iter(f"{space}rect") if r.get("class") != "track"]
    widths = [float(r.get("width", "")) for r in drawn]
    assert widths[0] == pytest.approx(2 * widths[1]) and widths[2] > 0
    parts = list(ElementTree.fromstring(stacked_bar(bars, ODD)).iter(f"{space}rect"))
    assert len(parts) == 4  # three parts and the clipping shape
    ElementTree.fromstring(bar_chart([], "empty"))
    assert shorten("abcdef", 4) == "…def" and shorten("abc", 4) == "abc"


def test_faces() -> None:
    rows = [[0, 1, 0.9, 0.1, 0.2, 0.5, 0.6], [0, 1, 0.4, 0, 0, 1, 1], [0, 1, 0.95, -1, -1, 2, 2]]
    picture = np.full((100, 200, 3), 128, np.uint8)
    found = vision.faces(np.array(rows, np.float32).reshape(1, 1, 3, 7), picture)
    assert [round(face.score, 2) for face in found] == [0.95, 0.9]
    assert found[1].box == (20, 20, 100, 60)
    assert found[0].box == (0, 0, 199, 99)
    drawn = vision.draw_faces(picture, found)
    assert drawn.shape == picture.shape and (drawn != picture).any() and (picture == 128).all()
    assert vision.face_input(picture).shape == (1, 300, 300, 3)


def test_text_boxes() -> None:
    probability = np.zeros((1, 64, 128, 1), np.float32)
    probability[0, 20:30, 30:90] = 0.9
    (box,) = vision.text_boxes(probability)
    left, top = box.min(axis=0)
    right, bottom = box.max(axis=0)
    assert left < 30 and right > 89 and top < 20 and bottom > 29
    page = vision.sample_text()
    assert vision.text_input(page).shape == (1, *page.shape)
    assert abs(vision.text_input(page)).max() <= 1
    with pytest.raises(ValueError, match="multiple of 32"):
        vision.text_input(np.zeros((33, 64, 3), np.uint8))
    assert (vision.draw_text_boxes(page, [box]) != page).any()


def test_pictures_are_made_small() -> None:
    data, width, height = vision.jpeg(np.zeros((1000, 4000, 3), np.uint8), width=800)
    assert (width, height) == (800, 200)
    assert base64.b64decode(data)[:2] == b"\xff\xd8"
