# SPDX-License-Identifier: Apache-2.0
"""Writes a header from a YAML file by a template, as the operator code is made."""

import sys
from pathlib import Path

import jinja2
import yaml

_TEMPLATE = """\
// SPDX-License-Identifier: Apache-2.0
static const char* const kNames[] = {
{%- for name in names %}"{{ name }}", {% endfor -%}
};
"""


def main(source: str, target: str) -> None:
    names = yaml.safe_load(Path(source).read_text())["names"]
    template = jinja2.Template(_TEMPLATE, undefined=jinja2.StrictUndefined)
    Path(target).write_text(template.render(names=names) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
