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
PORTRAIT = 60, LOOKED // 4  # no smaller face is looked for, where one of the second size or more is found so
TURNS = 90, 270, 180, 30, 330  # degrees, against the clock, by which a picture without a face is turned
CLOSE = 2048  # pixels of the longer side of a turned picture

_SMOOTH = Image.Resampling.BILINEAR
_cascades_of = threading.local()  # a cascade answers one thread at a time


def ready() -> None:
    """Raises Problem when OpenCV or a file of its cascades is missing."""
    _cascades()


def faces(image: Image.Image) -> list[Box]:
    """A frame for every face in a picture from `pictures.read`, the largest first; [] for none.

    Only where nobody looks at the camera, whole: in profile, to either side, and then beyond the picture's edge. Of a
    portrait those that are far behind are left out. Raises Problem, see `ready`.
    """
    (frontal, profile), (grey, scale) = _cascades(), _small(image)
    found = _look(frontal, grey, 1.1, smallest=PORTRAIT[0])  # the smallest take most of the time
    if not any(side >= PORTRAIT[1] for _, _, side in found):
        found = _look(frontal, grey, 1.1)
    if not found:
        frames = [_frame(box, PROFILE[1], scale) for box in _look(profile, grey, 1.2)]
        wide, right, up = PROFILE[1]
        for left, top, side in _look(profile, grey[:, ::-1], 1.2):
            frames.append(_frame((grey.shape[1] - left - side, top, side), (wide, -right, up), scale))
        if frames:
            return sorted(frames, key=lambda frame: -frame[2])
        more = LOOKED // 4
        wider = _look(frontal, np.pad(grey, more, "edge"), 1.1, smallest=PORTRAIT[0], sure=2 * SURE)
        found = [(left - more, top - more, side) for left, top, side in wider]
    return sorted((_frame(box, FRONTAL[1], scale) for box in found), key=lambda frame: -frame[2])


def upright(image: Image.Image) -> int:
    """By how many of TURNS a picture without a face is turned to have one; 0 where none does."""
    (frontal, _), (grey, _) = _cascades(), _small(image, LOOKED // 2)
    for degrees in TURNS:
        turned = np.asarray(Image.fromarray(grey).rotate(degrees, _SMOOTH, expand=True, fillcolor=int(np.median(grey))))
        if _look(frontal, turned, 1.1, smallest=PORTRAIT[0] // 2, sure=4 * SURE):  # a cat's may agree in 11
            return degrees
    return 0


def turned(image: Image.Image, degrees: int) -> Image.Image:
    """A picture turned against the clock, no larger than CLOSE; as it is by 0 degrees."""
    if not degrees:
        return image
    scale = min(1, CLOSE / max(image.size))
    small = image.resize([max(1, round(side * scale)) for side in image.size], _SMOOTH, reducing_gap=2.0)
    ground = tuple(np.median(np.asarray(small).reshape(-1, len(small.getbands())), axis=0).astype(int).tolist())
    made = small.rotate(degrees, _SMOOTH, expand=True, fillcolor=ground if len(ground) > 1 else ground[0])
    made.info["steps"] = [
        *image.info.get("steps", ()),
        f"Turned by {min(degrees, 360 - degrees)}°: so a face is upright.",
    ]
    return made


def framed(
    image: Image.Image,
    shape: tuple[int, int, int],
    frame: str = "",
    box: Box | None = None,
    turn: int | None = 0,
    **how,
) -> Seen:
    """A picture as a model of `shape` sees it, `pictures.see`, framed at its largest face or at `box`.

    Without a face, or without OpenCV, the whole picture, which `steps` says. frame "": nothing is searched. turn: degrees by
    which it is turned first; None: where it has no face, by those that `upright` finds.
    """
    if not frame or box:
        image = turned(image, turn or 0)
        return replace(pictures.see(image, shape, box=box, **how), turn=turn or 0)
    try:
        image = turned(image, turn or 0)
        frames = faces(image)
        if turn is None and not frames and (degrees := upright(image)):
            other = turned(image, degrees)
            if frames := faces(other):
                image, turn = other, degrees
        said = "" if frames else "No face was found: this is the whole picture."
        if len(frames) > 1:
            said = f"Of {len(frames)} faces this is the largest."
    except Problem as problem:
        frames, said = [], f"{problem} Until then this is the whole picture."
    seen = pictures.see(image, shape, box=frames[0] if frames else None, **how)
    return replace(seen, frames=tuple(frames), steps=[*seen.steps, *([said] if said else [])], turn=turn or 0)


def _small(image: Image.Image, longer: int = LOOKED) -> tuple[np.ndarray, float]:
    """The picture in grey as it is searched, and how much smaller that is."""
    scale = longer / max(image.size)
    small = image.resize([max(1, round(side * scale)) for side in image.size], _SMOOTH, reducing_gap=2.0)
    if small.mode == "RGBA":
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    return np.asarray(small.convert("L")), scale


def _frame(box: tuple[int, int, int], about: tuple[float, float, float], scale: float) -> Box:
    """The frame around a square (left, top, side) that a cascade found in a picture of this scale."""
    (left, top, side), (wide, right, up) = box, about
    across, high = wide * side, wide * side / ASPECT
    x, y = left + side * (0.5 + right) - across / 2, top + side * (0.5 - up) - high / 2
    return tuple(round(value / scale) for value in (x, y, across, high))


def _look(
    cascade, grey: np.ndarray, step: float, smallest: int = SMALLEST, sure: int = SURE
) -> list[tuple[int, int, int]]:
    import cv2

    level = cv2.equalizeHist(np.ascontiguousarray(grey))
    squares = cascade.detectMultiScale(level, step, sure, minSize=(smallest, smallest))
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
