# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with devices and what the user is told: read from the tests that hold MACE to it,
for the documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from mace import errors
from mace.devices import remote

_FILES = (("test_adb.py", "Android (adb)"), ("test_ssh.py", "board (ssh)"))
# The parameters of a test that goes through faults: (what is injected, while doing, words).
_LIST = "FAULTS"
_ACTS = {"run": "while a command runs", "push": "while a file is pushed"}
_ACTS |= {"pull": "while a file is pulled", "quick": "at the end of a command"}


def rows(root: Path) -> list[list[str]]:
    """A row for each sentence: kind of device, what happens, the sentence, the exit code."""
    found = []
    for name, kind in _FILES:
        tree = ast.parse((root / "test" / "devices" / name).read_text(encoding="utf-8"))
        for node in tree.body:
            for what, error, words in [*_listed(node), *_expected(node)]:
                found.append([kind, what, _sentence(words), _code(error)])
    return found


def _listed(node: ast.stmt) -> Iterator[tuple[str, str, str]]:
    if not isinstance(node, ast.AnnAssign) or getattr(node.target, "id", "") != _LIST:
        return
    assert node.value is not None
    for faults, doing, words in ast.literal_eval(node.value):
        what = f"{', '.join(faults)}: {_ACTS[doing]}".replace("_", " ")
        yield what, "" if not words else "DeviceError", words or "nothing: it is compensated for"


def _expected(node: ast.stmt) -> Iterator[tuple[str, str, str]]:
    if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
        return
    what = node.name.removeprefix("test_").replace("_", " ")
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or getattr(call.func, "attr", "") != "raises":
            continue
        words = [k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)]
        if words:
            yield what, getattr(call.args[0], "id", ""), str(words[0])


def _sentence(pattern: str) -> str:
    """The words of a regular expression."""
    return re.sub(r"\.\*", "...", pattern).replace("\\", "")


def _code(error: str) -> str:
    known = getattr(errors, error, None) or getattr(remote, error, None)
    return str(known("").exit_code) if known is not None else "0"
