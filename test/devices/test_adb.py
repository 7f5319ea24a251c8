# SPDX-License-Identifier: Apache-2.0
"""Phones by adb: programs run there, and what is said when something goes wrong on the way."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mace.devices import Request, select_devices
from mace.devices.adb import AdbLink, connected, find_adb
from mace.devices.process import TookTooLong
from mace.devices.remote import ConnectionLost, RemoteDevice
from mace.errors import DeviceError, MaceError
from pretended import PretendedPhone, free_port
from shell_script import script


def left_behind(phone: PretendedPhone) -> str:
    return phone.link.call("ls -A /data/local/tmp").stdout


def test_a_program_runs_in_its_folder(phone: PretendedPhone, tmp_path: Path) -> None:
    device = RemoteDevice(phone.link, "arm64-v8a")
    text = 'echo "$1|$2|$NAME"; echo warn >&2; cat data > made; exit 3'
    device.push(script(tmp_path, text), "program")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 5000)
    device.push(tmp_path / "data.bin", "data")
    shown = io.StringIO()
    arguments = ["one two", 'it\'s $HOME `id` "x"']
    result = device.run("program", arguments, {"NAME": "a;b"}, 30, shown)
    assert (result.code, result.stderr) == (3, "warn\n")
    assert result.stdout == 'one two|it\'s $HOME `id` "x"|a;b\n'
    assert sorted(shown.getvalue().splitlines()) == ['one two|it\'s $HOME `id` "x"|a;b', "warn"]
    assert device.pull("made", tmp_path / "back" / "made")
    assert (tmp_path / "back" / "made").read_bytes() == (tmp_path / "data.bin").read_bytes()
    assert not device.pull("none", tmp_path / "none")
    device.clean()
    assert left_behind(phone) == ""


def test_files_stay_when_asked(phone: PretendedPhone, tmp_path: Path) -> None:
    device = RemoteDevice(phone.link, "arm64-v8a", keep=True)
    device.push(script(tmp_path, "true"), "program")
    device.clean()
    assert left_behind(phone) == f"{Path(device.folder).name}\n"


def test_what_a_cut_connection_left_goes_with_the_next_job(
    phone: PretendedPhone, tmp_path: Path
) -> None:
    program = script(tmp_path, "true")
    cut, ended = RemoteDevice(phone.link, "arm64-v8a"), RemoteDevice(phone.link, "arm64-v8a")
    cut.push(program, "program")
    phone.disconnect()
    cut.clean()
    phone.link.connect()
    # A process that is gone: its number is above all that Linux gives.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 2**22 + 1)
        ended.push(program, "program")
    names = {Path(device.folder).name for device in (cut, ended)}
    device = RemoteDevice(phone.link, "arm64-v8a")
    # The second job removed what the first had left.
    assert names & set(left_behind(phone).split()) == {Path(ended.folder).name}
    other = RemoteDevice(phone.link, "arm64-v8a")
    other.push(program, "program")
    device.push(program, "program")
    wanted = sorted(Path(each.folder).name for each in (device, other))
    assert sorted(left_behind(phone).split()) == wanted
    for each in (device, other):
        each.clean()
    assert left_behind(phone) == ""


@pytest.mark.parametrize("abi", ["arm64-v8a", "armeabi-v7a"])
def test_arm_programs_run(phone: PretendedPhone, tmp_path: Path, abi: str) -> None:
    compiler = {"arm64-v8a": "aarch64-linux-gnu-gcc", "armeabi-v7a": "arm-linux-gnueabihf-gcc"}[abi]
    (tmp_path / "p.c").write_text(
        '#include <stdio.h>\nint main(void) { printf("%zu\\n", sizeof(void *)); return 7; }\n'
    )
    subprocess.run([compiler, "p.c", "-o", "p"], cwd=tmp_path, check=True)
    device = RemoteDevice(phone.link, abi)
    device.push(tmp_path / "p", "program")
    result = device.run("program", [], {}, 60)
    assert (result.code, result.stdout) == (7, {"arm64-v8a": "8\n", "armeabi-v7a": "4\n"}[abi])


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 3", 3), ("kill -9 $$", -9), ("sh -c 'kill -SEGV $$'", -11), ("nothing-like-it", 127)],
)
def test_how_a_command_ends(phone: PretendedPhone, command: str, code: int) -> None:
    assert phone.link.call(f"sh -c {shlex.quote(command)}").code == code


def test_an_old_phone_that_tells_no_exit_code(make_phone: Callable[..., PretendedPhone]) -> None:
    old = make_phone("--features", "cmd")
    old.link.connect()
    result = old.link.call("echo out; exit 5")
    assert (result.code, result.stdout) == (5, "out\n")


def test_much_output(phone: PretendedPhone) -> None:
    result = phone.link.call("head -c 100000000 /dev/zero | tr '\\0' x; exit 4", 120)
    assert result.code == 4
    assert len(result.stdout) == 100_000_000 and set(result.stdout[::4099]) == {"x"}


def test_what_a_phone_says_of_itself(phone: PretendedPhone) -> None:
    info = phone.link.info("arm64-v8a")
    assert (info.name, info.soc, info.system) == ("Nobody Test_Phone", "testsoc", "Android 11")
    assert phone.link.abis()[:2] == ["arm64-v8a", "armeabi-v7a"]


def test_a_timeout_ends_the_program(phone: PretendedPhone, tmp_path: Path) -> None:
    device = RemoteDevice(phone.link, "arm64-v8a")
    device.push(script(tmp_path, "trap '' HUP; echo started; exec sleep 1234"), "program")
    with pytest.raises(MaceError, match="took longer than 2 s"):
        device.run("program", [], {}, 2)
    end = time.monotonic() + 10
    while "sleep 1234" in phone.link.call("ps -ef | grep '[s]leep 1234'; true").stdout:
        assert time.monotonic() < end
    device.clean()
    assert left_behind(phone) == ""


def test_two_pushes_of_the_same_file_copy_once(phone: PretendedPhone, tmp_path: Path) -> None:
    device = RemoteDevice(phone.link, "arm64-v8a")
    device.push(script(tmp_path, "exit 1"), "program")
    phone.go_wrong(cut_push=0)
    device.push(tmp_path / "script", "program")
    phone.go_wrong()
    script(tmp_path, "exit 22")
    device.push(tmp_path / "script", "program")
    assert device.run("program", [], {}, 30).code == 22


FAULTS: list[tuple[dict[str, object], str, str]] = [
    ({"cut_shell": 0.3}, "run", "the connection to .* was lost while a command ran"),
    ({"no_exit": True}, "quick", ""),  # the code comes by our own line
    ({"cut_push": 300_000}, "push", "did not take 'big'"),
    ({"cut_pull": 300_000}, "pull", "did not give"),
    ({"enospc": 300_000}, "push", "its storage is full"),
]


@pytest.mark.parametrize(("faults", "doing", "words"), FAULTS)
def test_what_goes_wrong_is_told(
    phone: PretendedPhone, tmp_path: Path, faults: dict[str, object], doing: str, words: str
) -> None:
    device = RemoteDevice(phone.link, "arm64-v8a")
    device.push(script(tmp_path, "head -c 1000000 /dev/zero > made; exit $1"), "program")
    assert device.run("program", ["6"], {}, 30).code == 6
    (tmp_path / "big").write_bytes(bytes(1_000_000))
    acts: dict[str, Callable[[], object]] = {
        "run": lambda: phone.link.call("echo begun; sleep 20; exit 3"),
        "quick": lambda: phone.link.call("exit 3"),
        "push": lambda: device.push(tmp_path / "big", "big"),
        "pull": lambda: device.pull("made", tmp_path / "back"),
    }
    phone.go_wrong(**faults)
    if not words:
        assert getattr(acts[doing](), "code", None) == 3
        return
    with pytest.raises(DeviceError, match=words) as caught:
        acts[doing]()
    assert caught.value.exit_code == 4
    phone.go_wrong()
    phone.disconnect()
    phone.link.connect()
    # Nothing half done: neither there under the name, nor here.
    assert phone.link.call(f"ls {device.folder}/big").code != 0
    assert not (tmp_path / "back").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".mace-")] == []


def test_really_full_storage(make_phone: Callable[..., PretendedPhone], tmp_path: Path) -> None:
    small = make_phone("--storage", "1m")
    small.link.connect()
    (tmp_path / "big").write_bytes(bytes(3_000_000))
    device = RemoteDevice(small.link, "arm64-v8a")
    with pytest.raises(DeviceError, match="its storage is full"):
        device.push(tmp_path / "big", "big")
    device.clean()
    assert left_behind(small) == ""


def test_a_frozen_phone(phone: PretendedPhone, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(5_000_000))
    phone.go_wrong(freeze=1_000_000)
    phone.disconnect()
    phone.link.connect()
    begin = time.monotonic()
    with pytest.raises(TookTooLong):
        phone.link.upload(tmp_path / "big", "/data/local/tmp/big", 2)
    assert time.monotonic() - begin < 10


def test_a_slow_phone_is_waited_for(phone: PretendedPhone, tmp_path: Path) -> None:
    (tmp_path / "half").write_bytes(bytes(400_000))
    device = RemoteDevice(phone.link, "arm64-v8a")
    phone.go_wrong(rate=200_000)
    phone.disconnect()
    phone.link.connect()
    begin = time.monotonic()
    device.push(tmp_path / "half", "half")
    assert time.monotonic() - begin > 1.5


def test_a_phone_that_does_not_know_us(
    make_phone: Callable[..., PretendedPhone], tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger"
    subprocess.run([find_adb(), "keygen", str(stranger)], check=True)
    locked = make_phone("--keys", f"{stranger}.pub")
    with pytest.raises(DeviceError, match="does not allow this machine to use it"):
        locked.link.connect()
    assert [d.state for d in connected(find_adb()) if d.serial == locked.serial] in (
        [],
        ["unauthorized"],
    )


def test_a_phone_that_knows_us(make_phone: Callable[..., PretendedPhone], adb_home: Path) -> None:
    subprocess.run([find_adb(), "devices"], capture_output=True, check=True)
    own = adb_home / ".android" / "adbkey.pub"
    assert own.is_file()
    known = make_phone("--keys", str(own))
    known.link.connect()
    assert known.link.call("echo in").stdout == "in\n"


def test_nothing_listens() -> None:
    with pytest.raises(DeviceError, match="it is not connected"):
        AdbLink(find_adb(), f"127.0.0.1:{free_port()}").connect()


def test_a_serial_that_is_not_there(phone: PretendedPhone) -> None:
    with pytest.raises(DeviceError, match="it is not connected"):
        AdbLink(phone.link.adb, "nowhere").call("true")


def test_a_silent_phone(make_phone: Callable[..., PretendedPhone]) -> None:
    silent = make_phone()
    silent.go_wrong(silent=True)
    with pytest.raises(DeviceError):
        silent.link.connect()


def test_choosing_phones(
    make_phone: Callable[..., PretendedPhone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceError, match="no Android device is connected"):
        select_devices("arm64-v8a", tmp_path, Request("android"))
    new = make_phone("--property", "ro.board.platform=new")
    old = make_phone(
        "--property", "ro.board.platform=old", "--property", "ro.product.cpu.abilist=armeabi-v7a"
    )
    new.link.connect()
    old.link.connect()
    # The same phone again, by another address: it is one device.
    other = new.serial.replace("127.0.0.1", "localhost")
    AdbLink(find_adb(), other).connect()

    def names(abi: str, *socs: str) -> list[str]:
        chosen = select_devices(abi, tmp_path, Request("android", socs=socs))
        return sorted(device.info().soc for device in chosen)

    assert names("armeabi-v7a") == ["new", "old"]
    assert names("arm64-v8a") == ["new"]
    assert names("armeabi-v7a", "old") == ["old"]
    assert len(names("armeabi-v7a", "random")) == 1
    with pytest.raises(DeviceError, match="no device with the SoC 'od' .*did you mean 'old'"):
        names("armeabi-v7a", "od")
    with pytest.raises(DeviceError, match="none of the connected Android devices runs"):
        names("x86_64")
    monkeypatch.setenv("ANDROID_SERIAL", old.serial)
    assert names("armeabi-v7a") == ["old"]


@pytest.mark.parametrize(
    ("flags", "count", "said"),
    [
        ([], 2, "are two devices all the same; both are used"),
        (["--no_boot_id"], 1, "are taken for one device; if they are two, ANDROID_SERIAL chooses"),
    ],
)
def test_two_phones_with_one_serial_number(
    make_phone: Callable[..., PretendedPhone],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    flags: list[str],
    count: int,
    said: str,
) -> None:
    for _ in range(2):
        make_phone("--property", "ro.serialno=0123456789ABCDEF", *flags).link.connect()
    devices = select_devices("arm64-v8a", tmp_path, Request("android"))
    assert len(devices) == count
    warning = capfd.readouterr().err
    assert "serial number '0123456789ABCDEF'" in warning and said in warning


def test_two_commands_take_turns(phone: PretendedPhone) -> None:
    first, second = (RemoteDevice(phone.link, "arm64-v8a") for _ in range(2))
    with first.lock():
        code = (
            "import sys; from filelock import FileLock, Timeout\n"
            "try:\n  FileLock(sys.argv[1], timeout=0.2).acquire()\nexcept Timeout:\n  sys.exit(9)"
        )
        path = Path(second.lock_path())
        found = subprocess.run([shutil.which("python3") or "python3", "-c", code, str(path)])
        assert found.returncode in (1, 9)  # 1: that Python has no filelock
    with second.lock():
        pass


def test_a_lost_phone_leaves_no_lock(phone: PretendedPhone) -> None:
    device = RemoteDevice(phone.link, "arm64-v8a")
    with pytest.raises(ConnectionLost), device.lock():
        phone.go_wrong(cut_shell=0.1)
        phone.link.call("sleep 5")
    phone.go_wrong()
    with device.lock():
        pass
