# SPDX-License-Identifier: Apache-2.0
"""Measures networks on MACE and on every other framework that is installed, side by side.

Each network is the optimised graph of a deployment file, and every framework gets the same layers
and float32 weights. Each runs in a process of its own; rounds visit them in random order; the
outputs are compared before anything is timed, and whoever computes something else is not ranked.

  python tools/compare_frameworks.py test/zoo/mobilenet_v1.yml test/zoo/resnet50.yml --threads 1
  python tools/compare_frameworks.py test/zoo/mobilenet_v2.yml --frameworks onnxruntime litert
  python tools/compare_frameworks.py test/zoo/mobilenet_v1.yml --threads 2 --busy 2 --slice 1

"least" is what the machine can do when nothing disturbs it, and the ratio is MACE's least to that
of the framework: below 1 MACE is faster. CPU ms is processor time for one inference: the figure to
look at while other programs run. "paired" is the median, over the rounds, of the ratio of the
medians of two visits of one round: on a machine whose speed changes from one second to the next
(virtual cores, heat) it is the figure to trust. With --busy N each visit is made twice, alone and beside N
processes that compute without end: "busy" is the mean time then, "times" its ratio to the mean
alone. Threads that wait for each other while a neighbour has their core show there.

Exit codes: 0 done, 1 a network or framework failed, 2 wrong use.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE.parent / "mace" / "python"))

from frameworks import chart, net, writers  # noqa: E402
from frameworks.neighbours import Neighbours  # noqa: E402
from frameworks.peers import PEERS  # noqa: E402
from mace.api import deployment_request  # noqa: E402
from mace.config.loader import load_deployment  # noqa: E402
from mace.convert import ConvertedGraph, convert_graph  # noqa: E402
from mace.errors import EXIT_USAGE, MaceError  # noqa: E402

MAX_DIFFERENCE = 1e-3  # of the largest output, before a framework counts as computing otherwise
PAUSE = 0.03  # seconds between visits, for caches and clocks to settle


class Failed(Exception):
    """A framework could not do what it was asked for; the message is a sentence of its own."""


class Worker:
    """A process of one framework."""

    def __init__(self, python: str, arguments: list[str], threads: int) -> None:
        environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = str(threads)
        paths = [str(_HERE), str(_HERE.parent / "mace" / "python")]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        self.process = subprocess.Popen(
            [python, "-m", "frameworks.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        """The next answer. Raises Failed."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise Failed(f"its process ended with code {code}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def ask(self, line: str) -> dict[str, Any]:
        """Sends a line, and waits for the answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("its process has gone") from None
        return self.answer()

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def once(python: str, arguments: list[str], threads: int) -> dict[str, Any]:
    """One question to a process of its own."""
    worker = Worker(python, arguments, threads)
    try:
        return worker.answer()
    finally:
        worker.close()


def write_network(converted: ConvertedGraph, folder: Path) -> net.Net:
    """Everything that workers read: MACE's model, the layers, ONNX, an input."""
    (folder / "mace.pb").write_bytes(converted.model.graph)
    (folder / "mace.data").write_bytes(converted.model.data)
    net.save(converted.graph, folder)
    told = net.load(folder)
    (folder / "net.onnx").write_bytes(writers.onnx_model(told))
    image = np.random.default_rng(0).uniform(-1, 1, told.input_shape).astype(np.float32)
    np.save(folder / "input.npy", image)
    return told


def python_of(framework: str, options: argparse.Namespace) -> str:
    """The interpreter that runs a framework."""
    return sys.executable if framework == "mace" else str(options.python)


def start(
    frameworks: list[str], folder: Path, options: argparse.Namespace
) -> tuple[dict[str, Worker], dict[str, dict[str, Any]], dict[str, str]]:
    """Workers that have loaded the network and agree on its output, one after the other so that
    load times are not disturbed; what they said; why others are out."""
    workers: dict[str, Worker] = {}
    rows: dict[str, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    truth = np.zeros(0)
    for framework in frameworks:
        python = python_of(framework, options)
        try:
            once(python, ["prepare", framework, str(folder)], options.threads)
            worker = Worker(
                python, ["run", framework, str(folder), str(options.threads)], options.threads
            )
            workers[framework] = worker
            rows[framework] = worker.answer()
            output = np.load(folder / f"{framework}.npy").reshape(-1)
            if framework == "mace":
                truth = output
            if output.shape != truth.shape:
                raise Failed(f"its output has {output.size} elements in place of {truth.size}")
            difference = float(np.abs(output - truth).max() / max(np.abs(truth).max(), 1e-30))
            rows[framework]["difference"] = difference
            if not difference <= MAX_DIFFERENCE:
                raise Failed(f"its output differs by {difference:.1e} of the largest element")
        except Failed as error:
            if framework == "mace":
                raise MaceError(f"MACE cannot run the network: {error}") from None
            failed[framework] = str(error)
            rows.pop(framework, None)
            if framework in workers:
                workers.pop(framework).close()
    return workers, rows, failed


def measure(
    workers: dict[str, Worker],
    rows: dict[str, dict[str, Any]],
    neighbours: Neighbours,
    options: argparse.Namespace,
) -> None:
    """Fills the rows with times of interleaved visits."""
    times: dict[str, list[float]] = {f: [] for f in workers}
    busy: dict[str, list[float]] = {f: [] for f in workers}
    cpu: dict[str, list[float]] = {f: [] for f in workers}
    visits: dict[str, list[float]] = {f: [] for f in workers}
    order = random.Random(options.seed)
    for _ in range(options.rounds):
        turn = list(workers)
        order.shuffle(turn)
        for framework in turn:
            time.sleep(PAUSE)
            answer = workers[framework].ask(str(options.slice))
            times[framework] += answer["times"]
            visits[framework].append(statistics.median(answer["times"]))
            cpu[framework].append(answer["cpu_ms"])
            rows[framework].update(peak_mb=answer["peak_mb"], added_mb=answer["added_mb"])
            if options.busy > 0:
                with neighbours.at_work():
                    busy[framework] += workers[framework].ask(str(options.slice))["times"]
    for framework, row in rows.items():
        row["runs"] = len(times[framework])
        row["median_ms"] = statistics.median(times[framework])
        row["min_ms"] = min(times[framework])
        row["cpu_ms"] = min(cpu[framework])
        row["paired"] = statistics.median(
            ours / theirs for ours, theirs in zip(visits["mace"], visits[framework], strict=True)
        )
        if options.busy > 0:
            row["busy_ms"] = statistics.fmean(busy[framework])
            row["busy_times"] = row["busy_ms"] / statistics.fmean(times[framework])


def compare(
    converted: ConvertedGraph, frameworks: list[str], gflops: float, options: argparse.Namespace
) -> dict[str, Any]:
    """All that is known of one network."""
    with tempfile.TemporaryDirectory(prefix="mace-compare-") as name:
        folder = Path(name)
        told = write_network(converted, folder)
        workers: dict[str, Worker] = {}
        neighbours = Neighbours(options.busy)
        try:
            workers, rows, failed = start(frameworks, folder, options)
            measure(workers, rows, neighbours, options)
        except Failed as error:
            raise MaceError(f"a framework ended while it was measured: {error}") from None
        finally:
            neighbours.close()
            for worker in workers.values():
                worker.close()
    macs = net.multiply_adds(told)
    limit = 2 * macs / gflops / 1e6
    return {"macs": macs, "limit_ms": limit, "frameworks": rows, "failed": failed}


def table(name: str, result: dict[str, Any]) -> str:
    """The rows of one network, the fastest first."""
    rows = result["frameworks"]
    mace = rows["mace"]
    busy = "busy_ms" in mace
    lines = [
        f"{name}: {result['macs'] / 1e6:.0f} million multiply-adds, limit {result['limit_ms']:.2f} ms",
        f"  {'framework':<12} {'median':>8} {'least':>8} {'CPU ms':>8} {'load ms':>8} {'first':>8}"
        f" {'peak MB':>8} {'ratio':>6} {'of CPU':>6} {'paired':>6}"
        + (f" {'busy':>8} {'times':>6}" if busy else "")
        + "  difference",
    ]
    for framework, r in sorted(rows.items(), key=lambda item: float(item[1]["min_ms"])):
        lines.append(
            f"  {framework:<12} {r['median_ms']:8.2f} {r['min_ms']:8.2f} {r['cpu_ms']:8.2f}"
            f" {r['load_ms']:8.0f} {r['first_ms']:8.1f} {r['peak_mb']:8.0f}"
            f" {mace['min_ms'] / r['min_ms']:6.2f} {mace['cpu_ms'] / r['cpu_ms']:6.2f}"
            f" {r['paired']:6.2f}"
            + (f" {r['busy_ms']:8.2f} {r['busy_times']:6.2f}" if busy else "")
            + f"  {r['difference']:.1e}"
        )
    lines += [f"  {f:<12} not ranked: {why}" for f, why in result["failed"].items()]
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "configs",
        nargs="+",
        type=Path,
        metavar="DEPLOYMENT.yml",
        help="deployment files of the networks",
    )
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of each framework (default 1)"
    )
    parser.add_argument(
        "--rounds", type=int, default=20, metavar="N", help="visits of each (default 20)"
    )
    parser.add_argument(
        "--slice",
        type=float,
        default=0.3,
        metavar="SECONDS",
        help="seconds of one visit (default 0.3)",
    )
    parser.add_argument(
        "--frameworks",
        nargs="+",
        choices=[f for f in PEERS if f != "mace"],
        help="those to compare with (default: all that are installed)",
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="the interpreter (default: this one) of the environment that the other frameworks are installed in",
    )
    parser.add_argument(
        "--busy",
        type=int,
        default=0,
        metavar="N",
        help="measure beside N processes that compute without end as well",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of the order of visits (default 1)"
    )
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="write a chart as well")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    options = parser.parse_args()
    if options.threads < 1 or options.rounds < 1 or not 0 < options.slice <= 60:
        parser.error("--threads and --rounds are at least 1, --slice is more than 0 and up to 60")
    if not 0 <= options.busy <= 256:
        parser.error("--busy is a number of processes up to 256")
    return options


def run(options: argparse.Namespace) -> int:
    """Compares all networks. Raises MaceError."""
    wanted = options.frameworks or [f for f in PEERS if f != "mace"]
    try:
        missing = once(options.python, ["missing", *wanted], 1)["missing"]
        gflops = float(
            once(sys.executable, ["peak", str(options.threads)], options.threads)["gflops"]
        )
    except (Failed, OSError) as error:
        raise MaceError(
            f"the interpreter {options.python} cannot run the other frameworks: {error}",
            hint="it needs numpy; name another one with --python",
        ) from None
    if not options.json:
        for framework, modules in missing.items():
            print(
                f"{framework} is not installed (no {', '.join(modules)}): pip install "
                f"{PEERS[framework].package}"
            )
    frameworks = ["mace", *(f for f in wanted if f not in missing)]
    results: dict[str, Any] = {
        "threads": options.threads,
        "busy": options.busy,
        "peak_gflops": gflops,
        "missing": missing,
        "networks": {},
    }
    for path in options.configs:
        deployment = load_deployment(path)
        for name in deployment.models:
            converted = convert_graph(deployment_request(deployment, name))
            result = compare(converted, frameworks, gflops, options)
            results["networks"][name] = result
            if not options.json:
                print(table(name, result), flush=True)
    if options.chart is not None:
        options.chart.write_text(chart.svg(results), encoding="utf-8")
    if options.json:
        print(json.dumps(results, indent=2))
    return 0


def main() -> int:
    """Runs; what cannot be done is said in a sentence, and ends with exit code 2."""
    try:
        return run(parse_arguments())
    except MaceError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except NotImplementedError as error:
        print(f"error: {error}, so this network cannot be compared", file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"error: the Python package '{error.name}' is not installed", file=sys.stderr)
    return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
