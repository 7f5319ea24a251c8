# SPDX-License-Identifier: Apache-2.0
"""One framework in a process of its own, told what to do by lines on its standard input.

  python -m frameworks.worker prepare PEER FOLDER
  python -m frameworks.worker run PEER FOLDER THREADS
  python -m frameworks.worker missing PEER...
  python -m frameworks.worker peak THREADS

`run` answers each line "SECONDS" with the times of as many runs as fit, and ends with the input.
Answers are JSON on the file descriptor that was standard output: frameworks print to that.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from .peers import PEERS


def _memory(key: str) -> float:
    """Megabytes of this process: VmHWM, the most so far, or VmRSS, now."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def _answer(channel: int, **values: Any) -> None:
    os.write(channel, (json.dumps(values) + "\n").encode())


def _run(channel: int, name: str, folder: Path, threads: int) -> None:
    image = np.load(folder / "input.npy")
    began = 0.0
    before = 0.0

    def imported() -> None:
        nonlocal began, before
        began, before = time.perf_counter(), _memory("VmRSS")

    ready = PEERS[name].load(imported, folder, threads)
    load_ms = (time.perf_counter() - began) * 1e3
    x = ready.arrange(image)
    first = time.perf_counter()
    output = np.array(ready.run(x), np.float32)
    first_ms = (time.perf_counter() - first) * 1e3
    np.save(folder / f"{name}.npy", output)
    _answer(channel, load_ms=load_ms, first_ms=first_ms)
    for line in sys.stdin:
        ready.run(x)
        end = time.perf_counter() + float(line)
        times: list[float] = []
        cpu = time.process_time()
        while len(times) < 3 or time.perf_counter() < end:
            begin = time.perf_counter()
            ready.run(x)
            times.append((time.perf_counter() - begin) * 1e3)
        cpu_ms = (time.process_time() - cpu) * 1e3 / len(times)
        peak = _memory("VmHWM")
        _answer(channel, times=times, cpu_ms=cpu_ms, peak_mb=peak, added_mb=peak - before)


def main() -> None:
    """Does what the arguments say; a failure is an answer too, with the sentence."""
    channel = os.dup(1)
    os.dup2(2, 1)
    verb, names = sys.argv[1], sys.argv[2:]
    try:
        if verb == "missing":
            lacking = {n: [m for m in PEERS[n].modules if not _found(m)] for n in names}
            _answer(channel, missing={n: m for n, m in lacking.items() if m})
        elif verb == "peak":
            _answer(channel, gflops=_peak(int(names[0])))
        elif verb == "prepare":
            PEERS[names[0]].prepare(Path(names[1]))
            _answer(channel, prepared=True)
        else:
            _run(channel, names[0], Path(names[1]), int(names[2]))
    except Exception as error:  # whatever a framework raises belongs in the report
        lines = str(error).strip().splitlines() or [""]
        _answer(channel, error=f"{type(error).__name__}: {lines[0]}"[:300])


def _peak(threads: int) -> float:
    """The best rate of numpy's matrix product in GFLOPS, within a tenth of what the multiply-add
    units can do. By processor time, which other programs disturb less."""
    a = np.ones((768, 768), np.float32)
    best = 0.0
    end = time.perf_counter() + 2
    while time.perf_counter() < end:
        begin = time.process_time()
        a @ a
        best = max(best, threads * 2 * 768**3 / (time.process_time() - begin) / 1e9)
    return best


def _found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


if __name__ == "__main__":
    main()
