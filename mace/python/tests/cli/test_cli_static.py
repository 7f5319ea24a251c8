# SPDX-License-Identifier: Apache-2.0
"""Models as straight-line code: the same bits as the engine's, from a C program that has nothing
else of MACE; what cannot become such code is refused before anything is built."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mace.cli.main import main
from mace.codegen.package import comment_text, string_text
from mace.codegen.static import isa_for
from mace.resources import source_root
from onnx import helper
from small_models import write_onnx

_LIBRARY = "static_test"
# Runs MODEL on the raw file argv[1], in memory of its own unless argv[3] is given, and writes
# outputs to <argv[2]>0, ...
_PROGRAM = """\
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mace/public/{model}.h"

int main(int argc, char **argv) {{
  static const size_t bytes[] = {{ {bytes} }};
  if ({model}_problem() != NULL) return printf("%s\\n", {model}_problem()), 3;
  void *input = malloc({upper}_INPUT_0_BYTES);
  FILE *file = fopen(argv[1], "rb");
  if (fread(input, 1, {upper}_INPUT_0_BYTES, file) != {upper}_INPUT_0_BYTES) return 9;
  const void *inputs[] = {{input}};
  void *outputs[{upper}_OUTPUTS];
  for (int o = 0; o < {upper}_OUTPUTS; ++o) outputs[o] = malloc(bytes[o]);
  void *arena = aligned_alloc(64, ({model}_arena_bytes() + 63) / 64 * 64);
  memset(arena, 255, {model}_arena_bytes());
  if ({model}_run(NULL, outputs, arena) != 1 || {model}_run(inputs, NULL, arena) != 1) return 8;
  if ({model}_run(inputs, outputs, (char *)arena + 4) != 1) return 7;
  for (int i = 0; i < 2; ++i) {{
    if ({model}_run(inputs, outputs, argc > 3 ? NULL : arena) != 0) return 6;
  }}
  for (int o = 0; o < {upper}_OUTPUTS; ++o) {{
    char name[256];
    snprintf(name, sizeof(name), "%s%d", argv[2], o);
    file = fopen(name, "wb");
    if (fwrite(outputs[o], 1, bytes[o], file) != bytes[o] || fclose(file) != 0) return 5;
  }}
  return 0;
}}
"""
_ENGINE = """\
import sys
from pathlib import Path
import numpy as np
from mace.runtime import Engine
graph, folder = Path(sys.argv[1]), Path(sys.argv[2])
engine = Engine(graph, graph.with_suffix(".data"), num_threads=1)
(info,) = engine.inputs
results = engine.run({info.name: np.load(folder / "input.npy")})
for o, info in enumerate(engine.outputs):
    results[info.name].tofile(folder / f"engine{o}")
"""


def _weights(*shape: int) -> np.ndarray:
    random = np.random.default_rng(sum(shape))
    return (random.normal(size=shape) / np.sqrt(np.prod(shape[1:]) + 1)).astype(np.float32)


def _classifier(path: Path) -> Path:
    """Convolutions of all kinds, residual sum, concatenation, pooling, product, softmax."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w0", "b0"], ["a0"], strides=[2, 2], pads=[0, 0, 1, 1]),
        node("Relu", ["a0"], ["a"]),
        node("Conv", ["a", "wd"], ["d0"], group=16, pads=[1, 1, 1, 1]),
        node("Clip", ["d0", "zero", "six"], ["d"]),
        node("Conv", ["d", "w1"], ["p"]),
        node("Add", ["p", "a"], ["sum"]),
        node("Conv", ["sum", "w3"], ["left0"], pads=[1, 1, 1, 1]),
        node("Sigmoid", ["left0"], ["left"]),
        node("Conv", ["sum", "wg"], ["right"], group=4, pads=[1, 1, 1, 1]),
        node("Concat", ["left", "right", "sum"], ["joined"], axis=1),
        node("MaxPool", ["joined"], ["m"], kernel_shape=[3, 3], strides=[2, 2]),
        node("AveragePool", ["m"], ["v"], kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["v"], ["flat"]),
        node("Gemm", ["flat", "fc", "fb"], ["logits"], transB=1),
        node("Softmax", ["logits"], ["y"], axis=-1),
    ]
    constants = {
        "w0": _weights(16, 3, 3, 3),
        "b0": _weights(16),
        "wd": _weights(16, 1, 3, 3),
        "zero": np.array(0, np.float32),
        "six": np.array(6, np.float32),
        "w1": _weights(16, 16, 1, 1),
        "w3": _weights(24, 16, 3, 3),
        "wg": _weights(8, 4, 3, 3),
        "fc": _weights(11, 48 * 9),
        "fb": _weights(11),
    }
    return write_onnx(path, nodes, {"x": (2, 3, 29, 31)}, ["y", "m"], constants)


def _attention(path: Path) -> Path:
    """Products of computed matrices, functions of elements, copies, reductions along rows."""
    node = helper.make_node
    nodes = [
        node("MatMul", ["x", "wq"], ["q"]),
        node("MatMul", ["x", "wk"], ["k"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["scores"]),
        node("Softmax", ["scores"], ["p"], axis=-1),
        node("MatMul", ["p", "x"], ["mixed"]),
        node("Mul", ["mixed", "scale"], ["scaled"]),
        node("LeakyRelu", ["scaled"], ["leaky"], alpha=0.2),
        node("Tanh", ["leaky"], ["t"]),
        node("PRelu", ["t", "slope"], ["pr"]),
        node("Exp", ["pr"], ["e"]),
        node("Pad", ["e", "pads"], ["padded"]),
        node("Slice", ["padded", "starts", "ends", "axes"], ["cut"]),
        node("Reshape", ["cut", "shape"], ["image"]),
        node("ConvTranspose", ["image", "wt"], ["up"], strides=[2, 2]),
        node("ReduceMean", ["up"], ["mean"], keepdims=0),
        node("ReduceMax", ["up"], ["y"], axes=[1], keepdims=1),
        node("Identity", ["x"], ["same"]),
    ]
    constants = {
        "wq": _weights(12, 12),
        "wk": _weights(12, 12).T.copy(),
        "scale": _weights(12),
        "slope": np.full((12,), 0.3, np.float32),
        "pads": np.array([0, 1, 0, 0, 1, 0], np.int64),
        "starts": np.array([1, 0], np.int64),
        "ends": np.array([9, 12], np.int64),
        "axes": np.array([1, 2], np.int64),
        "shape": np.array([1, 4, 4, 6], np.int64),
        "wt": _weights(4, 3, 2, 2),
    }
    return write_onnx(path, nodes, {"x": (1, 9, 12)}, ["y", "mean", "same"], constants)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own; the generated sources go away with the test."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    root = source_root()
    assert root is not None
    subprocess.run(["rm", "-rf", str(root / "mace/codegen/models" / _LIBRARY)], check=True)


def _deploy(models: dict[str, tuple[Path, str, list[str]]], **more: Any) -> str:
    """models: name to file, shape of x, outputs."""
    document: dict[str, Any] = {
        "library_name": _LIBRARY,
        "target_abis": ["host"],
        "model_graph_format": "static",
        "models": {
            name: {
                "platform": "onnx",
                "model_file_path": path.name,
                "subgraphs": [
                    {
                        "input_tensors": ["x"],
                        "input_shapes": [shape],
                        "input_data_formats": ["NONE"],
                        "output_tensors": outputs,
                        "output_data_formats": ["NONE"] * len(outputs),
                    }
                ],
            }
            for name, (path, shape, outputs) in models.items()
        },
        **more,
    }
    Path("net.yml").write_text(yaml.safe_dump(document))
    return "--config=net.yml"


def _models(folder: Path) -> dict[str, tuple[Path, str, list[str]]]:
    return {
        "classifier": (_classifier(folder / "c.onnx"), "2,3,29,31", ["y", "m"]),
        "attention": (_attention(folder / "a.onnx"), "1,9,12", ["y", "mean", "same"]),
    }


def _engine_outputs(model: str, folder: Path, x: np.ndarray, isa: str) -> list[bytes]:
    np.save(folder / "input.npy", x)
    graph = folder / "builds" / _LIBRARY / "_code" / f"{model}.pb"
    more = {"MACE_ISA": isa, "MACE_CHAINS": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    environment = {**os.environ, **more}
    command = [sys.executable, "-c", _ENGINE, str(graph), str(folder)]
    subprocess.run(command, env=environment, check=True)
    paths = sorted(p for p in folder.glob("engine*") if p.name[6:].isdigit())
    results = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    return results


def _compile(model: str, folder: Path, sizes: list[int]) -> Path:
    """A C program with the library and the C library alone."""
    library = folder / "builds" / _LIBRARY
    text = _PROGRAM.format(model=model, upper=model.upper(), bytes=", ".join(map(str, sizes)))
    (folder / f"{model}.c").write_text(text)
    program = folder / f"{model}.out"
    command = ["gcc", "-Wall", "-Werror", f"-I{library / 'include'}", f"{model}.c"]
    command += [str(library / "model/host" / f"{_LIBRARY}.a"), "-lm", "-o", str(program)]
    subprocess.run(command, cwd=folder, check=True)
    return program


def test_the_bits_are_the_engines(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    models = _models(folder)
    config = _deploy(models)
    assert main(["convert", config, "-q"]) == 0
    for model, (_, shape, outputs) in models.items():
        dims = [int(d) for d in shape.split(",")]
        x = np.random.default_rng(7).normal(size=dims).astype(np.float32)
        wanted = _engine_outputs(model, folder, x, "avx2")
        assert len(wanted) == len(outputs)
        program = _compile(model, folder, [len(data) for data in wanted])
        x.tofile(folder / "input.raw")
        for more in ([], ["static"]):
            subprocess.run([program, "input.raw", "got", *more], cwd=folder, check=True)
            assert [(folder / f"got{o}").read_bytes() for o in range(len(wanted))] == wanted, model
        _too_small_a_processor(program, folder)
    _nothing_else_is_linked(folder)
    capfd.readouterr()
    assert main(["run", config, "--validate", "--json"]) == 0
    runs = json.loads(capfd.readouterr().out)["runs"]
    assert all(v["similarity"] > 0.99999 for run in runs for v in run["validation"])
    assert main(["benchmark", config, "-q"]) == 2
    assert "there is no benchmark_model for straight-line code" in capfd.readouterr().err


def _too_small_a_processor(program: Path, folder: Path) -> None:
    emulated = ["qemu-x86_64", "-cpu", "Nehalem", str(program), "input.raw", "got"]
    result = subprocess.run(emulated, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 3
    assert "this processor lacks instructions (avx2)" in result.stdout


def _nothing_else_is_linked(folder: Path) -> None:
    """No registry, no other instruction set's kernels, no memory from the heap, no C++ library."""
    library = folder / "builds" / _LIBRARY / "model/host" / f"{_LIBRARY}.a"
    names = subprocess.run(["nm", "-C", library], capture_output=True, text=True, check=True).stdout
    visible = {line.split()[2] for line in names.splitlines() if " T " in line}
    what = ("arena_bytes", "problem", "run")
    assert visible == {f"{m}_{w}" for m in ("classifier", "attention") for w in what}
    wanted = {line.split(maxsplit=1)[1] for line in names.splitlines() if line.startswith(" " * 17)}
    for word in ("malloc", "operator new", "__cxa", "std::", "avx512", "sse4", "Registry"):
        assert not [line for line in names.splitlines() if word in line], word
    assert "memcpy" in wanted


def test_all_sizes_must_be_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    path = write_onnx(folder / "n.onnx", [node], {"x": (1, 3, "h", "w")}, ["y"])
    assert main(["convert", _deploy({"net": (path, "1,3,-1,-1", ["y"])})]) == 2
    assert "straight-line code is for one size alone" in capsys.readouterr().err
    assert not (folder / "builds" / _LIBRARY / "model").exists()


def test_operators_are_refused_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        helper.make_node("TopK", ["x", "k"], ["values", "places"]),
        helper.make_node("CumSum", ["values", "axis"], ["y"]),
    ]
    constants = {"k": np.array([3], np.int64), "axis": np.array(1, np.int64)}
    path = write_onnx(folder / "n.onnx", nodes, {"x": (1, 9)}, ["y"], constants)
    assert main(["convert", _deploy({"net": (path, "1,9", ["y"])})]) == 2
    error = capsys.readouterr().err
    assert "net: TopK 'values' cannot become straight-line code" in error
    assert "Cumulate 'y' cannot become straight-line code" in error
    assert not (folder / "builds" / _LIBRARY / "model").exists()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"model_data_format": "file"}, "straight-line code has its weights in it"),
        ({"static_isa": "mmx"}, "'mmx' is not one of"),
    ],
)
def test_settings_that_do_not_fit(
    folder: Path, more: dict[str, Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    path = write_onnx(folder / "n.onnx", [node], {"x": (1, 3)}, ["y"])
    assert main(["convert", _deploy({"net": (path, "1,3", ["y"])}, **more)]) == 2
    assert why in capsys.readouterr().err


def test_threads_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    path = write_onnx(folder / "n.onnx", [node], {"x": (1, 3)}, ["y"])
    config = _deploy({"net": (path, "1,3", ["y"])})
    assert main(["run", config, "--omp_num_threads=2"]) == 2
    assert "straight-line code has one thread" in capsys.readouterr().err


def test_instruction_sets_of_abis() -> None:
    assert isa_for("host", None) == "avx2"
    assert isa_for("host", "avx512") == "avx512"
    assert isa_for("arm64-v8a", "avx512") == "neon"
    assert isa_for("armeabi-v7a", "reference") == "reference"


def test_names_of_tensors_cannot_leave_their_place() -> None:
    assert comment_text("a*/ int x; //\n\\") == "a___int_x______"
    assert string_text('a"\\\n?') == "a\\042\\134\\012\\077"
