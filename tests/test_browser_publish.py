"""A published folder: what stands in it, and opened from a plain static server.   python -m pytest tests/test_browser_publish.py"""

import functools
import gzip
import http.server
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ali_core.lab import own, scenes
from ali_core.models import runtime
from ali_core.training import counter
from ali_core.training import loop as train
from app.views.lessons.texts import LESSONS

from .test_browser_engine import DRAG

ROOT, NAME = Path(__file__).parents[1], "fashion-alice"
WORDS = (f"checkpoints/{NAME}", "--lab", "ali,vae")
pytestmark = pytest.mark.skipif(not runtime.installed(), reason=f"the browser's runtime is missing; {runtime.COMMAND}")


def publish(*words) -> subprocess.CompletedProcess:
    command = [sys.executable, "-W", "ignore", "-m", "ali_core", "publish", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    to = tmp_path_factory.mktemp("site") / "public"
    done = publish(*WORDS, "--to", to)
    assert done.returncode == 0, done.stderr
    return to


@pytest.fixture(scope="module")
def site(folder):
    """The folder behind a plain static server. -> its address"""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()


def test_the_folder_has_the_explorers_own_scripts_and_no_picture_of_the_data(folder):
    for path in (ROOT / "app/components/engine").iterdir():
        assert (folder / "engine" / path.name).read_bytes() == path.read_bytes()
    assert not list(folder.rglob("*.png")) and not list(folder.rglob("*.gz")) and not list(folder.rglob("*.partial"))
    about = json.loads((folder / f"engine/graphs/{NAME}/about.json").read_text())
    assert about["state"] == "ready"
    said = {word: says for word, says in json.loads((folder / "models.json").read_text())["models"][0]["card"]}
    assert said["Its map"] == "held-out pictures, 5,000 of 10,000" and said["Licence of the pictures"] == "MIT"
    before = sorted(folder.rglob("*"))
    (folder / "live" / "own" / "gan-grid-0.bin").write_bytes(b"of a publication with other members")
    again = publish(*WORDS, "--to", folder)
    assert again.returncode == 0, again.stderr
    assert sorted(folder.rglob("*")) == before


def test_what_cannot_be_published_is_a_sentence(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me")
    for words, why in {
        (f"checkpoints/{NAME}", "--to", tmp_path): "holds something else",
        ("checkpoints/edges-fashion", "--to", tmp_path / "a"): "translates pictures",
        ("checkpoints/nothing", "--to", tmp_path / "b"): "card.json is missing",
        (f"checkpoints/{NAME}", "elsewhere/x", "--to", tmp_path / "c"): "different folders",
        (f"checkpoints/{NAME}", "--lab", "ali,nobody", "--to", tmp_path / "d"): "there is no member «nobody»",
        (f"checkpoints/{NAME}", "--lab", "triangle", "--to", tmp_path / "e"): "there is no member «triangle»",
    }.items():
        done = publish(*words)
        assert done.returncode == 2 and why in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_it_works_from_a_static_server_and_a_first_visit_is_short(page, site, folder):
    fetched, said = set(), []
    page.on("request", lambda r: r.url.startswith(site) and fetched.add(r.url.removeprefix(site)))
    page.on("console", lambda m: m.type in ("error", "warning") and said.append(m.text))
    begun = time.monotonic()
    page.goto(site)
    page.wait_for_selector(".ali-decode[data-ready]")
    print(f"published page: usable after {time.monotonic() - begun:.1f} s")
    files = [folder / (url.split("?")[0].split("#")[0] or "index.html") for url in fetched]
    size = sum(len(gzip.compress(path.read_bytes(), 6)) for path in files)
    print(f"published page: {size / 1e6:.2f} MB gzipped")
    assert 3_500_000 < size < 6_000_000
    page.evaluate(DRAG, [".ali-decode", [0.2, 0.3], [0.3, 0.4], 5])
    for _ in range(3):  # other work comes and goes; what is asked is what this tab can do
        told = page.evaluate(DRAG, [".ali-decode", [0.3, 0.2], [0.7, 0.8], 60])
        if told["shown"] >= 0.8 * told["frames"]:
            break
    assert told["shown"] >= 0.8 * told["frames"], told
    tray = page.get_by_role("img", name="kept picture A")
    before = tray.evaluate("c => c.toDataURL()")
    page.locator(".ali-decode").press("ArrowDown")
    page.locator(".ali-decode").press("Enter")
    page.wait_for_function("was => document.querySelector('.tray canvas').toDataURL() !== was", arg=before)
    for name, seen in {
        "Path": ".root[data-frame][data-made]",
        "Pad": ".root[data-cell][data-made]",
        "Mirror": ".ali-mirror[data-shown]",
        "Model": "table",
    }.items():
        page.get_by_role("button", name=name, exact=True).click()
        page.locator(seen).wait_for()
        page.wait_for_url(re.compile(f"view={name}"))
    page.get_by_role("button", name="Path", exact=True).click()
    slider = page.get_by_role("slider", name="Frame of the path")
    slider.press("End")
    page.locator('.root[data-frame="24"]').wait_for()
    assert said == []


# ---- lessons and Lab ---------------------------------------------------------------------------------


def test_every_lesson_opens_and_its_recording_waits_for_the_prediction(page, site):
    said = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda m: m.type in ("error", "warning") and said.append(m.text))
    page.goto(f"{site}#view=Lessons&lesson=1")
    for number, lesson in enumerate(LESSONS, 1):
        page.get_by_role("button", name=str(number), exact=True).click()
        page.get_by_role("heading", name=f"{number}. {lesson.title}").wait_for()
        page.wait_for_selector(".root[data-step='0']")
        assert page.locator(".lesson math").count() == 1 and page.get_by_text("Predict first; then it runs.").count()
        assert page.locator(".row").count() == len(lesson.runs)
        page.get_by_role("button", name=lesson.options[lesson.right], exact=True).click()
        page.get_by_text("Right.", exact=True).wait_for()
        page.wait_for_function(
            "() => +document.querySelector('.lab').shadowRoot.querySelector('.root').dataset.step > 0"
        )
    assert "{" not in page.locator(".lesson .text").inner_text() and "lesson=8" in page.url
    assert said == []


def test_what_a_lesson_tries_trains_in_the_tab_as_python_does(page, site):
    lesson = next(i for i, one in enumerate(LESSONS, 1) if one.tries["member"] == "vae")
    page.goto(f"{site}#view=Lab&lesson={lesson}")
    page.wait_for_selector(".root[data-step='0']")
    for k in (1, 2, 3):
        page.get_by_role("button", name="Step both").click()
        page.wait_for_selector(f".root[data-step='{k}']")
    shown = float(page.locator(".numbers dd").nth(3).inner_text())
    run = own.Run({"member": "vae", "data": "grid", "weights": {"kl": LESSONS[lesson - 1].tries["vae.kl"]}})
    loop = train.steps(run.config, run.data, drawn=counter.draw)
    progress = [next(loop) for _ in range(4)][-1]
    _, numbers = scenes.shown(run.scene, progress.nets)
    assert abs(numbers["mse"].item() - shown) < 1e-3


def test_two_members_of_the_readers_choice_train_from_one_seed(page, site):
    asked = []
    page.goto(f"{site}#view=Lab")
    page.get_by_role("button", name="Live", exact=True).click()
    for label, value in {"Member": "vae", "Beside it": "ali", "Data": "ring", "Seed": "1"}.items():
        page.get_by_label(label, exact=True).select_option(value)
    page.get_by_text("Numbers", exact=True).click()
    rate = page.get_by_label("vae: Rate of E and G")
    rate.fill("-3")
    rate.press("Tab")
    page.get_by_text("a number from 0 to 1,000,000 is wanted").wait_for()
    rate.fill("0")  # it does not learn
    rate.press("Tab")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("paused; this tab trains it.").wait_for()
    page.wait_for_selector(".root[data-frames='1']")
    errors = page.locator(".numbers dd:nth-of-type(4)")
    before = errors.all_inner_texts()
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="▶ Play").click()
    page.wait_for_function("() => +document.querySelector('.lab').shadowRoot.querySelector('.root').dataset.step > 3")
    after = errors.all_inner_texts()
    assert after[0] == before[0] and after[1] != before[1]
    assert asked == []
    page.get_by_role("button", name="Map", exact=True).click()
    page.wait_for_selector(".ali-decode[data-ready]")
