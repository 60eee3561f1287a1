"""A checkpoint from somebody else: usable, or a sentence, and the others go on.   python -m pytest tests/test_cards.py"""

import hashlib
import io
import json
import resource
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ali_core.__main__ import main
from ali_core.lab import packs
from ali_core.maps import atlas
from ali_core.models import checkpoint
from ali_core.models.model import Model
from ali_core.problem import Problem
from app import bridge
from app.shared.plain import label, plain, sentence

from . import hostile_cards, visits
from .conftest import ROOT, serving, settle

SHIPPED = ROOT / "checkpoints"
PAGES = sorted(path.stem for path in (ROOT / "app" / "views").glob("*/*.py") if path.stem == path.parent.name)
PLANE = ("lab", "lessons")  # they look at no checkpoint
OURS = {"name": "x", "config": {}, "member": {}, "data": {}, "weights": None}
LEAK = "![leak](http://leak.example/x.png)"


def linked(root: Path, *names: str) -> Path:
    """Shipped checkpoints under another root."""
    for name in names:
        (root / name).symlink_to(SHIPPED / name)
    return root


def stranger(root: Path, like: str = "fashion-vae", name: str = "stranger", **changes) -> Path:
    """A shipped checkpoint whose card somebody has changed; a change is of a field, or of one inside."""
    (root / name).mkdir(parents=True)
    for path in (SHIPPED / like).iterdir():
        if path.name != checkpoint.CARD:
            (root / name / path.name).symlink_to(path)
    card = json.loads((SHIPPED / like / checkpoint.CARD).read_text("utf-8"))
    for place, value in changes.items():
        *above, last = place.split("__")
        inside = card
        for key in above:
            inside = inside[key]
        inside[last] = value
    (root / name / checkpoint.CARD).write_text(json.dumps(card), "utf-8")
    return root / name


def vouched(folder: Path, content: bytes) -> None:
    """An atlas for which the card stands."""
    (folder / atlas.FILE).unlink()
    (folder / atlas.FILE).write_bytes(content)
    card = json.loads((folder / checkpoint.CARD).read_text("utf-8"))
    card["atlas"]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / checkpoint.CARD).write_text(json.dumps(card), "utf-8")


# ---- the schema --------------------------------------------------------------------------------------


def test_everything_that_ships_can_be_used():
    names = checkpoint.names(SHIPPED)
    maps = [name for name in names if (SHIPPED / name / atlas.FILE).exists()]
    recordings = sorted((SHIPPED / "lab").glob("*.gz"))
    assert len(names) >= 14 and len(maps) >= 11 and len(recordings) >= 10
    for name in names:
        assert checkpoint.card(SHIPPED / name)["name"] == name
    for name in maps:
        the_map = atlas.load(SHIPPED / name)
        assert len(the_map.z) == checkpoint.card(SHIPPED / name)["atlas"]["n"]
    for path in recordings:
        assert len(packs.read(path)) > 10


def test_an_older_card_and_a_newer_one_are_as_good(tmp_path):
    card = json.loads((stranger(tmp_path) / checkpoint.CARD).read_text("utf-8"))
    for key in ("training", "metrics", "classifier", "atlas", "limits", "licence", "versions"):
        del card[key]
    card["config"] = {key: card["config"][key] for key in ("name", "member", "latent", "width")}
    card["config"]["invented later"] = 3
    card["data"]["fingerprint"], card["more"] = "a word", {"some": [1]}
    (tmp_path / "stranger" / checkpoint.CARD).write_text(json.dumps(card), "utf-8")
    assert checkpoint.card(tmp_path / "stranger") == card
    model = Model.load(tmp_path / "stranger")
    assert model.card["config"]["ema"] == 0.999 and model.sample(1, 0).shape == (1, 28, 28, 1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weights": {}}, r"card.json lacks the field «weights.sha256»"),
        ({"weights": None}, r"«weights» of .*card.json cannot be used: expected object, got null"),
        ({"data": []}, r"«data» of .*card.json cannot be used: expected object, got array"),
        ({"data__shape": 5}, r"«data.shape» of .*expected array, got int"),
        ({"data__shape": [28, 28.0, 1]}, r"«data.shape\[1\]» of .*expected int, got float"),
        ({"data__shape": [28, 14, 1]}, r"«data.shape» is \[28, 14, 1\], and pictures are square"),
        ({"data__domains": 5}, r"«data.domains» of .*expected array, got int"),
        ({"data__domains": ["a", "b"]}, r"«data.domains» and «data.prior» belong together"),
        ({"config": []}, r"«config» of .*expected object, got array"),
        ({"config__latent": 10**6}, r"the config cannot be built. latent=1000000 is outside 1 to 4096"),
        ({"member": "vae"}, r"«member» of .*expected object, got str"),
        ({"member__formula": "$ " + LEAK}, r"«member.formula» of .*matching regex"),
        ({"metrics": {"mse": 5}}, r"«metrics\[...\]» of .*expected object, got int"),
        ({"metrics": {"mse": {"value": "low", "n": 1, "says": ""}}}, r"expected float, got str"),
        ({"training": []}, r"«training» of .*expected object, got array"),
        ({"atlas__pictures": "../../outside"}, r"«atlas.pictures» of .*matching regex"),
        ({"more": json.loads("[" * 900 + "]" * 900)}, r"its brackets are more than 16 deep"),
    ],
)
def test_a_card_is_refused_by_its_field(tmp_path, capsys, changes, says):
    folder = stranger(tmp_path, **changes)
    with pytest.raises(Problem, match=says):
        checkpoint.card(folder)
    assert main(["sample", str(folder), str(tmp_path / "a.png")]) == 2
    assert "card.json" in capsys.readouterr().err and not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("deep", [990, 100_000])
def test_brackets_do_not_end_it(tmp_path, deep):
    (stranger(tmp_path) / checkpoint.CARD).write_bytes(b"[" * deep + b"]" * deep)
    with pytest.raises(Problem, match=r"card.json cannot be (read as JSON|used)"):
        checkpoint.card(tmp_path / "stranger")


def test_a_card_that_is_too_large_is_not_read(tmp_path):
    (stranger(tmp_path) / checkpoint.CARD).write_bytes(b" " * ((4 << 20) + 1))
    with pytest.raises(Problem, match=r"has 4,194,305 bytes; a card has 4,194,304 at most"):
        checkpoint.card(tmp_path / "stranger")


def test_what_cannot_be_read_is_not_written(tmp_path):
    folder = stranger(tmp_path)
    before = (folder / checkpoint.CARD).read_bytes()
    with pytest.raises(Problem, match=r"«gallery.file» of"):
        checkpoint.update_card(folder, gallery={"file": "../a.png", "n": 1, "made": True, "paired": True})
    assert (folder / checkpoint.CARD).read_bytes() == before


@pytest.mark.parametrize("seed", range(4))
def test_hostile_files_are_used_or_refused(seed):
    calls = hostile_cards.cases(np.random.default_rng(seed))
    refused = 0
    for _, (_, call) in zip(range(20), calls, strict=False):
        try:
            call()
        except Problem:
            refused += 1
    assert 5 < refused <= 20


# ---- sizes -------------------------------------------------------------------------------------------


def megabytes() -> float:
    """The most memory that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def test_networks_are_counted_before_they_are_built(tmp_path):
    folder = stranger(tmp_path, config__width=2_000)
    Model.load(SHIPPED / "fashion-vae")
    before = megabytes()
    with pytest.raises(Problem, match=r"networks have [\d,]{11,} weights, and .* holds 81[\d,]+"):
        Model.load(folder)
    assert megabytes() - before < 100


def test_an_atlas_of_zeros_is_counted_before_it_is_unpacked(tmp_path):
    folder = stranger(tmp_path)
    header, file = io.BytesIO(), io.BytesIO()
    described = {"descr": "<f4", "fortran_order": False, "shape": (2_000_000, 64)}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("z.npy", "w") as out:
        out.write(header.getvalue())
        for _ in range(500):
            out.write(bytes(1 << 20))
    vouched(folder, file.getvalue())
    del header, file
    before = megabytes()
    with pytest.raises(Problem, match=r"atlas.npz cannot be read \(«z» is \(2000000, 64\)"):
        atlas.load(folder)
    assert megabytes() - before < 100


def test_names_and_classes_of_an_atlas_fit_each_other(tmp_path):
    folder = stranger(tmp_path)
    with np.load(folder / atlas.FILE) as file:
        arrays = {key: file[key] for key in file.files}
    for change, says in (
        ({"y": arrays["y"] + 1}, "«y» holds classes that have no name"),
        ({"y": arrays["y"][:50]}, r"«y» must have the shape \(10000,\)"),
        ({"error": arrays["error"] * np.nan}, "«error» holds numbers beyond"),
        ({"about": np.array("{}")}, "lacks the field «trust»"),
    ):
        file = io.BytesIO()
        np.savez_compressed(file, **(arrays | change))
        vouched(folder, file.getvalue())
        with pytest.raises(Problem, match=says):
            atlas.load(folder)


# ---- the pages ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(tmp_path_factory) -> Path:
    """Good checkpoints among every kind of bad ones."""
    root = linked(tmp_path_factory.mktemp("crowd"), "fashion-alice", "edges-fashion", "mnist-conditional", "pictures")
    (root / "lab").mkdir()
    for name in ("ali-grid.gz", "decoder-start.gz"):
        (root / "lab" / name).symlink_to(SHIPPED / "lab" / name)
    (root / "lab" / "bad.gz").write_bytes(b"\x1f\x8b no")
    (root / "ours").mkdir()
    (root / "ours" / checkpoint.CARD).write_text(json.dumps(OURS))
    (root / "deep").mkdir()
    (root / "deep" / checkpoint.CARD).write_bytes(b"[" * 990 + b"]" * 990)
    for number, changes in enumerate(
        (
            {"weights": {}},
            {"data": []},
            {"data__shape": 5},
            {"data__domains": 5},
            {"config": []},
            {"member": 5},
            {"metrics": [1]},
            {"training": "x"},
            {"atlas": []},
        )
    ):
        stranger(root, name=f"bad-{number}", **changes)
    folder = stranger(root, name="bad-map")
    vouched(folder, (folder / atlas.FILE).read_bytes()[:5_000])
    folder = stranger(root, name="bad-samples")
    (folder / "samples.png").unlink()
    (folder / "samples.png").write_bytes(b"\x89PNG no")
    return root


@pytest.mark.parametrize("page", PAGES)
def test_no_page_falls_to_a_bad_checkpoint(page, crowd, monkeypatch):
    monkeypatch.setenv("ALI_CHECKPOINTS", str(crowd))
    app = visits.visit(page, checkpoint="edges-fashion" if page == "translate" else "fashion-alice")
    assert not app.exception, app.exception
    said = "\n".join(error.value for error in app.error)
    if page == "lab":
        assert "bad.gz" in said
    elif page == "lessons":
        assert not said
    else:
        assert said.count("cannot be used. ") == 11 and "**ours**" in said and "**deep**" in said


def test_a_lesson_says_what_it_has(crowd, monkeypatch):
    """fashion-ali is not there: its numbers are dashes, the others' stand."""
    monkeypatch.setenv("ALI_CHECKPOINTS", str(crowd))
    app = visits.visit("lessons", lesson="4")
    app.button(key="option 4 0").click().run()
    why = next(one.value for one in app.markdown if "**Right.**" in one.value or "**Not quite.**" in one.value)
    assert not app.exception and not app.error
    odds = json.loads((SHIPPED / "mnist-conditional" / checkpoint.CARD).read_text("utf-8"))["metrics"]
    assert "–" in why and f"{odds['log_odds']['value']:.2f}".replace("-", "−") in why


def test_bad_samples_are_said_and_the_rest_is_there(crowd, monkeypatch):
    monkeypatch.setenv("ALI_CHECKPOINTS", str(crowd))
    app = visits.visit("model", checkpoint="bad-samples")
    assert not app.exception
    assert any("samples.png cannot be used" in error.value for error in app.error)
    assert any("May I use it?" in one.value for one in app.markdown)


def test_a_gallery_stays_in_its_folder(tmp_path, monkeypatch):
    linked(tmp_path, "fashion-alice", "pictures")
    stranger(tmp_path, "edges-fashion", gallery__file="../fashion-alice/samples.png")
    monkeypatch.setenv("ALI_CHECKPOINTS", str(tmp_path))
    assert "«gallery.file»" in bridge.checkpoints.broken("stranger")


# ---- text is text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (LEAK, r"!\[leak\](http://leak.example/x.png)"),
        ("a_b __c__ *d*\n# e", r"a_b \_\_c\_\_ \*d\* # e"),
        ("# <b>&lt; $x$ `y` ~z~", r"\# \<b\>\&lt; \$x\$ \`y\` \~z\~"),
        ("1. :smile: 9:30, so: x", "1\\. :\u2060smile: 9:\u206030, so: x"),
    ],
)
def test_plain_text_is_no_markdown(text, shown):
    assert plain(text) == shown


def test_a_sentence_keeps_its_commands():
    assert sentence("*x* is missing; `python -m a_b *` makes it.") == (r"\*x\* is missing; `python -m a_b *` makes it.")
    assert label("a <b>&amp;") == "a &lt;b>&amp;amp;"


@pytest.fixture(scope="module")
def leaky(tmp_path_factory) -> Path:
    """A model, a conditional one and a translator that say LEAK wherever they may."""
    root = linked(tmp_path_factory.mktemp("leaky"), "pictures", "lab")
    words = {
        "title": LEAK,
        "licence": LEAK,
        "limits": [LEAK],
        "member__says": LEAK,
        "member__name": LEAK,
        "data__name": LEAK,
        "data__source": LEAK,
        "data__licence": LEAK,
        "data__split": LEAK,
        "training__hardware": LEAK,
    }
    for like, name in (("fashion-vae", "![leak](x)"), ("mnist-conditional", "conditional")):
        card = json.loads((SHIPPED / like / checkpoint.CARD).read_text("utf-8"))
        metrics = {key: one | {"says": LEAK, "unit": LEAK} for key, one in card["metrics"].items()}
        folder = stranger(root, like, name, **words, metrics=metrics, data__label_names=[LEAK] * 10)
        with np.load(folder / atlas.FILE) as file:
            arrays = {key: file[key] for key in file.files}
        about = json.loads(str(arrays["about"])) | {"label_names": [f"{LEAK}{i}" for i in range(10)]}
        file = io.BytesIO()
        np.savez_compressed(file, **(arrays | {"about": np.array(json.dumps(about))}))
        vouched(folder, file.getvalue())
    more = {"data__domains": [LEAK, f"{LEAK} 2"], "data__prior__licence": LEAK}
    stranger(root, "edges-fashion", "between", **words, **more)
    (root / "![leak](y)").mkdir()
    (root / "![leak](y)" / checkpoint.CARD).write_text("{}")
    return root


def markdown(message) -> Iterator[str]:
    """Every text of a page's element that the browser reads as Markdown."""
    for field, value in message.ListFields():
        many = value if field.is_repeated else [value]
        for one in many:
            if hasattr(one, "ListFields"):
                yield from markdown(one)
            elif field.name in ("body", "label", "help", "caption", "content", "text"):
                yield str(one)


@pytest.mark.parametrize(
    ("page", "name"),
    [(page, name) for page in PAGES if page not in (*PLANE, "translate") for name in ("![leak](x)", "conditional")]
    + [("translate", "between")],
)
def test_a_cards_text_is_text(page, name, leaky, monkeypatch):
    monkeypatch.setenv("ALI_CHECKPOINTS", str(leaky))
    app = visits.visit(page, checkpoint=name)
    assert not app.exception, app.exception
    texts = [text for one in app._tree if getattr(one, "proto", None) for text in markdown(one.proto)]
    assert [text for text in texts if "![leak](" in text] == []
    assert any(r"!\[leak\](" in text for text in texts)
    figures = [one.proto.spec for one in app.get("plotly_chart")]
    assert [spec for spec in figures if "<img" in spec] == []


def test_chromium_asks_no_other_host(page, leaky, tmp_path):
    """The page fixture holds every request against this machine."""
    with serving(tmp_path / "log", ALI_CHECKPOINTS=str(leaky)) as address:
        page.goto(f"{address}/model?checkpoint=conditional")
        page.get_by_text("May I use it?").wait_for()
        settle(page)
        assert page.get_by_text(LEAK).count() > 5
        assert page.locator("img[src*=leak]").count() == 0
