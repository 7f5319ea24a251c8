# SPDX-License-Identifier: Apache-2.0
"""Deployment files: what is read, and that each mistake is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from mace.api import _runtime_settings
from mace.config.loader import load_deployment, load_devices
from mace.config.source import ConfigError, parse_document
from mace.errors import MaceError

GOOD = """\
library_name: zoo
target_abis: [host, arm64-v8a]
model_graph_format: file
model_data_format: file
models:
  net_1:
    platform: tensorflow
    model_file_path: net.pb
    model_sha256_checksum: 71b10f540ece33c49a7b51f5d4095fc9bd78ce46ebf0300487b2ee23d71294e6
    subgraphs:
      - input_tensors:
          - input
        input_shapes:
          - 1,224,224,3
        output_tensors:
          - out:0
        output_shapes:
          - 1,1001
    runtime: cpu
    limit_opencl_kernel_time: 0
    nnlib_graph_mode: 0
    obfuscate: 0
    winograd: 0
"""


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "deploy.yml"
    path.write_text(text)
    return load_deployment(path)


def problems(tmp_path: Path, text: str) -> list[str]:
    """The complaints about a deployment file, without the path of the file."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return [line.split("deploy.yml:", 1)[1] for line in caught.value.problems]


def test_a_file_of_the_documents_is_read(tmp_path: Path) -> None:
    deployment = load_deployment_text(tmp_path, GOOD)
    assert deployment.library_name == "zoo"
    assert deployment.target_abis == ["host", "arm64-v8a"]
    subgraph = deployment.models["net_1"].subgraph
    assert subgraph.input_shapes == [(1, 224, 224, 3)]
    assert subgraph.input_data_formats == ["NHWC"]
    assert subgraph.ranges() == [(-1.0, 1.0)]
    assert subgraph.threshold() == 0.999
    assert deployment.folder == tmp_path.resolve()


def load_deployment_text(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "deploy.yml"
    path.write_text(text)
    return load_deployment(path)


def test_one_value_stands_for_a_list(tmp_path: Path) -> None:
    text = GOOD.replace("[host, arm64-v8a]", "host, armeabi-v7a")
    text = text.replace("\n          - input\n", " input\n").replace(
        "\n          - 1,1001", " [1, 1001]"
    )
    deployment = load_deployment_text(tmp_path, text)
    assert deployment.target_abis == ["host", "armeabi-v7a"]
    assert deployment.models["net_1"].subgraph.input_tensors == ["input"]
    assert deployment.models["net_1"].subgraph.output_shapes == [(1, 1001)]


@pytest.mark.parametrize("shape", ["1,?,?,3", "1,-1,-1,3", '"1, ?, ?, 3"', "[1, -1, -1, 3]"])
def test_unknown_sizes(tmp_path: Path, shape: str) -> None:
    text = GOOD.replace("\n          - 1,224,224,3", f" {shape}")
    deployment = load_deployment_text(tmp_path, text)
    assert deployment.models["net_1"].subgraph.input_shapes == [(1, -1, -1, 3)]


def test_names_stay_text(tmp_path: Path) -> None:
    text = GOOD.replace("- out:0", "- off").replace("- input\n", "- 0473\n")
    subgraph = load_deployment_text(tmp_path, text).models["net_1"].subgraph
    assert subgraph.output_tensors == ["off"]
    assert subgraph.input_tensors == ["0473"]


def test_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", "/data")
    text = GOOD.replace("net.pb", "${MODELS}/net.pb")
    assert load_deployment_text(tmp_path, text).models["net_1"].model_file_path == "/data/net.pb"
    doubled = text.replace("${MODELS}", "$${MODELS}")
    path = load_deployment_text(tmp_path, doubled).models["net_1"].model_file_path
    assert path == "${MODELS}/net.pb"
    monkeypatch.delenv("MODELS")
    (line,) = problems(tmp_path, text)
    assert line.startswith("8:22: ") and "the environment variable MODELS is not set" in line


def test_keys_one_level_too_high_and_old_spellings(tmp_path: Path) -> None:
    text = GOOD.replace(
        "    runtime: cpu\n",
        "    runtime: cpu\n    backend: tensorflow\n    limit_opencl_kernel_completion: 0\n"
        "    validation_threshold: {CPU: 0.99999}\n    data_type: fp32\n",
    ).replace("    limit_opencl_kernel_time: 0\n", "")
    model = load_deployment_text(tmp_path, text).models["net_1"]
    assert model.subgraph.threshold() == 0.99999
    assert model.data_type == model.storage == "fp32_fp32"


def test_half_arithmetic(tmp_path: Path) -> None:
    text = GOOD.replace("runtime: cpu", "runtime: cpu\n    data_type: fp16_fp16")
    model = load_deployment_text(tmp_path, text).models["net_1"]
    assert (model.storage, model.stored_as) == ("fp16_fp16", "float16")
    assert model.subgraph.threshold("CPU", half=True) == 0.99
    assert model.subgraph.threshold("GPU", half=True) == 0.995


def test_limits_of_the_gpu(tmp_path: Path) -> None:
    model = load_deployment_text(tmp_path, GOOD).models["net_1"]
    assert (model.limit_opencl_kernel_time, model.opencl_queue_window_size) == (False, 0)
    assert "limit_opencl_kernel_time" not in _runtime_settings(model)
    text = GOOD.replace("runtime: cpu", "runtime: gpu").replace(
        "    limit_opencl_kernel_time: 0\n",
        "    limit_opencl_kernel_completion: 1\n    opencl_queue_window_size: 16\n",
    )
    model = load_deployment_text(tmp_path, text).models["net_1"]
    settings = _runtime_settings(model)
    assert settings["limit_opencl_kernel_time"] == "1"
    assert settings["opencl_queue_window_size"] == "16"
    (line,) = problems(tmp_path, text.replace("size: 16", "size: -2"))
    assert "'-2' is not a whole number from 0 to" in line
    (line,) = problems(tmp_path, GOOD.replace("kernel_time: 0", "kernel_time: 2"))
    assert "'2' is neither 0 nor 1" in line


def test_the_gpu_runtime(tmp_path: Path) -> None:
    model = load_deployment_text(tmp_path, GOOD).models["net_1"]
    assert (model.runtimes, model.storage, model.cl_mem_type) == (["cpu"], "fp32_fp32", "auto")
    text = GOOD.replace("runtime: cpu", "runtime: cpu_gpu\n    cl_mem_type: image")
    model = load_deployment_text(tmp_path, text).models["net_1"]
    assert (model.runtimes, model.storage, model.cl_mem_type) == (
        ["cpu", "gpu"],
        "fp16_fp32",
        "image",
    )


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (("runtime: cpu", "runtim: cpu"), "19:5", "unknown key (did you mean 'runtime'?)"),
        (("library_name", "libary_name"), "1:1", "did you mean 'library_name'?"),
        (("input_shapes", "input_shape"), "13:9", "did you mean 'input_shapes'?"),
        (("platform: tensorflow", "platform: tensorflw"), "7:15", "did you mean 'tensorflow'?"),
        (("arm64-v8a]", "arm64-v9a]"), "2:21", "did you mean 'arm64-v8a'?"),
        (("runtime: cpu", "runtime: gpuu"), "19:14", "did you mean 'gpu'"),
        (
            ("runtime: cpu", "runtime: dsp"),
            "19:14",
            "the Hexagon DSP runtime is not in this version",
        ),
        (("winograd: 0", "winograd: 2"), "23:15", "Winograd"),
        (("obfuscate: 0", "obfuscate: 2"), "22:16", "is neither 0 nor 1"),
        (("obfuscate: 0", "quantize: 1"), "22:15", "quantization is not in this version"),
        (("data_format: file", "data_format: code"), "4:20", "weights become code only with"),
        (("library_name: zoo", "library_name: a/b"), "1:15", "not a usable name"),
        (("  net_1:", "  ../x:"), "6:3", "not a usable name"),
        (("1,224,224,3", "1,224,x,3"), "14:13", "'x' is not a dimension"),
        (("1,224,224,3", "1,224,-7,3"), "14:13", "'-7' is not a dimension"),
        (("71b10f", "71b1"), "9:28", "not a SHA-256 checksum"),
        (("- out:0", "- out:0\n          - two"), "19:11", "1 given for 2 output_tensors"),
        (("- input\n", "- input\n          - input\n"), "12:11", "a name is given twice"),
    ],
)
def test_mistakes_are_placed(
    tmp_path: Path, change: tuple[str, str], place: str, words: str
) -> None:
    assert change[0] in GOOD
    lines = problems(tmp_path, GOOD.replace(*change))
    assert any(line.startswith(place + ": ") and words in line for line in lines), lines


def test_all_mistakes_at_once_in_order(tmp_path: Path) -> None:
    text = GOOD.replace("runtime: cpu", "runtime: dsp").replace("arm64-v8a]", "arm]")
    text = text.replace("platform: tensorflow", "plattform: tensorflow")
    lines = problems(tmp_path, text)
    assert [line.split(":")[0] for line in lines] == ["2", "6", "7", "19"]


def test_missing_keys(tmp_path: Path) -> None:
    assert "the key 'models' is missing" in problems(tmp_path, "library_name: x\n")[0]


def test_a_fetched_file_needs_a_checksum(tmp_path: Path) -> None:
    text = GOOD.replace("net.pb", "https://example.com/net.pb")
    text = "\n".join(line for line in text.splitlines() if "sha256" not in line)
    (line,) = problems(tmp_path, text)
    assert "give model_sha256_checksum" in line


def test_caffe_needs_weights(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, GOOD.replace("platform: tensorflow", "platform: caffe"))
    assert "a Caffe model needs its .caffemodel file" in line


def test_duplicate_keys(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, GOOD + "library_name: y\n")
    assert line.startswith("24:1: ") and "given twice" in line


@pytest.mark.parametrize(
    "text", ["", "- a", "word", "a: [", "a: b: c", "\tx: 1", "!!python/x y", "{a"]
)
def test_what_is_no_deployment_file(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


def test_no_billion_laughs() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match="nests or repeats too much"):
        parse_document("\n".join(lines), "bomb.yml")


def test_deep_nesting() -> None:
    with pytest.raises(ConfigError):
        parse_document("[" * 5000 + "]" * 5000, "deep.yml")


def test_aliases_and_merges(tmp_path: Path) -> None:
    text = GOOD + "  net_2:\n    <<: *base\n    runtime: cpu\n"
    text = text.replace("  net_1:", "  net_1: &base")
    assert list(load_deployment_text(tmp_path, text).models) == ["net_1", "net_2"]


def test_no_file_and_no_text(tmp_path: Path) -> None:
    with pytest.raises(MaceError, match="cannot be read"):
        load_deployment(tmp_path / "none.yml")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(MaceError, match="not UTF-8"):
        load_deployment(tmp_path / "binary.yml")


def test_devices(tmp_path: Path) -> None:
    path = tmp_path / "devices.yml"
    path.write_text(
        "devices:\n  nanopi:\n    target_abis: [arm64, armhf]\n    target_socs: RK3399\n"
        "    models: Nanopi M4\n    address: 10.0.0.0\n    username: user\n"
        "  raspberry:\n    target_abis: [armv7l]\n    address: 10.0.0.1\n    username: user\n"
    )
    devices = load_devices(path).devices
    assert devices["nanopi"].target_abis == ["arm64", "armhf"]
    assert devices["raspberry"].target_abis == ["armhf"]
    path.write_text("devices:\n  a:\n    target_abis: [arm64]\n    adress: x\n    username: u\n")
    with pytest.raises(ConfigError, match="did you mean 'address'"):
        load_devices(path)
