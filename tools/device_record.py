#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows what a user of devices sees: transcripts of the commands on an emulated machine, a board by
ssh and a phone by adb, the operators' tests and benchmarks there, and what is said when something
goes wrong. Phone and board are pretended (test/devices), the ssh and adb that reach them are real.

  python tools/device_record.py                          # all of it, on standard output
  python tools/device_record.py transcripts --config=test/zoo/squeezenet_v11.yml
  python tools/device_record.py faults --only=push
  python tools/device_record.py --record                 # into docs/deployment.md

Exit codes: 0 done, 2 wrong use, 3 a command of a transcript failed, which is then not recorded.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
for _folder in ("mace/python", "mace/python/tests", "test/devices", "tools"):
    sys.path.insert(0, str(ROOT / _folder))

from deployment_table import DOCUMENT, record  # noqa: E402
from mace.devices.adb import AdbLink, find_adb  # noqa: E402
from mace.errors import EXIT_OK, EXIT_VERDICT  # noqa: E402
from pretended import PretendedBoard, PretendedPhone, adb_server  # noqa: E402

CONFIG = ROOT / "test" / "zoo" / "text_direction.yml"
PLACES = {
    "emulated": ("an emulated machine", ["--target_abis=arm64-v8a"]),
    "ssh": ("a board, by ssh", ["--target_abis=arm64", "--device_yml=boards.yml"]),
    "adb": ("a phone, by adb", ["--target_abis=arm64-v8a", "--device=android"]),
}
# Of tools/bazel_adb_run.py. Emulated machines are slow, so these are few.
TARGETS = (
    ("ops_test", "--gtest_filter=Conv2dOpTest.Refusals"),
    ("ops_benchmark", "--filter=MACE_BM_FULLY_CONNECTED_1x1024_*_CPU --benchmark_min_time=0.01"),
)
# A line of a table of operators, as benchmark_model prints it.
_ROW = re.compile(r"I statistics\.cc:\d+ \| ")
_PARTS = ["transcripts", "targets", "faults"]
_FOREVER = "--round=1000000000"
_LONGEST_SECONDS = 3600  # of one command


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    words: Sequence[str]
    code: int
    out: str
    err: str

    def transcript(self) -> str:
        """As on a terminal, what it says of its progress first."""
        return f"$ python tools/{shlex.join(self.words)}\n{self.err}{self.out}"


class Bench:
    """Devices, and a folder with a model, for one command after the other."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack, self._made = folder, stack, 0
        folder.chmod(0o755)
        home = folder / "adb"
        home.mkdir()
        self.environment = {**os.environ, "COLUMNS": "100"}
        self.environment.pop("ANDROID_SERIAL", None)
        settings = stack.enter_context(adb_server(home))
        os.environ.update(settings)
        self.environment.update(settings)

    def phone(self, *flags: str, connect: bool = True) -> PretendedPhone:
        """A phone that is on."""
        self._made += 1
        phone = PretendedPhone(self.folder / f"phone{self._made}", *flags)
        self._stack.callback(phone.end)
        if connect:
            phone.link.connect()
        return phone

    def board(self, *flags: str) -> PretendedBoard:
        """A board that is on, and the only one of boards.yml."""
        self._made += 1
        place = self.folder / f"place{self._made}"
        place.mkdir()
        board = PretendedBoard(place / "board", *flags)
        self._stack.callback(board.end)
        (self.folder / "boards.yml").write_text(board.device_file("board", "arm64", "BCM2711"))
        return board

    def mace(self, *words: str) -> Said:
        """Runs a command of converter.py."""
        return self.tool("converter.py", *words)

    def tool(self, *words: str) -> Said:
        """Runs a script of tools/."""
        command = [sys.executable, str(ROOT / "tools" / words[0]), *words[1:]]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
        return Said(words, done.returncode, done.stdout, done.stderr)

    def while_it_runs(self, act: Callable[[int], None]) -> None:
        """Calls `act` with the number of the emulator that runs the model, some seconds after that
        began. Before that, programs may have to be built, which takes as long as it takes."""

        def watch() -> None:
            end = time.monotonic() + _LONGEST_SECONDS
            while time.monotonic() < end:
                if found := _emulators():
                    time.sleep(3)
                    act(found[0])
                    return
                time.sleep(0.1)

        threading.Thread(target=watch, daemon=True).start()


def _emulators() -> list[int]:
    """Processes of ours, however far down, in which qemu runs mace_run."""
    parents, wanted = {}, []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
            emulates = (entry / "exe").readlink().name.startswith("qemu-")
            if emulates and b"mace_run" in (entry / "cmdline").read_bytes():
                wanted.append(int(entry.name))
        except OSError:
            continue

    def is_ours(process: int) -> bool:
        while process > 1 and process != os.getpid():
            process = parents.get(process, 0)
        return process == os.getpid()

    return [process for process in wanted if is_ours(process)]


def transcripts(bench: Bench, config: str, place: str) -> list[Said]:
    """Converts, runs, measures and validates a model at a place."""
    if place == "adb":
        bench.phone("--property", "ro.board.platform=testsoc")
    elif place == "ssh":
        bench.board()
    where = PLACES[place][1]
    commands = [
        ["convert", f"--config={config}", where[0]],
        ["run", f"--config={config}", *where, "--round=2"],
        ["benchmark", f"--config={config}", *where, "--max_num_runs=2", "--omp_num_threads=1"],
        ["run", f"--config={config}", *where, "--validate"],
    ]
    return [bench.mace(*words) for words in commands]


def targets(bench: Bench) -> list[Said]:
    """Runs tests and benchmarks of operators on each kind of device, a few of them."""
    bench.phone("--property", "ro.board.platform=testsoc")
    bench.board()
    emulated = ["--target_abis=arm64-v8a,armeabi-v7a", "--device=emulated"]
    said = []
    for where in (["--target_abis=host"], emulated, *(PLACES[name][1] for name in ("ssh", "adb"))):
        for target, words in TARGETS:
            label = f"--target=//mace/ops:{target}"
            said.append(
                bench.tool(
                    "bazel_adb_run.py", label, "--run_target=True", *where, f"--args={words}"
                )
            )
    # In place of a GPU, OpenCL on this machine's CPU.
    bench.environment["MACE_OPENCL_DEVICE"] = "Portable Computing Language"
    said.append(
        bench.tool(
            "bazel_adb_run.py",
            f"--target=//mace/ops:{TARGETS[1][0]}",
            "--run_target=True",
            "--target_abis=host",
            f"--args={TARGETS[1][1].replace('_CPU', '_GPU')}",
        )
    )
    return said


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong. prepare: makes it so. words: of the command, after run and where.
    note: said of one that is borne."""

    place: str
    what: str
    prepare: Callable[[Bench], object]
    words: Sequence[str] = field(default_factory=tuple)
    note: str = ""


def _phone(*flags: str, **faults: object) -> Callable[[Bench], PretendedPhone]:
    def prepare(bench: Bench) -> PretendedPhone:
        phone = bench.phone(*flags)
        phone.go_wrong(**faults)
        # A connection learns of what goes wrong when it is made.
        phone.disconnect()
        phone.link.connect()
        return phone

    return prepare


def _silent(bench: Bench) -> None:
    phone = bench.phone()
    bench.environment["ANDROID_SERIAL"] = phone.serial
    phone.disconnect()
    phone.go_wrong(silent=True)


def _unauthorized(bench: Bench) -> None:
    stranger = bench.folder / "stranger"
    subprocess.run([find_adb(), "keygen", str(stranger)], check=True, stderr=subprocess.DEVNULL)
    phone = bench.phone("--keys", f"{stranger}.pub", connect=False)
    bench.environment["ANDROID_SERIAL"] = phone.serial


def _twice(bench: Bench) -> None:
    phone = bench.phone()
    AdbLink(find_adb(), phone.serial.replace("127.0.0.1", "localhost")).connect()


def _namesakes(*flags: str) -> Callable[[Bench], None]:
    def prepare(bench: Bench) -> None:
        for _ in range(2):
            bench.phone("--property", "ro.serialno=0123456789ABCDEF", *flags)

    return prepare


def _killed(prepare: Callable[[Bench], object]) -> Callable[[Bench], None]:
    def prepare_and_watch(bench: Bench) -> None:
        prepare(bench)
        bench.while_it_runs(lambda process: os.kill(process, signal.SIGKILL))

    return prepare_and_watch


def _damaged(prepare: Callable[[Bench], object]) -> Callable[[Bench], None]:
    def prepare_and_damage(bench: Bench) -> None:
        prepare(bench)
        next((bench.folder / "builds").glob("*/model/*.data")).write_bytes(b"")

    return prepare_and_damage


def _sessions(number: int) -> Callable[[Bench], None]:
    def prepare(bench: Bench) -> None:
        board = bench.board()

        def act(_: int) -> None:
            for process in board.sessions():
                os.kill(process, number)

        bench.while_it_runs(act)

    return prepare


def _host_key(known: bool) -> Callable[[Bench], None]:
    def prepare(bench: Bench) -> None:
        board = bench.board()
        hosts = ""
        if known:
            other = board.folder / "other"
            _make_key(other)
            kind, key = Path(f"{other}.pub").read_text().split()[:2]
            hosts = f"[127.0.0.1]:{board.port} {kind} {key}\n"
        (board.folder / "known_hosts").write_text(hosts)

    return prepare


def _client_key(bench: Bench) -> None:
    board = bench.board()
    for suffix in ("", ".pub"):
        Path(f"{board.folder}/id_board{suffix}").unlink()
    _make_key(board.folder / "id_board")


def _make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def _core(bench: Bench) -> None:
    bench.environment["MACE_QEMU_CPU"] = "cortex-a99"


def _nothing(bench: Bench) -> None:
    del bench


FAULTS = [
    Fault("adb", "no phone is connected", _nothing),
    Fault("adb", "the phone does not know this machine", _unauthorized),
    Fault("adb", "the phone is silent", _silent),
    Fault("adb", "the connection is cut during a push", _phone(cut_push=100_000)),
    Fault("adb", "the connection is cut during a pull", _phone(cut_pull=1)),
    Fault("adb", "the connection is cut while the model runs", _phone(cut_shell=4), [_FOREVER]),
    Fault("adb", "the phone freezes during a push", _phone(freeze=100_000)),
    Fault("adb", "the storage is full", _phone("--storage", "1m")),
    Fault("adb", "the program ends with an error", _damaged(_phone())),
    Fault("adb", "the program is killed", _killed(_phone()), [_FOREVER]),
    Fault("adb", "the program hangs", _phone(), [_FOREVER, "--timeout=3"]),
    Fault("adb", "no phone has the ABI", _phone("--property", "ro.product.cpu.abilist=x86_64")),
    Fault("adb", "no phone has the SoC", _phone(), ["--target_socs=testsok"]),
    Fault("adb", "the connection is slow", _phone(rate=400_000), note="it is waited for"),
    Fault("adb", "adb gets no exit code", _phone(no_exit=True), note="a line of ours has it"),
    Fault("adb", "one phone has two addresses", _twice, note="it is used once"),
    Fault("adb", "two phones have one serial number", _namesakes()),
    Fault("adb", "two addresses, one serial number, no more", _namesakes("--no_boot_id")),
    Fault("ssh", "nothing listens", lambda bench: bench.board().end()),
    Fault("ssh", "another host key than before", _host_key(True)),
    Fault("ssh", "an unknown host key", _host_key(False)),
    Fault("ssh", "the board does not know our key", _client_key),
    Fault(
        "ssh", "the connection is cut while the model runs", _sessions(signal.SIGKILL), [_FOREVER]
    ),
    Fault("ssh", "the board freezes while the model runs", _sessions(signal.SIGSTOP), [_FOREVER]),
    Fault("ssh", "the storage is full", lambda bench: bench.board("--storage", "1m")),
    Fault("ssh", "the program ends with an error", _damaged(lambda bench: bench.board())),
    Fault("ssh", "the program is killed", _killed(lambda bench: bench.board()), [_FOREVER]),
    Fault("ssh", "the program hangs", lambda bench: bench.board(), [_FOREVER, "--timeout=3"]),
    Fault("ssh", "the board has no sftp", lambda b: b.board("--no_sftp"), note="scp -O is used"),
    Fault("emulated", "the emulator lacks the core", _core),
    Fault("emulated", "the program is killed", _killed(_nothing), [_FOREVER]),
    Fault("emulated", "the program hangs", _nothing, [_FOREVER, "--timeout=3"]),
]


def small_network(folder: Path) -> None:
    """A deployment file net.yml of a network of one convolution."""
    import small_models

    small_models.conv_onnx(folder / "net.onnx")
    (folder / "net.yml").write_text(
        "library_name: net\nmodels:\n  net:\n    platform: onnx\n    model_file_path: net.onnx\n"
        "    subgraphs:\n      - input_tensors: [x]\n        input_shapes: ['1,8,8,3']\n"
        "        output_tensors: [y]\n    runtime: cpu\n"
    )


def provoke(fault: Fault) -> tuple[int, str]:
    """The exit code of `mace run` when this goes wrong, and what the user sees."""
    with tempfile.TemporaryDirectory(prefix="mace-fault-") as folder, ExitStack() as stack:
        bench = Bench(Path(folder), stack)
        small_network(bench.folder)
        converted = bench.mace("convert", "--config=net.yml", "-q")
        assert converted.code == 0, converted.err
        fault.prepare(bench)
        said = bench.mace("run", "--config=net.yml", *PLACES[fault.place][1], *fault.words)
        lines = said.err.splitlines()
        if said.code == 0:
            warnings = [line for line in lines if line.startswith("warning:")]
            return 0, "\n".join(warnings) or fault.note
        first = next((i for i, line in enumerate(lines) if line.startswith("error:")), 0)
        return said.code, "\n".join(lines[first:])


def plain(text: str) -> str:
    """Without what differs from run to run: ports, names of folders."""
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:5555", text.replace(f"{ROOT}/", ""))
    text = re.sub(r"(port |-p |\]:)\d+", r"\g<1>2222", re.sub(r"/mace-fault-\w+", "", text))
    text = re.sub(r"\.[0-9a-f]{8}\.part", ".01234567.part", text)
    return re.sub(r"mace-[0-9a-f]{12}", "mace-0123456789ab", text)


def shape(text: str) -> list[str]:
    """What two recordings of the same have in common: lines without figures, in no order, and of
    tables of operators, which come by their times, the header."""
    # How a connection breaks is not always seen by adb in the same way.
    text = re.sub(r": (adb: [^<\n]*|the connection broke)", "", plain(text))
    lines = [line for line in text.splitlines() if "Op Type" in line or not _ROW.match(line)]
    lines = [re.sub(r"[\d.,]*\d", "#", line) for line in lines]
    lines = [re.sub(r"-{2,}|[ .]{2,}", " ", line).strip() for line in lines]
    return sorted(line for line in lines if line and not line.startswith("mace: buil"))


def shorter(text: str) -> str:
    """Without the middle of long tables of operators."""
    lines: list[str] = []
    for is_row, group in itertools.groupby(text.splitlines(), lambda line: bool(_ROW.match(line))):
        rows = list(group)
        if is_row and len(rows) > 12:
            rows[6:-2] = [f"... ({len(rows) - 8} lines left out)"]
        lines += [row.rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def transcript_text(config: Path, place: str) -> tuple[str, bool]:
    """The section of a place in the document, and whether all commands succeeded. What a model of
    test/zoo is made and validated with is made if it is not there."""
    if config.parent == CONFIG.parent:
        make = [sys.executable, str(CONFIG.parent / "make.py"), config.stem]
        subprocess.run(make, cwd=ROOT, check=True, stdout=sys.stderr)
    with _bench() as bench:
        (bench.folder / config.parent.name).symlink_to(config.parent)
        relative = f"{config.parent.name}/{config.name}"
        said = transcripts(bench, relative, place)
    return _section(PLACES[place][0], said)


def target_text() -> tuple[str, bool]:
    """The same of tests and benchmarks of operators."""
    with _bench() as bench:
        said = targets(bench)
    return _section("every kind of device", said)


@contextmanager
def _bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="mace-transcript-") as folder, ExitStack() as stack:
        yield Bench(Path(folder), stack)


def _section(title: str, said: Sequence[Said]) -> tuple[str, bool]:
    text = "\n".join(plain(each.transcript()) for each in said)
    built = re.compile(r"^(mace: buil|fetching ).*\n", re.MULTILINE)
    body = f"### On {title}\n\n```\n{shorter(built.sub('', text))}```\n\n"
    return body, all(each.code == 0 for each in said)


def fault_rows(only: str) -> list[list[str]]:
    """A row for each fault whose name has these letters in it."""
    rows = []
    for fault in FAULTS:
        if only not in f"{fault.place} {fault.what}":
            continue
        code, seen = provoke(fault)
        rows.append([fault.place, fault.what, str(code), plain(seen)])
        print(f"device_record: {' | '.join(rows[-1])}", file=sys.stderr, flush=True)
    return rows


def fault_table(rows: Sequence[Sequence[str]]) -> str:
    """The faults for the document."""
    text = "| device | what happens | exit code | what is said |\n| --- | --- | ---: | --- |\n"
    for place, what, code, seen in rows:
        cell = "<br>".join(line.strip().replace("|", "\\|") for line in seen.splitlines())
        text += f"| {place} | {what} | {code} | {cell} |\n"
    return text


def main() -> int:
    """Records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"default: {', '.join(_PARTS)}")
    parser.add_argument(
        "--config",
        type=Path,
        default=CONFIG,
        help="of the transcripts' model; default: test/zoo/text_direction.yml",
    )
    parser.add_argument("--places", default=",".join(PLACES), help="default: %(default)s")
    parser.add_argument("--only", default="", help="faults whose names have these letters in them")
    parser.add_argument("--record", action="store_true", help="write docs/deployment.md")
    options = parser.parse_args()
    parts = options.parts or _PARTS
    if not {*parts} <= {*_PARTS}:
        parser.error(f"there is no part {parts}")
    well = True
    if "transcripts" in parts:
        text = ""
        for place in options.places.split(","):
            body, succeeded = transcript_text(options.config.resolve(), place)
            text, well = text + body, well and succeeded
        print(text, end="")
        if options.record and well:
            record("transcripts", text, DOCUMENT)
    if "targets" in parts:
        text, succeeded = target_text()
        well = well and succeeded
        print(text, end="")
        if options.record and succeeded:
            record("targets", text, DOCUMENT)
    if "faults" in parts:
        table = fault_table(fault_rows(options.only))
        print(table, end="")
        if options.record:
            record("faults", table, DOCUMENT)
    return EXIT_OK if well else EXIT_VERDICT


if __name__ == "__main__":
    sys.exit(main())
