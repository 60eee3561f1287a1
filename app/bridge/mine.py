"""A visitor's own pictures as a map: made by a worker process, kept in a folder of their own, gone with the visit.

A visit is one tab's; the folder that the explorer was started with ($ALI_PICTURES) is everybody's. What the functions
of codes.py take for a checkpoint's name may also be "NAME/SECRET", which is the map of a visitor's pictures by NAME.
"""

import atexit
import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from streamlit import runtime

from ali_core.maps import own
from ali_core.problem import Problem

from . import jobs
from .checkpoints import SLASH, root

MOST_BYTES = 100 << 20  # of a visit's files
MAPS = 3  # of a visit: by so many checkpoints; the oldest gives way
VISITS = 24  # with pictures, all together
FOLDER = "ALI_PICTURES"  # environment: the folder of everybody
GONE = "These pictures are kept for one visit, in the tab that was given them; here they are gone. Give them again."


class Map:
    """A visit's pictures, as a checkpoint sees them: how far their map is, and the map."""

    def __init__(self, name: str, visit: "Visit"):
        self.name, self.visit, self.secret = name, visit, secrets.token_urlsafe(16)
        self.home = Path(tempfile.mkdtemp(dir=visit.home))
        order = {"checkpoint": str((root() / name).resolve()), "home": str(self.home), "names": visit.names}
        order["sources"] = [str(source) for source in visit.sources]
        self.job = jobs.Job("ali_core.maps.worker", json.dumps(order) + "\n", own.SECONDS, self.read)
        self.atlas, self.about, self.pictures = None, {}, None
        self.made: dict[tuple, object] = {}  # what the page draws of it

    def read(self, _: str) -> None:
        """The worker has written it."""
        self.atlas, self.about = own.load(self.home)
        self.pictures = np.load(self.home / own.PIXELS, mmap_mode="r")


class Visit:
    """What a visitor has given: files, or a folder, and the maps of it."""

    def __init__(self, session: str, owner: str, sources: list[Path], names: list[str]):
        self.session, self.owner = session, owner
        self.home = Path(tempfile.mkdtemp(prefix="ali-pictures-"))
        self.sources, self.names = sources, names
        self.maps: dict[str, Map] = {}  # by checkpoint


_lock = jobs.lock
_visits: dict[str, Visit] = {}  # by session; "": the folder of everybody
_absent: set[str] = set()  # sessions without a browser a round ago


def limits() -> dict[str, float]:
    """How many pictures, how many MB of files, and how many minutes a map may take."""
    return {"pictures": own.MOST, "megabytes": MOST_BYTES >> 20, "minutes": own.SECONDS / 60}


# ---- what the page asks ------------------------------------------------------------------------------


def given(session: str) -> str:
    """What a visitor's pictures are called: their files, or the folder of everybody; "" where there are none."""
    visit = _visit(session)
    if not visit:
        return ""
    return visit.names[0] if len(visit.names) == 1 else f"{visit.names[0]} and {len(visit.names) - 1} more"


def give(session: str, owner: str, files: list[tuple[str, bytes]]) -> None:
    """Keeps a visitor's files, zips or pictures, in place of what they gave before.

    owner: the visitor's address, which has no more visits than are left for all. Raises Problem beyond the limits.
    """
    size = sum(len(content) for _, content in files)
    if size > MOST_BYTES:
        raise Problem(
            f"These are {size / 2**20:.0f} MB, more than {MOST_BYTES >> 20} MB; give fewer or smaller pictures."
        )
    with _lock:
        take_back(session)
        held = Counter(visit.owner for visit in _visits.values())
        if held[owner] >= VISITS - held.total():
            raise Problem("As many visitors as there is room for keep pictures here; try again when some have left.")
        visit = _visits[session] = Visit(session, owner, [], [name for name, _ in files])
    for number, (_, content) in enumerate(files):
        visit.sources.append(visit.home / f"given-{number}")
        visit.sources[-1].write_bytes(content)


def take_back(session: str) -> None:
    """Forgets a visitor's files and maps; what is being made of them ends."""
    with _lock:
        if visit := _visits.pop(session, None):
            for one in visit.maps.values():
                one.job.stop(GONE)
            shutil.rmtree(visit.home, ignore_errors=True)


def start(session: str, name: str) -> None:
    """Has a checkpoint's map of the visitor's pictures made, unless it is there or being made."""
    with _lock:
        visit = _visit(session)
        if not visit:
            raise Problem(GONE)
        one = visit.maps.get(name)
        if one and one.job.state != "failed":
            return
        _drop(visit, name)
        for other in list(visit.maps)[: len(visit.maps) - MAPS + 1]:
            _drop(visit, other)
        one = visit.maps[name] = Map(name, visit)
        one.job.start()


def stop(session: str, name: str) -> None:
    """Ends the making of a map."""
    with _lock:
        visit = _visit(session)
        if visit and name in visit.maps:
            visit.maps[name].job.stop()


def state(session: str, name: str) -> dict:
    """How far a checkpoint's map of the visitor's pictures is: state, share, says; "map" is its name when it is ready.

    state: "none", "waits", "works", "ready" or "failed".
    """
    with _lock:
        visit = _visit(session)
        one = visit and visit.maps.get(name)
        if not one:
            return {"state": "none", "share": 0.0, "says": ""}
        found = {"state": one.job.state, "share": one.job.share, "says": one.job.word()}
        return found | ({"map": name + SLASH + one.secret} if one.job.state == "ready" else {})


def _visit(session: str) -> Visit | None:
    """A visitor's own, else everybody's."""
    with _lock:
        folder = os.environ.get(FOLDER, "")
        if folder and "" not in _visits:
            _visits[""] = Visit("", "", [Path(folder)], [Path(folder).name or folder])
        return _visits.get(session) or _visits.get("")


# ---- what the bridge asks ----------------------------------------------------------------------------


def atlas(name: str):
    """The map called "NAME/SECRET", an Atlas; raises Problem where it is gone."""
    return _map(name).atlas


def pictures(name: str) -> np.ndarray:
    """Its pictures, uint8 (n, h, w, c)."""
    return _map(name).pictures


def about(name: str) -> dict:
    """What is said of it: there (files), bad (sentences), bad_count, done (counts by sentence), labelled."""
    return _map(name).about


def kept(name: str, key: tuple, make: Callable):
    """What `make` gives, made once for a map and gone with it."""
    one = _map(name)
    if key not in one.made:
        one.made[key] = make()
    return one.made[key]


def sheet(secret: str) -> Path | None:
    """The sheet of a map's pictures, PNG; None for an unknown secret."""
    with contextlib.suppress(Problem):
        return _map(SLASH + secret).home / own.SHEET
    return None


def address(name: str) -> str:
    """Where a browser finds that sheet."""
    return f"engine/mine/{name.partition(SLASH)[2]}.png"


def _map(name: str) -> Map:
    asked = name.partition(SLASH)[2].encode()
    with _lock:
        for visit in _visits.values():
            for one in visit.maps.values():
                if one.job.state == "ready" and secrets.compare_digest(one.secret.encode(), asked):
                    return one
    raise Problem(GONE)


def _drop(visit: Visit, name: str) -> None:
    if one := visit.maps.pop(name, None):
        one.job.stop(GONE)
        shutil.rmtree(one.home, ignore_errors=True)


# ---- who has left ------------------------------------------------------------------------------------


def tidy() -> None:
    """Forgets the pictures of sessions that have had no browser for a round of tidying."""
    server = runtime.get_instance()
    with _lock:
        absent = {session for session in _visits if session and not server.is_active_session(session)}
        for session in absent & _absent:
            take_back(session)
        _absent.clear()
        _absent.update(absent)


@atexit.register
def leave() -> None:
    """The server ends: nothing is kept, and nothing works on."""
    jobs.leave()
    for session in list(_visits):
        take_back(session)
