"""What a model's codes and discriminator say: the prior beside the codes, its holes, pairs that belong together or not."""

import numpy as np
import streamlit as st

from ali_core.measure import lens
from ali_core.measure.lens import LEVEL  # noqa: F401, for the page

from .checkpoints import card
from .classes import condition
from .codes import atlas, pictures
from .models import ask, consult, decode, to_bytes

CODES, PAIRS, SHOWN, SEED = 1_000, 300, 12, 0  # held-out pictures, pairs of a kind, decoded draws


def askable(name: str) -> bool:
    """Whether held-out pictures came with the checkpoint, to be encoded without a class."""
    about = card(name)
    return "atlas" in about and "classes" not in about["data"] and atlas(name).split == "held out"


def _some(name: str, n: int) -> np.ndarray:
    x = pictures(name)
    return x[np.random.default_rng(SEED).permutation(len(atlas(name).z))[:n]]


def prior(name: str) -> tuple[lens.Match, lens.Holes, np.ndarray, np.ndarray]:
    """Codes drawn for held-out pictures beside the prior. -> match, holes, the loneliest draws decoded, and the least lonely

    Pictures are uint8 (SHOWN, h, w, c).
    """
    return _prior(name, card(name)["weights"]["sha256"])


@st.cache_data(max_entries=8, show_spinner="Encoding held-out pictures …")
def _prior(name: str, sha256: str):
    codes, draws = ask(name, "draw", _some(name, CODES), 1, SEED)[0], ask(name, "prior", CODES, SEED)
    holes = lens.holes(codes, draws, SEED + 1)
    order = np.argsort(-holes.apart)
    return lens.matched(codes), holes, *(decode(name, draws[rows]) for rows in (order[:SHOWN], order[::-1][:SHOWN]))


def round_trip(name: str, x: np.ndarray, turns: int, y: tuple[int, ...] | None) -> dict:
    """A picture uint8 (h, w, c), through encoder and decoder again and again.

    -> codes (turns + 1, d); pictures (turns, h, w, c), uint8; drift (turns,); settles: after how many turns, 0 if not
    """
    trip = consult(name, lambda model: lens.round_trip(model, x[None], turns, condition(name, y, 1)))
    return {
        "codes": trip.codes[:, 0],
        "pictures": to_bytes(trip.pictures[:, 0]),
        "drift": trip.drift[:, 0],
        "settles": int(trip.settles()[0]),
    }


def discriminated(name: str) -> dict[str, np.ndarray]:
    """The joint discriminator's log-odds of four kinds of pairs, see lens.discriminated; {} without one."""
    return _discriminated(name, card(name)["weights"]["sha256"])


@st.cache_data(max_entries=8, show_spinner="Asking the discriminator …")
def _discriminated(name: str, sha256: str) -> dict[str, np.ndarray]:
    return consult(name, lambda model: lens.discriminated(model, _some(name, PAIRS), SEED))
