"""Models that learn in the reader's own tab, in a real Chromium, beside Python.   python -m pytest tests/test_browser_own.py"""

import functools
import gzip
import http.server
import secrets
import threading

import numpy as np
import pytest
import torch

from ali_core.family.members import FAMILY
from ali_core.lab import graphs, own
from ali_core.models import runtime
from ali_core.training import counter
from ali_core.training import loop as train
from app.server import engine

PLANAR = [name for name in FAMILY if name not in ("triangle", "gali-pt")]
# One sample's rectifier that turns elsewhere changes a gradient by a finite piece, Adam makes a step of it, and rounding
# decides which way: at the lab's own width Python itself, with weights a ten-millionth off, is 0.09 away after 100 steps.
# Few samples and units have few turns: it strikes one seed in ten. A fault would be in every seed, so one of three
# that agrees shows that there is none.
SMALL = {"width": 8, "batch": 8}
STEPS, CLOSE = 100, 1e-3

RUN = """async ([pack, steps, turns]) => {
  const { Learner } = await import("/engine/learner.js");
  const model = await Learner.open(new URL(pack, location.href), location.href);
  for (let i = 0; i < steps; i++) await model.advance(turns[i % turns.length]);
  const plain = (of) => Object.fromEntries(Object.entries(of).map(([k, v]) => [k, Array.from(v.data ?? v)]));
  const frame = await model.frame(), state = plain(model.state);
  return { state, losses: model.losses, average: model.average, frame: { ...frame, arrays: plain(frame.arrays) } };
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Static files, as a page without our server has them."""

    extensions_map = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}  # noqa: RUF012

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder that a plain static server serves, and its address: our scripts, the runtime, room for runs."""
    if not runtime.installed():
        pytest.skip(f"the browser's runtime is not installed: {runtime.COMMAND}")
    home = tmp_path_factory.mktemp("site")
    (home / "engine" / runtime.NAME).mkdir(parents=True)
    for script in engine.SCRIPTS.glob("*.js"):
        (home / "engine" / script.name).write_bytes(script.read_bytes())
    for name in runtime.FILES:
        (home / "engine" / runtime.NAME / name).write_bytes(
            gzip.decompress((runtime.folder() / f"{name}.gz").read_bytes())
        )
    (home / "index.html").write_text("<title>own</title>")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=home))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield home, f"http://localhost:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="module")
def tab(site, browser):
    """One tab for all members: a browser compiles the runtime anew for every page."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(site[1])
    yield page
    context.close()


def published(home, settings: dict) -> own.Run:
    """Puts a run into the folder, as run.bin."""
    run = own.Run(settings)
    for kind, name in run.names().items():
        if not (home / "graphs" / name).exists():  # every seed has the same
            (home / "graphs").mkdir(exist_ok=True)
            (home / "graphs" / name).write_bytes(run.make(kind))
    for folder, name, content in (
        ("points", f"{run.data.fingerprint}.bin", own.table(settings)),
        (".", "run.bin", run.pack()),
    ):
        (home / folder).mkdir(exist_ok=True)
        (home / folder / name).write_bytes(content)
    return run


def learned(run: own.Run, turns: list[str], steps: int) -> train.Progress:
    """The project's own loop over the same numbers."""
    loop = train.steps(run.config, run.data, drawn=counter.draw)
    progress = next(loop)
    whose = {"both": None, "discriminator": ("discriminator",), "generator": ("generator", "multipliers")}
    for k in range(steps):
        progress = loop.send(whose[turns[k % len(turns)]])
    return progress


def compare(page, run: own.Run, turns: list[str], steps: int = STEPS) -> None:
    """Holds the browser's run to Python's: weights, losses, and all that the panels show."""
    # under a name that no cache has seen
    ours = page.evaluate(RUN, [f"/run.bin?{secrets.token_hex(8)}", steps, turns])
    progress = learned(run, turns, steps)
    vectors = graphs.Nets(progress.nets).vectors()
    for who, vector in vectors.items():
        np.testing.assert_allclose(ours["state"][f"{who} weights"], vector, atol=CLOSE)
    assert list(ours["losses"]) == list(progress.losses)
    for name, value in progress.losses.items():
        assert ours["losses"][name] == pytest.approx(value, abs=CLOSE, rel=CLOSE), name
    panels = graphs.frame(run.scene, graphs.Nets(progress.nets))
    wanted = panels(run.given()["frame"] | {f"{who} weights": vector for who, vector in vectors.items()})
    for name, value in wanted.items():
        if name.startswith("numbers|"):
            told = ours["frame"]["constraints"] | {k: ours["frame"][k] for k in ("mse", "modes", "good")}
            for what, number in zip(name.split("|")[1:], value.tolist(), strict=True):
                assert told[what] == pytest.approx(number, abs=CLOSE, rel=CLOSE), what
        elif name.startswith("pull") and name not in ours["frame"]["arrays"]:
            assert not value.any()
        else:
            near = 1 if value.dtype == torch.uint8 else CLOSE
            shown = np.array(ours["frame"]["arrays"][name]).reshape(value.shape)
            np.testing.assert_allclose(shown, value, atol=near, rtol=CLOSE, err_msg=name)


@pytest.mark.parametrize("member", PLANAR)
def test_a_browsers_run_is_pythons(site, tab, member):
    home, _ = site
    for seed in range(3):
        run = published(home, SMALL | {"member": member, "seed": seed})
        try:
            compare(tab, run, ["both"])
        except AssertionError:
            if seed == 2:
                raise
        else:
            return


def test_options_of_the_lab_and_turns_of_one_player(site, page):
    home, address = site
    settings = {
        "member": "alice",
        "data": "ring",
        "r1": 0.01,
        "sines": 5.0,
        "seed": 7,
        "lr": 2e-3,
        "weights": {"reconstruction": 3.0},
    }
    run = published(home, SMALL | settings)
    page.goto(address)
    # to 4e-7 after 30 steps; later R1's second derivatives make a rectifier that flips in one of the two a step of both
    compare(page, run, ["discriminator", "both", "generator"], 30)


def test_the_counter_draws_the_same_numbers_in_both_languages(site, page):
    _, address = site
    page.goto(address)
    drawn = page.evaluate(
        """async () => { const c = await import("/engine/chance.js");
        return ["normal", "uniform"].map(k => Array.from(c[k](123456, 77, 3, 5001))).concat(
          [Array.from(c.whole(123456, 77, 3, 5001, 100000)), Array.from(c.words(0, 0, 0, 1))]); }"""
    )
    key = (123456, 77)
    np.testing.assert_allclose(drawn[0], counter.normal(key, 3, 5001), rtol=0, atol=5e-7)
    assert drawn[1] == counter.uniform(key, 3, 5001).tolist()
    assert drawn[2] == counter.whole(key, 3, 5001, 100_000).tolist()
    assert drawn[3] == [0x6B200159, 0x99BA4EFE]  # Random123's known answer
