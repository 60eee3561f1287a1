"""Live runs of the lab: rooms that worker processes train, watched by anybody with the link, steered by one."""

import atexit
import contextlib
import itertools
import json
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from ali_core.lab import packs
from ali_core.problem import Problem

from . import turns

ROOT = Path(__file__).parents[2]
WORKERS = min(4, os.cpu_count() or 1)
PLACES, MOST_WAITING = 4, 40  # rooms of a worker; more wait, up to so many
UNWATCHED = 60.0  # seconds after which a room that nobody looks at ends, and an idle worker
KEPT = 600.0  # seconds that the sentence of an ended room is kept
LOOKING = 12.0  # seconds in which a browser has asked again: longer than a poll
ENDED = "This run has ended. Start begins a new one."
LOST = "The process that trained this run has ended. Start begins a new one."
GIVEN_UP = "Others waited for a place, and you had more than one; so this run has ended."
FORGOTTEN = "Nobody watched for a minute, so this run has ended. Start begins a new one."
STOPPED = "Who started this run has ended it."


class Room:
    """A run on the server: its latest frames, how it is, who looks."""

    def __init__(self, settings: list[dict], points: np.ndarray | None, owner: str):
        self.owner = owner
        self.id, self.secret = secrets.token_urlsafe(6), secrets.token_urlsafe(16)
        self.settings, self.points = settings, points
        self.worker: Worker | None = None
        self.state = {"playing": False, "speed": 0.0, "rate": 0.0, "step": 0, "ended": ""}
        self.gone = False
        self.seq = 0
        self.news: dict[tuple, tuple[int, bytes]] = {}  # (kind, lane): seq, pack
        self.lookers: dict[str, float] = {}
        self.asked = time.monotonic()
        self.changed()

    def changed(self) -> None:
        self.seq += 1

    @property
    def watchers(self) -> int:
        now = time.monotonic()
        self.lookers = {who: at for who, at in self.lookers.items() if now - at < LOOKING}
        return len(self.lookers)


class Worker:
    """A process with rooms, and the threads that read from it and write to it."""

    def __init__(self):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ali_core.lab.worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.rooms: set[str] = set()
        self.idle = time.monotonic()
        self.orders: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        for work in (self.read, self.write):
            threading.Thread(target=work, daemon=True).start()

    def read(self) -> None:
        """Until the process ends: what it sends goes to the rooms."""
        pipe = self.process.stdout
        while content := pipe.read(int.from_bytes(pipe.read(4), "little")):
            with _lock:
                _hear(content)
        with _lock:
            _lose(self)
        self.orders.put(None)  # who writes to it ends too
        self.process.wait()  # or its entry stays in the system's table

    def write(self) -> None:
        """Sends the orders; a pipe may be full, and nobody may wait for that."""
        with contextlib.suppress(OSError):  # it has died; its reader says so
            while line := self.orders.get():
                self.process.stdin.write(line)
                self.process.stdin.flush()
            self.process.stdin.close()  # it ends by itself

    def tell(self, room: str, do: str, **more) -> None:
        self.orders.put((json.dumps({"room": room, "do": do, **more}) + "\n").encode())


_lock = threading.RLock()
_rooms: dict[str, Room] = {}
_workers: list[Worker] = []
_sweeping: list[threading.Thread] = []


# ---- what the pages ask ------------------------------------------------------------------------------


def start(settings: list[dict], points: np.ndarray | None = None, owner: str = "") -> tuple[str, str]:
    """Opens a room of one or two models. -> its id, and the secret of who may steer it

    An owner has no more rooms than are left for all others. Raises Problem, before anything starts, for
    settings that cannot be trained. Imports torch.
    """
    from ali_core.lab import scenes
    from ali_core.training import loop

    with _lock:
        turns.check(list(_rooms.values()), owner, WORKERS * PLACES, MOST_WAITING)
    for one in settings:  # which takes a while
        config = scenes.config(one)
        next(loop.steps(config, scenes.data(config, points)))
    with _lock:
        turns.check(list(_rooms.values()), owner, WORKERS * PLACES, MOST_WAITING)
        room = Room(settings, points, owner)
        _rooms[room.id] = room
        _place()
        if not _sweeping:
            _sweeping.append(threading.Thread(target=_sweep, daemon=True))
            _sweeping[0].start()
    return room.id, room.secret


def about(run: str) -> dict | None:
    """A run's settings and how it is; None where there is none, or it has ended."""
    with _lock:
        room = _rooms.get(run)
        return None if room is None or room.gone else {"settings": room.settings} | _state(room)


def load() -> dict[str, int]:
    """How many runs train here, how many wait, and how many can train."""
    with _lock:
        placed = sum(room.worker is not None for room in _rooms.values())
        return {"runs": placed, "waiting": len(_queue()), "limit": WORKERS * PLACES}


# ---- what browsers ask -------------------------------------------------------------------------------


def news(run: str, after: int, who: str = "") -> tuple[int, bytes] | None:
    """What of a run is newer than `after`: -> its number, packs behind their lengths; None when nothing is."""
    with _lock:
        room = _rooms.get(run)
        if room is None:
            state = {"playing": False, "rate": 0, "waiting": 0, "watchers": 0, "gone": True}
            return 1, packs.joined([packs.pack("state", state | {"ended": ENDED}, {})])
        if who:
            now = room.asked = time.monotonic()
            fresh = who not in room.lookers
            room.lookers[who] = now
            if fresh:
                room.changed()
        if room.seq <= after:
            return None
        newer = sorted((seq, pack) for seq, pack in room.news.values() if seq > after)
        state = packs.pack("state", _state(room), {})
        return room.seq, packs.joined([*(pack for _, pack in newer), state])


def do(run: str, secret: str, what: str, **more) -> None:
    """Steers a run: play, pause, step (turn=…), speed (speed=…), reset, stop.

    Raises Problem for a wrong secret, and for what cannot be done.
    """
    with _lock:
        room = _rooms.get(run)
        if room is None or room.gone:
            raise Problem(ENDED)
        if not secrets.compare_digest(room.secret.encode(), secret.encode()):
            raise Problem("Only who started this run can steer it; start one of your own.")
        if what == "stop":
            _end(room, STOPPED)
        elif room.worker is None:
            raise Problem("This run still waits for its place.")
        else:
            room.worker.tell(room.id, what, **more)


def stop(run: str, secret: str) -> None:
    """Ends the run whose secret one has; nothing happens where it has ended already."""
    with _lock:
        if run in _rooms and not _rooms[run].gone:
            do(run, secret, "stop")


# ---- rooms and workers -------------------------------------------------------------------------------


def _state(room: Room) -> dict:
    line = _queue()
    waiting = line.index(room) + 1 if room in line else 0
    return room.state | {"waiting": waiting, "watchers": room.watchers, "gone": room.gone}


def _queue() -> list[Room]:
    return turns.line(list(_rooms.values()))


def _place() -> None:
    """Gives the rooms that wait the free places, the emptiest worker's first."""
    for room in _queue():
        _workers[:] = [one for one in _workers if one.process.poll() is None]
        if len(_workers) < WORKERS and all(one.rooms for one in _workers):
            _workers.append(Worker())
        worker = min(_workers, key=lambda one: len(one.rooms))
        if len(worker.rooms) >= PLACES:
            if spare := turns.spare(list(_rooms.values()), room.owner):
                _end(spare, GIVEN_UP)  # which places the next
            return
        worker.rooms.add(room.id)
        room.worker = worker
        points = None if room.points is None else room.points.tolist()
        worker.tell(room.id, "start", settings=room.settings, points=points)
    for room in _rooms.values():
        room.changed()


def _hear(content: bytes) -> None:
    """A pack of a worker."""
    head = packs.about(content)
    room, kind = _rooms.get(head["room"]), head["kind"]
    if room is None or room.gone:
        return
    room.changed()
    if kind == "state":
        room.state |= {key: head[key] for key in room.state if key in head}
    else:
        if kind == "scene":  # of a new start: its old frames are over
            room.news.pop(("frame", head["lane"]), None)
        room.news[kind, head["lane"]] = room.seq, content


def _end(room: Room, sentence: str) -> None:
    """Ends a room with a sentence; its place is free."""
    room.gone, room.asked = True, time.monotonic()
    room.state |= {"playing": False, "ended": sentence}
    room.news.clear()
    if room.worker:
        room.worker.rooms.discard(room.id)
        room.worker.idle = time.monotonic()
        room.worker.tell(room.id, "stop")
        room.worker = None
    room.changed()
    _place()


def _lose(worker: Worker) -> None:
    """A worker has ended: its rooms say so, the others do not notice."""
    if worker in _workers:
        _workers.remove(worker)
    for run in list(worker.rooms):
        worker.rooms.discard(run)
        _rooms[run].worker = None
        _end(_rooms[run], LOST)


def _sweep() -> None:
    """Ends what nobody watches, and workers without rooms, as long as there are any."""
    for count in itertools.count():
        time.sleep(min(1.0, UNWATCHED / 4))
        now = time.monotonic()
        with _lock:
            for room in list(_rooms.values()):
                if not room.gone and now - room.asked > UNWATCHED:
                    _end(room, FORGOTTEN)
                elif room.gone and now - room.asked > KEPT:
                    del _rooms[room.id]
                elif count % 3 == 0 and not room.gone and room.lookers:
                    before = len(room.lookers)
                    if room.watchers != before:
                        room.changed()
            for worker in list(_workers):
                if not worker.rooms and now - worker.idle > UNWATCHED:
                    _workers.remove(worker)
                    worker.orders.put(None)
            if not _rooms and not _workers:
                _sweeping.clear()
                return


@atexit.register
def _leave() -> None:
    for worker in _workers:
        worker.process.kill()
