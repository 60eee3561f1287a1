"""Many pictures through a model: files, folders and zips in, PNGs out, the bad ones named.

python -m ali_core reconstruct checkpoints/NAME IN OUT           a picture, or a folder or zip of them
python -m ali_core translate checkpoints/NAME IN OUT [--back]    into the other domain, or back

--beside puts what the model sees to the left of what it makes.
"""

import io
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ali_core.data import apart, pictures
from ali_core.problem import Problem

from . import checkpoint
from .model import to_bytes
from .sheet import grid, png

MOST, MOST_BYTES = 2_000, 500 * 2**20  # files of a zip, and what they may unpack to
LONGEST = 1_000  # characters of a path in a zip
NAME = 200  # bytes of a file's name that are kept: with an ending, 255 are the most of most disks

# a file's name, and how to get its bytes: one after another, never all at once
Files = list[tuple[str, Callable[[], bytes]]]


def unzip(name: str, content: bytes, most: int = MOST) -> Files:
    """The files of a zip, by name; each is unpacked when its turn comes, nothing is written.

    Raises Problem for what is no zip, holds no file, is damaged, names a file outside of its folder, or
    unpacks to more than `most` files or MOST_BYTES. A file that is damaged, encrypted, packed in another way
    than deflate or larger than a picture may be raises a Problem when its turn comes.
    """
    who = f"“{pictures.shown(name)}”"
    many = f"{who} unpacks to more than {most:,} files or {MOST_BYTES >> 20} MB; send it in parts."
    if content.count(b"PK\1\2") > 2 * most:  # its list of files alone would be long to read
        raise Problem(many)
    try:  # as with pictures: bytes that nobody has checked
        file = zipfile.ZipFile(io.BytesIO(content))
        entries = [entry for entry in file.infolist() if not entry.is_dir()]
    except Exception as error:
        raise Problem(f"{who} is damaged, encrypted, or no zip ({error}); pack the pictures again.") from None
    if any(_leaves(entry.filename) for entry in entries):
        raise Problem(f"{who} holds a path that leaves its folder: do not trust it.")
    if any(len(entry.filename) > LONGEST for entry in entries):
        raise Problem(f"{who} holds a path of more than {LONGEST:,} characters; shorten it.")
    if len(entries) > most or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise Problem(many)
    if not entries:
        raise Problem(f"{who} holds no file; put pictures into it.")
    return [(entry.filename, partial(_unpacked, file, entry)) for entry in entries]


def _leaves(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name


def _unpacked(file: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    who = f"“{pictures.shown(entry.filename)}”"
    if entry.file_size > pictures.MAX_BYTES:
        most = pictures.MAX_BYTES >> 20
        raise Problem(f"{who} unpacks to more than {most} MB; make it smaller first.")
    # others may unpack a few bytes to gigabytes before anybody can stop them
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Problem(f"{who} is packed in a rare way; pack it as a usual zip.")
    try:
        with file.open(entry) as stream:
            return stream.read(entry.file_size)  # a header may lie: no more than it promised
    except Exception as error:
        raise Problem(f"{who} is damaged or encrypted ({error}); pack it again.") from None


def through(
    files: Files,
    shape: tuple[int, ...],
    run: Callable[[np.ndarray], np.ndarray],
    border: float | None = None,
    beside: bool = False,
    frame: str = "",
) -> Iterator[tuple[str, bytes | Problem]]:
    """What `run` makes of every file: (name, PNG or why not), no name twice.

    run: uint8 (1,h,w,c) -> (1,h,w,c). beside: to the right of what the model sees. frame: see `faces.framed`.
    """
    taken: set[str] = set()
    for name, content in files:
        try:
            x = apart.see(name, content(), shape, border=border, frame=frame)[0].array[None]
        except Problem as problem:
            yield name, problem
            continue
        result = to_bytes(run(x))
        pair = np.concatenate([x, result]) if beside else result
        yield _unique(name, taken), png(grid(pair, columns=len(pair)))


def _unique(name: str, taken: set[str]) -> str:
    """A file's name as a PNG's, as short as disks need it; another one than those that are taken."""
    folder, path = [_short(part) for part in PurePosixPath(name).parts[:-1]], PurePosixPath(name)
    stem, again = _short(path.stem), 1
    while True:
        last = f"{stem}.png" if again == 1 else f"{stem} ({again}).png"
        unique = "/".join([*folder, last])
        folded = unicodedata.normalize("NFC", unique).casefold()  # to many disks A.png is a.png
        if folded not in taken:
            taken.add(folded)
            return unique
        again += 1


def _short(part: str) -> str:
    return part.encode(errors="replace")[:NAME].decode(errors="ignore")


def zipped(files: list[tuple[str, bytes]]) -> bytes:
    """Files as a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:  # PNGs do not get smaller
        for name, data in files:
            file.writestr(name, data)
    return content.getvalue()


def translators(root: str | Path = "checkpoints") -> list[str]:
    """Names of the checkpoints under `root` that can translate."""
    able = []
    for name in checkpoint.names(root):
        try:
            able += [name] * ("domains" in checkpoint.card(Path(root) / name)["data"])
        except Problem:
            continue
    return able
