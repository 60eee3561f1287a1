"""A run for a browser that trains it itself: graphs, kept in a cache, and the numbers that they are given.

python -m ali_core.lab.own makes the graphs of the settings that come as JSON on stdin; the app starts it.
"""

import functools
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from ali_core.config import Config
from ali_core.data.dataset import Data
from ali_core.family import members
from ali_core.family.samples import DRAWN
from ali_core.files import write_beside
from ali_core.training import counter
from ali_core.training import loop as train
from ali_core.training.inputs import Inputs

from . import graphs, scenes

KEPT = 200  # graphs in the cache; the ones that were read longest ago make room
STARTING = ("steps", "mean", "square")  # inputs that are 0 at the start
CODE = ("config.py", "family", "nets", "lab", "training")  # what graphs are made of


def cache() -> Path:
    """Where graphs are kept: in $ALI_CACHE, or .cache/ali-explorer at home."""
    return Path(os.environ.get("ALI_CACHE") or Path.home() / ".cache" / "ali-explorer") / "lab"


@functools.cache
def _code() -> str:
    """A digest of the program that graphs are traced from, and of torch's version: others have other graphs."""
    found, home = hashlib.sha256(torch.__version__.encode()), Path(__file__).parents[1]
    for name in CODE:
        files = [home / name] if name.endswith(".py") else sorted((home / name).glob("*.py"))
        for file in files:
            found.update(file.read_bytes())
    return found.hexdigest()


class Run:
    """One model of a run: its config, data and networks as they begin."""

    def __init__(self, settings: dict, own: np.ndarray | None = None):
        self.config: Config = scenes.config(settings)
        self.data: Data = scenes.data(self.config, own)
        self.row = members.member(self.config)
        self.inputs = Inputs(self.config, self.row, self.data)
        self.nets = graphs.Nets(next(train.steps(self.config, self.data)).nets)
        self.scene = scenes.Scene(self.config, self.data)

    def given(self) -> dict[str, dict[str, torch.Tensor]]:
        """What its graphs are given at the start, by graph and name."""
        step = graphs.step_inputs(self.config, self.row, self.nets)
        return {"step": step, "frame": graphs.frame_inputs(self.scene, self.nets)}

    def names(self) -> dict[str, str]:
        """The names of its graphs' files: runs whose graphs are equal have equal names."""
        found = {}
        for kind, given in self.given().items():
            shapes = sorted((name, list(value.shape), str(value.dtype)) for name, value in given.items())
            words = [kind, self.config.member, self.inputs.n_classes, sorted(self.row.terms.keys()), shapes, _code()]
            found[kind] = f"{hashlib.sha256(json.dumps(words).encode()).hexdigest()[:24]}.onnx"
        return found

    def missing(self) -> list[str]:
        """The kinds of its graphs that are not kept."""
        return [kind for kind, name in self.names().items() if not (cache() / name).exists()]

    def make(self, kind: str) -> bytes:
        """Traces a graph of it."""
        from . import aten  # which wants onnx

        function = {
            "step": lambda: graphs.step(self.config, self.row, self.nets, self.inputs.n_classes),
            "frame": lambda: graphs.frame(self.scene, self.nets),
        }[kind]()
        return aten.model(function, self.given()[kind]).SerializeToString()

    def keep(self, kind: str) -> None:
        """Traces a graph and keeps it."""
        write_beside(cache() / self.names()[kind], self.make(kind))
        kept = sorted(cache().glob("*.onnx"), key=lambda path: path.stat().st_atime_ns)
        for path in kept[:-KEPT]:
            path.unlink(missing_ok=True)

    def pack(self) -> bytes:
        """Everything but data and graphs that a browser needs, as safetensors; "about" of its metadata says the rest.

        Tensors bear the names of the graphs' inputs; "panel NAME" are the scene's own, to be drawn, "labelled" the numbers
        of the labelled examples. about: graphs, points, scene, players, seed, rows, steps, won, under draws how
        what a step draws comes from the counter, and parts.
        """
        given = self.given()
        tensors = given["frame"] | {k: v for k, v in given["step"].items() if k.partition(" ")[2] not in STARTING}
        drawn = self.draws()
        tensors = {name: value for name, value in tensors.items() if name not in drawn}
        told, arrays = self.scene.parts()
        tensors |= {f"panel {name}": torch.as_tensor(np.asarray(value)) for name, value in arrays.items()}
        if self.inputs.labelled is not None:
            tensors["labelled"] = self.inputs.labelled.to(torch.int32)
        tensors = {name: _plain(value) for name, value in tensors.items()}
        about = {
            "graphs": self.names(),
            "scene": told,
            "players": list(self.nets.places),
            "seed": self.config.seed,
            "steps": self.config.steps,
            "won": train.WON * train.guessing(self.row),
            "points": self.points(),
            "rows": len(self.data.x),
            "draws": drawn,
            "parts": [],  # files with more of the tensors: see apart
        }
        return safetensors.torch.save(tensors, {"about": json.dumps(about)})

    def draws(self) -> dict[str, dict]:
        """How a step's inputs are drawn: their stream of the counter, shape, and what they are rows of."""
        b, at = self.config.batch, counter.STREAMS.index
        index = {"stream": at("index"), "kind": "row"}
        example = {"stream": at("example"), "kind": "example"}
        found = {
            "x": index | {"of": "x", "shape": [b, 2]},
            "y": index | {"of": "y", "shape": [b]},
            "labelled x": example | {"of": "x", "shape": [b, 2]},
            "labelled y": example | {"of": "y", "shape": [b]},
            "z": {"kind": "normal", "stream": at("z"), "shape": [b, self.config.latent]},
            "holes": {"kind": "uniform", "stream": at("holes"), "shape": [b, 8]},
        }
        for k, name in enumerate(DRAWN):
            normal = {"kind": "normal", "stream": len(counter.STREAMS) + k, "shape": [b, self.config.latent]}
            found[f"noise {name}"] = normal
        return found

    def numbers(self) -> dict[str, float]:
        """What may be changed without another graph: rates, and weights of terms, by the names of inputs."""
        return {
            name: value.item()
            for name, value in self.given()["step"].items()
            if name.endswith(" rate") or name.startswith("price ")
        }

    def points(self) -> str:
        """The name of its data's file."""
        return f"{self.data.fingerprint}.bin"


def table(settings: dict, own: np.ndarray | None = None) -> bytes:
    """The data that a run learns from, as safetensors: x (n, 2), and their classes y."""
    data = scenes.data(scenes.config(settings), own)
    return safetensors.torch.save({"x": torch.from_numpy(data.x), "y": torch.from_numpy(data.y[:, 0]).to(torch.int32)})


def apart(pack: bytes) -> tuple[bytes, dict[str, bytes]]:
    """A pack without its weights and its scene, and these as files of their own by the names that it says.

    Of many runs of the same seed, those of one member share the weights, and those on the same data the scene.
    """
    size = int.from_bytes(pack[:8], "little")
    about = json.loads(json.loads(pack[8 : 8 + size])["__metadata__"]["about"])
    tensors, files = safetensors.torch.load(pack), {}
    for belongs in (lambda name: name.endswith(" weights"), lambda name: name.startswith(("scene ", "panel "))):
        content = safetensors.torch.save({name: tensors.pop(name) for name in list(tensors) if belongs(name)})
        files[f"{hashlib.sha256(content).hexdigest()[:16]}.bin"] = content
    return safetensors.torch.save(tensors, {"about": json.dumps(about | {"parts": list(files)})}), files


def _plain(value: torch.Tensor) -> torch.Tensor:
    """In one of the types that a browser's tensors have, and by itself in memory."""
    value = value.to({torch.float64: torch.float32, torch.int64: torch.int64}.get(value.dtype, value.dtype))
    return value.detach().contiguous().clone()


def graph(name: str) -> bytes | None:
    """A kept graph by its file's name; None where it is not kept."""
    path = cache() / name
    if Path(name).name != name or not name.endswith(".onnx"):
        return None
    try:
        content = path.read_bytes()
        os.utime(path)  # it was read, whether or not the disk notes it
    except OSError:
        return None
    return content


def main() -> None:
    """Makes what is missing of the settings on stdin; every line says how far it is."""
    torch.set_num_threads(1)
    told = json.loads(sys.stdin.read())
    own = None if told["points"] is None else np.array(told["points"], np.float32)
    runs = [Run(settings, own) for settings in told["settings"]]
    todo = [(run, kind) for run in runs for kind in run.missing()]
    for done, (run, kind) in enumerate(todo):
        print(f"{done / len(todo):.2f} {run.config.member}: its {kind} becomes a graph", flush=True)
        if kind in run.missing():  # the other model's may be the same
            run.keep(kind)


if __name__ == "__main__":
    main()
