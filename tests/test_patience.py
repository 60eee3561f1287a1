"""How long the server waits for whom.   python -m pytest tests/test_patience.py"""

import asyncio
import http.client
import socket
import urllib.request

from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.server import door, patience

from .pupils import body, closed, small


def test_slow_heads_and_bodies_end_with_time(monkeypatch):
    """Each held its connection for ever."""
    monkeypatch.setattr(patience, "HEAD", 2.0)
    monkeypatch.setattr(patience, "ROUND", 0.1)
    monkeypatch.setattr(door, "PATIENCE", 2.0)
    post = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
    starts = [b"", b"GET / HT", post, post + b"Content-Length: 50\r\n\r\nhalf"]
    with small(Route("/", body, methods=["POST"])) as port:
        lines = [socket.create_connection(("localhost", port)) for _ in starts]
        for line, start in zip(lines, starts, strict=True):
            line.sendall(start)
        replies = [closed(line) for line in lines]
        assert replies[:3] == [b""] * 3
        assert replies[3].startswith(b"HTTP/1.1 408") and replies[3].endswith(door.SLOW.encode())
        whole = urllib.request.urlopen(f"http://localhost:{port}", data=b"x" * 10**6)
        assert whole.read() == b"1000000"
        for line in lines:
            line.close()


def test_a_long_poll_is_not_a_slow_request(monkeypatch):
    """Nor is the connection idle when it has been answered, and asks again."""
    monkeypatch.setattr(patience, "HEAD", 2.0)
    monkeypatch.setattr(patience, "ROUND", 0.05)

    async def late(request):
        await asyncio.sleep(3.0)  # longer than an idle connection lives
        return PlainTextResponse("late")

    with small(Route("/", late)) as port:
        line = http.client.HTTPConnection("localhost", port)
        line.connect()
        first = line.sock
        for _ in range(2):
            line.request("GET", "/")
            assert line.getresponse().read() == b"late"
        assert line.sock is first
        assert closed(first) == b""  # and then it has been idle
