# SPDX-License-Identifier: Apache-2.0
"""The device's side of adb's transport protocol: messages, authentication, streams. What goes wrong
on real devices can be made to go wrong here (see Faults)."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeAlias

# Command, two arguments, length, checksum, command with all bits turned.
_HEADER = struct.Struct("<4sIIIII")
# From this version on, no checksums.
_VERSION = 0x01000001
_MAX_DATA = 1 << 20
_AUTH_TOKEN, _AUTH_SIGNATURE, _AUTH_PUBLIC_KEY = 1, 2, 3
_TOKEN_BYTES = 20
# What PKCS#1 puts before a SHA-1 hash; adb puts its token where the hash would be.
_SHA1_PREFIX = bytes.fromhex("3021300906052b0e03021a05000414")
NEVER = 1 << 62

Service: TypeAlias = Callable[["Stream"], Awaitable[None]]


class Closed(Exception):
    """The stream or the whole connection is gone."""


@dataclass
class Faults:
    """What goes wrong. Read whenever a connection or a stream opens, so a test may change it."""

    silent: bool = False  # takes connections and never says a word
    reject_auth: bool = False  # accepts no key
    cut_push: int = NEVER  # bytes of a push after which the connection drops
    cut_pull: int = NEVER  # the same of a pull
    cut_shell: float = 0  # seconds into a command after which the connection drops
    no_exit: bool = False  # a shell's stream ends without the exit code
    freeze: int = NEVER  # bytes from the host after which nothing more is read
    enospc: int = NEVER  # bytes of a push after which the storage is full
    rate: int = 0  # bytes a second; 0: no limit

    @classmethod
    def read(cls, path: Path) -> Faults:
        """From a JSON file, if there is one."""
        try:
            given = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        unknown = set(given) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"there are no faults {unknown}")
        return cls(**given)


def signature_fits(key_line: str, token: bytes, signature: bytes) -> bool:
    """Checks an RSA signature by PKCS#1 with a key in Android's form: the number of words, a
    constant, the modulus, another constant, the exponent, all little-endian."""
    blob = base64.b64decode(key_line.split()[0])
    size = struct.unpack_from("<I", blob)[0] * 4
    modulus = int.from_bytes(blob[8 : 8 + size], "little")
    exponent = struct.unpack_from("<I", blob, 8 + 2 * size)[0]
    tail = b"\x00" + _SHA1_PREFIX + token
    wanted = b"\x00\x01" + b"\xff" * (size - 2 - len(tail)) + tail
    shown: bytes = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
    return shown == wanted


class Stream:
    """One stream of a connection; only one message of each side is under way at a time."""

    def __init__(self, connection: Connection, local: int, remote: int) -> None:
        self.connection, self.local, self.remote = connection, local, remote
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self.ready = asyncio.Event()
        self.closed = False
        self._buffer = b""

    async def write(self, data: bytes) -> None:
        """Sends data, each message when the one before was taken."""
        for start in range(0, len(data), self.connection.max_data):
            if self.closed:
                raise Closed
            self.ready.clear()
            block = data[start : start + self.connection.max_data]
            await self.connection.send(b"WRTE", self.local, self.remote, block)
            await self.ready.wait()

    async def chunk(self) -> bytes:
        """The next bytes from the host. Saying that they came lets the host send more."""
        data = b"" if self.closed and self.incoming.empty() else await self.incoming.get()
        if not data:
            raise Closed
        if not self.closed:
            await self.connection.send(b"OKAY", self.local, self.remote)
        return data

    async def exactly(self, count: int) -> bytes:
        """So many bytes."""
        parts, have = [self._buffer], len(self._buffer)
        while have < count:
            parts.append(await self.chunk())
            have += len(parts[-1])
        whole = b"".join(parts)
        self._buffer = whole[count:]
        return whole[:count]

    def hang_up(self) -> None:
        """Ends all waiting on the stream."""
        self.closed = True
        self.ready.set()
        self.incoming.put_nowait(b"")

    async def close(self) -> None:
        """Tells the host that no more comes."""
        if self.closed:
            return
        self.hang_up()
        try:
            await self.connection.send(b"CLSE", self.local, self.remote)
        except Closed:
            return


class Connection:
    """One host that is connected."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        faults: Path,
        keys: list[str],
        banner: str,
        service: Callable[[str], Service | None],
    ) -> None:
        """keys: public keys that are let in, all if empty. banner: what the device says of itself.
        service: what serves a stream by its name, None to refuse it."""
        self._reader, self._writer = reader, writer
        self._faults_file, self._keys, self._banner, self._service = faults, keys, banner, service
        self.faults = Faults.read(faults)
        self.max_data = 4096
        self._host_version = 0
        self._streams: dict[int, Stream] = {}
        self._last = 0
        self._received = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serves the host until one side leaves."""
        try:
            if self.faults.silent:
                await asyncio.Event().wait()
            await self._let_in()
            while True:
                await self._handle(*await self._receive())
        except (Closed, ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            for stream in self._streams.values():
                stream.hang_up()
            self._writer.close()

    async def send(self, command: bytes, first: int, second: int, data: bytes = b"") -> None:
        """Sends one message."""
        turned = int.from_bytes(command, "little") ^ 0xFFFFFFFF
        checksum = sum(data) & 0xFFFFFFFF if self._host_version < _VERSION else 0
        self._writer.write(_HEADER.pack(command, first, second, len(data), checksum, turned) + data)
        await self._delay(len(data))
        try:
            await self._writer.drain()
        except ConnectionError:
            raise Closed from None

    def cut(self) -> None:
        """Drops the connection as a pulled cable does."""
        self._writer.transport.abort()

    async def _delay(self, count: int) -> None:
        if self.faults.rate:
            await asyncio.sleep(count / self.faults.rate)

    async def _receive(self) -> tuple[bytes, int, int, bytes]:
        header = await self._reader.readexactly(_HEADER.size)
        command, first, second, size, _, turned = _HEADER.unpack(header)
        if turned != int.from_bytes(command, "little") ^ 0xFFFFFFFF or size > _MAX_DATA:
            raise Closed
        data = bytearray()
        while len(data) < size:
            part = await self._reader.readexactly(min(16384, size - len(data)))
            data += part
            await self._delay(len(part))
        self._received += size
        if self._received > self.faults.freeze:
            await asyncio.Event().wait()
        return command, first, second, bytes(data)

    async def _handle(self, command: bytes, first: int, second: int, data: bytes) -> None:
        if command == b"OPEN":
            await self._open(first, data.rstrip(b"\0").decode())
            return
        stream = self._streams.get(second)
        if stream is None:
            return
        if command == b"WRTE":
            stream.incoming.put_nowait(data)
        elif command == b"OKAY":
            stream.ready.set()
        elif command == b"CLSE":
            del self._streams[second]
            await stream.close()

    async def _let_in(self) -> None:
        token = b""
        while True:
            command, kind, host_max, data = await self._receive()
            if command == b"CNXN":
                self._host_version, self.max_data = kind, min(host_max, _MAX_DATA)
                if not self._keys and not self.faults.reject_auth:
                    break
            elif command == b"AUTH" and kind == _AUTH_SIGNATURE and not self.faults.reject_auth:
                if any(signature_fits(key, token, data) for key in self._keys):
                    break
            elif command == b"AUTH" and kind == _AUTH_PUBLIC_KEY:
                continue  # A phone asks its user now; this one's user never answers.
            token = os.urandom(_TOKEN_BYTES)
            await self.send(b"AUTH", _AUTH_TOKEN, 0, token)
        await self.send(b"CNXN", _VERSION, _MAX_DATA, self._banner.encode())

    async def _open(self, remote: int, name: str) -> None:
        service = self._service(name)
        if service is None:
            await self.send(b"CLSE", 0, remote)
            return
        self._last += 1
        stream = self._streams[self._last] = Stream(self, self._last, remote)
        self.faults = Faults.read(self._faults_file)
        await self.send(b"OKAY", stream.local, remote)
        task = asyncio.create_task(_serve(service, stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _serve(service: Service, stream: Stream) -> None:
    try:
        await service(stream)
    except (Closed, ConnectionError):
        return
    finally:  # After other errors too, so that the host does not wait for ever.
        await stream.close()
