"""Arrays and what is said of them in one piece of bytes, which a browser reads without help; recordings."""

import gzip
import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .problem import Problem


def pack(kind: str, numbers: dict, arrays: dict) -> bytes:
    """JSON and arrays in one piece: see `unpack`. Floats become int16 of the array's own scale."""
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
    """A pack's numbers and arrays, each in its own units."""
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
    try:
        packs = list(parted(gzip.decompress(path.read_bytes())))
        unpack(packs[0])
    except FileNotFoundError:
        raise Problem(
            f"{path} is missing; make it: python -m ali_core record {path.stem}"
        ) from None
    except (OSError, EOFError, struct.error, IndexError, json.JSONDecodeError) as error:
        raise Problem(
            f"{path} is no recording ({error}); make it anew: python -m ali_core record {path.stem}"
        ) from None
    return packs
