"""python -m ali_core sprites CLONE OUT.npz: characters with eight known factors, from their parts."""

import argparse
from pathlib import Path

import numpy as np

from ali_core.data.sprites import ABOUT, LABEL_NAMES, build, turned, write, write_turned
from ali_core.problem import Problem


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of an .npz with the factors of LABEL_NAMES."""
    try:
        with np.load(path, allow_pickle=False) as file:
            images, labels, names = (file[key] for key in ("images", "labels", "label_names"))
    except Exception as error:  # damaged zips raise nearly every exception there is
        raise Problem(f"{path} cannot be read as an .npz of images and labels ({error}).") from None
    fits = images.ndim == 4 and images.dtype == np.uint8 and labels.shape == (len(images), 8)
    if not fits or tuple(map(str, names)) != LABEL_NAMES:
        raise Problem(f"{path} does not hold pictures with the labels {', '.join(LABEL_NAMES)}.")
    return images, labels


def main(argv: list[str]) -> None:
    """python -m ali_core sprites CLONE OUT.npz."""
    parser = argparse.ArgumentParser(
        "python -m ali_core sprites",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clone", type=Path, help="a clone of YingzhenLi/Sprites, or an .npz")
    parser.add_argument("output", type=Path, help="the .npz to write")
    parser.add_argument("--n", type=int, help="combinations to draw (default 30,000; with --turn 12,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--turn", action="store_true", help="pairs, facing down and left")
    words = parser.parse_args(argv)
    if words.n is None:
        words.n = 12_000 if words.turn else 30_000
    if words.output.suffix != ".npz":
        raise Problem(f"{words.output} must end in .npz.")
    if words.n < 2:
        raise Problem(f"--n {words.n}: two pictures are the least.")
    source = words.clone
    if words.turn:
        parts = write_turned(words.output, *turned(source, words.n, words.seed))
        print(
            f"{words.output}: {parts['a']:,} characters facing down, {parts['b']:,} others facing left, "
            f"{parts['test']:,} held out as pairs. {ABOUT['licence']}."
        )
        return
    images, labels = _read(source) if source.is_file() else build(source, words.n, words.seed)
    people, held = write(words.output, images, labels, words.seed)
    print(f"{words.output}: {people:,} characters, {held:,} of them held out. {ABOUT['licence']}.")
