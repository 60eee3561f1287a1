"""The names that a program calls: there, typed, read when asked.   python -m pytest tests/test_public.py"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ali_core

ROOT = Path(__file__).parents[1]


def test_every_public_name_is_there_and_no_other():
    for name in ali_core.__all__:
        assert getattr(ali_core, name).__doc__ or isinstance(getattr(ali_core, name), dict), name
    assert set(ali_core.__all__) <= set(dir(ali_core))
    with pytest.raises(AttributeError, match="no attribute 'tarin'"):
        ali_core.tarin  # noqa: B018


def test_importing_reads_nothing_large():
    code = "import sys, ali_core; print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stderr


def test_a_program_trains_measures_maps_and_asks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = ali_core.train(member="alice", data="grid", width=8, batch=32, steps=3, name="it", ema=0.5)
    assert ali_core.checkpoints("checkpoints") == ["it"]
    measures = ali_core.evaluate("checkpoints/it")
    assert measures == json.loads(Path("checkpoints/it/card.json").read_text())["metrics"]
    assert measures["reconstruction_mse"]["value"] > 0
    model = ali_core.load("checkpoints/it")
    assert type(model) is ali_core.Model
    x = ali_core.load_data("grid").x_test[:5]
    np.testing.assert_array_equal(model.encode(x), trained.encode(x))
    np.testing.assert_array_equal(model.reconstruct(x), model.decode(model.encode(x)))
    way = model.interpolate(x[0], x[1], steps=5)
    np.testing.assert_allclose(way[[0, -1]], model.reconstruct(x[:2]), atol=1e-5)
    assert way.shape == (5, 2) and model.sample(4, seed=0).shape == (4, 2)
    with pytest.raises(ali_core.Problem, match="no field «stpes»"):
        ali_core.train(stpes=3)


def test_the_types_of_the_public_names_hold():
    """basedpyright, as pyproject has it, over the surface and the modules behind it."""
    pytest.importorskip("basedpyright")
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-3000:]
