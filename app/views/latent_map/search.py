"""Search by a picture: where a file's code lies on the map, and which pictures are nearest to it."""

import streamlit as st

from app import bridge
from app.shared import charts
from app.shared.plain import plain

FOUND, ROUND = "map search", "map search round"
NEAR = 16


def popover():
    """The button of what is looked for; it closes when a file was given."""
    help = "Pictures of this map that are like one of yours; or a place on it, by its coordinates"
    return st.popover("Find", help=help, key=f"map find {st.session_state.get(ROUND, 0)}")


def field(name: str) -> None:
    """The box for a file."""
    key = f"map search file {st.session_state.get(ROUND, 0)}"
    st.file_uploader("Like this picture", key=key, on_change=search, args=(bridge.checkpoints.of(name), key))


def search(checkpoint: str, key: str) -> None:
    """A file was given: it is what the inspector shows."""
    file = st.session_state[key]
    if not file:
        return
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1  # the box is empty again
    st.session_state["picks"], st.session_state["place"] = [], None
    try:
        seen = bridge.judging.see(checkpoint, file.name, file.getvalue(), "crop", "guess")
        st.session_state[FOUND] = checkpoint, seen["array"], seen["name"]
    except bridge.Problem as problem:
        st.session_state[FOUND] = checkpoint, None, str(problem)


def found(name: str) -> bool:
    """Whether the inspector shows a search: the last thing that was asked, with this checkpoint."""
    asked = st.session_state.get(FOUND)
    if asked and (st.session_state["picks"] or st.session_state["place"] or asked[0] != bridge.checkpoints.of(name)):
        del st.session_state[FOUND]
    return FOUND in st.session_state


def clear() -> None:
    """Nothing is searched any more."""
    st.session_state.pop(FOUND, None)


def show(name: str, atlas, view: str, gallery) -> dict:
    """The picture, how near the nearest are, and what the map and its gallery draw of it."""
    _, picture, called = st.session_state[FOUND]
    if picture is None:
        raise bridge.Problem(called)
    y = bridge.classes.likeliest(name, picture[None])
    z = bridge.models.encode(name, picture[None], y)
    near, away = (each[0] for each in bridge.codes.nearest(name, z, NEAR))
    st.image(
        charts.enlarge(picture, -(-96 // picture.shape[0]), charts.DATA),
        output_format="PNG",
        caption="as the model sees it",
        alt=f"{called}, as the model sees it",
    )
    usual = atlas.typical["nearest"][atlas.typical["levels"].index(0.5)]
    if away[0] <= 1e-3 * usual:
        judged = "the nearest has the same code"
    else:
        judged = f"the nearest code lies {away[0] / usual:.1f}x as far as it usually does"
    st.markdown(f"**{plain(called)}**: {judged}. On the map it wears the orange ring.")
    st.caption(
        f"The {len(near)} pictures whose codes are nearest, in all directions of the latent; blue rings on the map."
    )
    x, height = bridge.codes.place(name, z, view)[0].tolist()
    return {"place": (x, height), "near": near.tolist(), "gallery": gallery(atlas, near), "side": 56}
