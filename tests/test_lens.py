"""Prior, holes and discriminator, where the answer is known.   python -m pytest tests/test_lens.py"""

from pathlib import Path

import numpy as np
import pytest

from ali_core.measure import lens
from ali_core.models.model import Model

ROOT = Path(__file__).parents[1]


def normal(n, d, seed):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def test_draws_of_the_prior_match_it_and_the_threshold_is_as_wide_as_it_says():
    exceeded = 0
    for seed in range(200):
        match = lens.matched(normal(300, 4, seed))
        exceeded += bool(len(match.differ)) or match.length > match.threshold
    assert match.dimensions.shape == (4,) and match.n == 300
    assert exceeded <= 8  # 2 are expected of 200 at 1 in 100; more than 8 happen once in 4,000


def test_the_dimension_that_is_off_is_found_and_no_other():
    codes = normal(2000, 8, 0)
    codes[:, 2] += 0.3
    codes[:, 5] *= 0.5
    match = lens.matched(codes)
    assert match.differ.tolist() == [2, 5]
    # the largest gap between N(0.3, 1) and N(0, 1) is at 0.15: Phi(0.15) - Phi(-0.15)
    assert match.dimensions[2] == pytest.approx(0.119, abs=0.03)


def test_codes_on_a_sphere_match_in_each_dimension_nearly_and_in_length_not_at_all():
    codes = normal(3000, 64, 1)
    codes *= 8 / np.linalg.norm(codes, axis=1, keepdims=True)
    match = lens.matched(codes)
    assert not len(match.differ) and match.length == pytest.approx(0.5, abs=0.05)


def test_a_hole_in_the_codes_is_where_draws_stand_alone():
    codes, draws, middle = normal(4000, 2, 2), normal(2000, 2, 3), np.array([0.7, 0.2])
    codes = codes[np.linalg.norm(codes - middle, axis=1) > 0.6]
    inside = np.linalg.norm(draws - middle, axis=1) < 0.4
    holes = lens.holes(codes, draws)
    alone = holes.apart > holes.threshold
    assert alone[inside].mean() > 0.9 and alone[np.linalg.norm(draws - middle, axis=1) > 0.8].mean() < 0.05
    assert holes.share == pytest.approx(alone.mean()) and holes.share > 0.05


@pytest.mark.parametrize("d", [2, 64])
def test_where_the_prior_is_matched_holes_are_those_of_chance(d):
    holes = lens.holes(normal(3000, d, 4), normal(3000, d, 5))
    assert 0.002 < holes.share < 0.025 and np.median(holes.apart) == pytest.approx(1, abs=0.05)


class Linear:
    """An encoder and a decoder whose truth is known: each turn takes a code to `turn` times itself, plus `shift`."""

    def __init__(self, turn, shift):
        self.turn, self.shift = np.asarray(turn), np.asarray(shift)

    def encode(self, x, y=None):
        return x

    def decode(self, z, y=None):
        return z @ self.turn.T + self.shift


def test_a_code_that_is_halved_on_the_way_settles_in_its_fixed_point():
    trip = lens.round_trip(Linear(0.5 * np.eye(3), [1.0, 0, -1]), normal(6, 3, 0), 12)
    assert trip.codes.shape == (13, 6, 3) and trip.pictures.shape == (12, 6, 3)
    np.testing.assert_allclose(trip.drift[1:], trip.drift[:-1] / 2, rtol=1e-4)
    np.testing.assert_allclose(trip.codes[-1], np.tile([2.0, 0, -2], (6, 1)), atol=1e-2)
    assert trip.settles().tolist() == [5] * 6, "1/32 is the first below a twentieth"
    np.testing.assert_allclose(trip.pictures[0], trip.codes[1])


def test_a_code_that_is_turned_goes_round_for_ever():
    quarter = [[0.0, -1], [1, 0]]
    trip = lens.round_trip(Linear(quarter, [0.0, 0]), normal(5, 2, 1), 8)
    np.testing.assert_allclose(trip.codes[4], trip.codes[0], atol=1e-6)
    np.testing.assert_allclose(trip.drift, np.tile(trip.drift[0], (8, 1)), rtol=1e-5)
    assert trip.settles().tolist() == [0] * 5


def test_the_discriminator_is_asked_for_the_pairs_that_are_named():
    model = Model.load(ROOT / "checkpoints" / "fashion-ali")
    x = np.random.default_rng(0).integers(0, 256, (6, *model.shape), np.uint8)
    asked = lens.discriminated(model, x, seed=7)
    z_hat, z = model.draw(x, 1, 7)[0], model.prior(6, 7)
    assert np.allclose(asked["real"], model.score(x, z_hat)) and np.allclose(
        asked["generated"], model.score(model.decode(z), z), atol=1e-5
    )
    assert np.allclose(asked["reconstruction"], model.score(model.decode(z_hat), z_hat), atol=1e-5)
    assert np.allclose(asked["mismatched"][1:], model.score(x[1:], z_hat[:-1]), atol=1e-5)
    assert list(asked) == ["real", "generated", "reconstruction", "mismatched"]


def test_without_a_discriminator_of_pairs_there_is_nothing_to_ask():
    model = Model.load(ROOT / "checkpoints" / "fashion-vae")
    assert lens.discriminated(model, np.zeros((2, *model.shape), np.uint8)) == {}
