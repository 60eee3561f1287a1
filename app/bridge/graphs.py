"""What a browser needs to run a checkpoint itself: its graphs, made once in a worker process, and its map's codes."""

import re
import threading
from collections.abc import Callable
from functools import lru_cache

from ali_core.maps import packed
from ali_core.models import graph, runtime
from ali_core.problem import Problem

from . import checkpoints, classes, codes, making
from .checkpoints import card, root

FAILED = "The graphs of this model could not be made; the server's terminal says why."

_lock = threading.Lock()
_made: dict[tuple, making.Making] = {}  # by name and weights


def runs() -> bool:
    """Whether the browser's runtime is installed."""
    return runtime.installed()


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
        one = _made.setdefault((name, weights), making.Making())
    if not one.failed:  # what was made and is lost is made again
        making.make(one, ["ali_core", "export", str((root() / name).resolve())], "", _heard, FAILED)
    told = one.state()
    return told if told["state"] == "off" else told | {"state": "making"}  # what is there is said at the next look


def _heard(line: str) -> tuple[float, str] | None:
    """What the command says. -> share and says"""
    told = re.fullmatch(r" *(\d+)%  (.+)\n", line)
    return (int(told[1]) / 100, told[2]) if told else None


def network(name: str, file: str) -> bytes | None:
    """A graph by the file's name that `state` says; None for another one."""
    said = ready(name)
    for net in graph.NETS if said else ():
        if file == f"{said[net]['sha256'][:16]}-{net}.onnx":
            return (graph.place(said["weights"]) / f"{net}.onnx").read_bytes()
    return None


def map_codes(name: str, most: int | None = None) -> bytes:
    """The map's codes and places (of its first `most` points) in one piece: see ali_core.maps.packed."""
    known = codes.atlas(name)
    return packed.pack(known if most is None else packed.fewer(known, most))


def export(name: str, told: Callable[[float, str], None]) -> dict:
    """Has the graphs here and now, made in this process where they are missing. -> as `state` says when they are ready"""
    if ready(name) is None:
        graph.make(root() / name, told=told)
    return state(name)
