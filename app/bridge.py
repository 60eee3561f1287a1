"""The only door from the app to ali_core: plain data in, plain data out, everything heavy kept once.

A checkpoint is named by its folder's name. Caches are keyed by the files' digests or time stamps and by
scalars, never by arrays. torch is imported when a model is first asked, never before. Every function may
raise Problem, whose message is a sentence for st.error.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from ali_core import checkpoint, sheet
from ali_core.problem import Problem

__all__ = ["Problem"]
DEFAULT = "fashion-alice"


def root() -> Path:
    """The folder of checkpoints: $ALI_CHECKPOINTS, or `checkpoints` beside the app."""
    given = os.environ.get("ALI_CHECKPOINTS")
    path = Path(given) if given else Path(__file__).parents[1] / "checkpoints"
    # sentences name files: a short path reads better
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


# ---- what there is -------------------------------------------------------------------------------


def names() -> list[str]:
    """All checkpoints, the default first, broken ones too."""
    return sorted(checkpoint.names(root()), key=lambda name: (name != DEFAULT, name))


def broken(name: str) -> str | None:
    """None for a checkpoint that can be used, else the sentence that says what is wrong."""
    return _checked(str(root() / name), _stamp(name))


def card(name: str) -> dict:
    """The checkpoint's card."""
    return _card(str(root() / name), _stamp(name))


def _stamp(name: str) -> tuple:
    files = [root() / name / file for file in (checkpoint.CARD, checkpoint.WEIGHTS, "atlas.npz")]
    stats = [file.stat() if file.exists() else None for file in files]
    return tuple((s.st_mtime_ns, s.st_size) if s else None for s in stats)


@st.cache_resource(max_entries=64, show_spinner=False)
def _card(folder: str, stamp: tuple) -> dict:
    return checkpoint.card(folder)


@st.cache_resource(max_entries=64, show_spinner=False)
def _checked(folder: str, stamp: tuple) -> str | None:
    try:
        checkpoint.weights(folder)
        shape = checkpoint.card(folder)["data"]["shape"]
    except Problem as problem:
        return str(problem)
    if len(shape) != 3:
        return f"{Path(folder).name} makes points, not pictures; this explorer shows pictures."
    return None


def samples(name: str) -> np.ndarray | None:
    """Six samples, seeds 0 to 5, uint8 (6, h, w, c), as they were saved beside the weights; None without."""
    path, (h, w, _) = root() / name / "samples.png", card(name)["data"]["shape"]
    if not path.exists():
        return None
    with Image.open(path) as strip:
        return sheet.cut(strip, 6, h, w)


# ---- the atlas -----------------------------------------------------------------------------------


def atlas(name: str):
    """The checkpoint's map: see ali_core.atlas.Atlas. Shared: never write into its arrays."""
    return _atlas(str(root() / name), _stamp(name))


@st.cache_resource(max_entries=4, show_spinner=False)
def _atlas(folder: str, stamp: tuple):
    from ali_core import atlas

    return atlas.load(folder)


def pictures(name: str) -> np.ndarray:
    """The held-out pictures of the checkpoint's map, uint8 (n, h, w, c)."""
    return _pictures(str(root()), atlas(name).pictures)


@st.cache_resource(max_entries=2, show_spinner=False)
def _pictures(folder: str, which: str) -> np.ndarray:
    from ali_core import atlas

    return atlas.pictures(folder, which)


def nearest(name: str, z: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest held-out codes of each row of z: indices and distances, (m, k) each."""
    from ali_core import atlas as core

    return core.nearest(atlas(name), np.atleast_2d(z), k)


def place(name: str, z: np.ndarray, which: str = "umap") -> np.ndarray:
    """Where codes stand on the map, (m, 2)."""
    from ali_core import atlas as core

    return core.place(atlas(name), np.atleast_2d(z), which)


def lift(name: str, xy: tuple[float, float], which: str = "umap") -> dict:
    """A place on the map as a code: z, neighbours, map_distance, typical_map_distance."""
    from ali_core import atlas as core

    return core.lift(atlas(name), np.asarray(xy, np.float32), which)


def near(name: str, z: np.ndarray) -> np.ndarray:
    """How many held-out codes are nearer than a typical eighth neighbour is, for each row of z, (m,)."""
    known = atlas(name)
    held, asked = known.z.astype(float), np.asarray(z, float)  # float32 loses what is subtracted
    squares = (held**2).sum(1) + (asked**2).sum(1)[:, None] - 2 * asked @ held.T
    return (squares <= known.typical["z"] ** 2).sum(1)


# ---- ways between codes --------------------------------------------------------------------------


def interpolate(a: np.ndarray, b: np.ndarray, steps: int, how: str) -> np.ndarray:
    """A path between two codes, "slerp" or "lerp", ends included, (steps, d)."""
    from ali_core import latent

    return latent.interpolate(a, b, steps, how)


def corners(four: list[np.ndarray], steps: int) -> np.ndarray:
    """Blends of four codes (top left, top right, bottom left, bottom right), (steps, steps, d)."""
    from ali_core import latent

    return latent.corners(*four, steps)


# ---- the model -----------------------------------------------------------------------------------


@dataclass
class _Loaded:
    model: object
    lock: threading.Lock


@st.cache_resource(max_entries=4, show_spinner="Waking the model …")
def _loaded(folder: str, sha256: str) -> _Loaded:
    import torch

    from ali_core.model import Model

    # one picture is too little to share: beside other work, two threads wait for each other, 10x slower
    torch.set_num_threads(1)
    return _Loaded(Model.load(folder), threading.Lock())


def warm() -> None:
    """Imports torch in the background, once: called when the map is painted, before anybody clicks."""
    if not _warming:
        _warming.append(threading.Thread(target=_import_model, daemon=True))
        _warming[0].start()


_warming: list[threading.Thread] = []


def _import_model() -> None:
    import ali_core.model  # noqa: F401


def _ask(name: str, question: str, *inputs):
    loaded = _loaded(str(root() / name), card(name)["weights"]["sha256"])
    with loaded.lock:
        return getattr(loaded.model, question)(*inputs)


def encode(name: str, x: np.ndarray) -> np.ndarray:
    """Codes (posterior means) of pictures (n, h, w, c), uint8 or float in [0, 1]. -> (n, d)"""
    return _ask(name, "encode", x)


def posterior(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the posterior, (n, d) each."""
    return _ask(name, "posterior", x)


def draw(name: str, x: np.ndarray, n: int, seed: int) -> np.ndarray:
    """n posterior samples of every picture, (n, len(x), d)."""
    return _ask(name, "draw", x, n, seed)


def decode(name: str, z: np.ndarray) -> np.ndarray:
    """Pictures of codes, uint8 (n, h, w, c)."""
    return to_bytes(_ask(name, "decode", np.atleast_2d(z)))


def prior(name: str, n: int, seed: int, truncation: float = 1.0) -> np.ndarray:
    """n draws of the prior, (n, d)."""
    return _ask(name, "prior", n, seed, truncation)


def reconstruct(name: str, x: np.ndarray) -> np.ndarray:
    """Decoded codes of pictures, uint8 (n, h, w, c)."""
    return to_bytes(_ask(name, "reconstruct", x))


def score(name: str, x: np.ndarray, z: np.ndarray) -> np.ndarray | None:
    """The discriminator's log-odds that the pairs came from the encoder, (n,), or None."""
    return _ask(name, "score", x, z)


def samples_of(name: str, seeds: tuple[int, ...], truncation: float = 1.0) -> np.ndarray:
    """One sample a seed, as the tray's `s42` has it, uint8 (n, h, w, c)."""
    return _samples_of(name, card(name)["weights"]["sha256"], seeds, truncation)


@st.cache_data(max_entries=64, show_spinner=False)
def _samples_of(name: str, sha256: str, seeds: tuple[int, ...], truncation: float) -> np.ndarray:
    return decode(name, np.concatenate([prior(name, 1, seed, truncation) for seed in seeds]))


def mean_picture_error(name: str) -> float | None:
    """The reconstruction error of a model that always answers with the mean picture; None without atlas."""
    try:
        return _mean_picture_error(str(root()), atlas(name).pictures)
    except Problem:
        return None


@st.cache_data(max_entries=8, show_spinner=False)
def _mean_picture_error(folder: str, which: str) -> float:
    return float(np.mean(_pictures(folder, which).var(0)) / 255**2)


def to_bytes(x: np.ndarray) -> np.ndarray:
    """Float pictures in [0, 1] as uint8."""
    return (np.clip(x, 0, 1) * 255).round().astype(np.uint8)


# ---- the reader's own picture ----------------------------------------------------------------------

MEDIAN, RARE = 0.5, 0.99  # quantiles of the held-out pictures that a new one is compared to


def quantile(name: str, what: str, level: float) -> float:
    """A quantile over the held-out pictures: of "nearest" (distance to the next code) or "error"."""
    typical = atlas(name).typical
    return typical[what][typical["levels"].index(level)]


def see(name: str, filename: str, content: bytes, fit: str, invert: str) -> dict:
    """An uploaded file as the model sees it: array uint8 (h, w, c), steps, name, original.

    fit: "crop" or "fit"; invert: "guess", "yes" or "no". Raises Problem for anything that is no
    picture it can take.
    """
    from ali_core import pictures as intake

    image = intake.read(filename, content)
    asked = {"guess": None, "yes": True, "no": False}[invert]
    shape = tuple(card(name)["data"]["shape"])
    seen = intake.see(image, shape, fit, asked, _ground(name))
    return {
        "array": seen.array,
        "steps": seen.steps,
        "name": intake.shown(filename),
        "original": image,
    }


def _ground(name: str) -> float:
    """The usual brightness of the edges of the model's own pictures, 0 to 1."""
    x = pictures(name)[:1000].astype(float)
    edges = [x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]]
    return float(np.median([edge.mean() for edge in edges])) / 255


def look(name: str, x: np.ndarray) -> dict:
    """Everything checkpoint `name` has to say of one picture uint8 (h, w, c).

    mean and sd of its code (d,), x_rec uint8, the errors, how far the code moves on the way round, and
    in words what makes it unlike the held-out pictures (beyond 99 % of them).
    """
    mean, sd = posterior(name, x[None])
    made = _ask(name, "decode", mean)
    back, held = encode(name, made), atlas(name)
    judged = _judge(x, made)
    error = judged["mse"]
    away = float(nearest(name, mean, 1)[1][0, 0])
    unlike = []
    if away > quantile(name, "nearest", RARE):
        ratio = away / quantile(name, "nearest", MEDIAN)
        unlike.append(f"its code lies {ratio:.1f}x as far from any other as usual")
    if error > quantile(name, "error", RARE):
        ratio = error / quantile(name, "error", MEDIAN)
        unlike.append(f"its error is {ratio:.0f}x the usual one")
    return {
        "mean": mean[0],
        "sd": sd[0],
        "stochastic": bool(sd.any()),
        **judged,
        "norm": float(np.linalg.norm(mean)),
        "psnr_median": -10 * float(np.log10(np.median(held.error))),
        "drift": float(np.linalg.norm(back - mean)),
        "unlike": unlike,
    }


def remember(name: str, x: np.ndarray) -> dict:
    """The reconstruction of one picture uint8 (h, w, c) alone: x_rec, mse, psnr, ssim."""
    return _judge(x, _ask(name, "reconstruct", x[None]))


def _judge(x: np.ndarray, made: np.ndarray) -> dict:
    from ali_core import metrics

    truth = x[None].astype(np.float32) / 255
    errors = {key: float(getattr(metrics, key)(truth, made)[0]) for key in ("mse", "psnr", "ssim")}
    return {"x_rec": to_bytes(made)[0], **errors}


COMPARED = 200  # held-out pictures that an SSIM is compared to: a third of a second, once


def held_ssim(name: str) -> np.ndarray:
    """The SSIM of the first held-out pictures' reconstructions, (200,)."""
    return _held_ssim(name, card(name)["weights"]["sha256"], atlas(name).pictures)


@st.cache_data(max_entries=16, show_spinner=False)
def _held_ssim(name: str, sha256: str, which: str) -> np.ndarray:
    from ali_core import metrics

    truth = pictures(name)[:COMPARED].astype(np.float32) / 255
    return metrics.ssim(truth, _ask(name, "decode", atlas(name).z[:COMPARED]))


def rivals(name: str) -> list[str]:
    """The usable checkpoints with a map whose pictures have the same shape, `name` first."""
    shape = card(name)["data"]["shape"]
    good = [n for n in names() if not broken(n) and (root() / n / "atlas.npz").exists()]
    same = [n for n in good if card(n)["data"]["shape"] == shape]
    return sorted(same, key=lambda n: n != name)
