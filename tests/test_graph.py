"""A checkpoint as ONNX graphs: made in a worker, verified, kept, made anew.   python -m pytest tests/test_graph.py"""

import json
import shutil
import sys

import numpy as np
import onnx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ali_core.models import checkpoint, graph
from ali_core.models.model import Model
from ali_core.problem import Problem
from app import bridge
from app.server import engine

from .pupils import until

NAME = "mnist-conditional"
FOLDER = f"checkpoints/{NAME}"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache in which the explorer's worker has made the graphs of a conditional checkpoint. -> their folder"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALI_CACHE", str(tmp_path_factory.mktemp("cache")))
        seen = []
        until(lambda: seen.append(bridge.graphs.state(NAME)) or seen[-1]["state"] != "making", 900)
        assert seen[-1]["state"] == "ready", seen[-1]
        assert {one["state"] for one in seen[:-1]} == {"making"}
        yield graph.place(checkpoint.card(FOLDER)["weights"]["sha256"])


def test_graphs_answer_as_the_model_does(kept):
    model, rng = Model.load(FOLDER), np.random.default_rng(3)
    y = np.array([[4], [0], [9]])
    hot, z, x = np.eye(10, dtype=np.float32)[y[:, 0]], model.prior(3, 7), rng.random((3, 28, 28, 1), np.float32)
    (pictures,) = graph.run((kept / "decoder.onnx").read_bytes(), [z, hot])
    assert np.abs(pictures - model.decode(z, y)).max() <= graph.STEP
    mean, sd = graph.run((kept / "encoder.onnx").read_bytes(), [x, hot])
    for ours, theirs in zip((mean, sd), model.posterior(x, y), strict=True):
        assert ours.shape == theirs.shape == (3, model.latent)
        assert np.abs(ours - theirs).max() < 0.02  # 16-bit weights
    other = graph.run((kept / "decoder.onnx").read_bytes(), [z, hot[::-1].copy()])[0]
    assert np.abs(other - pictures).max() > 0.5  # it is conditioned on the class


def test_a_graph_says_of_which_weights_it_is(kept):
    said, weights = graph.about(FOLDER), checkpoint.card(FOLDER)["weights"]["sha256"]
    assert said["weights"] == weights
    for net in graph.NETS:
        content = (kept / f"{net}.onnx").read_bytes()
        metadata = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
        assert (metadata["weights"], metadata["net"], metadata["checkpoint"]) == (weights, net, NAME)
        assert said[net]["bytes"] == len(content) and said[net]["half"] and said[net]["off"] <= graph.CLOSE
    assert sorted(path.name for path in kept.iterdir()) == ["decoder.onnx", "encoder.onnx", graph.ABOUT]


def test_a_damaged_graph_and_one_of_other_weights_do_not_count(kept, tmp_path):
    weights = json.loads((kept / graph.ABOUT).read_text())["weights"]
    other = tmp_path / "graphs"
    shutil.copytree(kept, other)
    assert graph._about(other, weights) is not None
    assert graph._about(other, weights[::-1]) is None
    (other / "decoder.onnx").write_bytes((kept / "decoder.onnx").read_bytes()[:-1])
    assert graph._about(other, weights) is None
    assert graph._about(tmp_path / "nowhere", weights) is None


def test_a_graph_that_says_something_else_is_not_kept(kept):
    """Weights of 16 bits are further off than a graph of 32 may be."""
    model = Model.load(FOLDER)
    with pytest.raises(Problem, match=r"decoder of mnist-conditional as a graph is .* off what PyTorch says"):
        graph._verified(model, "decoder", (kept / "decoder.onnx").read_bytes(), graph._examples(model)["decoder"])


@pytest.mark.parametrize(
    ("name", "why"), [("edges-fashion", "translates pictures"), ("nothing", "card.json is missing")]
)
def test_what_has_no_codes_of_pictures_has_no_graphs(name, why, tmp_path):
    with pytest.raises(Problem, match=why):
        graph.make(f"checkpoints/{name}", tmp_path / "graphs")
    assert not (tmp_path / "graphs").exists()


def test_without_its_packages_an_export_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(Problem, match="needs onnxscript; install it: pip install"):
        graph.make(FOLDER, tmp_path)


def test_the_server_sends_graphs_by_the_names_that_it_says(kept, monkeypatch):
    monkeypatch.setattr(engine.bridge.runtime, "installed", lambda: True)
    client = TestClient(Starlette(routes=engine.routes))
    about = client.get(f"/graphs/{NAME}/about.json").json()
    assert (about["state"], about["shape"], about["latent"], about["classes"]) == ("ready", [28, 28, 1], 32, [10])
    net = about["nets"]["decoder"]
    answer = client.get(f"/graphs/{NAME}/{net['file']}")
    assert len(answer.content) == net["bytes"] and "immutable" in answer.headers["cache-control"]
    for path in (f"{NAME}/0-decoder.onnx", "nothing/codes.bin", f"nothing/{net['file']}"):
        answer = client.get(f"/graphs/{path}")
        assert answer.status_code == 404 and answer.text.startswith("There is no such")
    assert "no such checkpoint" in client.get("/graphs/nothing/about.json").json()["says"]
    monkeypatch.setattr(engine.bridge.runtime, "installed", lambda: False)
    about = client.get(f"/graphs/{NAME}/about.json").json()
    assert about["state"] == "off" and "the browser's runtime is not installed" in about["says"]


def test_the_codes_are_the_maps():
    content, the_map = bridge.graphs.map_codes(NAME), bridge.codes.atlas(NAME)
    size = int.from_bytes(content[:4], "little")
    about, at = json.loads(content[4 : 4 + size]), -(-(4 + size) // 8) * 8
    n, d = about["n"], about["d"]
    z = np.frombuffer(content, "<f2", n * d, at).reshape(n, d)
    assert np.allclose(z, the_map.z, atol=2e-3, rtol=1e-3)
    at += -(-z.nbytes // 8) * 8
    assert np.array_equal(np.frombuffer(content, "<f4", 2 * n, at).reshape(n, 2), the_map.umap)
    assert about["typical"]["umap"] == the_map.typical["umap"] and about["names"] == the_map.label_names
