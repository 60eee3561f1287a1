"""Runs of the lab that a reader's own tab trains: what it is given, and graphs that are made once in a worker process."""

import hashlib
import json
import threading
from functools import lru_cache

import numpy as np

from ali_core.problem import Problem

from . import making

KEPT = 64  # runs that are known; of those that were asked longest ago a browser hears that they are gone
GONE = "This run is not known here any more; Start begins a new one."
FAILED = "The graphs of this run could not be made; the server's terminal says why."


class Known:
    """A run: its settings and points, and how far its graphs are."""

    def __init__(self, settings: list[dict], points: np.ndarray | None, table: str):
        self.settings, self.points, self.table = settings, points, table
        self.making = making.Making()


_lock = threading.Lock()
_known: dict[str, Known] = {}


def start(settings: list[dict], points: np.ndarray | None = None) -> str:
    """Gets one or two models ready for a tab. -> the run's name; the same settings have the same

    Raises Problem for settings that cannot be trained, and where graphs are missing and too many wait. Imports torch.
    """
    words = json.dumps(settings, sort_keys=True).encode() + (b"" if points is None else points.tobytes())
    name = hashlib.sha256(words).hexdigest()[:24]
    runs = _runs(settings, points)
    with _lock:
        one = _known.pop(name, None) or Known(settings, points, runs[0].points())
        _known[name] = one  # the latest
        while len(_known) > KEPT:
            _known.pop(next(iter(_known)))
        if any(run.missing() for run in runs):
            given = json.dumps({"settings": settings, "points": None if points is None else points.tolist()})
            making.make(one.making, ["ali_core.lab.own"], given, _heard, FAILED)
        else:
            one.making.ready = True
    return name


def _runs(settings: list[dict], points: np.ndarray | None) -> list:
    from ali_core.lab import own

    return [own.Run(one, points) for one in settings]


def of(name: str) -> tuple[list[dict], np.ndarray | None]:
    """A run's settings and points; raises Problem where it is not known."""
    one = _one(name)
    return one.settings, one.points


def state(name: str) -> dict:
    """How far a run is. -> {"state": "ready"}, or "making" with share and says, or "off" with says"""
    try:
        return _one(name).making.state()
    except Problem as problem:
        return {"state": "off", "says": str(problem)}


def pack(name: str, lane: int) -> bytes:
    """What a tab needs of one of a run's models (see ali_core.lab.own.Run.pack); raises Problem for unknown ones."""
    one = _one(name)
    if not 0 <= lane < len(one.settings):
        raise Problem(GONE)
    return _pack(name, lane)


@lru_cache(maxsize=32)
def _pack(name: str, lane: int) -> bytes:
    one = _one(name)
    return _runs(one.settings[lane : lane + 1], one.points)[0].pack()


def graph(name: str) -> bytes | None:
    """A graph by its file's name; None where it is not kept."""
    from ali_core.lab import own

    return own.graph(name)


def points(name: str) -> bytes | None:
    """The data that runs learn from (see ali_core.lab.own.table) by the name that their packs say; or None."""
    with _lock:
        found = [one for one in _known.values() if one.table == name]
    return _table(name, found[0]) if found else None


@lru_cache(maxsize=8)
def _table(name: str, one: Known) -> bytes:
    from ali_core.lab import own

    return own.table(one.settings[0], one.points)


def refused(settings: dict) -> str:
    """Why settings cannot be trained in a tab; "" where they can."""
    try:
        _runs([settings], None)
    except Problem as problem:
        return str(problem)
    return ""


def files(settings: dict) -> tuple[dict[str, bytes], dict[str, float]]:
    """One model for a page without this server, its graphs made here and now where they are missing.

    -> its files by name ("pack.bin" is its own, the others runs share), and the numbers that its graphs are given, by
    their names there: rates, and weights of terms. Raises Problem for what cannot be trained.
    """
    from ali_core.lab import own

    run = own.Run(settings)
    for kind in run.missing():
        run.keep(kind)
    pack, parts = own.apart(run.pack())
    found = {"pack.bin": pack} | {f"parts/{name}": content for name, content in parts.items()}
    found |= {f"graphs/{name}": own.graph(name) for name in run.names().values()}
    return found | {f"points/{run.points()}": own.table(settings)}, run.numbers()


def _one(name: str) -> Known:
    with _lock:
        if name not in _known:
            raise Problem(GONE)
        return _known[name]


def _heard(line: str) -> tuple[float, str]:
    """What the process says of a run's graphs. -> share and says"""
    share, _, says = line.strip().partition(" ")
    return 0.1 + 0.8 * float(share), says
