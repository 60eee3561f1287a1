"""Networks that run in the browser: the runtime, its scripts, and what is sent of them.

python -m pytest tests/test_engine.py
"""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ali_core.models import runtime
from ali_core.problem import Problem
from app.server import door, engine


@pytest.fixture
def client():
    return TestClient(Starlette(routes=engine.routes))


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An environment of its own, without the runtime. -> where the runtime would be"""
    monkeypatch.setattr(runtime.sys, "prefix", str(tmp_path))
    return tmp_path / "share" / "ali-explorer" / runtime.NAME


def test_another_package_than_the_pinned_one_is_not_kept(kept):
    with pytest.raises(Problem, match="sha512 differs"):
        runtime.keep(b"another")
    assert not kept.exists() and not runtime.installed()


def test_without_the_runtime_it_is_a_sentence_and_with_it_a_packed_file(client, kept):
    name = "ort-wasm-simd-threaded.wasm"
    answer = client.get(f"/{runtime.NAME}/{name}")
    assert (answer.status_code, "python -m ali_core runtime fetches it" in answer.text) == (404, True)
    kept.mkdir(parents=True)
    for file in runtime.FILES:
        (kept / f"{file}.gz").write_bytes(gzip.compress(file.encode()))
    answer = client.get(f"/{runtime.NAME}/{name}")
    assert answer.content == name.encode()  # as the browser unpacks it
    assert answer.headers["content-type"] == "application/wasm" and "immutable" in answer.headers["cache-control"]
    assert client.get(f"/{runtime.NAME}/..%2Fsecret").status_code == 404
    assert runtime.installed()


def test_scripts_are_ours_alone_and_know_the_version(client):
    answer = client.get("/engine.js")
    assert answer.headers["content-type"].startswith("text/javascript") and "worker.js" in answer.text
    for path in ("/door.py", "/..%2Fmap.js", "/nothing.js"):
        assert client.get(path).status_code == 404
    assert f'"{runtime.NAME}/"' in client.get("/runtime.js").text


def test_the_worker_may_run_webassembly_and_no_text():
    assert "'wasm-unsafe-eval'" in door.ENGINE and "'unsafe-eval'" not in door.ENGINE
    assert "blob:" not in door.ENGINE
