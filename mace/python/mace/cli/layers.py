# SPDX-License-Identifier: Apache-2.0
"""What `run --validate_all_layers` and `compare` share: the table of layers and the report's
file."""

from __future__ import annotations

from pathlib import Path

from mace.cli.console import Console, printable
from mace.export.files import write_files
from mace.report.layers import LayerReport, page

_SHOWN = 10


def show(report: LayerReport, path: Path, console: Console) -> None:
    """Prints what matters of a comparison and writes its report."""
    write_files({path: page(report).encode()})
    failed = report.failed
    count = len(report.results)
    console.out(
        f"{report.model}: {count} layers of {report.actual} compared with {report.expected}, "
        f"{len(failed)} below a similarity of {report.threshold:g}"
    )
    rows = []
    for result in failed[:_SHOWN]:
        verdict = result.verdict
        rows.append(
            [
                str(result.layer.number),
                printable(verdict.output, 60),
                result.layer.node.op,
                f"{verdict.similarity:.8f}",
                f"{verdict.sqnr_db:.1f}",
                f"{verdict.max_difference:.2e}",
                verdict.problem or "BELOW THRESHOLD",
            ]
        )
    if rows:
        header = ("#", "tensor", "operator", "similarity", "SQNR dB", "max diff", "")
        console.table(header, rows, "rllrrrl")
        if len(failed) > _SHOWN:
            console.out(f"and {len(failed) - _SHOWN} more after these")
    if report.first is not None:
        name = printable(report.first.verdict.output, 80)
        console.out(f"the first wrong layer is '{name}' ({report.first.layer.node.op})")
        if report.diagnosis is not None:
            sure = "confirmed" if report.diagnosis.confirmed else "a guess"
            console.out(f"cause ({sure}): {printable(report.diagnosis.cause, 400)}")
            for line in report.diagnosis.evidence:
                console.detail(f"  {line}")
    console.say(f"wrote {path}")
