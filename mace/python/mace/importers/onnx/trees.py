# SPDX-License-Identifier: Apache-2.0
"""ONNX TreeEnsemble: all rows go down all trees at once, a level at a time, by gathering what the node
that each of them is at compares with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mace.graph import dtypes
from mace.graph.ir import Array
from mace.importers.base import Builder, UnsupportedError
from mace.importers.onnx.node import OnnxNode, register
from mace.importers.onnx.reader import to_array

# Levels are written out one by one: so many at most.
_DEEPEST = 64
_COMPARE = ["LESS_EQUAL", "LESS", "GREATER_EQUAL", "GREATER", "EQUAL", "NOT_EQUAL"]
_MEMBER = 6
_SUM, _AVERAGE = 1, 0
_EXTREMES = {2: "MIN", 3: "MAX"}
_TRANSFORMS = {1: "SOFTMAX", 2: "LOGISTIC"}


@dataclass
class _Trees:
    """Nodes and behind them the leaves, which lead to themselves."""

    count: int  # of nodes that are no leaves
    roots: Array
    features: Array
    splits: Array
    modes: Array
    targets: tuple[Array, Array]  # if the comparison is false, if it is true
    missing: Array  # whether a missing value counts as true
    members: list[Array]


def _listed(n: OnnxNode, name: str, size: int) -> Array:
    values = np.asarray(n.attr(name, [0] * size), np.int64)
    if values.shape != (size,):
        raise UnsupportedError(f"{name} has {values.size} values for {size} nodes")
    return values


def _read(n: OnnxNode, dtype: str) -> _Trees:
    numpy_type = dtypes.to_numpy(dtype)
    modes = to_array(n.require("nodes_modes")).astype(np.int64).ravel()
    splits = to_array(n.require("nodes_splits")).astype(numpy_type).ravel()
    count, leaves = modes.size, len(n.require("leaf_targetids"))
    if splits.size != count or not count or not leaves:
        raise UnsupportedError(f"it has {count} modes, {splits.size} splits and {leaves} leaves")
    targets = []
    for side in ("false", "true"):
        is_leaf = _listed(n, f"nodes_{side}leafs", count) != 0
        ids = _listed(n, f"nodes_{side}nodeids", count)
        if (ids < 0).any() or (ids >= np.where(is_leaf, leaves, count)).any():
            raise UnsupportedError(f"nodes_{side}nodeids names a node that is not there")
        ids = np.where(is_leaf, ids + count, ids)
        targets.append(np.concatenate([ids, np.arange(count, count + leaves)]))
    behind = np.zeros(leaves, np.int64)
    roots = np.asarray(n.require("tree_roots"), np.int64)
    features = _listed(n, "nodes_featureids", count)
    if (roots < 0).any() or (roots >= count).any() or (features < 0).any():
        raise UnsupportedError("a root or a feature is not there")
    return _Trees(
        count,
        roots,
        np.concatenate([features, behind]),
        np.concatenate([splits, behind.astype(numpy_type)]),
        np.concatenate([modes, behind]),
        (targets[0], targets[1]),
        np.concatenate([_listed(n, "nodes_missing_value_tracks_true", count), behind]) != 0,
        _members(n, modes, numpy_type),
    )


def _members(n: OnnxNode, modes: Array, numpy_type: object) -> list[Array]:
    """The set of each node: those of MEMBER nodes stand one after the other, each ended by NaN."""
    empty = np.zeros(0, np.float64)
    if not (modes == _MEMBER).any():
        return []
    values = to_array(n.require("membership_values")).astype(np.float64).ravel()
    sets = np.split(values, np.flatnonzero(np.isnan(values)) + 1)
    rest = iter([s[~np.isnan(s)] for s in sets])
    return [next(rest, empty) if mode == _MEMBER else empty for mode in modes]


def _depth(trees: _Trees) -> int:
    """How many comparisons lead to the farthest leaf."""
    level = set(trees.roots.tolist())
    for depth in range(_DEEPEST + 1):
        level = {i for i in level if i < trees.count}
        if not level:
            return depth
        level = {int(side[i]) for i in level for side in trees.targets}
    raise UnsupportedError(f"its trees have a cycle, or more than {_DEEPEST} levels")


@register("ai.onnx.ml.TreeEnsemble", versions=(5, 5))
def _tree_ensemble(b: Builder, n: OnnxNode) -> None:
    x, dtype = n.inputs[0], n.dtype(n.inputs[0])
    trees = _read(n, dtype)
    rows = b.op("Shape", [x], start=0, end=1, output_type="i64")
    shape = b.op("Concat", [rows, b.const([trees.roots.size], np.int64)], axis=0)
    place = b.op("Expand", [b.const(trees.roots), shape])
    for _ in range(_depth(trees)):
        hit = _compare(b, trees, x, place)
        sides = [b.op("Gather", [b.const(side), place], axis=0) for side in trees.targets]
        place = b.op("Where", [hit, sides[1], sides[0]])
    y = _votes(b, n, trees, place, dtype)
    transform = int(n.attr("post_transform", 0))
    if transform not in (0, *_TRANSFORMS):
        raise UnsupportedError(f"the attribute post_transform is {transform}; MACE has 0, 1 and 2")
    if transform == 0:
        b.op("Identity", [y], n.outputs)
    elif _TRANSFORMS[transform] == "SOFTMAX":
        b.op("Softmax", [y], n.outputs, axis=-1)
    else:
        b.op("Activation", [y], n.outputs, activation="SIGMOID")


def _compare(b: Builder, trees: _Trees, x: str, place: str) -> str:
    """Whether the comparison of the node that each row is at in each tree is true."""
    value = b.op("GatherElements", [x, b.op("Gather", [b.const(trees.features), place])], axis=1)
    split = b.op("Gather", [b.const(trees.splits), place])
    result = ""
    for mode in sorted(set(trees.modes[: trees.count].tolist())):
        if not 0 <= mode <= _MEMBER:
            raise UnsupportedError(f"the mode of a node is {mode}; the modes are 0 to {_MEMBER}")
        hit = (
            _is_member(b, trees, value, place)
            if mode == _MEMBER
            else b.op("Eltwise", [value, split], type=_COMPARE[mode])
        )
        own = b.op("Gather", [b.const(trees.modes == mode), place])
        result = b.op("Where", [own, hit, result]) if result else hit
    if trees.missing.any():
        absent = b.op("Eltwise", [value, value], type="NOT_EQUAL")
        tracked = b.op("Gather", [b.const(trees.missing), place])
        absent = b.op("Eltwise", [absent, tracked], type="AND")
        result = b.op("Eltwise", [result, absent], type="OR")
    return result


def _is_member(b: Builder, trees: _Trees, value: str, place: str) -> str:
    widest = max(1, *(m.size for m in trees.members))
    table = np.full([trees.modes.size, widest], np.nan, trees.splits.dtype)
    for row, members in zip(table, trees.members, strict=False):
        row[: members.size] = members
    sets = b.op("Gather", [b.const(table), place], axis=0)
    equal = b.op("Eltwise", [b.op("Unsqueeze", [value], axis=[2]), sets], type="EQUAL")
    return b.op("Reduce", [equal], reduce_type="ANY", axis=[2])


def _votes(b: Builder, n: OnnxNode, trees: _Trees, place: str, dtype: str) -> str:
    """What the leaves say, over all trees."""
    count = int(n.require("n_targets"))
    weights = to_array(n.require("leaf_weights")).ravel()
    ids = np.asarray(n.require("leaf_targetids"), np.int64)
    if not 0 < count <= 1 << 16 or weights.size != ids.size or (ids < 0).any():
        raise UnsupportedError(f"it has {weights.size} weights of leaves for {count} targets")
    if (ids >= count).any():
        raise UnsupportedError(f"a leaf is of target {ids.max()}, and there are {count}")
    table = np.zeros([trees.modes.size, count], dtypes.to_numpy(dtype))
    table[trees.count + np.arange(ids.size), ids] = weights
    votes = b.op("Gather", [b.const(table), place], axis=0)
    how = int(n.attr("aggregate_function", _SUM))
    if how in (_SUM, _AVERAGE):
        kind = "SUM" if how == _SUM else "MEAN"
        return b.op("Reduce", [votes], reduce_type=kind, axis=[1])
    if how in _EXTREMES and count == 1:
        return b.op("Reduce", [votes], reduce_type=_EXTREMES[how], axis=[1])
    raise UnsupportedError(f"the attribute aggregate_function is {how} for {count} targets")
