# SPDX-License-Identifier: Apache-2.0
"""Libraries with what some models need alone: they run these models, refuse others by name, are
smaller, and the lists may be edited by hand."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mace.cli.main import main
from mace.errors import MaceError
from mace.graph import schema
from mace.packaging import selection
from mace.packaging.libraries import build_libraries
from mace.proto_messages import message_class
from small_models import scale_onnx
from starting import ROOT, started

_LIBRARY = "net"
_APPLICATION = Path(__file__).parent / "application"


@pytest.fixture
def library(network: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The libraries of the network's operators."""
    monkeypatch.chdir(network)
    words = ["build", "--config=net.yml", "--selective", "--runtimes=cpu", "--size_report", "-q"]
    assert main(words) == 0
    yield network / "builds" / _LIBRARY / "lib" / "linux-x86-64" / "cpu"
    shutil.rmtree(ROOT / "mace" / "codegen" / "selections" / _LIBRARY)


def _application(library: Path, folder: Path) -> Path:
    include = f"-I{library.parents[2] / 'include'}"
    words = ["g++", "-std=c++17", include, _APPLICATION / "app.cc", library / "libmace.a"]
    started([*words, "-pthread", "-o", folder / "app"], folder)
    return folder / "app"


def test_the_model_runs_and_another_does_not(
    library: Path, network: Path, expected: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = network / "builds" / _LIBRARY / "model"
    app = _application(library, tmp_path)
    assert started([app, model / "net.pb", model / "net.data"], tmp_path) == expected
    report = json.loads((library / "sizes.json").read_text())
    operators = {p["part"] for p in report["parts"] if p["group"] == "operators"} - {"shared"}
    assert operators == {"conv_2d"}
    assert report["file_size"] < 460_000
    objects = {p["name"] for p in report["objects"]}
    assert "plan_fusion" in objects and not {"plan_late", "subgraph"} & objects
    scale_onnx(tmp_path / "other.onnx", (1, 3, 8, 8))
    words = ["convert", str(tmp_path / "other.onnx"), f"--output_dir={tmp_path}", "-q"]
    assert main(words) == 0
    capfd.readouterr()
    with pytest.raises(AssertionError, match="Activation|Eltwise"):
        started([app, tmp_path / "other.pb", tmp_path / "other.data"], tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("abi", ["linux-x86-64", "arm64-v8a"])
def test_with_the_gpu(
    abi: str, network: Path, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The GPU's side of the chosen operators is in the library too."""
    monkeypatch.chdir(network)
    monkeypatch.delenv("ANDROID_NDK_HOME", raising=False)
    words = ["build", "--config=net.yml", "--selective", "--runtimes=cpu_gpu", "-q"]
    assert main([*words, f"--target_abis={abi}", f"--output_dir={tmp_path}"]) == 0
    shutil.rmtree(ROOT / "mace" / "codegen" / "selections" / _LIBRARY)
    library = next(tmp_path.glob(f"**/{abi}/cpu_gpu"))
    emulated = abi != "linux-x86-64"
    compiler = "aarch64-linux-gnu-g++" if emulated else "g++"
    command = [compiler, "-std=c++17", f"-I{library.parents[2] / 'include'}"]
    command += [_APPLICATION / "app.cc", library / "libmace.a", "-ldl", "-pthread"]
    started([*command, "-o", tmp_path / "app"], tmp_path)
    model = network / "builds" / _LIBRARY / "model"
    run = [*(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"] if emulated else [])]
    run += [tmp_path / "app", model / "net.pb", model / "net.data"]
    assert started(run, tmp_path) == expected
    if emulated:
        with pytest.raises(AssertionError, match="OpenCL"):
            started([*run, "GPU"], tmp_path)
        return
    environment = os.environ | {"MACE_OPENCL_DEVICE": "Portable"}
    on_gpu = started([*run, "GPU"], tmp_path, environment)
    assert float(on_gpu) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.nightly
def test_the_smallest_library(
    network: Path, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For Arm, since it is the phones that want it: it runs the model, and its report is whole."""
    monkeypatch.chdir(network)
    words = ["build", "--config=net.yml", "--selective", "--optimize=size", "--size_report", "-q"]
    try:
        assert main([*words, "--target_abis=arm64-v8a", f"--output_dir={tmp_path}"]) == 0
    finally:
        shutil.rmtree(ROOT / "mace" / "codegen" / "selections" / _LIBRARY)
    folder = tmp_path / "lib" / "arm64-v8a" / "cpu"
    report = json.loads((folder / "sizes.json").read_text())
    assert report["file_size"] == (folder / "libmace.so").stat().st_size < 250_000
    assert sum(piece["size"] for piece in report["objects"]) == report["file_size"]
    parts = {(p["group"], p["part"]): p["size"] for p in report["parts"]}
    assert parts["operators", "conv_2d"] > 2000 and parts["kernels", "gemm"] > 10_000
    assert ("kernels", "half") not in parts
    model = network / "builds" / _LIBRARY / "model"
    compiler = ["aarch64-linux-gnu-g++", "-std=c++17", f"-I{tmp_path / 'include'}"]
    started([*compiler, _APPLICATION / "app.cc", folder / "libmace.so", "-o", "app"], tmp_path)
    emulator = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", f"LD_LIBRARY_PATH={folder}"]
    assert started([*emulator, "app", model / "net.pb", model / "net.data"], tmp_path) == expected


def test_the_list_is_edited_by_hand(library: Path, tmp_path: Path) -> None:
    before = (library / "libmace.so").stat().st_size
    build = ROOT / "mace" / "codegen" / "selections" / _LIBRARY / "BUILD"
    text = build.read_text(encoding="utf-8")
    assert selection.edited_operators(ROOT, _LIBRARY) == ["Conv2D"]
    build.write_text(text.replace('"Conv2D",', '"Conv2D",\n        "LSTM",'), encoding="utf-8")
    assert selection.edited_operators(ROOT, _LIBRARY) == ["Conv2D", "LSTM"]
    label = f"//mace/codegen/selections/{_LIBRARY}"
    made = build_libraries(ROOT, "linux-x86-64", "cpu", tmp_path, label)
    assert made.shared.stat().st_size > before
    build.write_text(text.replace('"Conv2D"', '"Conv3000"'), encoding="utf-8")
    with pytest.raises(MaceError, match="ops.yml has no operator 'Conv3000'"):
        build_libraries(ROOT, "linux-x86-64", "cpu", tmp_path, label)


def _needs(*nodes: Any, **dims: tuple[int, ...]) -> selection.Needs:
    net = message_class("mace.NetDef")()
    net.op.extend(nodes)
    for name, shape in dims.items():
        net.tensors.add(name=name, dims=shape, data_type=1)
    needs = selection.Needs()
    needs.add(net)
    return needs


@pytest.mark.parametrize(
    ("node", "functions"),
    [
        ("FullyConnected activation=RELUX", {"ActivationRelux"}),
        ("BatchNorm activation=LEAKYRELU", {"ActivationLeakyRelu"}),
        ("Eltwise type=SQR_DIFF", {"ActivationNoop", "BinarySqrDiff"}),
        ("Eltwise type=ATAN2", {"ActivationNoop"}),
        ("Unary type=COS", {"ActivationNoop", "UnaryCos"}),
        ("Unary type=SINH", {"ActivationNoop"}),
        ("Reduce reduce_type=MEAN", {"ActivationNoop", "BinaryDiv", "ReduceSum"}),
    ],
)
def test_functions(node: str, functions: set[str]) -> None:
    kind, _, rest = node.partition(" ")
    name, _, value = rest.partition("=")
    assert _needs(_node(kind, **{name: value})).functions == functions


def test_every_function_of_operators_is_one_of_kernels() -> None:
    """What a selection may ask for is in the enums of the kernels' headers."""
    folder = ROOT / "mace" / "kernels"
    text = "".join(
        (folder / name).read_text(encoding="utf-8")
        for name in ("eltwise/eltwise.h", "eltwise/activation.h", "reduce/reduce.h")
    )
    known = set(re.findall(r"\bk((?:Activation|Binary|Reduce|Unary)\w+)", text))
    asked: set[str] = set()
    for kind, operator in schema.operators().items():
        for name, attribute in operator.attributes.items():
            for choice in attribute.choices:
                asked |= _needs(_node(kind, **{name: choice})).functions
        asked |= _needs(_node(kind)).functions
    assert asked <= known
    assert len(asked & {name for name in known if name.startswith("Binary")}) == 19


def test_types() -> None:
    node = _node("Cast")
    node.output_type.append(4)
    net = message_class("mace.NetDef")()
    net.op.append(node)
    net.input_info.add(name="x", data_type=7)
    needs = selection.Needs()
    needs.add(net)
    assert needs.types == {"DT_FLOAT", "DT_INT32", "DT_INT64"}
    net.arg.add(name="cpu_data_type", s=b"fp16_fp16")
    needs.add(net)
    assert "DT_HALF" in needs.types and "DT_BFLOAT16" not in needs.types
    net.arg[0].s = b"bf16_fp32"
    needs.add(net)
    assert "DT_BFLOAT16" in needs.types


def _node(kind: str, **values: Any) -> Any:
    node = message_class("mace.NetDef")().op.add()
    node.type = kind
    node.input.extend(["x", "w"])
    node.output_shape.add().dims.extend(values.pop("shape", (1, 8, 8, 8)))
    for name, value in values.items():
        argument = node.arg.add()
        argument.name = name
        if isinstance(value, str):
            argument.s = value.encode()
        else:
            argument.ints.extend(value)
    return node


@pytest.mark.parametrize(
    ("node", "filters", "parts", "kernels"),
    [
        (_node("Conv2D"), (8, 3, 3, 8), {"fusion", "winograd"}, set()),
        (_node("Conv2D", strides=[2, 2]), (8, 3, 3, 8), {"fusion"}, set()),
        (_node("Conv2D"), (8, 1, 1, 8), {"fusion"}, set()),
        (_node("Conv2D"), (512, 1, 1, 256), {"fusion", "strassen"}, set()),
        (_node("Conv2D", strides=[2, 2]), (512, 1, 1, 256), {"fusion"}, set()),
        (_node("Conv2D", activation="RELUX"), (8, 1, 1, 8), {"fusion"}, set()),
        (_node("Conv2D", activation="TANH"), (8, 1, 1, 8), {"activations", "fusion"}, set()),
        (_node("DepthwiseConv2d", strides=[2, 2]), (1, 5, 5, 8), {"fusion"}, {"dwconv_f32_5x5s2"}),
        (_node("DepthwiseConv2d"), (1, 3, 3, 8), {"fusion"}, {"dwconv_f32_3x3s1"}),
        (_node("Pooling", pooling_type="MAX"), None, {"fusion"}, {"pool_f32_max"}),
        (_node("Eltwise"), None, {"fusion"}, set()),
        (_node("NonZero", shape=(-1, 4)), None, {"late"}, set()),
        (_node("LSTM"), None, {"activations"}, set()),
    ],
)
def test_needs(
    node: Any, filters: tuple[int, ...] | None, parts: set[str], kernels: set[str]
) -> None:
    needs = _needs(node) if filters is None else _needs(node, w=filters)
    assert (needs.operators, needs.parts, needs.kernels) == ({node.type}, parts, kernels)


def test_programs_of_gpu_operators() -> None:
    """Each OpenCL source is found by an operator that launches it."""
    always = set(selection.gpu_programs(ROOT, []))
    assert "transform" in always

    def programs(*operators: str) -> set[str]:
        return set(selection.gpu_programs(ROOT, operators)) - always

    assert programs("Softmax") == {"softmax"}
    assert programs("Conv2D") == {"conv_direct", "conv_gemm", "conv_mma", "winograd"}
    assert programs("Transpose") == {"move"}
    known = {path.stem for path in (ROOT / "mace/ops/opencl/cl").glob("*.cl")}
    assert programs(*schema.operators()) == known - always


def test_what_cannot_be_selected(
    network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(network)
    assert main(["build", "--selective"]) == 2
    assert "--selective needs --config" in capsys.readouterr().err
    assert main(["build", "--config=net.yml", "--isas=avx2"]) == 2
    assert "add --selective" in capsys.readouterr().err
    assert main(["build", "--config=net.yml", "--selective", "--isas=avx3"]) == 2
    assert "there are no kernels for 'avx3' (did you mean 'avx2'?)" in capsys.readouterr().err
