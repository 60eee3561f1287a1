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
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from streamlit import runtime

from ali_core.maps import own
from ali_core.problem import Problem

from .checkpoints import SLASH, root

ROOT = Path(__file__).parents[2]
MOST_BYTES = 100 << 20  # of a visit's files
MAPS = 3  # of a visit: by so many checkpoints; the oldest gives way
VISITS = 24  # with pictures, all together
FOLDER = "ALI_PICTURES"  # environment: the folder of everybody
GONE = "These pictures are kept for one visit, in the tab that was given them; here they are gone. Give them again."
FAILED = "The map of these pictures could not be made; the server's terminal says why."
STOPPED = "Cancelled; nothing is kept of it."
LONG = f"The map was not done in {own.SECONDS / 60:.0f} minutes, so it was ended; give fewer pictures."


class Map:
    """A visit's pictures, as a checkpoint sees them: how far their map is, and the map."""

    def __init__(self, name: str, visit: "Visit"):
        self.name, self.visit, self.secret = name, visit, secrets.token_urlsafe(16)
        self.home = Path(tempfile.mkdtemp(dir=visit.home))
        self.state, self.share, self.says = "waits", 0.0, ""
        self.process: subprocess.Popen | None = None
        self.atlas, self.about, self.pictures = None, {}, None
        self.made: dict[tuple, object] = {}  # what the page draws of it


class Visit:
    """What a visitor has given: files, or a folder, and the maps of it."""

    def __init__(self, session: str, owner: str, sources: list[Path], names: list[str]):
        self.session, self.owner = session, owner
        self.home = Path(tempfile.mkdtemp(prefix="ali-pictures-"))
        self.sources, self.names = sources, names
        self.maps: dict[str, Map] = {}  # by checkpoint


_lock = threading.RLock()
_visits: dict[str, Visit] = {}  # by session; "": the folder of everybody
_line: list[Map] = []  # maps that wait or are being made, the first's now
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
                _end(one, GONE)
            shutil.rmtree(visit.home, ignore_errors=True)


def start(session: str, name: str) -> None:
    """Has a checkpoint's map of the visitor's pictures made, unless it is there or being made."""
    with _lock:
        visit = _visit(session)
        if not visit:
            raise Problem(GONE)
        one = visit.maps.get(name)
        if one and one.state in ("waits", "works", "ready"):
            return
        _drop(visit, name)
        for other in list(visit.maps)[: len(visit.maps) - MAPS + 1]:
            _drop(visit, other)
        one = visit.maps[name] = Map(name, visit)
        _line.append(one)
        if len(_line) == 1:
            threading.Thread(target=_work, daemon=True).start()


def stop(session: str, name: str) -> None:
    """Ends the making of a map."""
    with _lock:
        visit = _visit(session)
        if visit and name in visit.maps:
            _end(visit.maps[name], STOPPED)


def state(session: str, name: str) -> dict:
    """How far a checkpoint's map of the visitor's pictures is: state, share, says; "map" is its name when it is ready.

    state: "none", "waits", "works", "ready" or "failed".
    """
    with _lock:
        visit = _visit(session)
        one = visit and visit.maps.get(name)
        if not one:
            return {"state": "none", "share": 0.0, "says": ""}
        says = one.says
        if one.state == "waits" and one in _line:
            before = _line.index(one)
            says = f"waits until {before} other map{'s are' if before > 1 else ' is'} made" if before else "starts"
        found = {"state": one.state, "share": one.share, "says": says}
        return found | ({"map": name + SLASH + one.secret} if one.state == "ready" else {})


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
                if one.state == "ready" and secrets.compare_digest(one.secret.encode(), asked):
                    return one
    raise Problem(GONE)


# ---- making ------------------------------------------------------------------------------------------


def _work() -> None:
    """Makes what waits, one after the other: each takes all cores that are left."""
    while True:
        with _lock:
            one = _line[0]
        try:
            _make(one)
        except Exception as error:  # the others in the line still want theirs
            print(f"{one.name}: {error!r}", file=sys.stderr)
            with _lock:
                _fail(one, FAILED)
        with _lock:
            _line.pop(0)
            if not _line:
                return


def _make(one: Map) -> None:
    with _lock:
        if one.state != "waits":  # it was cancelled in the line
            return
        one.state, one.says = "works", "starts"
        one.process = process = subprocess.Popen(
            [sys.executable, "-m", "ali_core.maps.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
    order = {"checkpoint": str((root() / one.name).resolve()), "home": str(one.home), "names": one.visit.names}
    order["sources"] = [str(source) for source in one.visit.sources]
    late = threading.Event()
    ending = threading.Timer(own.SECONDS, lambda: (late.set(), process.kill()))
    ending.start()
    try:
        with contextlib.suppress(OSError), process.stdin as orders:
            orders.write(json.dumps(order) + "\n")
        for line in process.stdout:
            share, _, one.says = line.strip().partition(" ")
            one.share = float(share)
        why = process.stderr.read().strip()
        code = process.wait()
    finally:
        ending.cancel()
        process.stdout.close()
        process.stderr.close()
    with _lock:
        if one.state != "works":  # cancelled: it was ended for that
            return
        if code:
            if code != 2:
                print(why, file=sys.stderr)
            _fail(one, LONG if late.is_set() else why.splitlines()[-1] if code == 2 else FAILED)
            return
        one.atlas, one.about = own.load(one.home)
        one.pictures = np.load(one.home / own.PIXELS, mmap_mode="r")
        one.state = "ready"


def _fail(one: Map, sentence: str) -> None:
    one.state, one.says = "failed", sentence


def _end(one: Map, sentence: str) -> None:
    """Nobody waits for a map any more."""
    if one.state in ("waits", "works"):
        if one.process:
            one.process.kill()
        _fail(one, sentence)


def _drop(visit: Visit, name: str) -> None:
    if one := visit.maps.pop(name, None):
        _end(one, GONE)
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
def _leave() -> None:
    for session in list(_visits):
        take_back(session)
