"""Data sets by name or path: for each kind of file a function, which returns a `Data`.

Toys · IDX files (Fashion-MNIST) · .npz · a folder of pictures · Hugging Face.
"""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from ali_core.config import Config
from ali_core.problem import Problem

from . import domains, faces, large, split, toons
from . import table as tables
from .dataset import Data
from .idx import STACKED, file_of, read_idx, stacked
from .reading import inside, read_all, resized
from .registry import DATA_SETS, where
from .toys import TOYS, toy

# Whole numbers beyond are measurements, not classes
MOST_CLASSES = 1000

# How a folder may be cut in two: these, and nothing else beside them
TRAIN, HELD_OUT = "train", ("test", "validation", "valid", "val")


def of(config: Config) -> Data:
    """The data set of a run. Raises Problem as `load` does."""
    return load(config.data, config.size, config.channels, config.prior, config.frame, config.table)


def load(data: str, size: int = 0, channels: int = 0, prior: str = "", frame: str = "", table: str = "") -> Data:
    """Loads a data set by name or path, as pictures of `size` x `size` with 1 or 3 `channels`.

    data: a name of DATA_SETS, or STACKED; a path to an .npz file, a folder of IDX files or a folder of pictures
    (class = subfolder; “train” and “test” alone are parts, with the classes in them); "hf:NAME" or
    "hf:FOLDER" for Hugging Face; a toy: a name of TOYS. size, channels: 0 = as the data has it. prior: a second data
    set, the other domain of a translation; a name of domains.PAIRS has it already. frame: "face" frames the pictures
    of a folder or of Hugging Face, see `faces`. table: a file of labels beside a folder of pictures, see table.py.
    Raises Problem when nothing can be read.
    """
    if table and (prior or file_of(Path(data), "train-images") or not Path(data).expanduser().is_dir()):
        raise Problem(f"table={table} goes with a folder of pictures, data=FOLDER; {data} is none, or has its labels.")
    if prior:
        return domains.two(load(data, size, channels, frame=frame), load(prior, size, channels, frame=frame))
    path = where(data) if data in DATA_SETS else Path(data).expanduser()
    if frame:
        if not of_pictures(path) and not data.startswith("hf:"):
            raise Problem(f"frame={frame} is for a folder of pictures or hf:NAME; “{data}” is cut already.")
        faces.ready()
    if data in TOYS:
        return toy(data)
    if data == "toons":
        return _sized(toons.data(size if size in toons.SIZES else 64), size, channels)
    if data.startswith("hf:"):
        return _hugging_face(data.removeprefix("hf:"), size, channels, frame)
    if data == STACKED:
        return stacked(load("mnist"))
    if data in domains.PAIRS:
        return domains.derived(data, load(domains.PAIRS[data].of, size, channels))
    if of_pictures(path):
        return _folder(path, size, channels, frame, table)
    if path.is_dir():
        loaded = read_idx(path)
    elif path.is_file() and path.suffix == ".npz":
        loaded = _npz(path)
    else:
        names = ", ".join([*DATA_SETS, *domains.PAIRS, STACKED, "toons", *TOYS])
        raise Problem(
            f"There is no data set “{data}”: give {names}, an .npz file, a folder of pictures or of IDX files, or hf:NAME."
        )
    if named := DATA_SETS.get(data):
        about = {"licence": named.licence, "source": named.source}
        about |= {"label_names": named.label_names} if named.label_names else {}
        loaded = replace(loaded, name=data, **about)
    return _sized(loaded, size, channels)


def _npz(path: Path) -> Data:
    """Keys: images (n,h,w) or (n,h,w,c); labels (n,) or (n,k), label_names, train (n,) mask.

    label_names: of the classes, or of the k factors, as “hair” or “direction(up,left,down,right)”.
    Strings: licence, source, held_out, which says what `train` leaves out, and frame: "face", see `faces`.
    """
    if not zipfile.is_zipfile(path):
        raise Problem(f"{path} is damaged, or no .npz; write it with numpy.savez_compressed.")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except Exception as error:  # damaged zips raise nearly every exception there is
        raise Problem(f"{path} cannot be read as an .npz of plain arrays ({error}).") from error
    if "images" not in arrays:
        have = ", ".join(arrays) or "nothing"
        raise Problem(f"{path} needs an array “images” (n,h,w,c) of bytes; it holds {have}.")
    x = arrays["images"]
    x = x[..., None] if x.ndim == 3 else x
    if x.ndim != 4 or x.shape[3] not in (1, 3) or not x.size:
        raise Problem(f"{path}: “images” must be (n,h,w) or (n,h,w,c), c 1 or 3; it is {x.shape}.")
    if x.dtype.kind == "f" and x.min() >= 0 and x.max() <= 1:
        x = np.rint(x * 255).astype(np.uint8)
    if x.dtype != np.uint8:
        raise Problem(f"{path}: “images” must be bytes 0..255 or floats 0..1; it is {x.dtype}.")
    y = arrays.get("labels", np.zeros(len(x), np.int64))
    train = arrays.get("train")
    for key, array in (("labels", y), ("train", train)):
        if array is not None and array.shape[:1] != x.shape[:1]:
            raise Problem(f"{path}: “{key}” {array.shape} does not fit the {len(x)} images.")
    names = [str(name) for name in np.ravel(arrays.get("label_names", ()))]
    if y.ndim == 1 and not names:
        classes, y = np.unique(y, return_inverse=True)
        names = [str(name) for name in classes]
    elif y.ndim == 1 and (y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= len(names)):
        raise Problem(f"{path}: “labels” must count from 0 to {len(names) - 1}, as label_names.")
    counted = y.ndim == 2 and y.size > 0 and y.dtype.kind in "iu" and y.min() >= 0
    factors = _factors(y, names) if counted and y.max() < MOST_CLASSES else {}
    if y.ndim == 1 or factors:
        y = y.astype(np.int64)
    if factors:
        first, classes = next(iter(factors.items()))
        names = [f"{first} {c}" for c in classes] if len(names) == len(factors) else classes
    elif y.ndim > 1:
        names = []  # of measurements, which have no classes
    said = {key: str(arrays[key]) for key in ("licence", "source", "held_out", "frame") if key in arrays}
    if said.get("frame", "") not in ("", "face"):
        raise Problem(f"{path}: “frame” is “{said['frame']}”; it says “face”, or it is left out.")
    said = {"licence": "unknown", "source": f"file {path.name}"} | said
    about = said | {"label_names": names, "factors": factors}
    if "images_b" in arrays:
        return domains.paired(path, x, y, arrays["images_b"], arrays.get("split"), about)
    if train is None:
        return _split(str(path), path.stem, x, y, split.contents(x), **about)
    train = train.astype(bool)
    if not train.any() or train.all():
        raise Problem(f"{path}: “train” must leave some images to train on and some held out.")
    parts = split.unsorted(x[train], y[train], x[~train], y[~train])
    return Data(path.stem, *parts, **{"held_out": "by its “train”"} | about)


def _factors(y: np.ndarray, names: list[str]) -> dict[str, list[str]]:
    """The factors of y (n,k) and their classes, numbers where the file has no names for them."""
    sizes = (y.max(0) + 1).tolist()
    if len(names) != len(sizes):
        names = [f"factor {k + 1}" for k in range(len(sizes))]
    factors = {}
    for name, size in zip(names, sizes, strict=True):
        factor, _, listed = name.removesuffix(")").partition("(")
        classes = listed.split(",")
        factors[factor] = classes if len(classes) == size > 1 else [str(i) for i in range(size)]
    return factors


def of_pictures(path: Path) -> bool:
    """Whether it is a folder, and not one of IDX files."""
    return path.is_dir() and not file_of(path, "train-images")


def _folder(folder: Path, size: int, channels: int, frame: str, beside: str) -> Data:
    if not size:
        raise Problem(f"{folder} is a folder of pictures: give their size: size=28, 32 or 64.")
    name = folder.resolve().name
    paths = [path for path in inside(folder) if path.name != Path(beside).name]
    tops = {path.parts[0] for path in paths if len(path.parts) > 1}
    in_parts = TRAIN in tops and len(tops) > 1 and tops <= {TRAIN, *HELD_OUT}
    held_out = next((top for top in HELD_OUT if top in tops), None) if in_parts else None
    if in_parts:
        paths = [path for path in paths if path.parts[0] in (TRAIN, held_out)]
    table = tables.read(beside).beside(paths) if beside else None
    paths = table.inside if table else paths
    classes = [p.parts[in_parts] if len(p.parts) > in_parts + 1 else name for p in paths]
    sources = [(path.as_posix(), (folder / path).read_bytes) for path in paths]
    x, rows, hashes, skipped = read_all(str(folder), sources, size, channels, frame)
    # without the classes that had nothing readable
    names, y = np.unique([classes[row] for row in rows], return_inverse=True)
    about = {"label_names": names.tolist(), "source": f"folder {name}"}
    about |= {"licence": "unknown", "skipped": skipped, "frame": frame}
    people: list[bytes] = []
    if table:
        y, labelled, people = table.labels([paths[row] for row in rows])
        about |= labelled | {"source": f"folder {name} and table {table.path.name}"}
    if not in_parts:
        about |= {"held_out": split.BY_PERSON if people else split.OF_NOBODY} if table else {}
        return _split(str(folder), name, x, y, hashes, people, **about)
    train = np.array([paths[row].parts[0] == TRAIN for row in rows])
    if not train.any() or train.all():
        raise Problem(f"{folder}: “{TRAIN}” or “{held_out}” holds no picture that can be read.")
    parts = (large.ordered(x, rows) for rows in (np.flatnonzero(train), np.flatnonzero(~train)))
    return Data(name, *split.unsorted(next(parts), y[train], next(parts), y[~train]), **about)


def _hugging_face(name: str, size: int, channels: int, frame: str) -> Data:
    try:
        import datasets
    except ImportError as error:
        raise Problem("Hugging Face data need `pip install datasets`.") from error
    path = Path(name).expanduser()
    try:
        if (path / "dataset_dict.json").exists() or (path / "state.json").exists():
            splits = datasets.load_from_disk(str(path))
        else:
            splits = datasets.load_dataset(str(path) if path.exists() else name)
    except Exception as error:  # whatever its many readers raise
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise Problem(f"The Hugging Face data set “{name}” cannot be loaded ({reason}).") from error
    if isinstance(splits, datasets.Dataset):
        splits = {"train": splits}
    train = "train" if "train" in splits else next(iter(splits))
    features = splits[train].features
    column = next((k for k, v in features.items() if isinstance(v, datasets.Image)), None)
    label = next((k for k, v in features.items() if isinstance(v, datasets.ClassLabel)), None)
    # -1 is how a test set withholds its labels
    labelled = [k for k in splits if not label or min(splits[k][label], default=-1) >= 0]
    test = next((key for key in ("test", "validation", "valid") if key in labelled), None)
    if column is None:
        raise Problem(f"“{name}” has no column of pictures; its columns: {', '.join(features)}.")
    if train not in labelled:
        raise Problem(f"“{name}” has rows without a label in its split “{train}”; leave them out.")

    def part(key: str, channels: int) -> tuple[np.ndarray, np.ndarray, list[bytes], tuple[str, ...]]:
        rows = splits[key].cast_column(column, datasets.Image(decode=False))
        labels = np.array(rows[label] if label else [0] * len(rows), np.int64)
        sources = [(f"{key} row {k}", lambda k=k: _row_bytes(rows[k][column])) for k in range(len(rows))]
        x, kept, hashes, skipped = read_all(f"“{name}” ({key})", sources, size, channels, frame)
        return x, labels[kept], hashes, skipped

    x, y, hashes, skipped = part(train, channels)
    info = splits[train].info
    names = list(features[label].names) if label else [path.name]
    source = f"Hugging Face data set {path.name if path.exists() else name}"
    about = {"label_names": names, "source": source, "licence": info.license or "unknown", "frame": frame}
    if test is None or test == train:
        return _split(f"“{name}”", path.name, x, y, hashes, skipped=skipped, **about)
    x_test, y_test, _, more = part(test, x.shape[3])
    if x_test.shape[1:] != x.shape[1:]:
        raise Problem(f"“{name}”: the pictures have different sizes; give size=28, 32 or 64.")
    parts = split.unsorted(x, y, x_test, y_test)
    return Data(path.name, *parts, skipped=skipped + more, **about)


def _row_bytes(cell: dict) -> bytes:
    return cell["bytes"] or Path(cell["path"]).read_bytes()


def _split(where: str, name: str, x: np.ndarray, y: np.ndarray, hashes: list[bytes], people=(), **about) -> Data:
    """Data of one part: every picture's hash says whether it is held out (its person's, where the table names persons)."""
    held, train = split.parted(hashes, people)
    if not len(held) or not len(train):
        raise Problem(
            f"{where} has one readable picture, copies apart; two are the least: one to train on, one held out."
        )
    parts = (large.ordered(x, train), y[train], large.ordered(x, held), y[held])
    return Data(name, *parts, **{"held_out": split.RULE} | about)


def _sized(data: Data, size: int, channels: int) -> Data:
    x, x_test = (resized(x, size, channels) for x in (data.x, data.x_test))
    more = {}
    if data.prior:
        partners = resized(data.partners, size, channels)
        more = {"prior": _sized(data.prior, size, channels), "partners": partners}
    return replace(data, x=x, x_test=x_test, **more)
