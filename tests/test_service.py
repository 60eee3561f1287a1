"""The models over HTTP: answers, sentences, limits, and a fuzzer.   python -m pytest tests/test_service.py"""

import base64
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.routing import Mount

from ali_core.models import sheet
from ali_core.models.model import Model, to_bytes
from app.server import door, visitors
from app.service import asked, description, routes

from . import fuzz
from .conftest import ROOT
from .pupils import small

JSON, NPZ, PNG = description.JSON, description.NPZ, description.PNG


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The service for two checkpoints, one of them conditional, behind the door."""
    home = tmp_path_factory.mktemp("checkpoints")
    for name in ("fashion-alice", "mnist-conditional", "pictures"):
        shutil.copytree(ROOT / "checkpoints" / name, home / name)
    (home / "broken").mkdir()
    (home / "broken" / "card.json").write_text("{")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALI_CHECKPOINTS", str(home))
        with small(Mount("/api", routes.app)) as port:
            yield f"http://localhost:{port}/api"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """A pace that these tests do not meet, but for the one that is about it."""
    monkeypatch.setattr(visitors, "asking", visitors.Pace(1000, 1000.0))


def ask(address: str, content: bytes | None = None, kind: str = JSON, accept: str = JSON, **more: str):
    """-> status, headers, body"""
    headers = {"Content-Type": kind, "Accept": accept} | {key.replace("_", "-"): value for key, value in more.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, content, headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def told(address: str, body, **more) -> dict:
    status, _, content = ask(address, json.dumps(body).encode(), **more)
    assert status == 200, content
    return json.loads(content)


def png(x: np.ndarray) -> bytes:
    return sheet.png(sheet.grid(x[None], 1))


def pixels(content: bytes) -> np.ndarray:
    x = np.asarray(Image.open(io.BytesIO(content)))
    return x[..., None] if x.ndim == 2 else x


def npz(**arrays) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def arrays(content: bytes) -> dict[str, np.ndarray]:
    return dict(np.load(io.BytesIO(content)))


@pytest.fixture(scope="module")
def garments() -> np.ndarray:
    """Three pictures that the model of garments makes."""
    return to_bytes(Model.load(ROOT / "checkpoints/fashion-alice").sample(3, seed=4))


def test_the_answers_are_the_models(api, garments):
    model, address = Model.load(ROOT / "checkpoints/fashion-alice"), f"{api}/models/fashion-alice"
    files = {"pictures": [base64.b64encode(png(x)).decode() for x in garments]}
    encoded = told(f"{address}/encode", files)
    mean, sd = model.posterior(garments)
    np.testing.assert_allclose(encoded["codes"], mean, atol=1e-4)
    np.testing.assert_allclose(encoded["sd"], sd, atol=1e-4)
    decoded = told(f"{address}/decode", {"codes": encoded["codes"]})
    made = [pixels(base64.b64decode(one)) for one in decoded["pictures"]]
    np.testing.assert_allclose(made, to_bytes(model.decode(mean)), atol=1)
    remembered = told(f"{address}/reconstruct", files)
    assert [base64.b64decode(one) for one in remembered["seen"]] == [png(x) for x in garments]
    error = ((garments / 255 - model.reconstruct(garments)) ** 2).mean((1, 2, 3))
    np.testing.assert_allclose(remembered["mse"], error, atol=1e-3)
    way = told(f"{address}/interpolate?steps=5", {"codes": encoded["codes"][:2]})
    ends = np.array(way["codes"])[[0, -1]]
    np.testing.assert_allclose(ends, mean[:2], atol=1e-4)
    assert len(way["pictures"]) == 5 and way["pictures"][0] == decoded["pictures"][0]


def test_a_place_is_the_maps(api):
    known = np.load(ROOT / "checkpoints/fashion-alice/atlas.npz")
    found = told(f"{api}/models/fashion-alice/place", {"codes": known["z"][:3].tolist()})
    assert [row[0] for row in found["neighbours"]] == [0, 1, 2]
    np.testing.assert_allclose(found["umap"], known["umap"][:3].astype(float), atol=0.05)
    assert max(row[0] for row in found["distances"]) < 1e-3 < min(row[1] for row in found["distances"])


def test_a_file_an_npz_and_json_say_the_same(api, garments):
    address = f"{api}/models/fashion-alice"
    status, headers, one = ask(f"{address}/reconstruct", png(garments[0]), PNG, PNG)
    assert status == 200 and headers["content-type"] == PNG
    _, _, many = ask(f"{address}/reconstruct", npz(pictures=garments), NPZ, NPZ)
    np.testing.assert_array_equal(pixels(one), arrays(many)["pictures"][0])
    _, _, floats = ask(f"{address}/reconstruct", npz(pictures=garments / 255), NPZ, NPZ)
    np.testing.assert_array_equal(arrays(floats)["pictures"], arrays(many)["pictures"])
    _, _, codes = ask(f"{address}/encode", npz(pictures=garments), NPZ, NPZ)
    _, _, again = ask(f"{address}/decode", codes, NPZ, NPZ)  # an answer is sent on as it is
    np.testing.assert_array_equal(arrays(again)["pictures"], arrays(many)["pictures"])
    _, _, strip = ask(f"{address}/interpolate?steps=7", npz(codes=arrays(codes)["codes"][:2]), NPZ, "image/*")
    assert pixels(strip).shape == (28, 7 * 28, 1)


def test_a_conditional_model_is_told_classes_by_their_names(api):
    address = f"{api}/models/mnist-conditional"
    models = json.loads(ask(f"{api}/models")[2])["models"]
    (about,) = (one for one in models if one["name"] == "mnist-conditional")
    assert about["classes"] == {"1": [str(k) for k in range(10)]} and about["latent"] == len(Z)
    assert [one["name"] for one in models] == ["fashion-alice", "mnist-conditional"]  # none that is broken
    model = Model.load(ROOT / "checkpoints/mnist-conditional")
    for word in ("3", "8"):
        made = told(f"{address}/decode?classes={word}", {"codes": [Z]})
        theirs = to_bytes(model.decode(np.array([Z], np.float32), np.array([[int(word)]])))[0]
        np.testing.assert_allclose(pixels(base64.b64decode(made["pictures"][0])), theirs, atol=1)
        assert made["classes"] == [[word]]
        guessed = told(f"{address}/encode", {"pictures": made["pictures"]})
        assert guessed["classes"] == [[word]]


Z = [0.1] * json.loads((ROOT / "checkpoints/mnist-conditional/card.json").read_text())["config"]["latent"]
CODES = json.dumps({"codes": [Z]}).encode()


def bomb() -> bytes:
    """An .npz of 50 MB of zeros in 50 KB, whose header tells the truth."""
    return npz(codes=np.zeros((64, 10**5)))


def deceiver() -> bytes:
    """An .npz whose array says that it has a terabyte."""
    content = io.BytesIO()
    head = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (64, 2000000000), }".ljust(
        118
    )
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("codes.npy", head)
    return content.getvalue()


@pytest.mark.parametrize(
    ("path", "kind", "content", "status", "says"),
    [
        ("fashion-alice/nothing", JSON, b"{}", 404, "There is no such address"),
        ("nobody/encode", JSON, b"{}", 404, "no model «nobody»"),
        ("broken/encode", JSON, b"{}", 404, "no model «broken»"),
        ("fashion-alice/encode", "text/plain", b"hello", 415, "Send one of application/json"),
        ("fashion-alice/decode", PNG, b"x", 415, "Send one of application/json, application/x-npz"),
        ("fashion-alice/encode", JSON, b"{", 422, "The body cannot be used: "),
        ("fashion-alice/encode", JSON, b"[" * 100_000, 422, "The body cannot be used: "),
        ("fashion-alice/encode", JSON, b'{"pictures": []}', 422, "«pictures» of the body cannot be used"),
        ("fashion-alice/encode", JSON, b'{"pictures": ["aGVsbG8="]}', 422, "“picture 1” is not a picture"),
        ("fashion-alice/encode", PNG, b"hello", 422, "“picture 1” is not a picture"),
        ("fashion-alice/decode", JSON, b'{"codes": [[1, 2]]}', 422, "fashion-alice has codes of"),
        ("fashion-alice/decode", JSON, b'{"codes": [[1e9]]}', 422, "«codes[0][0]» of the body"),
        ("fashion-alice/interpolate", JSON, b'{"codes": [[1]]}', 422, "«codes» of the body"),
        ("fashion-alice/interpolate?steps=1", JSON, b"{}", 422, "«steps» is a number from 2 to 64."),
        ("fashion-alice/encode?class=3", PNG, b"", 422, "«class» is no word of this call; it takes classes."),
        ("fashion-alice/encode?classes=3", PNG, b"x", 422, "fashion-alice is not told classes"),
        ("mnist-conditional/decode", JSON, CODES, 422, "give classes=…, one for each of 1 (0, …)"),
        ("mnist-conditional/decode?classes=cat", JSON, CODES, 422, "«cat» is no class of 1; there are 0, 1, 2"),
        ("mnist-conditional/decode?classes=1&classes=2", JSON, CODES, 422, "is told 1 classes"),
        ("fashion-alice/decode", NPZ, b"hello", 422, "The .npz cannot be read"),
        ("fashion-alice/decode", NPZ, bomb(), 422, "The .npz cannot be read: «codes» is (64, 100000)"),
        ("fashion-alice/decode", NPZ, deceiver(), 422, "The .npz cannot be read: «codes» is (64, 2000000000)"),
        ("fashion-alice/decode", NPZ, npz(x=np.zeros(3)), 422, "The .npz holds no array «codes»."),
        ("fashion-alice/decode", NPZ, npz(codes=np.zeros((65, 64))), 422, "has 65 rows; a call takes 1 to 64."),
        ("fashion-alice/decode", NPZ, npz(codes=np.float64(1)), 422, "has 0 rows; a call takes 1 to 64."),
        ("fashion-alice/encode", NPZ, npz(pictures=np.zeros((1, 9, 9, 1))), 422, "takes pictures of (28, 28, 1)"),
        ("fashion-alice/encode", NPZ, npz(pictures=np.full((1, 28, 28, 1), np.nan)), 422, "brightness 0 to 1"),
        ("fashion-alice/encode", PNG, bytes(11 * 2**20), 413, "A body has 10 MB at most"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(api, path, kind, content, status, says):
    found, headers, body = ask(f"{api}/models/{path}", content, kind)
    assert (found, headers["content-type"]) == (status, JSON), body
    assert list(json.loads(body)) == ["error"] and says in json.loads(body)["error"]


def test_a_form_that_a_call_has_not_is_refused(api):
    status, _, content = ask(f"{api}/models/fashion-alice/encode", b"x", PNG, PNG)
    assert status == 406 and b"application/json, application/x-npz; Accept asks for" in content
    assert ask(f"{api}/models/fashion-alice/encode")[::2] == (
        405,
        b'{"error":"This address is not asked by GET; /api/openapi.json says how."}',
    )
    assert ask(f"{api}/nowhere")[0] == 404 and b"/api/openapi.json lists them." in ask(f"{api}/nowhere")[2]


def test_too_many_classes_to_try_are_refused(api, garments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asked, "TRIES", 20)
        body = npz(pictures=garments)
        status, _, content = ask(f"{api}/models/mnist-conditional/encode", body, NPZ)
        assert status == 422 and "send 2 at a time, or give classes=" in json.loads(content)["error"]
        assert ask(f"{api}/models/mnist-conditional/encode?classes=1", body, NPZ)[0] == 200


def test_the_door_stands_before_it(api, monkeypatch):
    for headers, sentence in (({"Host": "evil.example"}, door.HOST), ({"Origin": "http://evil.example"}, door.ORIGIN)):
        status, told_, content = ask(f"{api}/models/fashion-alice/decode", b"{}", **headers)
        assert status == 403 and json.loads(content) == {"error": sentence}
        assert told_["x-content-type-options"] == "nosniff"
    monkeypatch.setattr(visitors, "pages", visitors.Share(0))  # no page can be opened
    assert ask(f"{api}/models", accept="text/html")[0] == 200
    assert ask(api.removesuffix("/api"), accept="text/html")[0] == 503


def test_who_asks_too_fast_or_too_much_at_once_hears_when_to_come_back(api, monkeypatch):
    monkeypatch.setattr(visitors, "asking", visitors.Pace(3, 0.5))
    found = [ask(f"{api}/models") for _ in range(4)]
    assert [status for status, _, _ in found] == [200, 200, 200, 429]
    assert found[-1][1]["retry-after"] in ("1", "2") and json.loads(found[-1][2])["error"] == routes.HASTE
    monkeypatch.setattr(visitors, "asking", visitors.Pace(1000, 1000.0))
    held = visitors.Share(2)
    monkeypatch.setattr(visitors, "calls", held)
    address, body = f"{api}/models/mnist-conditional/decode?classes=1", CODES
    assert held.take("127.0.0.1") and ask(address, body)[0] == 429  # half of it is theirs
    held.give_back("127.0.0.1")
    assert ask(address, body)[0] == 200 and not held.held
    room = visitors.Uploads(100)
    monkeypatch.setattr(visitors, "uploads", room)
    status, _, content = ask(address, body)
    assert status == 429 and "no room left" in json.loads(content)["error"] and not room.share.held
    monkeypatch.setattr(visitors, "uploads", visitors.Uploads(10**6))
    status, _, content = ask(address, iter([body]))  # in chunks
    assert status == 411 and json.loads(content)["error"] == routes.LENGTH


def test_the_readmes_curl_lines_run(tmp_path, garments):
    if not shutil.which("curl"):
        pytest.fail("no curl") if os.environ.get("CI") == "true" else pytest.skip("curl is not on the PATH")
    from .conftest import serving

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    (curl .+)$", text, re.MULTILINE)
    assert len(lines) == 3
    (tmp_path / "mine.png").write_bytes(png(garments[0]))
    with serving(tmp_path / "log") as address:
        for line in lines:
            words = shlex.split(line.replace("http://localhost:8501", address))
            done = subprocess.run([*words, "--silent", "--show-error", "--fail"], cwd=tmp_path, capture_output=True)
            assert done.returncode == 0, done.stderr
        log = Path(tmp_path / "log").read_text()
    model = Model.load(ROOT / "checkpoints/fashion-alice")
    remembered = to_bytes(model.reconstruct(garments[:1]))[0]
    for name in ("remembered.png", "again.png"):
        np.testing.assert_allclose(pixels((tmp_path / name).read_bytes()), remembered, atol=1)
    assert arrays((tmp_path / "code.npz").read_bytes())["codes"].shape == (1, model.latent)
    assert "Traceback" not in log


def test_a_fuzzer_finds_no_fault(api):
    """What the description allows and what it does not; python -m tests.fuzz goes on for ten minutes."""
    done = fuzz.run("--max-examples", "5", "--phases", "fuzzing", "--seed", "0")
    assert done.returncode == 0, done.stdout[-5000:]
    assert "Tested: 6" in done.stdout  # of seven: it has read the description itself
