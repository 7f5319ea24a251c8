# SPDX-License-Identifier: Apache-2.0
"""Every verb and flag of the command line, described once: the parser and the documents' tables are
made from here. Flags of features that this version lacks are known and refused by name."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mace.cli.values import integer, ratio, seconds, similarity
from mace.errors import MaceError, did_you_mean

EXIT_CODES = """\
exit codes: 0 done; 1 internal error (--debug shows where); 2 wrong usage, model, configuration or
environment; 3 a result is below its threshold; 4 no device; interrupted 128 and the signal's number
(130: Ctrl-C), with nothing left on devices."""


class UsageError(MaceError):
    """The command line is wrong."""


@dataclass(frozen=True)
class Verb:
    """A verb: its one-line help, its description, its examples and what adds its flags."""

    name: str
    help: str
    examples: str
    add_flags: Callable[[argparse.ArgumentParser], None]


class _Parser(argparse.ArgumentParser):
    """Raises in place of leaving the program."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}", hint=f"'{self.prog} --help' shows what is possible")


class _Later(argparse.Action):
    """A flag whose feature is not in this version. `const`: the feature; values that ask for
    nothing pass."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        if self.nargs == "?" and values is not None and str(values) in ("0", "0.0", "", "false"):
            return
        feature, way_out = self.const
        raise UsageError(f"{option_string}: {feature} is not in this version of MACE", hint=way_out)


def _later(
    parser: argparse._ArgumentGroup, flag: str, feature: str, way_out: str, value: bool = False
) -> None:
    parser.add_argument(
        flag,
        action=_Later,
        nargs="?" if value else 0,
        const=(feature, way_out),
        default=None,
        metavar="VALUE" if value else None,
        help=f"refused: {feature} is not in this version",
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--json", action="store_true", help="print one JSON document and nothing else"
    )
    group.add_argument("-v", "--verbose", action="count", default=0, help="say more; -vv even more")
    group.add_argument("-q", "--quiet", action="store_true", help="no lines about progress")
    group.add_argument(
        "--debug", action="store_true", help="show where in the program an error arose"
    )
    group.add_argument("-h", "--help", action="help", help="show this text and exit")


def _add_config(parser: argparse.ArgumentParser, required: bool) -> None:
    group = parser.add_argument_group("deployment")
    group.add_argument("--config", metavar="FILE", required=required, help="the deployment file")
    group.add_argument("--models", metavar="NAMES", help="these models alone, separated by commas")
    group.add_argument("--target_abis", metavar="ABIS", help="in place of target_abis of the file")
    group.add_argument(
        "--target_socs",
        metavar="SOCS",
        help="in place of target_socs of the file: all, random, ...",
    )
    group.add_argument(
        "--model_graph_format",
        choices=("file", "code", "static"),
        help="in place of that of the file",
    )
    group.add_argument(
        "--model_data_format", choices=("file", "code"), help="in place of that of the file"
    )


_SANITIZER = (
    "converting with AddressSanitizer",
    "give it to run or benchmark, which build the engine and models that are code with it",
)


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a model file, in place of a deployment file"
    )
    _add_config(parser, required=False)
    group = parser.add_argument_group("conversion")
    group.add_argument(
        "--weight_file", metavar="FILE", help="with MODEL: the .caffemodel of a .prototxt"
    )
    group.add_argument("--output_dir", metavar="DIR", help="default: builds/<library>/model")
    group.add_argument(
        "--stop_at", metavar="TENSOR", help="convert only what this tensor needs, as the one output"
    )
    group.add_argument(
        "--graph_optimize_options",
        metavar="NAMES",
        help="these passes alone, separated by commas, in place of those of the file",
    )
    group.add_argument(
        "--dump_passes", metavar="DIR", help="write the graph after each pass there, as text"
    )
    group.add_argument(
        "--package",
        action="store_true",
        help="also build the engine for the ABIs and write libmace_<library>.tar.gz",
    )
    _later(group, "--address_sanitizer", *_SANITIZER)
    group.add_argument(
        "--cl_mem_type",
        choices=("image", "buffer", "auto"),
        help="memory of GPU tensors, in place of that of the file",
    )


def _add_build(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("libraries")
    group.add_argument(
        "--config", metavar="FILE", help="a deployment file: for its ABIs, below builds/<library>"
    )
    group.add_argument("--models", metavar="NAMES", help="these models alone, separated by commas")
    group.add_argument(
        "--selective",
        action="store_true",
        help="link only what the models of --config need of operators, kernels and other parts; "
        "they must be converted; default of --runtimes: cpu",
    )
    group.add_argument(
        "--isas",
        metavar="NAMES",
        help="with --selective: kernels of these instruction sets alone, separated by commas: "
        "amxbf16, avx2, avx512, avx512bf16, neon, neona55, neonbf16, neondot, neonfp16, neoni8mm, "
        "sse4",
    )
    group.add_argument(
        "--optimize",
        choices=("speed", "size"),
        default="speed",
        help="size: the smallest library that clang-19 or the NDK makes; the engine takes longer to "
        "load a model, kernels do not, and messages guess no names; default: speed",
    )
    group.add_argument(
        "--interface",
        choices=("c++", "c"),
        default="c++",
        help="c: libmace.so exports mace_c.h alone and is the smaller for it; c++: mace.h and "
        "mace_c.h; default: c++",
    )
    group.add_argument(
        "--messages",
        choices=("full", "short"),
        default="full",
        help="short: instead of their sentences errors say the source line that they are from, and "
        "the names and numbers: smaller by 6 KB and more; default: full",
    )
    group.add_argument(
        "--no_operators",
        action="store_true",
        help="link no operator and no kernel: what the engine itself takes in every library",
    )
    group.add_argument(
        "--target_abis",
        "--abis",
        metavar="ABIS",
        help="armeabi-v7a, arm64-v8a, arm_linux_gnueabihf, aarch64_linux_gnu, linux-x86-64; "
        "default: those of --config, else all",
    )
    group.add_argument(
        "--runtimes",
        metavar="NAMES",
        help="cpu, cpu_gpu, cpu_gpu_dsp; default: what of the latter two this version has",
    )
    group.add_argument("--output_dir", metavar="DIR", help="default: builds, or builds/<library>")
    group.add_argument(
        "--size_report",
        action="store_true",
        help="also write what is in each library: sizes.txt, sizes.json, sizes.html",
    )
    group.add_argument(
        "--aar",
        action="store_true",
        help="also write mace-<version>.aar for Android, with the classes of org.mace in it",
    )


def _add_gpu(group: argparse._ArgumentGroup) -> None:
    for hint in ("perf", "priority"):
        group.add_argument(
            f"--gpu_{hint}_hint",
            metavar="N",
            type=integer(0, 3),
            default=3,
            help="0 DEFAULT, 1 LOW, 2 NORMAL, 3 HIGH (default); without effect on the CPU",
        )
    group.add_argument(
        "--limit_opencl_kernel_time",
        metavar="N",
        type=integer(0, 1),
        help="1: launch GPU kernels in parts of about 1 ms; 0: whole; in place of the model's",
    )
    group.add_argument(
        "--opencl_queue_window_size",
        metavar="N",
        type=integer(0, 1 << 20),
        help="launches in the GPU's queue at most, 0 for any number; in place of the model's",
    )
    group.add_argument(
        "--data_type",
        choices=("fp16_fp32", "fp32_fp32", "fp16_fp16"),
        help="how the GPU stores tensors and computes, in place of what the model was converted for",
    )
    group.add_argument(
        "--cl_mem_type",
        choices=("image", "buffer"),
        help="memory of GPU tensors, in place of what the model was converted for",
    )
    group.add_argument(
        "--disable_tuning",
        action="store_true",
        help="neither tune the GPU's kernels nor use what was tuned before",
    )


def _add_execution(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("execution")
    group.add_argument(
        "--device",
        choices=("auto", "host", "emulated", "android", "arm_linux"),
        default="auto",
        help="auto (default): this machine for the ABI host, boards for arm64 and armhf, else an "
        "emulator; android: by adb (ANDROID_SERIAL chooses one)",
    )
    group.add_argument(
        "--keep_files", action="store_true", help="leave the files of the run on the device"
    )
    group.add_argument(
        "--device_yml", metavar="FILE", default="", help="the file that describes boards with Linux"
    )
    group.add_argument(
        "--omp_num_threads",
        "--num_threads",
        metavar="N",
        type=integer(-1, 1024),
        default=-1,
        help="threads; -1 (default): one for each core of the policy",
    )
    group.add_argument(
        "--cpu_affinity_policy",
        metavar="N",
        type=integer(0, 4),
        default=1,
        help="0 AFFINITY_NONE, 1 AFFINITY_BIG_ONLY (default), 2 AFFINITY_LITTLE_ONLY, "
        "3 AFFINITY_HIGH_PERFORMANCE, 4 AFFINITY_POWER_SAVE",
    )
    group.add_argument(
        "--disable_openmp", action="store_true", help="one thread: the same as --omp_num_threads=1"
    )
    group.add_argument(
        "--mace_lib_type",
        choices=("static", "dynamic"),
        default="static",
        help="static (default): the engine is part of the program; dynamic: it comes from libmace.so, "
        "which is copied to the device too",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=3600.0,
        help="end a run on a device that takes more seconds than these (default 3600)",
    )
    group.add_argument(
        "--runtime", choices=("cpu", "gpu"), help="in place of that of the file: cpu or gpu"
    )
    _add_gpu(group)
    group.add_argument(
        "--input_dir",
        metavar="DIR",
        default="",
        help="take the inputs from files here: those of a sample end alike",
    )
    group.add_argument(
        "--output_dir",
        metavar="DIR",
        default="",
        help="put the outputs there, a file of raw elements each",
    )
    group.add_argument(
        "--address_sanitizer",
        action="store_true",
        help="build the program, and models that are code, with AddressSanitizer, which ends a run "
        "at its first wrong access of memory; only on this machine (slow)",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_config(parser, required=True)
    _add_execution(parser)
    group = parser.add_argument_group("run")
    group.add_argument("--round", metavar="N", type=integer(1), default=1, help="runs (default 1)")
    group.add_argument(
        "--restart_round",
        metavar="N",
        type=integer(1),
        default=1,
        help="starts of the program (default 1)",
    )
    group.add_argument(
        "--validate", action="store_true", help="compare the outputs with the original framework's"
    )
    group.add_argument(
        "--seed", metavar="N", type=integer(0), default=0, help="of random inputs (default 0)"
    )
    group.add_argument(
        "--samples",
        metavar="N",
        type=integer(1, 1000),
        default=1,
        help="random inputs to validate with (default 1)",
    )
    group.add_argument(
        "--vlog_level",
        metavar="N",
        type=integer(0),
        default=0,
        help="what the engine logs of its own accord, more with a larger N (default 0)",
    )
    group.add_argument("--report", action="store_true", help="add the times to report.csv")
    group.add_argument(
        "--report_dir", metavar="DIR", default="", help="default: builds/<library>/report"
    )
    group.add_argument(
        "--example", action="store_true", help="run mace/examples/cli in place of mace_run"
    )
    group.add_argument(
        "--caffe_env",
        choices=("local", "docker"),
        default="local",
        help="local (default): Caffe models are compared with OpenCV's reader on this machine; docker is refused",
    )
    group.add_argument(
        "--tune",
        action="store_true",
        help="find the fastest kernels of the GPU, and keep them in builds/<library>/opencl; "
        "also done when the deployment file has target_socs",
    )
    group.add_argument(
        "--validate_all_layers",
        action="store_true",
        help="compare every layer, name the first wrong one and why it is wrong",
    )
    group.add_argument(
        "--gpu_out_of_range_check",
        action="store_true",
        help="check every index of every GPU kernel; a run that uses other memory fails (slow)",
    )
    group.add_argument(
        "--runtime_failure_ratio",
        metavar="R",
        type=ratio,
        default=0.0,
        help="let this part (0 to 1) of the calls to the GPU's driver fail, to try how it is borne",
    )
    _later(group, "--quantize_stat", "quantization", "the data type of this version is float32")


def _add_benchmark(parser: argparse.ArgumentParser) -> None:
    _add_config(parser, required=True)
    _add_execution(parser)
    group = parser.add_argument_group("benchmark")
    group.add_argument(
        "--max_num_runs", metavar="N", type=integer(1), default=100, help="most runs (default 100)"
    )
    group.add_argument(
        "--max_seconds",
        metavar="S",
        type=seconds,
        default=10.0,
        help="stop after so many seconds (default 10)",
    )
    group.add_argument(
        "--warmup_runs", metavar="N", type=integer(0), default=1, help="runs before (default 1)"
    )
    group.add_argument(
        "--roofline",
        action="store_true",
        help="also how near each operator comes to what the machine can do, measured in the same "
        "process (some 60 ms more); of the CPU, for models in files",
    )


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a model file or a deployment file")
    parser.add_argument("--weight_file", metavar="FILE", help="the .caffemodel of a .prototxt")
    parser.add_argument("--stop_at", metavar="TENSOR", help="only what this tensor needs")
    parser.add_argument(
        "--runtime",
        choices=("cpu", "gpu"),
        default="cpu",
        help="gpu: tell which operators a GPU executes, and why not the others (default cpu)",
    )


def _add_engines(parser: argparse.ArgumentParser, model: str) -> None:
    """What compare and reduce share."""
    parser.add_argument("model", metavar="MODEL", help=model)
    group = parser.add_argument_group("comparison")
    group.add_argument("--weight_file", metavar="FILE", help="the .caffemodel of a .prototxt")
    group.add_argument("--models", metavar="NAME", help="the model of a deployment file")
    group.add_argument(
        "--seed", metavar="N", type=integer(0), default=0, help="of random inputs (default 0)"
    )
    group.add_argument(
        "--unknown_size",
        metavar="N",
        type=integer(1, 1 << 20),
        default=64,
        help="of dimensions of inputs that the model leaves open, but the first (default 64)",
    )
    group.add_argument(
        "--threshold",
        metavar="S",
        type=similarity,
        default=0.9999,
        help="the least similarity of a layer, whose SQNR must fit it too (default 0.9999)",
    )
    group.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=seconds,
        default=600.0,
        help="end a run that takes more seconds than these (default 600)",
    )
    group.add_argument("--output_dir", metavar="DIR", help="where results go; default: here")


def _add_compare(parser: argparse.ArgumentParser) -> None:
    _add_engines(parser, "a model file or a deployment file")
    what = "framework, onnxruntime, tensorflow, opencv, numpy, or mace[:ABI][:ISA][:unoptimized]"
    parser.add_argument("first", metavar="A", help=f"what counts as right: {what}")
    parser.add_argument("second", metavar="B", help="what is compared with it: one of the same")
    parser.add_argument(
        "--samples", metavar="N", type=integer(1, 1000), default=1, help="inputs (default 1)"
    )


def _add_reduce(parser: argparse.ArgumentParser) -> None:
    _add_engines(parser, "a model file or a deployment file")
    group = parser.add_argument_group("reduction")
    group.add_argument(
        "--fails",
        choices=("auto", "convert", "crash", "differ"),
        default="auto",
        help="the failure to keep; auto (default): the first of these that the whole model shows",
    )
    group.add_argument(
        "--engines",
        metavar="A,B",
        default="framework,mace",
        help="B crashes or differs from A; as for compare (default framework,mace)",
    )
    group.add_argument(
        "--command",
        metavar="CMD",
        help="the failure is that this command does not end with 0; {model} is the model's file",
    )
    group.add_argument(
        "--max_tests", metavar="N", type=integer(1), default=400, help="tries (default 400)"
    )


def _add_ops(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="an operator of MACE or of a framework; default: all",
    )
    parser.add_argument(
        "--platform",
        choices=("tensorflow", "caffe", "onnx"),
        help="the operators of this framework",
    )


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a model file")
    parser.add_argument("--weight_file", metavar="FILE", help="the .caffemodel of a .prototxt")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="default: <model>.yml beside the model"
    )
    parser.add_argument("--library_name", metavar="NAME", help="default: made of the file's name")
    parser.add_argument("--force", action="store_true", help="write over an existing file")


def _add_devices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device_yml", metavar="FILE", default="", help="the file that describes boards with Linux"
    )


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    del parser  # it has no flags of its own


def _add_dev(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "task",
        choices=("docs", "fit"),
        help="docs: renew the generated tables in docs/; fit: measure the ways of convolutions and "
        "fit the costs by which the engine chooses",
    )
    parser.add_argument(
        "--check", action="store_true", help="docs: change nothing; fail if not current"
    )
    group = parser.add_argument_group("fit")
    group.add_argument("--write", action="store_true", help="change mace/base/costs.yml")
    group.add_argument(
        "--isa",
        choices=("avx512", "avx2", "sse4", "neon", "neon_armv7"),
        default="",
        help="instruction set, the best of the machine if not given",
    )
    group.add_argument(
        "--abi",
        choices=("host", "arm64-v8a", "armeabi-v7a"),
        default="host",
        help="host (default): processor time on this machine; others: modelled cycles under emulation",
    )
    group.add_argument(
        "--layers", metavar="LIST", default="", help="as 56x64x128,7x512x512 in place of the grid"
    )
    group.add_argument(
        "--rounds",
        type=int,
        metavar="N",
        default=5,
        help="through all layers; the least time of any counts (default 5)",
    )
    group.add_argument(
        "--runs", type=int, metavar="N", default=8, help="of a way in a round, at least (default 8)"
    )
    group.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        default=0.02,
        help="seconds of a way in a round, at least (default 0.02)",
    )
    group.add_argument("--save", metavar="FILE", default="", help="keep the measurements")
    group.add_argument(
        "--timings",
        metavar="FILE,...",
        default="",
        help="measure nothing: the least times of these files",
    )


VERBS = (
    Verb(
        "convert",
        "convert models and check that the engine accepts them",
        """\
  mace convert --config=mobilenet_v2.yml
  mace convert model.onnx
  mace convert model.onnx --dump_passes=passes
  mace convert deploy.prototxt --weight_file=net.caffemodel --output_dir=out""",
        _add_convert,
    ),
    Verb(
        "build",
        "build libmace.so and libmace.a for applications",
        """\
  mace build --target_abis=linux-x86-64
  mace build --config=mobilenet_v2.yml --selective --size_report""",
        _add_build,
    ),
    Verb(
        "run",
        "run converted models, and compare them with their framework",
        """\
  mace run --config=mobilenet_v2.yml --round=100
  mace run --config=mobilenet_v2.yml --validate
  mace run --config=mobilenet_v2.yml --validate_all_layers
  mace run --config=mobilenet_v2.yml --target_abis=arm64-v8a --validate""",
        _add_run,
    ),
    Verb(
        "benchmark",
        "measure converted models, operator by operator",
        """\
  mace benchmark --config=mobilenet_v2.yml
  mace benchmark --config=mobilenet_v2.yml --omp_num_threads=1
  mace benchmark --config=mobilenet_v2.yml --json > profile.json""",
        _add_benchmark,
    ),
    Verb(
        "compare",
        "run a model on two engines and compare them layer by layer",
        """\
  mace compare model.onnx onnxruntime mace
  mace compare model.onnx mace:reference mace:avx2
  mace compare mobilenet_v2.yml mace:unoptimized mace --threshold=0.99999""",
        _add_compare,
    ),
    Verb(
        "reduce",
        "shrink a model that fails to the smallest part that still fails",
        """\
  mace reduce broken.onnx
  mace reduce broken.onnx --fails=convert --output_dir=small
  mace reduce broken.onnx --command='grep -q Relu {model}'""",
        _add_reduce,
    ),
    Verb(
        "check",
        "say what of a model would convert and what would not",
        """\
  mace check model.onnx
  mace check mobilenet_v2.yml --json
  mace check frozen.pb --stop_at=block3/out""",
        _add_check,
    ),
    Verb(
        "ops",
        "list the operators that are supported",
        """\
  mace ops
  mace ops Conv2D
  mace ops --platform=onnx""",
        _add_ops,
    ),
    Verb(
        "init",
        "write a deployment file for a model",
        """\
  mace init model.onnx
  mace init deploy.prototxt --weight_file=net.caffemodel
  mace init frozen.pb -o deployment.yml""",
        _add_init,
    ),
    Verb(
        "devices",
        "list the devices that models can run on",
        """\
  mace devices
  mace devices --device_yml=devices.yml
  mace devices --json""",
        _add_devices,
    ),
    Verb(
        "doctor",
        "say what is installed and what is missing",
        """\
  mace doctor
  mace doctor --json
  mace doctor -v""",
        _add_doctor,
    ),
    Verb(
        "dev",
        "tasks of those who change MACE",
        """\
  mace dev docs
  mace dev docs --check
  mace dev fit --save=avx512.jsonl
  mace dev fit --isa=avx2 --write
  mace dev fit --timings=avx512.jsonl --json
  mace dev fit --abi=arm64-v8a --layers=28x32x32,14x64x64""",
        _add_dev,
    ),
)


def make_parser(program: str = "mace") -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(
        prog=program,
        description="Converts trained networks, runs them on devices, validates and measures them.",
        epilog=f"'{program} VERB --help' shows examples of a verb.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="show the versions and exit")
    verbs = parser.add_subparsers(
        dest="verb", metavar="VERB", parser_class=_Parser, title="verbs", required=False
    )
    for verb in VERBS:
        child = verbs.add_parser(
            verb.name,
            help=verb.help,
            description=verb.help[0].upper() + verb.help[1:] + ".",
            epilog=f"examples:\n{verb.examples}\n\n{EXIT_CODES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            add_help=False,
        )
        verb.add_flags(child)
        _add_common(child)
    return parser


def verb_parser(parser: argparse.ArgumentParser, verb: str) -> argparse.ArgumentParser:
    """The parser of one verb."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found: argparse.ArgumentParser = action.choices[verb]
            return found
    raise ValueError(f"there is no verb '{verb}'")


def parse(argv: Sequence[str], program: str = "mace") -> argparse.Namespace:
    """The parsed command line. Raises UsageError."""
    words = [_underscores(word) for word in argv]
    parser = make_parser(program)
    names = [verb.name for verb in VERBS]
    first = next((word for word in words if not word.startswith("-")), None)
    if first is not None and first not in names:
        raise UsageError(
            f"there is no verb '{first}'{did_you_mean(first, names)}",
            hint=f"verbs are: {', '.join(names)}",
        )
    # Before argparse complains of what is missing, which may only be misspelt.
    flags = [word for word in words if word.startswith("--")]
    _refuse_unknown(parser, first, flags, program)
    options, rest = parser.parse_known_args(words)
    _refuse_unknown(parser, options.verb, rest, program)
    if options.verb is None and not options.version:
        raise UsageError("a verb is missing", hint=f"verbs are: {', '.join(names)}")
    return options


def _underscores(word: str) -> str:
    """--cpu-affinity-policy is --cpu_affinity_policy."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value


def _refuse_unknown(
    parser: argparse.ArgumentParser, verb: str | None, words: Sequence[str], program: str
) -> None:
    chosen = verb_parser(parser, verb) if verb else parser
    known = [flag for action in chosen._actions for flag in action.option_strings]
    parts = []
    for word in words:
        name = word.partition("=")[0]
        if not name.startswith("-"):
            parts.append(f"'{word}' is not expected here")
        elif name not in known:
            parts.append(f"unknown flag '{name}'{did_you_mean(name, known)}")
    if parts:
        raise UsageError("; ".join(parts), hint=f"see '{program} {verb or ''} --help'")
