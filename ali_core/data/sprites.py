"""Characters of the Liberated Pixel Cup put together from their parts, as an .npz with exact factors.

python -m ali_core sprites CLONE OUT.npz     CLONE: git clone https://github.com/YingzhenLi/Sprites
python -m ali_core sprites OLD.npz OUT.npz   characters that were put together elsewhere: as below
python -m ali_core sprites CLONE OUT.npz --turn    true pairs: each character facing down, and left

What is written has no two equal pictures, and holds out a tenth of the characters in all their poses. Of pairs,
a twelfth is held out; one half of the others is for pictures that face down, the other for left.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.files import write_beside
from ali_core.problem import Problem

from .registry import DATA_SETS

PARTS = ("body", "eyes", "shoes", "bottomwear", "topwear", "hair")  # in the order of painting
DIRECTIONS = ("up", "left", "down", "right")
TILE, WALK, FRAMES = 64, 8, 9  # the walk's four directions are rows 8 to 11 of a sheet
LABEL_NAMES = (*PARTS, f"direction({','.join(DIRECTIONS)})", "walk frame")
ABOUT = {
    "source": DATA_SETS["sprites"].source,
    "licence": DATA_SETS["sprites"].licence,
    "held_out": "a tenth of the characters, in every pose: no combination of "
    f"{', '.join(PARTS[:-1])} and {PARTS[-1]} is in both parts",
}


def build(clone: Path, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws n different combinations of parts, direction and frame, all where there are fewer.

    -> images uint8 (n,64,64,3) on white; labels uint8 (n,8), in the order of LABEL_NAMES. Raises
    Problem for a folder that is no clone.
    """
    sheets = {part: _sheets(clone, part) for part in PARTS}
    sizes = [*(len(sheets[part]) for part in PARTS), len(DIRECTIONS), FRAMES]
    labels = _combinations(sizes, n, np.random.default_rng(seed))
    return _painted(sheets, labels), labels


def turned(clone: Path, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draws n different characters, each in a frame of the walk, facing down and facing left.

    -> down, left, uint8 (n,64,64,3); labels uint8 (n,7), LABEL_NAMES without the direction. Raises
    Problem for a folder that is no clone.
    """
    sheets, rng = {part: _sheets(clone, part) for part in PARTS}, np.random.default_rng(seed)
    people = _combinations([len(sheets[part]) for part in PARTS], n, rng)
    frames = rng.integers(FRAMES, size=(len(people), 1), dtype=np.uint8)
    sides = []
    for name in ("down", "left"):
        facing = np.full_like(frames, DIRECTIONS.index(name))
        sides.append(_painted(sheets, np.concatenate([people, facing, frames], 1)))
    return *sides, np.concatenate([people, frames], 1)


def _combinations(sizes: list[int], n: int, rng: np.random.Generator) -> np.ndarray:
    """n different combinations of so many classes each, all where there are fewer, uint8."""
    every = int(np.prod(sizes))
    numbers = rng.choice(every, min(n, every), replace=False)
    return np.stack(np.unravel_index(numbers, sizes), 1).astype(np.uint8)


def _painted(sheets: dict[str, list[Image.Image]], labels: np.ndarray) -> np.ndarray:
    images = np.empty((len(labels), TILE, TILE, 3), np.uint8)
    for image, (*parts, direction, frame) in zip(images, labels.astype(int), strict=True):
        left, top = TILE * frame, TILE * (WALK + direction)
        drawn = Image.new("RGBA", (TILE, TILE), "white")
        for part, number in zip(PARTS, parts, strict=True):
            drawn.alpha_composite(sheets[part][number], source=(left, top, left + TILE, top + TILE))
        image[:] = np.asarray(drawn)[..., :3]
    return images


def write(path: Path, images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[int, int]:
    """Writes the .npz, every picture once. -> how many characters there are, and how many are held out"""
    seen: dict[bytes, int] = {}
    for number, image in enumerate(images):
        seen.setdefault(image.tobytes(), number)
    first = list(seen.values())
    images, labels = images[first], labels[first]
    people, of = np.unique(labels[:, : len(PARTS)], axis=0, return_inverse=True)
    if len(people) < 2:
        raise Problem(f"{path} would hold one character; two are the least: one is held out.")
    held = np.random.default_rng(seed).permutation(len(people))[: max(1, len(people) // 10)]
    content = io.BytesIO()
    np.savez_compressed(
        content,
        images=images,
        labels=labels,
        label_names=np.array(LABEL_NAMES),
        train=~np.isin(of.ravel(), held),
        **ABOUT,
    )
    write_beside(path, content.getvalue())
    return len(people), len(held)


def write_turned(path: Path, down: np.ndarray, left: np.ndarray, labels: np.ndarray) -> dict[str, int]:
    """Writes the pairs' .npz. -> how many pairs are in each part of its split"""
    held = max(1, len(down) // 12)
    ours = (len(down) - held) // 2
    if not ours:
        raise Problem(f"{path} would hold {len(down)} characters; three are the least.")
    # they were drawn in random order
    split = np.repeat(["a", "b", "test"], [ours, len(down) - held - ours, held])
    about = {key: ABOUT[key] for key in ("source", "licence")}
    names = np.array([name for name in LABEL_NAMES if not name.startswith("direction")])
    content = io.BytesIO()
    np.savez_compressed(
        content,
        images=down,
        images_b=left,
        labels=labels,
        label_names=names,
        split=split,
        **about,
    )
    write_beside(path, content.getvalue())
    return {name: int((split == name).sum()) for name in ("a", "b", "test")}


def _sheets(clone: Path, part: str) -> list[Image.Image]:
    """The sheets PART/0.png, PART/1.png, … of a clone, RGBA."""
    files = sorted((p for p in (clone / part).glob("*.png") if p.stem.isdigit()), key=_number)
    if [_number(path) for path in files] != list(range(len(files))) or not files:
        raise Problem(
            f"{clone} is no clone of YingzhenLi/Sprites: its folder {part} should hold 0.png, 1.png "
            "and so on. Get one: git clone https://github.com/YingzhenLi/Sprites"
        )
    sheets = []
    for path in files:
        try:
            sheet = Image.open(path).convert("RGBA")
        except OSError as error:
            raise Problem(f"{path} cannot be read ({error}); clone it again.") from None
        if sheet.width < FRAMES * TILE or sheet.height < (WALK + len(DIRECTIONS)) * TILE:
            raise Problem(f"{path} is {sheet.width}x{sheet.height}; a sheet has 9 columns and 12 rows of 64x64.")
        sheets.append(sheet)
    return sheets


def _number(path: Path) -> int:
    return int(path.stem)
