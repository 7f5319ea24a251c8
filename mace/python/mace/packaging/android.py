# SPDX-License-Identifier: Apache-2.0
"""mace-<version>.aar, which an Android project depends on: the classes of org.mace, and the engine
with its native methods for each ABI. The format is a zip archive with fixed names in it."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mace.build import start
from mace.errors import BuildError, MaceError
from mace.packaging.libraries import Library

ABIS = ("arm64-v8a", "armeabi-v7a")
_PREFIXES = {
    "arm64-v8a": "aarch64-linux-gnu-",
    "armeabi-v7a": "arm-linux-gnueabihf-",
    "linux-x86-64": "",
}
_TRIPLES = {"arm64-v8a": "aarch64-linux-android", "armeabi-v7a": "armv7a-linux-androideabi"}
_NDK_BIN = "toolchains/llvm/prebuilt/linux-x86_64/bin"
_MIN_API = "24"
_MANIFEST = f"""\
<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="org.mace">
    <uses-sdk android:minSdkVersion="{_MIN_API}" />
</manifest>
"""
# The native part finds these by their names.
_KEEP = """\
-keep class org.mace.** { *; }
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def find_jdk() -> Path:
    """The folder of the Java development kit. Raises MaceError without one."""
    home = os.environ.get("JAVA_HOME", "")
    if home and (Path(home) / "bin" / "javac").is_file():
        return Path(home)
    javac = shutil.which("javac")
    if javac is None:
        raise MaceError(
            "there is no javac on this machine, so the Java classes cannot be compiled",
            hint="install it (Debian: apt-get install default-jdk-headless), or set JAVA_HOME",
        )
    return Path(javac).resolve().parent.parent


def compile_classes(root: Path, jdk: Path, folder: Path) -> list[Path]:
    """Compiles org.mace for Java 8, which every Android build takes; returns the class files."""
    sources = sorted((root / "mace" / "java").rglob("*.java"))
    command = [str(jdk / "bin" / "javac"), "--release", "8", "-Xlint:all,-options", "-Werror"]
    _call([*command, "-d", str(folder), *map(str, sources)], "compiling the Java classes")
    return sorted(folder.rglob("*.class"))


def compile_native(root: Path, jdk: Path, library: Library, target: Path) -> None:
    """Links libmace_jni.so: the native methods with the engine in it."""
    include = root / "mace" / "java"
    command = [*_compiler(library), "-std=c++17", "-Os", "-shared", "-fPIC", "-Wall", "-Wextra"]
    command += ["-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-ffunction-sections"]
    command += [f"-I{root}", str(include / "mace_jni.cc"), str(library.static), "-o", str(target)]
    command += [f"-Wl,--version-script={include / 'jni_version_script.lds'}", "-Wl,--gc-sections"]
    command += ["-Wl,--no-undefined", "-Wl,-s", "-Wl,-soname,libmace_jni.so"]
    command += ["-Wl,-z,max-page-size=16384"]
    if library.c_library == "glibc":
        command += [f"-I{jdk / 'include'}", f"-I{jdk / 'include' / 'linux'}", "-ldl", "-pthread"]
    else:
        command += ["-static-libstdc++", "-llog"]
    _call(command, f"linking libmace_jni.so for {library.abi}")


def _compiler(library: Library) -> list[str]:
    if library.c_library == "glibc":
        return [f"{_PREFIXES[library.abi]}g++"]
    home = os.environ.get("ANDROID_NDK_HOME", "")
    level = os.environ.get("ANDROID_NDK_API") or _MIN_API
    return [f"{home}/{_NDK_BIN}/clang++", f"--target={_TRIPLES[library.abi]}{level}"]


def write_aar(root: Path, libraries: Sequence[Library], target: Path) -> None:
    """Writes the archive for the ABIs of `libraries`. Raises MaceError."""
    jdk = find_jdk()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".aar-") as scratch:
        folder = Path(scratch)
        classes = compile_classes(root, jdk, folder / "classes")
        jar = folder / "classes.jar"
        _zip(jar, {p.relative_to(folder / "classes").as_posix(): p.read_bytes() for p in classes})
        files: dict[str, bytes] = {
            "AndroidManifest.xml": _MANIFEST.encode(),
            "R.txt": b"",
            "proguard.txt": _KEEP.encode(),
            "classes.jar": jar.read_bytes(),
        }
        for library in libraries:
            native = folder / f"{library.abi}.so"
            compile_native(root, jdk, library, native)
            files[f"jni/{library.abi}/libmace_jni.so"] = native.read_bytes()
        made = folder / target.name
        _zip(made, files)
        os.replace(made, target)


def _zip(path: Path, files: Mapping[str, bytes]) -> None:
    """A zip archive that depends on nothing but its content."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])


def _call(command: Sequence[str], doing: str) -> None:
    done = start(command, doing)
    if done.returncode != 0:
        raise BuildError(f"{doing} failed:\n{(done.stderr or done.stdout).strip()}")
