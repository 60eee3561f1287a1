"""The map's right third: what is picked, its pictures in words and numbers, its files."""

from urllib.parse import quote

import numpy as np
import streamlit as st

from app import bridge
from app.components import map as parts
from app.components.decoded import decoded
from app.shared import charts, classes, engine, link, map_figure, tray
from app.shared.plain import plain, sentence
from app.views.latent_map import knobs, lasso, search

LIVE = ("off", "decode", "lattice")  # what the tab decodes by itself
FAR = 10  # times the typical distance, from where a place counts as empty of data


def pick(picks: list[int] | None = None, place: tuple[float, float] | None = None) -> None:
    """What the inspector shows from now on: points, or a place, or nothing."""
    st.session_state["picks"], st.session_state["place"] = picks or [], place


def on_event(key: str = "map events") -> None:
    """Takes what the browser sends: a point, a place or a lasso; of the layout beside the map no place."""
    event = st.session_state[key].event
    if "live" in event:
        st.session_state["live"] = event["live"] if event["live"] in LIVE else LIVE[0]
    elif "point" in event:
        pick([event["point"]])
    elif "points" in event:
        pick(sorted(event["points"]))
    elif key != knobs.EVENTS:
        x, y = event["place"]
        pick(place=(round(x, 3), round(y, 3)))


def says(atlas, number: int) -> str:
    """What a point is, in words."""
    return f"{atlas.label_names[atlas.y[number]]}, no. {number}, error {atlas.error[number]:.4f}"


def gallery(atlas, numbers) -> list[dict]:
    """Pictures for the events component to draw."""
    return [{"id": int(number), "says": says(atlas, int(number))} for number in numbers]


def fields(name: str, atlas) -> None:
    """Every pick by number, a picture or a place; and a search."""
    picks, place = st.session_state["picks"], st.session_state["place"]
    st.session_state["map number"] = picks[0] if len(picks) == 1 else None
    st.session_state["map x"], st.session_state["map y"] = place or (None, None)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.number_input(
            "Picture no.",
            0,
            len(atlas.z) - 1,
            key="map number",
            placeholder=f"0 to {len(atlas.z) - 1}",
            value=None,
            on_change=number_given,
            width=150,
        )
        with search.popover():
            search.field(name)
            st.number_input("x", key="map x", value=None, step=0.1, format="%.3f")
            st.number_input("y", key="map y", value=None, step=0.1, format="%.3f")
            st.button("Decode this place", on_click=place_given)
        if picks or place or search.found(name):
            st.button("Clear", on_click=clear, type="tertiary")


def clear() -> None:
    """Nothing is picked or searched any more."""
    pick()
    search.clear()


def number_given() -> None:
    """Takes the number that was typed."""
    number = st.session_state["map number"]
    pick([] if number is None else [number])


def place_given() -> None:
    """Takes the place that was typed."""
    x, y = st.session_state["map x"], st.session_state["map y"]
    if x is not None and y is not None:
        pick(place=(x, y))


def actions(make_item, key: str) -> None:
    """[To tray] [Reconstruct]; `make_item` gives the tray's word when one is pressed."""
    with st.container(horizontal=True, gap="small"):
        if st.button("To tray", icon=":material/add:", key=f"{key} to tray"):
            tray.add(make_item())
            st.rerun()
        if st.button("Reconstruct", icon=":material/cached:", key=f"{key} reconstruct"):
            tray.send(make_item(), "views/reconstruct/reconstruct.py")


def inspect_point(name: str, atlas, number: int) -> dict:
    """A picture, its reconstruction and its neighbours."""
    picture = bridge.codes.pictures(name)[number]
    reconstruction = bridge.models.reconstruct(name, picture[None], bridge.classes.of_pictures(name, [number]))[0]
    scale = -(-96 // picture.shape[0])
    error, moved = atlas.error[number], atlas.round_trip[number]
    with st.container(horizontal=True, gap="small"):
        st.image(
            charts.enlarge(picture, scale, charts.DATA),
            output_format="PNG",
            caption="picture",
            alt=f"{bridge.codes.origin(atlas)} picture: {says(atlas, number)}",
        )
        st.image(
            charts.enlarge(reconstruction, scale, charts.RECONSTRUCTION),
            output_format="PNG",
            caption="reconstruction",
            alt=f"its reconstruction, mean squared error {error:.4f}",
        )
    closer = (atlas.error > error).mean()
    st.markdown(
        f"**{plain(atlas.label_names[atlas.y[number]])}, no. {number}**; closer to its original than "
        f"{closer:.0%} of reconstructions (error {error:.4f}, median {np.median(atlas.error):.4f}); "
        f"code moves {moved:.1f} on the way round (median {np.median(atlas.round_trip):.1f})."
    )
    actions(lambda: tray.of_map(name, number), "point")
    near = bridge.codes.nearest(name, atlas.z[number], 9)[0][0]
    near = near[near != number][:8]
    same = int((atlas.y[near] == atlas.y[number]).sum())
    st.caption(
        f"Nearest in latent space; {same} of 8 are of its class.",
        help=f"The eight {bridge.codes.origin(atlas)} pictures whose codes are nearest, in all directions of the latent. "
        "On the map they wear blue rings. Click one to go there.",
    )
    return {"picks": [number], "near": near.tolist(), "gallery": gallery(atlas, near), "side": 56}


def inspect_place(name: str, atlas, place: tuple[float, float], view: str) -> dict:
    """What the model makes of a place on the map, and how far that is from any data."""
    lifted = bridge.codes.lift(name, place, view)
    near = lifted["neighbours"]
    y = decoded_as(name, near)
    ratio = lifted["map_distance"] / lifted["typical_map_distance"]
    alt = f"decoded at {link.place_form(place)}, {ratio:.1f} times the typical distance from data"
    scale = -(-96 // bridge.checkpoints.card(name)["data"]["shape"][0])
    if st.session_state["live"] != LIVE[0] and engine.usable(bridge.checkpoints.of(name)):
        codes = engine.codes(bridge.checkpoints.of(name), lifted["z"][None], [y])
        decoded(codes, scale, charts.GENERATED, "decoded here, in your browser", alt, "decoded place")
    else:
        picture = bridge.models.decode(name, lifted["z"], y)[0]
        with st.container(horizontal=True, gap="small"):
            st.image(
                charts.enlarge(picture, scale, charts.GENERATED),
                output_format="PNG",
                caption="decoded here",
                alt=alt,
            )
        engine.say("The server made this picture")
    if ratio < 2:
        judged = "This place is among the data."
    elif ratio < FAR:
        judged = "This place is at the edge of the data: take the picture with care."
    else:
        judged = "No picture lies near: this is a blend of distant ones, not a thing the model has seen."
    st.markdown(
        f"**{judged}** The eighth-nearest point is {ratio:.1f}x as far as it is for a typical point of the map."
    )
    actions(lambda: tray.keep_latent(bridge.checkpoints.of(name), lifted["z"], y), "place")
    st.caption(
        "Blended from these codes, the nearest first.",
        help="The place is turned into a code by the weighted mean of the codes of its eight nearest "
        "points, and then decoded. On the map they wear blue rings.",
    )
    return {"place": place, "near": near.tolist(), "gallery": gallery(atlas, near), "side": 56}


def decoded_as(name: str, near: np.ndarray) -> tuple[int, ...] | None:
    """As which classes a place is decoded: those of most of its neighbours, or the reader's choice."""
    if not bridge.classes.classes(name):
        return classes.choose(name, "placeas", None, "", "", "")
    most = tuple(int(np.bincount(labels).argmax()) for labels in bridge.classes.of_pictures(name, near).T)
    return classes.choose(
        name,
        "placeas",
        most,
        "as its neighbours",
        "Decoded as",
        "A place is a code, and this model decodes a code as a class. First choice: the class of most of "
        "the nearest pictures.",
    )


def invite(atlas) -> dict:
    """While nothing is picked: what can be done, and where to begin."""
    if st.session_state["live"] == LIVE[0]:
        says = (
            "**Point** at the map to see pictures, **click** one to ask about it.\n\n"
            "**Click an empty place** to decode it.\n\n"
            "**Lasso** a region (the map's toolbar) for its classes and files."
        )
    else:
        says = (
            "**Move** over the map: your browser decodes the place under the pointer, and two bars say how far to trust it. "
            "A **click** keeps it here.\n\n"
            "**Lattice** draws such pictures wherever data are near, and paler at their edge."
        )
    st.markdown(says)
    order = atlas.error.argsort()
    chosen = np.concatenate([order[:8], order[-8:]])
    st.caption(
        "Best (first two rows) and worst remembered",
        help=f"The eight {bridge.codes.origin(atlas)} pictures with the smallest reconstruction error, and the eight with the "
        "largest. Click one.",
    )
    return {"gallery": gallery(atlas, chosen), "side": 56}


@st.fragment
def show(name: str, view: str, colour: str) -> None:
    """The right third; a click on the map reruns this alone."""
    atlas = bridge.codes.atlas_by(name, colour)
    link.keep("picks", [], link.numbers(len(atlas.z)), link.numbers_form)
    link.keep("place", None, link.place, link.place_form)
    link.keep("live", LIVE[0], link.one_of(*LIVE))
    if st.session_state["picks"] and st.session_state["place"]:
        pick(st.session_state["picks"])  # a link may hold both; the points win
        link.keep("place", None, link.place, link.place_form)
    picks, place = st.session_state["picks"], st.session_state["place"]
    fields(name, atlas)
    try:
        if search.found(name):
            content = search.show(name, atlas, view, gallery)
        elif place:
            content = inspect_place(name, atlas, place, view)
        elif len(picks) > 1:
            content = {"picks": picks, "gallery": gallery(atlas, lasso.show(name, atlas, picks)), "side": 28}
        elif picks:
            content = inspect_point(name, atlas, picks[0])
        else:
            content = invite(atlas)
    except bridge.Problem as problem:
        st.error(sentence(problem))
        content = {"gallery": [], "side": 28}
    h, w, _ = bridge.checkpoints.card(name)["data"]["shape"]
    common = {"tile": [w, h], "labels": atlas.label_names, "alt": map_figure.alt(atlas, view)}
    common["spacing"] = atlas.typical[view]
    common["scale"] = max(1, content.pop("side") // h)  # pixels of the screen a pixel
    mine = bridge.checkpoints.of(name) != name
    common["sheet"] = bridge.mine.address(name) if mine else f"pictures/{quote(atlas.pictures)}.png"
    common["live"] = {"mode": st.session_state["live"], "name": bridge.checkpoints.of(name), "view": view, "as": None}
    if mine:
        common["live"]["map"] = name
    common = {"picks": [], "near": [], "place": None} | common | content
    parts.events(common, on_event)
    knobs.listen(name, atlas, common, lambda: on_event(knobs.EVENTS))
