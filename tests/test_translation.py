"""Two domains: what they are, the rows that translate between them, the networks, the commands."""

import dataclasses
import io
import os
import zipfile
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ali_core import __main__ as program
from ali_core.config import Config, check, parse
from ali_core.data import datasets, domains
from ali_core.data.dataset import Data
from ali_core.family import objectives, terms
from ali_core.family.members import FAMILY
from ali_core.measure import means, translation
from ali_core.models import batch, checkpoint
from ali_core.models.model import Model, to_bytes
from ali_core.nets.translator import Translator
from ali_core.problem import Problem
from ali_core.training import loop
from ali_core.training.inputs import Inputs

SHIPPED = Path(__file__).parents[1] / "checkpoints"
TRANSLATE = ("bigan", "alice-cycles", "cyclegan", "triangle")
CPU = torch.device("cpu")


def bars(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright bar on black, lying in one of four places. -> uint8 (n,28,28,1), place (n,)"""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 20, (n, 28, 28, 1), np.uint8), np.arange(n) % 4
    for picture, place in zip(x, y, strict=True):
        picture[4 + 6 * place : 7 + 6 * place, 3:25] = 230
    return x, y


def turned(n: int = 80, n_test: int = 40) -> Data:
    """Lying bars for x, standing ones for z, the truth of each known."""
    x, y = bars(n, 0)
    x_test, y_test = bars(n_test, 1)
    names = [f"place {k}" for k in range(4)]
    whole = Data("bars", x, y, x_test, y_test, names, "CC0", "drawn here")
    return domains._halves(whole, np.copy, domains.transpose)


# ---- the domains


def test_a_second_set_in_place_of_the_partner_that_was_made_is_no_pair(tmp_path):
    first, other = npz(tmp_path / "pairs.npz"), tmp_path / "other.npz"
    np.savez(other, images=bars(30, 1)[0])
    alone, both = datasets.load(str(first)), datasets.load(str(first), prior=str(other))
    assert alone.partners is not None and both.partners is None
    assert both.prior.x.shape[1:] == both.shape and len(both.prior.x) != len(alone.prior.x)
    paired = dataclasses.replace(turned(), name="mnist-transpose")
    mixed = domains.two(paired, alone)
    assert domains.truth(paired.name, paired.x, False) is not None
    assert domains.truth(mixed.name, mixed.x, False) is None
    assert mixed.prior.prior is None and mixed.prior.partners is None
    triangle = Config(member="triangle", pairs=5)
    assert len(Inputs(triangle, FAMILY["triangle"], paired).pairs[0]) == 5
    with pytest.raises(Problem, match=r"mnist-transpose\+pairs knows none"):
        Inputs(triangle, FAMILY["triangle"], mixed)


def test_a_flat_picture_has_no_edges_and_a_square_its_outline():
    flat = np.zeros((1, 28, 28, 1), np.uint8)
    assert domains.edges(flat).sum() == 0
    flat[0, 8:20, 8:20] = 200
    lines = domains.edges(flat)[0, ..., 0]
    assert set(np.unique(lines)) == {0, 255}
    assert lines[10:18, 10:18].sum() == 0 and lines[:6].sum() == 0
    assert (lines[7:20, 7] == 255).all() and (lines[19, 8:19] == 255).all()
    assert 44 <= (lines > 0).sum() <= 60


def test_transposing_twice_is_nothing():
    x, _ = bars(5, 0)
    assert (domains.transpose(domains.transpose(x)) == x).all()
    assert (domains.transpose(x) != x).any()


def test_the_halves_share_no_picture_and_partners_are_the_truth():
    both = turned()
    assert len(both.x) == len(both.prior.x) == len(both.partners) == 40
    assert (both.partners == domains.transpose(both.x)).all()
    ours = {picture.tobytes() for picture in both.x}
    theirs = {domains.transpose(picture[None]).tobytes() for picture in both.prior.x}
    assert len(ours) == len(theirs) == 40 and not ours & theirs
    assert (both.prior.x_test == domains.transpose(both.x_test)).all()


def npz(path: Path, **more) -> Path:
    x, y = bars(40, 0)
    arrays = {"images": x, "images_b": domains.transpose(x), "labels": y} | more
    np.savez(path, **arrays)
    return path


def test_an_npz_of_pairs_gives_each_domain_its_own_part(tmp_path):
    split = np.array(["a"] * 20 + ["b"] * 15 + ["test"] * 5)
    both = datasets.load(str(npz(tmp_path / "p.npz", split=split)))
    x, _ = bars(40, 0)
    assert (both.x == x[:20]).all() and (both.prior.x == domains.transpose(x[20:35])).all()
    assert (both.partners == domains.transpose(x[:20])).all()
    assert (both.x_test == x[35:]).all() and (both.prior.x_test == domains.transpose(x[35:])).all()
    drawn = datasets.load(str(npz(tmp_path / "q.npz")))
    held = len(drawn.x_test)
    assert 1 <= held <= 10 and held == len(drawn.prior.x_test)
    assert len(drawn.x) + len(drawn.prior.x) + held == 40 and 8 <= len(drawn.x) <= 28
    assert (drawn.prior.x_test == domains.transpose(drawn.x_test)).all()
    assert (drawn.partners == domains.transpose(drawn.x)).all()
    assert "by a hash" in drawn.held_out and both.held_out == ""
    small = datasets.load(str(tmp_path / "q.npz"), 32, 3)
    shapes = {part.shape[1:] for part in (small.x, small.prior.x, small.partners)}
    assert shapes == {(32, 32, 3)} == {small.prior.x_test.shape[1:]}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"images_b": np.zeros((40, 28, 20, 1), np.uint8)}, "“images_b” uint8"),
        ({"images_b": np.zeros((40, 28, 28, 1))}, "“images_b” float64"),
        ({"split": np.array(["a"] * 40)}, "“split”"),
        ({"split": np.array(["a", "b"])}, "“split”"),
    ],
)
def test_pairs_that_do_not_fit_are_refused(tmp_path, more, sentence):
    with pytest.raises(Problem, match=sentence):
        datasets.load(str(npz(tmp_path / "p.npz", **more)))


def test_two_sets_of_other_size_channels_or_kind_are_refused(tmp_path):
    x, y = bars(20, 0)
    names = {"grey": x, "large": np.resize(x, (20, 32, 32, 1)), "colour": x.repeat(3, 3)}
    for name, pictures in names.items():
        np.savez(tmp_path / f"{name}.npz", images=pictures, labels=y)
    paths = {name: str(tmp_path / f"{name}.npz") for name in names}
    for other in ("large", "colour"):
        with pytest.raises(Problem, match="the same size= and channels="):
            datasets.load(paths["grey"], prior=paths[other])
    same = datasets.load(paths["grey"], 32, 3, prior=paths["colour"])
    assert same.prior.shape == (32, 32, 3) == same.shape and same.partners is None
    with pytest.raises(Problem, match="holds points"):
        datasets.load(paths["grey"], prior="grid")
    with pytest.raises(Problem, match="no data set"):
        datasets.load(paths["grey"], prior=str(tmp_path / "nowhere"))


# ---- the rows


def step(name: str, both: Data, **more):
    """The networks and one step's samples of a row."""
    row = FAMILY[name]
    pairs = 8 if row.paired else 0
    config = Config(name="t", member=name, latent=6, width=4, batch=4, pairs=pairs, **more)
    torch.manual_seed(0)
    nets = objectives.prepare(row, both.shape, Config(latent=6, width=4), prior=both.prior.shape)
    return nets, Inputs(config, row, both).samples(nets, 0, 1, 0, CPU)


@pytest.mark.parametrize("name", TRANSLATE)
def test_every_parameter_of_a_translator_gets_a_gradient(name):
    nets, s = step(name, turned())
    players, shown = objectives.losses(FAMILY[name], s)
    on = {key for key, term in FAMILY[name].terms.items() if term.weight}
    assert on <= set(shown) and set(players) == {"generator", "discriminator"}
    for player, loss in players.items():
        weights = {
            f"{k}.{n}": p for k, net in nets.items() for n, p in net.named_parameters() if loop.player(k) == player
        }
        gradients = torch.autograd.grad(loss, weights.values(), retain_graph=True, allow_unused=True)
        assert [k for k, g in zip(weights, gradients, strict=True) if g is None] == []
        assert [k for k, g in zip(weights, gradients, strict=True) if not g.abs().sum() > 0] == []


def test_without_cycles_it_is_ali_on_two_domains():
    _nets, s = step("alice-cycles", turned())
    off = {k: t._replace(weight=0.0) for k, t in FAMILY["alice-cycles"].terms.items()}
    ours, _ = objectives.losses(FAMILY["alice-cycles"]._replace(terms=off), s)
    theirs, _ = objectives.losses(FAMILY["bigan"], s)
    assert ours.keys() == theirs.keys()
    for player in ours:
        torch.testing.assert_close(ours[player], theirs[player])


def test_a_triangles_discriminator_that_guesses_pays_two_ln_three():
    nets, s = step("triangle", turned())
    last = nets["discriminator0"].joint[-1]
    torch.nn.utils.parametrize.remove_parametrizations(last, "weight")
    torch.nn.init.zeros_(last.weight), torch.nn.init.zeros_(last.bias)
    players, _ = objectives.losses(FAMILY["triangle"], s)
    assert players["discriminator"].item() == pytest.approx(2 * np.log(3), rel=1e-5)


def test_the_terms_of_two_domains_are_zero_where_the_translation_is_true():
    both = turned()
    _, s = step("triangle", both)
    swap = {k: lambda x: x.transpose(2, 3) for k in ("encoder", "decoder")}
    s.nets = swap
    for term in (terms.mapping, terms.prior_reconstruction, terms.reconstruction):
        assert term(s).item() == 0
    assert terms.identity(s).item() > 0.1, "what turns everything leaves nothing as it is"
    _, s = step("triangle", both)
    s.nets = {k: lambda x: x - 0.25 for k in ("encoder", "decoder")}
    assert terms.identity(s).item() == pytest.approx(0.5, abs=1e-6)
    _, s = step("triangle", both)
    s.nets = {k: lambda x: x.transpose(2, 3) + 0.25 for k in ("encoder", "decoder")}
    assert terms.mapping(s).item() == pytest.approx(0.5, abs=1e-6)
    assert terms.prior_reconstruction(s).item() == pytest.approx(0.5, abs=1e-6)


def test_only_the_pairs_that_were_asked_for_are_ever_shown():
    both, seen, row = turned(), set(), FAMILY["triangle"]
    for at in range(20):
        config = Config(name="t", member="triangle", batch=8, pairs=3)
        s = Inputs(config, row, both).samples({}, at, 1, 0, CPU)
        assert torch.equal(s.z_pair, s.x_pair.transpose(2, 3))
        seen |= {p.numpy().tobytes() for p in s.x_pair}
    assert len(seen) == 3
    # and a row without pairs does not look at the truth
    false = dataclasses.replace(both, partners=both.partners[::-1].copy())
    (_, a), (_, b) = step("cyclegan", both), step("cyclegan", false)
    for left, right in zip(*(objectives.losses(FAMILY["cyclegan"], s)[0].values() for s in (a, b)), strict=False):
        assert torch.equal(left, right)


@pytest.mark.parametrize(
    ("member", "pairs", "what", "sentence"),
    [
        ("ali", 0, {}, "draws its codes from a Gaussian"),
        ("triangle", 0, {}, "takes 1 to 40 true pairs"),
        ("triangle", 41, {}, "takes 1 to 40 true pairs"),
        ("cyclegan", 5, {}, "is shown none; take triangle"),
        ("triangle", 5, {"partners": None}, "knows none"),
        ("triangle", 5, {"partners": None, "prior": None}, "knows none"),
        ("cyclegan", 0, {"prior": None, "weights": {"identity": 5.0}}, "here z is no picture"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_the_first_step(member, pairs, what, sentence):
    weights = what.get("weights", {})
    both = dataclasses.replace(turned(), **{k: v for k, v in what.items() if k != "weights"})
    config = Config(name="t", member=member, width=4, batch=4, steps=1, pairs=pairs, weights=weights)
    with pytest.raises(Problem, match=sentence):
        next(loop.train(config, both))


def test_an_empty_domain_is_refused():
    both = turned()
    empty = dataclasses.replace(both.prior, x=both.prior.x[:0])
    config = Config(name="t", member="cyclegan", width=4, batch=4, steps=1)
    with pytest.raises(Problem, match="prior=bars holds no training pictures"):
        next(loop.train(config, dataclasses.replace(both, prior=empty)))


def test_the_domains_have_two_names():
    assert check(parse(["domains=day, night"])).domains == "day, night"
    for text in ("day", "day,", "a,b,c"):
        with pytest.raises(Problem, match="two names with a comma"):
            check(parse([f"domains={text}"]))


# ---- the network


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (32, 3), (64, 3)])
def test_a_translator_keeps_the_size_and_sees_the_whole_picture(size, channels):
    torch.manual_seed(0)
    net = Translator(channels, 1, size, 4, 8, "group").eval()
    x = torch.rand(2, channels, size, size)
    corner = x.clone()
    corner[:, :, 0, 0] += 0.5
    with torch.inference_mode():
        a, b = net(x), net(corner)
    assert a.shape == (2, 1, size, size) and a.min() >= 0 and a.max() <= 1
    # through the code a corner is felt in the opposite one
    assert (a[:, :, -1, -1] != b[:, :, -1, -1]).all()


# ---- the whole way


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A translator of bars, trained for a few steps by the command, and measured."""
    there = tmp_path_factory.mktemp("bars")
    before = Path.cwd()
    os.chdir(there)
    try:
        x, y = bars(120, 0)
        np.savez("bars.npz", images=x, images_b=domains.transpose(x), labels=y)
        words = "train data=bars.npz member=triangle pairs=20 name=bars width=4 latent=8 batch=8"
        more = "steps=6 save_every=3 picture_every=6 precision=no"
        words = [*words.split(), *more.split(), "domains=lying, standing"]
        assert program.main(words) == 0
        assert program.main(["evaluate", "checkpoints/bars"]) == 0
    finally:
        os.chdir(before)
    return there / "checkpoints" / "bars"


def test_the_card_says_what_was_translated_and_how_well(folder):
    card = checkpoint.card(folder)
    assert card["data"]["domains"] == ["lying", "standing"] and card["config"]["pairs"] == 20
    assert card["data"]["prior"]["train"] > 0
    entries = card["metrics"]
    for way in ("there", "back"):
        for key in ("mse", "ssim", "class"):
            for kind in ("", "_copy", "_neighbour"):
                assert entries[f"{way}_{key}{kind}"]["n"] == card["data"]["held_out"]
        assert 0 < entries[f"{way}_cycle"]["value"] < 1
    assert "lying → standing" in entries["there_mse"]["says"]
    assert card["classifier"]["data"] == "bars" == card["prior_classifier"]["data"]
    # a drawing of one's own must not be passed on unless its licence says so
    gallery = Image.open(folder / "gallery.png")
    n = card["gallery"]["n"]
    assert card["gallery"]["made"] and not card["gallery"]["paired"] and n >= 3
    assert n == card["data"]["held_out"] // 2
    assert gallery.size == (n * 28, 2 * 28)


@pytest.mark.parametrize("named", ["x", "z", "neither"])
def test_only_one_of_two_domains_may_have_classes(named, tmp_path, monkeypatch):
    """The card has a classifier of the domain that has classes, under that domain's name."""
    monkeypatch.chdir(tmp_path)
    x, y = bars(60, 0)
    for name, pictures in (("x", x), ("z", domains.transpose(x))):
        labels = {"labels": y} if name == named else {}
        np.savez(f"{name}.npz", images=pictures, **labels)
    words = "data=x.npz prior=z.npz member=alice-cycles name=two width=4 latent=8 batch=8 steps=2"
    assert program.main(["train", *words.split()]) == 0
    assert program.main(["evaluate", "checkpoints/two"]) == 0
    card = checkpoint.card("checkpoints/two")
    assert set(card["metrics"]) == {"there_cycle", "back_cycle"}
    judges = {key: card[key]["data"] for key in ("classifier", "prior_classifier") if key in card}
    assert judges == {"x": {"classifier": "x"}, "z": {"prior_classifier": "z"}, "neither": {}}[named]
    # where the truth is known, too, each side's pictures are judged by its own
    held = datasets.load("x.npz", prior="z.npz")
    both = dataclasses.replace(held, partners=held.x, x_test=held.x_test, prior=held)
    judges = (None, means.judge(held)) if named == "x" else (None, None)
    entries = translation.measure(Model.load("checkpoints/two"), both, judges, 3)
    assert ("there_class" in entries, "back_class" in entries) == (named == "x", False)


def test_the_numbers_are_those_of_the_arrays(folder):
    model, both = Model.load(folder), datasets.load(str(folder.parents[1] / "bars.npz"))
    # nobody asks a translator's D, so that it is not kept
    assert set(model.nets) == {"encoder", "decoder"} and model.score(both.x, both.x) is None
    values = {k: e["value"] for k, e in translation.measure(model, both, ()).items()}
    truth = both.prior.x_test / 255
    translated = model.translate(both.x_test)
    assert values["there_mse"] == pytest.approx(((translated - truth) ** 2).mean(), rel=1e-4)
    assert values["there_mse_copy"] == pytest.approx(((both.x_test / 255 - truth) ** 2).mean(), rel=1e-4)
    again = model.translate(translated, back=True)
    assert values["there_cycle"] == pytest.approx(((again - both.x_test / 255) ** 2).mean(), rel=1e-4)
    assert not any("class" in key for key in values)
    alone = translation.measure(model, dataclasses.replace(both, partners=None), ())
    assert set(alone) == {"there_cycle", "back_cycle"}


def test_the_gallery_shows_the_data_only_where_their_licence_lets_it(folder):
    model, both = Model.load(folder), datasets.load(str(folder.parents[1] / "bars.npz"))
    translation.write_gallery(folder, model, dataclasses.replace(both, licence="CC0"))
    said = checkpoint.card(folder)["gallery"]
    assert not said["made"] and said["paired"]
    sheet = np.asarray(Image.open(folder / "gallery.png"))
    assert (sheet[:28, :28] == both.x_test[0, ..., 0]).all()
    assert (sheet[28:, :28] == both.x_test[0, ..., 0].T).all()
    translation.write_gallery(folder, model, dataclasses.replace(both, name="mnist-transpose"))
    said = checkpoint.card(folder)["gallery"]
    sheet = np.asarray(Image.open(folder / "gallery.png"))
    assert said["made"] and said["paired"] and (sheet[28:, :28] == sheet[:28, :28].T).all()
    translated = to_bytes(model.translate(both.prior.x_test[:1], back=True))
    assert (sheet[:28, :28] == translated[0, ..., 0]).all()
    translation.write_gallery(folder, model, both)


def test_a_model_of_one_domain_says_who_can_translate(folder, tmp_path, capsys):
    x, y = bars(20, 0)
    one = Data("bars", x, y, x, y, list("abcd"), "CC0", "drawn here")
    config = Config(name="one", data="bars", member="alice", width=4, batch=4, steps=1)
    progress = deque(loop.train(config, one), maxlen=1).pop()
    from ali_core.models import release

    release.write_checkpoint(folder.parent / "one", config, one, progress, 1.0)
    Image.fromarray(x[0, ..., 0]).save(tmp_path / "a.png")
    words = [str(folder.parent / "one"), str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    assert program.main(["translate", *words]) == 2
    said = capsys.readouterr().err
    assert "cannot translate" in said and "bars" in said
    assert not (tmp_path / "b.png").exists()
    with pytest.raises(Problem, match="one kind of picture"):
        Model.load(words[0]).translate(x)
    for verb in (["reconstruct", str(folder), *words[1:]], ["sample", str(folder), words[2]]):
        assert program.main(verb) == 2 and "translat" in capsys.readouterr().err
    assert program.main(["atlas", str(folder)]) == 2
    assert "no latents to map" in capsys.readouterr().err


@pytest.fixture
def pictures_folder(tmp_path):
    x, _ = bars(3, 5)
    (tmp_path / "in" / "deep").mkdir(parents=True)
    Image.fromarray(x[0, ..., 0]).save(tmp_path / "in" / "a.png")
    Image.fromarray(x[1, ..., 0]).save(tmp_path / "in" / "deep" / "b.bmp")
    (tmp_path / "in" / "note.txt").write_text("not a picture")
    return tmp_path / "in"


@pytest.mark.parametrize("back", [False, True])
def test_a_file_a_folder_and_a_zip_are_translated_alike(folder, pictures_folder, back, capsys):
    out, more = pictures_folder.parent, ["--back"] * back
    command = ["translate", str(folder)]
    assert program.main([*command, str(pictures_folder / "a.png"), str(out / "a.png"), *more]) == 0
    assert program.main([*command, str(pictures_folder), str(out / "all"), *more]) == 0
    assert "note.txt" in capsys.readouterr().out
    with zipfile.ZipFile(out / "in.zip", "w") as file:
        for path in pictures_folder.rglob("*.*"):
            file.write(path, path.relative_to(pictures_folder))
    assert program.main([*command, str(out / "in.zip"), str(out / "zip"), *more]) == 0
    written = {p.relative_to(out / "all") for p in (out / "all").rglob("*.png")}
    assert {p.as_posix() for p in written} == {"a.png", "deep/b.png"}
    for path in written:
        assert (out / "all" / path).read_bytes() == (out / "zip" / path).read_bytes()
    assert (out / "a.png").read_bytes() == (out / "all" / "a.png").read_bytes()
    model, x = Model.load(folder), np.asarray(Image.open(pictures_folder / "a.png"))
    expected = to_bytes(model.translate(x[None, ..., None], back))[0, ..., 0]
    assert (np.asarray(Image.open(out / "a.png")) == expected).all(), "the picture alone"
    more += ["--beside"]
    assert program.main([*command, str(pictures_folder / "a.png"), str(out / "b.png"), *more]) == 0
    sheet = np.asarray(Image.open(out / "b.png"))
    assert sheet.shape == (28, 56) and (sheet[:, :28] == x).all() and (sheet[:, 28:] == expected).all()


def zipped(entries: dict[str, bytes], **how) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **how) as file:
        for name, inside in entries.items():
            file.writestr(name, inside)
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped({"../out.png": b"x"}), "leaves its folder"),
        (zipped({"/etc/out.png": b"x"}), "leaves its folder"),
        (zipped({"a\\..\\..\\out.png": b"x"}), "leaves its folder"),
        (zipped({"C:out.png": b"x"}), "leaves its folder"),
        (zipped({}), "holds no file"),
        (b"not a zip at all", "damaged, encrypted, or no zip"),
        (zipped({"a.png": b"x" * 1000})[:-30], "damaged, encrypted, or no zip"),
        (zipped({f"{k}.png": b"" for k in range(batch.MOST + 1)}), "more than 2,000 files"),
    ],
)
def test_a_bad_zip_is_refused_with_a_sentence_and_nothing_is_written(folder, tmp_path, content, sentence, capsys):
    (tmp_path / "bad.zip").write_bytes(content)
    words = ["translate", str(folder), str(tmp_path / "bad.zip"), str(tmp_path / "deep" / "out")]
    assert program.main(words) == 2
    assert sentence in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["bad.zip"]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(batch, "MOST_BYTES", 10_000)
    bomb = zipped({"a.png": bytes(1_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 3_000
    with pytest.raises(Problem, match="unpacks to more"):
        batch.unzip("bomb.zip", bomb)


def test_what_goes_into_a_zip_comes_out_of_it():
    files = [("a.png", b"one"), ("deep/b.png", b"two")]
    entries = batch.unzip("a.zip", batch.zipped(files))
    assert [(name, content()) for name, content in entries] == files


# ---- what is shipped


@pytest.mark.parametrize("name", batch.translators(SHIPPED))
def test_a_shipped_translators_card_is_reproduced_on_its_first_500_pictures(name):
    card = checkpoint.card(SHIPPED / name)
    config = card["config"]
    try:
        held = datasets.load(config["data"], config["size"], config["channels"], config["prior"])
    except Problem as problem:
        if os.environ.get("CI") == "true" and config["data"] == "edges-fashion":
            raise
        pytest.skip(str(problem))
    entries = translation.measure(Model.load(SHIPPED / name), held, (), means.SUBSET)
    assert len(entries) >= 12
    for key, entry in entries.items():
        said = card["metrics"][key]
        assert said["n"] == len(held.x_test) and said["subset"]["n"] == entry["n"]
        assert entry["value"] == pytest.approx(said["subset"]["value"], rel=1e-3, abs=1e-5), key
