# SPDX-License-Identifier: Apache-2.0
"""The bytes of a model, and files that appear all or none."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from graph_helpers import builder, finish, random
from mace.convert import convert_imported
from mace.errors import MaceError
from mace.export import files
from mace.export.model import ALIGNMENT, MAGIC, to_bytes, unique_names
from mace.graph import dtypes
from mace.graph.ir import Array, Graph, Node
from mace.runtime import Engine

from mace import proto_messages


def _graph() -> Graph:
    b = builder(x=(-1, 4))
    shared = np.arange(4, dtype=np.float32)
    y = b.op("Eltwise", ["x", b.const(shared)], type="SUM", activation="RELUX", max_limit=6.0)
    y = b.op("Eltwise", [y, b.const(shared.copy())], type="PROD")
    y = b.op("Reshape", [y, b.const([2, -1], "int32")], ["quote\"'\n/end"], copy_zeros=True)
    return finish(b, y)


def _read(content: bytes) -> tuple[Any, Any]:
    model = proto_messages.message_class("mace.ModelDef").FromString(content)
    return model, proto_messages.message_class("mace.NetDef").FromString(model.net)


def test_fields() -> None:
    made = to_bytes(_graph(), ["cpu"])
    model, net = _read(made.graph)
    assert model.magic == MAGIC
    assert model.magic.to_bytes(4, "little") == b"MACE"
    assert model.net_checksum == xxhash.xxh64_intdigest(model.net)
    assert (model.data_size, model.data_checksum) == (
        len(made.data),
        xxhash.xxh64_intdigest(made.data),
    )
    assert [o.type for o in net.op] == ["Eltwise", "Eltwise", "Reshape"]
    arguments = {a.name: a for a in net.op[0].arg}
    assert arguments["type"].s == b"SUM"
    assert arguments["max_limit"].f == 6.0
    assert {a.name: a.i for a in net.op[2].arg} == {"copy_zeros": 1}
    assert list(net.input_info[0].dims) == [-1, 4]
    assert net.output_info[0].name == "quote\"'\n/end"
    assert list(net.checked_runtime) == [0]


def test_constants_lie_aligned_and_equal_ones_once() -> None:
    made = to_bytes(_graph())
    _, net = _read(made.graph)
    assert [t.offset % ALIGNMENT for t in net.tensors] == [0, 0, 0]
    assert net.tensors[0].offset == net.tensors[1].offset
    for tensor, dtype, values in zip(
        net.tensors, ("<f4", "<f4", "<i4"), ([0, 1, 2, 3], [0, 1, 2, 3], [2, -1]), strict=True
    ):
        raw = made.data[tensor.offset : tensor.offset + tensor.data_size]
        assert np.frombuffer(raw, dtype).tolist() == values


def test_half_storage_is_expanded_by_the_engine() -> None:
    b = builder(x=(2, 3))
    halves = np.array([0.5, 1 / 3, -2.0], np.float32)
    y = b.op("Eltwise", ["x", b.const(halves)], type="SUM")
    y = b.op("Eltwise", [y, b.const(np.array([1e6, 1.0, 0.0], np.float32))], type="PROD")
    made = to_bytes(finish(b, y), weight_format="float16")
    _, net = _read(made.graph)
    small, large = net.tensors
    assert (small.data_type, small.stored_type, small.data_size) == (1, 3, 6)  # as DT_HALF
    assert (large.data_type, large.data_size) == (1, 12)  # 1e6 does not fit
    with Engine.from_bytes(made.graph, made.data) as engine:
        (out,) = engine.run({"x": np.ones((2, 3), np.float32)}).values()
    expected = (1 + halves.astype(np.float16).astype(np.float32)) * [1e6, 1.0, 0.0]
    np.testing.assert_allclose(out, np.tile(expected, (2, 1)).astype(np.float32), rtol=1e-6)


@pytest.mark.parametrize("name", list(dtypes.NUMBERS))
def test_every_type_crosses_the_engine(name: str) -> None:
    dtype = dtypes.to_numpy(name)
    given = np.arange(12).reshape(2, 3, 2).astype(dtype)
    b = builder(x=(2, 3, 2))
    b.graph.inputs[0].dtype = name
    turned = b.op("Transpose", ["x"], dims=[2, 0, 1])
    joined = b.op("Concat", [turned, b.const(given.transpose(2, 0, 1)[:, ::-1])], axis=1)
    picked = b.op("Gather", [joined, b.const(np.array([2, 0, 3]))], axis=1)
    bounds = [b.const(np.array(bound)) for bound in ([0, 0, 0], [2, 3, 2])]
    graph = finish(b, b.op("StridedSlice", [picked, *bounds]))
    graph = convert_imported("types", graph).graph
    made = to_bytes(graph)
    with Engine.from_bytes(made.graph, made.data) as engine:
        (out,) = engine.run({"x": given}).values()
    assert out.dtype == dtype
    turned_back = given.transpose(2, 0, 1)
    expected = np.concatenate([turned_back, turned_back[:, ::-1]], 1)[:, [2, 0, 3]][:, :, :2]
    assert out.tolist() == expected.tolist()


def test_equal_graphs_give_equal_bytes() -> None:
    assert to_bytes(_graph()) == to_bytes(_graph())


def test_big_endian_and_strided_constants() -> None:
    b = builder(x=(2, 3))
    odd: Array = np.arange(6, dtype=">f4").reshape(3, 2).T
    graph = finish(b, b.op("Eltwise", ["x", "c"], type="SUM"))
    graph.consts["c"] = odd
    assert np.frombuffer(to_bytes(graph).data, "<f4").tolist() == [0, 2, 4, 1, 3, 5]


def test_constants_without_elements() -> None:
    made = to_bytes(_graph(), keep=lambda _, array: array.dtype.kind == "i")
    _, net = _read(made.graph)
    assert [t.data_size for t in net.tensors] == [0, 0, 8]


def test_unused_constants_are_dropped_and_bad_types_named() -> None:
    graph = _graph()
    graph.consts["unused"] = random(3)
    assert len(_read(to_bytes(graph).graph)[1].tensors) == 3
    graph.consts[graph.nodes[0].inputs[1]] = np.zeros(4, np.complex64)
    with pytest.raises(MaceError, match="element type complex64"):
        to_bytes(graph)


def test_text_is_readable() -> None:
    text = to_bytes(_graph()).text
    assert 'type: "Reshape"' in text
    assert "net checksum" in text


def test_node_names_are_unique() -> None:
    nodes = [Node("Unary", name, [], [f"t{i}"]) for i, name in enumerate(["a", "a", "", "a__2"])]
    assert unique_names(nodes) == ["a", "a__2", "t2", "a__2__2"]


def test_files(tmp_path: Path) -> None:
    contents = {tmp_path / "new" / "m.data": b"x" * 100, tmp_path / "new" / "m.pb": b"y"}
    files.write_files(contents)
    assert {p: p.read_bytes() for p in (tmp_path / "new").iterdir()} == contents
    mask = os.umask(0)
    os.umask(mask)
    assert (tmp_path / "new" / "m.pb").stat().st_mode & 0o777 == 0o666 & ~mask


def test_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write_files({tmp_path / "m.data": b"old", tmp_path / "m.pb": b"old"})
    calls = 0

    def fail(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MaceError, match="No space left on device") as caught:
        files.write_files({tmp_path / "m.data": b"new", tmp_path / "m.pb": b"new"})
    assert "kB" in caught.value.hint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.data", "m.pb"]
    assert (tmp_path / "m.data").read_bytes() == b"old"


def test_file_size_limit(tmp_path: Path) -> None:
    """The system itself refuses, in a process of its own."""
    child = os.fork()
    if child == 0:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            files.write_files({tmp_path / "m.data": bytes(100000)})
        except MaceError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MaceError, match="cannot be written"):
        files.write_files({tmp_path / "file" / "m.pb": b""})
