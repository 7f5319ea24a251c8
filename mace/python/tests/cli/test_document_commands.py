# SPDX-License-Identifier: Apache-2.0
"""Every command of a shell block in README.md and docs/ is run, on small models under the names
that the documents use. A command of a new kind fails until it is added here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import small_models
from mace.cli.arguments import parse

ROOT = Path(__file__).resolve().parents[4]
DEPLOYMENT = """\
library_name: {name}
target_abis: [host]
models:
  {name}:
    platform: onnx
    model_file_path: model.onnx
    subgraphs:
      - input_tensors: [x]
        input_shapes: ["1,8,8,3"]
        output_tensors: [y]
    runtime: cpu
"""
# Commands of the build: their targets and configurations are what tools/test.sh builds, so it is
# enough that they name something that exists.
_ONLY_NAMED = ("bazel build ", "bazel test ", "bazel run ", "alias mace=")

# Tools that measure for minutes or hours: their flags are compared with what their help says.
_LONG = re.compile(
    r"python (tools/(arm_count|code_record|compare_frameworks|deployment_table|device_record"
    r"|kernel_loops|size_table)\.py)"
)


def _commands() -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.S):
            for line in block.splitlines():
                command = line.split(" #")[0].strip()
                if command and not command.startswith("#"):
                    found.setdefault(command, path.name)
    return [(document, command) for command, document in found.items()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models that the documents speak of, converted where they are run."""
    folder = tmp_path_factory.mktemp("documents")
    small_models.conv_onnx(folder / "model.onnx")
    small_models.bad_onnx(folder / "broken.onnx")
    small_models.write_caffe(folder / "deploy.prototxt")
    (folder / "deploy.caffemodel").rename(folder / "net.caffemodel")
    _frozen(folder / "frozen.pb")
    for name in ("model", "mobilenet_v2"):
        text = DEPLOYMENT.format(name=name)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
        assert _run(f"mace convert --config={name}.yml", folder).returncode == 0
    (folder / "model.yml").unlink()
    # Nobody listens at port 1: such a board is listed with the reason.
    board = "target_abis: [arm64], address: 127.0.0.1, username: pi, port: 1"
    (folder / "devices.yml").write_text(f"devices: {{pi: {{{board}}}}}\n", encoding="utf-8")
    return folder


def _frozen(path: Path) -> None:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph = GraphDef()
    x = graph.node.add(name="x", op="Placeholder")
    x.attr["dtype"].type = 1
    for size in (1, 4, 4, 3):
        x.attr["shape"].shape.dim.add(size=size)
    for name, source in (("block3/out", "x"), ("y", "block3/out")):
        graph.node.add(name=name, op="Relu", input=[source]).attr["T"].type = 1
    path.write_bytes(graph.SerializeToString())


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    converter = f"{shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'tools/converter.py'))}"
    for prefix in ("mace ", "python tools/converter.py "):
        if command.startswith(prefix):
            command = f"{converter} {command[len(prefix) :]}"
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "mace/python")},
    )


@pytest.mark.parametrize(("document", "command"), _commands(), ids=lambda v: str(v)[:60])
def test_command(document: str, command: str, folder: Path) -> None:
    if command.startswith(_ONLY_NAMED):
        configurations = (ROOT / ".bazelrc").read_text(encoding="utf-8")
        for config in re.findall(r"--config=(\S+)", command):
            assert f"build:{config} " in configurations, f"{document} names --config={config}"
        return
    if match := re.match(r"bash (tools/\S+\.sh)", command):
        # They install and build, which tests around them did already.
        result = subprocess.run(
            ["bash", match[1], "--help"], cwd=ROOT, capture_output=True, text=True
        )
        assert result.returncode == 0 and result.stdout, result.stderr
        return
    if match := re.fullmatch(r"python test/zoo/make\.py ([\w ]+)", command):
        # It fetches and makes whole networks, as the zoo's own tests do.
        for name in match[1].split():
            assert (ROOT / "test" / "zoo" / f"{name}.yml").is_file(), f"{document} names {name}"
        return
    if "--optimize=size" in command:
        # Takes clang, which is not a part of the set-up: a nightly test builds that.
        text = (ROOT / "test/packaging/test_selection.py").read_text(encoding="utf-8")
        assert "--optimize=size" in text and "nightly" in text
        return
    if command.startswith("mace_run "):
        sources = [path.read_text(encoding="utf-8") for path in (ROOT / "mace/tools").glob("*.cc")]
        for flag in re.findall(r"--(\w+)", command):
            assert any(f'Add("{flag}"' in text for text in sources), f"{document} names {flag}"
        return
    if match := re.match(r"python (mace/examples/\S+\.py) (--help)", command):
        script = [sys.executable, str(ROOT / match[1]), match[2]]
        subprocess.run(script, check=True, capture_output=True)
        return
    if match := _LONG.match(command):
        script = [sys.executable, str(ROOT / match[1]), "--help"]
        shown = subprocess.run(script, check=True, capture_output=True, text=True).stdout
        for flag in re.findall(r"--\w+", command):
            assert flag in shown, f"{document} names {flag}"
        for name in re.findall(r"\S+\.yml", command):
            assert (ROOT / name).is_file(), f"{document} names {name}"
        return
    if command.startswith("python tools/bazel_adb_run.py"):
        script = [sys.executable, str(ROOT / "tools/bazel_adb_run.py"), "--help"]
        shown = subprocess.run(script, check=True, capture_output=True, text=True).stdout
        for flag in re.findall(r"--\w+", command.partition("--args")[0]):
            assert f"{flag} " in shown, f"{document} names {flag}"
        for package, name in re.findall(r"//([\w/]+):(\w+)", command):
            build = (ROOT / package / "BUILD").read_text(encoding="utf-8")
            # A family's targets are made by one macro, which is given the family's name.
            stem = name.removesuffix("_test").removesuffix("_benchmark")
            assert f'name = "{name}"' in build or f'"{stem}"' in build, f"{document}: {name}"
        return
    if match := re.fullmatch(r"gcc -I(\S+)/include app\.c \1/model/host/\w+\.a -lm", command):
        # So test_cli_static.py builds its application.
        text = (ROOT / "mace/python/tests/cli/test_cli_static.py").read_text(encoding="utf-8")
        assert '"-lm"' in text and "include" in text and "model/host" in text
        return
    if match := re.match(r"pip install ([\w.-]+)$", command):
        lists = [path.read_text(encoding="utf-8") for path in (ROOT / "setup").glob("*.txt")]
        assert any(re.search(rf"^{match[1]}\b", text, re.M) for text in lists), (
            f"{document}: {match[1]}"
        )
        return
    assert command.startswith(("mace ", "python tools/converter.py ", "(umask 077; openssl ")), (
        f"{document} has a command that no test runs: {command}"
    )
    if " init " in command:
        for made in ("model.yml", "deploy.yml", "deployment.yml"):
            (folder / made).unlink(missing_ok=True)
    if command.startswith("mace dev fit"):
        # Minutes of measuring, and --write changes the tree: test_cli_fit.py runs it on a small grid.
        parse(shlex.split(command)[1:], "mace")
        return
    if command.startswith("mace dev docs"):
        command = "mace dev docs --check"
    result = _run(command, folder)
    assert result.returncode == 0, f"{document}: {command}\n{result.stdout}{result.stderr}"
