"""What the server holds for whom.   python -m pytest tests/test_shares.py"""

import asyncio
import concurrent.futures
import contextlib
import gc
import http.client
import socket
import types
import urllib.request
import weakref

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from websockets.exceptions import InvalidStatus

from app.server import door, memory, patience, visitors

from .pupils import GREEDY, Pupil, body, closed, get, small, stream, until


def test_nobody_holds_more_than_is_left_for_all_others():
    share = visitors.Share(60)
    five = [f"greedy {k}" for k in range(5)]
    while any([share.take(one) for one in five]):
        pass
    assert {share.held[one] for one in five} == {10} and share.left() == 10
    assert all(share.take(f"pupil {k}") for k in range(10)) and not share.take("pupil 10")
    for one in five:
        share.give_back(one, 10)
    assert share.left() == 50 and set(share.held) == {f"pupil {k}" for k in range(10)}
    alone = visitors.Share(60)
    while alone.take("a class behind one address"):
        pass
    assert alone.held.total() == 30 and alone.take("somebody else")


def test_an_address_of_ipv6_is_its_household():
    assert visitors.named("2001:db8:1:2:3:4:5:6") == visitors.named("2001:db8:1:2::9")
    assert visitors.named("2001:db8:1:3::9") != visitors.named("2001:db8:1:2::9")
    assert visitors.named("::ffff:10.0.0.7") == visitors.named("10.0.0.7") == "10.0.0.7"
    assert visitors.named(None) == visitors.named("127.0.0.1")


def test_libraries_are_walked_over_only_where_nobody_waits():
    class Session:
        def __init__(self):
            self.myself = self

    def is_kept(one: weakref.ref, modules: int, alone: bool) -> bool:
        memory.collect(modules, alone)
        return one() is not None

    try:
        modules = memory.collect(0, alone=False)
        assert gc.get_freeze_count() > 10_000 > len(gc.get_objects())
        gone = weakref.ref(Session())
        assert not is_kept(gone, modules, alone=False)
        here = Session()
        assert memory.collect(0, alone=False) == modules
        left = weakref.ref(here)
        del here
        assert is_kept(left, modules, alone=False) and not is_kept(left, modules, alone=True)
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


@pytest.fixture
def few(monkeypatch):
    """Shares so small that a test can take them all."""
    for name in ("connections", "pages", "polls"):
        monkeypatch.setattr(visitors, name, visitors.Share(6))
    monkeypatch.setattr(patience, "connections", visitors.Share(40))
    monkeypatch.setattr(patience, "ROUND", 0.05)


def answer(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body that the greedy one gets."""
    line = http.client.HTTPConnection("localhost", port, source_address=(GREEDY, 0))
    line.request("GET", path, headers=headers)
    response = line.getresponse()
    return response.status, response.read()


def test_pages_and_polls_of_one_visitor_leave_room_for_others(few):
    poll, home = asyncio.Event(), PlainTextResponse("page")

    async def frames(request):
        await poll.wait()
        return PlainTextResponse("news")

    async def socket_(websocket):
        await websocket.accept()
        with contextlib.suppress(Exception):
            await websocket.receive_bytes()

    routes = [Route("/live/frames", frames), Route("/", home), WebSocketRoute("/_stcore/stream", socket_)]
    with small(*routes) as port, contextlib.ExitStack() as held:
        address, greedy = f"http://localhost:{port}", {"source_address": (GREEDY, 0)}
        for _ in range(3):
            held.enter_context(stream(address, **greedy))
        with pytest.raises(InvalidStatus) as refused, stream(address, **greedy):
            pass
        assert refused.value.response.status_code == 429
        assert refused.value.response.body == door.PAGES.encode()
        assert answer(port, "/", Accept="text/html") == (503, door.PAGES.encode())
        assert get(address, Accept="text/html")[2] == b"page"
        with stream(address):
            pass
        lines = [http.client.HTTPConnection("localhost", port, **greedy) for _ in range(3)]
        for one in lines:
            one.request("GET", "/live/frames")
        until(lambda: visitors.polls.held[GREEDY] == 3)
        assert answer(port, "/live/frames") == (429, door.POLLS.encode())
        with concurrent.futures.ThreadPoolExecutor() as pool:
            other = pool.submit(get, address, "/live/frames")
            until(lambda: visitors.polls.held["127.0.0.1"] == 1)
            poll._loop.call_soon_threadsafe(poll.set)
            assert other.result(20)[2] == b"news"
        assert [one.getresponse().read() for one in lines] == [b"news"] * 3
        until(lambda: not visitors.polls.held)
    until(lambda: not visitors.pages.held)


def test_connections_of_one_visitor_leave_room_for_others(few, monkeypatch):
    monkeypatch.setattr(patience, "connections", visitors.Share(6))
    with small(Route("/", body, methods=["POST"])) as port:
        lines = [socket.create_connection(("localhost", port), source_address=(GREEDY, 0)) for _ in range(3)]
        until(lambda: patience.connections.held[GREEDY] == 3)
        with socket.create_connection(("localhost", port), source_address=(GREEDY, 0)) as more:
            assert closed(more) == patience.FULL
        assert urllib.request.urlopen(f"http://localhost:{port}", data=b"abc").read() == b"3"
        for line in lines:
            line.close()
        until(lambda: not patience.connections.held[GREEDY])


def test_uploads_of_one_visitor_leave_room_for_others_and_are_given_back(watched):
    """60 files of 9 MB held 530 MB."""
    address, size = watched[0], 9 * 2**20
    with Pupil(address, GREEDY) as greedy, Pupil(address, "127.0.0.1") as pupil:
        answers = [greedy.upload(f"file{k}", size) for k in range(20)]
        kept = [status for status, _ in answers].count(204)
        assert kept == 14 and set(answers[14:]) == {(429, door.ROOM)}  # half of 256 MB
        assert pupil.upload("one", size) == (204, "") and pupil.upload("two", size) == (204, "")
        assert greedy.upload("file0", 0, "DELETE")[0] == 204
        assert greedy.upload("small", 2**20) == (204, "")
        headers = {"Transfer-Encoding": "chunked"}
        path = f"/_stcore/upload_file/{pupil.session}/chunks"
        assert pupil.ask("PUT", path, iter([b"x"]), **headers)[::2] == (411, door.LENGTH.encode())


def test_the_uploads_of_who_has_left_are_let_go(monkeypatch):
    """Streamlit kept them until somebody else came and went."""
    manager, here = MemoryUploadedFileManager("/upload"), {"a", "b"}
    server = types.SimpleNamespace(uploaded_file_mgr=manager, is_active_session=here.__contains__)
    monkeypatch.setattr(visitors.runtime, "get_instance", lambda: server)
    uploads = visitors.Uploads(1000)
    for session_ in "ab":
        assert uploads.begin("pupil", 100)
        manager.add_file(session_, UploadedFileRec("1", "f.png", "image/png", bytes(100)))
        uploads.end("pupil", 100, (session_, "1"), True)
    assert uploads.begin("pupil", 50)
    uploads.end("pupil", 50, ("b", "2"), False)
    uploads.tidy()
    assert uploads.share.held["pupil"] == 200
    here.remove("a")
    uploads.tidy()
    assert manager.get_files("a", ["1"])  # a reload may still come back to it
    uploads.tidy()
    assert not manager.get_files("a", ["1"]) and manager.get_files("b", ["1"])
    assert uploads.share.held["pupil"] == 100
