"""Eight lessons: an idea, a prediction, a recorded run that answers it, something to break."""

import streamlit as st

from app import bridge
from app.components.lab import lab
from app.shared import link
from app.shared.plain import plain
from app.views.lessons import answers, texts

NUMBER, PRESENT, ANSWERS, KNOB = "lesson", "present", "lesson answers", "knob"
HEIGHT = {False: 640, True: 630}  # of the panels and their buttons, off and on the projector


def show_formula(lesson: texts.Lesson) -> None:
    """The formula, and under it every symbol in its colour; a hover says what it is."""
    st.latex(texts.coloured(lesson.formula))
    st.html(f'<p class="symbols">{answers.symbols(lesson)}</p>')


def ask(lesson: texts.Lesson, number: int) -> bool:
    """The prediction; -> whether there is one."""
    given = st.session_state.setdefault(ANSWERS, {})
    st.markdown(f"**Predict first.** {lesson.question}")
    said = given.get(number)
    if said is None:
        for place, option in enumerate(lesson.options):
            st.button(
                option,
                key=f"option {number} {place}",
                width="stretch",
                on_click=given.__setitem__,
                args=(number, place),
            )
        return False
    right, yours = lesson.options[lesson.right], lesson.options[said]
    st.markdown(f":material/check: {right}" + ("" if said == lesson.right else f"  \n:material/close: ~~{yours}~~"))
    return True


def go(number: int) -> None:
    """Opens another lesson."""
    st.session_state[NUMBER] = number


def present(on: bool) -> None:
    """Switches the projector's view on or off."""
    st.session_state[PRESENT] = on


def show_text(lesson: texts.Lesson, number: int) -> bool:
    """The left side; -> whether the reader has predicted."""
    st.markdown(f"#### {number}. {lesson.title}")
    presenting = st.session_state[PRESENT]
    # on the projector, the answer takes the place of what was said before
    if not presenting or number not in st.session_state.get(ANSWERS, {}):
        st.markdown(lesson.idea)
        show_formula(lesson)
    answered = ask(lesson, number)
    if answered:
        right = st.session_state[ANSWERS][number] == lesson.right
        st.markdown(("**Right.** " if right else "**Not quite.** ") + lesson.why.format(**answers.measured(lesson)))
        st.markdown(f"**Break it.** {lesson.breaks}")
        st.page_link(
            "views/lab/lab.py",
            label="Try it live",
            icon=":material/science:",
            query_params={"live": "1"} | {k: str(v) for k, v in lesson.tries.items()},
        )
    if not presenting:
        with st.expander(f"For teachers ({lesson.minutes} minutes)", icon=":material/school:"):
            st.markdown(lesson.notes)
            st.caption("Recordings: " + plain(" ".join(said_of(name) for name in shown(lesson))))
    return answered


def said_of(name: str) -> str:
    """What a recording is of: its settings, steps, time and machine."""
    card = bridge.lab.recorded(name)[0]["card"]
    settings = card["settings"] | card["settings"].get("weights", {})
    fields = ", ".join(f"{key} {value}" for key, value in settings.items() if key != "weights")
    return f"«{card['title']}» ({fields}): {card['steps']:,} steps in {card['seconds']:.0f} s, {card['hardware']}."


def shown(lesson: texts.Lesson) -> tuple[str, ...]:
    """The recordings that are shown now."""
    if lesson.knob and st.session_state[NUMBER] in st.session_state.get(ANSWERS, {}):
        return (lesson.knob[st.session_state[KNOB]],)
    return lesson.runs


# ---- the page ----------------------------------------------------------------------------------------

link.keep(NUMBER, 1, link.number(1, len(texts.LESSONS)), always=True)
link.keep(PRESENT, False, lambda text: text == "1", lambda on: str(int(on)))
number, presenting = st.session_state[NUMBER], st.session_state[PRESENT]
lesson = texts.LESSONS[number - 1]
if lesson.knob:  # before the text, whose notes name the recording
    link.keep(KNOB, "0", link.one_of(*lesson.knob))
else:
    link.show(KNOB, None)
if presenting:
    st.html(
        "<style>[data-testid='stSidebar'], [data-testid='stExpandSidebarButton'] { display: none; }"
        ".stMainBlockContainer { font-size: 1.15rem; } .stMainBlockContainer p { font-size: 1.1rem; }</style>"
    )
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.segmented_control(
        "Lesson",
        range(1, len(texts.LESSONS) + 1),
        key=NUMBER,
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    st.button("Back", icon=":material/arrow_back:", disabled=number == 1, on_click=go, args=(number - 1,))
    st.button(
        "Next", icon=":material/arrow_forward:", disabled=number == len(texts.LESSONS), on_click=go, args=(number + 1,)
    )
    st.button(
        "Leave the projector" if presenting else "Projector",
        icon=":material/present_to_all:",
        on_click=present,
        args=(not presenting,),
        help="Large type, no side bar; keys: space, arrows, 1 to 8, P points at a panel.",
    )
with st.container(key="lesson_page"):
    left, right = st.columns([1, 2], gap="medium")
with left:
    answered = show_text(lesson, number)
with right:
    if lesson.knob:
        st.select_slider(
            "Coefficient of the information I(x; z)",
            list(lesson.knob),
            key=KNOB,
            disabled=not answered,
            persist_state="session",
        )
    runs = [{"recording": name, "title": bridge.lab.recorded(name)[0]["card"]["title"]} for name in shown(lesson)]
    lab(
        runs,
        "lesson lab",
        HEIGHT[presenting] - 90 * bool(lesson.knob),
        {"layers": list(lesson.layers)},
        present=presenting,
        play=answered,
        locked=not answered,
        lesson=go,
    )
