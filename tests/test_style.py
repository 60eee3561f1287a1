"""Ruff has nothing to say, and the top level holds what README says.   python -m pytest tests/test_style.py"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("words", [("check",), ("format", "--check")])
def test_ruff_has_nothing_to_say(words):
    folders = [ROOT / name for name in ("ali_core", "app", "tests")]
    done = subprocess.run([sys.executable, "-m", "ruff", *words, *folders], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


def tree(text: str) -> list[str]:
    """The files of README's tree, by their paths: a line begins with a folder, or with files of one that is less indented."""
    found, folders = [], {}
    for line in text.split("## What is where")[1].split("\n\n")[1].splitlines():
        depth, names = len(line) - len(line.lstrip()), line.strip().split("  ")[0]
        folders = {d: name for d, name in folders.items() if d < depth}
        if names.endswith("/"):
            folders[depth] = names
        else:
            found += ["".join(folders.values()) + n for n in re.findall(r"[\w/.]+\.\w+", names)]
    return found


def test_every_file_stands_in_readmes_tree():
    """The tree in README is the architecture: no file is missing from it, none is made up."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT).stdout.split()
    ours = [p for p in listed if p.endswith((".py", ".js"))]
    said = [p for p in tree(text) if p.endswith((".py", ".js"))]
    assert len(ours) > 30
    assert sorted(said) == sorted(ours)


def test_readmes_results_are_the_cards():
    from .results import BEGIN, END, table

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.split(BEGIN)[1].split(END)[0].strip() == table()
