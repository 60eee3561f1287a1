"""Installed with one word: what comes along, in which versions, and where Streamlit's inside is leant on.

python -m pytest tests/test_packaging.py
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import streamlit as st

from ali_core.commands import explore
from ali_core.problem import Problem

from . import pins

ROOT = Path(__file__).parents[1]


def test_everything_asked_for_has_one_exact_tested_version():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in lines)
    assert set(pins.asked()) <= {line.partition("==")[0] for line in lines}


def test_pip_brings_the_app_its_scripts_and_the_trained_models():
    """What setuptools would copy is what git keeps of the two packages and the checkpoints."""
    code = (
        "from setuptools import Distribution; d = Distribution({'script_name': 'x'}); d.parse_config_files();"
        "build = d.get_command_obj('build_py'); build.ensure_finalized();"
        "print(*build.get_outputs(include_bytecode=0), sep='\\n'); print(d.install_requires)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    *copied, needs = done.stdout.replace("\\", "/").splitlines()
    copied = {path.split("lib/", 1)[1] for path in copied}
    kept = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT).stdout
    kept = {path for path in kept.split() if path.startswith(("ali_core/", "app/", "checkpoints/"))}
    kept -= {path for path in kept if path.startswith("app/screens/")}
    assert kept - copied == set()
    assert {name for name in ("torch", "streamlit") if name not in needs} == set()


def test_explore_takes_the_nearest_checkpoints(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ALI_CHECKPOINTS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert explore.checkpoints() == ROOT / "checkpoints"
    (tmp_path / "checkpoints" / "mine").mkdir(parents=True)
    assert explore.checkpoints() == ROOT / "checkpoints"  # nothing is in it
    points = json.loads((ROOT / "checkpoints" / "fashion-alice" / "card.json").read_text(encoding="utf-8"))
    points["data"] |= {"shape": [2]}
    (tmp_path / "checkpoints" / "first").mkdir()
    (tmp_path / "checkpoints" / "first" / "card.json").write_text(json.dumps(points))
    assert capsys.readouterr().out == "" and explore.checkpoints() == ROOT / "checkpoints"
    assert "checkpoints holds models of points, which no page shows." in capsys.readouterr().out
    (tmp_path / "checkpoints" / "mine" / "card.json").write_text("{}")
    assert explore.checkpoints() == tmp_path / "checkpoints"
    (tmp_path / "others").mkdir()
    assert explore.checkpoints("others") == tmp_path / "others"
    monkeypatch.setenv("ALI_CHECKPOINTS", "others")
    assert explore.checkpoints() == tmp_path / "others"
    with pytest.raises(Problem, match="nowhere is no folder"):
        explore.checkpoints("nowhere")


def test_a_reader_of_a_pipe_who_has_enough_meets_no_traceback():
    command = [sys.executable, "-m", "ali_core", "family"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        process.stdout.close()  # as `head` does, sooner or later
        assert process.stderr.read() == "" and process.wait() == 0


def test_without_any_checkpoint_explore_says_where_to_get_one(tmp_path):
    shutil.copytree(ROOT / "ali_core", tmp_path / "ali_core")
    (tmp_path / "app").mkdir()
    shutil.copy(ROOT / "app" / "main.py", tmp_path / "app")
    environment = {k: v for k, v in os.environ.items() if k != "ALI_CHECKPOINTS"}
    done = subprocess.run(
        [sys.executable, "-m", "ali_core", "explore"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 2
    assert "ali train preset=" in done.stderr and "Traceback" not in done.stderr


def test_the_first_start_says_each_step_and_what_pip_says(tmp_path):
    """A project that cannot be built: the steps, pip's words, and what to do."""
    (tmp_path / "app").mkdir()
    shutil.copy(ROOT / "app" / "__main__.py", tmp_path / "app")
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).write_text("")
    (tmp_path / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "nowhere"')
    done = subprocess.run(
        [sys.executable, "-m", "app"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    said = [done.stdout.find(words) for words in ("1 of 2", "2 of 2", "nowhere", "tries again")]
    assert said == sorted(said) and said[0] >= 0, done.stdout


# what the app leans on inside of Streamlit; pip may bring another one
def test_streamlit_has_plotlys_script_where_the_page_tells_the_browser_to_fetch_it():
    chunks = list((Path(st.__file__).parent / "static/static/js").glob("PlotlyChart.*.js"))
    assert len(chunks) == 1, "app/main.py: Early finds no script of Plotly to fetch early"


def test_streamlit_reads_the_settings_beside_the_script():
    from streamlit import file_util

    path = file_util.get_main_script_streamlit_file_path(str(ROOT / "app/main.py"), "config.toml")
    assert Path(path) == ROOT / "app/.streamlit/config.toml", "app/.streamlit is no longer read"
    assert Path(path).is_file()


def test_streamlit_serves_an_app_with_routes_of_our_own():
    import inspect

    takes = set(inspect.signature(st.App).parameters)
    assert takes >= {"lifespan", "routes", "middleware"}, "app/main.py: st.App takes other words"
