# SPDX-License-Identifier: Apache-2.0
"""The makers of the zoo: the same bytes each time, made again only when needed, and an index that
agrees with the deployment files."""

from __future__ import annotations

from pathlib import Path

import make
import make_caffe
import make_inputs
import make_tensorflow
import making
import numpy as np
import pytest
import yaml

HERE = Path(__file__).resolve().parent


def test_the_index_agrees_with_the_deployment_files() -> None:
    files = {p.stem for p in HERE.glob("*.yml")} - {"zoo"}
    assert files == set(make.models())
    makers = {
        "make_caffe.py": set(make_caffe.MODELS),
        "make_tensorflow.py": set(make_tensorflow.MODELS),
        "make_inputs.py": set(make_inputs.INPUTS),
    }
    for name, entry in make.models().items():
        deployment = yaml.safe_load((HERE / f"{name}.yml").read_text(encoding="utf-8"))
        assert deployment["library_name"] == name and list(deployment["models"]) == [name]
        assert deployment["target_abis"] == entry["abis"]
        for command in entry["make"]:
            script, model = command.split()
            assert model in makers[script]


def test_caffe_models_are_the_same_each_time_and_made_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["squeezenet_v11", "--out"]
    assert make_caffe.main([*arguments, str(tmp_path / "a")]) == 0
    assert make_caffe.main([*arguments, str(tmp_path / "b")]) == 0
    for suffix in ("prototxt", "caffemodel"):
        first, second = (tmp_path / d / f"squeezenet_v11.{suffix}" for d in "ab")
        assert first.read_bytes() == second.read_bytes()
    capsys.readouterr()
    assert make_caffe.main([*arguments, str(tmp_path / "a")]) == 0
    assert "up to date" in capsys.readouterr().out
    (tmp_path / "a/squeezenet_v11.caffemodel").write_bytes(b"cut off")
    assert make_caffe.main([*arguments, str(tmp_path / "a")]) == 0
    assert "wrote" in capsys.readouterr().out


def test_what_another_maker_made_is_not_current(tmp_path: Path) -> None:
    path = tmp_path / "model.pb"
    making.write_all({path: b"weights"}, "source")
    assert making.is_current([path], "source")
    assert not making.is_current([path], "other source")
    path.unlink()
    assert not making.is_current([path], "source")


def test_rounding_hides_the_last_bits() -> None:
    values = np.array([1.0, -0.3333, 1e-9, 12345.678])
    assert np.array_equal(making.rounded(values), making.rounded(values * (1 + 1e-7)))
    assert np.allclose(making.rounded(values), values, rtol=1e-3)


def test_inputs_of_readers_of_text_have_several_sizes() -> None:
    shapes = [a.shape for a in make_inputs.text_detector()]
    assert len(set(shapes)) == 3
    assert all(h % 32 == 0 and w % 32 == 0 for _, h, w, _ in shapes)
    assert all(np.abs(a).max() <= 1 for a in make_inputs.text_recognizer())


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(SystemExit) as caught:
        make_caffe.main(["alexnet"])
    assert caught.value.code == 2
