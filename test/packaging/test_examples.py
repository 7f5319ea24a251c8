# SPDX-License-Identifier: Apache-2.0
"""The examples in Python and for Android: what is in them runs or compiles on this machine. The
C++ one is run by the tests of mace run --example."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from mace.packaging import android
from mace.packaging.libraries import build_libraries
from starting import ROOT, started

_ANDROID = ROOT / "mace" / "examples" / "android" / "app" / "src" / "main"
# What MainActivity uses of Android, as far as it must be known to compile it.
_STUBS = {
    "android.os.Bundle": "public class Bundle { public Object get(String key) { return null; } }",
    "android.view.View": """public class View { public View(android.content.Context c) {}
        public interface OnClickListener { void onClick(View view); }
        public void setOnClickListener(OnClickListener listener) {}
        public void setEnabled(boolean enabled) {} }""",
    "android.widget.TextView": """public class TextView extends android.view.View {
        public TextView(android.content.Context c) { super(c); }
        public void setText(CharSequence text) {} }""",
    "android.widget.Button": """public class Button extends TextView {
        public Button(android.content.Context c) { super(c); } }""",
    "android.widget.ImageView": """public class ImageView extends android.view.View {
        public ImageView(android.content.Context c) { super(c); }
        public void setImageBitmap(android.graphics.Bitmap bitmap) {} }""",
    "android.widget.LinearLayout": """public class LinearLayout extends android.view.View {
        public static final int VERTICAL = 1;
        public LinearLayout(android.content.Context c) { super(c); }
        public void setOrientation(int orientation) {}
        public void addView(android.view.View view) {} }""",
    "android.content.Context": """public class Context {
        public android.content.res.AssetManager getAssets() { return null; }
        public java.io.File getFilesDir() { return null; } }""",
    "android.content.res.AssetManager": """public final class AssetManager {
        public java.io.InputStream open(String name) throws java.io.IOException { return null; } }""",
    "android.content.Intent": """public class Intent { public Intent(String action) {}
        public android.os.Bundle getExtras() { return null; } }""",
    "android.provider.MediaStore": """public final class MediaStore {
        public static final String ACTION_IMAGE_CAPTURE = ""; }""",
    "android.graphics.Bitmap": """public final class Bitmap {
        public static Bitmap createScaledBitmap(Bitmap b, int w, int h, boolean f) { return b; }
        public void getPixels(int[] p, int o, int s, int x, int y, int w, int h) {} }""",
    "android.app.Activity": """public class Activity extends android.content.Context {
        public static final int RESULT_OK = -1;
        protected void onCreate(android.os.Bundle state) {}
        protected void onActivityResult(int q, int r, android.content.Intent data) {}
        protected void onDestroy() {}
        public void setContentView(android.view.View view) {}
        public void startActivityForResult(android.content.Intent intent, int code) {}
        public final void runOnUiThread(Runnable action) {} }""",
}
_CLASSIFIES = """\
import java.io.File;
import java.util.Arrays;
import org.mace.example.Classifier;

public final class Try {
  public static void main(String[] words) throws Exception {
    try (Classifier classifier =
        new Classifier(new File(words[0]), new File(words[1]), Arrays.asList("zero", "one"))) {
      int[] pixels = new int[classifier.width * classifier.height];
      Arrays.fill(pixels, 0xFFFF8000);
      for (Classifier.Result result : classifier.classify(pixels, 3)) {
        System.out.printf("%s %.4f%n", result.label, result.score);
      }
    }
  }
}
"""


def test_python(network: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(1).normal(size=(8, 8, 3)).astype(np.float32)
    np.save(tmp_path / "image.npy", image)
    (tmp_path / "labels.txt").write_text("first\nsecond\n")
    model = network / "builds" / "net" / "model"
    script = ROOT / "mace" / "examples" / "python" / "classify.py"
    words = [sys.executable, script, model / "net.pb", model / "net.data", "image.npy"]
    lines = started([*words, "--labels=labels.txt", "--top=256"], tmp_path).splitlines()
    assert lines[0] == "image.npy" and len(lines) == 257
    scores = [float(line.split()[0]) for line in lines[1:]]
    assert scores == sorted(scores, reverse=True)
    assert any(line.endswith("  second") for line in lines)


def test_the_activity_compiles(jdk: Path, tmp_path: Path) -> None:
    for name, text in _STUBS.items():
        path = tmp_path / "src" / f"{name.replace('.', '/')}.java"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"package {name.rpartition('.')[0]};\n{text}\n")
    sources = [*(tmp_path / "src").rglob("*.java"), *_ANDROID.rglob("*.java")]
    sources += (ROOT / "mace" / "java").rglob("*.java")
    words = [jdk / "bin" / "javac", "--release", "8", "-Xlint:-options", "-d", tmp_path / "out"]
    started([*words, *sources], tmp_path)
    root = ElementTree.parse(_ANDROID / "AndroidManifest.xml").getroot()
    assert root.find("application/activity") is not None


def test_the_classifier_runs(jdk: Path, network: Path, tmp_path: Path) -> None:
    library = build_libraries(ROOT, "linux-x86-64", "cpu", tmp_path / "builds")
    android.compile_native(ROOT, jdk, library, tmp_path / "libmace_jni.so")
    (tmp_path / "Try.java").write_text(_CLASSIFIES)
    sources = [tmp_path / "Try.java", next(_ANDROID.rglob("Classifier.java"))]
    sources += (ROOT / "mace" / "java").rglob("*.java")
    javac = [jdk / "bin" / "javac", "--release", "8", "-Xlint:-options", "-d", tmp_path]
    started([*javac, *sources], tmp_path)
    model = network / "builds" / "net" / "model"
    java = [jdk / "bin" / "java", f"-Djava.library.path={tmp_path}", "-cp", tmp_path, "Try"]
    lines = started([*java, model / "net.pb", model / "net.data"], tmp_path).splitlines()
    from mace.runtime import Engine

    pixel = np.array([255, 128, 0], np.float32) / np.float32(127.5) - 1
    with Engine(model / "net.pb", model / "net.data") as engine:
        scores = engine.run({"x": np.broadcast_to(pixel, (1, 8, 8, 3)).copy()})["y"].ravel()
    best = np.sort(scores)[::-1][:3]
    assert [float(line.split()[-1]) for line in lines] == pytest.approx(best, abs=2e-4)
