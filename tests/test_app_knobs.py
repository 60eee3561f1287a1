"""Another UMAP beside the map: made, kept by value, cancelled, picked in.   python -m pytest tests/test_app_knobs.py"""

import numpy as np
import pytest

from ali_core.maps import own, relaid
from ali_core.measure import neighbours
from app import bridge
from app.views.latent_map import knobs
from tests.pupils import until
from tests.visits import sane, url, visit, whole, words

NAME = "toons"
SESSION = "test session id"  # the test client's
VALUE = (5, 0.5)


def test_a_map_is_turned_like_another_and_no_distance_changes():
    rng = np.random.default_rng(0)
    beside = rng.standard_normal((50, 2)).astype(np.float32)
    mirrored = 3 + beside @ np.array([[0.6, 0.8], [0.8, -0.6]], np.float32)
    turned = relaid.turned(mirrored, beside)
    np.testing.assert_allclose(turned, beside - beside.mean(0), atol=1e-5)
    other = relaid.turned(rng.standard_normal((50, 2)).astype(np.float32) + 7, beside)
    assert np.abs(other.mean(0)).max() < 1e-5


def test_arrays_go_to_a_worker_and_come_back_as_they_are():
    array = np.random.default_rng(0).standard_normal((7, 2)).astype(np.float32)
    assert np.array_equal(own.numbers(own.floats(array)), array)


@pytest.mark.parametrize("text", ["", "5", "5,x", "1,0.1", "101,0.1", "5,1", "5,-0.1", "5,nan", "5,0.1,2"])
def test_a_damaged_link_shows_no_layout(text):
    with pytest.raises(ValueError):
        knobs.parse(text)
    assert knobs.parse("50,0.3") == (50, 0.3) and knobs.form((50, 0.3)) == "50,0.3"


def test_a_layout_is_made_kept_by_value_and_stands_beside_the_map():
    app = sane(visit("latent_map", checkpoint=NAME, beside="5,0.5"))
    assert bridge.layouts.state(NAME, VALUE)["state"] == "none"  # a link alone starts no work
    app = sane(next(b for b in app.button if b.label == "Lay out with 5 neighbours, least distance 0.5").click().run())
    one = bridge.layouts._of(NAME)[VALUE]
    until(lambda: not one.job.open, 300)
    app = sane(app.run())
    atlas = bridge.codes.atlas(NAME)
    assert one.umap.shape == atlas.umap.shape and 0.7 < one.trust < 1 and one.trust != atlas.trust["umap"]
    apart = neighbours.nearest(one.umap, one.umap, 9)[1][:, 8]
    assert one.spacing == pytest.approx(float(np.median(apart)), rel=1e-5)
    assert f"trustworthiness **{one.trust:.2f}**" in words(app) and f"has {atlas.trust['umap']:.2f}" in words(app)
    assert url(app)["beside"] == "5,0.5"
    # by value: nothing is made twice, nor for another visitor
    bridge.layouts.start("somebody else", NAME, VALUE)
    assert bridge.layouts._of(NAME)[VALUE] is one and bridge.layouts.made(NAME)[VALUE] == one.trust
    # what is picked is told to both
    app.session_state["picks"] = [3]
    assert "no. 3**" in words(sane(app.run()))
    app = sane(next(b for b in app.button if b.label == "Close").click().run())
    assert "beside" not in url(app)


def test_a_layout_that_is_cancelled_is_ended_when_nobody_wants_it():
    other = (7, 0.2)
    for who in (SESSION, "another"):
        bridge.layouts.start(who, NAME, other)
    one = bridge.layouts._of(NAME)[other]
    bridge.layouts.stop(SESSION, NAME, other)
    assert one.job.open
    bridge.layouts.start("another", NAME, (8, 0.2))  # a session waits for one
    assert one.job.state == "failed" and bridge.layouts.state(NAME, (8, 0.2))["state"] in ("waits", "works")
    bridge.layouts.stop("another", NAME, (8, 0.2))
    app = whole(visit("latent_map", checkpoint=NAME, beside="8,0.2"))
    assert [error.value for error in app.error] == [bridge.jobs.STOPPED]
