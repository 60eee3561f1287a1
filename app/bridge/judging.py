"""The reader's picture: how it is seen, and its reconstruction beside those of the map's pictures."""

from typing import Literal

import numpy as np
import streamlit as st

from ali_core.data import apart
from ali_core.data import pictures as intake
from ali_core.data.faces import ASPECT  # noqa: F401, for the box on the page
from ali_core.data.pictures import Box
from ali_core.measure import metrics

from .checkpoints import broken, card, domains, names, root
from .classes import condition, likeliest, of_pictures
from .codes import atlas, nearest, pictures, read_pictures
from .models import Classes, ask, encode, fills, posterior, to_bytes
from .translating import border

MEDIAN, RARE = 0.5, 0.99  # quantiles of the map's pictures that a new one is compared to


def quantile(name: str, what: str, level: float) -> float:
    """A quantile over the map's pictures: of "nearest" (distance to the next code) or "error"."""
    typical = atlas(name).typical
    return typical[what][typical["levels"].index(level)]


Where = Box | Literal["automatic", "whole"]


def usual(name: str) -> str:
    """Which pictures a new one is compared to, as a word before "picture": "held-out", or else the map's."""
    the_map = atlas(name)
    return the_map.typical.get("of", the_map.split).replace(" ", "-")


def more(name: str, what: str, value: float) -> float:
    """How many of those pictures, in %, have a larger "error" or "round_trip"."""
    the_map = atlas(name)
    if "of" in the_map.typical:
        return 100 * (1 - float(np.interp(value, the_map.typical[what], the_map.typical["levels"])))
    return 100 * float((getattr(the_map, what) > value).mean())


def sharper(name: str, ssim: float) -> tuple[float, int]:
    """How many of those pictures, in %, have a smaller SSIM; and among how many of them, or 0: among all."""
    typical = atlas(name).typical
    if "ssim" in typical:
        return 100 * float(np.interp(ssim, typical["ssim"], typical["levels"])), 0
    return 100 * float(
        (_held_ssim(name, card(name)["weights"]["sha256"], atlas(name).pictures) < ssim).mean()
    ), COMPARED


def see(
    name: str,
    filename: str,
    content: bytes,
    fit: str,
    invert: str,
    back: bool = False,
    where: Where = "automatic",
    turn: int = 0,
) -> dict:
    """An uploaded file as the model sees it: array uint8 (h, w, c), steps, name, original (reduced), its size.

    fit: "crop" or "fit"; invert: "guess", "yes" or "no". A translator takes it as of its first domain,
    or (`back`) its second. where: a box in it, "whole", or "automatic": framed as the card asks, where it asks;
    then `frames` are those of all faces, `box` the one that is seen, and `turn` by how many degrees the picture was
    turned for it, as a box in it asks again. Raises Problem for anything that is no picture it can take.
    """
    asked = {"guess": None, "yes": True, "no": False}[invert]
    shape = tuple(card(name)["data"]["shape"])
    around = None
    if grey(name):
        around = border(name, back) if domains(name) else edge(name)
    frame, box, turned = framed(name), None, None  # whatever has a face when it is turned is turned
    if where != "automatic":
        frame, box, turned = "", None if where == "whole" else where, turn
    seen, small = apart.see(filename, content, shape, fit, asked, around, frame, box, turned)
    return {
        "array": seen.array,
        "steps": seen.steps,
        "name": intake.shown(filename),
        "original": small,
        "size": seen.size,
        "frames": seen.frames,
        "box": seen.box,
        "turn": seen.turn,
    }


def grey(name: str) -> bool:
    """Whether a checkpoint's pictures are grey ones."""
    return card(name)["data"]["shape"][2] == 1


def edge(name: str) -> float:
    """The usual brightness, 0 to 1, of the edges of the map's pictures."""
    return intake.border(pictures(name)[:1000])


def framed(name: str) -> str:
    """How a checkpoint's training pictures were framed: "face", or "" where its card does not say."""
    return card(name)["data"].get("frame", "")


def look(name: str, x: np.ndarray, y: Classes = None, to: Classes = None) -> dict:
    """What checkpoint `name` computes of one picture uint8 (h, w, c).

    A conditional one encodes it as of class y, and decodes it as class `to`.
    mean and sd of its code (d,), x_rec uint8, the errors, how far the code moves on the way round, and
    in words what makes it unlike the map's pictures (beyond 99 % of them).
    """
    mean, sd = posterior(name, x[None], y)
    x_rec = ask(name, "decode", mean, condition(name, to, 1))
    back = encode(name, x_rec, to)
    judged = _judge(x, x_rec)
    error = judged["mse"]
    away = float(nearest(name, mean, 1)[1][0, 0])
    unlike = []
    if away > quantile(name, "nearest", RARE):
        ratio = away / quantile(name, "nearest", MEDIAN)
        unlike.append(f"its code lies {ratio:.1f}x as far from any other as usual")
    if to == y and error > quantile(name, "error", RARE):  # another class is meant to differ
        ratio = error / quantile(name, "error", MEDIAN)
        unlike.append(f"its error is {ratio:.0f}x the usual one")
    return {
        "mean": mean[0],
        "sd": sd[0],
        "stochastic": bool(sd.any()),
        **judged,
        "norm": float(np.linalg.norm(mean)),
        "psnr_median": -10 * float(np.log10(quantile(name, "error", MEDIAN))),
        "drift": float(np.linalg.norm(back - mean)),
        "unlike": unlike,
    }


def remember(name: str, x: np.ndarray) -> dict:
    """The reconstruction of one picture uint8 (h, w, c) alone: x_rec, mse, psnr, ssim.

    By a conditional checkpoint as the class whose reconstruction is nearest.
    """
    return _judge(x, ask(name, "reconstruct", x[None], likeliest(name, x[None])))


def _judge(x: np.ndarray, x_rec: np.ndarray) -> dict:
    truth = x[None].astype(np.float32) / 255
    errors = {key: float(getattr(metrics, key)(truth, x_rec)[0]) for key in ("mse", "psnr", "ssim")}
    return {"x_rec": to_bytes(x_rec)[0], **errors}


COMPARED = 200  # pictures of the map that an SSIM is compared to: a third of a second, once


@st.cache_data(max_entries=16, show_spinner=False)
def _held_ssim(name: str, sha256: str, which: str) -> np.ndarray:
    """The SSIM of the reconstructions of the map's first pictures, (200,)."""
    truth = pictures(name)[:COMPARED].astype(np.float32) / 255
    y = of_pictures(name, np.arange(len(truth)))
    return metrics.ssim(truth, ask(name, "decode", atlas(name).z[:COMPARED], y))


def stand_ins(name: str, x: np.ndarray, hole: np.ndarray) -> dict[str, np.ndarray]:
    """A picture's hole filled without a model: what a filled picture is to be compared to.

    x uint8 (h, w, c), hole boolean (h, w). -> "mean": with the mean of the map's pictures; "nearest": with
    the picture whose visible part is nearest, x itself left out; each uint8 (h, w, c).
    """
    others = pictures(name)
    apart = np.zeros((2, len(others)))
    for part, where in zip(apart, (~hole, hole), strict=True):
        seen = x[where].astype(np.float32)
        for start in range(0, len(others), 500):  # 10,000 pictures in floats are large
            chunk = others[start : start + 500][:, where]
            part[start : start + 500] = ((chunk - seen) ** 2).sum((1, 2))
    visible, hidden = apart
    nearest = np.where(visible + hidden == 0, np.inf, visible).argmin()
    mean = _mean_picture(str(root()), atlas(name).pictures)
    return {key: np.where(hole[..., None], other, x) for key, other in (("mean", mean), ("nearest", others[nearest]))}


@st.cache_data(max_entries=8, show_spinner=False)
def _mean_picture(folder: str, which: str) -> np.ndarray:
    return to_bytes(read_pictures(folder, which).mean(0) / 255)


def fillers(name: str) -> list[str]:
    """The usable checkpoints for pictures of the same shape that fill holes."""
    return [other for other in rivals(name) if fills(other)]


def rivals(name: str) -> list[str]:
    """The usable checkpoints with a map whose pictures have the same shape, `name` first."""
    shape = card(name)["data"]["shape"]
    good = [n for n in names() if not broken(n) and (root() / n / "atlas.npz").exists()]
    same = [n for n in good if card(n)["data"]["shape"] == shape]
    return sorted(same, key=lambda n: n != name)
