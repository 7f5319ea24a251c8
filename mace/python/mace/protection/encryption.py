# SPDX-License-Identifier: Apache-2.0
"""Encryption of a model's files with AES-256-GCM, as mace/crypto/encrypted_file.h describes them.
The arithmetic is that of the package `cryptography`; the engine has its own for reading."""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path
from typing import Any

from mace.errors import MaceError
from mace.export.model import ModelBytes

KEY_BYTES = 32
MAGIC = b"MACEENC1"
GRAPH, DATA = 0, 1
_HEADER = 64
_CHUNK = 1 << 20
_TAG = 16
_HEX = re.compile(rb"[0-9a-fA-F]{64}\s*\Z")
# Files are read no further than any key goes.
_MOST = 200


def read_key(path: Path) -> bytes:
    """The key in a file: 64 hexadecimal digits, or 32 bytes. Raises MaceError."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST)
    except OSError as error:
        raise MaceError(
            f"the key file '{path}' cannot be read: {error.strerror}",
            hint=f"make a key with: (umask 077; openssl rand -hex 32 > {path.name})",
        ) from None
    if len(content) == KEY_BYTES:
        return content
    if not _HEX.match(content):
        raise MaceError(
            f"the key file '{path}' holds no key: 64 hexadecimal digits or 32 bytes are expected"
        )
    return bytes.fromhex(content.decode().strip())


def key_shares(key: bytes) -> bytes:
    """64 bytes whose halves give the key by exclusive or; neither alone tells anything of it."""
    mask = hmac.new(key, b"share", "sha256").digest()
    return mask + bytes(a ^ b for a, b in zip(key, mask, strict=True))


def is_encrypted(content: bytes) -> bool:
    """Whether a file's content begins as an encrypted one does."""
    return content[: len(MAGIC)] == MAGIC


def encrypt_model(model: ModelBytes, key: bytes) -> ModelBytes:
    """Both files encrypted. The same model and key give the same bytes: what must never occur twice
    with one key is made of the content."""
    pair = hmac.new(key, b"pair" + _digest(model.graph) + _digest(model.data), "sha256").digest()
    return ModelBytes(
        _encrypt(model.graph, GRAPH, pair[:16], key), _encrypt(model.data, DATA, pair[:16], key)
    )


def decrypt(content: bytes, key: bytes, kind: int = GRAPH) -> bytes:
    """The content of one encrypted file. Raises MaceError for another key or a changed file."""
    header = content[:_HEADER]
    size = int.from_bytes(header[16:24], "little")
    chunks = max(1, -(-size // _CHUNK))
    fits = len(content) == _HEADER + size + chunks * _TAG
    if not is_encrypted(content) or header[8] != kind or not fits:
        raise MaceError("the encrypted model is damaged", hint="convert it again")
    cipher = _cipher(key)
    parts = []
    for chunk in range(chunks):
        begin = _HEADER + chunk * (_CHUNK + _TAG)
        nonce = header[24:32] + chunk.to_bytes(4, "big")
        try:
            parts.append(
                cipher.decrypt(nonce, content[begin : begin + _CHUNK + _TAG], header),
            )
        except Exception:  # cryptography.exceptions.InvalidTag, of an optional package
            raise MaceError(
                "the encrypted model cannot be decrypted: the key is not the one that it was "
                "encrypted with, or the file was changed"
            ) from None
    return b"".join(parts)


def _encrypt(content: bytes, kind: int, pair: bytes, key: bytes) -> bytes:
    nonce = hmac.new(key, b"nonce%d" % kind + pair + _digest(content), "sha256").digest()[:8]
    header = MAGIC + kind.to_bytes(4, "little") + _CHUNK.to_bytes(4, "little")
    header += len(content).to_bytes(8, "little") + nonce + pair
    header = header.ljust(_HEADER, b"\0")
    cipher = _cipher(key)
    parts = [header]
    for chunk in range(max(1, -(-len(content) // _CHUNK))):
        plain = content[chunk * _CHUNK : (chunk + 1) * _CHUNK]
        parts.append(cipher.encrypt(nonce + chunk.to_bytes(4, "big"), plain, header))
    return b"".join(parts)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise MaceError(
            "encrypting a model needs the Python package cryptography, which is not installed",
            hint="pip install cryptography",
        ) from None
    return AESGCM(key)
