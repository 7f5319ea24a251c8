# SPDX-License-Identifier: Apache-2.0
"""Which folders of jobs are on a device: noted on this machine before they are made, so that the
next job removes what one left there whose connection was cut or whose process was ended."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from filelock import FileLock

from mace.export.files import write_files
from mace.resources import cache_dir

_LINE = re.compile(r"(\d+) (\S+)\Z")
# In place of the process of a job that ended without removing its folder.
_ABANDONED = 0


class Leftovers:
    """The note about one device."""

    def __init__(self, device: str, is_folder: Callable[[str], bool]) -> None:
        """device: its name, fit for a file. is_folder: whether a path is one that jobs make; the
        note may be damaged, and what it lists is removed."""
        self._path = cache_dir().parent / "devices" / f"{device}.folders"
        self._is_folder = is_folder

    def add(self, folder: str) -> list[str]:
        """Notes a folder of this process. Returns those that nobody uses any more."""
        with self._locked():
            known = self._read()
            unused = [path for path, process in known.items() if not _is_running(process)]
            known[folder] = os.getpid()
            self._write(known)
        return unused

    def remove(self, folder: str) -> None:
        """The folder is gone."""
        with self._locked():
            known = self._read()
            if known.pop(folder, None) is not None:
                self._write(known)

    def abandon(self, folder: str) -> None:
        """The folder could not be removed: the next job may."""
        with self._locked():
            self._write(self._read() | {folder: _ABANDONED})

    def _locked(self) -> FileLock:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(f"{self._path}.lock")

    def _read(self) -> dict[str, int]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, UnicodeDecodeError):
            return {}
        matches = [match for match in map(_LINE.match, lines) if match]
        return {match[2]: int(match[1]) for match in matches if self._is_folder(match[2])}

    def _write(self, known: dict[str, int]) -> None:
        if known:
            text = "".join(f"{process} {folder}\n" for folder, process in known.items())
            write_files({self._path: text.encode()})
        else:
            self._path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if process == _ABANDONED:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's, or a number that no process can have
    return True
