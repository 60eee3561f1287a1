"""Checkpoints from and to a hub, and a sentence for what goes wrong.   python -m pytest tests/test_hub.py"""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import constants

import ali_core
from ali_core.__main__ import main
from ali_core.hub import hub as ours
from ali_core.models import checkpoint

from . import hub as standin
from .conftest import ROOT

SHIPPED = ROOT / "checkpoints" / "fashion-vae"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub on this machine, and nothing kept of it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the protocol of large files that every hub has
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    monkeypatch.chdir(tmp_path)
    with standin.serving() as (held, address):
        monkeypatch.setenv("HF_ENDPOINT", address)
        yield held


def files(**more: bytes) -> dict[str, bytes]:
    return {name: (SHIPPED / name).read_bytes() for name in ("card.json", "model.safetensors")} | more


def test_what_is_pushed_comes_back_the_same(hub, capsys):
    hub.token = "hf_mine"
    assert main(["push", str(SHIPPED), "me/garments"]) == 0
    sha = hub.sha("me/garments", 1)
    assert capsys.readouterr().out.strip().endswith(f"/me/garments/tree/{sha}")
    kept = hub.repos["me/garments"][-1]
    assert set(kept) == {"card.json", "model.safetensors", "atlas.npz", "samples.png", "config.json", "README.md"}
    model, truth = ali_core.load("hf:me/garments"), ali_core.load(SHIPPED)
    assert model.name == truth.name == "fashion-vae"
    np.testing.assert_array_equal(model.sample(2, seed=0), truth.sample(2, seed=0))
    assert main(["pull", f"me/garments@{sha}"]) == 0
    assert checkpoint.names("checkpoints") == ["garments"]
    for name in ("card.json", "model.safetensors", "atlas.npz", "samples.png"):
        assert (SHIPPED / name).read_bytes() == Path("checkpoints/garments", name).read_bytes()
    before = len(hub.fetched)
    ali_core.load("hf:me/garments")
    assert len(hub.fetched) == before == 4  # what is kept is not fetched again


def test_the_hubs_card_is_made_from_ours(hub):
    ali_core.push(SHIPPED, "me/garments")
    card, kept = checkpoint.card(SHIPPED), hub.repos["me/garments"][-1]
    said = json.loads(kept["config.json"])
    assert said["latent"] == card["config"]["latent"] and said["shape"] == card["data"]["shape"]
    _, metadata, text = kept["README.md"].decode().split("---\n", 2)
    told = yaml.safe_load(metadata)
    assert told["license"] == "mit" and told["library_name"] == "ali-explorer" and "vae" in told["tags"]
    results = {m["type"]: m["value"] for r in told["model-index"][0]["results"] for m in r["metrics"]}
    assert results == {key: entry["value"] for key, entry in card["metrics"].items()}
    assert 'ali_core.load("hf:me/garments")' in text and all(f"- {one}" in text for one in card["limits"])
    assert f"{card['metrics']['reconstruction_mse']['n']:,}" in text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hf:garments", "«hf:garments» is no name on the hub; give OWNER/NAME"),
        ("hf:me/../../etc", "is no name on the hub"),
        ("hf:me/a b", "is no name on the hub"),
        ("hf:me/nothing", "There is no me/nothing on http"),
        ("hf:me/garments@nowhere", "me/garments on http.* has no such revision"),
        ("hf:me/other", "me/other on the hub has no card.json: it holds no checkpoint of this program."),
        ("hf:me/heavy", "card.json of me/heavy has 4,194,305 bytes; 4,194,304 are fetched at most."),
        ("hf:me/differs", r"model.safetensors is not the file its card describes \(sha256 differs\)"),
        ("hf:me/strange", "card.json cannot be read as JSON"),
    ],
)
def test_what_cannot_be_had_is_a_sentence(hub, name, says):
    hub.commit("me/garments", files())
    hub.commit("me/other", {"model.safetensors": b"x", "config.json": b"{}"})
    hub.commit("me/heavy", files(**{"card.json": bytes(2**22 + 1)}))
    weights = bytearray(files()["model.safetensors"])
    weights[-1] ^= 1
    hub.commit("me/differs", files(**{"model.safetensors": bytes(weights)}))
    hub.commit("me/strange", files(**{"card.json": b"<html>"}))
    with pytest.raises(ali_core.Problem, match=says):
        ali_core.load(name)
    assert hub.fetched == [] or "differs" in name or "strange" in name  # before anything is fetched


@pytest.mark.parametrize("where", ["/api/models", "/resolve/"])
def test_a_hub_that_stalls_is_left(hub, monkeypatch, where):
    monkeypatch.setattr(ours, "SLOWEST", 10**9)
    monkeypatch.setattr(ours, "PATIENCE", 2.0)
    hub.commit("me/garments", files())
    hub.stalls = where
    with pytest.raises(ali_core.Problem, match=r"http://127.0.0.1:\d+ has not answered in 2 s"):
        ali_core.load("hf:me/garments")


@pytest.mark.parametrize("where", ["/repos/create", "/commit/"])
def test_a_hub_that_stalls_while_it_is_given_something_is_left(hub, monkeypatch, where):
    monkeypatch.setattr(ours, "SLOWEST", 10**9)
    monkeypatch.setattr(ours, "PATIENCE", 2.0)
    hub.stalls = where
    with pytest.raises(ali_core.Problem, match=r"http://127.0.0.1:\d+ has not answered in 2 s"):
        ali_core.push(SHIPPED, "me/garments")


def test_without_a_network_a_commit_that_is_kept_is_enough(hub, monkeypatch):
    sha = hub.commit("me/garments", files())
    ali_core.load("hf:me/garments")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    assert ali_core.load(f"hf:me/garments@{sha}").name == "fashion-vae"
    with pytest.raises(ali_core.Problem, match=r"http://127.0.0.1:9 .*try again"):
        ali_core.load("hf:me/another")


def test_what_may_not_be_passed_on_stays_here(hub, tmp_path):
    for licence, says in (("for research; No redistribution", "does not let"), ("unknown", "whose licence is unknown")):
        shutil.copytree(SHIPPED, tmp_path / "mine", dirs_exist_ok=True)
        data = checkpoint.card(SHIPPED)["data"] | {"licence": licence}
        checkpoint.update_card(tmp_path / "mine", data=data)
        with pytest.raises(ali_core.Problem, match=says):
            ali_core.push(tmp_path / "mine", "me/garments")
    assert hub.repos == {}


def test_who_is_not_known_to_the_hub_hears_how_to_be(hub):
    hub.token = "hf_another"
    with pytest.raises(ali_core.Problem, match="does not let you do this with me/garments; `hf auth login`"):
        ali_core.push(SHIPPED, "me/garments")


def test_pull_replaces_no_other_checkpoint(hub, tmp_path):
    hub.commit("me/garments", files())
    shutil.copytree(ROOT / "checkpoints/fashion-ali", tmp_path / "checkpoints/garments")
    with pytest.raises(ali_core.Problem, match="checkpoints/garments is another checkpoint"):
        ours.pull("me/garments")


def test_without_the_library_it_says_what_to_install():
    code = "import sys; sys.modules['huggingface_hub'] = None; import ali_core; ali_core.load('hf:me/garments')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.strip().endswith("pip install huggingface_hub")
    assert importlib.metadata.version("huggingface_hub")
