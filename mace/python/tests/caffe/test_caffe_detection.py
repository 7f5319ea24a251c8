# SPDX-License-Identifier: Apache-2.0
"""Caffe's layers of Faster R-CNN and R-FCN against their definitions, and against OpenCV where it
has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from caffe_model import engine, expect, input_layer, layer, opencv, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mace.graph.ir import Array
from mace.importers.base import ImportFailed
from mace.importers.caffe import import_model

FEW = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def regions(rng: np.random.Generator, count: int, images: int, size: int) -> Array:
    """Rows of image, left, top, right, bottom; some of them reach out of an image of this size."""
    corners = rng.uniform(-0.2 * size, 1.2 * size, (count, 2, 2))
    corners.sort(axis=1)
    image = rng.integers(0, images, (count, 1))
    return np.concatenate([image, corners.reshape(count, 4)], 1).astype(np.float32)


def away(x: float) -> int:
    """Rounded to a whole number, halves away from 0, as C does."""
    return int(np.sign(x) * np.floor(abs(x) + 0.5))


def roi_pooling(x: Array, rois: Array, grid: tuple[int, int], scale: float) -> Array:
    result = np.zeros((len(rois), x.shape[1], *grid), np.float32)
    for r, roi in enumerate(rois):
        left, top, right, bottom = (away(np.float32(v * np.float32(scale))) for v in roi[1:])
        for i in range(grid[0]):
            for j in range(grid[1]):
                window = []
                for k, n, first, last, size in (
                    (i, grid[0], top, bottom, x.shape[2]),
                    (j, grid[1], left, right, x.shape[3]),
                ):
                    cell = np.float32(max(last - first + 1, 1)) / np.float32(n)
                    begin = int(np.floor(np.float32(k) * cell)) + first
                    end = int(np.ceil(np.float32(k + 1) * cell)) + first
                    window.append(slice(*np.clip([begin, end], 0, size)))
                part = x[int(roi[0]), :, window[0], window[1]]
                if part.size:
                    result[r, :, i, j] = part.max((1, 2))
    return result


@FEW
@given(
    grid=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    scale=st.sampled_from([1.0, 0.5, 0.0625]),
    seed=st.integers(0, 99),
)
def test_roi_pooling(tmp_path: Path, grid: tuple[int, int], scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    feeds = {
        "data": rng.standard_normal((2, 3, 11, 13)).astype(np.float32),
        "rois": regions(rng, 6, 2, round(12 / scale)),
    }
    body = layer(
        "ROIPooling",
        "data rois",
        "y",
        f"roi_pooling_param {{ pooled_h: {grid[0]} pooled_w: {grid[1]} spatial_scale: {scale} }}",
    )
    expect(tmp_path, body, feeds, roi_pooling(feeds["data"], feeds["rois"], grid, scale))


def test_roi_pooling_like_opencv(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    # OpenCV's regions lie inside the image.
    corners = np.sort(rng.uniform(0, 150, (5, 2, 2)), axis=1).reshape(5, 4)
    rois = np.concatenate([np.zeros((5, 1)), corners], 1).astype(np.float32)
    feeds = {"data": rng.standard_normal((1, 4, 10, 10)).astype(np.float32), "rois": rois}
    body = layer(
        "ROIPooling",
        "data rois",
        "y",
        "roi_pooling_param { pooled_h: 3 pooled_w: 4 spatial_scale: 0.0625 }",
    )
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items()) + body
    expect(tmp_path, body, feeds, opencv(text, None, feeds, ["y"])[0])


def psroi_pooling(x: Array, rois: Array, group: int, channels: int, scale: float) -> Array:
    one, scale32 = np.float32(1), np.float32(scale)
    result = np.zeros((len(rois), channels, group, group), np.float32)
    for r, roi in enumerate(rois):
        windows: list[list[slice]] = []
        for first, last, size in ((roi[2], roi[4], x.shape[2]), (roi[1], roi[3], x.shape[3])):
            begin = np.float32(away(first)) * scale32
            end = (np.float32(away(last)) + one) * scale32
            cell = max(end - begin, np.float32(0.1)) / np.float32(group)
            edges = [
                (np.floor(np.float32(k) * cell + begin), np.ceil(np.float32(k + 1) * cell + begin))
                for k in range(group)
            ]
            windows.append([slice(*(int(np.clip(e, 0, size)) for e in edge)) for edge in edges])
        for d in range(channels):
            for i in range(group):
                for j in range(group):
                    plane = x[int(roi[0]), (d * group + i) * group + j]
                    part = plane[windows[0][i], windows[1][j]]
                    result[r, d, i, j] = part.mean() if part.size else 0
    return result


def bilinear(plane: Array, y: float, x: float) -> float:
    top, left = int(y), int(x)
    patch = plane[top : top + 2, left : left + 2]
    b, r = y - top, x - left
    return float(np.array([1 - b, b]) @ patch @ np.array([1 - r, r]))


def psroi_align(
    x: Array, rois: Array, group: int, channels: int, scale: float, samples: int
) -> Array:
    result = np.zeros((len(rois), channels, group, group), np.float32)
    for r, roi in enumerate(rois.astype(np.float64)):
        points: list[list[list[float]]] = []
        for first, last, size in ((roi[2], roi[4], x.shape[2]), (roi[1], roi[3], x.shape[3])):
            begin, cell = first * scale, max((last + 1 - first) * scale, 0.1) / group
            axis = []
            for k in range(group):
                start = np.clip(k * cell + begin, 0, size - 1)
                end = np.clip((k + 1) * cell + begin, 0, size - 1)
                steps = [start + s * cell / (samples + 1) for s in range(1, samples + 1)]
                axis.append([p for p in steps if p < end])
            points.append(axis)
        for d in range(channels):
            for i in range(group):
                for j in range(group):
                    plane = x[int(roi[0]), (d * group + i) * group + j]
                    found = [bilinear(plane, p, q) for p in points[0][i] for q in points[1][j]]
                    result[r, d, i, j] = sum(found) / samples**2
    return result


def roi_align(x: Array, rois: Array, grid: tuple[int, int], scale: float, samples: int) -> Array:
    """The definition of Mask R-CNN: a region is at least one pixel, a sample more than one pixel
    outside counts as 0, and others are moved to the border."""
    result = np.zeros((len(rois), x.shape[1], *grid), np.float32)
    for r, roi in enumerate(rois.astype(np.float64)):
        points: list[list[list[float]]] = []
        for first, last, cells in ((roi[2], roi[4], grid[0]), (roi[1], roi[3], grid[1])):
            cell = max((last - first) * scale, 1.0) / cells
            count = samples if samples > 0 else int(np.ceil(cell))
            steps = [(s + 0.5) * cell / count for s in range(count)]
            points.append([[first * scale + k * cell + s for s in steps] for k in range(cells)])
        height, width = x.shape[2:]
        padded = np.pad(x[int(roi[0])], ((0, 0), (0, 1), (0, 1)), mode="edge")
        for i in range(grid[0]):
            for j in range(grid[1]):
                pairs = [(p, q) for p in points[0][i] for q in points[1][j]]
                inside = [(p, q) for p, q in pairs if -1 <= p <= height and -1 <= q <= width]
                for c in range(x.shape[1]):
                    values = [
                        bilinear(padded[c], np.clip(p, 0, height - 1), np.clip(q, 0, width - 1))
                        for p, q in inside
                    ]
                    result[r, c, i, j] = sum(values) / len(pairs)
    return result


@FEW
@given(
    grid=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    scale=st.sampled_from([1.0, 0.5, 0.0625]),
    samples=st.integers(-1, 3),
    name=st.sampled_from(["sampling_ratio", "sample_ratio"]),
    seed=st.integers(0, 99),
)
def test_roi_align(
    tmp_path: Path, grid: tuple[int, int], scale: float, samples: int, name: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    feeds = {
        "data": rng.standard_normal((2, 3, 9, 8)).astype(np.float32),
        "rois": regions(rng, 5, 2, round(9 / scale)),
    }
    text = f"pooled_h: {grid[0]} pooled_w: {grid[1]} spatial_scale: {scale} {name}: {samples}"
    body = layer("ROIAlign", "data rois", "y", f"roi_align_param {{ {text} }}")
    expected = roi_align(feeds["data"], feeds["rois"], grid, scale, samples)
    expect(tmp_path, body, feeds, expected, tolerance=1e-3)


@pytest.mark.parametrize("kind", ["PSROIPooling", "PSROIAlign"])
@FEW
@given(
    group=st.integers(1, 4),
    channels=st.integers(1, 3),
    scale=st.sampled_from([1.0, 0.25, 0.0625]),
    samples=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_position_sensitive(
    tmp_path: Path, kind: str, group: int, channels: int, scale: float, samples: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    feeds = {
        "data": rng.standard_normal((2, channels * group**2, 9, 8)).astype(np.float32),
        "rois": regions(rng, 5, 2, round(9 / scale)),
    }
    text = f"spatial_scale: {scale} output_dim: {channels} group_size: {group}"
    arguments = (feeds["data"], feeds["rois"], group, channels, scale)
    if kind == "PSROIPooling":
        body = layer(kind, "data rois", "y", f"psroi_pooling_param {{ {text} }}")
        expect(tmp_path, body, feeds, psroi_pooling(*arguments))
    else:
        body = layer(
            kind, "data rois", "y", f"psroi_align_param {{ {text} sample_num: {samples} }}"
        )
        expect(tmp_path, body, feeds, psroi_align(*arguments, samples), tolerance=1e-3)


def test_psroi_pooling_like_opencv(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    corners = np.sort(rng.uniform(0, 150, (5, 2, 2)), axis=1).reshape(5, 4)
    rois = np.concatenate([np.zeros((5, 1)), corners], 1).astype(np.float32)
    feeds = {"data": rng.standard_normal((1, 18, 10, 10)).astype(np.float32), "rois": rois}
    body = layer(
        "PSROIPooling",
        "data rois",
        "y",
        "psroi_pooling_param { output_dim: 2 group_size: 3 spatial_scale: 0.0625 }",
    )
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items()) + body
    expect(tmp_path, body, feeds, opencv(text, None, feeds, ["y"])[0])


def anchors(base: int, ratios: list[float], scales: list[float]) -> Array:
    boxes = []
    for ratio in ratios:
        width = np.round(np.sqrt(base * base / ratio))
        height = np.round(width * ratio)
        for scale in scales:
            center, half = (base - 1) / 2, np.array([width * scale - 1, height * scale - 1]) / 2
            boxes.append([*(center - half), *(center + half)])
    return np.array(boxes)


def propose(
    scores: Array, deltas: Array, info: Array, boxes: Array, stride: int, smallest: float,
    before: int, after: int, threshold: float,
) -> Array:  # fmt: skip
    """The proposal layer of py-faster-rcnn: rows of 0, left, top, right, bottom and score."""
    count, (height, width) = len(boxes), scores.shape[2:]
    found = []
    for y in range(height):
        for x in range(width):
            for a in range(count):
                box = boxes[a] + stride * np.array([x, y, x, y])
                delta = deltas[0, 4 * a : 4 * a + 4, y, x].astype(np.float64)
                side = box[2:] - box[:2] + 1
                center = box[:2] + side / 2 + delta[:2] * side
                half = np.exp(delta[2:]) * side / 2
                limit = [info[1] - 1, info[0] - 1]
                corners = np.concatenate(
                    [np.clip(center - half, 0, limit), np.clip(center + half, 0, limit)]
                )
                if (corners[2:] - corners[:2] + 1 >= smallest * info[2]).all():
                    found.append([scores[0, count + a, y, x], *corners])
    found.sort(key=lambda row: -row[0])
    kept: list[list[float]] = []
    for row in found[:before]:
        p = np.array(row[1:])
        for other in kept:
            q = np.array(other[1:])
            side = np.minimum(p[2:], q[2:]) - np.maximum(p[:2], q[:2]) + 1
            inner = max(side[0], 0) * max(side[1], 0)
            areas = np.prod(p[2:] - p[:2] + 1) + np.prod(q[2:] - q[:2] + 1)
            if inner / (areas - inner) > threshold:
                break
        else:
            kept.append(row)
    return np.array([[0, *row[1:], row[0]] for row in kept[:after]], np.float32).reshape(-1, 6)


@FEW
@given(
    ratios=st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=1, max_size=3, unique=True),
    scales=st.lists(st.sampled_from([2.0, 4.0, 8.0]), min_size=1, max_size=2, unique=True),
    smallest=st.sampled_from([0, 8, 40]),
    before=st.sampled_from([10, 6000]),
    after=st.sampled_from([3, 300]),
    threshold=st.sampled_from([0.3, 0.7]),
    seed=st.integers(0, 99),
)
def test_proposal(
    tmp_path: Path, ratios: list[float], scales: list[float], smallest: int, before: int,
    after: int, threshold: float, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    count = len(ratios) * len(scales)
    feeds = {
        "score": rng.uniform(0, 1, (1, 2 * count, 4, 5)).astype(np.float32),
        "delta": (0.3 * rng.standard_normal((1, 4 * count, 4, 5))).astype(np.float32),
        "info": np.float32([[64, 80, 1.25]]),
    }
    text = f"feat_stride: 16 base_size: 16 min_size: {smallest} nms_thresh: {threshold} "
    text += f"pre_nms_topn: {before} post_nms_topn: {after} "
    text += "".join(f"ratio: {r} " for r in ratios) + "".join(f"scale: {s} " for s in scales)
    expected = propose(
        feeds["score"], feeds["delta"], feeds["info"][0], anchors(16, ratios, scales), 16,
        smallest, before, after, threshold,
    )  # fmt: skip
    body = layer("Proposal", "score delta info", "y s", f"proposal_param {{ {text} }}")
    results = {"y": expected[:, :5], "s": expected[:, 5:]}
    expect(tmp_path, body, feeds, results, tolerance=1e-3)
    body = layer("Proposal", "score delta info", "y", f"proposal_param {{ {text} }}")
    expect(tmp_path, body, feeds, expected[:, :5], tolerance=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_proposal_like_opencv(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    feeds = {
        "score": rng.uniform(0, 1, (1, 6, 4, 5)).astype(np.float32),
        "delta": (0.1 * rng.standard_normal((1, 12, 4, 5))).astype(np.float32),
        "info": np.float32([[64, 80, 1]]),
    }
    text = "feat_stride: 16 base_size: 16 min_size: 0 nms_thresh: 0.7 pre_nms_topn: 6000 "
    text += "post_nms_topn: 300 ratio: 0.5 ratio: 1 ratio: 2 scale: 2"
    body = layer("Proposal", "score delta info", "y", f"proposal_param {{ {text} }}")
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items()) + body
    rows = opencv(text, None, feeds, ["y"])[0]
    # OpenCV adds rows of zeros up to post_nms_topn.
    expect(tmp_path, body, feeds, rows[rows[:, 3] > 0], tolerance=1e-3)


def test_proposal_in_python(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    feeds = {
        "score": rng.uniform(0, 1, (1, 12, 6, 6)).astype(np.float32),
        "delta": (0.2 * rng.standard_normal((1, 24, 6, 6))).astype(np.float32),
        "info": np.float32([[96, 96, 1]]),
    }
    text = (
        "python_param { module: 'rpn.proposal_layer' layer: 'ProposalLayer' "
        "param_str: \"'feat_stride': 16\\n'scales': !!python/tuple [2, 4]\" }"
    )
    expected = propose(
        feeds["score"], feeds["delta"], feeds["info"][0],
        anchors(16, [0.5, 1.0, 2.0], [2.0, 4.0]), 16, 16, 6000, 300, 0.7,
    )  # fmt: skip
    body = layer("Python", "score delta info", "y", text)
    expect(tmp_path, body, feeds, expected[:, :5], tolerance=1e-3)


def test_other_python(tmp_path: Path) -> None:
    body = input_layer((1, 2, 3, 4))
    body += layer("Python", "data", "y", "python_param { module: 'm' layer: 'Thing' }")
    with pytest.raises(ImportFailed, match="Python code 'm.Thing'"):
        import_model(*write(tmp_path, body), [], [])


@pytest.mark.parametrize(
    ("kind", "parameters", "words"),
    [
        ("ROIPooling", "", r"its grid is \[0, 0\]"),
        ("ROIPooling", "roi_pooling_param { pooled_h: 100000 pooled_w: 1 }", "its grid"),
        ("ROIAlign", "", r"its grid is \[0, 0\]"),
        (
            "ROIAlign",
            "roi_align_param { pooled_h: 1 pooled_w: 1 sampling_ratio: 1000 }",
            "sampling_ratio",
        ),
        ("PSROIPooling", "", "spatial_scale"),
        ("PSROIPooling", "psroi_pooling_param { spatial_scale: 1 output_dim: -2 }", "output_dim"),
        ("PSROIAlign", "psroi_align_param { sample_num: 0 }", "sample_num"),
        ("Proposal", "proposal_param { base_size: 0 }", "anchors"),
        ("Proposal", "proposal_param { ratio: -1 }", "anchors"),
        ("Proposal", "", "1 dimensions|2 dimensions|bottoms"),
    ],
)
def test_refused(tmp_path: Path, kind: str, parameters: str, words: str) -> None:
    text = input_layer((1, 4, 3, 4)) + input_layer((2, 5), "rois")
    text += layer(kind, "data rois", "y", parameters)
    with pytest.raises(ImportFailed, match=words):
        import_model(*write(tmp_path, text), [], [])


def test_region_of_a_missing_image(tmp_path: Path) -> None:
    feeds = {"data": np.zeros((1, 4, 3, 4), np.float32), "rois": np.float32([[1, 0, 0, 1, 1]])}
    text = "".join(input_layer(a.shape, n) for n, a in feeds.items())
    text += layer("ROIPooling", "data rois", "y", "roi_pooling_param { pooled_h: 1 pooled_w: 1 }")
    with pytest.raises(Exception, match="region 0 is of image 1, and there are 1"):
        engine(tmp_path, text, None, feeds, "y")
