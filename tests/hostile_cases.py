"""The cases of python -m tests.hostile: valid things, made here, and every way of damaging them."""

import asyncio
import functools
import gc
import itertools
import json
import shutil
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from starlette.routing import Router

from ali_core.data import apart, points
from ali_core.files import write_beside
from ali_core.models import batch
from ali_core.problem import Problem
from app.server.live import routes
from app.shared import link, tray

from . import visits
from .test_intake import endless_scans, zip_of
from .test_pictures import FILES, bomb_png, file

Cases = Iterator[tuple[str, Callable[[], None]]]
SHAPES = [(28, 28, 1), (32, 32, 3), (64, 64, 3)]
SIZES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]
WORDS = [
    "",
    "0",
    "-1",
    "1,2",
    "nan,inf",
    "1e999,1",
    "9" * 400,
    "../../etc/passwd",
    "%00",
    "\0",
    "\ud800",
    "‮ gpj",
    "![x](http://elsewhere.example/x.png)",
    "<script>alert(1)</script>",
    "None",
    "null",
    "[]",
    "{}",
    "1_0",
    "٣",
    "~",
    "~eJz7DwABAgEB",
    "p0,p1",
    "s1t9y9",
    "p99999999",
    "a" * 20_000,
    "{0.__class__}",
    "'; --",
    "\n",
    "p0",
    "s42",
]
folder = Path()


def get_ready(place: Path) -> None:
    """Everything is written into this folder; pages are read once, so that none is the first."""
    global folder
    folder = place
    warnings.simplefilter("ignore")  # decoders warn of what they mend
    for page in PAGES:
        visits.visit(page)
    apart.warm()
    gc.freeze()  # or every collection walks over all of PyTorch


def mutated(rng: np.random.Generator, content: bytes, other: bytes = b"") -> bytes:
    """Bytes with one to four damages: changed, cut, doubled, moved, sizes made huge, another's mixed in."""
    damaged = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        n = len(damaged)
        if not n:
            break
        reach = min(n, 200) if rng.random() < 0.5 else n  # headers matter most
        at, length = int(rng.integers(reach)), int(rng.integers(1, min(n, 64) + 1))
        match int(rng.integers(8)):
            case 0:
                for place in rng.integers(0, reach, rng.integers(1, 9)):
                    damaged[place] = rng.integers(256)
            case 1:
                damaged[at] ^= 1 << rng.integers(8)
            case 2:
                del damaged[int(rng.integers(n)) :]
            case 3:
                del damaged[at : at + length]
            case 4:
                damaged[at:at] = damaged[at : at + length] * int(rng.integers(1, 300))
            case 5:
                wide = int(rng.choice([1, 2, 4]))
                size = int(rng.choice(SIZES)) & (256**wide - 1)
                damaged[at : at + wide] = size.to_bytes(wide, str(rng.choice(["big", "little"])))
            case 6:
                damaged[at:at] = rng.bytes(length)
            case 7:
                damaged[at:] = other[int(rng.integers(len(other) + 1)) :]
    return bytes(damaged)


# ---- pictures --------------------------------------------------------------------------------------


def see(content: bytes, shape: tuple[int, int, int], fit: str) -> None:
    """As an upload is seen."""
    seen, small = apart.see("upload.png", content, shape, fit, None, 0.0)
    assert seen.array.shape == shape and seen.array.dtype == np.uint8, seen.array.shape
    assert small.mode in ("L", "RGB", "RGBA") and max(small.size) < 2 * apart.PREVIEW, small.size


def pictures(rng: np.random.Generator) -> Cases:
    """Small pictures of every kind; one of fifty so long that it is decoded apart."""
    for k in itertools.count():
        which, other = (int(i) for i in rng.integers(len(FILES), size=2))
        content = mutated(rng, FILES[which], FILES[other])
        if k % 50 == 0:
            content += bytes(apart.QUICK_BYTES)
        shape, fit = SHAPES[rng.integers(3)], str(rng.choice(["crop", "fit"]))
        yield f"picture {k} (like {which})", functools.partial(see, content, shape, fit)


def blank(mode: str, kind: str, side: int = 6300, **how) -> bytes:
    """A picture of 40 million pixels, which a file of few bytes holds."""
    return file(Image.new(mode, (side, side)), kind, **how)


LARGE = {
    "scans repeated": lambda: endless_scans(1000),
    "as many scans as may be": lambda: endless_scans(20),
    "segments without end": lambda: b"\xff\xd8" + b"\xff\xe1\x00\x02" * 2_000_000,
    "plain PPM": lambda: b"P3 2000 1400 255\n" + b"7 " * 4_200_000,
    "a header of 3.6 billion pixels": lambda: bomb_png(60_000, 60_000),
    "chunks without end": lambda: b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0teSt\0\0\0\0" * 800_000,
    "a long BMP in runs": lambda: b"".join(
        [
            b"BM",
            bytes(8),
            (54).to_bytes(4, "little"),
            (40).to_bytes(4, "little"),
            (6000).to_bytes(4, "little") * 2,
            b"\1\0\x08\0\1\0\0\0",
            bytes(20),
            b"\1\7" * 5_000_000,
        ]
    ),
    "transparent": lambda: blank("RGBA", "PNG", compress_level=1),
    "grey and transparent": lambda: blank("LA", "PNG", compress_level=1),
    "print colours": lambda: blank("CMYK", "JPEG"),
    "a GIF": lambda: blank("P", "GIF"),
    "a WebP": lambda: blank("RGBA", "WEBP", 5000, lossless=True, method=0),
    "16 bits": lambda: blank("I;16", "PNG", compress_level=1),
    "measured numbers": lambda: blank("F", "TIFF", compression="tiff_adobe_deflate"),
    "progressive": lambda: blank("RGB", "JPEG", progressive=True, subsampling=0),
}


def kept(rng: np.random.Generator) -> Cases:
    """What once did harm, or is known to do it, as it was."""
    for name, make in LARGE.items():
        yield name, functools.partial(see, make()[: 10 * 2**20], (28, 28, 1), "crop")
    tree = zip_of(*[(f"{k}.png", bytes(30 * 2**20)) for k in range(16)])
    yield "a zip of 490 MB", functools.partial(unpack, tree)
    full = zip_of(*[(f"{k}.png", bytes(9 * 2**20)) for k in range(50)])
    yield "a zip of 50 files of 9 MB", functools.partial(unpack, full)
    for how in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        packed = zip_of(("a.png", bytes(80 * 2**20)), how=how)
        yield f"a zip packed in way {how}", functools.partial(unpack, packed)
    yield "a list of files without end", functools.partial(unpack, endless_list())
    for name, text in {
        "lines without end": b"1,2\n" * 2_500_000,
        "old lines without end": b"1,2\r" * 2_500_000,
        "cells without end": b"1," * 5_000_000,
        "one cell without end": b'"' + b"1" * 10_000_000,
        "quotes": b'"' * 4_000 + b"\n1,2\n" * 50,
        "quotes in turn": b"\",'" * 3_000,
    }.items():
        yield f"a table of {name}", functools.partial(learn, text)


def endless_list() -> bytes:
    """A zip of one file whose list names it 150,000 times."""
    content = zip_of(("a.png", b"x"))
    where = content.index(b"PK\1\2")
    entry, end = content[where:-22], bytearray(content[-22:])
    end[12:16] = (len(entry) * 150_000).to_bytes(4, "little")
    return content[:where] + entry * 150_000 + bytes(end)


# ---- zips and tables -------------------------------------------------------------------------------


def unpack(content: bytes) -> None:
    """As the command does it: what can be read is written into a folder."""
    out = folder / "out"
    try:
        for name, result in batch.through(batch.unzip("a.zip", content), (8, 8, 1), lambda x: x / 255):
            if not isinstance(result, Problem):
                write_beside(out / name, result)
    finally:
        shutil.rmtree(out, ignore_errors=True)


def zips(rng: np.random.Generator) -> Cases:
    """Small zips of pictures by strange names."""
    names = [
        "a.png",
        "a.png",
        "deep/b.jpg",
        "../c.png",
        "/d.png",
        "e" * 264,
        "C:f.png",
        "g\\..\\h.png",
        "A.png/i",
        "ü.png",
        "con.png",
        "a\n.png",
        "~",
        "-rf",
        " ",
        "." * 9,
        "j/" * 300 + "k.png",
    ]
    ways = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2]
    for k in itertools.count():
        chosen = rng.choice(names, rng.integers(1, 4))
        files = [(str(name), FILES[rng.integers(len(FILES))]) for name in chosen]
        content = zip_of(*files, how=ways[rng.choice(4, p=[0.4, 0.4, 0.1, 0.1])])
        if rng.random() < 0.8:
            tail = int(rng.integers(40, 400)) if rng.random() < 0.5 else len(content)
            content = content[:-tail] + mutated(rng, content[-tail:], content)
        yield f"zip {k}", functools.partial(unpack, content)


def learn(content: bytes) -> None:
    """As the lab takes a table."""
    data = points.as_data(points.read_csv("table.csv", content))
    assert data.x.shape[1] == 2 and np.isfinite(data.x).all()


def tables(rng: np.random.Generator) -> Cases:
    """Tables of points."""
    for k in itertools.count():
        split, end = str(rng.choice([",", ";", "\t", " "])), str(rng.choice(["\n", "\r\n", "\r"]))
        scale = 10.0 ** rng.integers(-300, 300) if rng.random() < 0.2 else 1.0
        rows = rng.normal(size=(rng.integers(1, 60), rng.choice([1, 2, 3], p=[0.1, 0.8, 0.1])))
        text = end.join(split.join(f"{value:.5g}" for value in row) for row in rows * scale)
        content = ("x,y\n" * bool(rng.random() < 0.3) + text).encode()
        yield f"table {k}", functools.partial(learn, mutated(rng, content, b'"\xff\xfe\n,nan,inf'))


# ---- links and orders ------------------------------------------------------------------------------

PARSERS = {
    "number": link.number(0, 9_999),
    "numbers": link.numbers(10_000),
    "place": link.place,
    "tray": tray.parse,
    "one of": link.one_of("a", "b"),
}
PAGES = {
    "latent_map": "pictures view colour beside picks place live",
    "reconstruct": "item source fit invert y y0 y1 as draw layers seed",
    "interpolate": "a b c d mode how frames cell do from to seed start factor",
    "translate": "way from no swapped fit invert",
    "compare": "among set with only measure item",
    "model": "seed truncation part y",
    "lessons": "lesson present knob live step",
    "lab": "show beside live run member against data points step slow layers seed",
    "guess": "game round part seed",
}


def strange(rng: np.random.Generator) -> str:
    """A value for a link."""
    word = WORDS[rng.integers(len(WORDS))]
    if rng.random() < 0.5:
        content = mutated(rng, word[:200].encode(errors="replace") or b"1", b"~,.;\xff")
        word = content[:2_000].decode(errors="replace")
    return word


def parsed(parse: Callable, text: str) -> None:
    try:
        parse(text)
    except ValueError:  # what `link.keep` waits for
        raise Problem("This value makes no sense.") from None


def links(rng: np.random.Generator) -> Cases:
    """Values of a link through every parser."""
    for k in itertools.count():
        name = str(rng.choice(list(PARSERS)))
        yield f"link {k} ({name})", functools.partial(parsed, PARSERS[name], strange(rng))


def pages(rng: np.random.Generator) -> Cases:
    """Whole pages by such a link, and by another one in the same visit, as Back and Forward do it."""
    for k in itertools.count():
        page = str(rng.choice(list(PAGES)))
        keys = [*PAGES[page].split(), "checkpoint", "tray"]
        asked = [{str(key): strange(rng) for key in rng.choice(keys, 3, replace=False)} for _ in "ab"]
        yield f"page {k} ({page}?{asked})"[:300], functools.partial(visit, page, asked)


def visit(page: str, asked: list[dict[str, str]]) -> None:
    first, then = ({key: text.replace("\ud800", "") for key, text in each.items()} for each in asked)
    app = visits.visit(page, **first)
    for key, value in then.items():
        app.query_params[key] = value
    visits.whole(app.run())


async def answered(method: str, path: str, query: bytes, content: bytes, origin: bytes) -> int:
    """The status with which the server answers."""
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(errors="replace"),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "server": ("localhost", 1),
        "client": ("::1", 1),
        "headers": [(b"host", b"localhost"), (b"origin", origin)],
    }
    status = []

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            status.append(message["status"])

    await Router(routes)(scope, receive, send)
    return status[0]


def ask(*request) -> None:
    if (status := asyncio.run(answered(*request))) >= 400:
        assert status < 500, status
        raise Problem(f"The server answers {status}.")


def orders(rng: np.random.Generator) -> Cases:
    """Orders to runs that may or may not exist, questions for frames and recordings."""
    good = json.dumps({"run": "abcdefgh", "secret": "x" * 22, "do": "step", "turn": "both", "speed": 1}).encode()
    for k in itertools.count():
        match int(rng.integers(4)):
            case 0:
                request = "GET", f"/recordings/{strange(rng)}", b"", b"", b"http://localhost"
            case 1:
                query = mutated(rng, b"run=abc.3&who=me", b"&run=%ff.9999999999")
                request = "GET", "/frames", query, b"", b"http://localhost"
            case _:
                origin = b"http://localhost" if rng.random() < 0.9 else rng.bytes(9)
                words = mutated(rng, good, b'{"run": [[[[' + b"[" * 5_000)
                request = "POST", "/do", b"", words, origin
        yield f"order {k} {request[:2]}"[:200], functools.partial(ask, *request)


KINDS = [kept, pictures, zips, tables, links, orders, pages]
