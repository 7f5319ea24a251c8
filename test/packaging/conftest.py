# SPDX-License-Identifier: Apache-2.0
"""What the tests of packages share: a converted model and what it computes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
for _folder in (_ROOT / "mace" / "python" / "tests", Path(__file__).resolve().parent):
    sys.path.insert(0, str(_folder))

# The script of libraries shall use the Python that tests.
os.environ["MACE_PYTHON"] = sys.executable


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with net.yml and its model converted: builds/net/model/net.{pb,data}."""
    from mace.cli.main import main
    from small_models import conv_onnx

    folder = tmp_path_factory.mktemp("network")
    conv_onnx(folder / "net.onnx")
    (folder / "net.yml").write_text(
        "library_name: net\ntarget_abis: [host]\nmodels:\n  net:\n    platform: onnx\n"
        f"    model_file_path: {folder}/net.onnx\n    subgraphs:\n      - input_tensors: [x]\n"
        '        input_shapes: ["1,8,8,3"]\n        output_tensors: [y]\n    runtime: cpu\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["convert", "--config=net.yml", "-q"]) == 0
    return folder


@pytest.fixture(scope="session")
def jdk() -> Path:
    """Where the Java Development Kit is, which tools/setup.sh installs."""
    from mace.packaging import android

    return android.find_jdk()


@pytest.fixture(scope="session")
def expected(network: Path) -> str:
    """What the applications print."""
    import numpy as np
    from mace.runtime import Engine

    model = network / "builds" / "net" / "model"
    with Engine.from_bytes(
        (model / "net.pb").read_bytes(), (model / "net.data").read_bytes()
    ) as engine:
        result = engine.run({"x": np.ones((1, 8, 8, 3), np.float32)})["y"]
    return f"{float(result.astype(np.float64).sum()):.3f}\n"
