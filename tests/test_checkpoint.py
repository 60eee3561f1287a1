"""Checkpoints: round trip, every kind of damage a sentence, no pickle.   python -m pytest tests/test_checkpoint.py"""

import dataclasses
import json
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ali_core.config import Config
from ali_core.data import datasets
from ali_core.models import checkpoint, release, schema
from ali_core.models.model import Model
from ali_core.problem import Problem
from ali_core.training import loop

SHIPPED = Path(__file__).parents[1] / "checkpoints"


@pytest.fixture
def folder(tmp_path):
    """A real checkpoint, trained for two steps."""
    config = Config(name="tiny", member="alice", data="grid", width=8, batch=8, steps=2)
    points = datasets.load("grid")
    progress = deque(loop.train(config, points), maxlen=1).pop()
    release.write_checkpoint(tmp_path / "tiny", config, points, progress, 1.0)
    return tmp_path / "tiny"


def rewrite(folder, **changes):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | changes))


def replace_weights(folder, change):
    """Other weights, vouched for by the card, as a careless or hostile writer would."""
    tensors = checkpoint.weights(folder)
    change(tensors)
    card = checkpoint.card(folder)
    shapes = card["weights"]["shapes"]
    checkpoint.save(folder, safetensors.numpy.save(tensors), shapes, card)


def test_what_was_saved_is_what_is_loaded(folder):
    card, tensors = checkpoint.card(folder), checkpoint.weights(folder)
    assert {k: list(v.shape) for k, v in tensors.items()} == card["weights"]["shapes"]
    assert card["training"]["steps"] == 2 and card["training"]["samples_seen"] == 16
    assert Config(**card["config"]) == dataclasses.replace(
        Config(), name="tiny", member="alice", data="grid", width=8, batch=8, steps=2
    )
    assert Model.load(folder).sample(3, seed=1).shape == (3, 2)
    assert checkpoint.names(folder.parent) == ["tiny"]


def test_a_card_can_be_updated_and_keeps_the_rest(folder):
    before = checkpoint.card(folder)
    metrics = {"mse": {"value": 0.5, "n": 3, "says": "an error"}}
    checkpoint.update_card(folder, metrics=metrics)
    assert checkpoint.card(folder) == before | {"metrics": metrics}
    assert sorted(p.name for p in folder.iterdir()) == ["card.json", "model.safetensors"]


def test_a_card_says_its_schema_and_one_without_has_the_first(folder):
    card = json.loads((folder / "card.json").read_text())
    assert card.pop("schema") == schema.SCHEMA == 1
    (folder / "card.json").write_text(json.dumps(card))
    assert checkpoint.card(folder) == card
    checkpoint.update_card(folder, title="mine")
    assert checkpoint.card(folder) == card | {"title": "mine", "schema": 1}


@pytest.mark.parametrize("lacks", ["", "weights"])
def test_a_newer_card_is_refused_by_its_number_whatever_else_it_lacks(folder, lacks):
    card = json.loads((folder / "card.json").read_text()) | {"schema": schema.SCHEMA + 1}
    card.pop(lacks, None)
    (folder / "card.json").write_text(json.dumps(card))
    before = (folder / "card.json").read_bytes()
    with pytest.raises(
        Problem, match=r"card.json has schema 2, and this program reads 1 at most: .* Update the program"
    ):
        Model.load(folder)
    with pytest.raises(Problem, match="schema 2"):
        checkpoint.update_card(folder, title="mine")
    assert (folder / "card.json").read_bytes() == before


@pytest.mark.parametrize("number", [0, -1, "2", 1.5, None])
def test_a_schema_that_is_no_number_is_refused_by_its_field(folder, number):
    rewrite(folder, schema=number)
    with pytest.raises(Problem, match=r"«schema» of .*card.json cannot be used"):
        checkpoint.card(folder)


def test_missing_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(Problem, match=r"model.safetensors is missing"):
        Model.load(folder)
    assert checkpoint.names(folder.parent) == ["tiny"]


def test_missing_card(folder):
    (folder / "card.json").unlink()
    with pytest.raises(Problem, match=r"card.json is missing"):
        Model.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"card"', '{"name": "a"}'])
def test_a_card_that_is_no_card(folder, text):
    (folder / "card.json").write_text(text)
    with pytest.raises(
        Problem,
        match=r"card.json (cannot be read as JSON|cannot be used: expected object|lacks the field)",
    ):
        Model.load(folder)


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_truncated_weights(folder, share):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(Problem, match=r"model.safetensors has \d+ bytes where its card says \d+"):
        Model.load(folder)


def test_one_flipped_bit(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(Problem, match=r"is not the file its card describes \(sha256 differs\)"):
        Model.load(folder)


def test_a_file_that_is_no_safetensors_file(folder):
    card = checkpoint.card(folder)
    checkpoint.save(folder, b"\x80\x04N.", card["weights"]["shapes"], card)  # a pickle, in fact
    with pytest.raises(Problem, match=r"is not a safetensors file"):
        Model.load(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(folder, value):
    def spoil(tensors):
        tensors["decoder.body.0.weight"][0, 0] = value

    replace_weights(folder, spoil)
    with pytest.raises(Problem, match=r"«decoder.body.0.weight» holds NaN or infinity"):
        Model.load(folder)


def test_a_wrong_shape_is_named(folder):
    def cut(tensors):
        tensors["encoder.head.0.weight"] = tensors["encoder.head.0.weight"][:, :1]

    replace_weights(folder, cut)
    with pytest.raises(Problem, match=r"«encoder.head.0.weight» has shape \[8, 1\] where the card says \[8, 2\]"):
        Model.load(folder)


@pytest.mark.parametrize(
    ("width", "says"),
    [
        (4, r"model.safetensors does not fit the encoder of its card: size"),
        (16, r"card.json: .*Its networks have 4,072 weights, and model.safetensors holds 1,144"),
    ],
)
def test_a_config_of_another_size_does_not_fit(folder, width, says):
    rewrite(folder, config=checkpoint.card(folder)["config"] | {"width": width})
    with pytest.raises(Problem, match=says):
        Model.load(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"width": "wide"},
            r"«width» of .*card.json: the config cannot be used: expected int, got",
        ),
        ({"width": -3}, r"card.json: the config cannot be built. width=-3 is outside 1 to 4096"),
        (
            {"latent": None},
            r"«config.latent» of .*card.json cannot be used: expected int, got null",
        ),
        ({"net": "large"}, r"card.json: the config cannot be built. There is no net «large»"),
    ],
)
def test_a_config_that_cannot_be_built(folder, change, says):
    rewrite(folder, config=checkpoint.card(folder)["config"] | change)
    with pytest.raises(Problem, match=says):
        Model.load(folder)


def test_an_unknown_member(folder):
    rewrite(folder, config=checkpoint.card(folder)["config"] | {"member": "later"})
    with pytest.raises(Problem, match=r"unknown member «later»; this version has ali, bigan"):
        Model.load(folder)


@pytest.mark.parametrize("name", checkpoint.names(SHIPPED))
def test_every_shipped_checkpoint_loads_and_stays_small(name):
    model = Model.load(SHIPPED / name)
    x = model.translate(np.zeros((2, *model.shape), np.uint8)) if model.domains else model.sample(2, 0)
    assert x.shape == (2, *model.shape) and 0 <= x.min() <= x.max() <= 1
    weights = (SHIPPED / name / "model.safetensors").stat().st_size
    assert 0 < weights <= 8 * 2**20
    everything = sum(p.stat().st_size for p in (SHIPPED / name).iterdir())
    shared = sum(p.stat().st_size for p in (SHIPPED / "pictures").glob("*"))
    assert weights < everything + shared <= 12 * 2**20 + shared
    training = model.card["training"]
    assert training["hardware"] and training["samples_seen"] > model.card["data"]["train"]


def test_three_checkpoints_ship():
    assert {"fashion-ali", "fashion-alice", "fashion-vae"} <= set(checkpoint.names(SHIPPED))
