"""Arrays and what is said of them in one piece of bytes, which a browser reads without help; recordings."""

import gzip
import json
import math
import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ali_core.models import schema
from ali_core.problem import Problem

LARGEST = 32 << 20  # bytes of a recording, packed and unpacked: ours have a thirtieth of it
MOST = 10_000  # packs
# arrays that every scene and every frame has: kind, sides; 0: any
SHAPES = {
    "scene": {"y": ("u1", 0)} | dict.fromkeys(("x", "z", "at_x", "at_z"), ("i2", 0, 2)),
    "frame": dict.fromkeys(("x_tilde", "z_hat", "x_rec"), ("i2", 0, 2)) | {"lattice": ("i2", 0, 0, 2)},
}


def pack(kind: str, numbers: dict, arrays: dict) -> bytes:
    """JSON and arrays in one piece: see `unpack`. Floats become int16, scaled array by array."""
    entries, parts, at = {}, [], 0
    for name, values in arrays.items():
        values, scale = np.asarray(values), 1.0
        if values.dtype != np.uint8:
            scale = float(np.abs(values).max(initial=1e-9)) / 32_767
            values = (values / scale).round().astype("<i2")
        content = values.tobytes()
        content += bytes(-len(content) % 8)
        kept = "u1" if values.dtype == np.uint8 else "i2"
        entries[name] = {"type": kept, "shape": values.shape, "scale": scale, "at": at}
        parts.append(content)
        at += len(content)
    words = json.dumps({"kind": kind} | numbers | {"arrays": entries}).encode()
    words += b" " * (-(4 + len(words)) % 8)
    return struct.pack("<I", len(words)) + words + b"".join(parts)


def unpack(content: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """A pack's numbers and arrays, each in the units it was packed in."""
    (length,) = struct.unpack_from("<I", content)
    about, arrays = json.loads(content[4 : 4 + length]), {}
    for name, entry in about.pop("arrays").items():
        shape, kind = entry["shape"], {"u1": np.uint8, "i2": "<i2"}[entry["type"]]
        stored = np.frombuffer(content, kind, math.prod(shape), 4 + length + entry["at"])
        arrays[name] = stored.reshape(shape) * entry["scale"]
    return about, arrays


def about(content: bytes) -> dict:
    """A pack's numbers alone."""
    (length,) = struct.unpack_from("<I", content)
    return json.loads(content[4 : 4 + length])


def joined(packs: list[bytes]) -> bytes:
    """Packs one after another, each behind its length."""
    return b"".join(struct.pack("<I", len(one)) + one for one in packs)


def parted(content: bytes) -> Iterator[bytes]:
    """The packs of `joined`."""
    at = 0
    while at < len(content):
        (length,) = struct.unpack_from("<I", content, at)
        yield content[at + 4 : at + 4 + length]
        at += 4 + length


def recording(packs: list[bytes]) -> bytes:
    """A file of a scene and its frames; the same packs give the same bytes."""
    return gzip.compress(joined(packs), mtime=0)


def read(path: Path) -> list[bytes]:
    """The packs of a recording: its scene, with a card, then its frames; raises Problem for others."""
    remedy = f"make it anew: python -m ali_core record {path.stem}"
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"more than {LARGEST:,} bytes")
        unzip = zlib.decompressobj(31)
        content = unzip.decompress(path.read_bytes(), LARGEST)
        packs = list(islice(parted(content), MOST + 1))
        if not unzip.eof or not 2 <= len(packs) <= MOST:
            raise ValueError("it is cut off, or too large")
        steps = []
        for number, content in enumerate(packs):
            kind = schema.Frame if number else schema.Scene
            about = schema.parse(_words(content), kind, f"{path}, pack {number}", remedy)
            schema.fit(about, schema.Pack, f"{path}, pack {number}", remedy)
            _check(content, about, SHAPES[about["kind"]])
            steps += [about["step"]] if number else []
        if steps[0] != 0 or steps != sorted(set(steps)):
            raise ValueError("its steps do not rise from 0")
    except FileNotFoundError:
        raise Problem(f"{path} is missing; make it: python -m ali_core record {path.stem}") from None
    except (OSError, zlib.error, struct.error, ValueError) as error:
        raise Problem(f"{path} is no recording ({error}); {remedy}") from None
    return packs


def _words(content: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", content)
    return content[4 : 4 + length]


def _check(content: bytes, about: dict, wanted: dict) -> None:
    """Raises ValueError where a pack's arrays are not inside of it, or not those that are drawn."""
    entries, room = about["arrays"], len(content) - 4 - len(_words(content))
    for name, entry in entries.items():
        bytes_each = {"u1": 1, "i2": 2}[entry["type"]]
        if entry["at"] % bytes_each or entry["at"] + math.prod(entry["shape"]) * bytes_each > room:
            raise ValueError(f"«{name}» is not whole")
    for name, (kind, *sides) in wanted.items():
        entry = entries.get(name, {"type": "", "shape": []})
        fits = len(entry["shape"]) == len(sides) and all(
            side in (0, said) for side, said in zip(sides, entry["shape"], strict=True)
        )
        if entry["type"] != kind or not fits:
            raise ValueError(f"«{name}» is not what is drawn")
