# SPDX-License-Identifier: Apache-2.0
"""What several verbs do alike: reading their deployment, showing what is unsupported."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mace.cli.console import printable
from mace.config.loader import load_deployment
from mace.config.schema import Deployment
from mace.errors import MaceError, did_you_mean

if TYPE_CHECKING:
    from mace.graph.problem import Problem

_NAMES_SHOWN = 3


def deployment_of(options: argparse.Namespace) -> Deployment:
    """The deployment that --config names, with what other flags change of it."""
    overrides = {
        key: value
        for key in ("target_abis", "target_socs", "model_graph_format", "model_data_format")
        if (value := getattr(options, key, None)) is not None
    }
    return load_deployment(options.config, overrides)


def chosen_models(deployment: Deployment, names: str | None) -> list[str]:
    """The models that --models names, or all."""
    known = list(deployment.models)
    if not names:
        return known
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            raise MaceError(
                f"'{deployment.file}' has no model '{name}'{did_you_mean(name, known)}",
                hint=f"its models are: {', '.join(known)}",
            )
    return chosen


def library_folder(deployment: Deployment) -> Path:
    """builds/<library_name> under the working folder."""
    return Path("builds") / deployment.library_name


def model_folder(deployment: Deployment) -> Path:
    """Where its converted models lie: for those that become code, what the code is made from."""
    return library_folder(deployment) / ("_code" if deployment.is_code else "model")


class UnsupportedModel(MaceError):
    """Models that cannot be converted; `problems` are mace.graph.problem.Problem objects."""

    def __init__(self, problems: Sequence[tuple[str, Problem]], hint: str) -> None:
        self.problems = [problem for _, problem in problems]
        super().__init__("\n".join(problem_lines(problems)), hint=hint)


def problem_lines(problems: Sequence[tuple[str, Problem]]) -> list[str]:
    """All problems (each with its model's name) as lines: like ones together, with their count."""
    groups: dict[tuple[str, str, str, str, str], list[Problem]] = {}
    for model, problem in problems:
        key = (model, problem.kind, problem.op, problem.message, problem.hint)
        groups.setdefault(key, []).append(problem)
    missing = {key[2] for key in groups if key[1] == "operator"}
    lines = [_title(len(problems), len(groups), missing)]
    model_before = None
    several = len({model for model, _ in problems}) > 1
    for (model, _, op, message, hint), members in groups.items():
        if several and model != model_before:
            lines.append(f"  model {model}")
        model_before = model
        names = list(dict.fromkeys(printable(p.node, 80) for p in members if p.node))
        shown = ", ".join(names[:_NAMES_SHOWN])
        if len(names) > _NAMES_SHOWN:
            shown += f", and {len(names) - _NAMES_SHOWN} more"
        count = f"{len(members)} node{'s' if len(members) > 1 else ''}"
        shapes = next((p.shapes for p in members if p.shapes), "")
        head = "  ".join(part for part in (printable(op, 80), count, shown) if part)
        lines.append(f"  {head}" + (f"  inputs {printable(shapes, 200)}" if shapes else ""))
        lines.append(f"      {printable(message, 600)}")
        if hint:
            lines.append(f"      way out: {printable(hint, 400)}")
    return lines


def _title(nodes: int, kinds: int, missing: set[str]) -> str:
    if missing:
        count = f"{len(missing)} unsupported operator{'s' if len(missing) > 1 else ''}"
        others = kinds - len(missing)
        if others > 0:
            count += f" and {others} other problem{'s' if others > 1 else ''}"
    else:
        count = f"{kinds} problem{'s' if kinds > 1 else ''}"
    return f"{count} ({nodes} node{'s' if nodes != 1 else ''}); nothing written"


def shape_text(shape: Sequence[int]) -> str:
    """A shape as deployment files write it, with ? for any size."""
    return ",".join("?" if d < 0 else str(d) for d in shape)


def size_text(size: int) -> str:
    """Bytes for people."""
    if size < 1000:
        return f"{size} B"
    for unit in ("kB", "MB"):
        size_in_unit = size / (1e3 if unit == "kB" else 1e6)
        if size_in_unit < 1000:
            return f"{size_in_unit:.1f} {unit}"
    return f"{size / 1e9:.2f} GB"
