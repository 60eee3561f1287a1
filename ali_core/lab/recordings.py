"""Recorded runs in the plane, which the lessons replay:   python -m ali_core record [NAME …]"""

import time
from typing import NamedTuple

import numpy as np

from ali_core.models import release

from . import packs, scenes


class Recording(NamedTuple):
    """What is recorded: a frame at the start, and `frames` more up to the last step, denser at first."""

    title: str
    settings: dict
    steps: int = 4_000
    frames: int = 60

    @property
    def shown(self) -> list[int]:
        """The numbers of steps after which there is a frame, from 0, rising."""
        later = np.geomspace(1, self.steps, self.frames).round().astype(int)
        return sorted({0, *later.tolist()})


_GRID = {"data": "grid", "r1": 0.01, "sines": 10.0}
_RING = {"data": "ring", "r1": 0.01, "sines": 30.0}


def _information(kl: float, mmd: float) -> dict:
    return {"member": "infovae", "data": "grid", "weights": {"kl": kl, "mmd": mmd}}


RECORDINGS = {
    "decoder-start": Recording("ALI on a ring, its first steps", _RING, 200),
    "gan-grid": Recording("A GAN on the grid", _GRID | {"member": "gan"}),
    "later-grid": Recording("A GAN, its encoder fitted by pairs", _GRID | {"member": "gan-posthoc"}),
    "ali-grid": Recording("ALI on the grid", _GRID),
    "alice-grid": Recording("ALICE on the grid", _GRID | {"member": "alice", "weights": {"reconstruction": 1.0}}),
    "gali4-grid": Recording("GALI-4 on the grid", _GRID | {"member": "gali4"}),
    "info-least": Recording("Coefficient 39: a beta-VAE of 40", _information(40.0, 0.0)),
    "info-vae": Recording("Coefficient 0: a VAE", _information(1.0, 0.0)),
    "info-half": Recording("Coefficient -0.5: an InfoVAE", _information(0.5, 500.0)),
    "info-most": Recording("Coefficient -1: an MMD-VAE", _information(0.0, 1000.0)),
}


def record(name: str) -> bytes:
    """Trains a recording anew. -> the file's content (see packs.read)"""
    wanted, start = RECORDINGS[name], time.monotonic()
    scene, frames = scenes.run(wanted.settings, wanted.shown)
    card = {
        "name": name,
        "title": wanted.title,
        "settings": wanted.settings,
        "steps": wanted.steps,
        "seconds": round(time.monotonic() - start, 1),
        "hardware": release.hardware(),
        "versions": release.versions(),
        "says": f"{scene.row.says} Recorded while it trained; nothing is drawn by hand.",
    }
    return packs.recording([scene.pack(card=card), *frames])
