"""Faces in a picture, and what a training picture would show of each: OpenCV's cascades, and a frame around what they find.

A frame is (left, top, wide, high) in pixels of the upright picture; at its edge a frame may leave it.
"""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.problem import Problem

from . import pictures
from .pictures import Box, Seen

# What a frame shows is what CelebA's aligned pictures, 178 x 218, show, squeezed into a square.
ASPECT = 178 / 218

# Per cascade: a frame's width, and how far its middle lies right of and above the middle of what the cascade finds, in widths
# of that. Medians over training pictures of CelebA, drawn to 534 x 654: 475 of 500 faces for the first (the shares of
# its width: 1.71 with a deviation of 0.15, 0.00 with 0.01, 0.13 with 0.02), 75 of 200 for the second.
FRONTAL = "haarcascade_frontalface_alt.xml", (1.71, 0.0, 0.135)
PROFILE = "haarcascade_profileface.xml", (1.51, -0.16, 0.10)  # of faces that look to the left

LOOKED = 512  # pixels of the longer side of what is searched
SMALLEST = 20  # pixels of a face in it
SURE = 4  # neighbouring windows that must agree

_cascades_of = threading.local()  # a cascade answers one thread at a time


def ready() -> None:
    """Raises Problem when OpenCV or a file of its cascades is missing."""
    _cascades()


def faces(image: Image.Image) -> list[Box]:
    """A frame for every face in a picture from `pictures.read`, the largest first; [] for none.

    In profile, to either side, only where nobody looks at the camera. Raises Problem, see `ready`.
    """
    (frontal, profile), scale = _cascades(), LOOKED / max(image.size)
    size = [max(1, round(side * scale)) for side in image.size]
    small = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    if small.mode == "RGBA":
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    grey = np.asarray(small.convert("L"))
    frames = [_frame(box, FRONTAL[1], scale) for box in _look(frontal, grey, 1.1)]
    if not frames:
        frames = [_frame(box, PROFILE[1], scale) for box in _look(profile, grey, 1.2)]
        wide, right, up = PROFILE[1]
        for left, top, side in _look(profile, grey[:, ::-1], 1.2):
            frames.append(_frame((grey.shape[1] - left - side, top, side), (wide, -right, up), scale))
    return sorted(frames, key=lambda frame: -frame[2])


def framed(image: Image.Image, shape: tuple[int, int, int], frame: str = "", box: Box | None = None, **how) -> Seen:
    """A picture as a model of `shape` sees it, `pictures.see`, framed at its largest face or at `box`.

    Without a face, or without OpenCV, the whole picture, which `steps` says. frame "": nothing is searched.
    """
    if not frame or box:
        return pictures.see(image, shape, box=box, **how)
    try:
        frames = faces(image)
        said = "" if frames else "No face was found: this is the whole picture."
        if len(frames) > 1:
            said = f"Of {len(frames)} faces this is the largest."
    except Problem as problem:
        frames, said = [], f"{problem} Until then this is the whole picture."
    seen = pictures.see(image, shape, box=frames[0] if frames else None, **how)
    return replace(seen, frames=tuple(frames), steps=[*seen.steps, *([said] if said else [])])


def _frame(box: tuple[int, int, int], about: tuple[float, float, float], scale: float) -> Box:
    """The frame around a square (left, top, side) that a cascade found in a picture of this scale."""
    (left, top, side), (wide, right, up) = box, about
    across, high = wide * side, wide * side / ASPECT
    x, y = left + side * (0.5 + right) - across / 2, top + side * (0.5 - up) - high / 2
    return tuple(round(value / scale) for value in (x, y, across, high))


def _look(cascade, grey: np.ndarray, step: float) -> list[tuple[int, int, int]]:
    import cv2

    level = cv2.equalizeHist(np.ascontiguousarray(grey))
    squares = cascade.detectMultiScale(level, step, SURE, minSize=(SMALLEST, SMALLEST))
    return [(int(left), int(top), int(side)) for left, top, side, _ in squares]


def _cascades() -> list:
    """This thread's cascades, read once."""
    if not hasattr(_cascades_of, "cascades"):
        try:
            import cv2

            folder, kind = Path(cv2.data.haarcascades), cv2.CascadeClassifier
        except (ImportError, AttributeError):
            raise Problem(
                "Faces cannot be found: OpenCV is not installed, or is too new; pip install 'opencv-python-headless<5'."
            ) from None
        cv2.setNumThreads(1)  # beside other work, two wait for each other
        read = []
        for file, _ in (FRONTAL, PROFILE):
            cascade = kind() if not (folder / file).is_file() else kind(str(folder / file))
            if cascade.empty():
                raise Problem(
                    f"Faces cannot be found: OpenCV's {file} is missing; install opencv-python-headless again."
                )
            read.append(cascade)
        _cascades_of.cascades = read
    return _cascades_of.cascades
