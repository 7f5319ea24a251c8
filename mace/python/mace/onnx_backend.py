# SPDX-License-Identifier: Apache-2.0
"""MACE as a backend of ONNX (onnx.backend.base): converts a model in memory and runs it.

prepared = mace.onnx_backend.prepare(onnx.load("model.onnx"))
outputs = prepared.run([array])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

from mace.convert import convert_imported
from mace.errors import MaceError
from mace.graph import dtypes
from mace.graph.ir import Array
from mace.importers.base import ImportFailed, InterfaceRequest, Problem
from mace.importers.onnx.importer import import_proto
from mace.runtime import Engine

# Of a tensor of the engine.
_MOST_DIMENSIONS = 6


class MaceRep(BackendRep):
    """A model that is ready to run. Arrays have the order and types of the ONNX model.

    MACE takes shapes, axes and weights when it converts. Of a model that has them as inputs, those
    inputs become constants: it is converted when it runs, again when they change.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        constants = {t.name for t in model.graph.initializer}
        self._inputs = [v for v in model.graph.input if v.name not in constants]
        self._engine: Engine | None = None
        self._frozen: dict[str, Array] = {}
        # Which inputs are constants: 0 none, 1 integers, 2 all but the first, 3 all.
        self._level = 0
        try:
            self._engine = _convert(model, {})
        except ImportFailed as error:
            _reject(error.problems)
            if not self._inputs:
                raise
        except MaceError:
            if not self._inputs:
                raise

    @property
    def converted(self) -> bool:
        """Whether the model could be converted as it is, with all of its inputs as inputs."""
        return self._engine is not None and self._level == 0

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Array, ...]:
        """Outputs in the model's order, for inputs in its order or by name."""
        arrays = self._named(inputs)
        for name, array in arrays.items():
            if array.ndim > _MOST_DIMENSIONS:
                raise MaceError(
                    f"input '{name}' has {array.ndim} dimensions; the most are {_MOST_DIMENSIONS}"
                )
        engine = self._prepared(arrays)
        given = {}
        for info in engine.inputs:
            given[info.name] = np.ascontiguousarray(arrays[info.name]).astype(
                info.dtype, copy=False
            )
            given[info.name] = given[info.name].reshape(np.shape(arrays[info.name]))
        results = engine.run(given)
        return tuple(_as_declared(v, results[v.name]) for v in self._model.graph.output)

    def _named(self, inputs: Any) -> dict[str, Array]:
        if isinstance(inputs, Mapping):
            return {name: np.asarray(value) for name, value in inputs.items()}
        values = inputs if isinstance(inputs, Sequence) else [inputs]
        return {v.name: np.asarray(a) for v, a in zip(self._inputs, values, strict=False)}

    def _constant_at(self, level: int) -> set[str]:
        """Names of the inputs that become constants."""
        if level >= 2:
            return {v.name for v in self._inputs[3 - level :]}
        floats = (
            onnx.TensorProto.FLOAT,
            onnx.TensorProto.FLOAT16,
            onnx.TensorProto.DOUBLE,
            onnx.TensorProto.BFLOAT16,
        )
        integers = {v.name for v in self._inputs if v.type.tensor_type.elem_type not in floats}
        return integers if level == 1 else set()

    def _prepared(self, arrays: dict[str, Array]) -> Engine:
        """The engine for these inputs; converts with more of them as constants while it must."""
        if self._engine is not None and all(
            np.array_equal(arrays[n], a) for n, a in self._frozen.items()
        ):
            try:
                self._engine.output_shapes(
                    {i.name: arrays[i.name].shape for i in self._engine.inputs}
                )
                return self._engine
            except MaceError:
                if self._level == 3:
                    raise
                self._level += 1
        last: MaceError | None = None
        for level in range(max(self._level, 1), 4):
            names = self._constant_at(level) & arrays.keys()
            try:
                self._engine = _convert(self._model, {n: arrays[n] for n in names})
            except MaceError as error:
                last = error
                continue
            self._level, self._frozen = level, {n: arrays[n].copy() for n in names}
            return self._engine
        raise last or MaceError("the model cannot be prepared for these inputs")


def _reject(problems: Sequence[Problem]) -> None:
    """Tells onnx's own test runner that something is not there, rather than broken."""
    for problem in problems:
        if problem.kind in ("operator", "model"):
            name = f"{problem.op} '{problem.node}'"
            raise BackendIsNotSupposedToImplementIt(f"{name}: {problem.message}")


def _convert(model: onnx.ModelProto, frozen: dict[str, Array]) -> Engine:
    """An engine for the model with some inputs as constants."""
    if frozen:
        given = model
        model = onnx.ModelProto()
        model.CopyFrom(given)
        kept = [v for v in model.graph.input if v.name not in frozen]
        del model.graph.input[:]
        model.graph.input.extend(kept)
        for name, array in frozen.items():
            model.graph.initializer.append(numpy_helper.from_array(array, name))
    constants = {t.name for t in model.graph.initializer}
    inputs = [_request(v) for v in model.graph.input if v.name not in constants]
    outputs = [_request(v) for v in model.graph.output]
    converted = convert_imported("onnx", import_proto(model, inputs, outputs))
    return Engine.from_bytes(converted.model.graph, converted.model.data or None)


def _request(info: onnx.ValueInfoProto) -> InterfaceRequest:
    return InterfaceRequest(info.name, None, None, "NONE")


def _as_declared(info: onnx.ValueInfoProto, array: Array) -> Array:
    """The array in the element type that the model declares; MACE computes in float32."""
    wanted = helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
    if array.dtype == wanted or dtypes.from_numpy(array.dtype) is None:
        return array
    return array.astype(wanted)


class MaceBackend(Backend):
    """The interface that onnx.backend.base.Backend describes, for the CPU."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether the model can be converted."""
        try:
            return cls.prepare(model, device, **kwargs).converted
        except (MaceError, BackendIsNotSupposedToImplementIt):
            return False

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> MaceRep:
        """Converts a model. Raises MaceError with all problems when it cannot be converted."""
        if not cls.supports_device(device):
            raise MaceError(f"there is no device '{device}'", hint="the device is CPU")
        return MaceRep(model)

    @classmethod
    def run_model(
        cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any
    ) -> tuple[Array, ...]:
        """Converts a model and runs it once."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Any = None,
        **kwargs: Any,
    ) -> tuple[Array, ...]:
        """Runs one node; outputs_info: (numpy type, shape) of each output."""
        names = [n for n in node.input if n]
        arrays = [np.asarray(a) for a in inputs]
        declared = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in zip(names, arrays, strict=True)
        ]
        results = []
        for index, name in enumerate(o for o in node.output if o):
            dtype = np.dtype(outputs_info[index][0]) if outputs_info else arrays[0].dtype
            number = helper.np_dtype_to_tensor_dtype(dtype)
            results.append(helper.make_tensor_value_info(name, number, None))
        graph = helper.make_graph([node], "node", declared, results)
        return cls.run_model(helper.make_model(graph), arrays, device)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether models can run there: on "CPU", with or without a number."""
        return device.split(":")[0].upper() == "CPU"


is_compatible = MaceBackend.is_compatible
prepare = MaceBackend.prepare
run_model = MaceBackend.run_model
run_node = MaceBackend.run_node
supports_device = MaceBackend.supports_device
