"""What the server holds for whom, and whose turn it is.   python -m pytest tests/test_shares.py"""

import asyncio
import concurrent.futures
import contextlib
import http.client
import socket
import threading
import types
import urllib.request

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.server import door, patience, visitors

from .pupils import GREEDY, Pupil, body, closed, get, rerun, small, stream, until


def on_a_loop(coroutine):
    """What a coroutine returns, run in a thread of its own: the browser's tests leave a loop in this one."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


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


def test_a_burst_is_free_and_the_rest_waits_alone():
    async def times() -> list[float]:
        pace, loop = visitors.Pace(10, 50.0), asyncio.get_running_loop()
        begun = loop.time()
        for _ in range(10):
            await pace.turn("many")
        first = loop.time() - begun
        for _ in range(10):
            await pace.turn("many")
        then = loop.time() - begun
        with pytest.raises(StopIteration):
            pace.turn("one").send(None)  # it returns without having waited for anything
        assert set(pace.due) == {"many", "one"}
        return [first, then]

    first, then = on_a_loop(times())
    assert then >= 0.18 and first < then


def test_who_clicks_without_pause_waits_for_themselves():
    """Scripts of one visitor's thirty pages ran all at once, and everybody's took thirty times as long."""

    async def order() -> tuple[list[str], dict]:
        turns, served, leave = visitors.Turns(2, 60.0), [], {}

        async def script(name: str) -> None:
            leave[name] = await turns.take(name[0])
            served.append(name)

        tasks = [asyncio.create_task(script(f"{who}{k}")) for k in range(5) for who in "ab"]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(script("pupil")))
        tasks.append(asyncio.create_task(script("gone")))
        await asyncio.sleep(0)
        assert served == ["a0", "b0"]  # two at once, and no more
        tasks.pop().cancel()
        while leave:
            leave.pop(next(iter(leave)))()  # the one that has run longest ends
            for _ in range(3):
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        return served, turns

    served, turns = on_a_loop(order())
    assert served[2] == "pupil" and sorted(served[:2]) == ["a0", "b0"]
    assert [name[0] for name in served].count("a") == 5 and len(served) == 11
    assert not turns.running and not turns.line and not turns.served


def test_a_long_script_gives_its_place_up():
    async def both() -> None:
        turns = visitors.Turns(1, 0.05)
        leave = await turns.take("long")
        other = await turns.take("other")
        leave()  # which it has by itself already
        assert turns.running == {"other": 1}
        other()

    on_a_loop(asyncio.wait_for(both(), 20))


def page(heard: list, ends: int = 0):
    """A page that keeps what it hears, and says after so many messages that a script has ended."""

    async def hear(websocket):
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                heard.append(await websocket.receive_bytes())
                if len(heard) == ends:
                    end = ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)
                    await websocket.send_bytes(end.SerializeToString())

    return hear


def test_who_leaves_while_waiting_takes_no_turn(monkeypatch):
    """One who opened, clicked and closed pages had a script run for each, and everybody waited for those."""
    monkeypatch.setattr(visitors, "scripts", visitors.Turns(1, 60.0))
    heard = []
    with small(WebSocketRoute("/_stcore/stream", page(heard, ends=2))) as port:
        address = f"http://localhost:{port}"
        with stream(address) as one, stream(address) as other:
            one.send(rerun("1", ""))
            until(lambda: heard == [rerun("1", "")])
            with stream(address, source_address=(GREEDY, 0)) as gone:
                gone.send(rerun("gone", ""))
                until(lambda: [who for who, _ in visitors.scripts.line] == [GREEDY])
            until(lambda: not visitors.scripts.line)
            other.send(rerun("2", ""))
            until(lambda: len(visitors.scripts.line) == 1)
            one.send(rerun("1 again", ""))  # of a script that runs: at once
            until(lambda: len(heard) == 3)
            assert heard == [rerun("1", ""), rerun("1 again", ""), rerun("2", "")]
        until(lambda: not visitors.scripts.running and not visitors.pages.held)


def test_what_a_page_leaves_unread_when_it_goes_is_dropped():
    """Clicks without pause had their scripts run for an hour after the pages had been closed."""
    heard, read_on = [], threading.Event()

    async def page(websocket):
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                heard.append(await websocket.receive_bytes())
                while not read_on.is_set():
                    await asyncio.sleep(0.01)
        heard.append("gone")

    with small(WebSocketRoute("/_stcore/stream", page)) as port:
        with stream(f"http://localhost:{port}", close_timeout=2) as gone:
            for k in range(5):
                gone.send(b"%d" % k)
            until(lambda: heard == [b"0"])
        read_on.set()
        until(lambda: "gone" in heard)
        assert heard == [b"0", "gone"]
        until(lambda: not visitors.pages.held)


def test_who_sends_faster_than_anybody_clicks_is_shown_out(monkeypatch):
    monkeypatch.setattr(visitors, "scripts", visitors.Turns(1, 60.0))
    heard = []
    with small(WebSocketRoute("/_stcore/stream", page(heard))) as port:
        address = f"http://localhost:{port}"
        with stream(address) as one, stream(address, source_address=(GREEDY, 0)) as many:
            one.send(rerun("first", ""))
            until(lambda: heard)
            with contextlib.suppress(ConnectionClosed):
                for k in range(door.WAITING + 10):
                    many.send(rerun(str(k), ""))
            with pytest.raises(ConnectionClosed) as shown_out:
                many.recv(timeout=20)
            assert (shown_out.value.rcvd.code, shown_out.value.rcvd.reason) == (1008, door.HASTE)
            until(lambda: GREEDY not in visitors.pages.held and not visitors.scripts.line)
            one.send(b"here")
            until(lambda: len(heard) == 2)
        assert heard == [rerun("first", ""), b"here"]


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
        found = [greedy.upload(f"file{k}", size) for k in range(20)]
        kept = [status for status, _ in found].count(204)
        assert kept == 14 and set(found[14:]) == {(429, door.ROOM)}  # half of 256 MB
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
