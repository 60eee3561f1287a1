"""What a lasso has chosen: classes, files, examples that teach a direction."""

import io

import numpy as np
import streamlit as st

from app import bridge
from app.shared import charts, examples, tray


def show(name: str, atlas, picks: list[int]) -> np.ndarray:
    """Their classes, their files, and either side of a direction to teach. -> those that the gallery shows"""
    numbers = np.array(picks)
    shown = numbers
    if len(numbers) > 40:
        shown = np.sort(np.random.default_rng(0).choice(numbers, 40, replace=False))
    counts = np.bincount(atlas.y[numbers], minlength=len(atlas.label_names))
    error = np.median(atlas.error[numbers])
    st.markdown(f"**{len(numbers):,} pictures**; median error {error:.4f} (all: {np.median(atlas.error):.4f}).")
    st.plotly_chart(
        charts.histogram(counts, atlas.label_names),
        key="lasso classes",
        config={"displayModeBar": False},
        alt="pictures a class: "
        + ", ".join(f"{atlas.label_names[i]} {counts[i]}" for i in np.argsort(-counts) if counts[i]),
    )
    called = f"{bridge.checkpoints.of(name)}-{len(numbers)}"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "CSV",
            lambda: table(atlas, numbers),
            f"{called}.csv",
            "text/csv",
            icon=":material/download:",
            help="Number, class, errors and both positions of each",
        )
        st.download_button(
            "NPZ",
            lambda: arrays(name, atlas, numbers),
            f"{called}.npz",
            "application/octet-stream",
            icon=":material/download:",
            help="The same, with codes and pictures, for numpy.load",
        )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("Teach a direction:", width="content")
        for side, says in examples.SIDES.items():
            some = np.random.default_rng(0).permutation(numbers)[: examples.MOST]
            st.button(
                says,
                key=f"teach {side}",
                on_click=teach,
                args=(name, side, some),
                help=f"Up to {examples.MOST} of them become examples; Interpolate → Directions → Teach goes on with them.",
            )
    st.caption(f"{len(shown)} of them, drawn by chance" if len(shown) < len(numbers) else "All of them")
    return shown


def teach(name: str, side: str, numbers: np.ndarray) -> None:
    """Pictures of the map are examples from now on."""
    examples.add(side, [tray.of_map(name, int(number)) for number in numbers])


def table(atlas, numbers: np.ndarray) -> bytes:
    """The chosen points as CSV."""
    lines = ["number,class,error,round_trip,umap_x,umap_y,pca_x,pca_y"]
    for i in numbers:
        values = [atlas.error[i], atlas.round_trip[i], *atlas.umap[i], *atlas.pca[i]]
        label = atlas.label_names[atlas.y[i]].replace('"', '""')
        lines.append(f'{i},"{label}",' + ",".join(f"{value:.6g}" for value in values))
    return ("\n".join(lines) + "\n").encode()


def arrays(name: str, atlas, numbers: np.ndarray) -> bytes:
    """The chosen points as NPZ."""
    file = io.BytesIO()
    np.savez_compressed(
        file,
        number=numbers,
        y=atlas.y[numbers],
        label_names=np.array(atlas.label_names),
        z=atlas.z[numbers],
        umap=atlas.umap[numbers],
        pca=atlas.pca[numbers],
        error=atlas.error[numbers],
        round_trip=atlas.round_trip[numbers],
        pictures=bridge.codes.pictures(name)[numbers],
    )
    return file.getvalue()
