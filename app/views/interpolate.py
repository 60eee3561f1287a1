"""Between pictures: a path from A to B that is scrubbed in the browser, or a pad between four."""

import random
import re

import numpy as np
import streamlit as st

from app import bridge, charts, film, link, tray
from app.components.follow import follow
from app.components.pad import pad
from app.components.scrub import scrub

PATH, PAD = "path", "pad"
DEFAULTS = {"a": "p2", "b": "p13", "c": "p0", "d": "p1"}
GRID, MIDDLE = 9, (4, 4)
HEIGHT = 350


def item(text: str) -> str:
    """One word of the tray's language, as a URL may hold it."""
    if not tray.ITEM.fullmatch(text) or text[0] not in "ps":
        raise ValueError(text)
    return text


def cell_of(text: str) -> tuple[int, int]:
    """A cell of the pad, `row.column`."""
    if not re.fullmatch(rf"[0-{GRID - 1}]\.[0-{GRID - 1}]", text):
        raise ValueError(text)
    return int(text[0]), int(text[2])


def set_end(end: str, word: str) -> None:
    """Puts a picture at an end: a, b, c or d."""
    st.session_state[end] = word


def set_number(end: str, kind: str, key: str) -> None:
    """Takes the number that was typed; an emptied field changes nothing."""
    if st.session_state[key] is not None:
        set_end(end, f"{kind}{st.session_state[key]}")


def upload(name: str, end: str) -> None:
    """Takes an uploaded file as an end; what is wrong with it is said beside the end."""
    file = st.session_state[f"{end} file"]
    st.session_state.pop(f"{end} problem", None)
    if file is not None:
        try:
            seen = bridge.see(name, file.name, file.getvalue(), "crop", "guess")
            set_end(end, tray.keep_upload(seen["array"]))
        except bridge.Problem as problem:
            st.session_state[f"{end} problem"] = str(problem)


def choose(name: str, end: str) -> None:
    """The ways to a picture for an end: the tray, a held-out picture, a sample, a file."""
    word, letter = st.session_state[end], end.upper()
    last = len(bridge.pictures(name)) - 1
    row = st.container(horizontal=True, gap="xsmall")
    for place, other in enumerate(tray.items()):
        with row.container(width=58):
            try:
                seen, says = tray.picture(name, other), tray.says(name, other)
            except bridge.Problem:  # the tray itself says what is wrong with it
                continue
            st.image(charts.enlarge(seen, 2), output_format="PNG", alt=says)
            st.button("Use", key=f"{end} tray {place}", on_click=set_end, args=(end, other))
    if not tray.items():
        st.caption("What you put into the tray can be chosen here.")
    held_out, sample = f"{end} held out", f"{end} seed"
    if word[0] == "p":
        st.session_state[held_out] = int(word[1:])
    if word[0] == "s":
        st.session_state[sample] = int(word[1:].partition("t")[0])
    st.number_input(
        f"Held-out picture, 0 to {last}",
        0,
        last,
        value=None,
        key=held_out,
        on_change=set_number,
        args=(end, "p", held_out),
    )
    st.number_input(
        "Sample of seed",
        0,
        999_999_999,
        value=None,
        key=sample,
        help="The same seed makes the same picture again.",
        on_change=set_number,
        args=(end, "s", sample),
    )
    st.button(
        "Another sample",
        icon=":material/casino:",
        key=f"{end} random",
        on_click=lambda: set_end(end, f"s{random.randrange(10_000)}"),
    )
    st.file_uploader(
        f"Your own picture as {letter}", key=f"{end} file", on_change=upload, args=(name, end)
    )


def show_end(name: str, end: str, brief: bool = False) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Draws an end's picker; unless `brief` it says what stands there. -> picture, code, words"""
    letter, word = end.upper(), st.session_state[end]
    found, sentence = None, st.session_state.get(f"{end} problem")
    try:
        picture, code = tray.picture(name, word), tray.latent(name, word)
        says = tray.says(name, word)
        found = picture, code, f"{letter}: {says}"
    except bridge.Problem as problem:
        says, sentence = "", str(problem)
    label = f"Change **{letter}**" if brief else f"**{letter}** {says}"
    with st.popover(label, help=None if brief else f"Change {letter}"):
        choose(name, end)
    if sentence:
        st.error(sentence)
    return found


def neighbours(count: int) -> str:
    """How many real pictures are near, in words."""
    if count == 0:
        return "no real picture is near"
    return "1 real picture is near" if count == 1 else f"{count} real pictures are near"


def show_path(name: str, how: str, count: int) -> None:
    """A at the left, B at the right, the frames between them, the map beside them."""
    film_side, beside = st.columns([5, 2.4], gap="small")
    with film_side:
        pickers = st.container(horizontal=True, horizontal_alignment="distribute")
        shown = []
        for end in "ab":
            with pickers.container(width="content"):
                shown.append(show_end(name, end))
    if None in shown:
        return
    pictures, codes, says = zip(*shown, strict=True)
    z = bridge.interpolate(*codes, count, how)
    frames, near = bridge.decode(name, z), bridge.near(name, z)
    notes = [f"frame {i + 1} of {count} · {neighbours(found)}" for i, found in enumerate(near)]
    with film_side:
        scrub(
            frames,
            np.stack(pictures),
            list(says),
            notes,
            near,
            key="path",
            kept=lambda frame: tray.add(tray.keep_latent(name, z[frame])),
        )
    with beside:
        figure = film.path_map(bridge.atlas(name).umap, bridge.place(name, z), near, HEIGHT)
        follow("path", "path_map")
        alone = int((near == 0).sum())
        show_map(figure, f"Map of the held-out pictures with the path in {count} steps")
        st.caption(
            f"At {alone} of {count} steps no real picture is near."
            if alone
            else "Real pictures are near all along the path.",
            help="Near means: not further than the eighth neighbour of a typical held-out picture is "
            "from it, measured in the code. The UMAP stretches and tears distances: where the path "
            "jumps on the map, the codes still move in equal steps.",
        )
        downloads(name, frames, z, near, how)


def show_map(figure, alt: str) -> None:
    st.plotly_chart(
        figure, key="path_map", config={"displayModeBar": False, "scrollZoom": True}, alt=alt
    )


def downloads(name: str, frames: np.ndarray, z: np.ndarray, near: np.ndarray, how: str) -> None:
    """The path as PNG strip, GIF and NPZ."""
    stem = f"{name}-path-{how}-{len(z)}"
    files = {
        "PNG": (f"{stem}.png", lambda: film.strip(frames), "All frames side by side"),
        "GIF": (f"{stem}.gif", lambda: film.gif(frames), "There and back again"),
        "NPZ": (
            f"{stem}.npz",
            lambda: film.arrays(latents=z, frames=frames, near=near),
            "Codes (latents), pictures (frames) and counts (near) for numpy.load",
        ),
    }
    for column, (kind, (file, content, says)) in zip(st.columns(3), files.items(), strict=True):
        column.download_button(
            kind, content, file, icon=":material/download:", on_click="ignore", help=says,
            width="stretch",
        )  # fmt: skip


def pad_downloads(name: str, frames: np.ndarray, z: np.ndarray, near: np.ndarray) -> None:
    """The pad as PNG and NPZ."""
    stem = f"{name}-pad"
    square = frames.reshape(GRID, GRID, *frames.shape[1:])
    st.download_button(
        "PNG", lambda: film.pad(square), f"{stem}.png", icon=":material/download:",
        on_click="ignore", help=f"All {GRID * GRID} blends in their square",
    )  # fmt: skip
    st.download_button(
        "NPZ", lambda: film.arrays(latents=z, frames=square, near=near.reshape(GRID, GRID)),
        f"{stem}.npz", icon=":material/download:", on_click="ignore",
        help="Codes (latents), pictures (frames) and counts (near) for numpy.load",
    )  # fmt: skip


def show_pad(name: str) -> None:
    """Four ends, the square between them, the map beside it."""
    cell = link.keep("cell", MIDDLE, cell_of, lambda cell: f"{cell[0]}.{cell[1]}")
    with st.container(key="corners"):
        left, middle, right = st.columns([1, 4.6, 1], gap="small")
    codes = {}
    for column, ends in ((left, "ac"), (right, "bd")):
        for end in ends:
            with column:
                if shown := show_end(name, end, brief=True):
                    picture, codes[end], says = shown
                    drawn = charts.enlarge(picture, max(1, 84 // len(picture)))
                    st.image(drawn, output_format="PNG", alt=says)
                    st.caption(says[3:])
    if len(codes) < 4:
        return
    z = bridge.corners([codes[end] for end in "abcd"], GRID)
    flat = z.reshape(-1, z.shape[-1])
    frames, near = bridge.decode(name, flat), bridge.near(name, flat)
    with middle:
        pad(
            frames.reshape(GRID, GRID, *frames.shape[1:]),
            [neighbours(found) for found in near],
            cell,
            key="pad",
            moved=lambda cell: set_end("cell", cell),
        )
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.button(
                "To the tray",
                icon=":material/add:",
                key="pad keep",
                on_click=lambda: tray.add(tray.keep_latent(name, z[cell])),
            )
            pad_downloads(name, frames, z, near)
        places = bridge.place(name, flat).reshape(GRID, GRID, 2)
        figure = film.pad_map(bridge.atlas(name).umap, places, cell, 230)
        show_map(figure, f"Map of the held-out pictures with the {GRID * GRID} blends of the pad")
        st.caption("The 81 blends on the map; the chosen one is ringed.")


name = st.session_state["checkpoint"]
try:
    bridge.atlas(name)
except bridge.Problem as problem:
    st.error(str(problem))
    st.stop()
if word := tray.received():
    set_end("a", word)
for end, default in DEFAULTS.items():
    link.keep(end, default, item)
    if st.session_state[end][0] not in "ps":  # what lives in this visit only has no address
        link.show(end, None)
link.keep("mode", PATH, link.one_of(PATH, PAD))
link.keep("how", "slerp", link.one_of("slerp", "lerp"))
link.keep("frames", 25, link.number(5, 49))
settings = st.container(horizontal=True, gap="medium")
with settings:
    st.segmented_control(
        "Between pictures",
        [PATH, PAD],
        format_func=str.title,
        key="mode",
        persist_state="session",
        width="content",
    )
if st.session_state["mode"] == PAD:
    show_pad(name)
else:
    with settings:
        st.segmented_control(
            "Way", ["slerp", "lerp"], key="how", persist_state="session", width="content",
            help="lerp goes straight from code to code; slerp goes along the sphere on which most "
            "codes lie, so that the middle is as far from the origin as the ends.",
        )  # fmt: skip
        st.slider("Frames", 5, 49, key="frames", persist_state="session", width=260)
    show_path(name, st.session_state["how"], st.session_state["frames"])
