# SPDX-License-Identifier: Apache-2.0
"""A phone for adb on a port of this machine: python adb_device.py --port 6001 --root DIR.
Its commands run in a sandbox in which Arm programs run; ROOT.faults.json says what goes wrong."""

from __future__ import annotations

import argparse
import asyncio
import struct
import uuid
from pathlib import Path

import sandbox
from adb_protocol import Closed, Connection, Service, Stream
from adb_sync import Sync

_FEATURES = "shell_v2,cmd,stat_v2,fixed_push_mkdir,sendrecv_v2"
_FOLDER = "data/local/tmp"
_USER = 2000
_BOOT = "/proc/sys/kernel/random/boot_id"
_CHUNK = 1 << 18
# The parts of a shell's stream in its second version.
_STDIN, _STDOUT, _STDERR, _EXIT, _STDIN_END = range(5)
_GETPROP = """\
#!/bin/sh
if [ $# = 0 ]; then
  sed "s/^\\([^=]*\\)=\\(.*\\)/[\\1]: [\\2]/" /system/build.prop
else
  sed -n "s/^$1=//p" /system/build.prop
fi
"""
_ENVIRONMENT = {"PATH": "/system/bin:/usr/bin", "HOME": "/", "TMPDIR": f"/{_FOLDER}"}


class Phone:
    """The device: its files, its properties, its services."""

    def __init__(
        self,
        root: Path,
        properties: dict[str, str],
        keys: list[str],
        features: str,
        storage: str,
        boot: str,
    ) -> None:
        self.root, self._keys = root, keys
        self._faults = Path(f"{root}.faults.json")
        known = ("ro.product.name", "ro.product.model", "ro.product.device")
        self._banner = "device::" + "".join(f"{key}={properties[key]};" for key in known)
        self._banner += f"features={features}"
        sandbox.lay_out(root, ["system/bin"], {"data": storage})
        (root / _FOLDER).mkdir(parents=True)
        for folder in (root / "data/local", root / _FOLDER):
            folder.chmod(0o777)
        text = "".join(f"{key}={value}\n" for key, value in properties.items())
        (root / "system/build.prop").write_text(text, encoding="utf-8")
        getprop = root / "system/bin/getprop"
        getprop.write_text(_GETPROP, encoding="utf-8")
        getprop.chmod(0o755)
        # This machine has one for all that it pretends.
        (root / "boot_id").write_text(boot, encoding="utf-8")

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one host."""
        connection = Connection(
            reader, writer, self._faults, self._keys, self._banner, self._service
        )
        await connection.run()

    def _service(self, name: str) -> Service | None:
        kind, _, rest = name.partition(":")
        kind, *options = kind.split(",")
        if kind == "sync":
            return lambda stream: Sync(self.root, [_FOLDER], stream).run()
        if kind in ("shell", "exec") and rest:
            return lambda stream: self._shell(stream, rest, "v2" in options)
        return None

    async def _shell(self, stream: Stream, line: str, second: bool) -> None:
        """Runs a command line. second: output, errors and the exit code come apart."""
        words = sandbox.command(
            self.root, ["/bin/sh", "-c", line], _USER, ["data"], _ENVIRONMENT, {_BOOT: "boot_id"}
        )
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe if second else asyncio.subprocess.STDOUT,
            limit=_CHUNK,
        )
        faults = stream.connection.faults
        feeder = asyncio.create_task(_feed(stream, process, second))
        cut = None
        if faults.cut_shell:
            cut = asyncio.get_running_loop().call_later(faults.cut_shell, stream.connection.cut)
        try:
            pumps = [_pump(stream, process.stdout, _STDOUT, second)]
            if second:
                pumps.append(_pump(stream, process.stderr, _STDERR, second))
            await asyncio.gather(*pumps)
            code = await process.wait()
            if second and not faults.no_exit:
                await stream.write(struct.pack("<BIB", _EXIT, 1, code if code >= 0 else 128 - code))
        finally:
            feeder.cancel()
            if cut is not None:
                cut.cancel()


async def _pump(
    stream: Stream, source: asyncio.StreamReader | None, part: int, second: bool
) -> None:
    assert source is not None
    while data := await source.read(_CHUNK):
        await stream.write(struct.pack("<BI", part, len(data)) + data if second else data)


async def _feed(stream: Stream, process: asyncio.subprocess.Process, second: bool) -> None:
    """Gives the command what the host sends, and hangs up when the host does."""
    assert process.stdin is not None
    try:
        while True:
            if second:
                part, size = struct.unpack("<BI", await stream.exactly(5))
                data = await stream.exactly(size)
            else:
                part, data = _STDIN, await stream.chunk()
            if part == _STDIN:
                process.stdin.write(data)
                await process.stdin.drain()
            elif part == _STDIN_END:
                process.stdin.close()
    except (ConnectionError, OSError):
        return
    except Closed:
        if process.returncode is None:
            sandbox.hang_up(process.pid)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--storage", default="256m", help="size of what can be written")
    parser.add_argument("--no_boot_id", action="store_true", help="it does not tell its own")
    parser.add_argument("--keys", type=Path, help="public keys of the hosts that are let in")
    parser.add_argument("--features", default=_FEATURES)
    parser.add_argument("--property", action="append", default=[], metavar="NAME=VALUE")
    return parser.parse_args()


async def _main(options: argparse.Namespace) -> None:
    properties = {
        "ro.product.name": "testphone",
        "ro.product.model": "Test_Phone",
        "ro.product.device": "testphone",
        "ro.product.manufacturer": "Nobody",
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
        "ro.board.platform": "testsoc",
        "ro.serialno": f"TEST{options.port}",
        "ro.build.version.release": "11",
        **dict(text.split("=", 1) for text in options.property),
    }
    keys = options.keys.read_text().splitlines() if options.keys else []
    sandbox.register_emulators()
    phone = Phone(
        options.root.resolve(),
        properties,
        keys,
        options.features,
        options.storage,
        "" if options.no_boot_id else f"{uuid.uuid4()}\n",
    )
    server = await asyncio.start_server(phone.accept, "127.0.0.1", options.port, limit=1 << 20)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    arguments = _parse()
    sandbox.enter()
    asyncio.run(_main(arguments))
