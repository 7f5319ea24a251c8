# SPDX-License-Identifier: Apache-2.0
"""The operators of kaldi-onnx with random attributes, in the engine, against Kaldi's definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import kaldi_models as kaldi
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from mace.importers.base import ImportFailed, InterfaceRequest
from mace.importers.onnx.importer import import_proto
from mace.importers.onnx.node import VERSIONS

from mace import onnx_backend

Draw = Callable[[Any], Any]


class Case:
    """Random numbers and shapes: frames x dimension, perhaps of a batch."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw: Draw = data.draw
        self.random = np.random.default_rng(self.draw(st.integers(0, 10**6)))

    def number(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def flag(self) -> bool:
        return bool(self.draw(st.booleans()))

    def array(self, *shape: int) -> Array:
        return self.random.standard_normal(shape).astype(np.float32)

    def frames(self, dim: int | None = None, least: int = 1) -> Array:
        lead = self.draw(st.sampled_from([[], [1], [2], [2, 3]]))
        return self.array(*lead, self.number(least, 7), dim or self.number(1, 9))

    def places(self, count: int, *shape: int) -> Array:
        return self.random.integers(0, count, shape)


def check(model: onnx.ModelProto, feed: Sequence[Array], wanted: Sequence[Array]) -> None:
    got = onnx_backend.prepare(model).run(list(feed))
    for have, want in zip(got, wanted, strict=True):
        assert have.shape == want.shape and have.dtype == np.float32
        np.testing.assert_allclose(have, want, rtol=2e-4, atol=2e-5)


def run(
    op: str,
    feed: dict[str, Array],
    wanted: Array,
    constants: dict[str, Array] | None = None,
    **attrs: Any,
) -> None:
    """One node of one result."""
    check(kaldi.one(op, feed, constants, **attrs), list(feed.values()), [wanted])


def drawn(examples: int = 12) -> Callable[[Callable[[Case], None]], Callable[[], None]]:
    """Decorator: the test gets random cases."""

    def wrap(function: Callable[[Case], None]) -> Callable[[], None]:
        @settings(max_examples=examples, deadline=None, derandomize=True)
        @given(data=st.data())
        def test(data: st.DataObject) -> None:
            function(Case(data))

        return test  # type: ignore[no-any-return]

    return wrap


@drawn()
def test_affine(c: Case) -> None:
    x, parts = c.frames(6), c.draw(st.sampled_from([1, 2, 3]))
    outputs, way = c.number(1, 3) * parts, c.draw(st.sampled_from(["", "repeats", "blocks"]))
    weight = c.array(outputs, 6 if not way else 6 // parts)
    if way == "repeats":
        rows = x.reshape(*x.shape[:-1], parts, -1)
        want = (rows @ weight.T).reshape(*x.shape[:-1], -1)
    elif way == "blocks":
        each = zip(np.split(x, parts, -1), np.split(weight, parts), strict=True)
        want = np.concatenate([a @ w.T for a, w in each], axis=-1)
    else:
        want = x @ weight.T
    constants = {"w": weight}
    if c.flag():
        bias = weight.shape[0]
        constants["b"] = c.array(bias)
        repeated = parts if way == "repeats" else 1
        want = want + np.tile(constants["b"], repeated)
    attrs = {f"num_{way}": parts} if way else {}
    run(c.draw(st.sampled_from(["Affine", "Linear", "Gemm"])), {"x": x}, want, constants, **attrs)


@drawn()
def test_parts(c: Case) -> None:
    x = c.frames(least=2)
    more = c.array(*x.shape[:-1], c.number(1, 4))
    joined = np.concatenate([x, more, x], axis=-1)
    model = kaldi.one("Append", {"x": x, "m": more}, order=["x", "m", "x"], axis=-1)
    check(model, [x, more], [joined])
    check(kaldi.one("Concat", {"x": x, "m": more}), [x, more], [joined[..., : -x.shape[-1]]])
    offset = c.number(0, x.shape[-1] - 1)
    size = c.number(1, x.shape[-1] - offset)
    attrs = {c.draw(st.sampled_from(["output_dim", "dim"])): size}
    run("DimRange", {"x": x}, x[..., offset : offset + size], offset=offset, **attrs)
    order = c.random.permutation(x.shape[-1])
    run("Permute", {"x": x}, x[..., order], {"map": order.astype(np.float32)})


@drawn()
def test_elements(c: Case) -> None:
    x, factor = c.frames(), c.array(1)[0]
    scales, offsets = c.array(x.shape[-1]), c.array(x.shape[-1])
    run("Scale", {"x": x}, x * factor, scale=float(factor))
    run("Scale", {"x": x, "f": scales}, x * scales)
    for op in ("Scales", "PerEltScale"):
        run(op, {"x": x}, x * scales, {"s": scales})
    for op in ("Bias", "PerEltOffset"):
        run(op, {"x": x}, x + offsets, {"o": offsets})
    run("ScaleOffset", {"x": x}, x * scales + offsets, {"s": scales, "o": offsets})
    for op in ("NoOp", "ClipGradient", "BackpropTruncation"):
        run(op, {"x": x}, x)
    powers = np.exp(x - x.max(-1, keepdims=True))
    share = powers / powers.sum(-1, keepdims=True)
    run("Softmax", {"x": x}, share)
    run("LogSoftmax", {"x": x}, np.log(share))


@drawn()
def test_chosen_frames(c: Case) -> None:
    x = c.frames()
    places = c.places(x.shape[-2], c.number(1, 9))
    for op in ("Subsample", "Offset", "ReplaceIndex", "Round"):
        run(op, {"x": x}, x[..., places, :], forward_indexes=places.tolist())
    run("Offset", {"x": x}, x, offset=-3)
    left, right = c.number(0, 3), c.number(0, 3)
    around = np.clip(np.arange(-left, x.shape[-2] + right), 0, x.shape[-2] - 1)
    run("PadContext", {"x": x}, x[..., around, :], left_context=left, right_context=right)


@drawn(25)
def test_splice(c: Case) -> None:
    x = c.frames(least=3)
    constant = c.number(0, x.shape[-1] - 1)
    context = sorted(c.draw(st.sets(st.integers(-3, 3), min_size=1, max_size=4)))
    attrs: dict[str, Any] = {"context": context}
    if constant or c.flag():
        attrs["const_component_dim"] = constant
    if c.flag():
        rows = c.places(x.shape[-2], c.number(1, 5), len(context))
        attrs["forward_indexes"] = rows.ravel().tolist()
        if c.flag():
            attrs["forward_const_indexes"] = rows[:, 0].tolist()
    else:
        reach = context[-1] - context[0]
        if x.shape[-2] <= reach:
            return
        starts = np.arange(x.shape[-2] - reach)
        rows = starts[:, None] + np.array(context) - context[0]
    want = kaldi.splice(x, context, rows, constant)
    run("Splice", {"x": x}, want, **attrs)


@drawn(25)
def test_if_defined(c: Case) -> None:
    x = c.frames(least=2)
    chunk, offset = x.shape[-2], -c.number(1, 3)
    zeros = np.zeros_like(x[..., :1, :])
    run("IfDefined", {"x": x}, x, offset=0)
    run("IfDefined", {"x": x}, x)
    places = np.arange(chunk) + offset
    delayed = np.concatenate([zeros, x], -2)[..., np.maximum(places, -1) + 1, :]
    run("IfDefined", {"x": x}, delayed, offset=offset)
    places = np.where(c.array(c.number(1, chunk)) < 0, -1, c.places(chunk, 1))
    full = np.concatenate([places, np.full(chunk - len(places), -1)])
    want = np.concatenate([zeros, x], -2)[..., full + 1, :]
    run("IfDefined", {"x": x}, want, offset=offset, forward_indexes=places.tolist())
    before = int(np.argmax(full >= 0)) if (full >= 0).any() else chunk
    if not before:
        return
    cache, cached = c.array(*x.shape), c.places(chunk, before)
    want = np.concatenate([cache[..., cached, :], want[..., before:, :]], -2)
    attrs = {"forward_indexes": places.tolist(), "cache_forward_indexes": cached.tolist()}
    run("IfDefined", {"x": x, "cache": cache}, want, offset=offset, **attrs)


@drawn()
def test_groups(c: Case) -> None:
    size, width, p = c.number(1, 4), c.number(1, 4), c.number(0, 3)
    x = c.frames(size * width)
    x[np.abs(x) < 0.3] = 0
    run("PNorm", {"x": x}, kaldi.p_norm(x, size, p), output_dim=size, p=p)
    run("PNorm", {"x": x}, kaldi.p_norm(x, size, 2), output_dim=size)
    sizes = c.random.integers(1, 4, c.number(1, 4))
    x = c.frames(int(sizes.sum()) + c.number(0, 2))
    x[..., 0] = np.inf  # must not reach the other groups
    ends = np.cumsum(sizes)
    parts = [x[..., e - s : e].sum(-1) for e, s in zip(ends, sizes, strict=True)]
    run("SumGroup", {"x": x}, np.stack(parts, -1), {"sizes": sizes.astype(np.int32)})


@drawn()
def test_normalizations(c: Case) -> None:
    block, count = c.number(1, 4), c.number(1, 3)
    x, target, logs = c.frames(block * count), 0.1 + abs(float(c.array(1)[0])), c.flag()
    x[..., 0, :] *= c.draw(st.sampled_from([0, 1e-5, 1]))
    attrs: dict[str, Any] = {"target_rms": target, "add_log_stddev": int(logs)}
    run("TargetRMSNorm", {"x": x}, kaldi.target_rms_norm(x, target, 0, logs), **attrs)
    want = kaldi.target_rms_norm(x, target, block, logs)
    run("TargetRMSNorm", {"x": x}, want, block_dim=block, **attrs)
    run("Normalize", {"x": x}, kaldi.target_rms_norm(x, 1.0, 0, False))
    dim = x.shape[-1]
    attrs = {"dim": dim, "block_dim": block, "epsilon": 0.02, "target_rms": target}
    want = kaldi.batch_norm(x, block, 0.02, target, None)
    run("BatchNorm", {"x": x}, want, **attrs)
    mean, variance = c.array(block), c.array(block)  # variances below 0 count as 0
    want = kaldi.batch_norm(x, block, 0.02, target, (mean, variance))
    run("BatchNormalization", {"x": x}, want, {"m": mean, "v": variance}, test_mode=1, **attrs)
    mean, variance = c.array(dim), np.abs(c.array(dim))
    want = kaldi.batch_norm(x, dim, 1e-3, 1.0, (mean, variance))
    run("BatchNorm", {"x": x}, want, {"m": mean, "v": variance}, test_mode=1)
    scale, offset = c.array(dim), c.array(dim)
    run("Normalize", {"x": x}, x * scale + offset, {"s": scale, "o": offset})


@drawn(25)
def test_extract_pooling(c: Case) -> None:
    x, variance, logs = c.frames(), c.flag(), c.number(0, 2)
    starts = c.places(x.shape[-2], c.number(1, 4))
    ranges = [(int(s), c.number(int(s) + 1, x.shape[-2])) for s in starts]
    attrs: dict[str, Any] = {
        "forward_indexes": [v for pair in ranges for v in pair],
        "counts": [float(e - s) for s, e in ranges],
        "num_log_count": logs,
        "include_variance": int(variance),
        "variance_floor": 0.01,
    }
    want = kaldi.extract_pooling(x, ranges, variance, logs, 0.01)
    run("ExtractPooling", {"x": x}, want, **attrs)


@drawn()
def test_lstm_nonlinear(c: Case) -> None:
    size = c.number(1, 5)
    x, params, scales = c.frames(5 * size), c.array(3, size), None
    want = kaldi.lstm_nonlinear(x, params)
    run("LstmNonlinear", {"x": x}, want, {"p": params})
    scales = c.array(*x.shape[:-1], 3)
    want = kaldi.lstm_nonlinear(x, params, scales)
    run("LSTMNonlinear", {"x": np.concatenate([x, scales], -1)}, want, {"p": params})


def _lstm_arrays(c: Case, inputs: int, cells: int, outputs: int, back: int) -> dict[str, Array]:
    return {
        "first": c.array(4 * cells, inputs + back) * 0.5,
        "params": c.array(3, cells),
        "second": c.array(outputs, cells) * 0.5,
        "bias_a": c.array(4 * cells),
        "bias_b": c.array(outputs),
    }


@drawn(40)
def test_dynamic_lstm(c: Case) -> None:
    inputs, cells, outputs = c.number(1, 4), c.number(1, 4), c.number(1, 5)
    back = c.number(1, outputs)
    offset, factor = c.number(0, outputs - back), c.number(1, 3)
    delays = c.number(1, 3), c.number(1, 3)
    scale = c.draw(st.sampled_from([1.0, 0.9]))
    batch = c.draw(st.sampled_from([None, 1, 2]))
    lead = [] if batch is None else [batch]
    x = c.array(*lead, c.number(1, 7), inputs)
    weights = _lstm_arrays(c, inputs, cells, outputs, back)
    flags = [c.flag(), c.flag()]
    attrs: dict[str, Any] = {
        "prev_out_delay": -delays[0] * factor,
        "prev_cell_delay": -delays[1] * factor,
        "prev_out_offset": offset,
        "prev_out_dim": back,
        "prev_cell_dim": cells,
        "subsample_factor": factor,
        "scale": scale,
    }
    names = ["first", "params", "second"]
    for name, flag in zip(("bias_a", "bias_b"), flags, strict=True):
        attrs[name] = int(flag)
        names += [name] if flag else []
        weights[name] *= int(flag)
    constants = {n: weights[n] for n in names}
    states = {"out": c.array(*lead, delays[0], back), "cell": c.array(*lead, delays[1], cells)}
    feed = {"x": x}
    chosen = np.arange(x.shape[-2])
    if c.flag():
        feed |= states
        chosen = np.sort(c.places(x.shape[-2], c.number(1, 6)))
        attrs["forward_indexes"] = chosen.tolist()
    else:
        states = {k: np.zeros_like(v) for k, v in states.items()}
    rows = [[], [], []]  # type: list[list[Array]]
    for k in range(batch or 1):
        pick = lambda a, k=k: a if batch is None else a[k]  # noqa: E731
        parts = kaldi.dynamic_lstm(
            pick(x)[chosen],
            pick(states["out"]),
            pick(states["cell"]),
            (weights["first"], weights["params"], weights["second"]),
            (weights["bias_a"], weights["bias_b"]),
            offset,
            scale,
        )
        for row, part in zip(rows, parts, strict=True):
            row.append(part)
    wanted = [r[0] if batch is None else np.stack(r) for r in rows]
    results = 1
    if "forward_indexes" in attrs:
        kept = [np.sort(c.places(len(chosen), d)) for d in delays]
        attrs["out_cache_indexes"], attrs["cell_cache_indexes"] = (k.tolist() for k in kept)
        wanted[1:] = [w[..., k, :] for w, k in zip(wanted[1:], kept, strict=True)]
        results = 3
    order = [*feed, *names]
    model = kaldi.one("DynamicLSTM", feed, constants, results, order, **attrs)
    check(model, list(feed.values()), wanted[:results])


def test_every_operator_has_a_case() -> None:
    before_refusals = Path(__file__).read_text().partition("_REFUSED")[0]
    known = {op.rpartition(".")[2] for op in VERSIONS if op.startswith(f"{kaldi.DOMAIN}.")}
    assert len(known) > 30
    assert not [op for op in known if f'"{op}"' not in before_refusals]


def test_operators_of_onnx_in_the_same_domain() -> None:
    """kaldi-onnx writes Relu and Sum as operators of its own domain too."""
    c = np.random.default_rng(5)
    x = c.standard_normal((1, 4, 3)).astype(np.float32)
    w, b = c.standard_normal((5, 3)).astype(np.float32), np.ones(5, np.float32)
    nodes = [
        kaldi.node("PadContext", ["x"], ["padded"], left_context=1, right_context=1),
        kaldi.node("Splice", ["padded"], ["spliced"], context=[-1, 0, 1]),
        kaldi.node("DimRange", ["spliced"], ["middle"], offset=3, output_dim=3),
        kaldi.node("Gemm", ["middle", "w", "b"], ["affine"], transB=1),
        kaldi.node("Relu", ["affine"], ["relu"]),
        kaldi.node("Sum", ["relu", "affine"], ["sum"]),
        kaldi.node("LogSoftmax", ["sum"], ["y"]),
    ]
    model = kaldi.model(nodes, {"x": x}, ["y"], {"w": w, "b": b})
    affine = x @ w.T + b
    total = np.maximum(affine, 0) + affine
    check(model, [x], [total - np.log(np.exp(total).sum(-1, keepdims=True))])


def _tdnn_lstm(shapes: bool, chunk: int = 6) -> tuple[onnx.ModelProto, list[Array], Array]:
    """A network of the first kaldi-onnx, whose nodes have no lists of frames; what it gives."""
    c = np.random.default_rng(6)
    x = c.standard_normal((1, chunk, 3)).astype(np.float32)
    arrays = {
        "w": c.standard_normal((4, 9)),
        "first": c.standard_normal((8, 7)) * 0.5,
        "params": c.standard_normal((3, 2)),
        "second": c.standard_normal((5, 2)),
    }
    constants = {k: v.astype(np.float32) for k, v in arrays.items()}
    lstm = {"prev_out_delay": -2, "prev_cell_delay": -3, "prev_out_dim": 3, "prev_cell_dim": 2}
    nodes = [
        kaldi.node("PadContext", ["x"], ["padded"], left_context=1, right_context=1),
        kaldi.node("Splice", ["padded"], ["spliced"], context=[-1, 0, 1]),
        kaldi.node("Affine", ["spliced", "w"], ["affine"]),
        kaldi.node("DynamicLSTM", ["affine", "first", "params", "second"], ["y"], **lstm),
    ]
    told: dict[str, Any] = {"affine": [1, chunk, 4]} if shapes else {}
    model = kaldi.model(nodes, {"x": x}, ["y"], constants, told)
    around = np.clip(np.arange(-1, chunk + 1), 0, chunk - 1)
    rows = np.arange(chunk)[:, None] + np.arange(3)
    affine = kaldi.splice(x[:, around], [-1, 0, 1], rows, 0) @ constants["w"].T
    weights = (constants["first"], constants["params"], constants["second"])
    states = np.zeros((2, 3)), np.zeros((3, 2))
    want = kaldi.dynamic_lstm(affine[0], *states, weights, (np.zeros(8), np.zeros(5)), 0, 1.0)
    return model, [x], want[0][None]


def test_shapes_are_those_that_the_file_tells() -> None:
    model, feed, want = _tdnn_lstm(shapes=True)
    check(model, feed, [want])
    model, _, _ = _tdnn_lstm(shapes=False)
    with pytest.raises(ImportFailed, match="the number of frames is not known"):
        import_proto(model)
    model, _, _ = _tdnn_lstm(shapes=True)  # of 6 frames, and 7 are asked for
    model.graph.input[-1].type.tensor_type.shape.dim[1].ClearField("dim_value")
    request = InterfaceRequest("x", (1, 7, 3), "f32", "NONE")
    with pytest.raises(ImportFailed, match="the number of frames is not known"):
        import_proto(model, [request])


_X = np.zeros((1, 4, 6), np.float32)
_RANGE = {"counts": [1.0], "forward_indexes": [0, 1]}
_REFUSED: list[tuple[str, dict[str, Array], dict[str, Any], str]] = [
    ("Subsample", {}, {}, "forward_indexes is missing or empty"),
    ("Subsample", {}, {"forward_indexes": [0, 4]}, "names frame 4, .* outside of its 4 frames"),
    ("ReplaceIndex", {}, {"forward_indexes": [-1]}, "names frame -1"),
    (
        "Splice",
        {},
        {"context": [0, 1], "forward_indexes": [0, 1, 2]},
        "3 frames for a context of 2",
    ),
    ("Splice", {}, {"const_component_dim": -1}, "const_component_dim is -1"),
    ("IfDefined", {}, {"offset": 1}, "offset is 1; it must not be above 0"),
    ("DimRange", {}, {"offset": 1}, "output_dim is 0"),
    ("PNorm", {}, {"output_dim": 4}, "6 elements cannot be split into output_dim = 4"),
    ("PNorm", {}, {"output_dim": 3, "p": -1}, "p is -1"),
    ("SumGroup", {"s": np.array([3, 4])}, {}, "groups of 3, 4 elements do not fit"),
    ("SumGroup", {"s": np.array([3, 0])}, {}, "groups of 3, 0 elements do not fit"),
    ("Permute", {"m": np.array([0, 0])}, {}, "does not name each column once"),
    ("TargetRMSNorm", {}, {"target_rms": 0.0}, "target_rms is 0"),
    ("BatchNorm", {}, {"dim": 6, "block_dim": 4}, "block_dim 4, dim 6.* do not belong together"),
    ("Affine", {"w": np.ones((3, 2), np.float32)}, {"num_blocks": 2}, "not one of 2 blocks"),
    ("PadContext", {}, {"left_context": -1}, "left_context is -1"),
    ("ExtractPooling", {}, {"counts": [1.0]}, "1 counts for 0 forward_indexes"),
    (
        "ExtractPooling",
        {},
        {"counts": [2.0], "forward_indexes": [0, 1]},
        "not ranges of as many frames",
    ),
    ("ExtractPooling", {}, {"counts": [5.0], "forward_indexes": [0, 5]}, "reads 5 frames"),
    ("LstmNonlinear", {"p": np.ones((2, 1), np.float32)}, {}, "of shape .2, 1., not 3 x cells"),
    ("LstmNonlinear", {"p": np.ones((3, 1), np.float32)}, {}, "6 elements for 1 cells"),
    (
        "ExtractPooling",
        {},
        {**_RANGE, "num_log_count": 1 << 40},
        "a table of 1099511627776 elements",
    ),
    ("Dct", {}, {}, "MACE has no operator for ai.kaldi2onnx.Dct"),
]


@pytest.mark.parametrize(("op", "constants", "attrs", "sentence"), _REFUSED)
def test_refused(
    op: str, constants: dict[str, Array], attrs: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ImportFailed, match=sentence):
        import_proto(kaldi.one(op, {"x": _X}, constants, **attrs))


_WEIGHTS = {
    "first": np.ones((8, 9), np.float32),
    "params": np.ones((3, 2), np.float32),
    "second": np.ones((4, 2), np.float32),
}
_LSTM = {"prev_out_delay": -1, "prev_cell_delay": -1, "prev_out_dim": 3, "prev_cell_dim": 2}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"prev_out_delay": 0}, "prev_out_delay 0 and prev_cell_delay -1 must be negative"),
        ({"prev_out_delay": -2, "subsample_factor": 2}, "multiples of its subsample_factor 2"),
        ({"prev_cell_dim": 3}, "do not fit each other"),
        ({"prev_out_offset": 2}, "do not fit each other"),
        ({"prev_out_dim": 0}, "prev_out_dim is 0"),
        ({"bias_a": 1}, "it has 0 biases, and says that it has 1"),
    ],
)
def test_refused_lstm(changed: dict[str, int], sentence: str) -> None:
    model = kaldi.one("DynamicLSTM", {"x": _X}, _WEIGHTS, **{**_LSTM, **changed})
    with pytest.raises(ImportFailed, match=sentence):
        import_proto(model)


def test_tables_are_bounded() -> None:
    sizes = np.concatenate([np.ones(1 << 14), [1 << 14]]).astype(np.int32)
    model = kaldi.one("SumGroup", {"x": np.zeros((1, 1, 1 << 15), np.float32)}, {"s": sizes})
    with pytest.raises(ImportFailed, match="its largest group for each result would take a table"):
        import_proto(model)
    model = kaldi.one("IfDefined", {"x": _X}, offset=-1, forward_indexes=[-1])
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1 << 40
    with pytest.raises(ImportFailed, match="its frames would take a table of 1099511627776"):
        import_proto(model)


def test_delays_longer_than_the_chunk() -> None:
    """Of zeros as many are made as are read."""
    delays = {"prev_out_delay": -(1 << 40), "prev_cell_delay": -(1 << 41)}
    model = kaldi.one("DynamicLSTM", {"x": _X}, _WEIGHTS, **{**_LSTM, **delays})
    free = onnx_backend.prepare(model).run([_X])[0]
    model = kaldi.one("DynamicLSTM", {"x": _X}, _WEIGHTS, **{**_LSTM, **dict.fromkeys(delays, -4)})
    np.testing.assert_array_equal(free, onnx_backend.prepare(model).run([_X])[0])


def test_too_new() -> None:
    model = kaldi.one("NoOp", {"x": _X})
    model.opset_import[0].version = 8
    with pytest.raises(ImportFailed, match="form of opset 8.*from opset 1 to 7"):
        import_proto(model)
