# SPDX-License-Identifier: Apache-2.0
"""Fills the page template. All text is escaped; charts are the only markup passed through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2


def render(values: dict[str, Any], template: str = "report.html.j2") -> str:
    """The page. Every name of the template must be given."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
    )
    return environment.get_template(template).render(values)
