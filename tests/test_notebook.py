"""A checkpoint in a notebook: the widget's answers, an executed notebook, marimo in Chromium.

python -m pytest tests/test_notebook.py
"""

import contextlib
import os
import socket
import subprocess
import sys
import urllib.request

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import ali_core
from ali_core.models import sheet
from ali_core.models.model import to_bytes

from .conftest import ROOT
from .pupils import until

EXAMPLE = ROOT / "ali_core" / "notebook" / "explore.ipynb"
NOTEBOOK = """
import marimo
app = marimo.App()

@app.cell
def _():
    import marimo as mo
    import ali_core
    view = mo.ui.anywidget(ali_core.widget(ali_core.load({folder!r})))
    view
    return (view,)
"""


@pytest.fixture(scope="module")
def model():
    return ali_core.load(ROOT / "checkpoints/fashion-alice")


class Asked:
    """A widget whose answers are read where they go out."""

    def __init__(self, view):
        self.view, self.said = view, []
        view.send = lambda content, buffers: self.said.append((content, buffers))

    def __call__(self, ask: str, *buffers: bytes, **more):
        self.view._handle_custom_msg({"id": 7, "ask": ask, **more}, list(buffers))
        return self.said.pop()


def png(x: np.ndarray) -> bytes:
    return sheet.png(sheet.grid(x[None], 1))


def test_a_place_two_ends_and_their_path(model):
    view = ali_core.widget(model)
    ask, at = Asked(view), view.map.umap
    said, (shown,) = ask("place", xy=at[3].tolist())
    assert said["id"] == 7 and len(shown) == 28 * 28 and view.codes is None and view.path is None
    error = ((np.frombuffer(shown, np.uint8) / 255 - model.decode(view.map.z[3:4]).ravel()) ** 2).mean()
    others = ((model.decode(view.map.z[4:40]).reshape(36, -1) - np.frombuffer(shown, np.uint8) / 255) ** 2).mean(1)
    assert error < others.min()
    assert [ask("keep", xy=at[i].tolist())[0]["kept"] for i in (3, 9, 5)] == [0, 1, 0]  # the older one goes
    _, (path,) = ask("path")
    assert path == view.path.tobytes() and view.path.shape == (24, 28, 28, 1)
    np.testing.assert_array_equal(view.path[[0, -1]], to_bytes(model.decode(view.codes)))


def test_an_own_picture_is_placed_and_kept(model):
    view = ali_core.widget(model)
    ask, x = Asked(view), to_bytes(model.sample(1, seed=3))[0]
    said, (seen, made) = ask("picture", png(x), name="mine.png")
    assert seen == x.tobytes() == view.picture.tobytes() and said["kept"] == 0
    np.testing.assert_allclose(view.code, model.encode(x[None])[0], atol=1e-5)
    assert made == to_bytes(model.decode(view.code[None])).tobytes()
    assert (np.array(said["xy"]) >= view.map.umap.min(0)).all() and (np.array(said["xy"]) <= view.map.umap.max(0)).all()


def test_a_conditional_model_is_told_the_class_of_the_place():
    model = ali_core.load(ROOT / "checkpoints/mnist-conditional")
    view = ali_core.widget(model)
    ask = Asked(view)
    kept = [int(np.flatnonzero(view.map.y == label)[0]) for label in (1, 7)]
    for index in kept:
        ask("keep", xy=view.map.umap[index].tolist())
    told = [end[1].tolist() for end in view.ends]
    assert all(0 <= y[0] < 10 for y in told) and view.path.shape == (24, 28, 28, 1)
    last = to_bytes(model.decode(view.codes[1:], np.array(told[1:])))[0]
    np.testing.assert_array_equal(view.path[-1], last)


@pytest.mark.parametrize(
    ("ask", "more", "buffers", "says"),
    [
        ("place", {"xy": [float("nan"), 0]}, (), "That is no place on the map."),
        ("place", {}, (), "The widget was asked something strange"),
        ("dance", {"xy": [0, 0]}, (), "The widget was asked something strange"),
        ("picture", {}, (b"hello",), "is not a picture that can be read"),
    ],
)
def test_what_the_widget_cannot_do_is_a_sentence(model, ask, more, buffers, says):
    said, shown = Asked(ali_core.widget(model))(ask, *buffers, **more)
    assert says in said["problem"] and said["id"] == 7 and shown == []


def test_a_model_without_a_map_has_no_widget():
    with pytest.raises(ali_core.Problem, match="edges-fashion has no map of pictures"):
        ali_core.widget(ali_core.load(ROOT / "checkpoints/edges-fashion"))


def test_without_the_library_it_says_what_to_install():
    code = "import sys; sys.modules['anywidget'] = None; import ali_core; ali_core.widget(None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stderr.strip().endswith("pip install anywidget")


def test_the_example_runs(tmp_path, monkeypatch):
    """Kept without outputs; executed anywhere, it ends in a widget and a strip."""
    notebook = nbformat.read(EXAMPLE, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}})
    client.execute()
    shown = [set(out.get("data", ())) for cell in notebook.cells for out in cell.get("outputs", ())]
    assert any("application/vnd.jupyter.widget-view+json" in one for one in shown)
    assert any("image/png" in one for one in shown)


@contextlib.contextmanager
def marimo(folder):
    """A marimo notebook with the widget, as an app on this machine. -> its address"""
    (folder / "notebook.py").write_text(NOTEBOOK.format(folder=str(ROOT / "checkpoints/fashion-alice")))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["run", str(folder / "notebook.py"), "--headless", "--no-token", "--host", "localhost", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("w") as log:
        app = subprocess.Popen(
            [sys.executable, "-m", "marimo", *words], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:

        def there() -> bool:
            with contextlib.suppress(OSError):
                return urllib.request.urlopen(f"http://localhost:{port}/health").status == 200
            assert app.poll() is None, (folder / "log").read_text()
            return False

        until(there, 120)
        yield f"http://localhost:{port}"
    finally:
        app.terminate()
        app.wait(20)


def test_it_runs_in_marimo(page, tmp_path, model):
    with marimo(tmp_path) as address:
        page.goto(address)
        widget = page.locator(".ali")
        widget.wait_for()
        shown = widget.locator("canvas[role=img]")
        assert shown.first.get_attribute("aria-label") == "Here: nothing yet"
        widget.locator(".map canvas").hover(position={"x": 150, "y": 200})
        says = widget.locator("[role=status]")
        widget.locator("canvas[aria-label^='Here: ']:not([aria-label$='nothing yet'])").wait_for()
        assert says.text_content().startswith("Here: ")
        slider = widget.locator("input[type=range]")
        assert slider.is_disabled()
        widget.locator(".map canvas").click(position={"x": 150, "y": 200})
        widget.locator("canvas[aria-label^='A: ']:not([aria-label$='nothing yet'])").wait_for()
        (tmp_path / "mine.png").write_bytes(png(to_bytes(model.sample(1, seed=3))[0]))
        widget.locator("input[type=file]").set_input_files(tmp_path / "mine.png")
        widget.locator("canvas[aria-label='Remembered: what the model remembers of it']").wait_for()
        widget.locator("canvas[aria-label='Between: step 1 of 24 from A to B']").wait_for()
        slider.press("End")
        widget.locator("canvas[aria-label='Between: step 24 of 24 from A to B']").wait_for()
        pixels = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0)"
        assert widget.locator(".strip canvas").evaluate(pixels) == widget.locator("canvas[aria-label^='B: ']").evaluate(
            pixels
        )
        assert widget.locator(".strip canvas").evaluate(pixels) != widget.locator("canvas[aria-label^='A: ']").evaluate(
            pixels
        )
        widget.locator(".map canvas").press("ArrowRight")  # the keys do the same
        widget.locator(".map canvas").press("Enter")
        says.get_by_text("Kept as A: ").wait_for()
        (tmp_path / "no.png").write_bytes(b"hello")
        widget.locator("input[type=file]").set_input_files(tmp_path / "no.png")
        says.get_by_text("is not a picture that can be read").wait_for()
        page.screenshot(path=tmp_path / "widget.png", full_page=True)
