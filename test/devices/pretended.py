# SPDX-License-Identifier: Apache-2.0
"""A phone and a board that this machine pretends, for tests and for what is shown in documents. They
are reached by Debian's own adb and ssh."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).resolve().parent
if str(_HERE) not in sys.path:
    sys.path.insert(0, str(_HERE))

from mace.devices.adb import AdbLink, find_adb  # noqa: E402
from mace.devices.ssh import SshLink  # noqa: E402

_READY_SECONDS = 60.0


def free_port() -> int:
    """A port that nobody listens on. adb takes odd ones from 5555 to 5585 for emulators."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def adb_server(home: Path) -> Iterator[dict[str, str]]:
    """An adb server of its own, since it keeps what it connected to. home: the folder that it takes
    for its user's, with its keys; only the server sees that. Gives the environment of those who are
    to use it."""
    settings = {
        "ANDROID_ADB_SERVER_PORT": str(free_port()),
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
        "ADB_MDNS": "0",
    }
    public = {key: value for key, value in os.environ.items() if key != "ANDROID_SERIAL"} | settings
    private = {**public, "HOME": str(home), "TMPDIR": str(home)}
    # Its output is not piped, since the server that it starts would keep the pipe open.
    words = [find_adb(), "start-server"]
    subprocess.run(words, stderr=subprocess.DEVNULL, check=True, env=private)
    try:
        yield settings
    finally:
        subprocess.run([find_adb(), "kill-server"], check=False, timeout=30, env=public)


class PretendedPhone:
    """A running adb_device.py, and a link to it."""

    def __init__(self, root: Path, *flags: str) -> None:
        self._port, self._root = free_port(), root
        self.serial = f"127.0.0.1:{self._port}"
        program = str(_HERE / "adb_device.py")
        words = [sys.executable, program, "--port", str(self._port), "--root", str(root), *flags]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.link = AdbLink(find_adb(), self.serial)

    def go_wrong(self, **faults: object) -> None:
        """What goes wrong from now on; nothing without arguments."""
        Path(f"{self._root}.faults.json").write_text(json.dumps(faults), encoding="utf-8")

    def disconnect(self) -> None:
        """Makes adb forget the phone."""
        words = [find_adb(), "disconnect", self.serial]
        subprocess.run(words, capture_output=True, check=False, timeout=30)

    def end(self) -> None:
        """Switches the phone off."""
        self.disconnect()
        self._process.kill()
        self._process.wait()


class PretendedBoard:
    """A running ssh_board.py."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.port, self.folder = free_port(), folder
        program = str(_HERE / "ssh_board.py")
        words = [sys.executable, program, "--port", str(self.port), "--folder", str(folder)]
        self._log = (folder.parent / "sshd.log").open("w+")
        self.process = subprocess.Popen([*words, *flags], stderr=self._log)
        end = time.monotonic() + _READY_SECONDS
        while "Server listening" not in (folder.parent / "sshd.log").read_text():
            assert time.monotonic() < end and self.process.poll() is None
            time.sleep(0.05)

    @property
    def options(self) -> list[str]:
        """Settings of ssh that let it in, and nothing else of this machine's."""
        return [
            f"UserKnownHostsFile={self.folder}/known_hosts",
            "GlobalKnownHostsFile=/dev/null",
            f"IdentityFile={self.folder}/id_board",
            "IdentitiesOnly=yes",
            "ConnectTimeout=3",
            "ServerAliveInterval=1",
            "ServerAliveCountMax=2",
        ]

    def link(self, *options: str) -> SshLink:
        """A link; options come before those that let it in."""
        return SshLink("board", "127.0.0.1", "board", self.port, [*options, *self.options])

    def sessions(self) -> list[int]:
        """The processes of sshd that serve somebody who logged in."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if entry.name.isdigit() and line.startswith(b"sshd: board@notty"):
                found.append(int(entry.name))
        return found

    def device_file(self, name: str, abi: str, soc: str = "") -> str:
        """The text of a file of boards that has it."""
        lines = ["devices:", f"  {name}:", f"    target_abis: [{abi}]"]
        lines += [f"    target_socs: {soc}"] if soc else []
        lines += ["    address: 127.0.0.1", "    username: board", f"    port: {self.port}"]
        lines += ["    ssh_options:", *(f"      - {option}" for option in self.options)]
        return "\n".join(lines) + "\n"

    def end(self) -> None:
        """Switches the board off."""
        self.process.kill()
        self.process.wait()
        self._log.close()
