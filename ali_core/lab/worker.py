"""A process that trains several rooms of the lab in turn:   python -m ali_core.lab.worker (the app starts it)

A room is one or two models on the same data from the same seed, which step together. Commands come as
lines of JSON on stdin, packs go out on stdout, each behind its length; stdin's end is the process's.
"""

import contextlib
import json
import os
import queue
import sys
import threading
import time

import numpy as np
import torch

from ali_core.problem import Problem
from ali_core.training import loop as train

from . import scenes
from .packs import joined, pack

TURN = 0.03  # seconds of a room before the next one's turn
BETWEEN = 0.125  # seconds between two frames of a room that plays, at least
SHARE = 2  # of a worker's time, what all its rooms' frames may take: one part in so many
TURNS = {
    "both": None,
    "discriminator": ("discriminator",),
    "generator": ("generator", "multipliers"),
}


class Room:
    """One or two models that step together."""

    def __init__(self, name: str, settings: list[dict], points: np.ndarray | None):
        self.name, self.settings, self.points = name, settings, points
        self.speed, self.due, self.shown, self.cost = 0.0, 0.0, 0.0, 0.0
        self.open()

    def open(self) -> None:
        """Back to the start: new networks, the same seed."""
        self.playing, self.counted, self.since, self.rate = False, 0, time.monotonic(), 0.0
        self.loops, self.scenes = [], []
        for settings in self.settings:
            config = scenes.config(settings)
            data = scenes.data(config, self.points)
            self.loops.append(train.steps(config, data))
            self.scenes.append(scenes.Scene(config, data))
        self.progress = [next(loop) for loop in self.loops]
        for lane, scene in enumerate(self.scenes):
            send(scene.pack(room=self.name, lane=lane))
        self.show("start")

    def show(self, turn: str = "both") -> None:
        """Sends a frame of every model, and how it goes."""
        begun = time.monotonic()
        for lane, (progress, scene) in enumerate(zip(self.progress, self.scenes, strict=True)):
            send(scenes.frame(progress, scene, turn, room=self.name, lane=lane))
        self.shown = now = time.monotonic()
        self.cost = now - begun
        if now - self.since > 1:
            self.rate, self.counted, self.since = self.counted / (now - self.since), 0, now
        self.report()

    def report(self, ended: str = "") -> None:
        """Sends how the room is."""
        rate = self.rate if self.playing else 0.0
        state = {"playing": self.playing, "speed": self.speed, "rate": rate, "ended": ended}
        send(pack("state", {"room": self.name, "step": self.progress[0].step} | state, {}))

    def step(self, turn: str = "both") -> None:
        """One step of every model; a sentence where one of them cannot go on."""
        try:
            self.progress = [loop.send(TURNS[turn]) for loop in self.loops]
            self.counted += 1
        except StopIteration:
            self.playing = False
            self.report(f"{scenes.MOST_STEPS:,} steps are the most of a live run; Reset begins again.")
        except Problem as problem:
            self.playing = False
            self.report(f"{problem} Reset begins again.")

    def advance(self, rooms: int) -> None:
        """Its turn among so many rooms that play: steps for a moment, at its speed."""
        until = time.monotonic() + TURN
        while self.playing and (now := time.monotonic()) < until and now >= self.due:
            self.step()
            self.due = max(self.due + 1 / self.speed, now) if self.speed else 0.0
        between = max(BETWEEN, SHARE * rooms * self.cost)
        if self.playing and time.monotonic() - self.shown >= between:
            self.show()

    def obey(self, do: str, turn: str = "both", speed: float | None = None) -> None:
        """A command of who started the room."""
        if speed is not None:
            self.speed, self.due = speed, time.monotonic()
        if do == "play":
            self.playing, self.counted, self.since = True, 0, time.monotonic()
            self.report()
        elif do == "reset":
            self.open()
        elif do in ("step", "pause"):
            self.playing = False
            if do == "step":
                self.step(turn)
            self.show(turn)
        else:
            self.report()


def send(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(joined([content]))
        sys.stdout.buffer.flush()
    except OSError:  # the app has ended
        os._exit(0)


def listen(commands: queue.SimpleQueue) -> None:
    for line in sys.stdin:
        commands.put(json.loads(line))
    commands.put(None)


def main() -> None:
    """Rooms in turn, until stdin ends."""
    torch.set_num_threads(1)
    with contextlib.suppress(AttributeError, OSError):  # pages answer first; Windows has no nice
        os.nice(10)
    commands: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=listen, args=(commands,), daemon=True).start()
    rooms: dict[str, Room] = {}
    while True:
        now = time.monotonic()
        playing = [room for room in rooms.values() if room.playing]
        wait = max(0.0, min(room.due for room in playing) - now) if playing else None
        with contextlib.suppress(queue.Empty):
            while True:
                command = commands.get(timeout=wait) if wait != 0.0 else commands.get_nowait()
                if command is None:
                    return
                serve(rooms, command)
                wait = 0.0
        playing = [room for room in rooms.values() if room.playing]
        for room in playing:
            room.advance(len(playing))


def serve(rooms: dict[str, Room], command: dict) -> None:
    """Carries out a command; a room that cannot be says why."""
    name, do = command.pop("room"), command.pop("do")
    try:
        if do == "start":
            points = command["points"]
            points = None if points is None else np.array(points, np.float32)
            rooms[name] = Room(name, command["settings"], points)
        elif do == "stop":
            rooms.pop(name, None)
        elif name in rooms:
            rooms[name].obey(do, **command)
    except Problem as problem:
        rooms.pop(name, None)
        send(pack("state", {"room": name, "playing": False, "ended": str(problem)}, {}))


if __name__ == "__main__":
    main()
