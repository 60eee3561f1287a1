"""Runs that a tab trains: graphs, the numbers they are given, how they are got ready.   python -m pytest tests/test_own.py"""

import json
import time

import numpy as np
import onnxruntime
import pytest
import safetensors.torch
import torch

from ali_core.lab import aten, graphs, own, scenes
from ali_core.measure import metrics
from ali_core.problem import Problem
from ali_core.training import counter
from ali_core.training import loop as train
from app.bridge import making
from app.bridge import own as runs

from .pupils import until

SMALL = {"width": 8, "batch": 8}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own, and no runs of others."""
    monkeypatch.setenv("ALI_CACHE", str(tmp_path))
    runs._known.clear()


def session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(content, options)


def answer(graph: onnxruntime.InferenceSession, given: dict) -> dict[str, np.ndarray]:
    names = [one.name for one in graph.get_inputs()]
    found = graph.run(None, {name: given[name].numpy() for name in names})
    return dict(zip([one.name for one in graph.get_outputs()], found, strict=True))


def about(pack: bytes) -> dict:
    length = int.from_bytes(pack[:8], "little")
    return json.loads(json.loads(pack[8 : 8 + length])["__metadata__"]["about"])


# ---- the counter -------------------------------------------------------------------------------------


def test_the_counter_is_threefry_by_its_published_answers():
    assert counter.words((0, 0), 0, 1)[0].tolist() == [0x6B200159, 0x99BA4EFE]
    ones = 2**32 - 1  # Random123's second: all words are 1s; a stream's places count from 0, so the last is asked alone
    found = counter.words((ones, (ones + ones) % 2**32), ones, 2)
    assert found.shape == (2, 2) and len(np.unique(found)) == 4


def test_what_is_drawn_is_uniform_and_normal_and_depends_on_seed_step_and_place_alone():
    config = scenes.config({"batch": 1024})
    one, again, other = (counter.draw(config, 1000, (2,), step) for step in (3, 3, 4))
    assert all(torch.equal(one[k], again[k]) for k in one)
    assert all(not torch.equal(one[k], other[k]) for k in one)
    few = counter.draw(scenes.config({"batch": 8}), 1000, (2,), 3)
    assert torch.equal(few["z"], one["z"][:8]) and torch.equal(few["index"], one["index"][:8])
    z = torch.cat([counter.normal((7, step), 1, 5000, 2) for step in range(20)]).double()
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01 and abs((z**4).mean() - 3) < 0.1
    assert abs(np.corrcoef(z.T)[0, 1]) < 0.01
    u = counter.uniform((7, 0), 2, 100_000)
    assert u.min() >= 0 and u.max() < 1 and abs(u.double().mean() - 0.5) < 0.005
    index = counter.whole((7, 0), 0, 100_000, 10)
    assert (index.bincount() - 10_000).abs().max() < 500 and len(index.bincount()) == 10


# ---- graphs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", ["lagali", "semi-supervised"])
def test_a_steps_graph_takes_the_steps_of_the_loop_and_its_adam(member):
    run = own.Run(SMALL | {"member": member, "r1": 0.02})
    graph, start = session(run.make("step")), safetensors.torch.load(run.pack())
    loop, given = train.steps(run.config, run.data, drawn=counter.draw), run.given()["step"] | start
    next(loop)
    x, y = torch.from_numpy(run.data.x), torch.from_numpy(run.data.y[:, 0]).int()
    for step in range(3):
        drawn = counter.draw(run.config, len(x), (2,), step)
        given |= {"x": x[drawn["index"]], "z": drawn["z"], "holes": drawn["holes"]}
        given |= {f"noise {name}": drawn["noise"][:, k] for k, name in enumerate(graphs.DRAWN)}
        if member == "semi-supervised":
            rows = start["labelled"].long()[(drawn["example"] * len(start["labelled"])).long()]
            given |= {"labelled x": x[rows], "labelled y": y[rows]}
        given |= {f"{who} steps": torch.tensor(float(step)) for who in run.nets.places}
        made = answer(graph, given)
        given |= {name[:-1]: torch.from_numpy(value) for name, value in made.items() if name.endswith("'")}
        progress = next(loop)
        for who, vector in graphs.Nets(progress.nets).vectors().items():
            np.testing.assert_allclose(given[f"{who} weights"], vector, atol=1e-6)
        (losses,) = [name for name in made if name.startswith("losses|")]
        told = dict(zip(losses.split("|")[1:], made[losses], strict=True))
        assert told == pytest.approx(progress.losses, rel=1e-4)
        assert made["matched"] == pytest.approx(train.matched(run.row, progress.losses, 0.02), rel=1e-4)


def test_rates_weights_seed_and_data_need_no_other_graph_but_another_width_does():
    settings = SMALL | {"member": "alice", "r1": 0.1, "sines": 3.0}
    one = own.Run(settings).names()
    more = {"lr": 1e-4, "r1": 0.5, "sines": 9.0, "weights": {"reconstruction": 2.0}, "seed": 4, "data": "ring"}
    assert own.Run(settings | more).names() == one
    for key, value in (("width", 12), ("batch", 16), ("r1", 0.0), ("sines", 0.0), ("weights", {"reconstruction": 0.0})):
        assert own.Run(settings | {key: value}).names()["step"] != one["step"], key


def test_what_the_graph_is_given_is_what_it_computes_with():
    """Weights of terms are inputs: twice the price of a term is a greater loss by its value."""
    run = own.Run(SMALL | {"member": "alice"})
    function, given = graphs.step(run.config, run.row, run.nets), run.given()["step"]
    graph = session(aten.model(function, given).SerializeToString())
    once, twice = (answer(graph, given | {"price reconstruction": torch.tensor(price)}) for price in (20.0, 40.0))
    (name,) = [one for one in once if one.startswith("losses|")]
    words = name.split("|")[1:]
    g, term = words.index("generator"), words.index("reconstruction")
    assert twice[name][g] - once[name][g] == pytest.approx(20 * once[name][term], rel=1e-4)


def test_modes_are_those_of_the_measure():
    run = own.Run(SMALL | {"data": "grid"})
    rng = np.random.default_rng(0)
    points = run.data.centres[rng.integers(20, size=600)] + rng.normal(0, 0.09, (600, 2))
    found, good = scenes.modes(torch.from_numpy(points).float(), run.scene.centres, run.scene.centres_sd)
    wanted = metrics.modes(points, run.data.centres, run.data.sd)
    assert (int(found), good.item()) == (wanted[0], pytest.approx(wanted[1], abs=1e-6))
    assert 0.4 < wanted[1] < 0.99


def test_an_operation_without_a_rule_is_named():
    with pytest.raises(NotImplementedError, match=r"aten\.cumsum"):
        aten.model(lambda given: {"a": given["x"].cumsum(0)}, {"x": torch.ones(3)})


# ---- got ready ---------------------------------------------------------------------------------------


def ready(name: str) -> dict:
    """What is said of a run once its graphs are no longer being made."""
    until = time.monotonic() + 300
    while (told := runs.state(name))["state"] == "making" and time.monotonic() < until:
        assert 0 <= told["share"] <= 1 and told["says"]
        for process in list(making._running):
            process.wait()
    return told


def test_a_runs_graphs_are_made_once_in_a_process_and_kept(cache):
    settings = [SMALL | {"member": "vae"}, SMALL | {"member": "wae"}]
    name = runs.start(settings)
    assert ready(name) == {"state": "ready", "share": 1.0, "says": runs.state(name)["says"]}
    assert runs.start(settings) == name and runs.state(name)["state"] == "ready"
    for lane in (0, 1):
        told = about(runs.pack(name, lane))
        assert all(runs.graph(file) for file in told["graphs"].values())
        table = safetensors.torch.load(runs.points(told["points"]))
        assert len(table["x"]) == told["rows"] == len(table["y"])
    other = runs.start([SMALL | {"member": "vae", "seed": 9}])  # the same graphs
    assert other != name and runs.state(other)["state"] == "ready" and not making._line


def test_all_graphs_are_made_in_one_line_one_after_another():
    """Checkpoints' and runs' alike; what fails is a sentence and holds nobody up."""
    heard, every = [], [making.Making() for _ in range(3)]
    for one, given in zip(every, ('["first"]', "no JSON", '["last"]'), strict=True):
        making.make(one, ["json.tool"], given, lambda line: heard.append(line.strip()), "It failed.")
        making.make(one, ["json.tool"], given, lambda line: heard.append("twice"), "It failed.")
    assert all(one.state()["state"] == "making" for one in every[1:])
    until(lambda: all(one.state()["state"] != "making" for one in every))
    assert [one.state()["state"] for one in every] == ["ready", "off", "ready"]
    assert every[1].state()["says"] == "It failed."
    assert heard == ["[", '"first"', "]", "[", '"last"', "]"]


def test_what_is_not_known_is_a_sentence_and_no_file():
    assert runs.state("x") == {"state": "off", "says": runs.GONE}
    for ask in (lambda: runs.pack("x", 0), lambda: runs.of("x")):
        with pytest.raises(Problem, match="not known here any more"):
            ask()
    assert [runs.graph(name) for name in ("x", "../own.onnx", "x.onnx", "..")] == [None] * 4
    assert runs.points("x") is None
    with pytest.raises(Problem, match="true pairs"):
        runs.start([{"member": "triangle"}])


def test_own_points_are_sent_as_they_are_trained_on():
    points = np.random.default_rng(0).normal(3, 2, (30, 2)).astype(np.float32)
    run = own.Run(SMALL | {"member": "vae", "data": "mine"}, points)
    table = safetensors.torch.load(own.table(SMALL | {"data": "mine"}, points))
    np.testing.assert_array_equal(table["x"], run.data.x)
    assert about(run.pack())["scene"]["modes"] == 0
