# SPDX-License-Identifier: Apache-2.0
"""`mace reduce`: the smallest part of a model that still fails, with its inputs."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from mace.cli.arguments import UsageError
from mace.cli.compare import request_of
from mace.cli.console import Console, printable
from mace.convert import ConversionError, ConvertRequest, convert_graph
from mace.errors import EXIT_OK, MaceError
from mace.export.files import write_files
from mace.reduction.capture import Capture, capture, make_case
from mace.reduction.cases import Case, GraphCase, Part
from mace.reduction.predicates import (
    CommandFails,
    Crashes,
    Differs,
    DoesNotConvert,
    Predicate,
    save_arrays,
)
from mace.reduction.reduce import Reduced, reduce_case
from mace.validation.engines import Engine, parse_engine

_SHOWN = 20


def run(options: argparse.Namespace, console: Console) -> int:
    """Reduces and writes what is left."""
    request, ranges = request_of(options, console)
    first, second = _engines(options, request.platform)
    case = make_case(request)
    with console.step(f"running {request.name} on {first.text}"):
        how = Capture(request, first, ranges, options.seed, options.unknown_size, options.timeout)
        capture(case, how)
    for predicate in _predicates(options, request, second):
        console.say(f"looking for: {predicate.sentence()}")
        reduced = reduce_case(
            case, predicate, first, options.max_tests, options.timeout, console.detail
        )
        if reduced is not None:
            _write(case, reduced, predicate, options, console)
            return EXIT_OK
    raise MaceError(
        f"'{options.model}' does not fail, so there is nothing to reduce",
        hint="--fails, --engines or --command say what failure to look for",
    )


def _engines(options: argparse.Namespace, platform: str) -> tuple[Engine, Engine]:
    words = options.engines.split(",")
    if len(words) != 2:
        raise UsageError("--engines takes two engines, separated by a comma")
    first, second = (parse_engine(word.strip(), platform) for word in words)
    if not second.runs_converted:
        raise UsageError(
            f"the second of --engines is '{second.text}', and it must be mace or numpy",
            hint="the first counts as right",
        )
    return first, second


def _predicates(
    options: argparse.Namespace, request: ConvertRequest, engine: Engine
) -> list[Predicate]:
    if options.command:
        return [CommandFails(options.command, options.timeout)]
    crash, differ = (
        Crashes(engine, options.timeout),
        Differs(engine, options.threshold, options.timeout),
    )
    if options.fails == "crash":
        return [crash]
    if options.fails == "differ":
        return [differ]
    try:
        convert_graph(request)
    except ConversionError as error:
        # One of several failures is enough: the smallest model has one.
        return [DoesNotConvert(frozenset({error.problems[0].op}) - {"", "Model"})]
    return [DoesNotConvert()] if options.fails == "convert" else [crash, differ]


def _write(
    case: Case,
    reduced: Reduced,
    predicate: Predicate,
    options: argparse.Namespace,
    console: Console,
) -> None:
    folder = Path(options.output_dir or f"{case.name}_reduced")
    part = reduced.part
    with tempfile.TemporaryDirectory(prefix="mace-reduce-") as name:
        made = Path(name)
        model = case.write(part, made)
        lines = save_arrays(made, part.inputs)
        known = {t: case.values[t] for t in part.outputs if t in case.values}
        lines += save_arrays(made, known, "expected")
        converted = isinstance(case, GraphCase) or _add_converted(case, part, made)
        (made / "reduced.txt").write_text(_text(case, reduced, predicate, lines), encoding="utf-8")
        write_files(
            {folder / p.name: p.read_bytes() for p in sorted(made.iterdir()) if p.is_file()}
        )
    nodes = [case.nodes[k] for k in part.nodes if k not in part.bypassed]
    console.out(
        f"{case.name}: {len(nodes)} of {len(case.nodes)} nodes are enough "
        f"({predicate.sentence()}; {reduced.tests} tests)"
    )
    for node in nodes[:_SHOWN]:
        console.out(f"  {printable(node.op, 40)} {printable(node.name, 80)}")
    console.say(f"wrote {folder / model.name}, its inputs and what is expected of it")
    console.result["reduced"] = {
        "model": str(folder / model.name),
        "failure": predicate.sentence(),
        "converted": converted,
        "nodes": [{"operator": n.op, "name": n.name} for n in nodes],
        "of": len(case.nodes),
        "tests": reduced.tests,
        "inputs": {name: list(array.shape) for name, array in part.inputs.items()},
        "outputs": part.outputs,
    }


def _add_converted(case: Case, part: Part, folder: Path) -> bool:
    """Adds the MACE model of the part, if it can be converted."""
    try:
        model = case.convert(part, folder).model
    except MaceError:
        return False
    (folder / f"{case.name}.pb").write_bytes(model.graph)
    (folder / f"{case.name}.data").write_bytes(model.data)
    return True


def _text(case: Case, reduced: Reduced, predicate: Predicate, arrays: list[str]) -> str:
    lines = [f"failure: {predicate.sentence()}", f"tests: {reduced.tests}", "", "nodes:"]
    for k in reduced.part.nodes:
        node = case.nodes[k]
        note = " (passes its input on)" if k in reduced.part.bypassed else ""
        inputs, outputs = ", ".join(node.inputs), ", ".join(node.outputs)
        lines.append(f"  {outputs} = {node.op}({inputs}){note}")
    return "\n".join([*lines, "", "arrays:", *(f"  {line}" for line in arrays)]) + "\n"
