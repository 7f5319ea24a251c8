# SPDX-License-Identifier: Apache-2.0
"""Every model of the zoo converts, runs and agrees with its own framework, as a user would do it:
through tools/converter.py. Models that take long under emulation are nightly there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ZOO = yaml.safe_load((ROOT / "test/zoo/zoo.yml").read_text(encoding="utf-8"))["models"]
# Under emulation with every change: about a minute each on two cores.
QUICK_EMULATED = {
    ("text_direction", "arm64-v8a"),
    ("squeezenet_v11", "arm64-v8a"),
    ("face_detector", "arm64-v8a"),
    ("squeezenet_v11", "armeabi-v7a"),
}
SAMPLES = 3


def _cases() -> list[Any]:
    cases = []
    for name, entry in ZOO.items():
        for abi in entry["abis"]:
            nightly = abi != "host" and (name, abi) not in QUICK_EMULATED
            marks = [pytest.mark.nightly] if nightly else []
            cases.append(pytest.param(name, abi, marks=marks, id=f"{name}-{abi}"))
    return cases


def _converter(*arguments: str) -> dict[str, Any]:
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools/converter.py"), *arguments, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"exit code {result.returncode}\n{result.stdout}{result.stderr}"
    document: dict[str, Any] = json.loads(result.stdout)
    return document


@pytest.fixture(scope="session")
def converted() -> set[str]:
    """Names of the models that were converted already."""
    return set()


@pytest.mark.parametrize(("name", "abi"), _cases())
def test_agrees_with_its_framework(name: str, abi: str, converted: set[str]) -> None:
    config = f"--config={ROOT / 'test/zoo' / name}.yml"
    if name not in converted:
        subprocess.run([sys.executable, str(ROOT / "test/zoo/make.py"), name], cwd=ROOT, check=True)
        _converter("convert", config)
        converted.add(name)
    document = _converter(
        "run", config, f"--target_abis={abi}", "--validate", f"--samples={SAMPLES}"
    )
    (run,) = document["runs"]
    verdicts = run["validation"]
    assert {v["sample"] for v in verdicts} == set(range(SAMPLES))
    for verdict in verdicts:
        assert verdict["threshold"] >= 0.99999, verdict
        assert verdict["similarity"] >= 0.99999, verdict
        assert verdict["passed"], verdict


@pytest.mark.parametrize("name", sorted(ZOO))
def test_arena_is_close_to_its_lower_bound(name: str) -> None:
    """The planner wastes at most 2 %."""
    import mace

    folder = ROOT / "builds" / name / "model"
    if not (folder / f"{name}.pb").exists():
        subprocess.run([sys.executable, str(ROOT / "test/zoo/make.py"), name], cwd=ROOT, check=True)
        _converter("convert", f"--config={ROOT / 'test/zoo' / name}.yml")
    with mace.Engine(folder / f"{name}.pb", folder / f"{name}.data") as engine:
        # One image; where it may have any size, one that all of these networks take.
        shapes = {
            i.name: tuple(d if d > 0 else 320 if at else 1 for at, d in enumerate(i.shape))
            for i in engine.inputs
        }
        engine.output_shapes(shapes)
        memory = engine.memory
    assert memory.arena <= 1.02 * memory.arena_lower_bound, memory


# The others take longer, and come at night.
QUICK_PASSES = ("text_direction", "squeezenet_v11", "mobilenet_v2")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK_PASSES else [pytest.mark.nightly]) for n in ZOO],
)
def test_passes_keep_what_is_computed(name: str, tmp_path: Path) -> None:
    """Every layer is the same without and with the passes, which change nothing a second time."""
    from mace.analysis.infer import infer
    from mace.config.loader import load_deployment
    from mace.convert import convert_graph
    from mace.export.model import to_bytes
    from mace.passes import optimize

    from mace import api

    subprocess.run([sys.executable, str(ROOT / "test/zoo/make.py"), name], cwd=ROOT, check=True)
    config = ROOT / "test/zoo" / f"{name}.yml"
    engines = ("mace:unoptimized", "mace")
    threshold, folder = "--threshold=0.99999", f"--output_dir={tmp_path}"
    document = _converter("compare", str(config), *engines, threshold, folder)
    assert len(document["comparison"]["layers"]) > 10
    converted = convert_graph(api.deployment_request(load_deployment(config), name))
    again = infer(optimize(converted.graph)).graph
    assert to_bytes(again, ["cpu"]) == to_bytes(infer(converted.graph).graph, ["cpu"])
