# SPDX-License-Identifier: Apache-2.0
"""The processes and files of a pretended Arm device: namespaces, bubblewrap, and qemu's user mode as
the kernel's interpreter of Arm programs. Nothing of it is seen outside, and root is not needed.
End a device with SIGKILL: all that it started ends with it."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ENTERED = "MACE_TEST_DEVICE"
# Emulator, ELF machine, ELF class, and where Debian's cross compilers have the C library.
_MACHINES = (
    ("qemu-aarch64", 0xB7, 2, "aarch64-linux-gnu", "ld-linux-aarch64.so.1"),
    ("qemu-arm", 0x28, 1, "arm-linux-gnueabihf", "ld-linux-armhf.so.3"),
)
# What Linux says of the emulated core, which has every extension that qemu knows.
_CPU = """\
processor\t: 0
BogoMIPS\t: 125.00
Features\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 fp asimd aes pmull sha1 sha2 crc32 \
atomics fphp asimdhp asimdrdm asimddp sve sve2 i8mm bf16

"""
_NAMESPACES = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child")


def why_not() -> str:
    """Why there can be no sandbox on this machine; empty if there can."""
    for program in ("unshare", "bwrap", "qemu-aarch64", "qemu-arm"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    command = ["unshare", *_NAMESPACES, "--mount-proc", sys.executable, __file__]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else result.stderr.strip() or "no namespaces for users"


def enter() -> None:
    """Starts this program again in namespaces of its own, where it is process 1."""
    if os.environ.pop(_ENTERED, None) is None:
        os.environ[_ENTERED] = "1"
        os.execvp("unshare", ["unshare", *_NAMESPACES, "--mount-proc", sys.executable, *sys.argv])


def register_emulators() -> None:
    """Makes Arm programs run here. The kernel keeps a table for each namespace of users from Linux
    6.7 on; an older one would change the machine's own, and mounting fails."""
    table = Path("/proc/sys/fs/binfmt_misc")
    subprocess.run(["mount", "-t", "binfmt_misc", "none", str(table)], check=True)
    for emulator, machine, bits, *_ in _MACHINES:
        magic = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9) + b"\x02\x00" + bytes([machine, 0])
        # Programs of both types, at fixed addresses (2) and anywhere (3), of any system.
        mask = b"\xff" * 7 + b"\x00" + b"\xff" * 8 + b"\xfe\xff\xff\xff"
        path = shutil.which(emulator)
        (table / "register").write_text(
            f":{emulator}:M::{_escaped(magic)}:{_escaped(mask)}:{path}:P", encoding="ascii"
        )


def _escaped(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def lay_out(root: Path, folders: Sequence[str], storage: Mapping[str, str]) -> None:
    """Makes a device's root. folders: empty ones. storage: folders with a size of their own, which
    can be full."""
    for name in ("usr", "proc", "dev", "etc", "lib", "tmp", *folders, *storage):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "sbin", "lib64"):
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    (root / "etc" / "cpuinfo").write_text(_CPU, encoding="ascii")
    # The loader of this machine's own programs is looked for below /lib, by its full path.
    own = Path(f"/usr/lib/{platform.machine()}-linux-gnu")
    if not (root / "lib" / own.name).is_symlink():
        (root / "lib" / own.name).symlink_to(own)
    for _, _, _, triple, loader in _MACHINES:
        (root / "lib" / triple).mkdir(exist_ok=True)
        (root / "lib" / loader).touch()
    for name, size in storage.items():
        options = f"size={size},mode=777"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "storage", str(root / name)], check=True
        )


def command(
    root: Path,
    words: Sequence[str],
    user: int,
    writable: Sequence[str],
    environment: dict[str, str],
    others: Mapping[str, str] | None = None,
) -> list[str]:
    """The command line that runs `words` on the device: its root read-only but for `writable`, the
    network only with itself, this machine's programs and the Arm C libraries under /usr and /lib.
    others: files that have another content there, and where in the root that is."""
    made = ["bwrap", "--unshare-user", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    made += ["--uid", str(user), "--gid", str(user), "--hostname", "device"]
    made += ["--ro-bind", str(root), "/", "--ro-bind", "/usr", "/usr"]
    for _, _, _, triple, loader in _MACHINES:
        library = Path("/usr", triple, "lib")
        made += ["--ro-bind", str(library), f"/lib/{triple}"]
        made += ["--ro-bind", str(library / loader), f"/lib/{loader}"]
    for name in writable:
        made += ["--bind", str(root / name), f"/{name}"]
    made += ["--bind", "/proc", "/proc", "--dev", "/dev", "--chdir", "/", "--clearenv"]
    for path, name in {"/proc/cpuinfo": "etc/cpuinfo", **(others or {})}.items():
        made += ["--ro-bind", str(root / name), path]
    for key, value in environment.items():
        made += ["--setenv", key, value]
    return [*made, "--", *words]


def hang_up(process: int) -> None:
    """SIGHUP to the shell that bubblewrap started, and to nothing else, as a phone does it."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGHUP)
    except (OSError, IndexError):
        return  # It has ended.


if __name__ == "__main__":
    register_emulators()
