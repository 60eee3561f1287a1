"""Cards, atlases, sheets and recordings as a stranger might write them: each is usable, or a Problem.

`cases` goes on for ever; whoever runs it sets the limits of time and memory (see tests/hostile.py).
"""

import copy
import functools
import gzip
import hashlib
import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL.PngImagePlugin import PngInfo

from ali_core.lab import packs
from ali_core.maps import atlas
from ali_core.models import checkpoint, sheet
from ali_core.models.model import Model

SHIPPED = Path(__file__).parents[1] / "checkpoints"
# what stands in a place of a card, of whatever kind was there
VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1,
    5,
    1e6,
    2**31,
    2**63,
    10**400,
    -1e300,
    0.5,
    "",
    "x",
    "../../outside",
    "/etc/passwd",
    "C:\\x",
    "a\0b",
    "![x](http://leak.example/x.png)",
    "<img src=http://leak.example/x>",
    "$$",
    "x" * 30_000,
    [],
    {},
    [5],
    [[]],
    {"": None},
    ["x"] * 20_000,
    [28, 28],
    [28, 28, 2],
    [10**9] * 3,
    [1e9, 1e9, 1e9],
]
RAW = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"NaN",
    b"\xff\xfe",
    b'{"name":1e999}',
    b'{"name":"\\ud800"}',
]
RAW += [b'{"name":' + b"[" * deep + b"]" * deep + b"}" for deep in (20, 990, 100_000)]
BIG = {"latent": 10**6, "width": 2_000, "net": "ali-imagenet", "size": 10**9, "batch": 10**30}


def cases(rng: np.random.Generator) -> Iterator[tuple[str, Callable[[], None]]]:
    """What to call, and its name; each call ends well or raises Problem, or there is a fault."""
    kinds = [_card, _raw, _sizes, _atlas, _zip, _sheet, _recording]
    while True:
        kind, seed = kinds[rng.integers(len(kinds))], int(rng.integers(2**63))
        yield f"{kind.__name__[1:]} {seed}", functools.partial(_one, kind, seed)


def _one(kind: Callable, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kind(np.random.default_rng(seed), Path(folder))


@functools.cache
def _shipped() -> list[str]:
    return checkpoint.names(SHIPPED)


def _pick(rng: np.random.Generator, among: list):
    return copy.deepcopy(among[rng.integers(len(among))])


def _copied(rng: np.random.Generator, folder: Path, mapped: bool = False) -> tuple[Path, dict]:
    """A shipped checkpoint, linked, with a card that may be changed. -> its folder, its card"""
    names = [name for name in _shipped() if not mapped or (SHIPPED / name / atlas.FILE).exists()]
    name = _pick(rng, names)
    (folder / name).mkdir()
    for path in (SHIPPED / name).iterdir():
        if path.name != checkpoint.CARD:
            (folder / name / path.name).symlink_to(path)
    return folder / name, json.loads((SHIPPED / name / checkpoint.CARD).read_text("utf-8"))


def spoil(rng: np.random.Generator, entry) -> None:
    """Changes one place of JSON: another value, none, one more, or another place's."""
    while True:
        keys = list(entry) if isinstance(entry, dict) else list(range(len(entry)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        deeper = isinstance(entry[key], dict | list) and len(entry[key])
        if not deeper or rng.random() < 0.3:
            break
        entry = entry[key]
    what = rng.integers(5)
    if what == 0:
        del entry[key]
    elif what == 1 and isinstance(entry, dict):
        entry[f"{key} more"] = _pick(rng, VALUES)
    elif what == 2:
        entry[key] = copy.deepcopy(entry[keys[rng.integers(len(keys))]])
    else:
        entry[key] = _pick(rng, VALUES)


def _read(folder: Path, card: dict | bytes, load: bool) -> None:
    """As the app and the commands read a checkpoint."""
    content = card if isinstance(card, bytes) else json.dumps(card).encode()
    (folder / checkpoint.CARD).write_bytes(content)
    card = checkpoint.card(folder)
    json.dumps(card)  # the Model page's download
    if load:
        model = Model.load(folder)
        if model.domains:
            model.translate(np.zeros((1, *model.shape), np.uint8))
        else:
            model.sample(1, 0)
    if "atlas" in card:
        _ask(atlas.load(folder))


def _ask(the_map: atlas.Atlas) -> None:
    """A map is asked what the pages ask."""
    atlas.place(the_map, the_map.z[:2])
    atlas.place(the_map, the_map.z[:2], "pca")
    lifted = atlas.lift(the_map, np.zeros(2))
    assert np.isfinite(lifted["z"]).all() and lifted["typical_map_distance"] > 0
    assert the_map.typical["nearest"][the_map.typical["levels"].index(0.5)] > 0


def _card(rng: np.random.Generator, folder: Path) -> None:
    place, card = _copied(rng, folder)
    for _ in range(rng.integers(1, 4)):
        spoil(rng, card)
    _read(place, card, load=rng.random() < 0.2)


def _raw(rng: np.random.Generator, folder: Path) -> None:
    place, card = _copied(rng, folder)
    content = bytearray(json.dumps(card).encode())
    for at in rng.integers(len(content), size=rng.integers(1, 5)):
        content[at] = rng.integers(256)
    _read(place, _pick(rng, RAW) if rng.random() < 0.5 else bytes(content), load=False)


def _sizes(rng: np.random.Generator, folder: Path) -> None:
    place, card = _copied(rng, folder)
    if rng.random() < 0.7:
        key = _pick(rng, list(BIG))
        card["config"][key] = BIG[key]
    else:
        side = int(rng.integers(1, 300))
        card["data"]["shape"] = [side, side, int(rng.integers(1, 4))]
        card["data"]["classes"] = [int(n) for n in rng.integers(1, 20_000, rng.integers(1, 4))]
    _read(place, card, load=True)


def _vouched(folder: Path, card: dict, content: bytes) -> None:
    """An atlas of these bytes, for which its card stands."""
    (folder / atlas.FILE).unlink()
    (folder / atlas.FILE).write_bytes(content)
    card["atlas"]["sha256"] = hashlib.sha256(content).hexdigest()
    _read(folder, card, load=False)


def _atlas(rng: np.random.Generator, folder: Path) -> None:
    """Arrays of other shapes, kinds and numbers; an `about` of anybody's."""
    place, card = _copied(rng, folder, mapped=True)
    with np.load(place / atlas.FILE) as file:
        arrays = {key: file[key][:200] if file[key].ndim else file[key] for key in file.files}
    about = json.loads(str(arrays["about"]))
    name, what = _pick(rng, list(arrays)), rng.integers(7)
    array = arrays[name]
    if what == 0:
        del arrays[name]
    elif what == 1:
        arrays[name] = np.full(array.shape, _pick(rng, [np.nan, np.inf, -1, 0, 1e300]))
    elif what == 2 and name != "about":
        arrays[name] = array.astype(_pick(rng, ["f8", "c16", "U5", "S3", "i1", "u8", "?"]))
    elif what == 3:
        arrays[name] = array[..., None] if rng.random() < 0.5 else array.reshape(-1)[:7]
    elif what == 4 and array.ndim:
        arrays[name] = np.asfortranarray(array)[:: _pick(rng, [1, 2, 50])]
    elif what == 5:
        arrays["y"] = np.full(len(arrays["z"]), _pick(rng, [-1, 10**9, 9_999]))
    else:
        spoil(rng, about)
        arrays["about"] = np.array(json.dumps(about))
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    _vouched(place, card, content.getvalue())


def _zip(rng: np.random.Generator, folder: Path) -> None:
    """Damaged zips, bombs, headers that promise more than there is, a list of many files."""
    place, card = _copied(rng, folder, mapped=True)
    content, kind = bytearray((place / atlas.FILE).read_bytes()), rng.integers(3)
    if kind == 0:
        for at in rng.integers(len(content), size=rng.integers(1, 20)):
            content[at] = rng.integers(256)
    elif kind == 1:
        content = content[: rng.integers(len(content))]
    else:
        content = archive_of(int(rng.integers(3)), int(rng.integers(5)))
    _vouched(place, card, bytes(content))


@functools.cache
def archive_of(packed: int, which: int) -> bytes:
    """A zip of an array whose header promises too much, or of many files."""
    file = io.BytesIO()
    way = [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA][packed]
    with zipfile.ZipFile(file, "w", way) as archive:
        if which < 4:
            header = io.BytesIO()
            shape = [(10**9, 64), (10_000, 10_000), (2**62, 4), (16, 10**12)][which]
            described = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(header, described)
            archive.writestr("z.npy", header.getvalue() + bytes(4 << 20))
        else:
            for i in range(3_000):
                archive.writestr(f"{i}.npy", b"", zipfile.ZIP_STORED)  # making it is not what is timed
    return file.getvalue()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def _sheet(rng: np.random.Generator, folder: Path) -> None:
    """Sheets of other sizes than they say, bombs, damaged ones."""
    (folder / atlas.PICTURES).mkdir()
    path, kind = folder / atlas.PICTURES / "x.png", rng.integers(3)
    if kind == 0:
        side = int(_pick(rng, [0, 28, 2_800, 60_000, 2**31 - 1]))
        says = _pick(rng, [b"100 28 28", b"1 1 1", b"x", b"-1 -1 -1", b"10 0 0", b"9" * 5_000])
        words = b"pictures\0" + says
        header = side.to_bytes(4, "big") * 2 + bytes([8, _pick(rng, [0, 2, 3, 6]), 0, 0, 0])
        parts = _chunk(b"IHDR", header) + _chunk(b"tEXt", words)
        parts += _chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + _chunk(b"IEND", b"")
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    else:
        content = bytearray(_small_sheet())
        for at in rng.integers(len(content), size=rng.integers(1, 6)):
            content[at] = rng.integers(256)
        path.write_bytes(content if kind == 1 else content[: rng.integers(len(content))])
    pictures = atlas.pictures(folder, "x")
    assert pictures.dtype == np.uint8 and pictures.ndim == 4


@functools.cache
def _small_sheet() -> bytes:
    x, words = np.random.default_rng(0).integers(0, 256, (150, 4, 4, 3), np.uint8), PngInfo()
    words.add_text("pictures", "150 4 4")
    words.add_text("sha256", hashlib.sha256(x.tobytes()).hexdigest())
    content = io.BytesIO()
    sheet.grid(x, 100).save(content, "png", pnginfo=words)
    return content.getvalue()


def _recording(rng: np.random.Generator, folder: Path) -> None:
    """Damaged, bombs, packs whose words are anybody's."""
    path, kind = folder / "x.gz", rng.integers(4)
    names = sorted((SHIPPED / "lab").glob("*.gz"))
    content = _pick(rng, names).read_bytes()
    if kind == 0:
        damaged = bytearray(content)
        for at in rng.integers(len(content), size=rng.integers(1, 6)):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
    elif kind == 1:
        path.write_bytes(_bomb())
    else:
        parts = list(packs.parted(gzip.decompress(content)))[: rng.integers(1, 6)]
        which = rng.integers(len(parts))
        length = int.from_bytes(parts[which][:4], "little")
        words, arrays = json.loads(parts[which][4 : 4 + length]), parts[which][4 + length :]
        spoil(rng, words)
        header = json.dumps(words).encode()
        cut = arrays if rng.random() < 0.8 else arrays[: rng.integers(len(arrays))]
        parts[which] = len(header).to_bytes(4, "little") + header + cut
        path.write_bytes(gzip.compress(packs.joined(parts), 1))
    for one in packs.read(path):
        packs.unpack(one)


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(packs.LARGEST + 1), 6)
