"""The lab in a real browser: replays, turns of D, class runs, keys.   python -m pytest tests/test_browser_lab.py"""

import re
from pathlib import Path

import numpy as np
import pytest

from ali_core.lab import own, packs, recordings, scenes
from ali_core.training import counter
from ali_core.training import loop as train
from app import bridge
from app.bridge import live
from app.shared import link
from app.views.lessons.texts import LESSONS

from .conftest import settle

# a change is painted in the next frame: by the one after, it is there, however late a busy machine has it
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def opened(page, address: str):
    """The lab's component once it shows a frame."""
    page.goto(address)
    settle(page)
    root = page.locator(".root[data-step]:not([data-step=''])").first
    root.wait_for()
    return root


def step(root) -> int:
    return int(root.get_attribute("data-step"))


def pixels(root, space: str, lane: int = 0) -> str:
    """What a panel shows once what was asked for is painted, and stays, as a data URL."""
    canvas, shots = root.locator(f'canvas[data-space="{space}"]').nth(lane), [""]

    def still() -> bool:
        root.page.evaluate(PAINTED)
        shots.append(canvas.evaluate("c => c.toDataURL()"))
        return shots[-1] == shots[-2]

    until(root.page, still)
    return shots[-1]


def until(page, condition, seconds: float = 40):
    for _ in range(int(seconds * 10)):
        if value := condition():
            return value
        page.wait_for_timeout(100)
    raise AssertionError("it did not happen in time")


def requests_of(page) -> list[str]:
    """What the page asks from now on, but for Streamlit's messages."""
    seen = []
    page.on("request", lambda request: seen.append(request.url))
    return seen


def test_a_replay_plays_and_scrubs_without_asking_the_server(server, page):
    root = opened(page, f"{server}/lab?show=ali-grid")
    frames = len(recordings.RECORDINGS["ali-grid"].shown)
    assert step(root) == 0 and root.get_attribute("data-frames") == str(frames)
    first = pixels(root, "x")
    asked = requests_of(page)
    slider = root.get_by_role("slider", name="Frame")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    until(page, lambda: step(root) > 0)
    assert pixels(root, "x") != first
    page.keyboard.press("End")
    until(page, lambda: step(root) == 4000)
    page.keyboard.press("Home")
    until(page, lambda: step(root) == 0)
    assert pixels(root, "x") == first
    root.get_by_role("button", name="Play").click()
    until(page, lambda: step(root) > 10)
    root.get_by_role("button", name="Pause").click()
    assert [url for url in asked if "/live/" in url] == []


def test_keys_steer_a_replay(server, page):
    root = opened(page, f"{server}/lab?show=ali-grid")
    root.focus()
    page.keyboard.press("ArrowRight")
    until(page, lambda: step(root) == 1)
    page.keyboard.press("ArrowLeft")
    until(page, lambda: step(root) == 0)
    page.keyboard.press(" ")
    until(page, lambda: step(root) > 3)
    page.keyboard.press(" ")
    here = until(page, lambda: root.get_by_role("button", name="Play").count() and step(root))

    page.wait_for_timeout(600)
    assert step(root) == here
    page.keyboard.press("s")
    note = root.locator(".note")
    until(page, lambda: re.match(r"1 of \d\. Draw", note.inner_text()))
    until(page, lambda: re.match(r"2 of \d\. E encodes", note.inner_text()))
    page.keyboard.press("s")  # pauses
    said = note.inner_text()
    page.wait_for_timeout(2500)
    assert note.inner_text() == said and step(root) == here
    page.keyboard.press("s")
    until(page, lambda: re.match(r"4 of 5\. D learns from them: its loss is \d", note.inner_text()))
    assert step(root) == here  # a replay moves between two steps only
    until(page, lambda: step(root) > here)
    until(page, lambda: "slow=1" in page.url)
    page.keyboard.press(" ")
    until(page, lambda: root.get_by_role("button", name="Slow motion", exact=True).count())


def test_a_link_opens_slow_motion_and_it_ends_with_the_last_frame(server, page):
    root = opened(page, f"{server}/lab?show=gan-grid&slow=1&step=4000")
    until(page, lambda: root.locator(".note").inner_text().startswith("1 of 5. Draw"))
    until(page, lambda: root.get_by_role("button", name="Slow motion", exact=True).count())
    assert step(root) == 4000


def test_layers_places_and_step_stand_in_the_link(server, page):
    root = opened(page, f"{server}/lab?show=ali-grid&step=422")
    assert step(root) == 422
    shown = pixels(root, "x")
    root.get_by_role("button", name="D's belief").click()
    assert pixels(root, "x") != shown
    until(page, lambda: "layers=" in page.url)
    again = page.url
    root.get_by_role("button", name="D's belief").click()
    assert pixels(root, "x") == shown
    latent = root.locator('canvas[data-space="z"]').first
    box = latent.bounding_box()
    latent.click(position={"x": box["width"] * 0.7, "y": box["height"] * 0.3})  # z = (1.2, 1.2)
    until(page, lambda: root.get_attribute("data-z") == "8")
    assert pixels(root, "x") != shown
    until(page, lambda: "z=8" in page.url and "step=422" in page.url)
    root = opened(page, again)
    assert "belief" not in root.get_attribute("data-layers") and step(root) == 422


def test_generated_points_are_orange_where_the_recording_has_them(server, page):
    frames = [packs.unpack(p) for p in packs.read(Path("checkpoints/lab/gan-grid.gz"))]
    low, high = frames[0][0]["bounds_x"]
    last = frames[-1][1]["x_tilde"]
    root = opened(page, f"{server}/lab?show=gan-grid&layers=x_tilde&step=4000")
    assert step(root) == 4000
    orange = root.locator('canvas[data-space="x"]').first.evaluate(
        """(c, places) => { const pen = c.getContext('2d');
        return places.map(([a, b]) => [...pen.getImageData(Math.floor(a * c.width), Math.floor(b * c.height), 1, 1).data]); }""",
        [[(a - low) / (high - low), 1 - (b - low) / (high - low)] for a, b in last.tolist()],
    )
    inside = [c for c, (a, b) in zip(orange, last, strict=True) if max(abs(a), abs(b)) < 0.98 * high]
    assert len(inside) > 200 and all(abs(c[0] - 213) < 30 and c[2] < 60 for c in inside)


def test_two_recordings_keep_the_same_step(server, page):
    root = opened(page, f"{server}/lab?show=ali-grid&beside=alice-grid")
    root.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    until(page, lambda: step(root) > 1)
    steps = root.locator(".numbers").evaluate_all("all => all.map(one => one.children[1].textContent)")
    assert len(steps) == 2 and steps[0] == steps[1]
    assert pixels(root, "x", 0) != pixels(root, "x", 1)


def test_a_class_run_is_the_same_picture_for_all_and_d_alone_moves_d_alone(server, page, browser):
    page.goto(f"{server}/lab?live=1&width=16&seed=5")
    settle(page)
    page.get_by_role("button", name="Class").click()
    page.get_by_role("button", name="Start for a class").click()
    page.locator(".root[data-step='0']").first.wait_for()
    root = page.locator(".root[data-step]").first
    root.get_by_role("button", name="D's belief").click()  # points alone
    points = pixels(root, "x"), pixels(root, "z")
    root.get_by_role("button", name="Step D").click()
    until(page, lambda: step(root) == 1)
    assert (pixels(root, "x"), pixels(root, "z")) == points
    root.get_by_role("button", name="D's belief").click()
    judged = pixels(root, "x")
    page.keyboard.press("d")
    until(page, lambda: step(root) == 2)
    assert pixels(root, "x") != judged
    root.get_by_role("button", name="Step E, G").click()
    until(page, lambda: step(root) == 3)
    root.get_by_role("button", name="D's belief").click()
    assert pixels(root, "x") != points[0] and pixels(root, "z") != points[1]
    root.get_by_role("button", name="D's belief").click()
    until(page, lambda: "run=" in page.url)
    run = re.search(r"run=([\w-]+)", page.url)[1]
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    watcher = context.new_page()
    watcher.set_default_timeout(120_000)
    watched = opened(watcher, f"{server}/lab?live=1&run={run}")
    until(watcher, lambda: step(watched) == 3)
    assert watched.get_by_role("button", name="Play").count() == 0
    assert watched.get_by_role("button", name="Step D").count() == 0
    assert "only who started it steers" in watched.locator(".status").inner_text()
    side = root.locator("canvas[data-space]").first.bounding_box()["width"]
    assert side > 200
    # the same places and colours: the panels differ in size at most
    numbers = [one.locator(".numbers").first.inner_text() for one in (root, watched)]
    assert numbers[0] == numbers[1]
    if side == watched.locator("canvas[data-space]").first.bounding_box()["width"]:
        assert pixels(root, "x") == pixels(watched, "x")
        assert pixels(root, "z") == pixels(watched, "z")
    root.get_by_role("button", name="Play").click()
    until(watcher, lambda: step(watched) > 10)
    page.reload()
    mine = page.locator(".root[data-step]:not([data-step=''])").first
    mine.wait_for()
    until(page, lambda: mine.get_by_role("button", name="Pause").count())
    mine.get_by_role("button", name="Pause").click()
    until(page, lambda: mine.get_by_role("button", name="Play").count())
    context.close()


def test_the_projector_has_keys_and_no_side_bar(server, page):
    root = opened(page, f"{server}/lessons?lesson=2&present=1")
    assert not page.locator('[data-testid="stSidebar"]').is_visible()
    assert root.get_by_role("button", name="Play").count() == 0  # predict first
    page.get_by_text("2. A GAN, and the modes it loses").click()
    page.keyboard.press("6")
    page.get_by_text("6. Sharp, but somebody else").wait_for()
    until(page, lambda: "lesson=6" in page.url)
    settle(page)
    page.get_by_role("button", name="ALICE, below.").click()
    page.get_by_text("Mean squared error at the end").wait_for()
    until(page, lambda: step(page.locator(".root[data-step]").first) > 5)
    assert page.locator('[data-testid="stException"]').count() == 0


def one_player_at_a_time(page, root):
    """Starts slow motion: D's step leaves the error as it is, the next one of E and G does not. -> the note"""
    note, error = root.locator(".note"), root.locator(".numbers dd").nth(3)
    assert "error" in root.locator(".numbers dt").nth(3).inner_text()
    before = error.inner_text()
    root.get_by_role("button", name="Slow motion").click()
    until(page, lambda: "D learns: its loss goes from" in note.inner_text())
    assert (step(root), error.inner_text()) == (1, before)
    until(page, lambda: "E and G learn" in note.inner_text())
    assert step(root) == 2 and error.inner_text() != before
    return note


def test_slow_motion_of_a_live_run_moves_one_player_at_a_time(server, page):
    page.goto(f"{server}/lab?live=1&width=16&seed=6")
    settle(page)
    page.get_by_role("button", name="Class").click()
    page.get_by_role("button", name="Start for a class").click()
    page.locator(".root[data-step='0']").first.wait_for()
    root = page.locator(".root[data-step]").first
    note = one_player_at_a_time(page, root)
    root.get_by_role("button", name="Slow motion").click()  # it stands
    said = note.inner_text()
    page.wait_for_timeout(2500)
    assert (step(root), note.inner_text()) == (2, said)
    page.get_by_role("button", name="End", exact=True).click()


@pytest.mark.parametrize("touch", [True, False])
def test_the_pointer_lights_what_is_pointed_at(server, browser, touch):
    context = browser.new_context(viewport={"width": 1280, "height": 720}, has_touch=touch)
    page = context.new_page()
    page.set_default_timeout(120_000)
    root = opened(page, f"{server}/lessons?lesson=2&present=1")
    page.get_by_role("button", name="Still 17.").click()
    root.get_by_role("button", name="Pointer").wait_for()
    data, codes = (root.locator(f"figure:has([data-space={name}])").first for name in "xz")
    shades = "all => all.map(one => getComputedStyle(one).opacity)"
    if touch:
        root.get_by_role("button", name="Pointer").tap()
        data.locator("canvas").tap()
    else:
        page.keyboard.press("p")
        data.locator("canvas").hover()
    until(page, lambda: codes.evaluate("one => getComputedStyle(one).opacity") == "0.25")
    assert sorted(root.locator(".row > *").evaluate_all(shades)).count("1") == 1
    if touch:
        codes.locator("canvas").tap()
        until(page, lambda: data.evaluate("one => getComputedStyle(one).opacity") == "0.25")
        root.get_by_role("button", name="Pointer").tap()
    else:  # whoever leaves the projector leaves the pointer
        page.get_by_role("button", name="Leave the projector").click()
        root.get_by_role("button", name="Pointer").wait_for(state="hidden")
        data.locator("canvas").hover()
    until(page, lambda: set(root.locator(".row > *").evaluate_all(shades)) == {"1"})
    context.close()


def test_every_lesson_fits_onto_the_projector_with_its_answer(server, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.set_default_timeout(120_000)
    for number, lesson in enumerate(LESSONS, 1):
        opened(page, f"{server}/lessons?lesson={number}&present=1")
        page.get_by_role("button", name=lesson.options[0], exact=True).click()
        page.get_by_text("Try it live").wait_for()
        settle(page)
        below = page.get_by_test_id("stMain").evaluate("m => m.scrollHeight - m.clientHeight")
        assert below <= 0, f"lesson {number} is {below} pixels too high"
    context.close()


def test_the_game_is_played_with_keys(server, page):
    page.goto(f"{server}/guess")
    settle(page)
    for round in range(2, 5):
        page.keyboard.press("3")
        page.get_by_text(f"{round} of 10", exact=True).first.wait_for()
    assert page.get_by_text("The last one was").count() == 1


@pytest.mark.parametrize("path", ["/lab?show=ali-grid", "/lessons?lesson=1"])
def test_calm_readers_see_whole_frames_only(server, browser, path):
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(120_000)
    root = opened(page, f"{server}{path}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [root.locator("canvas.space").nth(k).bounding_box() for k in (0, 1)]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["width"] > 140
    context.close()


# ---- runs that this tab trains -----------------------------------------------------------------------


def begun(page, address: str):
    """The lab's component with a run that the tab trains, at its start."""
    page.goto(address)
    settle(page)
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".root[data-step='0']").first.wait_for()
    return page.locator(".root[data-step]").first


def says(root) -> str:
    return root.locator(".status").inner_text()


def test_a_run_trains_in_this_tab_and_asks_the_server_nothing(server, page):
    root = begun(page, f"{server}/lab?live=1&member=alice&against=ali&width=16&batch=32&seed=5")
    assert "this tab trains it" in says(root) and live.load()["runs"] == 0
    asked = requests_of(page)
    root.get_by_role("button", name="D's belief").click()  # points alone
    points = pixels(root, "x"), pixels(root, "z", 1)
    root.get_by_role("button", name="Step D").click()
    until(page, lambda: step(root) == 1)
    assert (pixels(root, "x"), pixels(root, "z", 1)) == points
    root.get_by_role("button", name="Step E, G").click()
    until(page, lambda: step(root) == 2)
    assert pixels(root, "x") != points[0] and pixels(root, "z", 1) != points[1]
    steps = root.locator(".numbers").evaluate_all("all => all.map(one => one.children[1].textContent)")
    assert steps == ["2", "2"]
    root.get_by_role("button", name="Play").click()
    until(page, lambda: step(root) > 20)
    until(page, lambda: "training in this tab" in says(root))
    root.get_by_role("button", name="Pause").click()
    until(page, lambda: "paused" in says(root))
    root.get_by_role("button", name="Reset").click()
    until(page, lambda: step(root) == 0)
    assert (pixels(root, "x"), pixels(root, "z", 1)) == points
    assert [url for url in asked if "/live/" in url or "/engine/" in url] == []


def test_a_tab_that_is_hidden_pauses_and_another_page_keeps_the_run(server, page):
    root = begun(page, f"{server}/lab?live=1&member=vae&width=16&batch=32")
    root.get_by_role("button", name="Play").click()
    until(page, lambda: step(root) > 20)
    hide = "on => { Object.defineProperty(document, 'hidden', { value: on, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }"
    page.evaluate(hide, True)
    page.evaluate(PAINTED)
    until(page, lambda: [step(root), page.wait_for_timeout(300), step(root)][::2] == [step(root)] * 2)
    here = step(root)
    page.evaluate(hide, False)
    until(page, lambda: step(root) > here)
    page.get_by_role("link", name="Lessons").click()
    page.get_by_text("1. ").first.wait_for()
    page.get_by_role("link", name="Lab", exact=True).click()
    settle(page)
    again = page.locator(".root[data-step]:not([data-step=''])").first
    until(page, lambda: step(again) > here)


def test_slow_motion_in_this_tab_moves_one_player_at_a_time(server, page):
    root = begun(page, f"{server}/lab?live=1&width=16&batch=32&seed=6")
    one_player_at_a_time(page, root)


# in the place of a memory that is full
FULL = """WebAssembly.Memory = class { constructor() { throw new RangeError("WebAssembly.Memory(): could not allocate memory"); } };
WebAssembly.instantiate = WebAssembly.instantiateStreaming = () => Promise.reject(new RangeError(
  "WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance"));
"""
BROKEN = {
    "no WebAssembly": "This browser has no WebAssembly",
    "a file of the runtime is missing": "A file of the runtime for networks is missing on this server",
    "a graph is damaged": "does not load",
    "memory is short": "This tab has not enough memory left for networks",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_tab_that_cannot_train_says_so_and_the_server_does(server, page, broken):
    if broken == "no WebAssembly":
        page.add_init_script("delete globalThis.WebAssembly")
    elif broken == "a graph is damaged":
        page.route("**/graphs/*.onnx", lambda route: route.fulfill(body=b"x"))
    elif broken == "memory is short":
        page.route(
            "**/engine/room.js",
            lambda route: route.fulfill(body=FULL + route.fetch().text(), content_type="text/javascript"),
        )
    else:
        page.route("**/ort-wasm-simd-threaded.wasm", lambda route: route.fulfill(status=404))
    said = BROKEN[broken]
    root = begun(page, f"{server}/lab?live=1&width=16&batch=32&seed=8")
    sentence = page.get_by_test_id("stAlert").inner_text()
    assert said in sentence and "So this run trains on the server." in sentence
    assert "browser watches" in says(root)
    page.get_by_role("button", name="End", exact=True).click()


def test_two_runs_of_one_seed_see_the_same_draws_and_six_starts_leave_one_room(server, page):
    root = begun(page, f"{server}/lab?live=1&member=vae&against=wae&width=16&batch=32&seed=4&layers=x,z")
    assert pixels(root, "z", 0) == pixels(root, "z", 1) and pixels(root, "x", 0) == pixels(root, "x", 1)
    for seed in range(5):
        page.get_by_role("spinbutton", name="Seed").fill(str(seed + 5))
        page.keyboard.press("Enter")
        settle(page)
        page.get_by_role("button", name="Start", exact=True).click()
        settle(page)
    until(page, lambda: "this tab trains it" in says(root) and step(root) == 0)
    until(page, lambda: len([one for one in page.workers if "room.js" in one.url]) == 1)
    root.get_by_role("button", name="Step both").click()
    until(page, lambda: step(root) == 1)
    assert root.locator(".numbers").evaluate_all("all => all.map(one => one.children[1].textContent)") == ["1", "1"]


def test_a_drawing_is_learned_in_this_tab_as_python_learns_it(server, page):
    inked = [64 * (20 + row) + 12 + 3 * row for row in range(20)]
    settings = {"member": "vae", "width": 16, "batch": 8, "data": "mine"}
    words = "&".join(f"{key}={value}" for key, value in settings.items())
    root = begun(page, f"{server}/lab?live=1&{words}&points={link.numbers_form(inked)}")
    for k in (1, 2, 3):
        root.get_by_role("button", name="Step both").click()
        until(page, lambda k=k: step(root) == k)
    drawing = np.zeros((64, 64, 1), np.uint8)
    drawing.reshape(-1)[inked] = 255
    run = own.Run(settings, bridge.lab.points_of(drawing))
    loop = train.steps(run.config, run.data, drawn=counter.draw)
    progress = [next(loop) for _ in range(4)][-1]
    _, numbers = scenes.shown(run.scene, progress.nets)
    names, values = (root.locator(f".numbers {tag}").all_inner_texts() for tag in ("dt", "dd"))
    shown = dict(zip(names, values, strict=True))
    assert abs(numbers["mse"].item() - float(shown["error of x̂"])) < 1e-3
