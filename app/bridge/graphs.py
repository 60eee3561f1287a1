"""What a browser needs to run a checkpoint itself: its graphs, made once in a worker process, and its map's codes."""

import atexit
import json
import os
import queue
import re
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path

import numpy as np

from ali_core.models import graph
from ali_core.problem import Problem

from . import checkpoints, classes, codes
from .checkpoints import card, root

ROOT = Path(__file__).parents[2]
FAILED = "The graphs of this model could not be made; the server's terminal says why."


class Making:
    """A checkpoint whose graphs are being made, or wait for their turn, or could not be made."""

    def __init__(self):
        self.share, self.says, self.failed = 0.0, "waits until another model's graphs are made", ""


_lock = threading.Lock()
_made: dict[tuple, Making] = {}  # by name and weights
_line: queue.SimpleQueue[tuple[str, Making]] = queue.SimpleQueue()
_thread: list[threading.Thread] = []
_running: list[subprocess.Popen] = []


def ready(name: str) -> dict | None:
    """What is said of a checkpoint's verified graphs (see ali_core.models.graph.about); None until they are there."""
    return _ready(str(root() / name), card(name)["weights"]["sha256"], _stamp(name))


@lru_cache(maxsize=64)
def _ready(folder: str, weights: str, stamp: tuple) -> dict | None:
    return graph.about(folder)


def _stamp(name: str) -> tuple:
    home, found = graph.place(card(name)["weights"]["sha256"]), []
    for file in (graph.ABOUT, *(f"{net}.onnx" for net in graph.NETS)):
        try:
            status = (home / file).stat()
            found.append((status.st_mtime_ns, status.st_size))
        except OSError:
            found.append(None)
    return tuple(found)


def state(name: str) -> dict:
    """How far a checkpoint's graphs are; asking has them made. -> state and what goes with it

    "ready": nets, each with its file's name and digest; shape, latent, classes. "making": share and says. "off": says.
    """
    if name not in checkpoints.names():
        raise Problem("There is no such checkpoint.")
    if why := checkpoints.broken(name):
        raise Problem(why)
    said, weights = ready(name), card(name)["weights"]["sha256"]
    if said:
        nets = {net: {"file": f"{said[net]['sha256'][:16]}-{net}.onnx", **said[net]} for net in graph.NETS}
        sizes = [len(names) for names in classes.classes(name)]
        about = {"nets": nets, "shape": card(name)["data"]["shape"], "latent": card(name)["config"]["latent"]}
        return {"state": "ready", "name": name, "classes": sizes, **about}
    with _lock:
        one = _made.get((name, weights))
        if one is None:
            one = _made[name, weights] = Making()
            _line.put((name, one))
            if not _thread:
                _thread.append(threading.Thread(target=_work, daemon=True))
                _thread[0].start()
    if one.failed:
        return {"state": "off", "says": one.failed}
    return {"state": "making", "share": one.share, "says": one.says}


def _work() -> None:
    """Makes what waits, one after the other: there are pages to be answered, too."""
    while True:
        name, one = _line.get()
        try:
            _make(name, one)
        except (OSError, Problem) as error:
            one.failed = str(error) if isinstance(error, Problem) else FAILED
        with _lock:
            if not one.failed:  # what is lost later is made again
                _made.pop((name, card(name)["weights"]["sha256"]), None)


def _make(name: str, one: Making) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ali_core", "export", str((root() / name).resolve())],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    _running[:] = [process]
    one.says = "PyTorch starts"
    for line in process.stdout:
        if told := re.fullmatch(r" *(\d+)%  (.+)\n", line):
            one.share, one.says = int(told[1]) / 100, told[2]
    why = process.stderr.read().strip()
    if process.wait() == 2:  # a sentence
        one.failed = why.splitlines()[-1]
    elif process.returncode:
        print(why, file=sys.stderr)
        one.failed = FAILED


@atexit.register
def _stop() -> None:
    for process in _running:
        process.terminate()


def network(name: str, file: str) -> bytes | None:
    """A graph by the file's name that `state` says; None for another one."""
    said = ready(name)
    for net in graph.NETS if said else ():
        if file == f"{said[net]['sha256'][:16]}-{net}.onnx":
            return (graph.place(said["weights"]) / f"{net}.onnx").read_bytes()
    return None


def map_codes(name: str) -> bytes:
    """The map's codes and places in one piece: length of a JSON (uint32), the JSON, then arrays, each at a multiple of 8.

    z float16 (n, d); umap, pca float32 (n, 2); labels uint16 (n, k), the classes that each is decoded as; axes and middle,
    float32 (d, 2) and (d,), of the PCA. In the JSON: n, d, k, typical distances, names of the classes.
    """
    return _map_codes(name, card(name)["atlas"]["sha256"])


@lru_cache(maxsize=8)
def _map_codes(name: str, sha256: str) -> bytes:
    known = codes.atlas(name)
    labels = known.y[:, None] if known.labels is None else known.labels
    arrays = {
        "z": known.z.astype("<f2"),
        "umap": known.umap.astype("<f4"),
        "pca": known.pca.astype("<f4"),
        "labels": labels.astype("<u2"),
        "axes": known.axes.astype("<f4"),
        "middle": known.z.mean(0).astype("<f4"),
    }
    typical = {key: known.typical[key] for key in ("z", "umap", "pca", "k")}
    about = {"n": len(known.z), "d": known.z.shape[1], "k": labels.shape[1], "typical": typical}
    about |= {"names": known.label_names, "origin": codes.origin(known)}
    words = json.dumps(about, ensure_ascii=False).encode()
    parts = [len(words).to_bytes(4, "little") + words, *(np.ascontiguousarray(a).tobytes() for a in arrays.values())]
    return b"".join(part + b"\0" * (-len(part) % 8) for part in parts)
