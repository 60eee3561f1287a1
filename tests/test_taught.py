"""A direction that a few examples teach.   python -m pytest tests/test_taught.py"""

import io

import numpy as np
import pytest

from ali_core.models import taught
from ali_core.problem import Problem

D = 16


def sides(n: int, m: int, way: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes whose number 3 says whether a thing is there, the others noise."""
    rng = np.random.default_rng(seed)
    with_it, without = rng.standard_normal((n, D)), rng.standard_normal((m, D))
    with_it[:, 3] = way / 2
    without[:, 3] = -way / 2
    return with_it.astype(np.float32), without.astype(np.float32)


def test_many_examples_teach_the_number_that_says_it_and_nothing_else():
    with_it, without = sides(4000, 3000)
    found = taught.teach(with_it, without, "hat")
    np.testing.assert_allclose(found.along, 3.0 * np.eye(D)[3], atol=0.1)
    assert found.examples == (4000, 3000) and found.right == 1.0
    assert found.place(with_it).mean() == pytest.approx(0.5, abs=1e-4)
    assert found.place(without).mean() == pytest.approx(-0.5, abs=1e-4)
    assert found.place(found.moved(without, 1.0)).mean() == pytest.approx(0.5, abs=1e-4)
    each = found.moved(without[:3], np.array([0.0, 1.0, -2.0]))
    np.testing.assert_allclose(each[:, 3] - without[:3, 3], [0.0, 3.0, -6.0], atol=0.01)


def test_the_check_leaves_each_example_out():
    """Of noise alone half are told right by chance, and without leaving out all would be."""
    shares = [taught.teach(*sides(5, 5, way=0.0, seed=seed)).right for seed in range(200)]
    assert 0.3 < np.mean(shares) < 0.5  # a left-out example pulls the others' means away from itself
    assert np.mean([taught.teach(*sides(5, 5, way=8.0, seed=seed)).right for seed in range(20)]) > 0.95


@pytest.mark.parametrize("few", [(1, 5), (5, 1), (0, 0)])
def test_too_few_are_a_sentence(few):
    with pytest.raises(Problem, match=r"2 pictures with(out)? it are the fewest"):
        taught.teach(*sides(*few))


def test_the_same_pictures_on_both_sides_are_a_sentence():
    with_it, _ = sides(3, 3)
    with pytest.raises(Problem, match="Both sides have the same codes"):
        taught.teach(with_it, with_it)


def test_what_is_written_is_read_again(tmp_path):
    found = taught.teach(*sides(5, 4), "round glasses", "ab12")
    found.write(tmp_path / "hat.npz")
    for again in (taught.read(tmp_path / "hat.npz"), taught.read(found.content())):
        np.testing.assert_allclose(again.along, found.along)
        assert (again.name, again.examples, again.right, again.checkpoint) == (
            "round glasses",
            (5, 4),
            found.right,
            "ab12",
        )


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


GOOD = dict(name="x", along=np.ones(D), middle=np.zeros(D), examples=[5, 5], right=0.9, checkpoint="")


@pytest.mark.parametrize(
    "content, says",
    [
        (b"no zip", "no direction"),
        (npz(z=np.zeros(3)), "no direction"),
        (npz(**GOOD | {"along": np.zeros(D)}), "not all 0"),
        (npz(**GOOD | {"middle": np.zeros(D + 1)}), "as many finite numbers"),
        (npz(**GOOD | {"along": np.full(D, np.nan)}), "finite"),
        (npz(**GOOD | {"examples": [5]}), "no direction"),
        (npz(**GOOD | {"along": np.array(["a"])}), "no direction"),
        (npz(**GOOD)[:-30], "no direction"),
    ],
)
def test_another_file_is_a_sentence(content, says, tmp_path):
    with pytest.raises(Problem, match=says):
        taught.read(content)
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(Problem, match=r"f\.npz.*" + says):
        taught.read(tmp_path / "f.npz")


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(Problem, match=r"none\.npz cannot be read: No such file"):
        taught.read(tmp_path / "none.npz")
