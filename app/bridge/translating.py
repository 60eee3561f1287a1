"""Pictures of one domain as the other's: one by one, and many at once."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np
import streamlit as st

from ali_core.data import domains as core
from ali_core.measure import metrics
from ali_core.problem import Problem

from .checkpoints import card, root, stamp, tiles
from .models import ask, to_bytes

Files = list[tuple[str, Callable[[], bytes]]]  # see ali_core.models.batch


def gallery(name: str) -> dict | None:
    """The pictures that come with a translator; None without.

    "sides": uint8 (2, n, h, w, c), one row for each domain; "made": whether the model made them;
    "paired": whether picture i of both rows belong together. Raises Problem for a damaged file.
    """
    return _gallery(str(root() / name), stamp(name)) if card(name).get("gallery") else None


@st.cache_resource(max_entries=8, show_spinner=False)
def _gallery(folder: str, stamp: tuple) -> dict:
    name = Path(folder).name
    about, shape = card(name)["gallery"], card(name)["data"]["shape"]
    remedy = f"write it again: python -m ali_core evaluate {folder}"
    both = tiles(Path(folder) / about["file"], 2 * about["n"], *shape, remedy)
    sides = both.reshape(2, about["n"], *shape)
    return {"sides": sides, "made": about["made"], "paired": about["paired"]}


def border(name: str, back: bool) -> float | None:
    """The usual brightness 0..1 of the edges of the pictures that are translated; None where its card has none."""
    return card(name).get("gallery", {}).get("border", (None, None))[back]


def translate(name: str, x: np.ndarray, back: bool) -> np.ndarray:
    """Pictures uint8 (n, h, w, c) of the first domain as the second's, or back. -> uint8"""
    return to_bytes(ask(name, "translate", x, back))


def there_and_back(name: str, x: np.ndarray, back: bool, truth: np.ndarray | None) -> dict:
    """A picture uint8 (h, w, c) translated, and translated back; `truth`: what it should become.

    -> translated, again: uint8 (h, w, c); cycle: mean squared error of the round trip; where there is a truth,
    mse and ssim of the translation, and mse_copy of the picture as it is. Brightness 0 to 1.
    """
    ours = x[None].astype(np.float32) / 255
    translated = ask(name, "translate", ours, back)
    again = ask(name, "translate", translated, not back)
    result = {"translated": to_bytes(translated)[0], "again": to_bytes(again)[0]}
    result["cycle"] = float(metrics.mse(ours, again)[0])
    if truth is not None:
        wanted = truth[None].astype(np.float32) / 255
        result["mse"] = float(metrics.mse(wanted, translated)[0])
        result["ssim"] = float(metrics.ssim(wanted, translated)[0])
        result["mse_copy"] = float(metrics.mse(wanted, ours)[0])
    return result


def truth(name: str, x: np.ndarray, back: bool) -> np.ndarray | None:
    """What a picture uint8 (h, w, c) should become, where that can be computed from it, else None."""
    truths = core.truth(card(name)["data"]["name"], x[None], back)
    return None if truths is None else truths[0]


def kin(name: str, other: str) -> bool:
    """Whether pictures of a translator may be such as another checkpoint was trained on."""
    ours, theirs = card(name)["data"], card(other)["data"]
    pair = core.PAIRS.get(ours["name"])
    return ours["shape"] == theirs["shape"] and (pair is None or pair.of == theirs["name"])


# ---- many ------------------------------------------------------------------------------------------


def limits() -> tuple[int, int]:
    """How many files go through at once, and how many MB a zip may unpack to."""
    from ali_core.models import batch

    return batch.MOST, batch.MOST_BYTES >> 20


def unpacked(uploads: list[tuple[str, bytes]]) -> Files:
    """Uploaded files; of a zip, the files in it.

    Raises Problem for a zip that is refused (see ali_core.models.batch.unzip), and for too many files.
    """
    from ali_core.models import batch

    files: Files = []
    for name, content in uploads:
        zipped = name.lower().endswith(".zip") or content[:4] == b"PK\3\4"
        alone = [(PurePosixPath(name).name, lambda content=content: content)]
        files += batch.unzip(name, content) if zipped else alone
    if len(files) > batch.MOST:
        raise Problem(f"These are {len(files):,} files, more than {batch.MOST:,}; send them in parts.")
    return files


def through(name: str, files: Files, back: bool) -> Iterator[tuple[str, bytes | Problem]]:
    """Every file's name with the PNG of what the model sees and makes of it, or what is wrong with it."""
    from ali_core.models import batch

    run: Callable = lambda x: ask(name, "translate", x, back)  # noqa: E731
    data = card(name)["data"]
    return batch.through(files, tuple(data["shape"]), run, border(name, back), True, data.get("frame", ""))


def zipped(files: list[tuple[str, bytes]]) -> bytes:
    """Files as a zip."""
    from ali_core.models import batch

    return batch.zipped(files)
