"""Many pictures through a translator: files or a zip in, a zip out, the bad ones named."""

import streamlit as st

from app import bridge
from app.shared.plain import code, plain, sentence

RESULT, SHOWN = "many result", 8


@st.fragment
def show(name: str, back: bool) -> None:
    """The section, a fragment: it reruns without the rest of the page."""
    ours, theirs = bridge.checkpoints.domains(name)[:: -1 if back else 1]
    most, megabytes = bridge.translating.limits()
    st.markdown("#### Many at once")
    files = st.file_uploader(
        f"Pictures, or a zip of them: {plain(ours)} → {plain(theirs)}",
        accept_multiple_files=True,
        key="many files",
        help=f"A zip may unpack to {megabytes} MB. They stay in this visit: nothing is stored, nothing is sent on.",
    )
    asked = (name, back, tuple(file.file_id for file in files))
    if not files:
        st.caption(
            f"Up to {most:,} pictures, files of up to 10 MB. You get a zip of PNGs: left what the model sees, right "
            f"what it makes of it. Of more: {code(f'python -m ali_core translate {bridge.checkpoints.root() / name} IN OUT')}"
        )
        return
    with st.container(horizontal=True):
        go = st.button(f"Translate {len(files)} file{'s' * (len(files) > 1)}", type="primary")
        stop = st.empty()
    if go:
        st.session_state.pop(RESULT, None)
        stop.button("Stop", help="Nothing is kept of what is done so far.")
        try:
            st.session_state[RESULT] = asked, *run(name, files, back)
        except bridge.Problem as problem:
            st.error(sentence(problem), icon=":material/broken_image:")
        stop.empty()
    if st.session_state.get(RESULT, (None,))[0] == asked:
        show_result(name, theirs, *st.session_state[RESULT][1:])


def run(name: str, files: list, back: bool) -> tuple[int, bytes, list[str]]:
    """All of them, with a bar. -> how many were translated, the zip, a sentence for each bad one"""
    unpacked = bridge.translating.unpacked([(file.name, file.getvalue()) for file in files])
    bar, done, bad = st.progress(0.0, "Waking the model …"), [], []
    for count, (file, content) in enumerate(bridge.translating.through(name, unpacked, back), 1):
        if isinstance(content, bridge.Problem):
            bad.append(str(content))
        else:
            done.append((file, content))
        bar.progress(count / len(unpacked), f"{count} of {len(unpacked)}")
    bar.empty()
    return len(done), bridge.translating.zipped(done) if done else b"", bad


def show_result(name: str, theirs: str, done: int, content: bytes, bad: list[str]) -> None:
    """The zip, and what could not be read."""
    if bad:
        rest = f"\n- and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        lines = "".join(f"\n- {sentence(one)}" for one in bad[:SHOWN])
        st.warning(f"{len(bad)} could not be read:{lines}{rest}", icon=":material/broken_image:")
    if not done:
        st.error("There is no picture in it that can be read; nothing is translated.")
        return
    st.success(f"{done} translated.", icon=":material/check:")
    st.download_button(
        f"All {done} (ZIP)",
        content,
        f"{name}-{theirs}.zip",
        "application/zip",
        icon=":material/download:",
        on_click="ignore",
    )
