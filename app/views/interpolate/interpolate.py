"""Between pictures: a path from A to B that is scrubbed in the browser, a pad between four, or directions."""

import re
from collections.abc import Callable

import numpy as np
import streamlit as st

from app import bridge
from app.components.follow import follow
from app.components.pad import pad
from app.components.scrub import scrub
from app.shared import charts, classes, engine, film, link, tray
from app.shared.plain import plain, sentence
from app.views.interpolate import directions, ends

PATH, PAD, DIRECTIONS = "path", "pad", "directions"
DEFAULTS = {"a": "p2", "b": "p13", "c": "p0", "d": "p1"}
GRID, MIDDLE = 9, (4, 4)
HEIGHT = 350


def cell_of(text: str) -> tuple[int, int]:
    """A cell of the pad, `row.column`."""
    if not re.fullmatch(rf"[0-{GRID - 1}]\.[0-{GRID - 1}]", text):
        raise ValueError(text)
    return int(text[0]), int(text[2])


def choose_class(name: str, letters: str) -> tuple[int, ...] | None:
    """As which classes all frames are decoded, for a conditional checkpoint: the first end's, or any."""
    if not bridge.classes.classes(name):
        link.show("pathas", None)
        return None
    try:
        conditions = [tray.classes_of(name, st.session_state[end]) for end in letters]
    except bridge.Problem:  # the end says it
        return None
    same = "the ends'" if all(y == conditions[0] for y in conditions) else "as A"
    same = "as A" if len(letters) == 1 else same
    return classes.choose(
        name,
        "pathas",
        conditions[0],
        same,
        "Decoded as",
        "All frames are decoded as one class. A code does not hold the class: an end of another class "
        "comes out as a thing of this one.",
    )


def kind(name: str) -> str:
    """What the map's pictures are, in words."""
    return f"{bridge.codes.origin(bridge.codes.atlas(name))} pictures"


def neighbours(count: int, real: str = "real") -> str:
    """How many real pictures are near, in words."""
    if count == 0:
        return f"no {real} picture is near"
    return f"1 {real} picture is near" if count == 1 else f"{count} {real} pictures are near"


def show_path(name: str, how: str, count: int, y: tuple[int, ...] | None) -> None:
    """A at the left, B at the right, the frames between them, the map beside them."""
    film_side, beside = st.columns([5, 2.4], gap="small")
    with film_side:
        pickers = st.container(horizontal=True, horizontal_alignment="distribute")
        shown = []
        for end in "ab":
            with pickers.container(width="content"):
                shown.append(ends.show(name, end))
    if None in shown:
        return
    pictures, codes, says = zip(*shown, strict=True)
    z = bridge.codes.interpolate(*codes, count, how)
    map_pictures = kind(name)
    frames, near = engine.lazily(lambda: bridge.models.decode(name, z, y)), bridge.codes.near(name, z)
    notes = [f"frame {i + 1} of {count} · {neighbours(n, ends.real(name))}" for i, n in enumerate(near)]
    with film_side:
        scrub(
            None if engine.usable(name) else frames(),
            engine.codes(name, z, [y] * count),
            list(pictures),
            list(says),
            notes,
            near,
            ends.real(name),
            key="path",
            kept=lambda at: tray.add(tray.keep_latent(name, engine.between(z, at), y)),
        )
        engine.say()
    with beside:
        figure = film.path_map(
            bridge.codes.atlas(name).umap,
            bridge.codes.place(name, z),
            near,
            HEIGHT,
            ends.real(name),
        )
        follow("path", "path_map")
        alone = int((near == 0).sum())
        show_map(figure, f"Map of the {map_pictures} with the path in {count} steps")
        st.caption(
            f"At {alone} of {count} steps no {ends.real(name)} picture is near."
            if alone
            else f"{ends.real(name).capitalize()} pictures are near all along the path.",
            help=f"Near means: not further than the eighth neighbour of a typical {map_pictures[:-1]} is "
            "from it, measured in the code. The UMAP stretches and tears distances: where the path "
            "jumps on the map, the codes still move in equal steps.",
        )
        downloads(name, frames, z, near, how)


def show_map(figure, alt: str) -> None:
    st.plotly_chart(figure, key="path_map", config={"displayModeBar": False, "scrollZoom": True}, alt=alt)


def downloads(name: str, frames: Callable[[], np.ndarray], z: np.ndarray, near: np.ndarray, how: str) -> None:
    """The path as PNG strip, GIF and NPZ."""
    stem = f"{name}-path-{how}-{len(z)}"
    files = {
        "PNG": (f"{stem}.png", lambda: film.strip(frames()), "All frames side by side"),
        "GIF": (f"{stem}.gif", lambda: film.gif(frames()), "There and back again"),
        "NPZ": (
            f"{stem}.npz",
            lambda: film.arrays(latents=z, frames=frames(), near=near),
            "Codes (latents), pictures (frames) and counts (near) for numpy.load",
        ),
    }
    for column, (kind, (file, content, says)) in zip(st.columns(3), files.items(), strict=True):
        column.download_button(
            kind,
            content,
            file,
            icon=":material/download:",
            on_click="ignore",
            help=says,
            width="stretch",
        )


def pad_downloads(name: str, square: Callable[[], np.ndarray], z: np.ndarray, near: np.ndarray) -> None:
    """The pad as PNG and NPZ."""
    stem = f"{name}-pad"
    st.download_button(
        "PNG",
        lambda: film.pad(square()),
        f"{stem}.png",
        icon=":material/download:",
        on_click="ignore",
        help=f"All {GRID * GRID} blends in their square",
    )
    st.download_button(
        "NPZ",
        lambda: film.arrays(latents=z, frames=square(), near=near.reshape(GRID, GRID)),
        f"{stem}.npz",
        icon=":material/download:",
        on_click="ignore",
        help="Codes (latents), pictures (frames) and counts (near) for numpy.load",
    )


def show_pad(name: str, y: tuple[int, ...] | None) -> None:
    """Four ends, the square between them, the map beside it."""
    cell = link.keep("cell", MIDDLE, cell_of, lambda cell: f"{cell[0]}.{cell[1]}")
    with st.container(key="corners"):
        left, middle, right = st.columns([1, 4.6, 1], gap="small")
    codes = {}
    for column, letters in ((left, "ac"), (right, "bd")):
        for end in letters:
            with column:
                if shown := ends.show(name, end, brief=True):
                    picture, codes[end], says = shown
                    drawn = charts.enlarge(picture, max(1, 84 // len(picture)))
                    st.image(drawn, output_format="PNG", alt=says)
                    st.caption(plain(says[3:]))
    if len(codes) < 4:
        return
    z = bridge.codes.corners([codes[end] for end in "abcd"], GRID)
    flat = z.reshape(-1, z.shape[-1])
    shape, near = bridge.checkpoints.card(name)["data"]["shape"], bridge.codes.near(name, flat)
    square = engine.lazily(lambda: bridge.models.decode(name, flat, y).reshape(GRID, GRID, *shape))
    with middle:
        pad(
            None if engine.usable(name) else square(),
            engine.codes(name, flat, [y] * len(flat)),
            [neighbours(n, ends.real(name)) for n in near],
            cell,
            key="pad",
            moved=lambda cell: ends.put("cell", cell),
        )
        engine.say()
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                "To the tray",
                icon=":material/add:",
                key="pad keep",
                on_click=lambda: tray.add(tray.keep_latent(name, z[cell], y)),
            )
            pad_downloads(name, square, z, near)
        places = bridge.codes.place(name, flat).reshape(GRID, GRID, 2)
        figure = film.pad_map(bridge.codes.atlas(name).umap, places, cell, 230)
        show_map(figure, f"Map of the {kind(name)} with the {GRID * GRID} blends of the pad")
        st.caption("The 81 blends on the map; the chosen one is ringed.")


name = st.session_state["checkpoint"]
try:
    bridge.codes.atlas(name)
except bridge.Problem as problem:
    st.error(sentence(problem))
    st.stop()
if word := tray.received():
    ends.put("a", word)
for end, default in DEFAULTS.items():
    link.keep(end, default, ends.item)
    if st.session_state[end][0] not in "ps":  # what lives in this visit only has no address
        link.show(end, None)
link.keep("mode", PATH, link.one_of(PATH, PAD, DIRECTIONS))
link.keep("how", "slerp", link.one_of("slerp", "lerp"))
link.keep("frames", 25, link.number(5, 49))
many = st.session_state["mode"] == DIRECTIONS  # settings, which must fit into one row
settings = st.container(horizontal=True, gap="small" if many else "medium")
with settings:
    st.segmented_control(
        "Between pictures",
        [PATH, PAD, DIRECTIONS],
        format_func=str.title,
        key="mode",
        persist_state="session",
        width="content",
    )
if st.session_state["mode"] == PAD:
    with settings:
        y = choose_class(name, "abcd")
    show_pad(name, y)
elif st.session_state["mode"] == DIRECTIONS:
    with settings:
        y = choose_class(name, "a")
    directions.show(name, y, settings, downloads)
else:
    with settings:
        st.segmented_control(
            "Way",
            ["slerp", "lerp"],
            key="how",
            persist_state="session",
            width="content",
            help="lerp goes straight from code to code; slerp goes along the sphere on which most "
            "codes lie, so that the middle is as far from the origin as the ends.",
        )
        st.slider("Frames", 5, 49, key="frames", persist_state="session", width=260)
        y = choose_class(name, "ab")
    show_path(name, st.session_state["how"], st.session_state["frames"], y)
