# SPDX-License-Identifier: Apache-2.0
"""Builds parts of MACE in a source tree when they are needed: the engine and the device programs
with Bazel, the message descriptors with protoc. What is up to date is not built again; that is
told from the sources' sizes and times, since even an idle Bazel takes a second to say so."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mace.errors import BuildError

# Binaries and where Bazel makes them.
_TARGETS = {
    "libmace.so": "//mace/libmace:libmace.so",
    "mace_run": "//mace/tools:mace_run",
    "benchmark_model": "//mace/tools:benchmark_model",
    "example": "//mace/examples/cli:example",
}
# What Bazel calls the target of an ABI. Boards with Linux take the same programs as the emulator.
_CONFIGS = {
    "host": "host",
    "arm64-v8a": "arm64-v8a",
    "armeabi-v7a": "armeabi-v7a",
    "arm64": "arm64-v8a",
    "armhf": "armeabi-v7a",
}
# For phones. Without an NDK the same as for boards, but with the C library linked in, since Android
# has another one.
_ANDROID = {"android-arm64-v8a": "arm64-v8a", "android-armeabi-v7a": "armeabi-v7a"}
# Folders and files that the binaries are made from.
_SOURCE_FOLDERS = ("mace", "repository", "third_party", "tools/toolchains")
_SOURCE_FILES = ("WORKSPACE", ".bazelrc", ".bazelrc.user", "tools/bazel")
_NOT_SOURCES = {"python", "__pycache__"}
# Models that became code, and operators chosen for them; they are in no program but their own.
_GENERATED = (Path("mace/codegen/models"), Path("mace/codegen/selections"))
# The tools run encrypted models too, which libraries do that are built for it.
ENCRYPTION = "--define=encryption=true"
# Nobody can read the GPU's kernels in the library.
HIDE_KERNELS = "--define=hide_kernels=true"
# Programs that take the engine from libmace.so, and programs with AddressSanitizer.
DYNAMIC, SANITIZER = "--define=mace_lib=dynamic", "--config=asan"
# Parts of the engine that are not in every build of it.
_PARTS = ["--define=opencl=true"]
_QUIET = ["--color=no", "--curses=no", "--noshow_progress"]
_ERROR_LINES = 20


def binary(root: Path, name: str, abi: str, variant: Sequence[str] = ()) -> Path:
    """builds/bin/<abi>/<name> of the source tree `root`, made or renewed. variant: DYNAMIC,
    SANITIZER. Raises BuildError."""
    flags = target_flags(abi)
    if not flags:
        raise BuildError(f"{name} cannot be built for '{abi}'; ABIs are {', '.join(_CONFIGS)}")
    check_variant(abi, variant)
    flags += variant
    folder = root / "builds" / "bin" / "-".join(flag.rpartition("=")[2] for flag in flags)
    flags = [*flags, *parts(abi)]
    target, stamp = folder / name, folder / f"{name}.stamp"
    wanted = _fingerprint(root)
    if target.is_file() and _read(stamp) == wanted:
        return target
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder / ".lock")):
        if not (target.is_file() and _read(stamp) == wanted):
            _bazel_build(root, name, [*flags, ENCRYPTION], target)
            _write(stamp, wanted)
    return target


@contextmanager
def outputs(
    root: Path, labels: Sequence[str], flags: Sequence[str], doing: str
) -> Iterator[list[Path]]:
    """Builds Bazel targets; gives the path of the file that each label names. `doing`: what an
    error says. Raises BuildError.

    The files are what was asked for until the block ends, and no longer: builds that differ in a
    part of the engine alone write to the same paths, so those of other commands have to wait.
    """
    from filelock import FileLock

    lock = root / "builds" / ".outputs.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(lock)):
        _bazel(root, ["build", *flags, *_QUIET, *labels], doing)
        folder = _bazel(root, ["info", *flags, "bazel-bin"], "asking Bazel for its output")
        top = Path(folder.strip().splitlines()[-1])
        yield [top / label.replace(":", "/").lstrip("/") for label in labels]


def target_flags(abi: str) -> list[str]:
    """What tells Bazel the target; nothing for an unknown ABI."""
    if abi in _CONFIGS:
        return [f"--config={_CONFIGS[abi]}"]
    if abi not in _ANDROID:
        return []
    if os.environ.get("ANDROID_NDK_HOME"):
        return [f"--config={abi}"]
    return [f"--config={_ANDROID[abi]}", "--linkopt=-static"]


def parts(abi: str) -> list[str]:
    """What programs that run models for an ABI are built with beside the CPU's part."""
    # What is linked in whole cannot open libraries.
    return [] if "--linkopt=-static" in target_flags(abi) else list(_PARTS)


def check_variant(abi: str, variant: Sequence[str]) -> None:
    """Raises BuildError unless programs for an ABI can be built so."""
    if SANITIZER in variant and abi != "host":
        raise BuildError(
            f"no program with AddressSanitizer can be built for {abi}: its libraries are there for "
            "this machine alone",
            hint="use --target_abis=host, or leave out --address_sanitizer",
        )
    if DYNAMIC in variant and "--linkopt=-static" in target_flags(abi):
        raise BuildError(
            "no program that takes the engine from libmace.so can be built for Android without its "
            "NDK: programs are then linked in whole, as Android has another C library",
            hint="set ANDROID_NDK_HOME, or leave out --mace_lib_type=dynamic",
        )


@dataclass(frozen=True)
class Program:
    """A program that Bazel made. runfiles: a tar archive of the files it reads when it runs, or
    None; workspace: the folder in it that it is started in."""

    path: Path
    runfiles: Path | None
    workspace: str


def program(root: Path, label: str, abi: str, flags: Sequence[str] = ()) -> Program:
    """Builds a Bazel target for an ABI, or for "android-" and one. Raises BuildError."""
    match = re.fullmatch(r"//([\w./+-]*):([\w./+-]+)", label)
    if match is None:
        raise BuildError(f"'{label}' is no label of a Bazel target, as //mace/ops:ops_test is")
    target = target_flags(abi)
    if not target:
        raise BuildError(f"'{label}' cannot be built for '{abi}'; ABIs are {', '.join(_CONFIGS)}")
    _say(f"building {label} for {abi} ...")
    folder = root / "builds" / "bazel_adb_run"
    name = _digest(" ".join([abi, label, *flags]))
    with outputs(root, [label], [*target, *flags], f"building {label} for {abi}") as (made,):
        if not made.is_file():
            raise BuildError(
                f"Bazel built '{label}' for {abi} and left no program '{match[1]}/{match[2]}'",
                hint="name a cc_test or a cc_binary that is compatible with the ABI",
            )
        copy = folder / name / made.name
        _copy(made, copy)
        listed = made.with_name(made.name + ".runfiles_manifest")
        text = listed.read_text(encoding="utf-8") if listed.is_file() else ""
        split = [(n, path) for n, _, path in (line.partition(" ") for line in text.splitlines())]
        files = [(n, p) for n, p in split if p and Path(p).resolve() != made.resolve()]
        if not files:
            return Program(copy, None, "")
        archive = folder / f"{name}.tar"
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            partial = Path(scratch) / archive.name
            with tarfile.open(partial, "w", dereference=True) as tar:
                for file, path in files:
                    tar.add(Path(path).resolve(), file)
            os.replace(partial, archive)
    return Program(copy, archive, files[0][0].partition("/")[0])


def _copy(source: Path, target: Path) -> None:
    """Copies what Bazel made read-only; a program that runs keeps the old file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        copy = Path(folder) / target.name
        shutil.copyfile(source, copy)
        copy.chmod(0o755)
        os.replace(copy, target)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def descriptor(root: Path, source: Path, name: str) -> Path:
    """builds/descriptors/<name>: the FileDescriptorSet of the .proto file `source`."""
    target = root / "builds" / "descriptors" / name
    if not source.is_file():
        raise BuildError(f"{name} cannot be made: there is no file '{source}'")
    if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / name
        command = ["protoc", "--include_imports", f"--descriptor_set_out={made}"]
        command += [f"-I{source.parent}", str(source)]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise BuildError(
                f"protoc cannot be started: {error.strerror}",
                hint="install it (Debian: apt-get install protobuf-compiler)",
            ) from None
        if result.returncode != 0:
            raise BuildError(f"protoc failed on '{source}':\n{result.stderr.strip()}")
        os.replace(made, target)
    return target


def _bazel_build(root: Path, name: str, flags: list[str], target: Path) -> None:
    started = time.monotonic()
    config = target.parent.name
    _say(f"building {name} for {config} ...")
    with outputs(root, [_TARGETS[name]], flags, f"building {name} for {config}") as (made,):
        if not made.is_file():
            raise BuildError(f"Bazel built {_TARGETS[name]} and left no file '{made}'")
        _copy(made, target)
    _say(f"built {name} for {config} in {time.monotonic() - started:.0f} s")


def _bazel(root: Path, arguments: list[str], doing: str) -> str:
    """Runs Bazel in `root` and returns what it printed. MACE_BAZEL may name another command."""
    command = shlex.split(os.environ.get("MACE_BAZEL", ""))
    if not command:
        command = ["bazel"] if shutil.which("bazel") else [str(root / "tools" / "bazel")]
    result = start([*command, *arguments], doing, root)
    if result.returncode != 0:
        raise BuildError(
            f"{doing} failed:\n{_brief(result.stderr)}",
            hint=f"see all of it with: cd {root} && bazel {shlex.join(arguments)}",
        )
    return result.stdout


def start(
    command: Sequence[str], doing: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """What a command of the build did, in `folder`. Raises BuildError if it cannot be started."""
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(
            f"{doing} failed: '{command[0]}' cannot be started: {error.strerror}",
            hint="run tools/setup.sh, which installs what the build needs",
        ) from None


def _brief(log: str) -> str:
    """The compiler's errors out of Bazel's log, or its last lines."""
    lines = [line for line in log.splitlines() if line.strip()]
    errors = [
        line for line in lines if re.search(r"\b(fatal )?error:|^ERROR:|undefined reference", line)
    ]
    return "\n".join((errors or lines)[:_ERROR_LINES] or ["(no output)"])


@lru_cache(maxsize=4)
def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    files = [root / name for name in _SOURCE_FILES]
    for top in _SOURCE_FOLDERS:
        for folder, folders, names in os.walk(root / top):
            folders[:] = sorted(
                f
                for f in folders
                if f not in _NOT_SOURCES and Path(folder, f).relative_to(root) not in _GENERATED
            )
            files += [Path(folder, n) for n in sorted(names) if not n.endswith(("_test.cc", ".md"))]
    for path in files:
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".new")
    partial.write_text(text)
    os.replace(partial, path)


def _say(text: str) -> None:
    print(f"mace: {text}", file=sys.stderr, flush=True)
