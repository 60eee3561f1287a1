"""What is not replaced, and what is not passed on.   python -m pytest tests/test_kept.py"""

from pathlib import Path

import numpy as np
import pytest

from ali_core import __main__ as program
from ali_core.data import datasets
from ali_core.models import checkpoint

TRAIN = ["train", "member=ali", "data=set.npz", "width=2", "latent=2", "batch=4", "name=mine"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A model of two steps, of 28 pixels, whose data may not be passed on."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).integers(0, 256, (300, 28, 28, 1), np.uint8)
    np.savez("set.npz", images=x, licence="for research; No redistribution")
    assert program.main([*TRAIN, "steps=2"]) == 0
    return tmp_path


@pytest.mark.parametrize("run", ["kept", "deleted"])
def test_another_size_does_not_replace_a_checkpoint(home, run, capsys):
    weights = Path("checkpoints/mine/model.safetensors").read_bytes()
    if run == "deleted":
        Path(".runs/mine/state.safetensors").unlink()
    assert program.main([*TRAIN, "steps=2", "size=128"]) == 2
    said = capsys.readouterr().err
    assert (
        "checkpoints/mine is a model of 28 x 28 x 1, and 128 x 128 x 1 is asked for" in said and "another name=" in said
    )
    assert Path("checkpoints/mine/model.safetensors").read_bytes() == weights
    assert program.main([*TRAIN, "steps=3", "size=0"]) == 0  # its own size goes on, or begins anew
    assert checkpoint.card("checkpoints/mine")["training"]["steps"] == 3


def test_a_map_of_pictures_that_may_not_be_passed_on_is_refused(home, capsys):
    assert datasets.load("set.npz").kept
    assert program.main(["atlas", "checkpoints/mine"]) == 2
    said = capsys.readouterr().err
    assert "set: its licence (for research; No redistribution) does not let its pictures be passed on" in said
    assert "add --made" in said
    assert not Path("checkpoints/mine/atlas.npz").exists() and not Path("checkpoints/pictures").exists()
    x = np.load("set.npz")["images"]
    np.savez("free.npz", images=x, licence="CC BY 4.0")
    assert not datasets.load("free.npz").kept
