"""A direction that a reader's examples teach, on Interpolate.   python -m pytest tests/test_app_taught.py"""

import io

import numpy as np
import pytest
from PIL import Image

import ali_core
from app import bridge

from .visits import url, visit, whole
from .visits import words as prose

NAME = "fashion-alice"


def opened(**query):
    return visit("interpolate", checkpoint=NAME, mode="directions", do="teach", **query)


def said(app) -> str:
    return "\n".join([prose(app), *(one.value for one in app.info)])


def examples(app, side: str) -> list[str]:
    return app.session_state[side]


def test_an_example_fills_both_sides_and_the_link_shows_it_again():
    app = opened()
    assert "Show it at least 2 pictures" in said(app)
    app = whole(next(one for one in app.button if one.label.startswith("An example")).click().run())
    assert len(examples(app, "with")) == len(examples(app, "without")) == 5
    atlas = bridge.codes.atlas(NAME)
    sides = [{int(atlas.y[int(word[1:])]) for word in examples(app, side)} for side in ("with", "without")]
    assert len(sides[0]) == 1 and not sides[0] & sides[1]
    assert "examples are told right by the others alone" in said(app)
    again = opened(**{key: value for key, value in url(app).items() if key in ("with", "without")})
    assert examples(again, "with") == examples(app, "with") and examples(again, "without") == examples(app, "without")


def test_what_is_kept_is_the_direction_and_python_reads_it(tmp_path):
    a, b = [3, 5, 8, 13, 21], [4, 6, 9, 14, 22]
    z = bridge.codes.atlas(NAME).z
    found = bridge.teaching.teach(NAME, list(z[a]), list(z[b]), "hat")
    np.testing.assert_allclose(found.along, z[a].mean(0) - z[b].mean(0), atol=1e-5)
    file = tmp_path / "hat.npz"
    file.write_bytes(found.content())
    model = ali_core.load(f"checkpoints/{NAME}")
    np.testing.assert_allclose(model.moved(z[:2], file, 2.0), z[:2] + 2 * found.along, atol=1e-5)
    with pytest.raises(
        ali_core.Problem, match="«hat» was taught with another checkpoint's codes, not with fashion-ali's"
    ):
        ali_core.load("checkpoints/fashion-ali").moved(z[:2], file, 2.0)
    with pytest.raises(bridge.Problem, match="another checkpoint's codes"):
        bridge.teaching.read("fashion-ali", file.read_bytes())


def test_what_else_changes_is_nothing_without_a_move_and_more_with_a_longer_one():
    z, y = bridge.codes.atlas(NAME).z, bridge.codes.atlas(NAME).y
    found = bridge.teaching.teach(NAME, list(z[y == 1][:5]), list(z[y == 7][:5]), "trousers")
    shares = [bridge.teaching.changes(NAME, found, amount)["class"] for amount in (0.0, 0.5, 2.0)]
    assert shares[0] == 0.0 and shares[0] < shares[1] < shares[2] <= 1.0


def test_a_picture_stands_on_one_side_and_leaves_when_it_is_taken_out():
    app = opened(**{"with": "p1,p2", "without": "p3,p4"})
    app = whole(app.button(key="without out 1").click().run())
    assert examples(app, "without") == ["p3"] and "fewest" not in said(app) and "Show it at least 2" in said(app)
    app = whole(app.button(key="with out 0").click().run())
    assert examples(app, "with") == ["p2"] and url(app)["with"] == "p2"


def test_uploads_become_examples_and_what_is_no_picture_is_named():
    app = opened(**{"with": "p1,p2", "without": "p3"})
    file = io.BytesIO()
    Image.effect_noise((60, 60), 80).save(file, "png")
    given = app.file_uploader(key="without files").upload("n.png", file.getvalue(), "image/png")
    app = whole(given.upload("t.png", b"no", "image/png").run())
    assert examples(app, "without")[0] == "p3" and examples(app, "without")[1].startswith("u")
    assert any("t.png" in one.value for one in app.error)
    assert url(app)["without"] == "p3", "an upload has no address"


@pytest.mark.parametrize(
    "query", [{"with": "x"}, {"without": "p1," * 40}, {"with": "p99999999"}, {"with": "p1,p2", "without": "p1,p2"}]
)
def test_a_links_nonsense_is_nonsense(query):
    app = opened(**query)
    assert not app.exception


def test_a_lasso_on_the_map_teaches_either_side():
    app = visit("latent_map", checkpoint=NAME, picks="1,2,3,4")
    app = whole(app.button(key="teach with").click().run())
    assert sorted(app.session_state["with"]) == ["p1", "p2", "p3", "p4"] and app.session_state["without"] == []
    app = whole(app.button(key="teach without").click().run())
    assert app.session_state["with"] == [] and len(app.session_state["without"]) == 4, "a picture stands on one side"
    page = whole(app.switch_page("views/interpolate/interpolate.py").run())
    assert len(page.session_state["without"]) == 4
