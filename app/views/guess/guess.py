"""A game: real, reconstruction or sample? Ten pictures, a score, and the discriminator plays along."""

import math

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, link
from app.shared.plain import plain, sentence

KINDS = {"real": "Real", "reconstruction": "Reconstruction", "sample": "Sample"}
COLOURS = {"real": charts.DATA, "reconstruction": charts.RECONSTRUCTION, "sample": charts.GENERATED}
GUESSES, SEED = "guesses", "game"
SIDE = 280

name = st.session_state["checkpoint"]


def guess(kind: str) -> None:
    st.session_state[GUESSES].append(kind)


def again(seed: int) -> None:
    """Begins another game."""
    st.session_state[SEED], st.session_state[GUESSES] = seed, []


def judged(log_odds: float) -> str:
    """What D takes a picture for: the data's, or the decoder's."""
    return "real" if log_odds > 0 else "made"


def right(kind: str, log_odds: float) -> bool:
    """Whether D is right: a reconstruction and a sample are both the decoder's."""
    return (judged(log_odds) == "real") == (kind == "real")


def verdict(one: dict, said: str) -> None:
    """What the last picture was, what was said, and what D says."""
    what = {"real": f"a real picture, no. {one['no']}", "sample": f"a sample, seed {one['no']}"}
    what["reconstruction"] = f"a reconstruction, of no. {one['no']}"
    mark = ":green[:material/check:]" if said == one["kind"] else ":orange[:material/close:]"
    words = f"{mark} The last one was **{what[one['kind']]}**; you said {KINDS[said].lower()}."
    if one["log_odds"] is not None:
        belief = 1 / (1 + math.exp(-max(-50, min(50, one["log_odds"]))))
        fits = "right" if right(one["kind"], one["log_odds"]) else "wrong"
        words += f" D believes {belief:.0%} that it is real: {fits}.".replace("%", " %")
    st.markdown(words)


def summary(game: list[dict], said: list[str]) -> None:
    """All pictures: what they were and what was said of them."""
    columns = st.columns(5)
    for k, (one, word) in enumerate(zip(game, said, strict=True)):
        with columns[k % 5]:
            scale = max(1, 112 // one["picture"].shape[0])
            shown = charts.enlarge(one["picture"], scale, COLOURS[one["kind"]])
            mark = ":material/check:" if word == one["kind"] else ":material/close:"
            st.image(shown, output_format="PNG", alt=f"{one['kind']}, you said {word}")
            d = "" if one["log_odds"] is None else f"; D: {judged(one['log_odds'])}"
            st.caption(f"**{KINDS[one['kind']]}**  \n{mark} you: {KINDS[word].lower()}{d}")


link.keep(SEED, 0, link.number(0, 999_999))
seed = st.session_state[SEED]
if st.session_state.get("game of") != (name, seed):
    st.session_state["game of"], st.session_state[GUESSES] = (name, seed), []
said = st.session_state[GUESSES]
st.markdown("#### Real, reconstruction, or sample?")
if why := bridge.guessing.guessable(name):
    st.info(sentence(why))
    st.stop()
game = bridge.guessing.rounds(name, seed)
hits = sum(word == one["kind"] for word, one in zip(said, game, strict=False))
judge = [right(one["kind"], one["log_odds"]) for one in game[: len(said)] if one["log_odds"] is not None]
seen = [one["kind"] == "real" for one in game[: len(said)]]
yours = sum((word == "real") == real for word, real in zip(said, seen, strict=True))

with st.container(horizontal=True, gap="large"):
    st.metric("Round", f"{min(len(said) + 1, len(game))} of {len(game)}", width="content")
    st.metric("You", f"{hits} of {len(said)}", width="content", help="Right guesses, of three kinds.")
    st.metric(
        "You, real or not",
        f"{yours} of {len(said)}",
        width="content",
        help="Counted as D's: a reconstruction and a sample are both not real.",
    )
    if game[0]["log_odds"] is not None:
        st.metric(
            "The discriminator",
            f"{sum(judge)} of {len(judge)}",
            width="content",
            help="D is asked whether the picture, with its code, came from the data. It learned to tell these "
            "apart; where it is right half of the time, the decoder has won.",
        )
    else:
        st.caption(f"{plain(name)} has no discriminator that sees pairs: you play alone.")
if len(said) < len(game):
    picture, buttons = st.columns([1, 2], gap="large")
    one = game[len(said)]
    with picture:
        shown = charts.enlarge(one["picture"], SIDE // one["picture"].shape[0])
        st.image(shown, output_format="PNG", alt=f"picture {len(said) + 1}: which kind is it?")
    with buttons:
        for key, (kind, label) in enumerate(KINDS.items(), 1):
            st.button(
                label,
                key=f"guess {kind}",
                shortcut=str(key),
                width=260,
                on_click=guess,
                args=(kind,),
            )
        if said:
            verdict(game[len(said) - 1], said[-1])
        else:
            st.caption(
                "**Real**: from the data, held out from training. **Reconstruction**: a real one, encoded and decoded. "
                "**Sample**: decoded from random numbers. Keys 1, 2, 3."
            )
else:
    verdict(game[-1], said[-1])
    st.markdown(f"##### {hits} of {len(game)} right")
    summary(game, said)
    st.button(
        "Another game",
        type="primary",
        on_click=again,
        args=(int(np.random.default_rng(seed).integers(1, 10**6)),),
    )
