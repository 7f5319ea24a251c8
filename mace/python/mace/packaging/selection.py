# SPDX-License-Identifier: Apache-2.0
"""What models need of the engine, and the Bazel package that makes an engine of that alone: their
operators, with their GPU sides; parts such as loops and ways of convolutions; kernels. The lists in
it may be edited by hand: they are read by every build until the next `mace build --selective`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mace.errors import MaceError, did_you_mean
from mace.export.files import write_files
from mace.graph import schema
from mace.model_file import read_net
from mace.proto_messages import message_class

_FOLDER = Path("mace/codegen/selections")
_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
# Instruction sets that kernels are named after, beside the reference.
ISAS = (
    "amxbf16",
    "avx2",
    "avx512",
    "avx512bf16",
    "neon",
    "neona55",
    "neonbf16",
    "neondot",
    "neonfp16",
    "neoni8mm",
    "sse4",
)
_BUILD = """\
# Written by mace build --selective for {models}.
# Anything may be added or removed by hand; operator_tables() says what may be listed.
load("//mace/ops:ops.bzl", "operator_tables")

package(default_visibility = ["//visibility:public"])

operator_tables(
    name = "selection",
{gpu_programs}    functions = [
{functions}    ],
    operators = [
{operators}    ],
    parts = [
{parts}    ],
    tags = ["manual"],
    types = [
{types}    ],
    without_kernels = [
{without_kernels}    ],
)
"""
# Activations that convolutions apply when they store.
_CLAMPS = ("NOOP", "RELU", "RELUX")
# Operators that apply other functions of the same kernels, whatever their attributes say.
_ACTIVE = {"Activation", "GRU", "LSTM", "RNN"}
# Operators whose passes over memory a plan can save, or that make rows in turns.
_FUSED = {"Concat", "Conv2D", "DepthwiseConv2d", "Eltwise", "Pooling"}
_CONVOLUTIONS = {"Conv2D"}
_LEAST_STRASSEN = 64 * 1024  # kLeastFilters of mace/kernels/strassen/strassen.cc
# Parts that applications ask for, not models.
_WANTED = {"async", "storage"}


@dataclass
class Needs:
    """What models need. parts, kernels, functions, types: as the BUILD file calls them."""

    operators: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    kernels: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=lambda: {"DT_FLOAT"})

    def add(self, net: Any) -> None:
        """Adds what a NetDef needs."""
        wanted = {_text(setting) for setting in net.arg if setting.name == "cpu_data_type"}
        # The engine puts Cast between what it computes in float16 and the rest.
        if "fp16_fp16" in wanted:
            self.operators.add("Cast")
            self.types.add("DT_HALF")
        if "bf16_fp32" in wanted:
            self.types.add("DT_BFLOAT16")
        nets = [net]
        while nets:
            current = nets.pop()
            constants = {tensor.name: tuple(tensor.dims) for tensor in current.tensors}
            for tensor in (*current.tensors, *current.input_info, *current.output_info):
                self.types.add(_type_name(tensor.data_type))
            if any(tensor.stored_type for tensor in current.tensors):
                self.parts.add("expand")
            for node in current.op:
                self.operators.add(node.type)
                nets.extend(node.subgraph)
                self.parts.update(_parts(node, constants))
                self.kernels.update(_kernels(node, constants))
                self.functions.update(_functions(node))
                self.types.update(_type_name(number) for number in node.output_type)
        if self.parts & {"strassen", "winograd"}:
            self.functions.update(("BinarySum", "BinaryMax", "BinaryMin"))
        if "strassen" in self.parts:
            self.functions.add("BinarySub")


# Kernels that only some models need, by what _kernels() calls for; others are always there.
_OPTIONAL_KERNELS = (
    "dwconv_f32_3x3s1",
    "dwconv_f32_3x3s2",
    "dwconv_f32_5x5s1",
    "dwconv_f32_5x5s2",
    "pool_f32_avg",
    "pool_f32_max",
)


def needs_of(graphs: Sequence[tuple[Path, bytes | None]]) -> Needs:
    """What converted models need, graphs inside operators included; each with the key if it is
    encrypted.

    Raises MaceError."""
    needs = Needs()
    for graph, key in graphs:
        needs.add(read_net(graph, key))
    return needs


def _attributes(node: Any) -> dict[str, Any]:
    return {argument.name: argument for argument in node.arg}


def _text(argument: Any) -> str:
    """Text is stored as bytes."""
    return bytes(argument.s).decode("utf-8", "replace")


def _parts(node: Any, constants: dict[str, tuple[int, ...]]) -> Iterator[str]:
    """Parts of the engine that an operator needs."""
    if node.subgraph:
        yield from ("subgraphs", "late")
    # What is known only during the run is stored without dimensions, as a single number is.
    if any(not shape.dims or min(shape.dims) < 0 for shape in node.output_shape):
        yield "late"
    if node.type in _FUSED:
        yield "fusion"
    activation = _attributes(node).get("activation")
    if node.type in _ACTIVE or (activation is not None and _text(activation) not in _CLAMPS):
        yield "activations"
    if node.type in _CONVOLUTIONS and len(node.input) > 1:
        filters = constants.get(node.input[1], (0, 3, 3, 0))
        strides = _attributes(node).get("strides")
        if strides is None or list(strides.ints) == [1, 1]:
            if filters[1:3] == (3, 3):
                yield "winograd"
            elif filters[1:3] == (1, 1) and filters[0] * filters[3] > _LEAST_STRASSEN:
                yield "strassen"


def _kernels(node: Any, constants: dict[str, tuple[int, ...]]) -> Iterator[str]:
    """Kernels of _OPTIONAL_KERNELS that an operator needs."""
    attributes = _attributes(node)
    if node.type == "DepthwiseConv2d" and len(node.input) > 1:
        filters = constants.get(node.input[1])
        strides = list(attributes["strides"].ints) if "strides" in attributes else [1, 1]
        for size, stride in ((3, 1), (3, 2), (5, 1), (5, 2)):
            fits = filters is None or filters[1:3] == (size, size)
            if fits and strides == [stride, stride]:
                yield f"dwconv_f32_{size}x{size}s{stride}"
    if node.type == "Pooling":
        kind = attributes.get("pooling_type")
        yield "pool_f32_max" if kind is None or _text(kind) == "MAX" else "pool_f32_avg"


# What operators call for, whatever their attributes say.
_CALLED = {
    "SqrDiffMean": ("BinarySub", "BinarySum", "BinaryDiv", "ReduceSumSquare", "ReduceSum"),
    "Normalize": ("ReduceSumSquare",),
}
# Kind of the functions that the attribute `type` chooses from, and the last one of them that
# kernels know; operators compute the others themselves.
_FUNCTION_OF = {"Eltwise": ("Binary", "XOR"), "Unary": ("Unary", "COS")}
# Activations that a model can name for recurrent operators.
_GATES = ("Elu", "HardSigmoid", "LeakyRelu", "Relu", "Sigmoid", "Softplus", "Tanh")
_REDUCTIONS = {
    "MEAN": ("ReduceSum", "BinaryDiv"),
    "MIN": ("ReduceMin",),
    "ALL": ("ReduceMin",),
    "MAX": ("ReduceMax",),
    "ANY": ("ReduceMax",),
    "PROD": ("ReduceProd",),
    "SUM": ("ReduceSum",),
    "L1": ("ReduceSumAbs", "ReduceSum"),
    "L2": ("ReduceSumSquare", "ReduceSum", "UnarySqrt"),
    "SUM_SQUARE": ("ReduceSumSquare", "ReduceSum"),
}


def _functions(node: Any) -> Iterator[str]:
    """Functions that operators share, which this one calls for."""
    texts = {name: _text(value) for name, value in _attributes(node).items()}
    yield from _CALLED.get(node.type, ())
    yield "Activation" + _camel(texts.get("activation", "NOOP"))
    if node.type == "Reduce":
        yield from _REDUCTIONS.get(texts.get("reduce_type", ""), ())
    if node.type in _FUNCTION_OF:
        kind, last = _FUNCTION_OF[node.type]
        choices = schema.operators()[node.type].attributes["type"].choices
        if texts.get("type") in choices[: choices.index(last) + 1]:
            yield kind + _camel(texts["type"])
    if node.type in _ACTIVE - {"Activation"}:
        yield from (f"Activation{name}" for name in _GATES)


# Names of operators' attributes that the kernels write as two words.
_TWO_WORDS = {"HARDSIGMOID": "HardSigmoid", "HARDSWISH": "HardSwish", "LEAKYRELU": "LeakyRelu"}


def _camel(name: str) -> str:
    """Turns "LESS_EQUAL" into "LessEqual"."""
    return _TWO_WORDS.get(name) or "".join(part.capitalize() for part in name.split("_"))


def _type_name(number: int) -> str:
    return str(
        message_class("mace.ConstTensor")
        .DESCRIPTOR.fields_by_name["data_type"]
        .enum_type.values_by_number[number]
        .name
    )


def check_isas(names: Sequence[str]) -> list[str]:
    """Raises MaceError for an instruction set that no kernel is for."""
    for name in names:
        if name not in ISAS:
            raise MaceError(
                f"there are no kernels for '{name}'{did_you_mean(name, ISAS)}",
                hint=f"--isas are: {', '.join(ISAS)}",
            )
    return list(names)


def gpu_programs(root: Path, operators: Sequence[str]) -> list[str]:
    """Names of the OpenCL sources that the GPU sides of operators launch, and the runtime itself."""
    folder = root / "mace/ops/opencl"
    known = {path.stem for path in folder.glob("cl/*.cl")}
    files = {
        path.name: path.read_text(encoding="utf-8")
        for path in folder.glob("*.cc")
        if not re.search(r"_(test|test_util|benchmark)\.cc$", path.name)
    }
    # What is in no header is a file's own.
    shared = "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.h")))
    headers = set(re.findall(r"\w+", shared))
    made_in = {
        name: file
        for file, text in files.items()
        if file != "operators.cc"
        for name in re.findall(r"^(?:[\w:<>,]+ )+[*&]?(\w+)\(", text, re.MULTILINE)
        if name in headers or re.match("Supports|Build|VariantsOf", name)
    }
    entries = re.findall(r'\{"(\w+)",([^}]*)\}', files["operators.cc"])
    for name, rest in entries:
        function = re.findall(r"\bBuild\w+", rest)[0]
        if function in made_in:
            continue
        # A macro makes it of the bare name.
        bare = re.compile(rf"\b{function.removeprefix('Build')}\b")
        found = [
            file for file, text in files.items() if file != "operators.cc" and bare.search(text)
        ]
        if name in operators and not found:
            return sorted(known)
        made_in[function] = found[0] if found else ""
    waiting = [
        word for name, rest in entries if name in operators for word in re.findall(r"\w+", rest)
    ]
    seen: set[str] = set()
    programs: set[str] = set()
    for path in (root / "mace/runtimes/opencl").glob("*.cc"):
        programs.update(known & set(re.findall(r'"(\w+)"', path.read_text(encoding="utf-8"))))
    while waiting:
        file = made_in.get(waiting.pop(), "")
        if not file or file in seen:
            continue
        seen.add(file)
        programs.update(known & set(re.findall(r'"(\w+)"', files[file])))
        waiting.extend(re.findall(r"\b(\w+)\(", files[file]))
    return sorted(programs)


def write_selection(
    root: Path,
    library: str,
    models: Sequence[str],
    needs: Needs,
    known: Sequence[str],
    isas: Sequence[str] = (),
) -> str:
    """Writes the package of what a library needs; returns its label without a target.

    known: all operators of this version. isas: instruction sets whose kernels stay; all if empty.
    Raises MaceError.
    """
    if not _NAME.match(library) or library.startswith("."):
        raise MaceError(f"the library name '{library}' cannot be a folder's name")
    for name in sorted(needs.operators):
        if name not in known:
            raise MaceError(
                f"the models were converted by another version: there is no operator '{name}'",
                hint="convert them again",
            )
    if not needs.operators:
        raise MaceError("the models have no operators, so there is nothing to select")
    without = [kernel for kernel in _OPTIONAL_KERNELS if kernel not in needs.kernels]
    if isas:
        without += [f"__{isa}" for isa in ISAS if isa not in isas]
    programs = gpu_programs(root, sorted(needs.operators))
    text = _BUILD.format(
        models=", ".join(models),
        functions=_lines(sorted(needs.functions)),
        operators=_lines(sorted(needs.operators)),
        parts=_lines(sorted(needs.parts | _WANTED)),
        types=_lines(sorted(needs.types)),
        without_kernels=_lines(without),
        gpu_programs=f"    gpu_programs = [\n{_lines(programs)}    ],\n" if programs else "",
    )
    path = root / _FOLDER / library / "BUILD"
    # Written only if it differs, so that Bazel has nothing to read again.
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_files({path: text.encode()})
    return f"//{_FOLDER}/{library}"


def _lines(names: Sequence[str]) -> str:
    return "".join(f'        "{name}",\n' for name in names)


def edited_operators(root: Path, library: str) -> list[str]:
    """The operators that the package of a library lists now."""
    text = (root / _FOLDER / library / "BUILD").read_text(encoding="utf-8")
    found = re.search(r"^    operators = \[\n(.*?)^    \],", text, re.MULTILINE | re.DOTALL)
    return re.findall(r'"(\w+)"', found[1]) if found else []
