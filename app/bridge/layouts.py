"""Other UMAPs of a map's codes: made by a worker, kept by value, for all who look at the same map."""

import json
from dataclasses import dataclass, field

import numpy as np

from ali_core.maps import own

from . import codes, jobs, mine
from .checkpoints import SLASH, card

NEIGHBOURS, MIN_DIST = (2, 100), (0.0, 0.99)  # the least and the most of each
USUAL = (15, 0.1)  # of the maps that ship
KEPT = 12  # of the maps that ship, together; the oldest gives way
SECONDS = 300.0

Value = tuple[int, float]  # neighbours, and the least distance of two points


@dataclass
class Layout:
    """A UMAP, or one that is being made: positions (n, 2), trustworthiness, distance to the typical eighth neighbour."""

    job: jobs.Job | None = None
    wanted: set[str] = field(default_factory=set)  # sessions
    umap: np.ndarray | None = None
    trust: float = 0.0
    spacing: float = 0.0

    def read(self, result: str) -> None:
        """The worker's answer."""
        told = json.loads(result)
        self.umap, self.trust, self.spacing = own.numbers(told["umap"]), told["trust"], told["spacing"]


_shipped: dict[tuple[str, str], dict[Value, Layout]] = {}  # by checkpoint and digest of its map


def _of(name: str) -> dict[Value, Layout]:
    """The layouts of a map; of a visitor's own they are gone with it."""
    if SLASH in name:
        return mine.kept(name, ("layouts",), dict)
    return _shipped.setdefault((name, card(name)["atlas"]["sha256"]), {})


def most(name: str) -> int:
    """The most neighbours that a map can be laid out by."""
    return min(NEIGHBOURS[1], len(codes.atlas(name).z) - 1)


def start(session: str, name: str, value: Value) -> None:
    """Has a layout made, unless it is; what this session wanted before and has not got is cancelled."""
    atlas = codes.atlas(name)
    with jobs.lock:
        every = [*_shipped.values(), _of(name)]
        for table in every:
            for other, one in list(table.items()):
                if session in one.wanted and one.job.open and (table is not _of(name) or other != value):
                    _leave(session, one)
        table = _of(name)
        if value in table and table[value].job.state != "failed":
            table[value].wanted.add(session)
            return
        one = table[value] = Layout(wanted={session})
        order = {
            "neighbours": value[0],
            "min_dist": value[1],
            "z": own.floats(atlas.z),
            "beside": own.floats(atlas.umap),
        }
        one.job = jobs.Job("ali_core.maps.relaid", json.dumps(order) + "\n", SECONDS, one.read)
        one.job.start()
        kept = [(t, key) for t in _shipped.values() for key, each in t.items() if not each.job.open]
        for t, key in kept[: len(kept) - KEPT]:
            del t[key]


def stop(session: str, name: str, value: Value) -> None:
    """A session does not wait for a layout any more; it ends when nobody does."""
    with jobs.lock:
        if one := _of(name).get(value):
            _leave(session, one)


def _leave(session: str, one: Layout) -> None:
    one.wanted.discard(session)
    if not one.wanted:
        one.job.stop()


def state(name: str, value: Value) -> dict:
    """How far a layout is: state ("none", "waits", "works", "ready", "failed"), share, says."""
    with jobs.lock:
        one = _of(name).get(value)
        if not one:
            return {"state": "none", "share": 0.0, "says": ""}
        return {"state": one.job.state, "share": one.job.share, "says": one.job.word()}


def layout(name: str, value: Value) -> Layout | None:
    """A layout that is ready."""
    one = _of(name).get(value)
    return one if one and one.job.state == "ready" else None


def made(name: str) -> dict[Value, float]:
    """The trustworthiness of every layout of a map that is ready, and of its own."""
    with jobs.lock:
        ready = {value: one.trust for value, one in _of(name).items() if one.job.state == "ready"}
    return {USUAL: codes.atlas(name).trust["umap"]} | ready
