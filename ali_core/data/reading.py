"""Many picture files as one array, side by side; those that cannot be read are named."""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.problem import Problem

from . import faces, large, split
from .pictures import FORMATS, read, see, shown

# A training picture may be larger than an upload; the limit on its pixels stays.
MAX_BYTES = 200 * 2**20

AT_ONCE = 4096  # pictures that wait for a thread
# A picture's name, and how to get its bytes
Source = tuple[str, Callable[[], bytes]]


def inside(folder: Path) -> list[Path]:
    """The files of a folder and its subfolders, as paths inside of it, in order; hidden ones are left out."""
    files = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if not any(part.startswith(".") for part in path.parts)]


def read_all(
    where: str, sources: list[Source], size: int, channels: int, frame: str
) -> tuple[np.ndarray, list[int], list[bytes], tuple[str, ...]]:
    """Reads pictures side by side: x uint8 (n,h,w,c), their sources' numbers, a hash of each picture as
    it is stored, whatever `size`, and the names of the unreadable.

    frame: see `faces.framed`. channels 0: 1 when every picture is grey. size 0: the size of the first, which all must have.
    """
    from tqdm import tqdm

    whole: list[str] = []
    shape = (size, size, channels or 3) if size else (*_first(where, sources), channels or 3)
    if max(shape) > 256:
        raise Problem(f"{where}: the pictures are large; give size=28, 32 or 64.")
    x = large.room(len(sources), shape)

    def one(row: int) -> tuple[bytes, bool] | None:
        """Writes a picture into its row. -> its hash, and whether it is grey; None where it cannot be read"""
        name, content = sources[row]
        try:
            picture = read(name, content(), MAX_BYTES, (*FORMATS, "PPM"))
        except (Problem, OSError):
            return None
        if not size and picture.size[::-1] != shape[:2]:
            raise Problem(f"{where}: the pictures have different sizes; give size=28, 32 or 64.")
        seen = faces.framed(picture, shape, frame, invert=False)
        if frame and not seen.frames:
            whole.append(name)
        x[row] = seen.array
        return split.content(picture), bool((x[row] == x[row, ..., :1]).all())

    results: list[tuple[bytes, bool] | None] = []
    bar = tqdm(total=len(sources), disable=None, leave=False)
    with ThreadPoolExecutor() as pool, bar:
        for at in range(0, len(sources), AT_ONCE):
            for result in pool.map(one, range(at, min(at + AT_ONCE, len(sources)))):
                results.append(result)
                bar.update()
    kept = [row for row, result in enumerate(results) if result]
    skipped = tuple(name for (name, _), result in zip(sources, results, strict=True) if not result)
    if not kept:
        raise Problem(f"{where}: no picture that can be read among {len(sources)} files.")
    if skipped:
        listed = ", ".join(map(shown, skipped[:20])) + (" and more" if len(skipped) > 20 else "")
        warnings.warn(f"{where}: {len(skipped)} unreadable skipped: {listed}.", stacklevel=4)
    if whole:
        warnings.warn(f"{where}: no face was found in {len(whole)} of {len(kept)}: they are whole.", stacklevel=4)
    hashes, grey = zip(*(results[row] for row in kept), strict=True)
    if skipped or (not channels and all(grey)):
        x = large.ordered(x, np.array(kept), channels or (1 if all(grey) else 3))
    return x, kept, list(hashes), skipped


def _first(where: str, sources: list[Source]) -> tuple[int, int]:
    """Height and width of the first picture that can be read."""
    for name, content in sources:
        try:
            return read(name, content(), MAX_BYTES, (*FORMATS, "PPM")).size[::-1]
        except (Problem, OSError):
            continue
    raise Problem(f"{where}: no picture that can be read among {len(sources)} files.")


def resized(x: np.ndarray, size: int, channels: int) -> np.ndarray:
    """Pictures uint8 (n,h,w,c) as they are seen at `size` with `channels`; 0 = as they are."""
    shape = (size or x.shape[1], size or x.shape[2], channels or x.shape[3])
    if x.shape[1:] == shape:
        return x
    pictures = map(Image.fromarray, x[..., 0] if x.shape[3] == 1 else x)
    return np.stack([see(picture, shape, invert=False).array for picture in pictures])
