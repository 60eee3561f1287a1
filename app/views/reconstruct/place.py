"""Where a picture stands: on the map, among the nearest pictures, and on its way round encoder and decoder."""

import numpy as np
import streamlit as st

from app import bridge
from app.shared import portrait
from app.shared.plain import plain

NEAR, TURNS = 8, 7  # nearest pictures; turns of the way round
HIDDEN = " The data's own pictures may not be shown: these are the model's, nobody's portrait."


def show(name: str, x: np.ndarray, result: dict, codes: np.ndarray, itself: int, y) -> None:
    """The place on the map, the way round, and the nearest pictures, `itself` (a picture's number, or -1) left out."""
    atlas = bridge.codes.atlas(name)
    kind = bridge.codes.origin(atlas)
    st.markdown(
        "#### Where it stands",
        help="Placed by the nearest codes; the full map is on the Map page.",
    )
    indices, distances = (each[0] for each in bridge.codes.nearest(name, result["mean"], NEAR + 1))
    others = indices != itself  # a picture is no news about itself
    indices, distances = indices[others][:NEAR], distances[others][:NEAR]
    here = bridge.codes.place(name, result["mean"])[0]
    cloud = bridge.codes.place(name, codes) if len(codes) else np.zeros((0, 2))
    trip = bridge.inside.round_trip(name, x, TURNS, y)
    trail = bridge.codes.place(name, trip["codes"])
    st.plotly_chart(
        portrait.small_map(atlas.umap, here, cloud, atlas.umap[indices], trail, kind),
        config={"displayModeBar": False},
        alt="the map with this picture's place as a star, and arrows to where its reconstructions are encoded",
    )
    rounds(trip, float(np.ptp(trail, 0).max() / np.ptp(atlas.umap, 0).max()))
    scale = max(1, 56 // result["x_rec"].shape[0])
    st.image(
        portrait.row(bridge.codes.pictures(name)[indices], NEAR, scale),
        output_format="PNG",
        alt=f"nearest {kind} pictures: " + ", ".join(atlas.label_names[atlas.y[i]] for i in indices),
    )
    counts = np.bincount(atlas.y[indices])
    most = atlas.label_names[int(counts.argmax())]
    st.caption(
        f"The {NEAR} nearest {kind} pictures by code: {counts.max()} of {NEAR} are «{plain(most)}». The nearest is "
        f"{distances[0] / bridge.judging.quantile(name, 'nearest', bridge.judging.MEDIAN):.1f}x as far as a typical neighbour."
        + HIDDEN
        * (atlas.split == "made")
    )


def rounds(trip: dict, seen: float) -> None:
    """The pictures of a way round, and how far the code moves in each turn; `seen`: its way on the map, a share of the map."""
    drift, settles = trip["drift"], trip["settles"]
    scale = max(1, 48 // trip["pictures"].shape[1])
    moves = ", ".join(f"{move:.1f}" for move in drift)
    st.image(
        portrait.row(trip["pictures"], TURNS, scale),
        output_format="PNG",
        alt=f"the reconstruction, its own reconstruction, and so on; the code moves {moves}",
    )
    st.caption(
        f"Round and round: the reconstruction is reconstructed, {TURNS} times. The code moves {moves}: "
        + (f"after {settles} turns it has settled." if settles else "it has not settled.")
        + (" Orange arrows on the map." if seen > 0.02 else " On the map it stays where it is.")
    )
