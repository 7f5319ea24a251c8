#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs onnx's own backend suite through mace.onnx_backend: all node cases, and all model cases whose
data lie in the installed package. test/conformance/onnx_manifest.txt says what each case must do.

A case passes if all outputs are right within the suite's tolerances. Cases run in processes of
their own, so that one that takes its process down is a case that failed.

  python tools/onnx_conformance.py --filter=test_conv
  python tools/onnx_conformance.py --update

Exit codes: 0 all is as the manifest says, 1 it is not, 2 wrong use.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / "test" / "conformance" / "onnx_manifest.txt"
KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted", "real")
_DATA = Path(onnx.__file__).parent / "backend" / "test" / "data"
# Seconds after which a process that finishes no case is ended.
_PATIENCE = 120

# What excludes a case, by what its model holds.
_DOMAINS = {"ai.onnx.preview.training": "training"}
_OPERATORS = {
    "Adagrad": "training",
    "Adam": "training",
    "Momentum": "training",
    "Gradient": "training",
    "Bernoulli": "random numbers",
    "Multinomial": "random numbers",
    "RandomNormal": "random numbers",
    "RandomNormalLike": "random numbers",
    "RandomUniform": "random numbers",
    "RandomUniformLike": "random numbers",
    "ImageDecoder": "image decoding",
}
_HEADER = """\
# SPDX-License-Identifier: Apache-2.0
# What the cases of onnx's backend suite do: pass, excluded (with the reason) or missing (with what
# is said of it). Written by tools/onnx_conformance.py --update; passes may only be added.
"""


@dataclass
class Outcome:
    """What a case did: pass, refused (with a sentence), differs or error."""

    state: str
    text: str = ""


def case_names() -> list[str]:
    """All cases as kind/name, in the order of the suite."""
    return list(_cases())


def _cases() -> dict[str, Any]:
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            f"{kind}/{case.name}": case for kind in KINDS for case in load_model_tests(kind=kind)
        }


def _model(case: Any) -> onnx.ModelProto:
    if case.model is not None:
        return case.model
    if case.url is not None:
        return onnx.load(_DATA / "light" / Path(case.url).name)
    return onnx.load(Path(case.model_dir) / "model.onnx")


def _data_sets(case: Any, model: onnx.ModelProto) -> Iterator[tuple[list[Any], list[Any]]]:
    if case.data_sets is not None:
        yield from case.data_sets
    elif case.url is not None:
        yield _dummy_inputs(model), [_tensor(_DATA / "light" / _output_name(case))]
    else:
        for folder in sorted(Path(case.model_dir).glob("test_data_set_*")):
            files = [sorted(folder.glob(f"{w}_*.pb"), key=_number) for w in ("input", "output")]
            yield [_tensor(f) for f in files[0]], [_tensor(f) for f in files[1]]


def _output_name(case: Any) -> str:
    return Path(case.url).stem + "_output_0.pb"


def _dummy_inputs(model: onnx.ModelProto) -> list[Any]:
    """The inputs for which onnx keeps outputs of its light models: 0, 1, 2, ... over the size."""
    weights = {t.name for t in model.graph.initializer}
    inputs = []
    for info in model.graph.input:
        if info.name not in weights:
            shape = [d.dim_value for d in info.type.tensor_type.shape.dim]
            size = int(np.prod(shape))
            array = np.arange(size, dtype=np.float32).reshape(shape) / np.float32(size)
            inputs.append(array)
    return inputs


def _number(path: Path) -> int:
    return int(re.findall(r"\d+", path.stem)[-1])


def _tensor(path: Path) -> Any:
    return TensorProto.FromString(path.read_bytes())


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


def _near(case: Any, got: Any, want: Any) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape or got.dtype != want.dtype:
        return False
    if want.dtype.kind not in "fiub" and want.dtype.name != "bfloat16":
        return bool((got == want).all())
    wide = np.float64
    return bool(
        np.allclose(got.astype(wide), want.astype(wide), case.rtol, case.atol, equal_nan=True)
    )


def run_case(case: Any) -> Outcome:
    """Converts a case's model and runs all of its data."""
    from mace.errors import MaceError
    from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

    from mace import onnx_backend

    try:
        model = _model(case)
        prepared = onnx_backend.prepare(model)
        for inputs, outputs in _data_sets(case, model):
            got = prepared.run([_array(v) for v in inputs])
            want = [_array(v) for v in outputs]
            if len(got) < len(want):
                return Outcome("differs", f"{len(got)} outputs instead of {len(want)}")
            for index, pair in enumerate(zip(got, want, strict=False)):
                if not _near(case, *pair):
                    return Outcome("differs", f"output {index} has other values")
    except (MaceError, BackendIsNotSupposedToImplementIt) as error:
        return Outcome("refused", _one_line(str(error)))
    except Exception as error:  # whatever it is, it is a defect: MACE must say a sentence
        return Outcome("error", _one_line(f"{type(error).__name__}: {error}"))
    return Outcome("pass")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:160]


def exclusion(case: Any) -> str:
    """Why MACE does not have what a case tests, by decision; empty if it shall have it."""
    try:
        model = _model(case)
    except (OSError, ValueError):
        return ""
    if any(o.domain in _DOMAINS for o in model.opset_import):
        return "training"
    for node in model.graph.node:
        if node.op_type in _OPERATORS:
            return _OPERATORS[node.op_type]
    for info in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        reason = _type_reason(info.type)
        if reason:
            return reason
    for node in model.graph.node:
        if "Sequence" in node.op_type or node.op_type.startswith("Optional"):
            return "sequences"
        for attribute in node.attribute:
            if attribute.name == "to" and _element_reason(attribute.i):
                return _element_reason(attribute.i)
            if attribute.HasField("t") and _element_reason(attribute.t.data_type):
                return _element_reason(attribute.t.data_type)
    return ""


def _type_reason(kind: onnx.TypeProto) -> str:
    which = kind.WhichOneof("value")
    if which == "tensor_type":
        return _element_reason(kind.tensor_type.elem_type)
    names = {"sequence_type": "sequences", "optional_type": "optionals", "map_type": "maps"}
    return names.get(which or "", "sparse tensors" if which == "sparse_tensor_type" else "")


def _element_reason(number: int) -> str:
    name = TensorProto.DataType.Name(number) if number in TensorProto.DataType.values() else ""
    if name == "STRING":
        return "strings"
    if name.startswith("FLOAT8"):
        return "float8"
    if name.startswith("COMPLEX"):
        return "complex numbers"
    if name in ("INT2", "UINT2", "INT4", "UINT4", "FLOAT4E2M1"):
        return "elements below a byte"
    return ""


def read_manifest(path: Path = MANIFEST) -> dict[str, str]:
    """Status by case; ValueError names a line that says nothing of a case."""
    result = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, _, status = line.partition(" ")
        reason = status.partition(": ")[2].strip()
        if name in result or not (status == "pass" or reason):
            raise ValueError(f"{path.name}:{number}: '{line}' is no case with a status")
        if status != "pass" and not status.startswith(("excluded: ", "missing: ")):
            raise ValueError(f"{path.name}:{number}: '{status}' is no status")
        result[name] = status
    return result


def _worker() -> int:
    """Runs the cases that are named on standard input, one line of JSON for each."""
    warnings.simplefilter("ignore")
    cases = _cases()
    print("ready", flush=True)
    for line in sys.stdin:
        case = cases[line.strip()]
        outcome = run_case(case)
        reason = exclusion(case) if outcome.state != "pass" else ""
        print(json.dumps([outcome.state, outcome.text, reason]), flush=True)
    return 0


class _Process:
    """A process that runs cases one by one, and is started again when it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, name: str) -> tuple[Outcome, str]:
        if self._process is None:
            command = [sys.executable, "-B", str(Path(__file__).resolve()), "--worker"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
            )
            self._read()
        process = self._process
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, which is what reading finds
            process.stdin.write(name + "\n")
            process.stdin.flush()
        line = self._read()
        if not line:
            self.close()
            code = process.returncode
            return Outcome("error", f"its process ended with status {code}"), ""
        state, text, reason = json.loads(line)
        return Outcome(state, text), reason

    def _read(self) -> str:
        """The next line that is ours; what libraries print in between is dropped."""
        process = self._process
        assert process is not None and process.stdout is not None
        with _Deadline(process):
            for line in process.stdout:
                if line.startswith(("[", "ready")):
                    return line
        return ""

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None


class _Deadline:
    """Ends a process that is still busy with one case after _PATIENCE seconds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._timer = threading.Timer(_PATIENCE, process.kill)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def run_all(names: list[str], processes: int) -> dict[str, tuple[Outcome, str]]:
    """Outcome of each case, and why it is excluded if it is."""
    sys.path.insert(0, str(ROOT / "mace" / "python"))
    from mace.build import binary

    binary(ROOT, "libmace.so", "host")  # no case is to wait for it
    results: dict[str, tuple[Outcome, str]] = {}

    def share(own: list[str]) -> None:
        process = _Process()
        try:
            for name in own:
                results[name] = process.run(name)
        finally:
            process.close()

    with ThreadPoolExecutor(processes) as pool:
        for future in [pool.submit(share, names[i::processes]) for i in range(processes)]:
            future.result()
    return results


def status_of(outcome: Outcome, reason: str) -> str:
    """The manifest's words for an outcome."""
    if outcome.state == "pass":
        return "pass"
    if reason:
        return f"excluded: {reason}"
    text = outcome.text if outcome.state == "refused" else f"{outcome.state}: {outcome.text}"
    return f"missing: {text or 'it is refused'}"


def compare(
    manifest: dict[str, str], results: dict[str, tuple[Outcome, str]]
) -> tuple[list[str], list[str]]:
    """What is wrong, and which cases pass that the manifest does not list as passes."""
    wrong, news = [], []
    for name, status in manifest.items():
        if name not in results:
            wrong.append(f"{name} is listed, and onnx has no such case")
            continue
        outcome, _ = results[name]
        if outcome.state == "pass":
            if status != "pass":
                news.append(name)
        elif status == "pass":
            wrong.append(f"{name} passed before: {outcome.state}: {outcome.text}")
        elif outcome.state == "error":
            wrong.append(f"{name} is not refused with a sentence: {outcome.text}")
        elif outcome.state == "differs" and "differs: " not in status:
            wrong.append(f"{name} has other results, which the manifest does not say")
    wrong += [f"{name} is not listed" for name in results if name not in manifest]
    return wrong, news


def _update(manifest: dict[str, str], results: dict[str, tuple[Outcome, str]], force: bool) -> int:
    lost = [
        n
        for n, s in manifest.items()
        if s == "pass" and results.get(n, (None, ""))[0] != Outcome("pass")
    ]
    if lost and not force:
        print(f"{len(lost)} passes would be lost; --force writes the manifest all the same:")
        print("\n".join(f"  {n}: {results[n][0].text if n in results else 'gone'}" for n in lost))
        return 1
    lines = []
    for name, (outcome, reason) in results.items():
        status = status_of(outcome, reason)
        old = manifest.get(name, "")
        # A reason that someone wrote by hand stays.
        if status != "pass" and old.startswith("excluded: "):
            status = old
        lines.append(f"{name} {status}")
    MANIFEST.parent.mkdir(parents=True, exist_ok=True)
    MANIFEST.write_text(_HEADER + "\n".join(sorted(lines)) + "\n", encoding="utf-8")
    return 0


def summary(manifest: dict[str, str]) -> str:
    """Counts of the statuses, and of the reasons of exclusions."""
    counts = Counter(s.partition(":")[0] for s in manifest.values())
    reasons = Counter(s.partition(": ")[2] for s in manifest.values() if s.startswith("excluded"))
    text = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    return text + "".join(f"\n  excluded for {r}: {c}" for r, c in reasons.most_common())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update", action="store_true", help="write the manifest anew")
    parser.add_argument(
        "--force", action="store_true", help="with --update: even if passes are lost"
    )
    parser.add_argument(
        "--processes", type=int, default=2, metavar="N", help="at the same time (default 2)"
    )
    parser.add_argument("--filter", default="", help="only cases whose name has this pattern")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return _worker()
    started = time.monotonic()
    sys.path.insert(0, str(ROOT / "mace" / "python"))
    names = [n for n in case_names() if re.search(options.filter, n)]
    results = run_all(names, options.processes)
    results = {n: results[n] for n in names}
    manifest = read_manifest() if MANIFEST.is_file() else {}
    if options.filter:
        for name, (outcome, reason) in results.items():
            if outcome.state != "pass":
                print(f"{name} {status_of(outcome, reason)}")
        print(f"{sum(o.state == 'pass' for o, _ in results.values())} of {len(names)} pass")
        return 0
    if options.update:
        status = _update(manifest, results, options.force)
        if status == 0:
            print(summary(read_manifest()))
        return status
    wrong, news = compare(manifest, results)
    print("\n".join(wrong))
    if news:
        print(f"{len(news)} cases pass that are not listed as passes; --update adds them")
    print(f"{summary(manifest)}\n{time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
