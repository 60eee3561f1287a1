"""Live runs: real worker processes, their rooms, who may steer them, and what happens when things end."""

import json
import os
import signal
import sys
import time

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ali_core.lab import packs, scenes
from ali_core.problem import Problem
from ali_core.training import loop as train
from app.bridge import live
from app.server import visitors
from app.server.door import Door

SMALL = {"width": 16, "batch": 32}


@pytest.fixture(autouse=True)
def alone():
    """No room is left over, before and after."""
    yield
    for room in list(live._rooms.values()):
        if not room.gone:
            live.stop(room.id, room.secret)
    live._rooms.clear()


def until(condition, seconds: float = 60):
    """What the condition gives once it is true."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return value


def looked(run: str, after: int = -1, who: str = "w") -> tuple[int, dict, dict]:
    """A poll: -> number, the state, and (kind, lane) -> (numbers, arrays)."""
    answer = until(lambda: live.news(run, after, who))
    state, news = {}, {}
    for pack in packs.parted(answer[1]):
        numbers, arrays = packs.unpack(pack)
        if numbers["kind"] == "state":
            state = numbers
        else:
            news[numbers["kind"], numbers["lane"]] = numbers, arrays
    return answer[0], state, news


def frame_after(run: str, step: int, lane: int = 0):
    """The first frame that has taken so many steps."""

    def taken():
        _, state, news = looked(run)
        assert not state["ended"], state["ended"]
        frame = news.get(("frame", lane))
        return frame if frame and frame[0]["step"] >= step else None

    return until(taken)


def test_a_live_run_is_the_same_training_as_anywhere():
    run, secret = live.start([SMALL, SMALL | {"member": "vae"}])
    frame_after(run, 0)
    for turn, step in (("discriminator", 1), ("generator", 2), ("both", 3)):
        live.do(run, secret, "step", turn=turn)
        there = [frame_after(run, step, lane) for lane in (0, 1)]
    config = scenes.config(SMALL)
    held = scenes.data(config)
    scene, loop = scenes.Scene(config, held), train.steps(config, held)
    next(loop)
    for turn in (("discriminator",), ("generator", "multipliers"), None):
        progress = loop.send(turn)
    here = packs.unpack(scenes.frame(progress, scene))
    assert here[0]["losses"] == there[0][0]["losses"] and there[1][0]["losses"].keys() >= {"nll"}
    for name, values in here[1].items():
        np.testing.assert_array_equal(values, there[0][1][name], name)


def test_a_step_of_d_moves_ds_beliefs_alone_and_a_step_of_e_and_g_the_points():
    run, secret = live.start([SMALL])
    start = frame_after(run, 0)[1]
    live.do(run, secret, "step", turn="discriminator")
    judged = frame_after(run, 1)[1]
    for name in ("x_tilde", "z_hat", "x_rec", "lattice"):
        np.testing.assert_array_equal(start[name], judged[name])
    assert (start["d_x"] != judged["d_x"]).any()
    live.do(run, secret, "step", turn="generator")
    generated = frame_after(run, 2)[1]
    assert (generated["x_tilde"] != judged["x_tilde"]).any() and (generated["z_hat"] != judged["z_hat"]).any()


def test_it_plays_pauses_keeps_its_speed_and_begins_again():
    run, secret = live.start([SMALL])
    frame_after(run, 0)
    live.do(run, secret, "play", speed=0)
    frame_after(run, 30)
    live.do(run, secret, "pause")
    seq, _, _ = until(lambda: (news := looked(run)) and not news[1]["playing"] and news)
    assert live.news(run, seq, "w") is None  # nothing happens any more
    live.do(run, secret, "reset")
    frame = until(lambda: (f := looked(run)[2].get(("frame", 0))) and f[0]["step"] == 0 and f)
    assert frame[0]["turn"] == "start"
    live.do(run, secret, "play", speed=10)
    begun = time.monotonic()
    frame_after(run, 20)
    assert 1.5 < time.monotonic() - begun < 10


def test_two_runs_on_one_worker_do_not_touch_each_other():
    alone, secret = live.start([SMALL])
    frame_after(alone, 0)
    live.do(alone, secret, "step", turn="both")
    first = frame_after(alone, 1)[1]
    runs = [live.start([SMALL | {"seed": seed}]) for seed in (0, 1, 0)]
    for run, secret in runs:
        frame_after(run, 0)
        live.do(run, secret, "step", turn="both")
    frames = [frame_after(run, 1)[1] for run, _ in runs]
    np.testing.assert_array_equal(frames[0]["x_tilde"], first["x_tilde"])
    np.testing.assert_array_equal(frames[2]["d_x"], first["d_x"])
    assert (frames[1]["x_tilde"] != first["x_tilde"]).any()


def test_watchers_see_the_owners_frame_and_cannot_steer():
    run, secret = live.start([SMALL])
    frame_after(run, 0)
    live.do(run, secret, "step", turn="both")
    frame_after(run, 1)
    one, other = (looked(run, who=who) for who in ("a", "b"))
    assert one[2]["frame", 0][0] == other[2]["frame", 0][0]
    assert looked(run, who="c")[1]["watchers"] >= 3
    for wrong in ("", "x", secret[:-1]):
        with pytest.raises(Problem, match="Only who started this run can steer it"):
            live.do(run, wrong, "play")
    with pytest.raises(Problem, match="This run has ended"):
        live.do("unknown", secret, "play")
    assert "secret" not in str(live.about(run)) and secret not in str(one)


def test_more_runs_than_places_wait_and_move_up(monkeypatch):
    monkeypatch.setattr(live, "WORKERS", 1)
    monkeypatch.setattr(live, "PLACES", 2)
    for worker in live._workers[1:]:
        worker.process.kill()
        until(lambda worker=worker: worker not in live._workers)
    runs = [live.start([SMALL]) for _ in range(4)]
    assert live.load() == {"runs": 2, "waiting": 2, "limit": 2}
    assert [live.about(run)["waiting"] for run, _ in runs] == [0, 0, 1, 2]
    with pytest.raises(Problem, match="still waits"):
        live.do(*runs[3], "play")
    live.do(*runs[0], "stop")
    assert live.about(runs[0][0]) is None
    assert [live.about(run)["waiting"] for run, _ in runs[1:]] == [0, 0, 1]
    frame_after(runs[2][0], 0)


def test_many_points_on_their_way_to_a_worker_keep_nobody_waiting():
    run, _ = live.start([SMALL])
    frame_after(run, 0)
    points = np.random.default_rng(0).normal(size=(100_000, 2))
    live.start([SMALL | {"data": "mine"}], points)
    begun = time.monotonic()
    for who in "abc":
        live.news(run, -1, who)
    assert time.monotonic() - begun < 1


def test_no_more_than_so_many_wait(monkeypatch):
    monkeypatch.setattr(live, "PLACES", 0)
    monkeypatch.setattr(live, "MOST_WAITING", 2)
    for _ in range(2):
        live.start([SMALL])
    with pytest.raises(Problem, match="2 runs wait already"):
        live.start([SMALL])


def test_who_would_have_all_places_leaves_as_many_to_others_and_waits_behind_them(monkeypatch):
    """64 of one pupil's pages started 47 runs in 15 s, and everybody else read that 40 wait already."""
    monkeypatch.setattr(live, "WORKERS", 1)
    monkeypatch.setattr(live, "PLACES", 2)
    monkeypatch.setattr(live, "MOST_WAITING", 6)
    for worker in live._workers[1:]:
        worker.process.kill()
        until(lambda worker=worker: worker not in live._workers)
    greedy = []
    with pytest.raises(Problem, match="4 runs of your address are open, and 4 places are left"):
        for _ in range(5):
            greedy.append(live.start([SMALL], owner="greedy")[0])
    one, other = (live.start([SMALL], owner=name)[0] for name in ("one", "other"))
    # who has two places gives the newer one up for who has none, and nobody gives up their only one
    assert looked(greedy[1])[1]["ended"] == live.GIVEN_UP and not live.about(greedy[0])["ended"]
    assert live.about(one)["waiting"] == 0 and live._rooms[one].worker
    assert [live.about(run)["waiting"] for run in (other, *greedy[2:])] == [1, 2, 3]
    live.stop(one, live._rooms[one].secret)
    assert live._rooms[other].worker and not live._rooms[greedy[2]].worker


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_a_killed_worker_ends_its_runs_with_a_sentence_and_no_others(monkeypatch):
    monkeypatch.setattr(live, "WORKERS", 2)
    runs = [live.start([SMALL]) for _ in range(2)]
    for run, _ in runs:
        frame_after(run, 0)
    rooms = [live._rooms[run] for run, _ in runs]
    assert rooms[0].worker is not rooms[1].worker
    killed, other = (room.worker.process for room in rooms)
    os.kill(killed.pid, signal.SIGKILL)
    until(lambda: rooms[0].gone)
    assert looked(runs[0][0])[1]["ended"] == live.LOST
    live.do(*runs[1], "step", turn="both")
    frame_after(runs[1][0], 1)
    again, _ = live.start([SMALL])
    frame_after(again, 0)
    # reaped, and nobody waits to write to it
    until(lambda: killed.returncode == -signal.SIGKILL and killed.stdin.closed)
    assert other.returncode is None and not other.stdin.closed


def test_what_nobody_watches_ends_and_so_does_an_idle_worker(monkeypatch):
    run, _ = live.start([SMALL])
    frame_after(run, 0)
    monkeypatch.setattr(live, "UNWATCHED", 0.3)
    until(lambda: live._rooms[run].gone)
    assert looked(run)[1]["ended"] == live.FORGOTTEN
    processes = [worker.process for worker in live._workers]
    until(lambda: not live._workers)
    assert [process.wait(60) for process in processes] == [0] * len(processes)


def test_a_run_ends_with_the_sentence_of_its_training():
    run, secret = live.start([SMALL | {"lr": 1.0, "lr_discriminator": 1.0}])
    frame_after(run, 0)
    live.do(run, secret, "play", speed=0)
    state = until(lambda: (s := looked(run)[1])["ended"] and s)
    assert "a loss is not finite" in state["ended"] and not state["playing"]
    assert state["ended"].endswith("Reset begins again.") and "saved" not in state["ended"]
    live.do(run, secret, "reset")
    until(lambda: not looked(run)[1]["ended"])


@pytest.mark.parametrize(
    ("settings", "points", "sentence"),
    [
        ({"member": "triangle"}, None, "learns from true pairs"),
        ({"member": "semi-supervised", "data": "ring"}, None, "must be a multiple of the 8 classes"),
        ({"data": "mine"}, None, "needs points of your own"),
        ({"data": "mine"}, np.zeros((50, 2)), "there is 1 point"),
        ({"width": 0}, None, "width=0 is outside"),
    ],
)
def test_settings_that_cannot_train_start_nothing(settings, points, sentence):
    with pytest.raises(Problem, match=sentence):
        live.start([settings], points)
    assert not live._rooms


# ---- what a browser asks -----------------------------------------------------------------------------


@pytest.fixture
def client(monkeypatch):
    from app.server import live as pages

    monkeypatch.setattr(pages, "POLL", 0.3)
    return TestClient(Starlette(routes=pages.routes))


def order(**more) -> dict:
    return {"run": "r", "secret": "s", "do": "play"} | more


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (order(), 409, "This run has ended"),
        (order(do="destroy"), 400, "An order is JSON"),
        (order(turn="everyone"), 400, "An order is JSON"),
        (order(speed="fast"), 400, "An order is JSON"),
        (order(speed=-1), 400, "An order is JSON"),
        (order(secret=None), 400, "An order is JSON"),
        ([], 400, "An order is JSON"),
        (order(run="r" * 20_000), 413, "too long"),
        (order(speed=10**400), 400, "An order is JSON"),
        (order(secret="\ud800"), 400, "An order is JSON"),
    ],
)
def test_orders_that_make_no_sense_are_a_sentence(client, content, status, sentence):
    answer = client.post("/do", content=json.dumps(content))
    assert answer.status_code == status and sentence in answer.text


def test_orders_of_other_pages_are_refused_and_half_an_order_is_none(client):
    outside = TestClient(Door(client.app))
    for origin in ("http://elsewhere", "http://[", "null"):
        for asked in ("testserver", "localhost"):  # the first is no name of this machine
            headers = {"origin": origin, "host": asked}
            assert outside.post("/do", json=order(), headers=headers).status_code == 403
    same = {"origin": "http://localhost", "host": "localhost"}
    assert outside.post("/do", json=order(), headers=same).status_code == 409
    assert client.post("/do", content=b"[" * 9_000).status_code == 400
    assert client.post("/do", content=b"{").status_code == 400
    assert client.get("/do").status_code == 405


def test_polls_wait_and_answer_and_recordings_are_read(client):
    for bad in ("", "?run=", "?run=x", "?run=x.y", "?run=x.-2"):
        assert client.get(f"/frames{bad}").status_code == 400
    gone = client.get("/frames?run=none.-1")
    state = packs.unpack(next(packs.parted(gone.content[4:])))[0]
    assert state["gone"] and state["ended"] == live.ENDED
    run, secret = live.start([SMALL])
    frame_after(run, 0)
    live.do(run, secret, "step", turn="both")
    frame_after(run, 1)
    first = client.get(f"/frames?run={run}.-1&who=me")
    kinds = [packs.about(pack)["kind"] for pack in packs.parted(first.content[4:])]
    assert sorted(kinds) == ["frame", "scene", "state"]
    number = int.from_bytes(first.content[:4], "little")

    def nothing_new():
        """The answer to a poll once the worker's last words are read: how a run is comes after its frame."""
        nonlocal number
        asked, content = number, client.get(f"/frames?run={run}.{number}&who=me").content
        number = int.from_bytes(content[:4], "little")
        assert number >= asked
        return content if number == asked else None

    assert until(nothing_new) == number.to_bytes(4, "little")
    older = client.get(f"/frames?run={run}.{number - 1}&who=me").content
    assert len(older) > 4 and int.from_bytes(older[:4], "little") >= number
    whole = client.get("/recordings/ali-grid")
    assert next(packs.parted(whole.content)) == packs.read(live.ROOT / "checkpoints/lab/ali-grid.gz")[0]
    for bad in ("none", "..%2Fcard", "ALI", "a" * 8_000):
        assert client.get(f"/recordings/{bad}").status_code == 404


def test_who_has_no_page_open_keeps_no_run_alive(client, monkeypatch):
    """Polls went on for ever after the page had been closed, and so did the runs."""
    run, _ = live.start([SMALL])
    frame_after(run, 0)
    poll = f"/frames?run={run}.-1&who=me"
    assert visitors.pages.take("testclient")
    begun = live._rooms[run].asked
    assert client.get(poll).status_code == 200
    assert live._rooms[run].asked > begun and "me" in live._rooms[run].lookers
    visitors.pages.give_back("testclient")
    begun = live._rooms[run].asked
    assert client.get(poll).status_code == 200 and live._rooms[run].asked == begun
    monkeypatch.setattr(live, "UNWATCHED", 0.3)
    until(lambda: client.get(poll) and live._rooms[run].gone, 20)
    assert looked(run)[1]["ended"] == live.FORGOTTEN


@pytest.mark.skipif(os.name == "nt", reason="Windows answers signal 0 by ending the process")
def test_a_worker_ends_with_its_server():
    import subprocess

    words = "from app.bridge import live; r, s = live.start([{}]); print(live._workers[0].process.pid, flush=True)"
    done = subprocess.run([sys.executable, "-c", words], cwd=live.ROOT, capture_output=True, text=True, check=True)
    pid = int(done.stdout.split()[-1])

    def ended():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    until(ended)
    assert "Traceback" not in done.stderr
