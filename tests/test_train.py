"""The loop: exact resume, many processes as one, and stops with a sentence.   python -m pytest tests/test_train.py"""

import copy
import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

from ali_core import __main__ as program
from ali_core.commands import train as train_command
from ali_core.config import Config, parse
from ali_core.data import datasets, split
from ali_core.family import objectives
from ali_core.family.members import FAMILY
from ali_core.files import write_beside
from ali_core.models import checkpoint
from ali_core.problem import Problem
from ali_core.training import inputs
from ali_core.training import loop as train

from . import processes
from .apart import Command

SMALL = Config(name="small", member="alice", data="grid", width=16, batch=32, steps=12, cooldown=4)
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def grid():
    return datasets.load("grid")


def last(config, points, state=None):
    return deque(train.train(config, points, state), maxlen=1).pop()


def keep(progress, path):
    tensors, said = progress.state()
    write_beside(path, safetensors.torch.save(tensors, said))


def same(a, b):
    tensors, others = a.state()[0], b.state()[0]
    assert tensors.keys() == others.keys()
    return all(torch.equal(tensors[k], others[k]) for k in tensors)


@pytest.mark.parametrize("name", [n for n, row in FAMILY.items() if not row.paired])
def test_every_row_trains_and_moves_both_its_players(name, grid):
    config = dataclasses.replace(SMALL, member=name, steps=3, cooldown=0)
    loop = train.steps(config, grid)
    start = {k: copy.deepcopy(net.state_dict()) for k, net in next(loop).nets.items()}
    steps = list(loop)
    assert [p.step for p in steps] == [1, 2, 3]
    assert all(np.isfinite(list(p.losses.values())).all() for p in steps)
    assert start.keys() == steps[-1].nets.keys()
    assert {"encoder", "decoder"} <= start.keys()
    assert len([k for k in start if k.startswith("discriminator")]) == len(FAMILY[name].matches)
    for k, net in steps[-1].nets.items():
        moved = max((w - start[k][key]).abs().max().item() for key, w in net.named_parameters())
        # Adam's step is at most about the rate, and there were three
        assert 1e-5 < moved < 4 * config.lr, k


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(grid):
    first, second = last(SMALL, grid), last(SMALL, grid)
    assert same(first, second)
    assert not same(first, last(dataclasses.replace(SMALL, seed=1), grid))


@pytest.mark.parametrize("cut", [1, 5, 11])
def test_a_resumed_run_is_the_straight_run_bit_for_bit(cut, grid, tmp_path):
    """Networks, averages, optimisers and what the discriminator averages, wherever the cut lies."""
    state = tmp_path / "state.safetensors"
    for progress in train.train(SMALL, grid):
        if progress.step == cut:
            keep(progress, state)
            break
    resumed, straight = last(SMALL, grid, state), last(SMALL, grid)
    assert same(resumed, straight) and resumed.state()[1] == straight.state()[1]


@pytest.mark.parametrize("norm", ["group", "batch"])
def test_pictures_resume_exactly_too(norm, tmp_path):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (64, 28, 28, 1), np.uint8)
    toy = datasets.Data("noise", pictures, np.zeros(64, int), pictures[:8], np.zeros(8, int), ("a",), "", "")
    config = Config(name="p", member="ali", width=4, batch=8, latent=4, steps=4, norm=norm)
    state = tmp_path / "state.safetensors"
    for progress in train.train(config, toy):
        if progress.step == 2:
            keep(progress, state)
    assert same(last(config, toy, state), progress)


def test_more_steps_go_on_and_a_changed_field_is_refused_by_name(grid, tmp_path):
    state = tmp_path / "state.safetensors"
    plain = dataclasses.replace(SMALL, cooldown=0)
    keep(last(plain, grid), state)
    longer = dataclasses.replace(plain, steps=15, save_every=3)
    assert last(longer, grid, state).step == 15
    with pytest.raises(Problem, match=r"another config \(width: was 16, is 8, lr: was 0.001, is 0.01\)"):
        last(dataclasses.replace(plain, lr=0.01, width=8), grid, state)


def test_steps_may_not_change_once_the_cooldown_has_begun(grid, tmp_path):
    state = tmp_path / "state.safetensors"
    for progress in train.train(SMALL, grid):
        if progress.step == 10:  # the cooldown began at 8
            keep(progress, state)
    with pytest.raises(Problem, match=r"steps: was 12, is 20"):
        last(dataclasses.replace(SMALL, steps=20), grid, state)


def test_a_cooldown_that_has_not_begun_may_be_another(grid, tmp_path):
    """Steps and rates are those of a run that had the new cooldown from the first."""
    state, shorter = tmp_path / "state.safetensors", dataclasses.replace(SMALL, steps=9, cooldown=2)
    for progress in train.train(SMALL, grid):
        if progress.step == 7:
            keep(progress, state)
    resumed, wanted = last(shorter, grid, state), last(shorter, grid)
    for ours, theirs in zip(resumed.nets["encoder"].parameters(), wanted.nets["encoder"].parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(Problem, match=r"cooldown: was 4, is 6"):
        last(dataclasses.replace(SMALL, cooldown=6), grid, state)


def test_a_broken_state_is_a_sentence(grid, tmp_path):
    state = tmp_path / "state.safetensors"
    state.write_bytes(b"not a state")
    with pytest.raises(Problem, match=r"state.safetensors cannot be read .*; delete it"):
        last(SMALL, grid, state)


def test_a_state_says_its_schema_and_a_newer_one_is_refused(grid, tmp_path):
    plain = dataclasses.replace(SMALL, cooldown=0)
    state, longer = tmp_path / "state.safetensors", dataclasses.replace(plain, steps=15)
    tensors, said = last(plain, grid).state()
    assert said["schema"] == str(train.SCHEMA)
    state.write_bytes(safetensors.torch.save(tensors, said | {"schema": str(train.SCHEMA + 1)}))
    with pytest.raises(Problem, match=r"state.safetensors has schema 2, and this program reads 1 at most: .* Update"):
        last(longer, grid, state)
    del said["schema"]  # as those that are older than the number
    state.write_bytes(safetensors.torch.save(tensors, said))
    assert last(longer, grid, state).step == 15


def test_a_state_of_another_set_is_refused_and_one_older_than_fingerprints_is_not(grid, tmp_path):
    """Of a set that was cut by chance then, an older one is refused as well: it has seen what is held out."""
    state = tmp_path / "state.safetensors"
    progress = last(SMALL, grid)
    keep(progress, state)
    one_less = dataclasses.replace(grid, x_test=grid.x_test[1:], y_test=grid.y_test[1:])
    with pytest.raises(Problem, match=r"state.safetensors was trained on other pictures than grid"):
        last(SMALL, one_less, state)
    tensors, said = progress.state()
    assert said.pop("fingerprint") == grid.fingerprint
    write_beside(state, safetensors.torch.save(tensors, said))
    older = next(train.steps(SMALL, grid, state))
    assert older.step == 12 and older.losses == progress.losses
    with pytest.raises(Problem, match="or on another part of them"):
        last(SMALL, dataclasses.replace(grid, held_out=split.RULE), state)


def test_the_learning_rate_falls_linearly_to_its_end():
    rates = [train._cooling(SMALL, step) for step in range(12)]
    assert rates == [1.0] * 9 + [0.75, 0.5, 0.25]


def test_bf16_is_computed_in_where_the_machine_has_it():
    """A CPU that has to imitate it takes eight times as long."""
    native = torch.cuda.is_available() or torch.ops.mkldnn._is_mkldnn_bf16_supported()
    assert train.precision(Config(precision="bf16")) == ("bf16" if native else "no")
    assert train.precision(Config()) == "no"


def test_a_loss_that_is_not_finite_stops_with_a_sentence(grid):
    wild = dataclasses.replace(SMALL, member="vae", lr=1.0, sd=1e-6, steps=200, cooldown=0)
    with pytest.raises(Problem, match=r"Step \d+: a loss is not finite .*Try a smaller lr"):
        last(wild, grid)


def test_a_discriminator_that_has_won_stops_with_a_sentence(grid):
    """Encoder and decoder stand still (lr=0) far from the data: D learns to tell every pair."""
    still = dataclasses.replace(SMALL, member="ali", lr=0.0, lr_discriminator=3e-3, steps=6000, cooldown=0)
    far = dataclasses.replace(grid, x=grid.x + 30)
    with pytest.raises(Problem, match=r"Step \d+: the discriminator has won .* guessing is 1.386"):
        last(still, far)


@pytest.mark.parametrize(
    ("member", "more"),
    [
        ("ali", {"r1": 1000.0}),
        ("gali4", {"r1": 1000.0}),
        ("semi-supervised", {"r1": 1000.0}),
        ("semi-supervised", {"weights": {"supervised": 3.0}}),
        ("alice-adversarial", {}),
    ],
)
def test_what_decides_whether_d_has_won_is_what_it_pays_in_its_matches_alone(member, more, grid):
    config = dataclasses.replace(SMALL, member=member, steps=1, cooldown=0, **more)
    loop, row = train.steps(config, grid), FAMILY[member]
    nets = next(loop).nets
    s = inputs.Inputs(config, row, grid).samples(nets, 0, 1, 0, torch.device("cpu"))
    alone = objectives.losses(row._replace(terms={}), s)[0]["discriminator"].item()
    progress = next(loop)
    assert float(progress.state()[1]["average"]) == pytest.approx(alone, rel=1e-4)
    assert (progress.losses["discriminator"] > alone + 0.01) == bool(more)


def test_averaged_weights_are_the_recursion_written_out(grid):
    expected = None
    for i, progress in enumerate(train.train(SMALL, grid)):
        weight = progress.nets["decoder"].body[0].weight.detach().clone()
        decay = min(SMALL.ema, (1 + i) / (10 + i))
        if expected is None:
            with torch.random.fork_rng():
                torch.manual_seed(SMALL.seed)
                start = objectives.prepare(FAMILY["alice"], (2,), Config(width=16))
            expected = start["decoder"].body[0].weight.detach()
        expected = decay * expected + (1 - decay) * weight
    torch.testing.assert_close(progress.averaged["decoder"].body[0].weight, expected)


def test_what_a_step_draws_depends_on_seed_and_step_only():
    def draw(step):
        return inputs.draw(SMALL, 1000, (2,), step)

    drawn, again, next_ = draw(7), draw(7), draw(8)
    assert drawn.keys() == again.keys()
    assert all(torch.equal(part, again[key]) for key, part in drawn.items())
    assert not any(torch.equal(part, next_[key]) for key, part in drawn.items())
    assert not torch.equal(drawn["z"], drawn["noise"][:, 0])
    many = torch.cat([draw(step)["index"] for step in range(400)])
    assert many.min() == 0 and many.max() == 999


def test_a_decoders_noise_has_its_sd_on_pictures_and_on_points():
    """Of a decoder that answers 0, only the noise is left."""
    rng = np.random.default_rng(0)
    pictures, none = rng.integers(0, 255, (60, 28, 20, 3), np.uint8), np.zeros(60, int)
    colours = datasets.Data("noise", pictures, none, pictures[:8], none[:8], ("a",), "", "")
    noisy = Config(name="n", batch=64, sd=0.3, decoder_noise=True)
    for held, side in ((colours, (3, 28, 20)), (datasets.load("grid"), (2,))):
        nets = {"decoder": lambda z, side=side: torch.zeros(len(z), *side)}
        given = inputs.Inputs(noisy, FAMILY["ali"], held)
        samples = given.samples(nets, 0, 1, 0, torch.device("cpu")).x_tilde
        assert samples.shape == (64, *side)
        assert (samples.std().item(), samples.mean().item()) == pytest.approx((0.3, 0), abs=0.06)
        assert samples.std(0).min() > 0.15 and samples.reshape(64, -1).std(1).mean() > 0.15


def test_two_processes_are_one_to_rounding(tmp_path):
    """A fresh torchrun with gloo; it must say that there were two."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2"]
    words += ["--master_addr=127.0.0.1", f"--master_port={port}", "-m", "tests.processes"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*words, tmp_path / "two"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    processes.run(tmp_path / "one")
    with safetensors.safe_open(tmp_path / "two", "pt") as file:
        assert file.metadata()["world"] == "2"
    two, one = (safetensors.torch.load_file(tmp_path / name) for name in ("two", "one"))
    furthest = max((two[k] - one[k]).abs().max().item() for k in one)
    assert one.keys() == two.keys() and furthest < 1e-4
    with torch.random.fork_rng():
        torch.manual_seed(processes.CONFIG.seed)
        start = objectives.prepare(FAMILY["alice"], (2,), processes.CONFIG)
    moved = [(one[f"{n}.{k}"] - w).abs().max().item() for n in start for k, w in start[n].named_parameters()]
    assert min(moved) > 1e-3 > 10 * furthest, "a hundred times what rounding does"


def saved_step(path):
    with safetensors.safe_open(path, "pt") as file:
        return int(file.metadata()["step"])


LONG = ("preset=grid-ali", "name=long", "width=256", "batch=32", "steps=100000", "save_every=1")


def wait_for(condition, seconds=60):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "waited too long"
        time.sleep(0.02)


def test_kill_nine_in_the_middle_of_saves_loses_nothing(tmp_path):
    """A state is written at every step; however the process dies, the file is whole and goes on."""
    state, steps = tmp_path / ".runs/long/state.safetensors", []
    for pause in (0.0, 0.037, 0.411):
        before = steps[-1] if steps else 0
        process = Command("train", *LONG, cwd=tmp_path)
        wait_for(lambda before=before: state.exists() and saved_step(state) > before + 3)
        time.sleep(pause)
        process.process.kill()
        process.end()
        steps.append(saved_step(state))
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_saves_and_stops(number, tmp_path):
    state = tmp_path / ".runs/long/state.safetensors"
    process = Command("train", *LONG, cwd=tmp_path)
    wait_for(state.exists)
    process.send(number)
    status, output = process.end()
    assert status == 0
    assert f"Stopped at step {saved_step(state)}; the same command goes on" in output


def test_the_command_trains_and_exports_again_what_was_lost(tmp_path, monkeypatch, capsys):
    """The command a reader types; run again at its end it leaves a whole checkpoint as it is."""
    words = ("preset=grid-alice", "name=g", "width=16", "batch=32", "steps=40", "cooldown=10")
    status, output = Command("train", *words, cwd=tmp_path).end()
    assert status == 0, output
    from ali_core.models.model import Model

    model = Model.load(tmp_path / "checkpoints/g")
    assert model.card["training"]["samples_seen"] == 40 * 32
    assert model.sample(5, seed=0).shape == (5, 2)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "checkpoints/g"
    card, weights = checkpoint.card(folder), (folder / "model.safetensors").read_bytes()
    kept = {"value": 1, "n": 1, "says": "kept"}
    checkpoint.update_card(folder, metrics={"kept": kept})
    again = ["train", *words]
    assert program.main(again) == 0 and "is there, with all of its 40 steps." in capsys.readouterr().out
    assert checkpoint.card(folder)["metrics"] == {"kept": kept}

    def lost():
        shutil.rmtree(folder)

    def half_written():  # the card of another run's weights
        (folder / "model.safetensors").write_bytes(weights[:-8])

    def other():  # a whole checkpoint, of fewer steps
        assert program.main([*again[:-2], "steps=20", "cooldown=0", "name=short"]) == 0
        shutil.rmtree(folder)
        shutil.copytree("checkpoints/short", folder)

    for harm in (lost, half_written, other):
        harm()
        assert program.main(again) == 0 and "Wrote checkpoints/g" in capsys.readouterr().out
        assert checkpoint.card(folder) == card, harm.__name__
        assert (folder / "model.safetensors").read_bytes() == weights
    assert program.main([*again[:-2], "steps=39", "cooldown=10"]) == 2
    assert "steps: was 40, is 39" in capsys.readouterr().err


def test_alice_finds_the_ring():
    """Some seconds of training put samples around all 8 modes; an untrained decoder reaches none."""
    from ali_core.measure.metrics import modes

    ring = datasets.load("ring")
    # a weight of 20, made for pictures, lets D win on points
    price = {"reconstruction": 1.0}
    config = Config(name="r", member="alice", data="ring", width=64, batch=128, steps=500, ema=0.99, weights=price)
    z = torch.randn(2500, 2, generator=torch.Generator().manual_seed(0))
    reached = []
    for progress in train.train(config, ring):
        if progress.step in (1, config.steps):
            with torch.inference_mode():
                x = progress.averaged["decoder"](z).numpy()
            reached.append(modes(x, ring.centres, 0.1)[0])  # within 0.3 of a centre
    assert reached == [0, 8]
    assert 0.9 < np.sqrt((x**2).sum(1).mean()) < 1.1


def test_l2_is_a_price_of_every_weights_square():
    """Adam's first step is the rate against the gradient's sign; at a price of 1 a large weight's own is that."""
    loop = train.steps(Config(name="x", l2=1.0, steps=1, width=16), datasets.load("grid"))
    before = {k: w.clone() for k, w in next(loop).nets["decoder"].named_parameters()}
    after = dict(next(loop).nets["decoder"].named_parameters())
    for name, weight in before.items():
        large = weight.abs() > 0.1
        moved = (after[name] - weight)[large]
        assert large.any() and torch.allclose(moved, -1e-3 * weight[large].sign(), atol=1e-5), name


def test_an_encoders_own_noise_is_not_the_decoders_z():
    """ALI's toy encoder draws inside of itself: from the seed of the step, and still other numbers."""
    config = dataclasses.replace(parse(["preset=grid-paper"]), steps=1)
    loop, before = train.steps(config, datasets.load("grid")), []
    encoder = next(loop).nets["encoder"]
    encoder.register_forward_pre_hook(lambda *_: before.append(torch.get_rng_state()))
    next(loop)
    generator = torch.Generator()
    generator.set_state(before[0])
    noise = torch.randn(config.batch, 2, generator=generator)
    drawn = inputs.draw(config, 100_000, (2,), 0)
    for name in ("z", "noise"):
        assert not torch.isin(noise, drawn[name]).any(), name


def test_a_run_begins_with_a_checkpoints_networks_and_its_fields(tmp_path, monkeypatch):
    """start=: what shapes the networks is the card's; other data and rates are the new run's own."""
    monkeypatch.chdir(tmp_path)
    program.main(["train", "data=grid", "member=alice", "width=16", "r1=0.1", "batch=32", "steps=5", "name=first"])
    words = ["start=checkpoints/first", "data=ring", "batch=32", "steps=3", "name=second"]
    config, there = parse(train_command.with_start(words)), checkpoint.weights("checkpoints/first")
    assert (config.member, config.width, config.r1, config.data) == ("alice", 16, 0.1, "ring")
    began = next(train.steps(config, datasets.of(config), None, there))
    for nets in (began.nets, began.averaged):
        for net in nets:
            for name, tensor in nets[net].state_dict().items():
                assert torch.equal(tensor, torch.from_numpy(there[f"{net}.{name}"]).to(tensor.dtype)), name
    program.main(["train", *words])
    card, moved = checkpoint.card("checkpoints/second"), checkpoint.weights("checkpoints/second")
    assert card["config"]["start"] == "checkpoints/first" and moved.keys() == there.keys()
    assert card["training"]["samples_seen"] == (5 + 3) * 32 and card["training"]["steps"] == 3
    distances = [float(abs(moved[k] - there[k]).max()) for k in moved if "weight" in k]
    assert 0 < max(distances) < 0.02  # three steps of at most 0.001 or so, not another draw
    with pytest.raises(Problem, match=r"start=checkpoints/first has another encoder.*give the fields of its card"):
        train_command.main([*words, "width=8", "name=third"])
    with pytest.raises(Problem, match=r"nowhere.*is missing"):
        train_command.main(["start=nowhere", "data=ring"])
