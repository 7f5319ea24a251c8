# SPDX-License-Identifier: Apache-2.0
"""Runs converted models from Python: the C interface (mace/public/mace_c.h) through ctypes.

Inputs are used where they lie in memory; outputs are written into arrays that the caller keeps.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from ctypes import POINTER, Structure, byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from mace.errors import INVALID_ARGS, MaceError, did_you_mean
from mace.graph import dtypes
from mace.resources import resource

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]

MAX_RANK = 6
DATA_ALIGNMENT = 64  # bytes, of model.data in memory

DEVICES = {"cpu": 0, "gpu": 2, "hexagon": 3}
AFFINITIES = {"none": 0, "big_only": 1, "little_only": 2, "high_performance": 3, "power_save": 4}
GPU_DATA_TYPES = {"": 0, "fp32_fp32": 1, "fp16_fp32": 2, "fp16_fp16": 3}
GPU_MEMORY_TYPES = {"": 0, "buffer": 1, "image": 2}
GPU_HINTS = {"": 0, "low": 1, "normal": 2, "high": 3}
FORMATS = {0: "NONE", 1: "NHWC", 2: "NCHW"}
DTYPES: dict[int, np.dtype[Any]] = {
    number: dtypes.to_numpy(name) for number, name in dtypes.NAMES.items()
}
_DTYPE_CODES = {dtype: code for code, dtype in DTYPES.items()}

# Outputs whose size is known only after the run are planned at their largest.
_SHAPES_KEPT = 16
# Held while the context of a Gpu is made.
_CONTEXTS = threading.Lock()


class CTensor(Structure):
    """mace_tensor."""

    _fields_ = [
        ("name", c_char_p),
        ("dtype", c_int32),
        ("format", c_int32),
        ("rank", c_int32),
        ("dims", c_int64 * MAX_RANK),
        ("data", c_void_p),
        ("bytes", c_size_t),
    ]


class CConfig(Structure):
    """mace_config."""

    _fields_ = [
        ("struct_size", c_size_t),
        ("device", c_int32),
        ("num_threads", c_int32),
        ("affinity", c_int32),
        ("memory_limit", c_size_t),
        ("model_key", c_char_p),
        ("model_key_size", c_size_t),
        ("gpu_perf_hint", c_int32),
        ("gpu_priority_hint", c_int32),
        ("gpu_data_type", c_int32),
        ("gpu_memory_type", c_int32),
        ("cpu_fallback", c_int32),
        ("gpu_context", c_void_p),
        ("storage_path", c_char_p),
    ]


class COpStats(Structure):
    """mace_op_stats."""

    _fields_ = [
        ("name", c_char_p),
        ("type", c_char_p),
        ("start_micros", c_int64),
        ("end_micros", c_int64),
        ("macs", c_int64),
        ("output_rank", c_int32),
        ("output_dims", c_int64 * MAX_RANK),
        ("has_window", c_int32),
        ("strides", c_int32 * 2),
        ("padding_type", c_int32),
        ("paddings", c_int32 * 4),
        ("dilations", c_int32 * 2),
        ("filter_rank", c_int32),
        ("filter_dims", c_int64 * MAX_RANK),
    ]


class CMemory(Structure):
    """mace_memory."""

    _fields_ = [("arena", c_size_t), ("arena_lower_bound", c_size_t), ("packed_weights", c_size_t)]


STATS_FN = ctypes.CFUNCTYPE(None, c_void_p, POINTER(COpStats))
SHAPE_FN = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_int32, c_int32, POINTER(c_int64))
OUTPUT_FN = ctypes.CFUNCTYPE(c_void_p, c_void_p, c_size_t, POINTER(CTensor))
PLACEMENT_FN = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_char_p, c_int32, c_char_p)
PROBLEM_FN = ctypes.CFUNCTYPE(None, c_void_p, c_int32, c_char_p, c_char_p, c_char_p)

_Tensors = POINTER(CTensor)
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "mace_version": (c_char_p, []),
    "mace_last_error": (c_char_p, []),
    "mace_config_init": (None, [POINTER(CConfig)]),
    "mace_engine_create": (
        c_int32,
        [c_void_p, c_size_t, c_void_p, c_size_t, c_char_p, POINTER(CConfig), POINTER(c_void_p)],
    ),
    "mace_engine_destroy": (None, [c_void_p]),
    "mace_engine_input_count": (c_size_t, [c_void_p]),
    "mace_engine_output_count": (c_size_t, [c_void_p]),
    "mace_engine_input": (c_int32, [c_void_p, c_size_t, _Tensors]),
    "mace_engine_output": (c_int32, [c_void_p, c_size_t, _Tensors]),
    "mace_engine_output_shapes": (c_int32, [c_void_p, _Tensors, c_size_t, _Tensors, c_size_t]),
    "mace_engine_run": (
        c_int32,
        [c_void_p, _Tensors, c_size_t, _Tensors, c_size_t, STATS_FN, c_void_p],
    ),
    "mace_engine_run_alloc": (
        c_int32,
        [c_void_p, _Tensors, c_size_t, _Tensors, c_size_t, OUTPUT_FN, STATS_FN, c_void_p],
    ),
    "mace_engine_memory": (c_int32, [c_void_p, POINTER(CMemory)]),
    "mace_engine_device_memory": (c_int32, [c_void_p, POINTER(CMemory)]),
    "mace_engine_placements": (c_int32, [c_void_p, PLACEMENT_FN, c_void_p]),
    "mace_gpu_context_create": (c_int32, [c_char_p, c_char_p, c_char_p, POINTER(c_void_p)]),
    "mace_gpu_context_compile_in_background": (c_int32, [c_void_p, c_int32]),
    "mace_gpu_context_limit": (c_int32, [c_void_p, c_int32, c_int32]),
    "mace_gpu_context_tune": (c_int32, [c_void_p, c_void_p, c_void_p]),
    "mace_gpu_context_destroy": (None, [c_void_p]),
    "mace_infer_placements": (
        c_int32,
        [
            c_void_p,
            c_size_t,
            c_void_p,
            c_size_t,
            c_int32,
            c_int32,
            c_int32,
            _Tensors,
            c_size_t,
            PLACEMENT_FN,
            c_void_p,
        ],
    ),
    "mace_infer_shapes": (
        c_int32,
        [
            c_void_p,
            c_size_t,
            c_void_p,
            c_size_t,
            c_int32,
            _Tensors,
            c_size_t,
            SHAPE_FN,
            PROBLEM_FN,
            c_void_p,
        ],
    ),
}


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """libmace.so with its functions declared; built or found on the first call."""
    path = resource("libmace.so")
    try:
        lib = ctypes.CDLL(str(path))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise MaceError(
            f"'{path}' is not a usable libmace.so: {error}",
            hint="build it again, or unset MACE_LIBRARY if that names it",
        ) from None
    return lib


def version() -> str:
    """The engine's version, "MACEVER-<git describe>"."""
    return _text(library().mace_version())


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _check(code: int) -> None:
    if code != 0:
        raise MaceError(
            _text(library().mace_last_error()) or "the engine gave no reason", code=code
        )


@dataclass(frozen=True)
class TensorInfo:
    """An input or output as the model declares it. shape: -1 stands for any size; None: the sizes
    are not declared. format: "NHWC", "NCHW" or "NONE"."""

    name: str
    shape: Shape
    dtype: np.dtype[Any]
    format: str


@dataclass(frozen=True, eq=False)
class Gpu:
    """How a GPU is used. Engines that are given the same object share the device, its compiled
    programs and tuned parameters, as engines in C++ with one GPUContext do.

    data_type: "fp32_fp32", "fp16_fp32" or "fp16_fp16", memory: "buffer" or "image"; empty: as the
    model says. storage_path: a folder for compiled programs; binary_path, parameter_path: files with
    compiled programs and tuned parameters. cpu_fallback: the CPU executes a model that
    the GPU cannot. tune: find the fastest kernels where parameter_path has none yet, and write them
    there; the first run with new shapes then takes seconds to minutes. kernel_micros: kernels that
    take longer are launched in parts of about so many microseconds, which leaves the GPU to a user
    interface in between; queued_kernels: at most so many launches are in the GPU's queue; 0: as the
    model says, negative: no limit. compile_in_background: the CPU answers until the GPU's programs
    are compiled. perf_hint, priority_hint: "low", "normal" or "high" for drivers that take hints;
    empty: the driver's own choice."""

    data_type: str = ""
    memory: str = ""
    storage_path: str | os.PathLike[str] = ""
    binary_path: str | os.PathLike[str] = ""
    parameter_path: str | os.PathLike[str] = ""
    cpu_fallback: bool = False
    tune: bool = False
    kernel_micros: int = 0
    queued_kernels: int = 0
    compile_in_background: bool = False
    perf_hint: str = ""
    priority_hint: str = ""
    _contexts: list[_Context] = field(default_factory=list, init=False, repr=False)

    def context(self) -> c_void_p:
        """The mace_gpu_context of these settings, which belongs to this object."""
        with _CONTEXTS:
            if not self._contexts:
                self._contexts.append(_Context(self))
            return self._contexts[0].handle


class _Context:
    """A mace_gpu_context; engines keep what they need of it."""

    def __init__(self, gpu: Gpu) -> None:
        self.handle = c_void_p()
        lib = self._lib = library()
        paths = (gpu.storage_path, gpu.binary_path, gpu.parameter_path)
        _check(
            lib.mace_gpu_context_create(
                *(os.fsencode(path) if path else None for path in paths), byref(self.handle)
            )
        )
        _check(lib.mace_gpu_context_limit(self.handle, gpu.kernel_micros, gpu.queued_kernels))
        background = int(gpu.compile_in_background)
        _check(lib.mace_gpu_context_compile_in_background(self.handle, background))
        if gpu.tune:
            _check(lib.mace_gpu_context_tune(self.handle, None, None))

    def __del__(self) -> None:
        if self.handle.value:
            self._lib.mace_gpu_context_destroy(self.handle)


@dataclass(frozen=True)
class Placement:
    """Where an operator is executed: device "cpu" or "gpu", and why not on the engine's device."""

    name: str
    type: str
    device: str
    reason: str


@dataclass(frozen=True)
class Memory:
    """Memory of an engine, in bytes, for the shapes of its last run."""

    arena: int  # activations and scratch
    arena_lower_bound: int  # the most bytes that are live at one step
    packed_weights: int


@dataclass
class OpProfile:
    """One operator in a profile. Times are milliseconds; start is relative to the run's begin."""

    name: str
    type: str
    start_ms: float
    first_ms: float
    avg_ms: float
    macs: int
    output_shape: Shape
    strides: Shape = ()
    paddings: Shape = ()  # top, bottom, left, right
    dilations: Shape = ()
    filter_shape: Shape = ()

    @property
    def gmacps(self) -> float:
        """Multiply-adds a second, in thousand millions."""
        return self.macs / self.avg_ms / 1e6 if self.avg_ms > 0 else 0.0


@dataclass
class Profile:
    """Where the time of a model goes, over a number of runs."""

    rounds: int
    ops: list[OpProfile] = field(default_factory=list)

    @property
    def total_ms(self) -> float:
        """Average time of all operators together."""
        return sum(op.avg_ms for op in self.ops)

    def by_type(self) -> dict[str, float]:
        """Milliseconds by operator type, the longest first."""
        times: dict[str, float] = {}
        for op in self.ops:
            times[op.type] = times.get(op.type, 0.0) + op.avg_ms
        return dict(sorted(times.items(), key=lambda item: -item[1]))


class Engine:
    """A converted model, ready to run.

    graph_path: model.pb. data_path: model.data; None: the file beside graph_path, if there is one.
    device: "cpu" or "gpu". gpu: how the GPU is used. num_threads: threads including the calling
    one; 0 or less: one for each core that the policy allows. affinity: "none", "big_only",
    "little_only", "high_performance" or "power_save". memory_limit: bytes for activations, 0 for no
    limit. model_key: the 32 bytes of the key of an encrypted model. storage_path: a folder where the
    weights are kept as the CPU's kernels read them, so that the next engine of the model starts
    sooner; None: they are not. cpu_fallback: the CPU executes a model that the device cannot, with a
    warning, as with Gpu(cpu_fallback=True).

    May be used from several threads; runs of one engine come one after the other. Raises MaceError
    with the engine's sentence when the files or the settings are wrong.
    """

    def __init__(
        self,
        graph_path: str | os.PathLike[str],
        data_path: str | os.PathLike[str] | None = None,
        device: str = "cpu",
        num_threads: int = 1,
        affinity: str = "none",
        memory_limit: int = 0,
        model_key: bytes | None = None,
        gpu: Gpu | None = None,
        storage_path: str | os.PathLike[str] | None = None,
        cpu_fallback: bool = False,
    ) -> None:
        graph = _read(Path(graph_path))
        if data_path is None:
            beside = Path(graph_path).with_suffix(".data")
            data_path = beside if beside.is_file() else None
        config = _config(
            device, num_threads, affinity, memory_limit, model_key, storage_path, cpu_fallback
        )
        path = os.fspath(data_path) if data_path is not None else None
        self._create(graph, None, path, config, gpu or Gpu())

    @classmethod
    def from_bytes(
        cls,
        graph: bytes,
        data: bytes | Array | None = None,
        device: str = "cpu",
        num_threads: int = 1,
        affinity: str = "none",
        memory_limit: int = 0,
        model_key: bytes | None = None,
        gpu: Gpu | None = None,
        storage_path: str | os.PathLike[str] | None = None,
        cpu_fallback: bool = False,
    ) -> Engine:
        """An engine from the contents of model.pb and model.data. Aligned data is not copied."""
        engine = cls.__new__(cls)
        config = _config(
            device, num_threads, affinity, memory_limit, model_key, storage_path, cpu_fallback
        )
        aligned = _aligned(data) if data is not None else None
        engine._create(graph, aligned, None, config, gpu or Gpu())
        return engine

    def _create(
        self, graph: bytes, data: Array | None, path: str | None, config: CConfig, gpu: Gpu
    ) -> None:
        self._handle = c_void_p()
        self._runs: ThreadPoolExecutor | None = None
        self._worker: list[int] = []  # the thread of run_async
        self._data = data  # the engine reads it as long as it lives
        lib = self._lib = library()
        config.gpu_data_type = _gpu_number("data_type", gpu.data_type, GPU_DATA_TYPES)
        config.gpu_memory_type = _gpu_number("memory", gpu.memory, GPU_MEMORY_TYPES)
        config.cpu_fallback = int(config.cpu_fallback or gpu.cpu_fallback)
        config.gpu_perf_hint = _gpu_number("perf_hint", gpu.perf_hint, GPU_HINTS)
        config.gpu_priority_hint = _gpu_number("priority_hint", gpu.priority_hint, GPU_HINTS)
        if config.device == DEVICES["gpu"]:
            config.gpu_context = gpu.context()
        self._make(lib, graph, data, path, config)
        self.inputs = self._infos(lib.mace_engine_input_count, lib.mace_engine_input)
        self.outputs = self._infos(lib.mace_engine_output_count, lib.mace_engine_output)
        self._names = [(i.name.encode(), _DTYPE_CODES[i.dtype]) for i in self.inputs]
        self._planned: dict[tuple[Shape, ...], list[Shape | None]] = {}

    def _make(
        self, lib: ctypes.CDLL, graph: bytes, data: Array | None, path: str | None, config: CConfig
    ) -> None:
        _check(
            lib.mace_engine_create(
                graph,
                len(graph),
                data.ctypes.data if data is not None else None,
                data.nbytes if data is not None else 0,
                os.fsencode(path) if path is not None else None,
                byref(config),
                byref(self._handle),
            )
        )

    def _infos(self, count: Callable[..., int], get: Callable[..., int]) -> list[TensorInfo]:
        infos = []
        for index in range(count(self._handle)):
            info = CTensor()
            _check(get(self._handle, index, byref(info)))
            shape = tuple(info.dims[: info.rank])
            infos.append(
                TensorInfo(_text(info.name), shape, DTYPES[info.dtype], FORMATS[info.format])
            )
        return infos

    def output_shapes(self, shapes: Mapping[str, Sequence[int]]) -> dict[str, Shape]:
        """The shapes of the outputs for these shapes of the inputs. Outputs whose size depends on
        values, such as detections, have their largest shape; those of which nothing is known before
        the run are left out."""
        self._open()
        self._check_names(shapes)
        wanted = [tuple(int(d) for d in shapes[i.name]) for i in self.inputs]
        planned = zip((o.name for o in self.outputs), self._plan(wanted), strict=True)
        return {name: shape for name, shape in planned if shape is not None}

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the model once: arrays by input name to new arrays by output name.

        An input must have the type that the model declares, and any shape that it allows; an array
        that is contiguous is not copied.
        """
        return self._run(inputs, None)

    def run_async(self, inputs: Mapping[str, Array]) -> Future[dict[str, Array]]:
        """Begins a run and returns: a thread of the engine executes all that were begun, in that
        order, and the future has the result, or the error. The arrays must not be changed until
        then. close() waits for all."""
        self._open()
        if self._runs is None:
            worker = self._worker
            self._runs = ThreadPoolExecutor(1, "mace", lambda: worker.append(threading.get_ident()))
        return self._runs.submit(self.run, inputs)

    def profile(self, inputs: Mapping[str, Array], rounds: int = 10, warmup: int = 1) -> Profile:
        """Runs the model `warmup` times, then `rounds` times with statistics of each operator."""
        if rounds < 1:
            raise MaceError(f"rounds is {rounds}; it must be at least 1")
        for _ in range(warmup):
            self.run(inputs)
        profile = Profile(rounds)
        for number in range(rounds):
            stats: list[OpProfile] = []
            self._run(inputs, stats)
            if number == 0:
                profile.ops = stats
                continue
            for total, op in zip(profile.ops, stats, strict=True):
                total.avg_ms += op.avg_ms
        for op in profile.ops:
            op.avg_ms /= rounds
        return profile

    @property
    def memory(self) -> Memory:
        """Memory for the shapes of the last run or output_shapes()."""
        self._open()
        memory = CMemory()
        _check(self._lib.mace_engine_memory(self._handle, byref(memory)))
        return Memory(memory.arena, memory.arena_lower_bound, memory.packed_weights)

    @property
    def device_memory(self) -> Memory:
        """The same of the device beside the CPU: its buffers and images; zeros without one."""
        self._open()
        memory = CMemory()
        _check(self._lib.mace_engine_device_memory(self._handle, byref(memory)))
        return Memory(memory.arena, memory.arena_lower_bound, memory.packed_weights)

    def placements(self) -> list[Placement]:
        """Where the operators are executed for the last input shapes, in the model's order."""
        self._open()
        found: list[Placement] = []
        callback = PLACEMENT_FN(placement_collector(found))
        _check(self._lib.mace_engine_placements(self._handle, callback, None))
        return found

    def close(self) -> None:
        """Waits for runs that were begun and gives the engine's memory back. It cannot be used
        afterwards."""
        runs = getattr(self, "_runs", None)
        if runs is not None:
            # The last reference may be that of a run.
            runs.shutdown(wait=threading.get_ident() not in self._worker)
            self._runs = None
        handle = getattr(self, "_handle", None)
        if handle is not None and handle.value:
            self._lib.mace_engine_destroy(handle)
            self._handle = c_void_p()
            self._data = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _open(self) -> None:
        if not self._handle.value:
            raise MaceError("the engine was closed", hint="create another one")

    def _check_names(self, given: Mapping[str, Any]) -> None:
        known = [i.name for i in self.inputs]
        for name in given:
            if name not in known:
                raise MaceError(
                    f"the model has no input '{name}'{did_you_mean(name, known)}",
                    hint=f"its inputs are: {', '.join(known)}",
                )
        missing = [name for name in known if name not in given]
        if missing:
            raise MaceError(f"no array is given for the model's input '{missing[0]}'")

    def _input_tensors(self, shapes: Sequence[Shape]) -> ctypes.Array[CTensor]:
        tensors = (CTensor * len(self.inputs))()
        for tensor, shape, (name, dtype) in zip(tensors, shapes, self._names, strict=True):
            if len(shape) > MAX_RANK:
                raise MaceError(
                    f"input '{_text(name)}' has {len(shape)} dimensions; at most {MAX_RANK} can be"
                )
            tensor.name, tensor.dtype, tensor.rank = name, dtype, len(shape)
            tensor.dims[: len(shape)] = shape
        return tensors

    def _plan(self, shapes: Sequence[Shape]) -> list[Shape | None]:
        """Shapes of the outputs; None: known only after the run."""
        key = tuple(shapes)
        known = self._planned.get(key)
        if known is not None:
            return known
        tensors = self._input_tensors(shapes)
        outputs = (CTensor * len(self.outputs))()
        _check(
            self._lib.mace_engine_output_shapes(
                self._handle, tensors, len(tensors), outputs, len(outputs)
            )
        )
        if len(self._planned) >= _SHAPES_KEPT:
            self._planned.clear()
        self._planned[key] = [tuple(o.dims[: o.rank]) if o.rank >= 0 else None for o in outputs]
        return self._planned[key]

    def _run(self, inputs: Mapping[str, Array], stats: list[OpProfile] | None) -> dict[str, Array]:
        self._open()
        self._check_names(inputs)
        arrays = [_input_array(info, inputs[info.name]) for info in self.inputs]
        shapes = [array.shape for array in arrays]
        results = [
            np.empty(shape, info.dtype) if shape is not None else None
            for shape, info in zip(self._plan(shapes), self.outputs, strict=True)
        ]
        tensors = self._input_tensors(shapes)
        for tensor, array in zip(tensors, arrays, strict=True):
            tensor.data, tensor.bytes = array.ctypes.data, array.nbytes
        outputs = (CTensor * len(results))()
        for output, result, info in zip(outputs, results, self.outputs, strict=True):
            output.name, output.dtype = info.name.encode(), _DTYPE_CODES[info.dtype]
            if result is not None:
                output.data, output.bytes = result.ctypes.data, result.nbytes

        def allocate(_: object, index: int, tensor: Any) -> int:
            made = tensor.contents
            array = np.empty(tuple(made.dims[: made.rank]), self.outputs[index].dtype)
            results[index] = array
            return int(array.ctypes.data)

        memory = OUTPUT_FN(allocate)
        callback = STATS_FN() if stats is None else STATS_FN(_collector(stats))
        _check(
            self._lib.mace_engine_run_alloc(
                self._handle, tensors, len(tensors), outputs, len(outputs), memory, callback, None
            )
        )
        named = {}
        for output, result, info in zip(outputs, results, self.outputs, strict=True):
            assert result is not None  # the engine allocated what was missing
            shape = tuple(output.dims[: output.rank])
            if shape != result.shape:
                result = result.reshape(-1)[: int(np.prod(shape))].reshape(shape)
            named[info.name] = result
        return named


def placement_collector(found: list[Placement]) -> Callable[[Any, Any, Any, int, Any], None]:
    """A function for the engine to report placements to."""
    devices = {number: name for name, number in DEVICES.items()}

    def collect(_: Any, name: Any, kind: Any, device: int, reason: Any) -> None:
        found.append(Placement(_text(name), _text(kind), devices[device], _text(reason)))

    return collect


def _gpu_number(what: str, value: str, known: dict[str, int]) -> int:
    if value not in known:
        raise MaceError(
            f"the GPU's {what} is '{value}'{did_you_mean(value, known)}",
            hint=f"it is one of: {', '.join(name for name in known if name)}",
        )
    return known[value]


def _config(
    device: str,
    num_threads: int,
    affinity: str,
    memory_limit: int,
    model_key: bytes | None,
    storage_path: str | os.PathLike[str] | None,
    cpu_fallback: bool,
) -> CConfig:
    for value, known, what in ((device, DEVICES, "device"), (affinity, AFFINITIES, "affinity")):
        if value.lower() not in known:
            raise MaceError(
                f"{what} is '{value}'{did_you_mean(value, known)}",
                hint=f"it is one of: {', '.join(known)}",
            )
    config = CConfig(struct_size=ctypes.sizeof(CConfig))
    library().mace_config_init(byref(config))
    config.device = DEVICES[device.lower()]
    config.num_threads = num_threads
    config.affinity = AFFINITIES[affinity.lower()]
    config.memory_limit = memory_limit
    config.cpu_fallback = int(cpu_fallback)
    if model_key is not None:
        config.model_key, config.model_key_size = model_key, len(model_key)
    if storage_path is not None:
        config.storage_path = os.fsencode(storage_path)
    return config


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MaceError(
            f"the model file '{path}' cannot be read: {error.strerror}",
            hint="convert the model first (mace convert)",
        ) from None


def _aligned(data: bytes | Array) -> Array:
    source = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    flat = np.ascontiguousarray(source).reshape(-1).view(np.uint8)
    if flat.ctypes.data % DATA_ALIGNMENT == 0:
        return flat
    room = np.empty(flat.nbytes + DATA_ALIGNMENT, np.uint8)
    begin = -room.ctypes.data % DATA_ALIGNMENT
    room[begin : begin + flat.nbytes] = flat
    return room[begin : begin + flat.nbytes]


def _input_array(info: TensorInfo, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype != info.dtype:
        raise MaceError(
            f"input '{info.name}' is {info.dtype}, and the array for it is {array.dtype}",
            hint=f"convert it: array.astype(numpy.{info.dtype})",
            code=INVALID_ARGS,
        )
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def _collector(ops: list[OpProfile]) -> Callable[[Any, Any], None]:
    """A function for the engine to report operators to; their starts count from the first one's."""
    begin: list[int] = []

    def collect(_: Any, stats: Any) -> None:
        begin.append(stats.contents.start_micros)
        ops.append(_op(stats.contents, begin[0]))

    return collect


def _op(stats: COpStats, begin: int) -> OpProfile:
    milliseconds = (stats.end_micros - stats.start_micros) / 1000
    op = OpProfile(
        name=_text(stats.name),
        type=_text(stats.type),
        start_ms=(stats.start_micros - begin) / 1000,
        first_ms=milliseconds,
        avg_ms=milliseconds,
        macs=stats.macs,
        output_shape=tuple(stats.output_dims[: stats.output_rank]),
    )
    if stats.has_window:
        op.strides, op.paddings = tuple(stats.strides), tuple(stats.paddings)
        op.dilations = tuple(stats.dilations)
        op.filter_shape = tuple(stats.filter_dims[: stats.filter_rank])
    return op
