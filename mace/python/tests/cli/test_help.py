# SPDX-License-Identifier: Apache-2.0
"""What every command and every tool says with --help: what it is for, each flag with what it does
and what holds without it, examples, exit codes."""

from __future__ import annotations

import argparse
import re
import runpy
import subprocess
import sys
from typing import NoReturn

import pytest
from mace.cli.arguments import VERBS, make_parser, verb_parser
from mace.resources import source_root

_FOUND = source_root()
assert _FOUND is not None
ROOT = _FOUND
_TOOLS = sorted(path.name for path in (ROOT / "tools").glob("*.py"))
_SCRIPTS = sorted(path.name for path in (ROOT / "tools").glob("*.sh"))


class _Caught(BaseException):
    """The parser of a tool that was about to use it."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def _tool_parser(name: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    def catch(self: argparse.ArgumentParser, *_: object) -> NoReturn:
        raise _Caught(self)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", catch)
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    monkeypatch.setattr(sys, "argv", [name])
    with pytest.raises(_Caught) as caught:
        runpy.run_path(str(ROOT / "tools" / name), run_name="__main__")
    return caught.value.parser


def _problems(parser: argparse.ArgumentParser) -> list[str]:
    """Flags of a parser whose help does not do."""
    found = []
    for action in parser._actions:
        name = (action.option_strings or [action.dest])[0]
        if action.help is argparse.SUPPRESS or name in ("-h", "--version"):
            continue
        values = {**vars(action), "prog": parser.prog}
        text = (action.help or "") % values
        if len(text.split()) < 2:
            found.append(f"{name}: no help: '{text}'")
        is_set = action.default not in (None, False, "", argparse.SUPPRESS, [], ())
        if is_set and action.nargs != 0 and not re.search(r"default|left out", text):
            found.append(f"{name}: its default, {action.default}, is not told: '{text}'")
        if "SECONDS" in f"{name}{action.metavar}".upper() and "second" not in text:
            found.append(f"{name}: no unit: '{text}'")
        if action.type in (int, float) and action.metavar is None and not action.choices:
            found.append(f"{name}: '{action.dest.upper()}' in place of N or a unit")
    return found


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_flags_of_a_command(verb: str) -> None:
    assert _problems(verb_parser(make_parser(), verb)) == []


@pytest.mark.parametrize("tool", [name for name in _TOOLS if name != "converter.py"])
def test_flags_of_a_tool(tool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = _tool_parser(tool, monkeypatch)
    text = f"{parser.description}{parser.epilog or ''}"
    assert f"python tools/{tool}" in text, "an example"
    assert re.search(r"Exit codes?:", text), "exit codes"
    assert parser.formatter_class is argparse.RawDescriptionHelpFormatter, "lines stay lines"
    assert _problems(parser) == []


@pytest.mark.parametrize("tool", _TOOLS)
def test_a_tool_shows_its_help(tool: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / tool), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("usage: "), done.stderr


@pytest.mark.parametrize("script", _SCRIPTS)
def test_a_script_shows_its_help(script: str) -> None:
    command = ["bash", str(ROOT / "tools" / script), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("usage: "), done.stderr
    assert re.search(r"Exit codes: 0", done.stdout)


def test_a_flag_without_help_is_found() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--wait", type=float, metavar="SECONDS", help="how long")
    assert [line.partition(":")[0] for line in _problems(parser)] == ["--rounds"] * 3 + ["--wait"]
