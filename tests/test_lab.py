"""The lab's frames say what the networks do, leave training alone, and bad input is a sentence."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from ali_core.data import points
from ali_core.family import objectives
from ali_core.family.members import FAMILY
from ali_core.lab import packs, recordings, scenes
from ali_core.problem import Problem
from ali_core.training import loop as train

PLANAR = [name for name in FAMILY if name not in ("triangle", "gali-pt")]
SHIPPED = sorted((Path(__file__).parents[1] / "checkpoints" / "lab").glob("*.gz"))


def begun(turn=None, steps: int = 1, **settings):
    """A scene and the progress after some steps; frames on the way change nothing."""
    config = scenes.config({"width": 16, "batch": 32} | settings)
    held = scenes.data(config)
    scene, loop = scenes.Scene(config, held), train.steps(config, held)
    progress = next(loop)
    for _ in range(steps):
        progress = loop.send(turn)
    return scene, progress


def weights(progress, *names) -> dict:
    return {
        f"{name}.{k}": v.clone() for name in names or progress.nets for k, v in progress.nets[name].state_dict().items()
    }


def same(one: dict, other: dict) -> bool:
    return all(torch.equal(one[k], other[k]) for k in one)


# ---- turns -------------------------------------------------------------------------------------------


def test_turns_let_only_the_named_players_step():
    config = scenes.config({"width": 16, "batch": 32})
    held = scenes.data(config)
    loop = train.steps(config, held)
    progress = next(loop)
    assert progress.step == 0 and progress.losses == {}
    start = weights(progress)
    progress = loop.send(("discriminator",))
    after_d = weights(progress)
    kept = {k: v for k, v in start.items() if not k.startswith("discriminator")}
    assert same(kept, after_d) and not same(start, after_d)
    progress = loop.send(("generator", "multipliers"))
    after_g = weights(progress)
    kept = {k: v for k, v in after_d.items() if k.startswith("discriminator")}
    assert same(kept, after_g) and not same(after_d, after_g)
    assert progress.step == 2


def test_the_loop_with_everyones_turns_is_train():
    config = scenes.config({"width": 16, "batch": 32})
    held = scenes.data(config)
    plain = [p.losses for p in itertools.islice(train.train(config, held), 5)]
    assert [p.losses for p in itertools.islice(train.steps(config, held), 1, 6)] == plain


# ---- frames ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", PLANAR)
def test_every_member_in_the_plane_has_frames_of_finite_numbers(member):
    scene, progress = begun(member=member, steps=2)
    about, arrays = packs.unpack(scenes.frame(progress, scene))
    assert about["step"] == 2 and 0 <= about["modes"] <= 25 and 0 <= about["good"] <= 1
    assert all(np.isfinite(a).all() for a in arrays.values())
    assert {"x_tilde", "z_hat", "x_rec", "lattice"} <= set(arrays)
    row = FAMILY[member]
    assert ("z_sd" in arrays) == row.stochastic
    assert ("d_x" in arrays or "d_z" in arrays) == bool(row.matches)
    first, _ = packs.unpack(scene.pack())
    assert first["sees"]["joint"] == any({"x", "z"} <= {n[0] for n in m.tuples[0]} for m in row.matches)


def test_frames_leave_training_alone():
    config = scenes.config({"width": 16, "batch": 32, "member": "alice"})
    held = scenes.data(config)
    scene, watched, alone = scenes.Scene(config, held), *(train.steps(config, held) for _ in "ab")
    for _ in range(6):
        one, other = next(watched), next(alone)
        scenes.frame(one, scene)
    assert same(weights(one), weights(other)) and one.step == other.step == 5


def test_maps_and_lattice_are_what_the_networks_say_at_those_places():
    scene, progress = begun(steps=30)
    _, arrays = packs.unpack(scenes.frame(progress, scene))
    nets, (low, high) = progress.nets, scene.bounds_x
    side = (high - low) / scenes.MAP
    for probe, row, column in ((0, 0, 0), (4, 3, 20), (8, 23, 11)):
        x = torch.tensor([[low + (column + 0.5) * side, low + (row + 0.5) * side]])
        z = scene.at_z[probe : probe + 1]
        logits = nets["discriminator0"](x, z)[0]
        said = torch.sigmoid(logits[0] - logits[1]).item()
        assert abs(arrays["d_x"][probe, row, column] / 255 - said) < 0.003
    ticks = np.linspace(*scene.bounds_z, scenes.LATTICE)
    z = torch.tensor([[ticks[2], ticks[13]]], dtype=torch.float32)
    decoded = nets["decoder"](z)[0].detach().numpy()
    np.testing.assert_allclose(arrays["lattice"][2, 13], decoded, atol=1e-3)


def test_reconstructions_are_decoded_means_and_their_error_is_what_is_said():
    scene, progress = begun(steps=20)
    about, arrays = packs.unpack(scenes.frame(progress, scene))
    mean, log_sigma = progress.nets["encoder"](scene.x).detach().chunk(2, 1)
    np.testing.assert_allclose(arrays["z_hat"], mean, atol=1e-3)
    np.testing.assert_allclose(arrays["z_sd"], log_sigma.exp(), atol=1e-3)
    decoded = progress.nets["decoder"](mean).detach()
    np.testing.assert_allclose(arrays["x_rec"], decoded, atol=1e-3)
    assert about["mse"] == pytest.approx((scene.x - decoded).square().mean().item(), rel=1e-5)


def test_what_is_said_of_constraints_is_over_codes_that_are_drawn():
    """As the card has it: of a VAE whose clouds are wide, the mean alone decodes too well."""
    scene, progress = begun(member="vae", steps=200, data="ring")
    about, arrays = packs.unpack(scenes.frame(progress, scene))
    assert arrays["z_sd"].mean() > 0.2
    mean, log_sigma = progress.nets["encoder"](scene.x).detach().chunk(2, 1)
    generator, negative_elbos = torch.Generator().manual_seed(7), []
    sd = scene.config.sd
    kl = (0.5 * (mean**2 + (2 * log_sigma).exp() - 1) - log_sigma).sum(1).mean()
    for k in range(200):
        noise = torch.randn(mean.shape, generator=generator) if k else torch.zeros_like(mean)
        decoded = progress.nets["decoder"](mean + log_sigma.exp() * noise).detach()
        nll = ((scene.x - decoded) ** 2).sum(1) / (2 * sd**2) + np.log(2 * np.pi * sd**2)
        negative_elbos.append((nll.mean() + kl).item())
    at_mean, *drawn = negative_elbos
    said = about["constraints"]["negative_elbo"]
    assert np.mean(drawn) - at_mean > 1
    assert said == pytest.approx(np.mean(drawn), abs=(np.mean(drawn) - at_mean) / 2)
    assert about["constraints"]["term_kl"] == pytest.approx(kl.item(), rel=1e-4)


def test_pulls_lower_the_generators_loss():
    scene, progress = begun(member="gan", steps=30)
    _, arrays = packs.unpack(scenes.frame(progress, scene))
    s, match = scene.samples(progress.nets), scene.row.matches[0]

    def loss(x_tilde):
        logits = progress.nets["discriminator0"](torch.cat([scene.x, x_tilde]))
        return objectives.match(logits, 2, match.generator)[1].item()

    x = s.x_tilde.detach().double().float()
    for k in range(3):
        up, down = x.clone(), x.clone()
        up[k, 0] += 1e-2
        down[k, 0] -= 1e-2
        slope = len(x) * (loss(up) - loss(down)) / 2e-2
        assert arrays["pull_x"][k, 0] == pytest.approx(-slope, rel=0.1, abs=0.02)


def test_a_pack_keeps_numbers_exactly_and_arrays_to_their_scale():
    values = np.random.default_rng(0).normal(0, 3, (7, 2))
    about, arrays = packs.unpack(packs.pack("frame", {"step": 3}, {"a": values, "b": np.arange(5, dtype=np.uint8)}))
    assert about == {"kind": "frame", "step": 3}
    assert np.abs(arrays["a"] - values).max() <= np.abs(values).max() / 65_000
    assert arrays["b"].tolist() == [0, 1, 2, 3, 4]


# ---- recordings --------------------------------------------------------------------------------------


def test_a_recording_is_the_same_when_it_is_made_again(tmp_path):
    short = {"member": "ali", "data": "ring", "width": 16, "batch": 32}
    runs = [scenes.run(short, [0, 1, 5]) for _ in range(2)]
    assert runs[0][1] == runs[1][1] and len(runs[0][1]) == 3
    path = tmp_path / "short.gz"
    card = {
        "name": "short",
        "title": "Short",
        "says": "Short.",
        "settings": short,
        "steps": 5,
        "seconds": 1,
        "hardware": "CPU",
        "versions": {},
    }
    path.write_bytes(packs.recording([runs[0][0].pack(card=card), *runs[0][1]]))
    assert packs.read(path)[1:] == runs[0][1]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_recordings_begin_as_their_seed_does(path):
    scene, *frames = packs.read(path)
    card = packs.unpack(scene)[0]["card"]
    recording = recordings.RECORDINGS[path.stem]
    assert card["settings"] == recording.settings and card["steps"] == recording.steps
    steps = [packs.unpack(frame)[0]["step"] for frame in frames]
    assert steps == recording.shown
    early = [step for step in steps if step <= 20]
    _, again = scenes.run(recording.settings, early)
    for old, new in zip(frames, again, strict=False):
        a, b = packs.unpack(old)[1], packs.unpack(new)[1]
        # another processor rounds otherwise, and twenty steps make a little of it
        np.testing.assert_allclose(a["x_tilde"], b["x_tilde"], atol=0.02)
        np.testing.assert_allclose(a["z_hat"], b["z_hat"], atol=0.02)


def test_every_recording_that_is_known_ships():
    assert [path.stem for path in SHIPPED] == sorted(recordings.RECORDINGS)
    assert sum(path.stat().st_size for path in SHIPPED) < 12 * 2**20


def test_a_file_that_is_no_recording_is_a_sentence(tmp_path):
    path = tmp_path / "x.gz"
    with pytest.raises(Problem, match="is missing; make it: python -m ali_core record x"):
        packs.read(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(Problem, match="is no recording"):
        packs.read(path)
    whole = packs.recording([packs.pack("scene", {}, {"a": np.ones((3, 2))})])
    path.write_bytes(whole[:-9])
    with pytest.raises(Problem, match="is no recording"):
        packs.read(path)


# ---- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"member": "gann"}, "There is no member «gann»"),
        ({"member": "gali-pt"}, "take gali4 or gali8"),
        ({"data": "mnist"}, "The lab has no data «mnist»"),
        ({"width": 4096}, "too much for a live run; at most 128"),
        ({"batch": 1}, "batch=1 is outside"),
        ({"seed": -1}, "seed=-1 is outside"),
        ({"lr": float("nan")}, "lr=nan is outside"),
        ({"weights": {"reconstruction": 1.0}}, "has no term «reconstruction»"),
        ({"weights": {"reconstruction": -1.0}, "member": "alice"}, "must be a number that is not"),
        ({"colour": 1}, "There is no setting «colour»"),
    ],
)
def test_settings_that_cannot_be_are_a_sentence(settings, sentence):
    with pytest.raises(Problem, match=sentence):
        scenes.config(settings)


def test_a_member_that_cannot_train_in_the_plane_says_so():
    config = scenes.config({"member": "triangle"})
    with pytest.raises(Problem, match="learns from true pairs of two domains"):
        next(train.steps(config, scenes.data(config)))
    with pytest.raises(Problem, match="data=mine needs points of your own"):
        scenes.data(scenes.config({"data": "mine"}))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\nx,y\n", "line 3: «x y» is not two numbers"),
        ("1,2\n3,4\nnan,1\n" + "5,6\n" * 20, "point 3 is not a number"),
        ("1,2\n3,inf\n", "point 2 is not a number"),
        ("1\n2\n3\n", "no two columns|has 1 numbers"),
        ("1,2,3\n4,5,6\n", "line 1 has 3 numbers"),
        ("1,2\n", "there is 1 point; the lab needs at least 10"),
        ("1,2\n" * 50, "there is 1 point"),
        ("1,2\n" * 100_002, "has 100,002 lines; the lab takes up to 100,000"),
        ("", "no two columns|there are 0"),
    ],
)
def test_a_table_that_cannot_be_learned_is_a_sentence(text, sentence):
    with pytest.raises(Problem, match=sentence):
        points.read_csv("t.csv", text.encode())


def test_a_table_is_read_with_commas_semicolons_tabs_and_titles():
    rng = np.random.default_rng(0)
    x = rng.normal(5, 20, (30, 2)).round(3)
    for mark in (",", ";", "\t"):
        for title in ("", f"a{mark}b\n"):
            text = title + "\n".join(mark.join(map(str, row)) for row in x)
            np.testing.assert_allclose(points.read_csv("t", text.encode()), x, rtol=1e-6)
    with pytest.raises(Problem, match="is not text"):
        points.read_csv("t", b"\xff\xfe\x00")


def test_of_sorted_points_of_ones_own_the_panels_show_both_ends():
    x = np.random.default_rng(0).normal(0, 0.1, (600, 2))
    x[300:] += 10
    held = points.as_data(x)
    scene = scenes.Scene(scenes.config({"data": "mine"}), held)
    second = int((scene.x[:, 0] > 0).sum())
    assert len(scene.x) == scenes.SHOWN and 90 < second < scenes.SHOWN - 90
    assert (np.sort(held.x, 0) == np.sort(points.as_data(x[::-1]).x, 0)).all()


def test_points_of_ones_own_are_centred_scaled_and_trained_on():
    x = np.random.default_rng(0).normal(100, 5, (40, 2)).astype(np.float32)
    data = points.as_data(x)
    assert abs(data.x.mean()) < 1e-4 and data.x.std() == pytest.approx(points.SPREAD, rel=1e-3)
    scene, frames = scenes.run({"data": "mine", "width": 8, "batch": 16}, [0, 2], x)
    about, arrays = packs.unpack(frames[-1])
    assert about["modes"] is None and arrays["x_rec"].shape == (40, 2)
    assert packs.unpack(scene.pack())[0]["modes"] == 0
