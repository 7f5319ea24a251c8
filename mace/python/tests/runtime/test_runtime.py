# SPDX-License-Identifier: Apache-2.0
"""The Python runtime on the engine: results, shapes, types, profile, and each way to misuse it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from mace.errors import INVALID_ARGS, OUT_OF_RESOURCES, UNSUPPORTED
from mace.runtime import Gpu, Memory
from onnx import helper
from small_models import scale_numpy, scale_onnx, write_onnx

import mace

PACKAGE = Path(mace.__file__).parents[1]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> mace.api.ConvertedModel:  # type: ignore[name-defined]
    folder = tmp_path_factory.mktemp("runtime")
    return mace.convert(str(scale_onnx(folder / "scale.onnx")), output_dir=folder)


def sample(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def test_runs_at_several_shapes(model) -> None:  # type: ignore[no-untyped-def]
    with mace.Engine(model.graph) as engine:
        assert [(i.name, i.shape, i.format) for i in engine.inputs] == [
            ("x", (1, -1, -1, 3), "NHWC")
        ]
        assert engine.inputs[0].dtype == np.float32
        assert engine.outputs[0].name == "y"
        for shape in ((1, 4, 5, 3), (1, 9, 2, 3), (1, 4, 5, 3)):
            x = sample(*shape)
            np.testing.assert_allclose(engine.run({"x": x})["y"], scale_numpy(x), atol=1e-6)
        assert engine.output_shapes({"x": (1, 7, 6, 3)}) == {"y": (1, 7, 6, 3)}
        memory = engine.memory
        assert memory.arena >= memory.arena_lower_bound
        assert engine.device_memory == Memory(0, 0, 0)


def test_runs_that_are_not_waited_for(model) -> None:  # type: ignore[no-untyped-def]
    engine = mace.Engine(model.graph)
    arrays = [sample(1, 4, 5, 3) * scale for scale in (1, 2, 3)]
    futures = [engine.run_async({"x": x}) for x in arrays]
    for x, future in zip(arrays, futures, strict=True):
        np.testing.assert_allclose(future.result(60)["y"], scale_numpy(x), atol=1e-6)
    wrong = engine.run_async({"z": arrays[0]})
    with pytest.raises(mace.MaceError, match="no input 'z'"):
        wrong.result(60)
    left = [engine.run_async({"x": arrays[0]}) for _ in range(5)]
    engine.close()
    assert all(future.done() and future.exception() is None for future in left)
    with pytest.raises(mace.MaceError, match="closed"):
        engine.run_async({"x": arrays[0]})


def test_a_run_may_be_what_keeps_an_engine(model) -> None:  # type: ignore[no-untyped-def]
    x = sample(1, 4, 5, 3)
    future = mace.Engine(model.graph).run_async({"x": x})
    np.testing.assert_allclose(future.result(60)["y"], scale_numpy(x), atol=1e-6)


def test_inputs_need_not_be_contiguous(model) -> None:  # type: ignore[no-untyped-def]
    with mace.Engine(model.graph, model.data) as engine:
        x = sample(1, 3, 6, 5).transpose(0, 2, 3, 1)
        assert not x.flags.c_contiguous
        np.testing.assert_allclose(engine.run({"x": x})["y"], scale_numpy(x), atol=1e-6)


def test_outputs_outlive_the_engine(model) -> None:  # type: ignore[no-untyped-def]
    engine = mace.Engine(model.graph)
    x = sample(1, 4, 4, 3)
    y = engine.run({"x": x})["y"]
    engine.run({"x": -x})
    engine.close()
    engine.close()
    np.testing.assert_allclose(y, scale_numpy(x), atol=1e-6)
    with pytest.raises(mace.MaceError, match="the engine was closed"):
        engine.run({"x": x})
    with pytest.raises(mace.MaceError, match="the engine was closed"):
        _ = engine.memory


def test_from_bytes(model) -> None:  # type: ignore[no-untyped-def]
    graph, data = model.graph.read_bytes(), model.data.read_bytes()
    engine = mace.Engine.from_bytes(graph, data, num_threads=2)
    del data
    x = sample(1, 3, 3, 3)
    np.testing.assert_allclose(engine.run({"x": x})["y"], scale_numpy(x), atol=1e-6)


def test_profile(model) -> None:  # type: ignore[no-untyped-def]
    with mace.Engine(model.graph) as engine:
        profile = engine.profile({"x": sample(1, 64, 64, 3)}, rounds=3)
        assert profile.rounds == 3 and profile.ops
        assert profile.ops[0].start_ms == 0.0
        assert all(op.name and op.type and op.avg_ms >= 0 for op in profile.ops)
        assert profile.ops[-1].output_shape == (1, 64, 64, 3)
        assert sum(profile.by_type().values()) == pytest.approx(profile.total_ms)
        with pytest.raises(mace.MaceError, match="at least 1"):
            engine.profile({"x": sample(1, 4, 4, 3)}, rounds=0)


def test_wrong_names_types_and_shapes(model) -> None:  # type: ignore[no-untyped-def]
    with mace.Engine(model.graph) as engine:
        x = sample(1, 4, 4, 3)
        with pytest.raises(mace.MaceError, match=r"no input 'X' \(did you mean 'x'\?\)"):
            engine.run({"X": x})
        with pytest.raises(mace.MaceError, match="no array is given for the model's input 'x'"):
            engine.run({})
        with pytest.raises(mace.MaceError, match="is float32, and the array for it is float64"):
            engine.run({"x": x.astype(np.float64)})
        with pytest.raises(mace.MaceError, match="at most 6"):
            engine.run({"x": np.zeros((1,) * 7, np.float32)})
        for shape in ((4, 4, 3), (1, 4, 4, 4), (2, 4, 4, 3), (1, 4, 4, 3, 1)):
            with pytest.raises(mace.MaceError, match="input 'x'") as caught:
                engine.run({"x": np.zeros(shape, np.float32)})
            assert caught.value.code == INVALID_ARGS
        np.testing.assert_allclose(engine.run({"x": x})["y"], scale_numpy(x), atol=1e-6)


def test_settings(  # type: ignore[no-untyped-def]
    model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(mace.MaceError, match="device is 'cpuu' .did you mean 'cpu'"):
        mace.Engine(model.graph, device="cpuu")
    with pytest.raises(mace.MaceError, match="affinity is 'fast'"):
        mace.Engine(model.graph, affinity="fast")
    # No real one: PoCL's compiler and TensorFlow's in one process end it.
    monkeypatch.setenv("MACE_OPENCL_LIBRARY", str(tmp_path / "none.so"))
    with pytest.raises(mace.MaceError) as caught:
        mace.Engine(model.graph, device="gpu")
    assert caught.value.code == UNSUPPORTED
    with pytest.raises(mace.MaceError, match="memory is 'imag'.*did you mean 'image'"):
        mace.Engine(model.graph, device="gpu", gpu=Gpu(memory="imag"))
    with mace.Engine(model.graph, device="gpu", gpu=Gpu(cpu_fallback=True)) as engine:
        assert engine.run({"x": sample(1, 4, 4, 3)})["y"].shape == (1, 4, 4, 3)
        assert all(p.device == "cpu" and p.reason for p in engine.placements())
    content = (model.graph.read_bytes(), model.data.read_bytes())
    with mace.Engine.from_bytes(*content, device="gpu", cpu_fallback=True) as engine:
        assert all(p.device == "cpu" and p.reason for p in engine.placements())
    with mace.Engine(model.graph, device="gpu", cpu_fallback=True) as engine:
        assert engine.run({"x": sample(1, 4, 4, 3)})["y"].shape == (1, 4, 4, 3)
    with pytest.raises(mace.MaceError, match="perf_hint is 'hihg'.*did you mean 'high'"):
        mace.Engine(model.graph, device="gpu", gpu=Gpu(perf_hint="hihg"))
    with pytest.raises(mace.MaceError, match="priority_hint is 'none'"):
        mace.Engine.from_bytes(*content, gpu=mace.Gpu(priority_hint="none"))
    limits = Gpu(kernel_micros=500, queued_kernels=8, compile_in_background=True)
    with mace.Engine(model.graph, device="gpu", gpu=limits) as engine:
        with pytest.raises(mace.MaceError) as caught:
            for _ in range(1000):  # the CPU answers until it is known that there is no GPU
                engine.run({"x": sample(1, 4, 4, 3)})
                time.sleep(0.01)
        assert caught.value.code == UNSUPPORTED
    for affinity in ("big_only", "little_only", "high_performance", "power_save"):
        with mace.Engine(model.graph, num_threads=2, affinity=affinity) as engine:
            assert engine.run({"x": sample(1, 4, 4, 3)})["y"].shape == (1, 4, 4, 3)
    with pytest.raises(mace.MaceError, match="cannot be read"):
        mace.Engine(tmp_path / "none.pb")


def test_engines_share_a_gpu(model, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    # PoCL, in a process without TensorFlow.
    code = f"""
import gc, numpy, mace
gpu = mace.Gpu(storage_path={str(tmp_path)!r}, perf_hint="low", priority_hint="high")
engines = [mace.Engine({str(model.graph)!r}, device="gpu", gpu=gpu) for _ in range(2)]
print(gpu.context() is gpu.context())
del gpu
gc.collect()
x = numpy.ones((1, 8, 8, 3), numpy.float32)
first, second = (engine.run({{"x": x}})["y"] for engine in engines)
print((first == second).all(), {{p.device for engine in engines for p in engine.placements()}})
"""
    done = python(code, MACE_OPENCL_DEVICE="Portable Computing Language")
    assert done.stdout.split("\n") == ["True", "True {'gpu'}", ""], done.stderr
    assert list(tmp_path.iterdir())


def test_a_memory_limit_is_kept(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["a"]),
        helper.make_node("Sigmoid", ["a"], ["b"]),
        helper.make_node("Tanh", ["b"], ["c"]),
        helper.make_node("Mul", ["a", "c"], ["d"]),
        helper.make_node("Add", ["d", "b"], ["y"]),
    ]
    path = write_onnx(tmp_path / "diamond.onnx", nodes, {"x": (1, 3, "h", "w")}, ["y"])
    files = mace.convert(str(path), output_dir=tmp_path)
    with mace.Engine(files.graph, memory_limit=100_000) as engine:
        with pytest.raises(mace.MaceError) as caught:
            engine.run({"x": sample(1, 512, 512, 3)})
        assert caught.value.code == OUT_OF_RESOURCES
        assert engine.run({"x": sample(1, 8, 8, 3)})["y"].shape == (1, 8, 8, 3)


def test_damaged_files(model) -> None:  # type: ignore[no-untyped-def]
    graph, data = model.graph.read_bytes(), model.data.read_bytes()
    for size in (0, 1, 10, len(graph) // 2, len(graph) - 1):
        with pytest.raises(mace.MaceError):
            mace.Engine.from_bytes(graph[:size], data)
    for place in range(0, len(graph), 7):
        flipped = bytearray(graph)
        flipped[place] ^= 0x10
        try:  # a flip in the producer's name does no harm
            mace.Engine.from_bytes(bytes(flipped), data).close()
        except mace.MaceError as error:
            assert str(error)
    with pytest.raises(mace.MaceError):
        mace.Engine.from_bytes(graph, data[:-1])
    flipped = bytearray(data)
    flipped[0] ^= 1
    with pytest.raises(mace.MaceError):
        mace.Engine.from_bytes(graph, bytes(flipped))


def test_engines_in_threads(model) -> None:  # type: ignore[no-untyped-def]
    shared = mace.Engine(model.graph)
    errors: list[float] = []

    def work(number: int) -> None:
        own = mace.Engine(model.graph)
        x = np.full((1, 8, 8, 3), number, np.float32)
        for engine in (own, shared) * 5:
            errors.append(float(abs(engine.run({"x": x})["y"] - scale_numpy(x)).max()))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 40 and max(errors) < 1e-6


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE), **environment},
        check=False,
    )


def test_importing_is_light() -> None:
    code = "import sys, mace; print(sorted(set(sys.modules) & {'onnx', 'tensorflow', 'pydantic', "
    code += "'yaml', 'rich', 'jinja2', 'google.protobuf', 'onnxruntime', 'cv2'}))"
    assert python(code).stdout.strip() == "[]"


def test_the_function_convert_is_not_hidden_by_the_module() -> None:
    code = "import mace; from mace.convert import convert_model; print(callable(mace.convert))"
    assert python(code).stdout.strip() == "True"


def test_a_library_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "libmace.so").write_text("no library")
    code = "import mace, mace.runtime as r\ntry: r.version()\nexcept mace.MaceError as e: print(e)"
    result = python(code, MACE_LIBRARY=str(tmp_path / "libmace.so"))
    assert "is not a usable libmace.so" in result.stdout
    result = python(code, MACE_LIBRARY=str(tmp_path / "none.so"))
    assert "which is not a file" in result.stdout


def import_seconds() -> float:
    """How long `import mace` takes beyond what starting Python takes: the best of some."""

    def best(code: str) -> float:
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            python(code)
            times.append(time.perf_counter() - begin)
        return min(times)

    return best("import mace") - best("pass")


if __name__ == "__main__":
    print(f"import mace: {1000 * import_seconds():.0f} ms")
