"""Ways between latents.   python -m pytest tests/test_latent.py"""

import numpy as np
import pytest

from ali_core.models.latent import corners, interpolate

A, B, C, D = np.random.default_rng(0).standard_normal((4, 64)).astype(np.float32)


@pytest.mark.parametrize("how", ["lerp", "slerp"])
def test_the_ends_are_exact_and_the_way_back_is_the_same_way(how):
    path = interpolate(A, 3 * B, 9, how)
    assert path.shape == (9, 64) and path.dtype == np.float32
    np.testing.assert_array_equal(path[[0, -1]], [A, 3 * B])
    np.testing.assert_allclose(path[::-1], interpolate(3 * B, A, 9, how), atol=1e-6)


def test_slerp_keeps_the_norm_and_steps_by_equal_angles():
    a, b = (5 * v / np.linalg.norm(v) for v in (A, B))
    path = interpolate(a, b, 11)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 5, rtol=1e-5)
    cosines = (path[1:] * path[:-1]).sum(1) / 25
    np.testing.assert_allclose(cosines, np.cos(np.arccos(a @ b / 25) / 10), atol=1e-5)


def test_slerp_takes_the_quarter_circle():
    middle = interpolate(np.array([1.0, 0]), np.array([0, 1.0]), 3)[1]
    np.testing.assert_allclose(middle, [np.sqrt(0.5)] * 2, rtol=1e-6)


def test_slerp_changes_the_norm_linearly():
    path = interpolate(A / np.linalg.norm(A), 3 * B / np.linalg.norm(B), 5)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), [1, 1.5, 2, 2.5, 3], rtol=1e-5)


@pytest.mark.parametrize("b", [A, 2 * A, -A, 0 * A])
def test_slerp_is_the_straight_line_where_there_is_no_one_arc(b):
    path = interpolate(A, b, 5)
    np.testing.assert_allclose(path, interpolate(A, b, 5, "lerp"), atol=1e-6)


def test_one_step_is_the_start():
    np.testing.assert_array_equal(interpolate(A, B, 1), A[None])


def test_corner_cells_are_the_corners_and_every_row_has_one_norm_line():
    four = [v / np.linalg.norm(v) for v in (A, B, C, D)]
    pad = corners(*four, 5)
    assert pad.shape == (5, 5, 64) and pad.dtype == np.float32
    np.testing.assert_array_equal(pad[[0, 0, -1, -1], [0, -1, 0, -1]], four)
    np.testing.assert_allclose(np.linalg.norm(pad, axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(pad.swapaxes(0, 1), corners(four[0], four[2], four[1], four[3], 5))


def test_opposite_corners_blend_to_nothing_without_nan():
    pad = corners(A, -A, -A, A, 3)
    np.testing.assert_array_equal(pad[1, 1], 0)
    assert np.isfinite(pad).all()
