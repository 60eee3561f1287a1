"""The Translate page through Streamlit's test client.   python -m pytest tests/test_app_translate.py"""

import base64
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as some
from PIL import Image
from streamlit.testing.v1 import AppTest

from ali_core.data import domains
from ali_core.measure import metrics
from ali_core.models import checkpoint
from ali_core.models.model import Model, to_bytes
from app import bridge
from app.components.draw import unpacked
from app.views.translate import many, subject

from . import visits
from .visits import sane, url, words

ROOT = Path(__file__).parents[1]
SHIPPED = bridge.checkpoints.translators()


@pytest.fixture
def there(translators, monkeypatch) -> Path:
    monkeypatch.setenv("ALI_CHECKPOINTS", str(translators))
    return translators


@pytest.fixture
def copy(translators, tmp_path, monkeypatch) -> Path:
    """Of "squares" and a plain checkpoint, to be damaged."""
    for name in ("squares", "fashion-alice", "pictures"):
        shutil.copytree(translators / name, tmp_path / name)
    monkeypatch.setenv("ALI_CHECKPOINTS", str(tmp_path))
    return tmp_path


def visit(page: str = "translate", **query: str) -> AppTest:
    """The app as it stands after a visit by this link."""
    return visits.visit(page, **query)


def mse(a: np.ndarray, b: np.ndarray) -> str:
    """The error as the page writes it."""
    floats = (x[None].astype(np.float32) / (255 if x.dtype == np.uint8 else 1) for x in (a, b))
    return f"{metrics.mse(*floats)[0]:.4f}"


def png(x: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(x[..., 0] if x.shape[-1] == 1 else x).save(content, "png")
    return content.getvalue()


# ---- one picture -----------------------------------------------------------------------------------


@pytest.mark.parametrize("back", [False, True])
def test_a_gallery_picture_is_translated_there_and_back_beside_its_truth(there, back):
    app = sane(visit(checkpoint="squares", no="5", way="back" if back else "there"))
    gallery, model = bridge.translating.gallery("squares"), Model.load(there / "squares")
    assert gallery["paired"] and not gallery["made"]
    x, truth = gallery["sides"][int(back), 5], gallery["sides"][1 - back, 5]
    translated = model.translate(x[None], back)
    again = model.translate(translated, not back)
    assert f"**MSE {mse(truth, translated[0])}** to the truth" in words(app)
    assert f"**MSE {mse(x, again[0])}** round trip" in words(app)
    assert f"Copied as it was: MSE {mse(x, truth)}" in words(app)
    usual = checkpoint.card(there / "squares")["metrics"]["back_mse" if back else "there_mse"]
    assert f"Usual: {usual['value']:.4f}" in words(app)
    assert ("frames, no. 5" if back else "squares, no. 5") in words(app)


def test_the_link_tells_checkpoint_direction_and_number(there):
    app = sane(visit(checkpoint="squares"))
    assert url(app) == {"checkpoint": "squares"}
    app.segmented_control(key="way").set_value("back").run()
    app.number_input(key="no").set_value(7).run()
    parameters = url(sane(app))
    assert parameters == {"checkpoint": "squares", "way": "back", "no": "7"}
    again = sane(visit(**parameters))
    assert url(again) == parameters and words(again) == words(app)
    other = sane(visit(checkpoint="squares", way="sideways", no="24", from_="Nowhere"))
    assert url(other) == {"checkpoint": "squares"}, "nonsense is as if it were not there"


def test_another_picture_is_the_next_and_the_last_is_followed_by_the_first(there):
    app = visit(checkpoint="squares", no="10")
    next(b for b in app.button if b.label == "Another").click().run()
    assert url(sane(app))["no"] == "11"
    last = bridge.translating.gallery("squares")["sides"].shape[1] - 1
    app = visit(checkpoint="squares", no=str(last))
    next(b for b in app.button if b.label == "Another").click().run()
    assert "no" not in url(sane(app))


def test_what_the_model_made_itself_has_no_truth(there):
    app = sane(visit(checkpoint="colours"))
    assert "Made by the model." in words(app) and "Its truth is not known." in words(app)
    assert "The truth" not in words(app) and "round trip" in words(app)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("way", ["there", "back"])
def test_every_shipped_translator_opens_both_ways_and_shows_its_numbers(name, way):
    app = sane(visit(checkpoint=name, way=way, no="2"))
    card = checkpoint.card(ROOT / "checkpoints" / name)
    assert f"{card['metrics'][f'{way}_cycle']['value']:.4f}" in words(app)
    assert f"{card['metrics'][f'{way}_mse']['value']:.4f}" in words(app)
    assert url(app)["checkpoint"] == name


def test_the_card_is_compared_to_two_answers_without_a_model(there):
    table = next(m.value for m in visit(checkpoint="squares").markdown if "| copied |" in m.value)
    card = checkpoint.card(there / "squares")["metrics"]
    for way in ("there", "back"):
        for kind in ("", "_copy", "_neighbour"):
            assert f"{card[f'{way}_mse{kind}']['value']:.4f}" in table
    assert "squares → frames: MSE ↓" in table and "frames → squares: round trip, MSE ↓" in table


def test_an_unmeasured_translator_says_how_to_measure_it(copy):
    checkpoint.update_card(copy / "squares", metrics={})
    assert "python -m ali_core evaluate checkpoints/squares" in words(sane(visit()))


def test_the_truth_is_computed_where_it_can_be():
    x = np.random.default_rng(0).integers(0, 256, (3, 9, 9, 1)).astype(np.uint8)
    turned = domains.truth("mnist-transpose", x, back=False)
    np.testing.assert_array_equal(turned, x.swapaxes(1, 2))
    np.testing.assert_array_equal(domains.truth("mnist-transpose", turned, back=True), x)
    np.testing.assert_array_equal(domains.truth("edges-fashion", x, back=True), domains.edges(x))
    assert domains.truth("edges-fashion", x, back=False) is None
    assert domains.truth("squares", x, back=False) is None


def upload(content: bytes, name: str = "mine.png", **query: str) -> AppTest:
    app = visit(from_="Upload", **query)
    app.file_uploader(key="file").upload(name, content, "image/png").run()
    assert not app.exception
    return app


def test_an_upload_is_translated_and_its_truth_computed(copy):
    """As if the squares were digits and the frames the same digits transposed."""
    rename(copy, "mnist-transpose")
    x = bridge.translating.gallery("squares")["sides"][0, 3]
    model = Model.load(copy / "squares")
    for way in ("there", "back"):
        app = sane(upload(png(x), checkpoint="squares", way=way))
        translated = model.translate(x[None], way == "back")
        assert f"**MSE {mse(x.swapaxes(0, 1), translated[0])}** to the truth" in words(app)
        assert "mine.png" in words(app) and "Taken as it is." in words(app)
        assert "mine" not in str(url(app)) and url(app)["from"] == "Upload"


@pytest.mark.parametrize("content", [b"", b"no picture", b"PK\3\4", b"\x89PNG\r\n\x1a\n" + b"0" * 99])
def test_a_bad_file_gets_a_sentence_and_the_picture_before_it_stays(there, content):
    app = upload(content, checkpoint="squares")
    assert len(app.error) == 1 and "“mine.png”" in app.error[0].value
    assert "squares, no. 0" in words(app)
    x = bridge.translating.gallery("squares")["sides"][0, 3]
    app = upload(png(x), "good.png", checkpoint="squares")
    app.file_uploader(key="file").set_value(("bad.png", content, "image/png")).run()
    assert "“bad.png”" in app.error[0].value and "good.png" in words(app) and not app.exception


def test_light_paper_is_inverted_as_the_domains_edges_ask(there):
    x = bridge.translating.gallery("squares")["sides"][1, 3]
    app = sane(upload(png(255 - x), checkpoint="squares", way="back"))
    assert "Inverted light and dark." in words(app)
    app.segmented_control(key="invert").set_value("no").run()
    assert "Inverted" not in words(sane(app)) and url(app)["invert"] == "no"


# ---- drawing ---------------------------------------------------------------------------------------


def test_a_drawing_is_translated_kept_by_direction_and_not_in_the_link(there):
    app = sane(visit(checkpoint="squares", from_="Draw", way="back"))
    assert "Nothing is drawn yet" in words(app)
    drawing = bridge.translating.gallery("squares")["sides"][1, 4]
    app.session_state[subject.DRAWINGS] = {("squares", True): drawing}
    app.run()
    model = Model.load(there / "squares")
    again = model.translate(model.translate(drawing[None], True), False)[0]
    assert f"**MSE {mse(drawing, again)}** round trip" in words(sane(app))
    assert "Your drawing." in words(app)
    assert url(app) == {"checkpoint": "squares", "way": "back", "from": "Draw"}
    app.segmented_control(key="way").set_value("there").run()
    assert "Nothing is drawn yet" in words(sane(app)), "another direction has its own page"
    app.segmented_control(key="way").set_value("back").run()
    assert "Your drawing." in words(sane(app))


def test_colours_are_not_drawn(there):
    app = sane(visit(checkpoint="colours", from_="Draw"))
    assert subject.DRAW not in app.segmented_control(key="from").options
    app = sane(visit(checkpoint="squares", from_="Draw"))
    app.selectbox(key="translator").set_value("colours").run()
    assert url(sane(app)) == {"checkpoint": "colours"}


@given(some.one_of(some.none(), some.integers(), some.text(), some.binary().map(bytes.hex)))
@example("AAAA")
@example("A" * 12)
def test_only_a_drawing_of_the_right_size_is_taken_from_the_browser(text):
    drawing = unpacked(text, (3, 3, 1))
    assert drawing is None or drawing.shape == (3, 3, 1)


def test_a_drawing_comes_back_as_it_was_sent():
    drawing = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    words = base64.b64encode(drawing.tobytes()).decode()
    np.testing.assert_array_equal(unpacked(words, drawing.shape), drawing)
    assert unpacked(words, (3, 3, 1)) is None


# ---- the tray --------------------------------------------------------------------------------------


def test_a_translation_goes_into_the_tray_and_through_it(there):
    app = visit(checkpoint="squares", no="3")
    next(b for b in app.button if b.label == "To the tray").click().run()
    assert app.session_state["tray"] == ["u1"] and "tray" not in url(sane(app))
    x = bridge.translating.gallery("squares")["sides"][0, 3]
    translated = to_bytes(Model.load(there / "squares").translate(x[None]))[0]
    np.testing.assert_array_equal(app.session_state["tray kept"]["u1"], translated)
    app.segmented_control(key="from").set_value("Tray").run()
    assert "your picture (u1)" in words(sane(app))
    app.switch_page("views/reconstruct/reconstruct.py").run()
    sane(app)


def test_the_trays_pictures_are_those_of_the_other_pages_checkpoint(there):
    app = sane(visit(checkpoint="squares", from_="Tray", tray="p7,s42"))
    label = bridge.codes.atlas("fashion-alice").label_names[bridge.codes.atlas("fashion-alice").y[7]]
    assert f"{label}, no. 7" in words(app)
    app.button(key="translate s42").click().run()
    assert "sample, seed 42" in words(sane(app)) and url(app)["tray"] == "p7,s42"
    app.selectbox(key="translator").set_value("colours").run()
    assert "Nothing of 16 x 16 x 3 is in the tray" in words(sane(app))


def test_an_empty_tray_says_so(there):
    assert "is in the tray. Put a picture there" in words(sane(visit(from_="Tray")))


# ---- which checkpoints -----------------------------------------------------------------------------


def test_translators_are_listed_here_and_nowhere_else(there):
    app = sane(visit())
    assert app.selectbox(key="translator").options == ["colours", "squares"]
    for page in ("latent_map", "reconstruct", "interpolate", "compare", "model"):
        app = sane(visit(page))
        assert app.selectbox(key="checkpoint").options == ["fashion-alice", "mnist-conditional"]
        assert "squares" not in words(app)
    assert "squares" not in str(bridge.family.members()) and "squares" not in bridge.judging.rivals("fashion-alice")


@pytest.mark.parametrize("page", ["latent_map", "reconstruct", "interpolate", "compare", "model"])
def test_a_translators_link_to_another_page_leads_to_translate(there, page):
    app = sane(visit(page, checkpoint="squares"))
    assert "squares translates" in app.warning[0].value
    link = app.sidebar.get("page_link")[0].proto
    assert link.query_string == "checkpoint=squares" and link.page == "translate"
    assert url(app)["checkpoint"] == "fashion-alice"


def test_a_plain_checkpoints_link_to_translate_leads_to_reconstruct(there):
    app = sane(visit(checkpoint="fashion-alice"))
    assert "fashion-alice has learned one kind" in app.warning[0].value
    assert app.sidebar.get("page_link")[0].proto.page == "reconstruct"
    assert url(app)["checkpoint"] == "colours"
    app = sane(visit(checkpoint="![x](y)"))
    assert r"There is no checkpoint «!\[x\](y)»" in app.warning[0].value


def turn(app: AppTest, page: str) -> AppTest:
    """Another page by the navigation, which starts with an empty URL; the test client keeps the old one."""
    app.query_params.clear()
    return sane(app.switch_page(f"views/{page}/{page}.py").run())


def test_the_other_pages_keep_their_checkpoint_meanwhile(there):
    app = sane(visit("model", checkpoint="mnist-conditional"))
    assert url(turn(app, "translate")) == {"checkpoint": "colours"} and not app.warning
    app.selectbox(key="translator").set_value("squares").run()
    assert url(turn(app, "model"))["checkpoint"] == "mnist-conditional"
    assert url(turn(app, "translate"))["checkpoint"] == "squares" and not app.warning


def test_without_a_translator_a_sentence_says_how_to_train_one(copy):
    shutil.rmtree(copy / "squares")
    app = sane(visit())
    assert "python -m ali_core train preset=edges-fashion" in app.info[0].value
    assert "no checkpoint" not in words(app)


def test_a_translator_alone_is_enough(copy):
    shutil.rmtree(copy / "fashion-alice")
    app = sane(visit(from_="Tray", tray="p3"))
    assert "is in the tray. Put a picture" in words(app)
    assert "There is no usable checkpoint" in visit("model").error[0].value


def test_a_broken_translator_is_said_and_another_is_shown(copy):
    shutil.copytree(copy / "squares", copy / "other")
    weights = copy / "squares" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])
    app = visit(checkpoint="squares")
    assert "**squares** cannot be used" in app.error[0].value and "truncated" in app.error[0].value
    assert url(app)["checkpoint"] == "other" and "round trip" in words(app)
    shutil.rmtree(copy / "other")
    app = visit()
    assert len(app.error) == 1 and "There is no translator" in app.info[0].value
    assert not visit("model").error, "the other pages do not mind"


def test_a_card_that_does_not_fit_its_networks_gets_a_sentence(copy):
    card = checkpoint.card(copy / "squares")
    checkpoint.update_card(copy / "squares", config=card["config"] | {"width": 2})
    assert "does not fit the encoder" in visit().error[0].value


@pytest.mark.parametrize("damage", ["gone", "not a picture", "cut", "other size"])
def test_a_damaged_gallery_gets_a_sentence_and_uploads_still_work(copy, damage):
    path = copy / "squares" / "gallery.png"
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        small = png(np.zeros((8, 8, 1), np.uint8))
        path.write_bytes({"not a picture": b"no", "cut": content[: len(content) // 2]}.get(damage, small))
    app = visit()
    assert "gallery.png" in app.error[0].value and "evaluate" in app.error[0].value
    assert subject.GALLERY not in app.segmented_control(key="from").options
    app.segmented_control(key="from").set_value("Upload").run()
    assert "Until then there is nothing to translate" in words(app)
    x = np.random.default_rng(0).integers(0, 256, (28, 28, 1)).astype(np.uint8)
    app.file_uploader(key="file").upload("mine.png", png(x), "image/png").run()
    assert "round trip" in words(app) and not app.exception


def test_a_translator_without_a_gallery_begins_with_the_canvas(copy):
    card = json.loads((copy / "squares" / "card.json").read_text("utf-8"))
    del card["gallery"]
    (copy / "squares" / "card.json").write_text(json.dumps(card), "utf-8")
    app = sane(visit())
    assert app.segmented_control(key="from").value == "Draw" and "Nothing is drawn" in words(app)


def test_knowing_the_translators_needs_no_torch(there):
    code = (
        "import sys; from app.bridge import checkpoints as c; print(c.translators(), c.names(), "
        "[m for m in ('torch', 'umap', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == ("['colours', 'squares'] ['fashion-alice', 'mnist-conditional'] []"), done.stderr


# ---- the other routes ------------------------------------------------------------------------------


def rename(folder: Path, data: str) -> None:
    """As if the translator had been trained on another data set."""
    data_of_card = checkpoint.card(folder / "squares")["data"] | {"name": data}
    checkpoint.update_card(folder / "squares", data=data_of_card)


def test_the_class_is_swapped_by_a_conditional_checkpoint(copy, translators):
    shutil.copytree(translators / "mnist-conditional", copy / "mnist-conditional")
    rename(copy, "edges-fashion")  # no digits
    app = sane(visit(checkpoint="squares", swapped="4"))
    assert "A **translator** has learned" in words(app) and "**conditional** model" in words(app)
    x = bridge.codes.pictures("mnist-conditional")[4]
    guess = bridge.classes.likeliest("mnist-conditional", x[None])[0, 0]
    assert f"no. 4. Guess: «{guess}»" in words(app) and f"**{guess}**" in words(app)
    assert set("0123456789") - {str(guess)} <= {c.value for c in app.main.caption}
    links = [link.proto.query_string for link in app.main.get("page_link")]
    assert links == ["checkpoint=mnist-conditional&item=p4"]
    assert url(app)["swapped"] == "4"


def test_the_picture_itself_is_swapped_where_it_may_be_such_a_one(copy, translators):
    shutil.copytree(translators / "mnist-conditional", copy / "mnist-conditional")
    for name in ("mnist-transpose", "squares"):  # digits, and who knows
        rename(copy, name)
        app = sane(visit(checkpoint="squares", no="2", swapped="4"))
        x = bridge.translating.gallery("squares")["sides"][0, 2]
        guess = bridge.classes.likeliest("mnist-conditional", x[None])[0, 0]
        assert f"squares, no. 2. Guess: «{guess}»" in words(app)
        assert "swapped" not in url(app)


def test_holes_are_painted_on_reconstruct():
    able = [n for n in bridge.checkpoints.names() if not bridge.checkpoints.broken(n) and bridge.models.fills(n)]
    links = [link.proto for link in visit().main.get("page_link")]
    asked = [link.query_string for link in links if "hole" in link.label]
    assert asked == [f"checkpoint={able[0]}"]


# ---- many ------------------------------------------------------------------------------------------


def zip_of(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return content.getvalue()


def send(files: list[tuple[str, bytes]], **query: str) -> AppTest:
    """The page after many files were sent through."""
    app = sane(visit(checkpoint="squares", **query))
    sent = [(name, content, "application/octet-stream") for name, content in files]
    app.file_uploader(key="many files").set_value(sent).run()
    next(b for b in app.button if b.label.startswith("Translate ")).click().run()
    assert not app.exception, [e.message for e in app.exception]
    return app


def results(app: AppTest) -> dict[str, np.ndarray]:
    """The pictures of the zip that can be downloaded."""
    with zipfile.ZipFile(io.BytesIO(app.session_state[many.RESULT][2])) as file:
        return {name: np.asarray(Image.open(io.BytesIO(file.read(name)))) for name in file.namelist()}


@pytest.mark.parametrize("back", [False, True])
def test_files_and_zips_go_through_and_the_bad_ones_are_named(there, back):
    x = bridge.translating.gallery("squares")["sides"][int(back)]
    inside = {"deep/a.png": png(x[0]), "notes.txt": b"no", "b.jpg": b"\xff\xd8\xff"}
    files = [("many.zip", zip_of(**inside)), ("c.png", png(x[1])), ("c.png", png(x[2]))]
    app = send(files, way="back" if back else "there")
    pictures, model = results(app), Model.load(there / "squares")
    assert set(pictures) == {"deep/a.png", "c.png", "c (2).png"}
    for name, k in (("deep/a.png", 0), ("c.png", 1), ("c (2).png", 2)):
        translated = to_bytes(model.translate(x[k : k + 1], back))[0]
        np.testing.assert_array_equal(pictures[name], np.concatenate([x[k], translated], 1)[..., 0])
    assert "2 could not be read" in app.warning[0].value
    assert "“notes.txt”" in app.warning[0].value and "“b.jpg”" in app.warning[0].value
    assert app.success[0].value == "3 translated." and not app.error
    assert [b.label for b in app.get("download_button")][-1] == "All 3 (ZIP)"


def bomb() -> bytes:
    """A small file that unpacks to more than may be; one header says so, nothing is unpacked."""
    small = zip_of(**{"0.png": b""})
    huge = (600 * 2**20).to_bytes(4, "little")
    where = small.index(b"PK\1\2") + 24  # the size in the list of the files
    return small[:where] + huge + small[where + 4 :]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (bomb, "unpacks to more than"),
        (lambda: zip_of(**{f"{k}.png": b"" for k in range(2001)}), "more than 2,000 files"),
        (lambda: zip_of(**{"../out.png": b"x"}), "a path that leaves its folder"),
        (lambda: zip_of(**{"/etc/out.png": b"x"}), "a path that leaves its folder"),
        (lambda: b"not a zip at all", "is damaged, encrypted, or no zip"),
        (lambda: zip_of(**{"a.png": b"x" * 999})[:-30], "is damaged, encrypted, or no zip"),
        (lambda: zip_of(), "holds no file"),
        (lambda: zip_of(**{"a.txt": b"x"}), "no picture in it that can be read"),
    ],
)
def test_a_bad_zip_gets_one_sentence_and_nothing_is_made(there, make, sentence):
    app = send([("all.zip", make())])
    assert len(app.error) == 1 and sentence in app.error[0].value
    assert "(ZIP)" not in str([b.label for b in app.get("download_button")])
    assert not app.success


def test_too_many_files_are_refused_before_any_is_read(there):
    with pytest.raises(bridge.Problem, match="more than 2,000"):
        bridge.translating.unpacked([(f"{k}.png", b"") for k in range(2001)])


def test_results_belong_to_their_files_and_direction(there):
    x = bridge.translating.gallery("squares")["sides"][0]
    app = send([("a.png", png(x[0]))])
    assert app.success
    app.segmented_control(key="way").set_value("back").run()
    assert not app.success, "these were translated the other way"
