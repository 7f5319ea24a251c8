# SPDX-License-Identifier: Apache-2.0
"""The classes of org.mace compile, find their native part and run a model in a virtual machine of
this machine; the archive for Android has what its build looks for."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from mace.packaging import android
from mace.packaging.libraries import Library, build_libraries
from starting import ROOT, started

_APPLICATION = Path(__file__).parent / "application"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("java")
    return build_libraries(ROOT, "linux-x86-64", "cpu_gpu", folder)


def test_a_model_runs_in_java(
    jdk: Path, library: Library, network: Path, expected: str, tmp_path: Path
) -> None:
    classes = tmp_path / "classes"
    classes.mkdir()
    android.compile_classes(ROOT, jdk, classes)
    android.compile_native(ROOT, jdk, library, tmp_path / "libmace_jni.so")
    main = [jdk / "bin" / "javac", "--release", "8", "-Xlint:-options", "-cp", classes]
    started([*main, "-d", tmp_path, _APPLICATION / "Main.java"], tmp_path)
    model = network / "builds" / "net" / "model"
    java = [jdk / "bin" / "java", "-Xcheck:jni", f"-Djava.library.path={tmp_path}"]
    java += ["-cp", f"{tmp_path}:{classes}", "Main", model / "net.pb", model / "net.data"]
    environment = {**os.environ, "MACE_OPENCL_LIBRARY": str(tmp_path / "none.so")}
    lines = started(java, tmp_path, environment).splitlines()
    assert lines[:2] == ["x FLOAT 4", f"y {expected.strip()}"]
    assert lines[2] == lines[1]  # what the CPU makes of it where there is no GPU
    said = dict(line.split(": ", 1) for line in lines[3:-1])
    assert "'z'" in said["wrong name"]
    unsupported = said.pop("no GPU")
    assert unsupported.startswith("3 "), lines
    assert all(text.startswith("1 ") for text in said.values()), lines
    assert list(said) == [
        "wrong name",
        "wrong type",
        "no input",
        "rank 7",
        "huge",
        "junk",
        "hint",
        "key",
        "limit",
        "closed context",
        "closed",
    ]
    assert lines[-1] == "true", lines


# Debian's package of it (apt-get install kotlin) brings a hundred others, so that it is not asked for.
@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("kotlinc") is None, reason="there is no kotlinc on this machine")
def test_a_model_runs_in_kotlin(
    jdk: Path, library: Library, network: Path, expected: str, tmp_path: Path
) -> None:
    classes, jar = tmp_path / "classes", tmp_path / "main.jar"
    classes.mkdir()
    android.compile_classes(ROOT, jdk, classes)
    android.compile_native(ROOT, jdk, library, tmp_path / "libmace_jni.so")
    sources = [ROOT / "mace/java/org/mace/Mace.kt", _APPLICATION / "Main.kt"]
    kotlin = ["kotlinc", "-Werror", "-cp", classes, *sources, "-include-runtime", "-d", jar]
    started(kotlin, tmp_path)
    model = network / "builds" / "net" / "model"
    java = [jdk / "bin" / "java", "-Xcheck:jni", f"-Djava.library.path={tmp_path}"]
    java += ["-cp", f"{jar}:{classes}", "MainKt", model / "net.pb", model / "net.data"]
    lines = started(java, tmp_path).splitlines()
    assert lines[0] == expected.strip() and lines[1].startswith("1 ") and "'z'" in lines[1], lines


def test_native_methods_are_all_there(jdk: Path, library: Library, tmp_path: Path) -> None:
    android.compile_native(ROOT, jdk, library, tmp_path / "libmace_jni.so")
    text = started(["nm", "-D", "--defined-only", tmp_path / "libmace_jni.so"], tmp_path)
    names = {line.split()[2] for line in text.splitlines()}
    assert {name for name in names if not name.startswith(("Java_org_mace_", "mace_"))} == set()
    for kind in ("MaceEngine", "GpuContext"):
        source = (ROOT / f"mace/java/org/mace/{kind}.java").read_text(encoding="utf-8")
        lines = [line for line in source.splitlines() if " native " in line]
        natives = [line.split("(")[0].split()[-1] for line in lines]
        assert len(natives) == 5
        assert {f"Java_org_mace_{kind}_{name}" for name in natives} <= names


def test_the_archive_for_android(jdk: Path, library: Library, tmp_path: Path) -> None:
    del jdk
    contents = []
    for name in ("first.aar", "second.aar"):
        android.write_aar(ROOT, [replace(library)], tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]
    with zipfile.ZipFile(io.BytesIO(contents[0])) as archive:
        names = archive.namelist()
        with zipfile.ZipFile(io.BytesIO(archive.read("classes.jar"))) as jar:
            classes = jar.namelist()
        manifest = archive.read("AndroidManifest.xml").decode()
    assert names == [
        "AndroidManifest.xml",
        "R.txt",
        "classes.jar",
        "jni/linux-x86-64/libmace_jni.so",
        "proguard.txt",
    ]
    assert "org/mace/MaceEngine.class" in classes and 'package="org.mace"' in manifest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.aar", "second.aar"]


@pytest.mark.nightly
def test_android_abis(jdk: Path, tmp_path: Path) -> None:
    del jdk
    script = ["bash", ROOT / "tools" / "build-standalone-lib.sh", "--aar", "--runtimes=cpu"]
    started([*script, f"--output_dir={tmp_path}"], ROOT)
    with zipfile.ZipFile(next(tmp_path.glob("*.aar"))) as archive:
        natives = [name for name in archive.namelist() if name.startswith("jni/")]
        machines = [int.from_bytes(archive.read(name)[18:20], "little") for name in natives]
    assert natives == [f"jni/{abi}/libmace_jni.so" for abi in ("arm64-v8a", "armeabi-v7a")]
    assert machines == [183, 40]  # EM_AARCH64, EM_ARM
