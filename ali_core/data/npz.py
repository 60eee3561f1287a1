"""A stranger's .npz: only the arrays that are asked for, and of those no more than there is room."""

import io
import math
import struct
import zipfile

import numpy as np

LISTED = 1 << 16  # bytes of a zip's list of its files


def read(content: bytes, kinds: dict[str, str], room: int) -> dict[str, np.ndarray]:
    """The arrays of an .npz by their names, as far as it has them, as they were kept.

    kinds: the letters of numpy's kinds that an array may be of ("fiu"; "U" for text). room: bytes of all of them.
    Damaged files raise nearly every exception there is.
    """
    # numpy writes no comment and no zip64: a list of a million files is refused before it is read
    end, listed = content[-22:-18], struct.unpack("<I", content[-10:-6])[0]
    if end != b"PK\5\6" or content[-2:] != b"\0\0" or listed > LISTED:
        raise ValueError("it is no .npz")
    found = {}
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        names = {name.removesuffix(".npy") for name in file.namelist()}
        for name in filter(names.__contains__, kinds):
            found[name] = _array(file, name, kinds[name], room)
            room -= found[name].nbytes
    return found


def _array(file: zipfile.ZipFile, name: str, kinds: str, room: int) -> np.ndarray:
    """An array of a zip; its header is believed only as far as `room` bytes."""
    with file.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, by_columns, kind = read(stream)
        size = math.prod(shape) * kind.itemsize
        if kind.kind not in kinds or not 0 <= size <= room:
            raise ValueError(f"«{name}» is {shape} of {kind}")
        content = stream.read(size)
        return np.frombuffer(content, kind).reshape(shape, order="F" if by_columns else "C")
