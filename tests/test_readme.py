"""The READMEs: every folder and file stands in them, links lead somewhere, tables are their commands'.

python -m pytest tests/test_readme.py
"""

import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from ali_core.models import checkpoint
from app.views.lessons.texts import LESSONS

from . import results, routes, studies

ROOT = Path(__file__).parents[1]
KEPT = [PurePosixPath(p) for p in subprocess.check_output(["git", "ls-files"], text=True, cwd=ROOT).split()]
READMES = [p for p in KEPT if p.name == "README.md"]


def read(path: Path | PurePosixPath) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def listed(text: str) -> list[str]:
    """The folders (with a / at their end) and files of a block, by their paths.

    A line begins with a folder, or with files of one that is less indented; two spaces, then what it says.
    """
    paths, folders = [], {}
    for line in filter(str.strip, text.splitlines()):
        depth, names = len(line) - len(line.lstrip()), line.strip().split("  ")[0]
        folders = {d: name for d, name in folders.items() if d < depth}
        if names.endswith("/"):
            folders[depth] = names
            paths.append("".join(folders.values()))
        else:
            paths += ["".join(folders.values()) + name for name in names.split()]
    return paths


def block(path: PurePosixPath, title: str) -> str:
    """The indented lines after a title."""
    lines = read(path).split(f"\n## {title}\n")[1].split("\n## ")[0].splitlines()
    return "\n".join(line for line in lines if line.startswith("    ") or not line)


def between(path: Path, begin: str, end: str) -> list[str]:
    """The lines between two marks, which stand once in all READMEs."""
    assert [ROOT / p for p in READMES if begin in read(p)] == [path]
    return read(path).split(begin)[1].split(end)[0].strip().splitlines()


def test_the_tree_of_the_main_readme_has_every_folder():
    """But for those of single checkpoints, which their own README has."""
    folders = {f"{parent}/" for path in KEPT for parent in path.parents if parent.name}
    checkpoints = {f"{path.parent}/" for path in KEPT if path.name == "card.json"}
    assert len(folders) > 40
    assert sorted(listed(block(PurePosixPath("README.md"), "What is where"))) == sorted(folders - checkpoints)


def test_every_file_stands_in_the_readme_of_its_folder():
    """Or of the nearest folder above that has one; none is missing, none made up, none listed twice."""
    said = []
    for readme in READMES:
        if len(readme.parts) > 1 and readme.parts[0] != "checkpoints":
            paths = [readme.parent / one for one in listed(block(readme, "Files")) if not one.endswith("/")]
            assert paths, readme
            # nobody lists a file that a README nearer to it has to list
            nearest = [next(f for f in path.parents if f / "README.md" in READMES) for path in paths]
            assert [str(p) for p, near in zip(paths, nearest, strict=True) if near != readme.parent] == []
            said += map(str, paths)
    ours = [str(p) for p in KEPT if p.parts[0] in ("ali_core", "app", "tests") and p.parts[1] != "screens"]
    ours = [path for path in ours if not path.endswith("README.md")]
    assert len(ours) > 100
    assert sorted(said) == sorted(ours)


def test_links_and_pictures_lead_to_files():
    for readme in READMES:
        for target in re.findall(r"\]\(([^)\s]+)\)", read(readme)):
            if not target.startswith("http"):
                name, _, title = target.partition("#")
                place = (ROOT / readme.parent / name).resolve()
                assert place.exists(), f"{readme}: {target}"
                titles = re.findall(r"^## (.+)$", place.read_text(encoding="utf-8"), re.MULTILINE) if title else []
                assert not title or title in [one.lower().replace(" ", "-") for one in titles], f"{readme}: {target}"


def test_a_readme_beside_the_checkpoints_is_none_of_them():
    """A folder is one by its card or weights."""
    names = checkpoint.names(ROOT / "checkpoints")
    assert PurePosixPath("checkpoints/README.md") in READMES
    assert names == sorted(path.parent.name for path in KEPT if path.name == "card.json")


def test_the_results_are_the_cards():
    assert "\n".join(between(results.README, results.BEGIN, results.END)) == results.table()


@pytest.mark.parametrize("name", studies.STUDIES)
def test_a_studys_table_has_its_rows_columns_and_settings(name):
    """Its numbers need the training again."""
    study = studies.STUDIES[name]
    lines = between(studies.README, studies.BEGIN.format(name, name), studies.END.format(name))
    rows, last = lines[2:-2], lines[-1]
    assert lines[:2] == studies.head(study)
    # behind a row's name stands, in brackets, how many of its runs count
    assert [row.split(" | ")[0].removeprefix("| ").split(" (")[0] for row in rows] == list(study.rows)
    assert last == studies.settings(study)
    assert {row.replace("\\|", "").count("|") for row in rows} == {len(study.columns) + 2}


def test_the_table_of_two_ways_has_its_columns():
    lines = between(routes.README, routes.BEGIN, routes.END)
    assert lines[0] == f"| {' | '.join(routes.HEAD)} |"


def test_the_teachers_table_has_the_lessons():
    rows = re.findall(r"^\| (\d) \| (.+?) \|", read(PurePosixPath("app/views/lessons/README.md")), re.MULTILINE)
    assert rows == [(str(i), lesson.title) for i, lesson in enumerate(LESSONS, 1)]


def test_the_table_of_pages_has_the_pages():
    pages = re.findall(r'st\.Page\(".+?", title="(.+?)"', read(PurePosixPath("app/explorer.py")))
    table = read(PurePosixPath("app/README.md")).split("## The pages\n\n")[1].split("\n\n")[0]
    assert len(pages) > 8
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == pages
