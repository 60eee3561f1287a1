"""Ruff has nothing to say.   python -m pytest tests/test_style.py"""

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
