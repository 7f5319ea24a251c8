# SPDX-License-Identifier: Apache-2.0
"""What counts as the failure that a reduction keeps."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.analysis.infer import infer
from mace.convert import ConversionError, ConvertedGraph
from mace.devices import select_devices
from mace.devices.job import Settings
from mace.devices.select import Request
from mace.errors import EXIT_INTERNAL, MaceError
from mace.export.model import ModelBytes, to_bytes
from mace.reduction.cases import Case, Part
from mace.validation.compare import compare
from mace.validation.engines import Engine
from mace.validation.layers import least_sqnr, without_equal_infinities
from mace.validation.layerwise import run_model

Array: TypeAlias = npt.NDArray[Any]


class Predicate(ABC):
    """Says whether a part of a model still fails."""

    @abstractmethod
    def fails(self, case: Case, part: Part) -> bool:
        """Whether it fails in the way that is looked for."""

    @abstractmethod
    def sentence(self) -> str:
        """What is looked for."""


@dataclass(frozen=True)
class DoesNotConvert(Predicate):
    """The conversion fails at one of these source operators; any, if there are none."""

    operators: frozenset[str] = frozenset()

    def fails(self, case: Case, part: Part) -> bool:
        try:
            with tempfile.TemporaryDirectory(prefix="mace-reduce-") as folder:
                case.convert(part, Path(folder))
        except ConversionError as error:
            found = {problem.op for problem in error.problems}
            return not self.operators or bool(found & self.operators)
        except MaceError:
            return False
        return False

    def sentence(self) -> str:
        return "it cannot be converted" + (
            f" ({', '.join(sorted(self.operators))})" if self.operators else ""
        )


@dataclass(frozen=True)
class Crashes(Predicate):
    """The program that runs the model is ended by a signal, or fails."""

    engine: Engine
    timeout: float

    def fails(self, case: Case, part: Part) -> bool:
        try:
            run_part(case, part, self.engine, self.timeout)
        except ConversionError:
            return False
        except MaceError as error:
            return error.exit_code == EXIT_INTERNAL
        return False

    def sentence(self) -> str:
        return f"{self.engine.text} crashes"


@dataclass(frozen=True)
class Differs(Predicate):
    """A tensor is not what it is in the whole model on the other side."""

    engine: Engine
    threshold: float
    timeout: float

    def fails(self, case: Case, part: Part) -> bool:
        if self._differs(case, part):
            return True
        # What comes after may hide the difference; without that the engine joins fewer nodes.
        made = [t for k in part.nodes if k not in part.bypassed for t in case.nodes[k].outputs]
        known = [t for t in dict.fromkeys(made) if t in case.values]
        if set(known) <= set(part.outputs):
            return False
        return self._differs(case, replace(part, outputs=known))

    def _differs(self, case: Case, part: Part) -> bool:
        try:
            outputs = run_part(case, part, self.engine, self.timeout)
        except MaceError:
            return False
        return any(
            differ(case.values[name], array, self.threshold)
            for name, array in outputs.items()
            if name in case.values
        )

    def sentence(self) -> str:
        return f"{self.engine.text} gives other values"


@dataclass(frozen=True)
class CommandFails(Predicate):
    """A command of the user ends with another code than 0. {model} in it is the part's file."""

    command: str
    timeout: float

    def fails(self, case: Case, part: Part) -> bool:
        with tempfile.TemporaryDirectory(prefix="mace-reduce-") as folder:
            try:
                path = case.write(part, Path(folder))
            except MaceError:
                return False
            save_arrays(Path(folder), part.inputs)
            words = [word.replace("{model}", str(path)) for word in shlex.split(self.command)]
            try:
                result = subprocess.run(
                    words, cwd=folder, capture_output=True, timeout=self.timeout, check=False
                )
            except subprocess.TimeoutExpired:
                return True
            except OSError as error:
                raise MaceError(f"'{words[0]}' cannot be started: {error.strerror}") from None
            return result.returncode != 0

    def sentence(self) -> str:
        return f"'{self.command}' fails"


def differ(expected: Array, actual: Array, threshold: float) -> bool:
    """Whether an output is below the threshold, or its scale is wrong."""
    verdict = compare("", 0, *_pair(expected, actual), threshold)
    return not replace(verdict, least_sqnr=least_sqnr(threshold)).passed


def _pair(expected: Array, actual: Array) -> tuple[Array, Array]:
    if expected.shape != actual.shape:
        return expected, actual
    return without_equal_infinities(expected, actual)


def run_part(case: Case, part: Part, engine: Engine, timeout: float) -> dict[str, Array]:
    """What an engine gives for a part, by the part's outputs."""
    from mace.analysis import interpreter

    with tempfile.TemporaryDirectory(prefix="mace-reduce-") as folder:
        converted = case.convert(part, Path(folder))
        if engine.kind == "numpy":
            try:
                tensors = interpreter.run(converted.graph, part.inputs)
            except interpreter.NoReference as error:
                raise MaceError(str(error)) from None
            return {name: tensors[name] for name in part.outputs}
        model, names = plain_names(converted)
        device = select_devices(engine.abi, Path(folder) / "device", Request())[0]
        settings = Settings(timeout=timeout, isa=engine.isa)
        inputs = {names.get(n, n): a for n, a in part.inputs.items()}
        (made,) = run_model(device, "part", model, [inputs], settings)
        return {name: made[names[name]] for name in part.outputs}


def plain_names(converted: ConvertedGraph) -> tuple[ModelBytes, dict[str, str]]:
    """The model with inputs and outputs under names that make different file names."""
    graph = converted.graph.copy()
    names = {i.name: f"in{k}" for k, i in enumerate(graph.inputs)}
    names |= {o.name: f"out{k}" for k, o in enumerate(graph.outputs) if o.name not in names}
    for node in graph.nodes:
        node.inputs = [names.get(t, t) for t in node.inputs]
        node.outputs = [names.get(t, t) for t in node.outputs]
    graph.consts = {names.get(t, t): a for t, a in graph.consts.items()}
    for interface in (*graph.inputs, *graph.outputs):
        interface.name = names[interface.name]
    graph.values = {}
    return to_bytes(infer(graph).graph, ["cpu"]), names


def save_arrays(folder: Path, arrays: Mapping[str, Array], prefix: str = "input") -> list[str]:
    """Writes arrays as <prefix>_<number>.npy; a line for each that says which tensor it is."""
    lines = []
    for number, (name, array) in enumerate(arrays.items()):
        np.save(folder / f"{prefix}_{number}.npy", array)
        lines.append(f"{prefix}_{number}.npy: {name} {array.dtype}{list(array.shape)}")
    return lines
