"""Whose turn it is: scripts that run, clicks that wait.   python -m pytest tests/test_turns.py"""

import asyncio
import concurrent.futures
import contextlib
import threading

import pytest
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed

from app.server import door, visitors

from .pupils import GREEDY, rerun, small, stream, until


def on_a_loop(coroutine):
    """What a coroutine returns, run in a thread of its own: the browser's tests leave a loop in this one."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


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
            leave.pop(next(iter(leave))).leave()  # the one that has run longest ends
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
        long = await turns.take("long")
        other = await turns.take("other")
        long.leave()  # which it has by itself already
        assert turns.running == {"other": 1}
        other.leave()

    on_a_loop(asyncio.wait_for(both(), 20))


def test_the_greedy_have_one_place_among_them_and_it_rests():
    """Five who clicked without pause had both places at all times, and a core with them."""

    async def both() -> None:
        turns, loop = visitors.Turns(2, 60.0, much=0.05), asyncio.get_running_loop()

        async def have(who: str, seconds: float) -> None:
            place = await turns.take(who)
            await asyncio.sleep(seconds)
            place.leave()

        await have("a", 0.1)
        begun = loop.time()
        both = await turns.take("a"), await turns.take("a")
        assert loop.time() - begun < 0.1 and not any(one.greedy for one in both)  # nobody else is here
        for one in both:
            one.leave()
        await have("b", 0.1)
        kept = await turns.take("a")
        waits = [asyncio.create_task(turns.take(who)) for who in "abab"]
        await asyncio.sleep(0)
        assert kept.greedy and turns.running == {"a": 1} and len(turns.line) == 4  # a place is free all the while
        pupil = await turns.take("pupil")
        assert not pupil.greedy
        pupil.leave()
        await asyncio.sleep(0.1)
        kept.leave()
        begun = loop.time()
        (await turns.take("pupil")).leave()
        assert not turns.running and not any(one.done() for one in waits)
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        assert loop.time() - begun >= 0.09 and [one.result().visitor for one in done] == ["b"]
        while waits:  # everybody's turn comes
            done, waits = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result().leave()

    on_a_loop(asyncio.wait_for(both(), 20))


def test_who_was_greedy_is_forgiven_and_forgotten(monkeypatch):
    monkeypatch.setattr(visitors, "LATE", 0.05)

    async def later() -> visitors.Turns:
        turns = visitors.Turns(2, 60.0, much=0.02)
        for who in "ab":
            place = await turns.take(who)
            await asyncio.sleep(0.04)
            place.leave()
        place = await turns.take("b")
        assert place.greedy
        place.leave()
        while (place := await turns.take("b")).greedy:
            place.leave()
            await asyncio.sleep(0.02)
        place.leave()
        assert set(turns.had) == {"a", "b"}
        await asyncio.sleep(0.12)
        turns.forget()
        return turns

    assert not on_a_loop(asyncio.wait_for(later(), 20)).had


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


def test_a_page_that_clicks_on_and_on_begins_anew_only_while_nobody_waits(monkeypatch):
    """It kept its place for a second of clicks, forty runs of its script, while everybody else waited."""
    monkeypatch.setattr(visitors, "scripts", visitors.Turns(1, 60.0))
    heard, ended = [], threading.Event()
    again, end = rerun("again", ""), ForwardMsg(script_finished=ForwardMsg.FINISHED_SUCCESSFULLY)

    async def hear(websocket):
        async def finish():
            while not ended.is_set():
                await asyncio.sleep(0.01)
            await websocket.send_bytes(end.SerializeToString())

        await websocket.accept()
        finishing = asyncio.create_task(finish())
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                heard.append(await websocket.receive_bytes())
                if heard[-1] == rerun("pupil", ""):
                    await websocket.send_bytes(end.SerializeToString())
        finishing.cancel()

    with small(WebSocketRoute("/_stcore/stream", hear)) as port:
        address = f"http://localhost:{port}"
        with stream(address, source_address=(GREEDY, 0)) as greedy, stream(address) as pupil:
            for k in (1, 2, 3):
                greedy.send(again)
                until(lambda k=k: heard == [again] * k)
            pupil.send(rerun("pupil", ""))
            until(lambda: visitors.scripts.wanted(GREEDY))
            greedy.send(again)
            greedy.send(b"more")  # comes in turn, behind it
            ended.set()
            until(lambda: len(heard) == 6)
        assert heard == [again] * 3 + [rerun("pupil", ""), again, b"more"]


def test_a_page_whose_time_is_over_waits_for_its_next_turn(monkeypatch):
    """A place that time gave back was the page's for ever: it ran its script again and again without one."""
    monkeypatch.setattr(visitors, "scripts", visitors.Turns(1, 0.05))
    heard = []
    with small(WebSocketRoute("/_stcore/stream", page(heard))) as port:
        address = f"http://localhost:{port}"
        with stream(address, source_address=(GREEDY, 0)) as long, stream(address) as other:
            long.send(rerun("1", ""))
            until(lambda: heard and not visitors.scripts.running)
            visitors.scripts.longest = 60.0
            other.send(rerun("other", ""))
            until(lambda: len(heard) == 2)
            long.send(rerun("2", ""))
            until(lambda: [who for who, _ in visitors.scripts.line] == [GREEDY])
        until(lambda: not visitors.scripts.running and not visitors.scripts.line)
    assert heard[:2] == [rerun("1", ""), rerun("other", "")]


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
