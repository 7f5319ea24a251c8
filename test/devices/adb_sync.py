# SPDX-License-Identifier: Apache-2.0
"""The sync service of a pretended phone: adb's push, pull and their questions, in both versions."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import AsyncIterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from adb_protocol import Closed, Stream

_CHUNK = 64 * 1024
_MAX_NAME = 1024
_MAX_LINKS = 40


class Sync:
    """One sync stream. Paths are the device's; nothing outside its root can be reached."""

    def __init__(self, root: Path, writable: Sequence[str], stream: Stream) -> None:
        self._root, self._writable, self._stream = root, writable, stream
        self._faults = stream.connection.faults
        self._time = 0

    async def run(self) -> None:
        """Answers requests until QUIT."""
        handlers = {
            b"STAT": self._stat,
            b"STA2": self._stat,
            b"LST2": self._stat,
            b"SEND": self._send,
            b"SND2": self._send,
            b"RECV": self._receive,
            b"RCV2": self._receive,
        }
        while True:
            request, size = struct.unpack("<4sI", await self._stream.exactly(8))
            if request not in handlers or size > _MAX_NAME:
                return
            name = (await self._stream.exactly(size)).decode("utf-8", "surrogateescape")
            await handlers[request](request, name)

    def _here(self, path: str, follow: bool = True) -> Path:
        """Where a path of the device lies on this machine; links lead where they do on the device."""
        real, hops = self._root, 0
        parts = list(PurePosixPath("/" + path).parts[1:])
        while parts:
            part = parts.pop(0)
            if part == "..":
                real = real if real == self._root else real.parent
                continue
            real = real / part
            if real.is_symlink() and (parts or follow):
                hops += 1
                if hops > _MAX_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                target = PurePosixPath(os.readlink(real))
                real = self._root if target.is_absolute() else real.parent
                parts = [p for p in target.parts if p != "/"] + parts
        if path.endswith("/") and not real.is_dir():
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return real

    async def _fail(self, text: str) -> None:
        data = text.encode()
        await self._stream.write(struct.pack("<4sI", b"FAIL", len(data)) + data)

    async def _stat(self, request: bytes, name: str) -> None:
        found: os.stat_result | None = None
        error = 0
        try:
            found = self._here(name, follow=request == b"STA2").lstat()
        except OSError as problem:
            error = problem.errno or errno.EIO
        if request == b"STAT":
            mode, size, time = (
                (found.st_mode, found.st_size & 0xFFFFFFFF, int(found.st_mtime))
                if found
                else (0, 0, 0)
            )
            await self._stream.write(struct.pack("<4sIII", request, mode, size, time))
            return
        numbers = [0] * 10
        if found:
            numbers = [found.st_dev, found.st_ino, found.st_mode, found.st_nlink, 2000, 2000]
            numbers += [found.st_size]
            numbers += [int(t) for t in (found.st_atime, found.st_mtime, found.st_ctime)]
        await self._stream.write(struct.pack("<4sIQQIIIIQqqq", request, error, *numbers))

    async def _blocks(self) -> AsyncIterator[bytes]:
        """What a push sends; the time that ends it is left in self._time."""
        while True:
            kind, size = struct.unpack("<4sI", await self._stream.exactly(8))
            if kind == b"DONE":
                self._time = size
                return
            if kind != b"DATA" or size > _CHUNK:
                raise Closed
            yield await self._stream.exactly(size)

    async def _send(self, request: bytes, name: str) -> None:
        if request == b"SND2":
            _, mode, flags = struct.unpack("<4sII", await self._stream.exactly(12))
        else:
            name, _, digits = name.rpartition(",")
            mode, flags = int(digits), 0
        problem, file = "", None
        try:
            if flags or stat.S_ISLNK(mode):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
            file = self._create(name)
        except OSError as error:
            problem = error.strerror or "failed"
        try:
            problem = await self._take(file, problem)
            if problem or file is None:
                await self._fail(f"couldn't write file: {problem}")
                _discard(file)
                return
            mode &= 0o777
            # A phone gives the owner's rights to the group and to the others too.
            os.fchmod(file.fileno(), mode | (mode >> 3) & 0o070 | (mode >> 3) & 0o007)
            os.utime(file.fileno(), (self._time, self._time))
            await self._stream.write(b"OKAY" + bytes(4))
        except Closed:
            _discard(file)  # A phone leaves no half of a file.
            raise
        finally:
            if file is not None:
                file.close()

    def _create(self, name: str) -> BinaryIO:
        target = self._here(name)
        if not any(target.is_relative_to(self._root / folder) for folder in self._writable):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # A phone replaces a file; it does not write into it.
        return open(target, "xb", buffering=0)

    async def _take(self, file: BinaryIO | None, problem: str) -> str:
        """Writes what comes, and reads to the end even if that fails: the host looks for an answer
        only then. Returns what went wrong."""
        done = 0
        async for block in self._blocks():
            done += len(block)
            if done > self._faults.cut_push:
                self._stream.connection.cut()
                raise Closed
            if problem or file is None:
                continue
            try:
                if done > self._faults.enospc:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                file.write(block)
            except OSError as error:
                problem = error.strerror or "failed"
        return problem

    async def _receive(self, request: bytes, name: str) -> None:
        if request == b"RCV2":
            await self._stream.exactly(8)
        done = 0
        try:
            with open(self._here(name), "rb") as file:
                while block := file.read(_CHUNK):
                    done += len(block)
                    if done > self._faults.cut_pull:
                        self._stream.connection.cut()
                        return
                    await self._stream.write(struct.pack("<4sI", b"DATA", len(block)) + block)
        except OSError as error:
            await self._fail(f"open failed: {error.strerror}")
            return
        await self._stream.write(b"DONE" + bytes(4))


def _discard(file: BinaryIO | None) -> None:
    """Removes an unfinished push, unless a newer one has taken its name."""
    if file is None:
        return
    try:
        if os.path.samestat(os.fstat(file.fileno()), os.stat(file.name)):
            os.unlink(file.name)
    except OSError:
        return
