"""Runs of the lab that a reader's own tab trains: what it is given, and graphs that are made once in a worker process."""

import atexit
import hashlib
import json
import os
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path

import numpy as np

from ali_core.problem import Problem

ROOT = Path(__file__).parents[2]
KEPT = 64  # runs that are known; of those that were asked longest ago a browser hears that they are gone
MOST_WAITING = 40  # runs whose graphs wait
GONE = "This run is not known here any more; Start begins a new one."
FAILED = "The graphs of this run could not be made; the server's terminal says why."
BUSY = "The graphs of many other runs are being made."


class Known:
    """A run: its settings and points, and how far its graphs are."""

    def __init__(self, settings: list[dict], points: np.ndarray | None, table: str):
        self.settings, self.points, self.table = settings, points, table
        self.share, self.says, self.failed = 0.0, "waits until another run's graphs are made", ""


_lock = threading.Lock()
_known: dict[str, Known] = {}
_line: list[str] = []  # whose graphs wait or are being made, the first's now
_running: list[subprocess.Popen] = []


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
        if not any(run.missing() for run in runs):
            one.share = 1.0
        elif name not in _line:
            if len(_line) >= MOST_WAITING:
                raise Problem(BUSY)
            one.failed = ""
            _line.append(name)
            if len(_line) == 1:
                threading.Thread(target=_work, daemon=True).start()
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
        one = _one(name)
    except Problem as problem:
        return {"state": "off", "says": str(problem)}
    if one.failed:
        return {"state": "off", "says": one.failed}
    ready = one.share == 1.0
    return {"state": "ready" if ready else "making", "share": one.share, "says": one.says}


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


def _work() -> None:
    """Makes what waits, one after the other, until nothing does."""
    while True:
        with _lock:
            name = _line[0]
            one = _known.get(name)
        try:
            if one:
                _make(one)
        except OSError:
            one.failed = FAILED
        with _lock:
            _line.pop(0)
            if not _line:
                return


def _make(one: Known) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ali_core.lab.own"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    _running[:] = [process]
    one.says = "PyTorch starts"
    points = None if one.points is None else one.points.tolist()
    with process.stdin as told:
        told.write(json.dumps({"settings": one.settings, "points": points}))
    for line in process.stdout:
        share, _, one.says = line.strip().partition(" ")
        one.share = 0.1 + 0.8 * float(share)
    if process.wait():
        one.failed = FAILED
    else:
        one.share = 1.0


@atexit.register
def _stop() -> None:
    for process in _running:
        process.terminate()
