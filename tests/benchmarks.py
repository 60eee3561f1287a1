"""Speed, with medians and ratios; nothing here passes or fails.   python -m tests.benchmarks [NAME …]

step    training pictures a second of every shipped checkpoint as it was trained, against the plain alternating
        step of the same networks; operations a picture; share of the machine's rate of convolutions
start   server start to first map painted, against Streamlit's hello page and bare Plotly charts
mine    10,000 pictures of 64 pixels of a reader's own, from the files to their map
use     a click on the map to the decoded picture; an upload to the full result; server memory
tab     what a reader's own tab computes a second, beside a Python worker
"""

import io
import itertools
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5


def median(seconds: list[float]) -> str:
    """Median, and smallest to largest."""
    return f"{statistics.median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})"


def step() -> None:
    """See speed.py."""
    from . import speed

    speed.main()


# ---- the app ---------------------------------------------------------------------------------------


def serve(*words: str):
    """Starts Streamlit on a free loopback port. -> process, address"""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    words = [sys.executable, "-m", "streamlit", *words, "--server.headless", "true"]
    words += ["--server.port", str(port), "--server.address", "127.0.0.1"]
    words += ["--browser.gatherUsageStats", "false"]
    log = subprocess.DEVNULL
    return subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log), f"http://127.0.0.1:{port}"


def up(address: str) -> None:
    """Waits until the server answers."""
    for _ in itertools.repeat(None, 1200):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(address)


def browser(playwright):
    """Chromium as the tests start it."""
    from .conftest import FLAGS

    program = shutil.which("chromium") or shutil.which("google-chrome")
    return playwright.chromium.launch(executable_path=program, args=FLAGS)


FLOOR = """
import numpy, streamlit
x, y = numpy.random.default_rng(0).normal(size=(2, {n})).astype("float32")
trace = {{"type": "{kind}", "mode": "markers", "x": x, "y": y}}
streamlit.plotly_chart({{"data": [trace], "layout": {{}}}})
"""


def start() -> None:
    """From the process's start until the map's pixels are there, against Streamlit's hello page.

    Two pages that hold one Plotly chart and nothing else say how much of it is Streamlit's and Plotly's.
    """
    from playwright.sync_api import sync_playwright

    pages = {
        "hello": (["hello"], 'h1, h2, [data-testid="stHeading"]'),
        "map": (["run", "app/main.py"], ".js-plotly-plot .gl-canvas"),
    }
    painted = """() => { const map = document.querySelector(".st-key-map");
        return map && getComputedStyle(map, "::before").backgroundImage.startsWith("url"); }"""
    times = {name: [] for name in ["hello", "map's dots", "map", "1 point", "10,000 points"]}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        for name, n, kind, selector in (
            ("1 point", 1, "scatter", ".main-svg"),
            ("10,000 points", 10_000, "scattergl", ".gl-canvas"),
        ):
            script = Path(folder) / f"{n}.py"
            script.write_text(FLOOR.format(n=n, kind=kind))
            pages[name] = (["run", str(script)], f".js-plotly-plot {selector}")
        chrome = browser(playwright)
        for _ in range(RUNS):
            for name, (words, selector) in pages.items():
                begin = time.perf_counter()
                process, address = serve(*words)
                try:
                    up(address)
                    context = chrome.new_context(viewport={"width": 1280, "height": 720})
                    page = context.new_page()
                    page.goto(address)
                    if name == "map":
                        page.wait_for_function(painted, polling=20, timeout=120_000)
                        times["map's dots"].append(time.perf_counter() - begin)
                    page.wait_for_selector(selector, timeout=120_000, state="attached")
                    times[name].append(time.perf_counter() - begin)
                    context.close()
                finally:
                    process.terminate()
                    process.wait()
        chrome.close()
    # other work on the machine comes and goes: pages are compared within a round
    for name, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, times["hello"], strict=True))
        print(f"start  {name:13} {median(seconds)}: {ratio:.2f}x hello")


def use() -> None:
    """Clicks on empty places until the decoded picture stands there; uploads until all of it does."""
    import numpy as np
    from PIL import Image
    from playwright.sync_api import sync_playwright

    from .conftest import settle
    from .test_browser_map import POSITIONS, listening
    from .test_faces import scene

    process, address = serve("run", "app/main.py")
    try:
        with sync_playwright() as playwright:
            up(address)
            chrome = browser(playwright)
            page = chrome.new_page(viewport={"width": 1280, "height": 720})
            page.goto(address)
            listening(page)
            first = memory(process.pid)
            points = np.array(page.evaluate(POSITIONS))
            places = np.stack(np.meshgrid(*np.linspace(points.min(0), points.max(0), 20).T), -1)
            places = places.reshape(-1, 2)
            away = [np.linalg.norm(points - place, axis=1).min() for place in places]
            clicks = []
            for i in np.argsort(away)[::-1][: RUNS + 1]:
                shown = page.locator('img[alt^="decoded at"]')
                before = shown.get_attribute("alt") if shown.count() else ""
                begin = time.perf_counter()
                page.mouse.click(*places[i])
                page.wait_for_function(
                    """before => { const image = document.querySelector('img[alt^="decoded at"]');
                    return image && image.alt !== before && image.complete; }""",
                    arg=before,
                    polling=10,
                )
                clicks.append(time.perf_counter() - begin)
                settle(page)
            print(f"click  to decoded picture {median(clicks[1:])}; the first {clicks[0]:.1f} s wakes torch")
            for checkpoint, says, drawn in (
                ("toons", "200 pixels a side", lambda i: Image.effect_noise((200, 200), 20 + 9 * i)),
                ("faces", "12 megapixels, a face found", lambda i: scene((1500, 1100 + 9 * i, 700), size=(4000, 3000))),
            ):
                page.goto(f"{address}/reconstruct?checkpoint={checkpoint}&source=Upload")
                page.get_by_text("What it remembers").wait_for()
                settle(page)
                uploads = []
                for i in range(RUNS):
                    content = io.BytesIO()
                    drawn(i).save(content, "jpeg", quality=92)
                    file = {"name": f"n{i}.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}
                    result = 'img[alt^="reconstruction by"]'
                    before = page.locator(result).last.get_attribute("alt")
                    begin = time.perf_counter()
                    page.locator('input[type="file"]').set_input_files(file)
                    page.wait_for_function(
                        """([query, before]) => { const all = [...document.querySelectorAll(query)];
                        return all.length && all.at(-1).alt !== before && all.at(-1).complete; }""",
                        arg=[result, before],
                        polling=10,
                    )
                    uploads.append(time.perf_counter() - begin)
                    settle(page)
                print(f"upload to full result, {says}: {median(uploads)}")
            print(f"memory of the server {first:.0f} MB after the map, {memory(process.pid):.0f} MB after all")
            chrome.close()
    finally:
        process.terminate()
        process.wait()


def mine() -> None:
    """The shipped cartoon heads in other lights, so many times: their map as the Map page has it made."""
    import json

    import numpy as np
    from PIL import Image

    from ali_core.maps import atlas, own

    x = atlas.pictures(ROOT / "checkpoints", atlas.load(ROOT / "checkpoints" / "toons").pictures)
    with tempfile.TemporaryDirectory() as folder:
        (album := Path(folder) / "album").mkdir()
        for number, light in enumerate(np.random.default_rng(0).integers(-12, 13, own.MOST)):
            picture = np.clip(x[number % len(x)].astype(int) + light, 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(album / f"{number:05}.png")
        order = {"checkpoint": "checkpoints/toons", "sources": [str(album)], "names": ["album"], "home": folder}
        begun = time.perf_counter()
        words = [sys.executable, "-m", "ali_core.maps.worker"]
        subprocess.run(
            words, cwd=ROOT, input=json.dumps(order) + "\n", text=True, stdout=subprocess.DEVNULL, check=True
        )
        print(f"mine: {own.MOST:,} pictures of 64 pixels to their map: {time.perf_counter() - begun:.0f} s")


def memory(pid: int) -> float:
    """Resident memory of a process, MB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def tab() -> None:
    """See tab.py."""
    from . import tab

    tab.main(serve, up, browser)


BENCHMARKS = {"step": step, "start": start, "use": use, "mine": mine, "tab": tab}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        BENCHMARKS[name]()
