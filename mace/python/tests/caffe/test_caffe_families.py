# SPDX-License-Identifier: Apache-2.0
"""Small networks of the families that mobile vision is made of, with random weights: as OpenCV
computes them, and where OpenCV lacks a layer, as the layers before it and the definition say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from caffe_model import Weights, engine, expect, input_layer, layer, opencv
from mace.graph.ir import Array
from test_caffe_detection import anchors, propose, psroi_align, psroi_pooling, roi_pooling


class Net:
    """The text of a network and its weights, as they are written down."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.body = ""
        self.weights: Weights = {}

    def add(self, kind: str, bottoms: str, tops: str, text: str = "", name: str = "") -> str:
        """A layer without weights; returns its first top."""
        self.body += layer(kind, bottoms, tops, text, name)
        return tops.split()[0]

    def random(self, *shape: int, scale: float = 1.0) -> Array:
        return (scale * self.rng.standard_normal(shape)).astype(np.float32)

    def conv(
        self, bottom: str, top: str, inputs: int, outputs: int, size: tuple[int, int] = (3, 3),
        more: str = "", group: int = 1, kind: str = "Convolution",
    ) -> str:  # fmt: skip
        """A convolution that keeps the size at stride 1; its weights keep the variance."""
        text = (
            f"num_output: {outputs} kernel_h: {size[0]} kernel_w: {size[1]} group: {group} {more}"
        )
        if "pad" not in more:
            text += f" pad_h: {size[0] // 2} pad_w: {size[1] // 2}"
        fan_in = inputs // group * size[0] * size[1]
        self.weights[top] = [
            self.random(outputs, inputs // group, *size, scale=fan_in**-0.5),
            self.random(outputs, scale=0.1),
        ]
        return self.add(kind, bottom, top, f"convolution_param {{ {text} }}")

    def norm(self, bottom: str, channels: int, activation: str = "ReLU") -> str:
        """BatchNorm, Scale and an activation, all in place."""
        names = [f"{bottom}_{n}" for n in ("bn", "scale", "act")]
        self.add("BatchNorm", bottom, bottom, "", names[0])
        self.add("Scale", bottom, bottom, "scale_param { bias_term: true }", names[1])
        self.add(activation, bottom, bottom, "", names[2])
        positive = np.abs(self.random(channels)) + 0.5
        factor = np.float32([999.0])
        mean = self.random(channels, scale=0.1)
        self.weights[names[0]] = [mean * factor, positive * factor, factor]
        self.weights[names[1]] = [self.random(channels), self.random(channels, scale=0.1)]
        if activation == "PReLU":
            self.weights[names[2]] = [self.random(channels, scale=0.2)]
        return bottom

    def dense(self, bottom: str, top: str, inputs: int, outputs: int) -> str:
        weight = self.random(outputs, inputs, scale=inputs**-0.5)
        self.weights[top] = [weight, self.random(outputs, scale=0.1)]
        return self.add(
            "InnerProduct", bottom, top, f"inner_product_param {{ num_output: {outputs} }}"
        )

    def like_opencv(self, folder: Path, feeds: dict[str, Array], top: str) -> None:
        """Asserts that engine and OpenCV agree on a top, whose layer has its name."""
        text = "".join(input_layer(a.shape, n) for n, a in feeds.items()) + self.body
        expected = opencv(text, self.weights, feeds, [top])[0]
        expect(folder, self.body, feeds, {top: expected}, self.weights, 1e-3)


def test_mobilenet(tmp_path: Path) -> None:
    net = Net(1)
    net.norm(net.conv("data", "conv", 3, 8, more="stride: 2"), 8)
    net.norm(net.conv("conv", "dw", 8, 8, group=8), 8, "ReLU6")
    net.norm(net.conv("dw", "sep", 8, 16, (1, 1)), 16)
    net.add("Pooling", "sep", "pool", "pooling_param { pool: AVE global_pooling: true }")
    net.add("Flatten", net.conv("pool", "fc", 16, 10, (1, 1)), "flat")
    net.add("Softmax", "flat", "y")
    net.like_opencv(tmp_path, {"data": net.random(1, 3, 32, 32)}, "y")


def test_shufflenet(tmp_path: Path) -> None:
    net = Net(2)
    net.norm(net.conv("data", "a", 12, 6, (1, 1), group=3), 6)
    net.add("ShuffleChannel", "a", "b", "shuffle_channel_param { group: 3 }")
    net.conv("b", "c", 6, 6, more="stride: 2", group=6)
    net.conv("c", "d", 6, 12, (1, 1), group=3)
    net.add("Pooling", "data", "p", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }")
    # An odd size, so that both ways round to the same.
    net.add("Concat", "d p", "e")
    net.add("ReLU", "e", "y")
    net.like_opencv(tmp_path, {"data": net.random(1, 12, 15, 15)}, "y")


def test_shufflenet_with_equal_sizes(tmp_path: Path) -> None:
    """A unit that keeps its size ends with a sum."""
    net = Net(3)
    net.norm(net.conv("data", "a", 12, 6, (1, 1), group=3), 6)
    net.add("ShuffleChannel", "a", "b", "shuffle_channel_param { group: 3 }")
    net.conv("b", "c", 6, 6, group=6)
    net.conv("c", "d", 6, 12, (1, 1), group=3)
    net.add("Eltwise", "data d", "e")
    net.add("ReLU", "e", "y")
    net.like_opencv(tmp_path, {"data": net.random(2, 12, 10, 12)}, "y")


def test_senet(tmp_path: Path) -> None:
    net = Net(4)
    net.norm(net.conv("data", "x", 8, 8), 8)
    net.add("Pooling", "x", "s", "pooling_param { pool: AVE global_pooling: true }")
    net.add("ReLU", net.conv("s", "down", 8, 2, (1, 1)), "down", name="relu")
    net.add("Sigmoid", net.conv("down", "up", 2, 8, (1, 1)), "gate")
    net.add("Axpy", "gate x data", "y")
    feeds = {"data": net.random(1, 8, 9, 7)}
    text = input_layer((1, 8, 9, 7)) + net.body[: net.body.index('layer { name: "y"')]
    gate, x = opencv(text, net.weights, feeds, ["gate", "x_act"])
    expect(tmp_path, net.body, feeds, gate * x + feeds["data"], net.weights, 1e-3)


def test_pspnet(tmp_path: Path) -> None:
    net = Net(5)
    net.norm(net.conv("data", "trunk", 3, 16, more="stride: 2"), 16)
    joined = ["trunk"]
    for size in (24, 12, 8, 4):
        text = f"pooling_param {{ pool: AVE kernel_size: {size} stride: {size} }}"
        net.add("Pooling", "trunk", f"pool{size}", text)
        net.norm(net.conv(f"pool{size}", f"conv{size}", 16, 4, (1, 1)), 4)
        text = "interp_param { height: 24 width: 24 }"
        joined.append(net.add("Interp", f"conv{size}", f"interp{size}", text))
    net.add("Concat", " ".join(joined), "joined")
    net.norm(net.conv("joined", "conv5", 32, 8, more="dilation: 2 pad: 2"), 8)
    net.conv("conv5", "conv6", 8, 5, (1, 1))
    net.add("Interp", "conv6", "y", "interp_param { height: 47 width: 47 }")
    net.like_opencv(tmp_path, {"data": net.random(1, 3, 48, 48)}, "y")


SIZES = ((2, 8, 16, 8), (4, 16, 32, 4))  # of SSD's maps: step factor, min_size, max_size, cells


def test_ssd(tmp_path: Path) -> None:
    net, classes = Net(6), 4
    net.norm(net.conv("data", "map0", 3, 8, more="stride: 4"), 8)
    net.norm(net.conv("map0", "map1", 8, 8, more="stride: 2"), 8)
    heads: dict[str, list[str]] = {"loc": [], "conf": [], "prior": []}
    for index, (_, smallest, largest, _) in enumerate(SIZES):
        source = f"map{index}"
        for kind, count in (("loc", 4), ("conf", classes)):
            net.conv(source, f"{kind}{index}", 8, 4 * count)
            order = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
            net.add("Permute", f"{kind}{index}", f"{kind}{index}_perm", order)
            heads[kind].append(net.add("Flatten", f"{kind}{index}_perm", f"{kind}{index}_flat"))
        text = f"min_size: {smallest} max_size: {largest} aspect_ratio: 2 flip: true clip: false "
        text += "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
        prior = net.add(
            "PriorBox", f"{source} data", f"prior{index}", f"prior_box_param {{ {text} }}"
        )
        heads["prior"].append(prior)
    net.add("Concat", " ".join(heads["loc"]), "loc", "concat_param { axis: 1 }")
    net.add("Concat", " ".join(heads["conf"]), "conf", "concat_param { axis: 1 }")
    net.add("Concat", " ".join(heads["prior"]), "prior", "concat_param { axis: 2 }")
    shape = f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {classes} }} }}"
    net.add("Reshape", "conf", "conf_reshape", shape)
    net.add("Softmax", "conf_reshape", "conf_softmax", "softmax_param { axis: 2 }")
    net.add("Flatten", "conf_softmax", "conf_flat", "flatten_param { axis: 1 }")
    text = "share_location: true background_label_id: 0 code_type: CENTER_SIZE keep_top_k: 50 "
    text += "confidence_threshold: 0.3 nms_param { nms_threshold: 0.45 top_k: 100 }"
    text = f"detection_output_param {{ num_classes: {classes} {text} }}"
    net.add("DetectionOutput", "loc conf_flat prior", "y", text)
    feeds = {"data": net.random(1, 3, 32, 32)}
    text = input_layer((1, 3, 32, 32)) + net.body
    rows = opencv(text, net.weights, feeds, ["y"])[0].reshape(-1, 7)
    rows = rows[rows[:, 2] > 0]
    (found,) = engine(tmp_path, text, net.weights, feeds, "y")
    assert len(rows) > 5
    # OpenCV orders by score where Caffe orders by label.
    order = [np.lexsort(r.T[::-1].round(3)) for r in (rows, found[0, 0])]
    np.testing.assert_allclose(found[0, 0][order[1]], rows[order[0]], rtol=1e-3, atol=1e-3)


def unpool(x: Array, mask: Array, size: tuple[int, int]) -> Array:
    y = np.zeros((*x.shape[:2], size[0] * size[1]), np.float32)
    flat = mask.reshape(*x.shape[:2], -1).astype(int)
    np.put_along_axis(y, flat, x.reshape(*x.shape[:2], -1), 2)
    return y.reshape(*x.shape[:2], *size)


def test_enet(tmp_path: Path) -> None:
    """Down by pooling with a mask, a bottleneck with a dilated and an asymmetric convolution, up
    again by the mask."""
    net = Net(7)
    net.add("Pooling", "data", "pool mask", "pooling_param { kernel_size: 2 stride: 2 }", "pool")
    start = len(net.body)
    net.norm(net.conv("pool", "a", 4, 2, (1, 1)), 2, "PReLU")
    net.norm(net.conv("a", "b", 2, 2, more="dilation: 2 pad: 2"), 2, "PReLU")
    net.norm(net.conv(net.conv("b", "c", 2, 2, (5, 1)), "d", 2, 2, (1, 5)), 2, "PReLU")
    net.conv("d", "e", 2, 4, (1, 1))
    net.add("Eltwise", "pool e", "f")
    end = len(net.body)
    net.add("Upsample", "f mask", "y", "upsample_param { scale: 2 }")
    feeds = {"data": net.random(2, 4, 8, 12)}
    pool, mask = engine(
        tmp_path, input_layer((2, 4, 8, 12)) + net.body[:start], None, feeds, "pool mask"
    )
    inner = {"pool": pool}
    text = input_layer(pool.shape, "pool") + net.body[start:end]
    (f,) = opencv(text, net.weights, inner, ["f"])
    expected = unpool(f, mask, (8, 12))
    assert np.count_nonzero(expected) == f.size
    expect(tmp_path, net.body, feeds, expected, net.weights, 1e-3)


def proposals(net: Net, count: int) -> str:
    """A region proposal network on a trunk of 8 channels; returns the text before the proposals."""
    net.norm(net.conv("data", "trunk", 3, 8, more="stride: 4"), 8)
    net.add("ReLU", net.conv("trunk", "rpn", 8, 8), "rpn", name="rpn_relu")
    net.conv("rpn", "rpn_score", 8, 2 * count, (1, 1))
    net.conv("rpn", "rpn_delta", 8, 4 * count, (1, 1))
    two = "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }"
    net.add("Reshape", "rpn_score", "rpn_two", two)
    net.add("Softmax", "rpn_two", "rpn_prob")
    all_ = f"reshape_param {{ shape {{ dim: 0 dim: {2 * count} dim: -1 dim: 0 }} }}"
    net.add("Reshape", "rpn_prob", "rpn_all", all_)
    return net.body


def expected_regions(net: Net, head: str, feeds: dict[str, Array]) -> tuple[Array, Array]:
    """The regions that the definition gives for what OpenCV computes before, and the trunk."""
    text = input_layer(feeds["data"].shape) + head
    inner = {"data": feeds["data"]}
    layers = ["rpn_all", "rpn_delta", "trunk_act"]
    score, delta, trunk = opencv(text, net.weights, inner, layers)
    boxes = anchors(16, [0.5, 1.0, 2.0], [0.5, 1.0])
    rows = propose(score, delta, feeds["info"][0], boxes, 4, 4, 60, 12, 0.6)
    return rows[:, :5], trunk


PROPOSAL = (
    "proposal_param { feat_stride: 4 base_size: 16 min_size: 4 ratio: 0.5 ratio: 1 ratio: 2 "
    "scale: 0.5 scale: 1 pre_nms_topn: 60 post_nms_topn: 12 nms_thresh: 0.6 }"
)


def test_faster_rcnn(tmp_path: Path) -> None:
    net = Net(8)
    head = proposals(net, 6)
    net.add("Proposal", "rpn_all rpn_delta info", "rois", PROPOSAL)
    text = "roi_pooling_param { pooled_h: 3 pooled_w: 3 spatial_scale: 0.25 }"
    net.add("ROIPooling", "trunk rois", "pooled", text)
    net.add("ReLU", net.dense("pooled", "fc6", 72, 16), "fc6", name="fc6_relu")
    net.dense("fc6", "bbox_pred", 16, 12)
    net.add("Softmax", net.dense("fc6", "cls_score", 16, 3), "cls_prob")
    feeds = {"data": net.random(1, 3, 40, 48), "info": np.float32([[40, 48, 1]])}
    rois, trunk = expected_regions(net, head, feeds)
    assert 1 < len(rois) <= 12
    pooled = roi_pooling(trunk, rois, (3, 3), 0.25)
    weights = net.weights
    fc6 = np.maximum(pooled.reshape(len(rois), -1) @ weights["fc6"][0].T + weights["fc6"][1], 0)
    boxes = fc6 @ weights["bbox_pred"][0].T + weights["bbox_pred"][1]
    scores = np.exp(fc6 @ weights["cls_score"][0].T + weights["cls_score"][1])
    expected = {
        "rois": rois,
        "cls_prob": scores / scores.sum(1, keepdims=True),
        "bbox_pred": boxes,
    }
    expect(tmp_path, net.body, feeds, expected, weights, 1e-3)


def test_rfcn(tmp_path: Path) -> None:
    """Scores by position-sensitive pooling and boxes by position-sensitive alignment."""
    net = Net(9)
    head = proposals(net, 6)
    net.add("Proposal", "rpn_all rpn_delta info", "rois", PROPOSAL)
    net.conv("trunk", "rfcn_cls", 8, 27, (1, 1))
    net.conv("trunk", "rfcn_box", 8, 36, (1, 1))
    text = "spatial_scale: 0.25 group_size: 3 output_dim"
    net.add("PSROIPooling", "rfcn_cls rois", "cls", f"psroi_pooling_param {{ {text}: 3 }}")
    net.add("PSROIAlign", "rfcn_box rois", "box", f"psroi_align_param {{ {text}: 4 }}")
    mean = "pooling_param { pool: AVE kernel_size: 3 stride: 3 }"
    net.add("Pooling", "cls", "cls_mean", mean)
    net.add("Pooling", "box", "box_mean", mean)
    net.add("Softmax", "cls_mean", "cls_prob")
    feeds = {"data": net.random(1, 3, 40, 48), "info": np.float32([[40, 48, 1]])}
    rois, trunk = expected_regions(net, head, feeds)

    def pointwise(name: str) -> Array:
        weight, bias = net.weights[name]
        y = np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], trunk) + bias[:, None, None]
        return y.astype(np.float32)

    scores = psroi_pooling(pointwise("rfcn_cls"), rois, 3, 3, 0.25).mean((2, 3), keepdims=True)
    boxes = psroi_align(pointwise("rfcn_box"), rois, 3, 4, 0.25, 2).mean((2, 3), keepdims=True)
    prob = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    expected = {"rois": rois, "cls_prob": prob, "box_mean": boxes}
    expect(tmp_path, net.body, feeds, expected, net.weights, 1e-3)
