"""Pictures that do not fit into memory: the same data set, from a file.   python -m pytest tests/test_large.py"""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from ali_core.commands import train as train_command
from ali_core.config import parse
from ali_core.data import datasets, large
from ali_core.models import checkpoint
from ali_core.problem import Problem
from ali_core.training import loop

N = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of small pictures, some of them grey, and a file that is none."""
    folder, rng = tmp_path_factory.mktemp("many") / "shapes", np.random.default_rng(0)
    for k in range(N):
        place = folder / ("grey" if k % 4 == 0 else "colour")
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).resize((70, 64))
        picture.convert("L" if k % 4 == 0 else "RGB").save(place / f"{k:03}.png")
    (folder / "colour" / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def mapped(monkeypatch, tmp_path):
    """Everything above 10 kB is large."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(large, "LARGE", 10_000)


@pytest.mark.parametrize("channels", [0, 1, 3])
def test_a_set_in_a_file_is_the_set_in_memory(folder, channels, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="1 unreadable"):
        small = datasets.load(str(folder), 64, channels)
    monkeypatch.setattr(large, "LARGE", 10_000)
    with pytest.warns(UserWarning, match="1 unreadable"):
        data = datasets.load(str(folder), 64, channels)
    assert not isinstance(small.x, np.memmap) and isinstance(data.x, np.memmap) and isinstance(data.x_test, np.memmap)
    assert data.fingerprint == small.fingerprint and data.shape == (64, 64, channels or 3)
    assert np.array_equal(data.x, small.x) and np.array_equal(data.y_test, small.y_test)


def test_grey_pictures_alone_have_one_channel_in_a_file_as_well(folder, mapped):
    data = datasets.load(str(folder / "grey"), 64)
    assert data.shape == (64, 64, 1) and isinstance(data.x, np.memmap)


def test_a_large_set_takes_little_memory_and_leaves_no_file(folder, mapped, tmp_path):
    tracemalloc.start()
    with pytest.warns(UserWarning, match="1 unreadable"):
        data = datasets.load(str(folder), 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.x.nbytes + data.x_test.nbytes == N * 64 * 64 * 3 == 4_915_200
    assert peak < 2_500_000  # twice the set would be 9.8 MB
    assert list((tmp_path / ".runs").iterdir()) == []


def test_training_on_a_large_set_is_training_on_a_small_one(folder, mapped, monkeypatch):
    """Every number of a checkpoint, through the command; and a state of one resumes on the other."""
    words = f"data={folder} size=28 member=ali width=4 latent=4 batch=8 steps=3".split()
    with pytest.warns(UserWarning, match="1 unreadable"):
        train_command.main([*words, "name=file"])
    monkeypatch.setattr(large, "LARGE", 2**30)
    with pytest.warns(UserWarning, match="1 unreadable"):
        train_command.main([*words, "name=memory"])
    ours, theirs = (checkpoint.weights(f"checkpoints/{name}") for name in ("file", "memory"))
    assert all(np.array_equal(ours[k], theirs[k]) for k in ours.keys() | theirs.keys())
    with pytest.warns(UserWarning, match="1 unreadable"):
        data = datasets.load(str(folder), 28)
    config = parse([*words, "name=file", "steps=4"])
    assert next(loop.train(config, data, train_command.RUNS / "file" / "state.safetensors")).step == 4


def test_a_disk_without_room_is_said_before_anything_is_decoded(folder, mapped):
    with pytest.raises(Problem, match=r"10,000,000,000 pictures of 64 x 64 x 3 need 12\d.* GB in .*make room there"):
        large.room(10_000_000_000, (64, 64, 3))
