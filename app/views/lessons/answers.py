"""What a lesson says that nobody typed: the numbers of its answer, and its symbols in their colours."""

import html

from app import bridge
from app.views.lessons import texts


def measured(lesson: texts.Lesson) -> dict[str, str]:
    """The numbers of a lesson's answer, in words, from the recordings and the cards; "–" for what they lack."""
    return {name: worded(key, number_of(*where, key)) for name, (*where, key) in lesson.measures.items()}


def number_of(source: str, step: int | None, key: str) -> float | None:
    """A number of a card, or (`step`) of a recording; None where there is none."""
    try:
        if step is None:
            return bridge.checkpoints.card(source)["metrics"][key]["value"]
        frames = bridge.lab.recorded(source)[1:]
        value = frames[-1] if step < 0 else [one for one in frames if one["step"] <= step][-1]
        for part in key.split("."):
            value = value[part]
    except (bridge.Problem, KeyError):  # another file in the place of ours
        return None
    return value


def worded(key: str, value: float | None) -> str:
    """A number as prose has it."""
    if value is None:
        return "–"
    if key in ("good", "class_kept"):
        return f"{value:.0%}".replace("%", " %")
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.{2 if abs(value) >= 0.1 else 3}f}".replace("-", "−")


def symbols(lesson: texts.Lesson) -> str:
    """Every symbol of a lesson in its colour, as HTML; a hover says what it is."""
    words = []
    for name in lesson.symbols.split():
        colour, _, says = texts.SYMBOLS[name]
        words.append(
            f'<abbr tabindex="0" style="color:{colour};font-weight:600" title="{html.escape(says)}">{name}</abbr>'
            f" {html.escape(says.split(':')[0].split(',')[0].rstrip('.'))}"
        )
    return " · ".join(words)
