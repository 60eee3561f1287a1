"""Lessons and Lab in a published folder: texts, recordings, and runs that the reader's tab trains."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

from app import bridge

SEEDS = (0, 1, 2)  # of the runs that a reader may choose: their first weights are in the folder
EVERY = "every member"


def members(words: str | None) -> list[str]:
    """The members that `--lab` asks for, with commas between them; raises Problem for one that cannot be shown."""
    able = [name for name in bridge.lab.planar() if not bridge.own.refused({"member": name})]
    if words in (None, EVERY):
        return able if words else []
    chosen = words.split(",")
    for name in chosen:
        if name not in able:
            raise bridge.Problem(f"--lab: there is no member «{name}» that trains on points; {', '.join(able)} do.")
    return chosen


def publish(chosen: list[str], to: Path, told: Callable[[float, str], None]) -> None:
    """Writes lessons, recordings and runs of the chosen members."""
    from app.components import lab, parcel
    from app.views.lab.experiment import DATA, NUMBERS
    from app.views.lessons.texts import LESSONS

    bridge.write_beside(to / "parts" / "lab.js", parcel.script(*lab.SCRIPTS).encode())
    bridge.write_beside(to / "parts" / "lab.html", f"<style>{lab.CSS}</style>{lab.HTML}".encode())
    recordings = {}
    for name, scene in bridge.lab.recordings().items():
        if isinstance(scene, bridge.Problem):
            raise scene
        bridge.write_beside(to / "live" / "recordings" / name, bridge.lab.packed(name))
        recordings[name] = scene["card"]["title"]
    data = {key: says for key, says in DATA.items() if key != "mine"}
    rates = {"generator rate": NUMBERS["lr"][0], "discriminator rate": NUMBERS["lr_discriminator"][0]}
    rows, about = bridge.lab.planar(), {}
    for done, name in enumerate(chosen):
        told(done / (len(chosen) + 1), f"{name}: its runs")
        lacks = {kind: why for kind in data if (why := bridge.own.refused({"member": name, "data": kind}))}
        for kind in data.keys() - lacks.keys():
            for seed in SEEDS:
                numbers = run(to, f"{name}-{kind}-{seed}", {"member": name, "data": kind, "seed": seed})
        named = {key: rates.get(key, f"Weight of {key.partition(' ')[2].replace('_', ' ')}") for key in numbers}
        fields = [[key, named[key], numbers[key]] for key in numbers if key != "multipliers rate"]
        about[name] = {"says": rows[name]["says"], "numbers": fields, "lacks": lacks}
    told(len(chosen) / (len(chosen) + 1), "what the lessons try")
    lessons = [told_of(lesson, number, to) for number, lesson in enumerate(LESSONS, 1)]
    said = {"recordings": recordings, "members": about, "data": data, "seeds": SEEDS, "lessons": lessons}
    bridge.write_beside(to / "lab.json", json.dumps(said, ensure_ascii=False).encode())


def run(to: Path, name: str, settings: dict) -> dict[str, float]:
    """Writes a run's files; runs share what they can. -> its numbers, see bridge.own.files"""
    files, numbers = bridge.own.files(settings)
    for file, content in files.items():
        path = to / "live" / "own" / (f"{name}.bin" if file == "pack.bin" else file)
        if not path.exists():
            bridge.write_beside(path, content)
    return numbers


def told_of(lesson, number: int, to: Path) -> dict:
    """A lesson as the page shows it, and the runs of what it tries."""
    from latex2mathml.converter import convert

    from app.views.lessons import answers, texts

    tries = dict(lesson.tries)
    pair = [tries.pop("member"), *([tries.pop("against")] if "against" in tries else [])]
    runs = []
    for lane, member in enumerate(pair):
        weights = {key.partition(".")[2]: value for key, value in tries.items() if key.startswith(f"{member}.")}
        plain = {key: value for key, value in tries.items() if "." not in key}
        run(to, f"lesson-{number}-{lane}", plain | {"member": member, "weights": weights})
        runs.append({"in_tab": f"lesson-{number}", "pack": f"own/lesson-{number}-{lane}.bin", "title": member})
    with_numbers = ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in tries.items() if key != "data")
    return {
        "title": lesson.title,
        "minutes": lesson.minutes,
        "idea": prose(lesson.idea),
        "formula": convert(texts.coloured(lesson.formula), display="block"),
        "symbols": answers.symbols(lesson),
        "runs": lesson.runs,
        "layers": lesson.layers,
        "knob": lesson.knob,
        "question": prose(lesson.question),
        "options": lesson.options,
        "right": lesson.right,
        "why": prose(lesson.why.format(**answers.measured(lesson))),
        "breaks": prose(lesson.breaks),
        "notes": prose(lesson.notes),
        "tries": {"runs": runs, "says": f"{' beside '.join(pair)} on {tries['data']}; {with_numbers}"},
    }


def prose(text: str) -> str:
    """The little Markdown of the lessons as HTML."""
    text = html.escape(text, quote=False)
    for mark, name in ((r"\*\*", "b"), (r"\*", "i"), ("`", "code")):
        text = re.sub(f"{mark}(.+?){mark}", rf"<{name}>\1</{name}>", text)
    return text
