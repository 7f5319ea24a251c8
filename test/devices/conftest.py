# SPDX-License-Identifier: Apache-2.0
"""Phones and a board for tests, all on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
for _folder in (_HERE.parents[1] / "mace" / "python" / "tests", _HERE):
    sys.path.insert(0, str(_folder))

import sandbox  # noqa: E402
from mace.cli.main import main  # noqa: E402
from pretended import PretendedBoard, PretendedPhone, adb_server  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _can_pretend() -> None:
    """Without namespaces for users there is neither phone nor board."""
    reason = sandbox.why_not()
    if reason:
        pytest.skip(f"no device can be pretended on this machine: {reason}")


@pytest.fixture(scope="session", autouse=True)
def adb_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of an adb server for these tests alone. A build that a test starts has the user's,
    and so its cache."""
    home = tmp_path_factory.mktemp("adb")
    with adb_server(home) as settings, pytest.MonkeyPatch.context() as patch:
        patch.delenv("ANDROID_SERIAL", raising=False)
        for name, value in settings.items():
            patch.setenv(name, value)
        yield home


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a small network, net.yml, that is converted."""
    monkeypatch.chdir(tmp_path)
    import small_models  # takes onnx along, which few tests here need

    small_models.conv_onnx(tmp_path / "net.onnx")
    assert main(["init", "net.onnx", "-o", "net.yml", "-q"]) == 0
    assert main(["convert", "--config=net.yml", "-q"]) == 0
    return tmp_path


@pytest.fixture
def make_phone(tmp_path: Path) -> Iterator[Callable[..., PretendedPhone]]:
    """Phones with flags of adb_device.py."""
    made: list[PretendedPhone] = []

    def make(*flags: str) -> PretendedPhone:
        made.append(PretendedPhone(tmp_path / f"phone{len(made)}", *flags))
        return made[-1]

    yield make
    for phone in made:
        phone.end()


@pytest.fixture
def phone(make_phone: Callable[..., PretendedPhone]) -> PretendedPhone:
    """A phone that is connected."""
    made = make_phone()
    made.link.connect()
    return made


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PretendedBoard]:
    """A board that is on."""
    os.chmod(tmp_path, 0o755)
    made = PretendedBoard(tmp_path / "board")
    yield made
    made.end()
