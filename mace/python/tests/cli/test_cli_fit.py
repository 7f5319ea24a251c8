# SPDX-License-Identifier: Apache-2.0
"""`mace dev fit`: costs that are known are found again, choices are judged, the table is renewed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from mace.cli.main import main
from mace.errors import MaceError
from mace.kernel_costs import Timing
from mace.resources import source_root

from mace import kernel_costs

ROOT = source_root()
KNOWN = {
    "product": {"mac": 1.0, "step": 6.0, "filter": 15.0, "input": 20.0, "output": 3.0},
    "winograd_2": {"mac": 1.1, "step": 6.0, "filter": 15.0, "input": 16.0, "output": 15.0},
    "winograd_4": {"mac": 1.2, "step": 6.0, "filter": 15.0, "input": 12.0, "output": 20.0},
    "strassen": {"mac": 1.05, "step": 6.0, "filter": 15.0, "input": 3.0, "output": 10.0},
}


def work(way: str, size: int, in_c: int, out_c: int) -> dict[str, float]:
    """As mace/kernels/winograd counts it, for tiles of 14 rows."""
    if way == "product":
        filters, rows, tiles, products = 9 * in_c * out_c, size * size, size * (-(-size // 14)), 1
        inputs = (size + 2) ** 2 * in_c
    elif way == "strassen":
        filters, rows, products = 7 * in_c * out_c // 4, size * size / 2, 1
        tiles, inputs = -(-size * size // 28), size * size * in_c
    else:
        side = int(way[-1])
        rows, products = (-(-size // side)) ** 2, (side + 2) ** 2
        filters, tiles, inputs = products * in_c * out_c, -(-rows // 14), products * rows * in_c
    return {
        "mac": float(filters * rows),
        "step": float(filters * tiles),
        "filter": float(filters),
        "input": float(inputs),
        "output": float(products * rows * out_c),
    }


def made_up(noise: float) -> list[Timing]:
    """Timings of a machine that takes 0.02 ns for a multiply-add."""
    random.seed(1)
    timings = []
    for size in (112, 56, 35, 28, 20, 14, 13, 10, 8, 7, 5, 4, 2, 1):
        for in_c, out_c in ((16, 64), (64, 64), (64, 16), (128, 192), (256, 256), (512, 512)):
            for way, costs in KNOWN.items():
                done = work(way, size, in_c, out_c)
                each = [done[unit] * costs[unit] for unit in kernel_costs.UNITS]
                time = 0.02 * (max(each[:3]) + sum(each[3:])) * (1 + noise * random.random())
                timings.append(Timing(f"{size}x{in_c}x{out_c}", way, time, done))
    return timings


def test_known_costs_are_found_again() -> None:
    result = kernel_costs.fit(made_up(0))
    assert result.unit == pytest.approx(0.02, rel=1e-3)
    for way, units in KNOWN.items():
        assert result.costs[way] == pytest.approx(units, rel=5e-3), way
        assert result.errors[way][1] < 1e-3


def test_noise_hardly_changes_the_choices() -> None:
    timings = made_up(0.1)
    result = kernel_costs.fit(timings)
    for way in KNOWN:
        assert result.errors[way][0] < 0.05
        assert result.costs[way]["mac"] == pytest.approx(KNOWN[way]["mac"], rel=0.1)
    judged = kernel_costs.summary(kernel_costs.choices(timings, result.costs))
    assert judged["layers"] == 84
    assert judged["fastest"] >= 75
    assert judged["mean_loss"] < 0.01


def test_losses_are_those_of_the_chosen_way() -> None:
    done = dict.fromkeys(kernel_costs.UNITS, 0.0) | {"mac": 1.0}
    timings = [
        Timing("a", "product", 120.0, done),
        Timing("a", "winograd_2", 100.0, done | {"mac": 3.0}),
        Timing("b", "product", 50.0, done),
    ]
    costs = {way: dict.fromkeys(kernel_costs.UNITS, 1.0) for way in KNOWN}
    (choice,) = kernel_costs.choices(timings, costs)
    assert (choice.chosen, choice.fastest) == ("product", "winograd_2")
    assert choice.loss == pytest.approx(0.2)
    assert kernel_costs.summary([choice])["wrong"] == 1


def test_products_are_the_unit() -> None:
    timings = [timing for timing in made_up(0) if timing.way != "product"]
    with pytest.raises(MaceError, match="no plain product"):
        kernel_costs.fit(timings)


def test_only_the_row_is_renewed() -> None:
    assert ROOT is not None
    old = (ROOT / kernel_costs.COSTS).read_text(encoding="utf-8")
    new = kernel_costs.renewed(old, "avx2", KNOWN)
    changed = [(a, b) for a, b in zip(old.splitlines(), new.splitlines(), strict=True) if a != b]
    assert [b.split(":")[0].strip() for _, b in changed] == list(KNOWN)
    assert "  winograd_4: {mac: 1.2, step: 6, filter: 15, input: 12, output: 20}" in new
    with pytest.raises(MaceError, match="no row 'vax'"):
        kernel_costs.renewed(old, "vax", KNOWN)


def test_the_command_measures_a_tiny_grid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "timings.jsonl"
    layers = "14x32x32,12x16x32,8x32x64,7x64x32,4x32x32,2x64x64"
    words = ["dev", "fit", f"--layers={layers}", "--rounds=2", "--runs=2", "--seconds=0.001"]
    assert main([*words, f"--save={saved}", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["isa"] and report["unit"]["of_a_multiply_add"] > 0
    assert report["costs"]["product"]["mac"] == 1
    assert report["choices"]["new"]["layers"] >= 5
    # What was measured is fitted again, to the same.
    assert main(["dev", "fit", f"--timings={saved},{saved}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["costs"] == report["costs"]


def test_wrong_files_and_layers_are_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("{}\n")
    assert main(["dev", "fit", f"--timings={wrong}"]) != 0
    assert "no instruction set" in capsys.readouterr().err
    assert main(["dev", "fit", "--layers=14x32"]) != 0
    assert "56x64x128" in capsys.readouterr().err
