"""A reader's own pictures as an atlas: read, encoded and laid out in a process of their own, into a folder of their own.

python -m ali_core.maps.worker     that process; the app starts it

It reads one line of JSON on stdin: {"checkpoint": folder, "sources": [folder, zip or picture, …], "home": folder}. On
stdout it says how far it is, a line each ("0.25 reads picture 250 of 1,000"). What is wrong is a sentence on stderr,
and exit status 2.
"""

import contextlib
import json
import os
import sys
import time
import unicodedata
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from ali_core.data import apart, pictures
from ali_core.data.reading import inside
from ali_core.measure import metrics
from ali_core.models import batch
from ali_core.models.model import Model
from ali_core.models.sheet import MOST_PIXELS, grid
from ali_core.problem import Problem

from . import atlas as reading
from . import layout
from .atlas import FEWEST
from .own import ARRAYS, MOST, PIXELS, SECONDS, SHEET

AT_ONCE = 500  # pictures that are encoded between two words about it
NAMED = 200  # bad files whose sentence is kept
READ, ENCODED, LAID = 0.3, 0.7, 0.95  # shares of the bar at the end of each part
Told = Callable[[float, str], None]


def gather(sources: list[Path], names: list[str]) -> tuple[batch.Files, int]:
    """The files of folders and zips, and single pictures, called `names`: at most MOST. -> they, and how many there were

    Hidden files are left out. Of more than MOST so many, evenly spread, in the order of their names. Raises Problem
    for a folder that is missing or empty, and for a zip that is refused.
    """
    files: batch.Files = []
    for path, name in zip(sources, names, strict=True):
        if path.is_dir():
            found = inside(path)
            files += [(one.as_posix(), partial(_content, path / one)) for one in found]
        elif not path.exists():
            raise Problem(f"There is no folder {path}; give one that holds pictures.")
        else:
            content = path.read_bytes()
            if name.lower().endswith(".zip") or content[:4] == b"PK\3\4":
                files += batch.unzip(name, content, MOST)
            else:
                files.append((PurePosixPath(name).name, partial(bytes, content)))
    files = sorted((file for file in files if not _hidden(file[0])), key=lambda file: file[0])
    if not files:
        raise Problem(f"“{pictures.shown(names[0])}” holds no file; put pictures into it.")
    picked = np.linspace(0, len(files) - 1, min(len(files), MOST)).round().astype(int)
    return [files[number] for number in picked], len(files)


def _content(path: Path) -> bytes:
    if path.stat().st_size > pictures.MAX_BYTES:
        most = pictures.MAX_BYTES >> 20
        raise Problem(f"“{pictures.shown(path.name)}” has more than {most} MB; make it smaller first.")
    return path.read_bytes()


def _hidden(name: str) -> bool:
    """Whether a file is one of a system's own, e.g. what macOS lays beside each picture in a zip."""
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def see(
    files: batch.Files, model: Model, root: Path, told: Told
) -> tuple[np.ndarray, list[str], list[str], dict[str, int]]:
    """Files as the model sees them, uint8 (n,h,w,c). -> they, their names, a sentence for each bad one, what was done

    What was done: how many of them, by sentence. Grey ones are inverted as an upload is, if the checkpoint has a map.
    """
    data = model.card["data"]
    around = None
    if data["shape"][2] == 1 and "atlas" in model.card:
        around = pictures.border(reading.pictures(root, reading.load(root / model.name).pictures)[:1000])

    def one(file: tuple[str, Callable[[], bytes]]) -> tuple[str, pictures.Seen | str]:
        name, content = file
        try:
            return name, apart.see(name, content(), data["shape"], border=around, frame=data.get("frame", ""))[0]
        except Problem as problem:
            return name, str(problem)
        except OSError as error:
            return name, f"“{pictures.shown(name)}” cannot be read ({error.strerror})."

    x, names, bad, inverted = [], [], [], 0
    with ThreadPoolExecutor(2) as pool:
        for count, (name, seen) in enumerate(pool.map(one, files), 1):
            if isinstance(seen, str):
                bad.append(seen)
            else:
                x.append(seen.array)
                names.append(name)
                inverted += seen.inverted
            if count % 50 == 0 or count == len(files):
                told(READ * count / len(files), f"reads picture {count:,} of {len(files):,}")
    return np.array(x), names, bad, {"inverted light and dark": inverted}


def folders(names: list[str]) -> list[str]:
    """The class of each file: the first folder that not all of them are in; "" where it is in none.

    Written in one way, whatever system packed it.
    """
    homes = [PurePosixPath(name.replace("\\", "/")).parts[:-1] for name in names]
    depth = 0
    while all(len(home) > depth for home in homes) and len({home[depth] for home in homes}) == 1:
        depth += 1
    return [unicodedata.normalize("NFC", home[depth]) if len(home) > depth else "" for home in homes]


def classed(names: list[str], title: str) -> tuple[np.ndarray, list[str]]:
    """Numbers (n,) of the pictures' classes, and what these are called: folders, or all by one name."""
    found = folders(names)
    kinds = sorted(set(found))
    y = np.array([kinds.index(one) for one in found])
    if kinds == [""]:
        return y, [title]
    return y, [pictures.shown(kind) if kind else "in no folder" for kind in kinds]


def condition(model: Model, x: np.ndarray, y: np.ndarray, kinds: list[str], told: Told) -> tuple[np.ndarray, str]:
    """The classes that a conditional model is given, int (n, factors), and where they are from: "folders" or "guessed".

    Folders that are named as its classes of the first factor are these; everything else is the class whose
    reconstruction is nearest. Raises Problem where to guess them takes longer than there is time.
    """
    first = None
    called = _called(model)[0]
    known = {word.casefold(): number for number, word in enumerate(called)}
    if all(kind.casefold() in known for kind in kinds):
        first = np.array([known[kind.casefold()] for kind in kinds])[y]
        if len(model.class_counts) == 1:
            return first[:, None], "folders"
    labels, begun, step = [], time.monotonic(), 64
    for at in range(0, len(x), step):
        part = slice(at, at + step)
        labels.append(model.likeliest(x[part], None if first is None else first[part]))
        done = min(at + step, len(x))
        needed = (time.monotonic() - begun) / done * len(x)
        if needed > SECONDS / 2:
            raise Problem(
                f"{model.name} is given the classes of a picture, and to guess those of {len(x):,} would take "
                f"{needed / 60:.0f} minutes; choose a checkpoint that needs none, or give {len(x) * SECONDS / 2 / needed:,.0f} at most."
            )
        told(READ + 0.1 * done / len(x), f"guesses the classes of picture {done:,} of {len(x):,}")
    return np.concatenate(labels), "guessed"


def _called(model: Model) -> list[list[str]]:
    """The names of the classes of every factor that a conditional model is given; numbers where there are none."""
    data = model.card["data"]
    named = list(data.get("factors", {}).values()) or [data.get("label_names", [])]
    return [
        (named[k] if k < len(named) and len(named[k]) >= count else [str(i) for i in range(count)])[:count]
        for k, count in enumerate(model.class_counts)
    ]


def build(folder: Path, sources: list[Path], names: list[str], home: Path, told: Told) -> None:
    """Writes SHEET, ARRAYS and PIXELS into `home`: an atlas of the pictures in `sources`, which are called `names`."""
    told(0.0, "PyTorch starts")
    model = Model.load(folder)
    files, there = gather(sources, names)
    most = min(MOST, MOST_PIXELS // int(np.prod(model.card["data"]["shape"][:2])))
    x, named, bad, done = see(files[:most], model, folder.parent, told)
    if len(x) < FEWEST:
        said = f" {len(bad)} cannot be read: {' '.join(bad[:3])}" if bad else ""
        raise Problem(f"A map needs {FEWEST} pictures at least, and these are {len(x)}; add some.{said}")
    y, kinds = classed(named, pictures.shown(PurePosixPath(names[0]).stem))
    labels, labelled, factors = None, "folders", {}
    if model.conditional:
        labels, labelled = condition(model, x, y, kinds, told)
        numbered = [f"class {k + 1}" for k in range(labels.shape[1])] if labels.shape[1] > 1 else ["class"]
        called = list(model.card["data"].get("factors", ())) or numbered
        factors = dict(zip(called, _called(model), strict=False))
        if labels.shape[1] == 1 and len(kinds) == 1:  # no folders: the colour is what was guessed
            y, kinds = labels[:, 0], _called(model)[0]
    z, error, moved = _encoded(model, x, labels, told)
    told(ENCODED, "lays out the map: UMAP starts")
    share = lambda part: told(ENCODED + (LAID - ENCODED) * part, "lays out the map")  # noqa: E731
    maps = {"pca": layout.flat(z), "umap": layout.unfolded(z, told=share)}
    told(LAID, "measures the map")
    about = {
        "trust": {which: layout.trusted(z, points)[0] for which, points in maps.items()},
        "typical": layout.usual(z, maps, error),
        "label_names": kinds,
        "factors": factors,
        "labelled": labelled,
        "there": there,
        "bad": bad[:NAMED],
        "bad_count": len(bad),
        "done": {says: count for says, count in done.items() if count},
    }
    grid(x, layout.COLUMNS).save(home / SHEET, "png", compress_level=1)
    np.save(home / PIXELS, x)
    more = {} if labels is None else {"labels": labels}
    rows = {"z": z, "y": y, "error": error, "round_trip": moved, **maps, **more}
    np.savez(home / ARRAYS, **rows, about=json.dumps(about, ensure_ascii=False))
    told(1.0, "done")


def _encoded(
    model: Model, x: np.ndarray, labels: np.ndarray | None, told: Told
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes (n,d) as an atlas keeps them, errors (n,) and round trips (n,) of pictures."""
    codes, errors, moved = [], [], []
    for at in range(0, len(x), AT_ONCE):
        part = slice(at, at + AT_ONCE)
        y = None if labels is None else labels[part]
        z = model.encode(x[part], y)
        made = model.decode(z, y)
        errors.append(metrics.mse(made, x[part].astype(np.float32) / 255))
        moved.append(np.linalg.norm(model.encode(made, y) - z, axis=1))
        codes.append(z.astype(np.float16).astype(np.float32))
        done = min(at + AT_ONCE, len(x))
        told(READ + 0.1 + (ENCODED - READ - 0.1) * done / len(x), f"encodes picture {done:,} of {len(x):,}")
    return np.concatenate(codes), np.concatenate(errors), np.concatenate(moved)


def main() -> int:
    """One order in, files out."""
    with contextlib.suppress(AttributeError, OSError):  # pages answer first; Windows has no nice
        os.nice(10)
    order = json.loads(sys.stdin.readline())

    def told(share: float, says: str) -> None:
        print(f"{share:.4f} {says}", flush=True)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sources = [Path(source) for source in order["sources"]]
            build(Path(order["checkpoint"]), sources, order["names"], Path(order["home"]), told)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
