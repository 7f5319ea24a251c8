# SPDX-License-Identifier: Apache-2.0
"""Several devices at the same time: order, lines of progress, and failures of some."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from mace.cli.console import Console
from mace.cli.parallel import Lane, on_all, raise_first
from mace.devices import Device
from mace.devices.base import DeviceInfo
from mace.devices.local import HostDevice
from mace.errors import DeviceError


class Named(HostDevice):
    """This machine by another name."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder / name)
        self.name = name

    def info(self) -> DeviceInfo:
        if self.name == "mute":
            raise DeviceError("it does not answer")
        return DeviceInfo(self.name.rstrip("+"), "soc", "host", "system")


def test_all_work_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    devices = [Named(tmp_path, name) for name in ("a", "b", "a+", "mute")]
    meeting = threading.Barrier(4, timeout=20)

    def work(device: Device, lane: Lane) -> str:
        with lane.step("meeting"):
            meeting.wait()  # Nobody would come through if they took turns.
        assert isinstance(device, Named)
        if device.name == "b":
            raise DeviceError("b is lost")
        return device.name

    results = on_all(devices, work, Console("run"))
    assert [r for r in results if isinstance(r, str)] == ["a", "a+", "mute"]
    assert isinstance(results[1], DeviceError)
    lines = capsys.readouterr().err.splitlines()
    for name in ("a", "b", "a (3)", "device 4"):
        assert f"{name}: meeting" in lines
    assert "b: failed" in lines and sum(": done in" in line for line in lines) == 3
    with pytest.raises(DeviceError, match="b is lost"):
        raise_first(results, Console("run"))


def test_one_alone_has_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def work(device: Device, lane: Lane) -> bool:
        del device
        with lane.step("working"):
            return lane.is_alone

    assert on_all([Named(tmp_path, "a")], work, Console("run")) == [True]
    assert capsys.readouterr().err == ""

    def fail(device: Device, lane: Lane) -> None:
        raise DeviceError("it is lost")

    with pytest.raises(DeviceError):
        on_all([Named(tmp_path, "a")], fail, Console("run"))


def test_a_defect_is_not_hidden(tmp_path: Path) -> None:
    def work(device: Device, lane: Lane) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        on_all([Named(tmp_path, "a"), Named(tmp_path, "b")], work, Console("run"))
