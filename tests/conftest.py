"""Fixtures that the browser tests share: the app on a free port, and a page of a real Chromium."""

import collections
import contextlib
import dataclasses
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch

from ali_core.measure import held
from ali_core.models import checkpoint, graph, runtime
from ali_core.nets import imagenet

# the app's pages ask for one thread; a test that trains must find the same alone as after them
torch.set_num_threads(1)

ROOT = Path(__file__).parents[1]
# software WebGL, and nothing that calls home
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # a camera that shows a moving pattern, allowed
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


# records, in a process of its own and in what that starts, every address outside the machine that is asked
WATCH = """
import os, sys
HOME = {None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::", b"localhost"}

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else ""
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if host not in HOME:
        with open(os.environ["ASKED"], "a") as file:
            print(event, host, file=file)

sys.addaudithook(watch)
with open(os.environ["ASKED"], "a") as file:
    print("watching", file=file)
"""


def pytest_collection_modifyitems(items):
    """Files of browser tests first: they take longest, and one of them at the end would keep a worker waiting."""
    items.sort(key=lambda item: not item.path.name.startswith("test_browser_"))


@pytest.fixture(scope="session", autouse=True)
def visits_are_cheap():
    """Streamlit's test client looks through all installed packages and compiles the pages, at every visit: once will do."""
    if "streamlit.testing.v1" not in sys.modules:  # nobody here visits
        yield
        return
    from streamlit.components.v2 import manifest_scanner
    from streamlit.testing.v1 import app_test, local_script_runner

    compiled = local_script_runner.ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            manifest_scanner, "scan_component_manifests", functools.cache(manifest_scanner.scan_component_manifests)
        )
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", lambda: compiled)
        yield


@pytest.fixture(scope="session", autouse=True)
def imagenet_is_quick():
    """Small pictures and few samples for it: 10,000 of the real size take minutes, whatever is measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(imagenet, "SIDE", 32)
        patch.setattr(held, "SAMPLES", 100)
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of the app, started as a reader starts it; a tab makes its own pictures from the first test on."""
    for name in ("fashion-alice", "toons"):
        if runtime.installed() and graph.about(f"checkpoints/{name}") is None:
            subprocess.run([sys.executable, "-m", "ali_core", "export", f"checkpoints/{name}"], cwd=ROOT, check=True)
    with serving(tmp_path_factory.mktemp("server") / "server.log") as address:
        yield address


@pytest.fixture(scope="session")
def watched(tmp_path_factory):
    """The app as a class opens it, and all that it asks of others. -> address, its log, the file of what was asked"""
    home = tmp_path_factory.mktemp("watched")
    (home / "sitecustomize.py").write_text(WATCH)
    log, asked = home / "log", home / "asked"
    environment = {"PYTHONPATH": str(home), "ASKED": str(asked)}
    words = ("streamlit", "run", "app/main.py", "--server.address", "0.0.0.0")
    with serving(log, *words, **environment) as address:
        yield address, log, asked


@contextlib.contextmanager
def serving(log: Path, *command: str, **environment: str):
    """The app on a free port, or what another command starts on it. -> its address"""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [*(command or ("streamlit", "run", "app/main.py")), "--server.port", str(port)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    with log.open("w") as file:
        app = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            base = f"http://localhost:{port}"
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"{base}/_stcore/health")
                    break
                except OSError:
                    assert app.poll() is None, log.read_text()
                    time.sleep(0.2)
            yield base
        finally:
            app.terminate()
            app.wait(20)


@pytest.fixture(scope="session")
def browser():
    """Chromium; without one the tests fail in CI and are skipped elsewhere."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        sentence = "neither chromium nor google-chrome is on the PATH; install one to run these"
        pytest.fail(sentence) if os.environ.get("CI") == "true" else pytest.skip(sentence)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def context(browser):
    """One reader's browser, 1280x720, which keeps the explorer's scripts from test to test, as a reader's does."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    yield context
    context.close()


@pytest.fixture
def page(context):
    """A fresh tab; a test whose page calls another host fails."""
    page = context.new_page()
    page.set_default_timeout(120_000)  # a busy machine paints slowly
    outside = []
    page.on("request", lambda r: "//localhost" in r.url or outside.append(r.url))
    yield page
    for each in context.pages:  # and what a test has opened from it
        each.close()
    context.clear_cookies()
    calls = [url for url in outside if not url.startswith(("blob:", "data:"))]
    assert not calls, f"requests left the machine: {calls}"


@pytest.fixture(scope="session")
def translators(tmp_path_factory) -> Path:
    """A folder of tiny translators beside a plain and a conditional checkpoint that ship.

    "squares": from full squares to their frames, grey, true pairs in its gallery; "colours": the same in
    colour, of 16 pixels, its gallery made by the model.
    """
    from ali_core.config import parse
    from ali_core.data import datasets
    from ali_core.measure import translation
    from ali_core.models import release
    from ali_core.models.model import Model
    from ali_core.training import loop

    root = tmp_path_factory.mktemp("translators")
    checkpoints = root / "checkpoints"
    for name in ("fashion-alice", "mnist-conditional", "pictures"):
        shutil.copytree(ROOT / "checkpoints" / name, checkpoints / name)
    rng, n = np.random.default_rng(0), 600
    for name, side, channels, licence in (("squares", 28, 1, "MIT"), ("colours", 16, 3, "unknown")):
        full = np.zeros((n, side, side, channels), np.uint8)
        frames = full.copy()
        for k, (row, column) in enumerate(rng.integers(1, side // 2, (n, 2))):
            high, wide = rng.integers(4, side // 2 - 1, 2)
            full[k, row : row + high, column : column + wide] = rng.integers(128, 256, channels)
            frames[k, row : row + high, column : column + wide] = 255
            frames[k, row + 1 : row + high - 1, column + 1 : column + wide - 1] = 0
        file = root / f"{name}.npz"
        np.savez(file, images=full, images_b=frames, labels=np.arange(n) % 3)
        words = ["member=alice-cycles", "width=4", "batch=16", "steps=12", "lr=2e-3"]
        config = parse([f"name={name}", f"data={file}", "domains=squares, frames", *words])
        held = dataclasses.replace(datasets.load(config.data), licence=licence)
        progress = collections.deque(loop.train(config, held), maxlen=1).pop()
        release.write_checkpoint(checkpoints / name, config, held, progress, 1.0)
        model = Model.load(checkpoints / name)
        translation.write_gallery(checkpoints / name, model, held)
        checkpoint.update_card(checkpoints / name, metrics=translation.measure(model, held, ()))
    return checkpoints


def settle(page) -> None:
    """Waits until the script has run and nothing is pending for 300 ms."""
    page.wait_for_function(
        """call => { const app = document.querySelector('[data-testid="stApp"]');
        const busy = !app || app.getAttribute('data-test-script-state') === 'running'
            || !document.querySelector('[data-testid="stMain"] [data-testid="stElementContainer"]')
            || document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"]');
        if (window.call !== call) { window.call = call; window.quiet = 0; }  // each call waits anew
        if (busy) { window.quiet = 0; return false; }
        window.quiet ||= Date.now();
        return Date.now() - window.quiet > 300; }""",
        arg=time.monotonic(),
        polling=50,
    )
