# SPDX-License-Identifier: Apache-2.0
"""Fetching: paths, a web server of our own, archives in the place where pip leaves them."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from mace.errors import MaceError
from mace.fetch import fetch

from mace import fetch as module

CONTENT = b"weights" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr(module, "cache_dir", lambda: folder)
    return folder


class _Handler(http.server.BaseHTTPRequestHandler):
    requests: list[str] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT) + 10))
            self.end_headers()
            self.wfile.write(CONTENT)
        elif self.path.startswith("/net.pb"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    _Handler.requests.clear()
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_address[1]}"
    running.shutdown()
    thread.join()
    running.server_close()


def files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_paths_are_relative_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "net.pb").write_bytes(CONTENT)
    assert fetch("net.pb", tmp_path, SHA) == tmp_path / "net.pb"
    assert fetch(str(tmp_path / "net.pb"), Path("/"), None).read_bytes() == CONTENT


def test_a_missing_file_and_a_wrong_checksum(tmp_path: Path) -> None:
    (tmp_path / "net.pb").write_bytes(CONTENT)
    with pytest.raises(MaceError, match=r"does not exist \(did you mean 'net.pb'\?\)"):
        fetch("nett.pb", tmp_path)
    with pytest.raises(MaceError, match=SHA):
        fetch("net.pb", tmp_path, "0" * 64)
    with pytest.raises(MaceError, match="is a folder"):
        fetch(".", tmp_path)


def test_download_is_cached(cache: Path, server: str) -> None:
    seen: list[tuple[int, int | None]] = []
    path = fetch(f"{server}/net.pb", Path(), SHA, lambda _, done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT and path.name == "net.pb"
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert fetch(f"{server}/net.pb", Path(), SHA) == path
    assert _Handler.requests == ["/net.pb"]


def test_a_damaged_cache_is_fetched_again(cache: Path, server: str) -> None:
    path = fetch(f"{server}/net.pb", Path(), SHA)
    path.write_bytes(b"other")
    assert fetch(f"{server}/net.pb", Path(), SHA).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "words"),
    [("/none", "404"), ("/short", "cut off"), ("/moved", "Redirect"), ("/net.pb?x", "SHA-256")],
)
def test_nothing_is_left_of_a_bad_download(cache: Path, server: str, path: str, words: str) -> None:
    with pytest.raises(MaceError, match=words):
        fetch(server + path, Path(), "0" * 64)
    assert files(cache) == []


def test_unknown_schemes(cache: Path) -> None:
    for location in ("ftp://x/y", "file:///etc/passwd"):
        with pytest.raises(MaceError, match="scheme"):
            fetch(location, Path())


def make_tar(path: Path, members: dict[str, bytes], link: str = "") -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo("pkg-1.0/evil")
            info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)


def test_archives(cache: Path) -> None:
    folder = cache / "pypi" / "pkg-1.0"
    folder.mkdir(parents=True)
    make_tar(folder / "pkg-1.0.tar.gz", {"pkg-1.0/data/net.pb": CONTENT}, link="/etc/passwd")
    assert fetch("pypi://pkg==1.0/data/net.pb", Path(), SHA).read_bytes() == CONTENT
    assert fetch("pypi://pkg==1.0/pkg-1.0/data/net.pb", Path(), SHA).read_bytes() == CONTENT
    with pytest.raises(MaceError, match=r"did you mean 'data/net.pb'"):
        fetch("pypi://pkg==1.0/net.pb", Path())
    with pytest.raises(MaceError, match="there is no file 'evil'"):
        fetch("pypi://pkg==1.0/evil", Path())
    with pytest.raises(MaceError, match="must not leave it"):
        fetch("pypi://pkg==1.0/../../x", Path())
    for location in ("pypi://pkg/x", "pypi://pkg==1.0", "pypi://-r==1/x"):
        with pytest.raises(MaceError, match="is not understood"):
            fetch(location, Path())


def test_wheels(cache: Path) -> None:
    folder = cache / "pypi" / "pkg-2.0"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "pkg-2.0-py3-none-any.whl", "w") as archive:
        archive.writestr("pkg/models/net.onnx", CONTENT)
    path = fetch("pypi://pkg==2.0/pkg/models/net.onnx", Path(), SHA)
    assert path.read_bytes() == CONTENT
    with pytest.raises(MaceError, match="did you mean 'pkg/models/net.onnx'"):
        fetch("pypi://pkg==2.0/models/net.onnx", Path())
