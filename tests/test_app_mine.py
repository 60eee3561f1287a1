"""The reader's own pictures on the Map page: given, mapped, asked, cancelled, gone.   python -m pytest tests/test_app_mine.py"""

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from ali_core.commands import explore
from app import bridge
from app.shared import tray
from tests.pupils import until
from tests.visits import sane, url, visit, whole, words

NAME, OTHER = "fashion-vae", "fashion-alice"
SESSION = "test session id"  # the test client's, of every visit


@pytest.fixture(autouse=True)
def nothing_given():
    """Every visit begins without pictures, and leaves none."""
    bridge.mine.take_back(SESSION)
    yield
    bridge.mine.take_back(SESSION)


def album(n: int = 24) -> bytes:
    """A zip of held-out pictures in two folders, with a file that is none."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for number, x in enumerate(bridge.codes.pictures(NAME)[:n, ..., 0]):
            picture = io.BytesIO()
            Image.fromarray(x).save(picture, "PNG")
            file.writestr(f"{['early', 'late'][number >= n // 2]}/{number:02}.png", picture.getvalue())
        file.writestr("notes.txt", "no picture")
    return content.getvalue()


def press(app, label: str):
    """The app after a click on the button whose label begins so."""
    return sane(next(button for button in app.button if button.label.startswith(label)).click().run())


def given(content: bytes, name: str = NAME):
    """The Map page, where a zip has been given and its map begun."""
    app = visit("latent_map", checkpoint=name, pictures="mine")
    app.get("file_uploader")[0].set_value([("album.zip", content, "application/zip")])
    return press(sane(app.run()), f"Map 1 file with {name}")


def state(name: str = NAME) -> str:
    return bridge.mine.state(SESSION, name)["state"]


def ended(name: str = NAME) -> bool:
    return state(name) not in ("waits", "works")


@pytest.fixture
def ready():
    """The Map page with the map of an album."""
    app = given(album())
    until(ended, 300)
    assert state() == "ready"
    return sane(app.run())


def test_a_zip_is_mapped_looked_at_and_taken_to_the_tray(ready):
    shown = bridge.mine.state(SESSION, NAME)["map"]
    atlas, pictures = bridge.codes.atlas(shown), bridge.codes.pictures(shown)
    assert np.array_equal(pictures, bridge.codes.pictures(NAME)[:24])
    assert atlas.label_names == ["early", "late"] and atlas.y.tolist() == [0] * 12 + [1] * 12
    assert "**24 pictures of album.zip**." in words(ready) and "“notes.txt” is not a picture" in words(ready)
    assert url(ready) == {"checkpoint": NAME, "pictures": "mine"}
    ready.number_input(key="map number").set_value(13)
    sane(ready.run())
    assert "**late, no. 13**" in words(ready) and url(ready)["picks"] == "13"
    press(ready, "To tray")
    (item,) = ready.session_state["tray"]
    assert item[0] == "u" and np.array_equal(ready.session_state[tray.KEPT][item], pictures[13])
    assert "tray" not in url(ready)  # a link would show another picture
    ready.session_state["picks"], ready.session_state["place"] = [], tuple(atlas.umap[3].tolist())
    assert "Blended from these codes" in words(sane(ready.run()))
    ready.session_state["picks"], ready.session_state["place"] = [1, 2, 13], None
    assert "**3 pictures**" in words(sane(ready.run()))
    press(ready, "With it")
    taught = {tuple(ready.session_state[tray.KEPT][word].ravel()) for word in ready.session_state["with"]}
    assert taught == {tuple(pictures[i].ravel()) for i in (1, 2, 13)}
    press(ready, "Clear")
    # the held-out pictures are a click away, and so is the way back
    ready.session_state["pictures"] = "held-out"
    assert "0 to 9999" in str(sane(ready.run()).number_input(key="map number").placeholder)
    ready.session_state["pictures"] = "mine"
    assert "0 to 23" in str(sane(ready.run()).number_input(key="map number").placeholder)
    # by another checkpoint: the same pictures, without giving them again
    ready.selectbox(key="checkpoint").set_value(OTHER)
    press(sane(ready.run()), f"Map album.zip with {OTHER}")
    assert not ended(OTHER) and state() == "ready"
    app = whole(next(button for button in ready.button if button.label == "Cancel").click().run())
    assert state(OTHER) == "failed" and state() == "ready"
    assert [one.value for one in app.error] == [bridge.jobs.STOPPED]


def test_what_is_cancelled_is_ended_and_leaves_nothing():
    given(album())
    one = bridge.mine._visits[SESSION].maps[NAME]
    until(lambda: one.job.process)
    bridge.mine.stop(SESSION, NAME)
    assert one.job.process.wait(20) and state() == "failed"
    until(lambda: one.job not in bridge.jobs._line)
    home = bridge.mine._visits[SESSION].home
    assert home.exists()
    bridge.mine.take_back(SESSION)
    assert not home.exists() and state() == "none"


def test_a_zip_that_holds_too_little_says_so_and_what_was_given_can_be_given_anew():
    given(album(3))
    until(ended, 120)
    app = whole(visit("latent_map", checkpoint=NAME, pictures="mine").run())
    (error,) = app.error
    assert "A map needs 16 pictures at least, and these are 3" in error.value and "notes.txt" in error.value
    assert [b.label for b in app.button if b.label.startswith("Map ")] == [f"Map album.zip with {NAME}"]


def test_a_link_to_pictures_of_another_visit_says_that_they_are_gone():
    app = sane(visit("latent_map", checkpoint=NAME, pictures="mine", picks="3,5"))
    assert [info.value for info in app.info] == [bridge.mine.GONE] and "picks" not in url(app)
    with pytest.raises(bridge.Problem, match="gone"):
        bridge.codes.atlas(f"{NAME}/{'x' * 22}")


def test_two_visitors_wait_for_each_other_and_see_their_own(tmp_path):
    """Each in turn, each behind a secret of its own."""
    try:
        for who in ("one", "two"):
            bridge.mine.give(who, f"address of {who}", [("album.zip", album())])
            bridge.mine.start(who, NAME)
        assert bridge.mine.state("two", NAME)["says"] == "waits until 1 other is made"
        bridge.mine.stop("one", NAME)
        until(lambda: bridge.mine.state("two", NAME)["state"] in ("works", "ready"))
        assert bridge.mine.state("one", NAME)["state"] == "failed" and bridge.mine.given("three") == ""
    finally:
        for who in ("one", "two"):
            bridge.mine.take_back(who)


def test_one_address_has_no_more_visits_than_are_left_for_all(monkeypatch):
    monkeypatch.setattr(bridge.mine, "VISITS", 4)
    try:
        bridge.mine.give("a", "one address", [("1.zip", b"x")])
        bridge.mine.give("b", "one address", [("2.zip", b"x")])
        with pytest.raises(bridge.Problem, match="As many visitors"):
            bridge.mine.give("c", "one address", [("3.zip", b"x")])
        bridge.mine.give("d", "another", [("4.zip", b"x")])
        monkeypatch.setattr(bridge.mine, "MOST_BYTES", 3)
        with pytest.raises(bridge.Problem, match="more than 0 MB"):
            bridge.mine.give("d", "another", [("4.zip", b"four")])
    finally:
        for who in "abcd":
            bridge.mine.take_back(who)


def test_the_map_is_searched_by_a_picture():
    app = visit("latent_map", checkpoint=NAME)
    content = io.BytesIO()
    Image.fromarray(bridge.codes.pictures(NAME)[4321, ..., 0]).save(content, "PNG")
    app.get("file_uploader")[0].set_value([("like this.png", content.getvalue(), "image/png")])
    assert "**like this.png**: the nearest has the same code" in words(sane(app.run()))
    press(app, "Clear")
    assert "like this" not in words(app)
    app.get("file_uploader")[0].set_value([("text.png", b"no picture", "image/png")])
    (error,) = whole(app.run()).error
    assert "“text.png” is not a picture" in error.value


def test_the_folder_of_the_command_is_everybodys_and_begins_by_itself(tmp_path):
    with zipfile.ZipFile(io.BytesIO(album())) as file:
        file.extractall(tmp_path / "holiday")
    assert explore.pictures(["--pictures", str(tmp_path / "holiday"), "--server.port", "1"]) == ["--server.port", "1"]
    with pytest.raises(bridge.Problem, match="is no folder"):
        explore.pictures(["--pictures", str(tmp_path / "none")])
    try:
        app = sane(visit("latent_map", checkpoint=NAME))
        assert any(button.label == "Cancel" for button in app.button) and bridge.mine.given("anybody") == "holiday"
        assert bridge.mine.state("anybody", NAME)["state"] in ("waits", "works")
    finally:
        os.environ.pop(bridge.mine.FOLDER)
        bridge.mine.take_back("")
