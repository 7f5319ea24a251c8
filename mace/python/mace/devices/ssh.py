# SPDX-License-Identifier: Apache-2.0
"""Boards with Linux, by ssh and scp. Host keys are checked, passwords are never asked for, and one
connection serves all commands of a job."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mace.devices.base import DeviceInfo, RunResult
from mace.devices.process import Shown, TookTooLong, run_process
from mace.devices.remote import SHORT, ConnectionLost, Link, matching_line
from mace.errors import DeviceError

# ssh's own errors have this code; a program may end with it too.
_OWN_CODE = 255

_CAUSES = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the one that is known, so it may be another machine",
        "if it was set up anew, remove the old key with: ssh-keygen -R {known}",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        "its host key is not known",
        "log in once by hand and compare the key: ssh {login}",
    ),
    (
        r"Permission denied",
        "it does not accept the key of '{user}'",
        "put the public key there: ssh-copy-id {login}",
    ),
    (r"Connection refused", "nothing listens there", "see that its ssh server runs"),
    (
        r"Could not resolve|Name or service not known",
        "its name is not known",
        "correct 'address' in the device file",
    ),
    (
        r"timed out|No route to host|Network is unreachable",
        "it does not answer",
        "see that it is on and its network is sound",
    ),
    (r"No space left|: Failure$", "its storage is full", "remove something in {folder}"),
)

# How the programs call themselves in what they say: with their folders, since they are started so.
_WHO = re.compile(r"^(?:ssh: |/\S*/(?=scp: ))|^/\S*/ssh: ")


class SshLink(Link):
    """A board by its address. options: of ssh, as in its configuration file ("Port=2222")."""

    def __init__(
        self,
        name: str,
        address: str,
        username: str,
        port: int = 22,
        options: Sequence[str] = (),
        base: str = "/tmp",
    ) -> None:
        self.name, self.address, self.username, self.base = name, address, username, base
        for program in ("ssh", "scp"):
            if shutil.which(program) is None:
                raise DeviceError(
                    f"there is no '{program}' on this machine, so the board '{name}' cannot be "
                    "reached",
                    hint="install it (Debian: apt-get install openssh-client)",
                )
        # The path of a socket may have 107 letters, so it does not go below a job's folder.
        self._sockets = tempfile.TemporaryDirectory(prefix="mace-ssh-")
        given = {option.split("=")[0].strip().lower() for option in options}
        defaults = [
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "ConnectTimeout=10",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
            "LogLevel=ERROR",
            f"Port={port}",
            f"User={username}",
            "ControlMaster=auto",
            f"ControlPath={self._sockets.name}/%C",
            "ControlPersist=60",
        ]
        chosen = [*options, *(d for d in defaults if d.split("=")[0].lower() not in given)]
        self._options = [word for option in chosen for word in ("-o", option)]
        self._legacy_scp = False
        # As they are typed by hand: how to log in, and what known_hosts calls it.
        self._login = f"{'' if port == 22 else f'-p {port} '}{username}@{address}"
        self._known = address if port == 22 else f"'[{address}]:{port}'"

    def shell(self, command: str, timeout: float, show: Shown = None) -> RunResult:
        result = run_process(
            ["ssh", *self._options, "--", self.address, command], timeout, show=show
        )
        if result.code == _OWN_CODE:
            self._explain(result)
        return result

    def upload(self, source: Path, target: str, timeout: float) -> None:
        self._copy([str(source), f"{self._host()}:{target}"], source.name, "take", timeout)

    def download(self, source: str, target: Path, timeout: float) -> None:
        self._copy([f"{self._host()}:{source}", str(target)], source, "give", timeout)

    def info(self, abi: str) -> DeviceInfo:
        question = (
            'uname -m; uname -r; (. /etc/os-release && echo "$PRETTY_NAME"); '
            "cat /proc/device-tree/model 2>/dev/null"
        )
        try:
            lines = self.call(question).stdout.replace("\0", "\n").splitlines()
        except TookTooLong:
            raise self._silent() from None
        machine, release, system, model = [*lines, "", "", "", ""][:4]
        return DeviceInfo(self.name, model or machine, abi, f"{system} (Linux {release})".strip())

    def close(self) -> None:
        """Ends the connection that commands share."""
        try:
            run_process(["ssh", *self._options, "-O", "exit", self.address], SHORT)
        except TookTooLong:
            return  # It ends by itself when nothing has used it for a minute.

    def _host(self) -> str:
        """scp takes what follows the first colon for the path, unless an IPv6 address is in []."""
        return f"[{self.address}]" if ":" in self.address else self.address

    def _copy(self, words: list[str], name: str, verb: str, timeout: float) -> None:
        for legacy in (self._legacy_scp, True):
            options = [*self._options, *(["-O"] if legacy else [])]
            result = run_process(["scp", "-q", *options, *words], timeout)
            if result.code == 0:
                # Small boards have no sftp server, which newer scp wants: remember that.
                self._legacy_scp = legacy
                return
            self._explain(result)
            if legacy or "Connection closed" not in result.stderr:
                break
        raise ConnectionLost(
            f"'{self.name}' did not {verb} '{name}': {result.last_line()}",
            hint="see that it is on and its network is sound, then try again",
        )

    def _silent(self) -> DeviceError:
        return ConnectionLost(
            f"the board '{self.name}' ({self.address}) gives no answer",
            hint="see that it is on and its network is sound",
        )

    def _explain(self, result: RunResult) -> None:
        for pattern, cause, hint in _CAUSES:
            if line := matching_line(pattern, result.stderr):
                names = {"user": self.username, "folder": self.base}
                names |= {"login": self._login, "known": self._known, "address": self.address}
                raise DeviceError(
                    f"the board '{self.name}' ({self.address}) cannot be used: "
                    f"{cause.format(**names)} (ssh: {_WHO.sub('', line).strip('@ ')})",
                    hint=hint.format(**names),
                )
