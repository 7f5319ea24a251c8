# SPDX-License-Identifier: Apache-2.0
"""Operators that index, sort, sample and transform, through the engine, against onnxruntime (or
onnx's own reference) on random attributes, shapes and types."""

from __future__ import annotations

from typing import Any

import mace.onnx_backend
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from onnx import helper
from onnx.reference import ReferenceEvaluator

_SETTINGS = settings(max_examples=10, deadline=None, derandomize=True)
_TYPES = st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.uint8, np.int8])


def _node(
    op: str, feed: dict[str, Array | None], outputs: int, opset: int, **attrs: Any
) -> onnx.ModelProto:
    names = [f"y{i}" for i in range(outputs)]
    inputs = [n if a is not None else "" for n, a in feed.items()]
    declared = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in feed.items()
        if a is not None
    ]
    results = [helper.make_tensor_value_info(n, 0, None) for n in names]
    graph = helper.make_graph(
        [helper.make_node(op, inputs, names, **attrs)], "g", declared, results
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    for result in results:
        result.type.tensor_type.Clear()
    return onnx.shape_inference.infer_shapes(model)


def _agree(
    op: str,
    feed: dict[str, Array | None],
    outputs: int = 1,
    opset: int = 18,
    reference: bool = False,
    tolerance: float = 1e-4,
    **attrs: Any,
) -> None:
    """One node gives what the reference gives."""
    model = _node(op, feed, outputs, opset, **attrs)
    given_ = {n: a for n, a in feed.items() if a is not None}
    if reference:
        wanted = ReferenceEvaluator(model).run(None, given_)
    else:
        wanted = onnxruntime.InferenceSession(model.SerializeToString()).run(None, given_)
    got = mace.onnx_backend.prepare(model).run(given_)
    for have, want in zip(got, wanted, strict=True):
        assert have.shape == want.shape
        assert have.dtype == want.dtype
        np.testing.assert_allclose(have, want, rtol=tolerance, atol=tolerance)


def _numbers(data: st.DataObject, shape: tuple[int, ...], dtype: Any) -> Array:
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    low = 0 if np.dtype(dtype).kind == "u" else -9
    return np.asarray(random.integers(low, 10, shape)).astype(dtype)


def _indices(data: st.DataObject, shape: tuple[int, ...], dim: int) -> Array:
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    return np.asarray(random.integers(-dim, dim, shape)).astype(np.int64)


def _shape(data: st.DataObject, low: int = 1, high: int = 4) -> tuple[int, ...]:
    return tuple(data.draw(st.lists(st.integers(1, 5), min_size=low, max_size=high)))


@_SETTINGS
@given(st.data())
def test_gather_and_scatter_elements(data: st.DataObject) -> None:
    shape, dtype = _shape(data), data.draw(_TYPES)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = tuple(
        data.draw(st.integers(1, 6 if d == axis % len(shape) else s)) for d, s in enumerate(shape)
    )
    x, indices = _numbers(data, shape, dtype), _indices(data, sizes, shape[axis])
    _agree("GatherElements", {"x": x, "i": indices}, axis=axis)
    reduction = data.draw(st.sampled_from(["none", "add", "mul", "min", "max"]))
    if reduction == "none":  # of several for one place onnxruntime may take any
        indices = np.argsort(_numbers(data, shape, np.float32), axis=axis)
        sizes = shape
    updates = _numbers(data, sizes, np.float32)
    x = _numbers(data, shape, np.float32)
    feed: dict[str, Array | None] = {"x": x, "i": indices, "u": updates}
    _agree("ScatterElements", feed, axis=axis, reduction=reduction)


@_SETTINGS
@given(st.data())
def test_gather_and_scatter_nd(data: st.DataObject) -> None:
    shape, dtype = _shape(data, 2), data.draw(_TYPES)
    batch = data.draw(st.integers(0, 1))
    length = data.draw(st.integers(1, len(shape) - batch))
    count = data.draw(st.integers(1, 4))
    lead = (*shape[:batch], count)
    tuples = [_indices(data, lead, shape[batch + d]) for d in range(length)]
    x, indices = _numbers(data, shape, dtype), np.stack(tuples, -1)
    _agree("GatherND", {"x": x, "i": indices}, batch_dims=batch)
    if batch:
        return
    updates = _numbers(data, (count, *shape[length:]), np.float32)
    reduction = data.draw(st.sampled_from(["add", "mul", "min", "max"]))
    feed: dict[str, Array | None] = {"x": x.astype(np.float32), "i": indices, "u": updates}
    _agree("ScatterND", feed, reduction=reduction)


@_SETTINGS
@given(st.data())
def test_top_k(data: st.DataObject) -> None:
    shape = _shape(data)
    dtype = data.draw(st.sampled_from([np.float32, np.float64, np.int32, np.int64]))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    k = np.array([data.draw(st.integers(0, shape[axis]))], np.int64)
    feed: dict[str, Array | None] = {"x": _numbers(data, shape, dtype), "k": k}
    _agree("TopK", feed, 2, axis=axis, largest=data.draw(st.integers(0, 1)))


@_SETTINGS
@given(st.data())
def test_unique_compress_non_zero(data: st.DataObject) -> None:
    shape = _shape(data, 1, 3)
    dtype = data.draw(st.sampled_from([np.float32, np.float64, np.int64]))
    x = _numbers(data, shape, dtype) // 5
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    attrs = {} if axis is None else {"axis": axis}
    _agree("Unique", {"x": x}, 4, sorted=data.draw(st.integers(0, 1)), **attrs)
    condition = _indices(data, (x.size if axis is None else shape[axis],), 2) > 0
    _agree("Compress", {"x": x, "c": condition}, **attrs)
    _agree("NonZero", {"x": x.astype(np.float32)})


@_SETTINGS
@given(st.data())
def test_reverse_sequence(data: st.DataObject) -> None:
    shape = _shape(data, 2)
    time = data.draw(st.integers(0, 1))
    lengths = np.abs(_indices(data, (shape[1 - time],), shape[time])) % shape[time] + 1
    feed: dict[str, Array | None] = {"x": _numbers(data, shape, np.float32), "l": lengths}
    _agree("ReverseSequence", feed, time_axis=time, batch_axis=1 - time)


@_SETTINGS
@given(st.data())
def test_pad(data: st.DataObject) -> None:
    shape, dtype = _shape(data), data.draw(st.sampled_from([np.float32, np.int64, np.uint8]))
    mode = data.draw(st.sampled_from(["constant", "edge", "reflect", "wrap"]))
    most = 0 if mode == "reflect" and min(shape) < 2 else 1
    pads = np.array([data.draw(st.integers(0, most)) for _ in range(2 * len(shape))], np.int64)
    value = np.array(3, dtype) if mode == "constant" else None
    feed = {"x": _numbers(data, shape, dtype), "p": pads, "v": value}
    _agree("Pad", feed, opset=19, mode=mode)


@_SETTINGS
@given(st.data())
def test_grid_sample(data: st.DataObject) -> None:
    spatial = data.draw(st.integers(2, 3))
    modes = ["linear", "nearest", "cubic"] if spatial == 2 else ["linear", "nearest"]
    sizes = [data.draw(st.integers(1, 5)) for _ in range(2 * spatial)]
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    x = random.standard_normal([2, 3, *sizes[:spatial]]).astype(np.float32)
    grid = (random.random([2, *sizes[spatial:], spatial]) * 3 - 1.5).astype(np.float32)
    _agree(
        "GridSample",
        {"x": x, "g": grid},
        opset=20,
        tolerance=1e-3,
        mode=data.draw(st.sampled_from(modes)),
        padding_mode=data.draw(st.sampled_from(["zeros", "border", "reflection"])),
        align_corners=data.draw(st.integers(0, 1)),
    )


@_SETTINGS
@given(st.data())
def test_resize(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(["nearest", "linear", "cubic"]))
    coordinates = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]
    sizes = np.array([1, 2, *(data.draw(st.integers(1, 9)) for _ in range(2))], np.int64)
    x = _numbers(data, (1, 2, data.draw(st.integers(2, 6)), 5), np.float32)
    attrs: dict[str, Any] = {"mode": mode}
    if mode != "nearest" and data.draw(st.booleans()):
        attrs |= {"antialias": 1}
        coordinates = ["half_pixel", "asymmetric"]
    _agree(
        "Resize",
        {"x": x, "r": None, "s": None, "z": sizes},
        opset=19,
        reference=True,
        tolerance=1e-3,
        coordinate_transformation_mode=data.draw(st.sampled_from(coordinates)),
        **attrs,
    )


@_SETTINGS
@given(st.data())
def test_resize_of_any_axis(data: st.DataObject) -> None:
    shape = _shape(data, 3, 5)
    scales = np.array([data.draw(st.sampled_from([0.5, 1, 2])) for _ in shape], np.float32)
    x = _numbers(data, tuple(2 * s for s in shape), np.float32)
    feed = {"x": x, "r": None, "s": scales}
    _agree("Resize", feed, opset=19, reference=True, mode="linear")


@_SETTINGS
@given(st.data())
def test_roi_align(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    x = random.standard_normal([2, 3, 6, 7]).astype(np.float32)
    corners = random.random([4, 2, 2]).astype(np.float32) * 9 - 1
    rois = np.sort(corners, axis=1).reshape(4, 4)
    _agree(
        "RoiAlign",
        {"x": x, "r": rois, "b": np.array([0, 1, 1, 0], np.int64)},
        output_height=2,
        output_width=3,
        sampling_ratio=data.draw(st.integers(0, 2)),
        spatial_scale=data.draw(st.sampled_from([1.0, 0.5])),
        coordinate_transformation_mode=data.draw(
            st.sampled_from(["half_pixel", "output_half_pixel"])
        ),
    )


@_SETTINGS
@given(st.data())
def test_non_max_suppression(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    feed: dict[str, Array | None] = {
        "b": random.random([2, 12, 4]).astype(np.float32),
        "s": random.random([2, 3, 12]).astype(np.float32),
        "m": np.array([data.draw(st.integers(0, 8))], np.int64),
        "i": np.array([data.draw(st.sampled_from([0.0, 0.2, 0.5]))], np.float32),
        "t": np.array([data.draw(st.sampled_from([0.0, 0.4]))], np.float32),
    }
    center = data.draw(st.integers(0, 1))
    _agree("NonMaxSuppression", feed, center_point_box=center)


@_SETTINGS
@given(st.data())
def test_deform_conv(data: st.DataObject) -> None:
    group, offsets = data.draw(st.sampled_from([1, 2])), data.draw(st.sampled_from([1, 2]))
    kernel = (data.draw(st.integers(1, 3)), 2)
    stride, pad = data.draw(st.integers(1, 2)), data.draw(st.integers(0, 1))
    out = [(6 + 2 * pad - kernel[0]) // stride + 1, (5 + 2 * pad - 2) // stride + 1]
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    feed: dict[str, Array | None] = {
        "x": random.standard_normal([1, 4, 6, 5]).astype(np.float32),
        "w": random.standard_normal([4, 4 // group, *kernel]).astype(np.float32),
        "o": random.standard_normal([1, offsets * 2 * kernel[0] * 2, *out]).astype(np.float32),
        "b": random.standard_normal([4]).astype(np.float32),
        "m": random.random([1, offsets * kernel[0] * 2, *out]).astype(np.float32),
    }
    _agree(
        "DeformConv",
        feed,
        opset=19,
        reference=True,
        group=group,
        offset_group=offsets,
        strides=[stride, stride],
        pads=[pad] * 4,
        kernel_shape=list(kernel),
    )


@pytest.mark.parametrize(
    "equation",
    [
        "ij,jk->ik",
        "bij,bjk->bik",
        "ij,kj->ik",
        "bhid,bhjd->bhij",
        "...ij,...jk->...ik",
        "ii->i",
        "ii",
        "iji->j",
        "ij->ji",
        "ij->",
        "i,j->ij",
        "ij,ij->ij",
        "ij,ij->",
        "ij,jk,kl->il",
        "bi,bj,bk->bijk",
        "abc,cd,be->ade",
        "i...->...i",
        "ij,j",
        "bn,anm,bm->ba",
    ],
)
def test_einsum(equation: str) -> None:
    random = np.random.default_rng(7)
    size = {label: 2 + i for i, label in enumerate("abcdehijklmn")}
    size["h"], size["b"] = 2, 3
    feed: dict[str, Array | None] = {}
    for i, term in enumerate(equation.split("->", maxsplit=1)[0].split(",")):
        shape = [size[c] for c in term.replace("...", "")]
        at = term.find("...")
        if at >= 0:
            shape[at:at] = [2, 3]
        feed[f"x{i}"] = random.standard_normal(shape).astype(np.float32)
    _agree("Einsum", feed, equation=equation, reference=True)


@_SETTINGS
@given(st.data())
def test_dft(data: st.DataObject) -> None:
    onesided, inverse = data.draw(st.sampled_from([(0, 0), (1, 0), (0, 1)]))
    parts = 1 if onesided else data.draw(st.integers(1, 2))
    shape = (2, data.draw(st.integers(1, 12)), 3, parts)
    length = np.array(data.draw(st.integers(1, 14)), np.int64)
    axis = np.array(data.draw(st.integers(0, 2)), np.int64)
    feed = {
        "x": _numbers(data, shape, np.float32),
        "l": length if data.draw(st.booleans()) else None,
        "a": axis,
    }
    _agree("DFT", feed, opset=20, reference=True, onesided=onesided, inverse=inverse)
