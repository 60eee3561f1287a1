"""Many picture files as one array, side by side; those that cannot be read are named."""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.problem import Problem

from . import faces, split
from .pictures import FORMATS, read, see, shown

# A training picture may be larger than an upload; the limit on its pixels stays.
MAX_BYTES = 200 * 2**20

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

    def one(source: Source) -> tuple[np.ndarray, bytes] | None:
        name, content = source
        try:
            picture = read(name, content(), MAX_BYTES, (*FORMATS, "PPM"))
        except (Problem, OSError):
            return None
        shape = (size, size, channels or 3) if size else (*picture.size[::-1], channels or 3)
        if max(shape) > 256:
            raise Problem(f"{where}: the pictures are large; give size=28, 32 or 64.")
        seen = faces.framed(picture, shape, frame, invert=False)
        if frame and not seen.frames:
            whole.append(name)
        return seen.array, split.content(picture)

    with ThreadPoolExecutor() as pool:
        pictures = list(tqdm(pool.map(one, sources), total=len(sources), disable=None, leave=False))
    kept = [k for k, pair in enumerate(pictures) if pair is not None]
    skipped = tuple(source[0] for source, pair in zip(sources, pictures, strict=True) if pair is None)
    arrays = [pictures[k][0] for k in kept]
    if not arrays:
        raise Problem(f"{where}: no picture that can be read among {len(sources)} files.")
    if skipped:
        listed = ", ".join(map(shown, skipped[:20])) + (" and more" if len(skipped) > 20 else "")
        warnings.warn(f"{where}: {len(skipped)} unreadable skipped: {listed}.", stacklevel=4)
    if whole:
        warnings.warn(f"{where}: no face was found in {len(whole)} of {len(arrays)}: they are whole.", stacklevel=4)
    if len({array.shape for array in arrays}) > 1:
        raise Problem(f"{where}: the pictures have different sizes; give size=28, 32 or 64.")
    x = np.stack(arrays)
    if not channels and (x == x[..., :1]).all():
        x = x[..., :1]
    return x, kept, [pictures[k][1] for k in kept], skipped


def resized(x: np.ndarray, size: int, channels: int) -> np.ndarray:
    """Pictures uint8 (n,h,w,c) as they are seen at `size` with `channels`; 0 = as they are."""
    shape = (size or x.shape[1], size or x.shape[2], channels or x.shape[3])
    if x.shape[1:] == shape:
        return x
    pictures = map(Image.fromarray, x[..., 0] if x.shape[3] == 1 else x)
    return np.stack([see(picture, shape, invert=False).array for picture in pictures])
