# SPDX-License-Identifier: Apache-2.0
"""A board with Linux on a port of this machine: python ssh_board.py --port 2222 --folder DIR.
Debian's sshd as it is, whose commands run in a sandbox in which Arm programs run; log in as 'board'
with DIR/id_board, the host's key is in DIR/known_hosts. Root is not needed."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from pathlib import Path

import sandbox

_USER = 1000
_SSHD_CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
AllowTcpForwarding no
PrintMotd no
PrintLastLog no
{sftp}
ForceCommand {folder}/session
"""


def _make_keys(folder: Path, port: int) -> None:
    for name in ("host_key", "id_board"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]
        subprocess.run([*words, str(folder / name)], check=True)
    kind, key = (folder / "host_key.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    (folder / "authorized_keys").write_text((folder / "id_board.pub").read_text())


def _lay_out(root: Path, storage: str) -> None:
    sandbox.lay_out(root, ["home/board"], {"tmp": storage})
    (root / "etc/passwd").write_text(f"board:x:{_USER}:{_USER}::/home/board:/bin/sh\n")
    (root / "etc/os-release").write_text('PRETTY_NAME="Test board"\nID=testboard\n')


def main() -> None:
    """Becomes sshd."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--storage", default="256m", help="size of /tmp")
    parser.add_argument("--no_sftp", action="store_true", help="as small boards are")
    options = parser.parse_args()
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "host_key").exists():
        _make_keys(folder, options.port)
    sandbox.enter()
    sandbox.register_emulators()
    _lay_out(folder / "root", options.storage)
    environment = {"PATH": "/usr/bin", "HOME": "/home/board", "USER": "board"}
    shell = sandbox.command(folder / "root", ["/bin/sh"], _USER, ["tmp"], environment)
    session = folder / "session"
    session.write_text(f'#!/bin/sh\nexec {shlex.join(shell)} -c "$SSH_ORIGINAL_COMMAND"\n')
    session.chmod(0o755)
    # sshd sees our user and no other, so that nobody's start-up files play a part.
    users = f"board:x:{_USER}:{_USER}::{folder}:/bin/sh\nsshd:x:100:65534::/:/bin/false\n"
    (folder / "passwd").write_text(users)
    sftp = "" if options.no_sftp else "Subsystem sftp /usr/lib/openssh/sftp-server"
    config = _SSHD_CONFIG.format(port=options.port, folder=folder, sftp=sftp)
    (folder / "sshd_config").write_text(config)
    subprocess.run(["mount", "--bind", str(folder / "passwd"), "/etc/passwd"], check=True)
    words = ["unshare", "--user", f"--map-user={_USER}", f"--map-group={_USER}"]
    words += ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")]
    os.execvp(words[0], words)


if __name__ == "__main__":
    main()
