"""minutes=: what it chooses, that it chooses once, and that it is then an ordinary run.   python -m pytest tests/test_budget.py"""

import json
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors
from PIL import Image

from ali_core import __main__ as program
from ali_core.commands import calls
from ali_core.config import Config
from ali_core.data import datasets
from ali_core.models import checkpoint
from ali_core.problem import Problem
from ali_core.training import budget

from .apart import Command

TINY = ["data=pictures", "size=28", "width=4", "latent=4", "batch=8"]
NAME = "pictures-alice-z"


def pictures(folder: Path, n: int, size: tuple[int, int] = (40, 34), grey: bool = False) -> None:
    """Discs and bars, each in a random colour."""
    folder.mkdir(parents=True)
    for k in range(n):
        rng, (w, h) = np.random.default_rng(k), size
        y, x = np.mgrid[0:h, 0:w]
        inside = np.hypot(x - w / 2, y - h / 2) < h / 3 if k % 2 else abs(x - w / 2) < w / 6
        colour = np.full(3, rng.integers(120, 256)) if grey else rng.integers(120, 256, 3)
        Image.fromarray(np.where(inside[..., None], colour, 0).astype(np.uint8)).save(folder / f"{k}.png")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Where the reader sits, with a folder of sixty pictures."""
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "pictures", 60)
    return tmp_path


def choose(*words: str, seconds: float = 60.0) -> Config:
    return budget.choose(list(words), seconds, Path(".runs"), time.monotonic())[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["minutes=0"], "minutes=0: give a number of minutes above 0"),
        (["minutes=-1"], "minutes=-1: give a number of minutes above 0"),
        (["minutes=x"], "minutes=x: give a number of minutes above 0"),
        (["minutes="], "minutes=: give a number"),
        (["hours=nan"], "hours=nan: give a number of hours above 0"),
        (["hours=inf"], "hours=inf: give a number"),
        (["minutes=1", "hours=1"], "minutes=1 and hours=1: give the time once"),
        (["minutes=1", "minutes=2"], "give the time once"),
        (["minutes=60", "steps=100"], "minutes=60 and steps=100: the time decides how many steps; give one of the two"),
        (["minutes=1", "widht=3"], "no field «widht».* Did you mean width"),
        (["minutes=1", "data=nowhere"], "no data set “nowhere”"),
        (["minutes=1", "data=grid"], "data=grid are points; minutes= is for pictures: give data=FOLDER"),
        (["minutes=1"], "are points; minutes= is for pictures: give data=FOLDER"),
        (["minutes=1", "prior=pictures"], "prior= makes two sets"),
        (["minutes=1", "member=alcie"], "no member «alcie»"),
        (["minutes=1", "data=three"], "three holds 3 pictures; 32 are the least"),
        (["minutes=1", "data=empty"], "no picture that can be read"),
        (["minutes=0.0001", *TINY], "take this machine .* seconds; give minutes=.* at least"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(words, says, home, capsys):
    pictures(home / "three", 3)
    (home / "empty").mkdir()
    words = words if any(word.startswith("data=") for word in words) or len(words) < 2 else [*words, "data=pictures"]
    assert program.main(["train", *words]) == 2
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1 and "Traceback" not in said
    with pytest.raises(Problem, match=says):
        raise Problem(said)
    assert not Path(".runs").exists() and not Path("checkpoints").exists()


def test_a_program_gives_the_time_too(home):
    with pytest.raises(Problem, match=r"give minutes=.* at least"):
        calls.train(minutes=0.0001, data="pictures", size=28, width=4, latent=4, batch=8)
    assert budget.named(["data=pictures"]) == NAME and budget.named(["preset=fashion-ali"]) == "fashion-ali"
    assert budget.named(["data=pictures", "member=ali"]) == "pictures-ali"


def test_a_run_of_steps_is_not_taken_over(home):
    Path(".runs", NAME).mkdir(parents=True)
    Path(".runs", NAME, "state.safetensors").write_bytes(b"a run")
    with pytest.raises(Problem, match="is of a run whose steps were given; give them again, or another name="):
        choose("data=pictures")
    assert Path(".runs", NAME, "state.safetensors").read_bytes() == b"a run"


def test_what_was_chosen_stays_chosen_and_other_words_are_refused(home):
    first = choose(*TINY)
    before = Path(".runs", NAME, budget.FILE).read_bytes()
    assert choose(*reversed(TINY)) == first
    for words, seconds in ((TINY, 120), ([*TINY, "seed=1"], 60)):
        with pytest.raises(Problem, match=r"was chosen for “.*minutes=1”: the same words go on .* another name="):
            choose(*words, seconds=seconds)
    assert Path(".runs", NAME, budget.FILE).read_bytes() == before
    Path(".runs", NAME, budget.FILE).write_bytes(before[:-20])
    with pytest.raises(Problem, match=r"cannot be read .*; delete it to choose anew"):
        choose(*TINY)


def test_what_the_reader_gives_is_kept_and_the_rest_is_chosen(home):
    given = {"size": 32, "width": 4, "latent": 7, "batch": 4, "lr": 3e-4, "net": "small", "seed": 5, "save_every": 9}
    config = choose("data=pictures", "weights.reconstruction=3", *(f"{k}={v}" for k, v in given.items()))
    assert {key: getattr(config, key) for key in given} == given
    assert config.weights == {"reconstruction": 3.0, "latent_reconstruction": 0.5}
    assert config.member == "alice-z" and (config.r1, config.r1_every, config.norm) == (1.0, 4, "batch")
    assert config.steps >= budget.LEAST and config.cooldown == int(0.4 * config.steps)
    config = choose("data=pictures", "member=alice", "size=28", "width=4", "cooldown=3")
    assert (config.member, config.cooldown, config.weights) == ("alice", 3, {})
    assert config.batch == 32  # of the 54 or so to learn from


def test_of_a_preset_only_the_length_is_chosen(home):
    pictures(home / "more", 40, grey=True)
    config = choose("preset=fashion-alice", "data=more", "size=28", "width=4", "batch=8", "name=mine")
    assert (config.net, config.norm, config.r1, config.beta2, config.lr) == ("small", "group", 0.0, 0.999, 3e-4)
    assert config.cooldown == int(6_000 / 13_000 * config.steps) and config.steps != 13_000


@pytest.mark.parametrize(
    ("seen", "chosen", "looks"),
    [
        (1_000, (28, 24), 1),
        (59_000, (28, 24), 1),
        (61_000, (28, 24), 2),
        (110_000, (48, 24), 4),
        (150_000, (64, 24), 5),
        (1_100_000, (64, 32), 6),
        (9_000_000, (64, 40), 6),
    ],
)
def test_more_time_buys_a_larger_size_and_then_wider_nets(seen, chosen, looks):
    """On a machine that paints `seen` pictures of 28 pixels in its time, fewer of larger ones; no look too many."""
    looked = []

    def timed(rung):
        size, width = rung.fields["size"], rung.fields["width"]
        cost = (size / 28) * (width / 24) ** 2
        looked.append(rung)
        return cost, seen / cost

    rung, each = budget._climb(budget._rungs(100, {}), timed)
    size, width = rung.fields["size"], rung.fields["width"]
    assert (size, width) == chosen and rung.fields["latent"] == budget.SIZES[size]
    assert each == (size / 28) * (width / 24) ** 2 and len(looked) == looks


@pytest.mark.parametrize(("size", "top"), [((20, 20), 28), ((28, 28), 28), ((60, 40), 32), ((64, 80), 64)])
def test_pictures_are_not_enlarged_beyond_the_least_size(size, top, home):
    pictures(home / "some", 40, size, grey=True)
    config, rungs, data = budget._open({"data": "some"})
    assert [rung.fields["size"] for rung in rungs] == [s for s in (28, 32, 48, 64) if s <= top] + [top, top]
    assert data.shape == (top, top, 1) and config.size == 0


def more(said: str) -> float:
    """Half as many minutes again as the sentence of a machine too busy for the time asked tells to give."""
    return 1.5 * float(re.search(r"give minutes=([\d.]+) at least", said)[1])


def test_it_ends_near_the_time_asked(home, capsys):
    """With its reading, its look at the clock and its checkpoint; a busy machine may change its mind."""
    minutes, begin = 0.2, time.monotonic()
    while program.main(["train", f"minutes={minutes}", *TINY]):
        minutes, begin = more(capsys.readouterr().err), time.monotonic()
    assert 60 * minutes / 2.5 < time.monotonic() - begin < 60 * minutes * 2.5
    said = capsys.readouterr().out
    card = checkpoint.card(f"checkpoints/{NAME}")
    assert card["training"]["steps"] == card["config"]["steps"] >= budget.LEAST
    assert "60 pictures, colour" in said and "timed size=28: " in said
    assert f"chosen member=alice-z size=28 net=patches width=4 latent=4 batch=8 steps={card['config']['steps']}" in said
    assert f"sees {8 * card['config']['steps']:,} pictures" in said and f"Wrote checkpoints/{NAME}" in said


def stopped(words: list[str], minutes: float) -> tuple[list[str], str, int]:
    """Trains, and presses Ctrl-C once a state is saved. -> the command, what it said, the step it stopped at"""
    state, end = Path(".runs", NAME, "state.safetensors"), time.time() + 300
    typed = [*words, f"minutes={minutes}"]
    process = Command(*typed, cwd=Path.cwd())
    while not state.exists() and process.running():
        assert time.time() < end
        time.sleep(0.01)
    process.send(signal.SIGINT)
    status, said = process.end()
    if not state.exists():
        return stopped(words, more(said))
    assert status == 0, said
    with safetensors.safe_open(state, "np") as file:
        return typed, said, int(file.metadata()["step"])


def test_stopped_and_typed_again_it_is_the_ordinary_run_of_what_it_chose(home):
    """No clock in the mathematics: the weights are those of the config typed out, never stopped."""
    command, said, step = stopped(["train", *TINY, "save_every=1"], 0.1)
    chosen = json.loads(Path(".runs", NAME, budget.FILE).read_text())["config"]
    assert 1 <= step < chosen["steps"] and "chosen member=alice-z" in said
    assert f"Stopped at step {step}; the same command goes on" in said
    status, said = Command(*command, cwd=home).end()
    assert status == 0 and f"resumed at step {step}" in said, said
    assert "timed" not in said and f"Wrote checkpoints/{NAME}" in said
    card = checkpoint.card(f"checkpoints/{NAME}")
    assert card["config"] == chosen and card["training"]["steps"] == chosen["steps"]
    typed = [f"{k}={v}" for k, v in chosen.items() if v != getattr(Config(), k) and k not in ("weights", "name")]
    typed += [f"weights.{term}={weight}" for term, weight in chosen["weights"].items()]
    status, said = Command("train", *typed, "name=typed", cwd=home).end()
    assert status == 0, said
    ours, theirs = (checkpoint.weights(f"checkpoints/{name}") for name in (NAME, "typed"))
    assert ours.keys() == theirs.keys() and all((ours[key] == theirs[key]).all() for key in ours)
    status, said = Command(*command, cwd=home).end()
    assert status == 0 and f"is there, with all of its {chosen['steps']} steps" in said


def test_the_data_that_choosing_read_are_those_that_a_resumed_run_reads(home):
    """The same fingerprint; below the size that was read to begin with, they are read anew."""
    for words in (["width=4", "latent=4", "batch=8"], ["width=4", "latent=4", "batch=8", "size=28"]):
        words = ["data=pictures", *words, f"name={len(words)}"]
        config, data = budget.choose(words, 20, Path(".runs"), time.monotonic())
        assert (data is None) == (config.size == 28 and "size=28" not in words)
        read = datasets.load(config.data, config.size, config.channels)
        assert data is None or data.fingerprint == read.fingerprint
        assert read.shape == (config.size, config.size, 3)


def test_the_table_beside_the_pictures_is_read(home):
    Path("labels.csv").write_text(
        "file,shape\n" + "".join(f"{k}.png,{'disc' if k % 2 else 'bar'}\n" for k in range(60))
    )
    words = ["data=pictures", "labels=labels.csv", "width=4", "latent=4", "batch=8", "size=28"]
    config, data = budget.choose(words, 20, Path(".runs"), time.monotonic())
    assert config.table == "labels.csv" and data.factors == {"shape": ["bar", "disc"]}
    assert data.fingerprint == datasets.of(config).fingerprint
