"""Visitors that are no browsers, another address among them, and a server as small as a test needs."""

import asyncio
import collections
import contextlib
import http.client
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.request

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from app.server import door, patience

GREEDY = "127.0.0.9"  # another address of this machine, and so another visitor


@contextlib.contextmanager
def small(*routes):
    """A server of our own with the door and its patience. -> its port"""

    @contextlib.asynccontextmanager
    async def lifespan(app):
        watching = asyncio.create_task(patience.watch())
        yield
        watching.cancel()

    app = door.Door(Starlette(routes=routes, lifespan=lifespan))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)


def get(address: str, path: str = "/", method: str = "GET", **headers: str):
    """-> status, headers, bytes, however it ends"""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address + path, headers=names, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers, answer.read()


def stream(address: str, **more):
    """Streamlit's websocket, as its page opens it."""
    url = address.replace("http", "ws") + "/_stcore/stream"
    return connect(url, subprotocols=["streamlit"], **({"origin": address, "max_size": None} | more))


def session(page) -> str:
    """Runs the page's script. -> the session's id"""
    message, identifier = BackMsg(), ""
    message.rerun_script.query_string = ""
    page.send(message.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(page.recv(timeout=60))
        if answer.WhichOneof("type") == "new_session":
            identifier = answer.new_session.initialize.session_id
        if answer.WhichOneof("type") == "script_finished":
            return identifier


async def body(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


def closed(line: socket.socket) -> bytes:
    """What comes until the other side closes."""
    line.settimeout(30)
    content = b""
    with contextlib.suppress(ConnectionResetError):
        while part := line.recv(4096):
            content += part
    return content


def until(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Pupil:
    """Somebody with a page open, who uploads."""

    def __init__(self, address: str, source: str):
        self.port, self.source = int(address.rsplit(":", 1)[1]), source
        self.page = stream(address, source_address=(source, 0))

    def __enter__(self):
        self.session = session(self.page.__enter__())
        cookie = self.ask("GET", "/_stcore/health")[1]["set-cookie"]
        self.token = re.search(r"_streamlit_xsrf=([^;]+)", cookie)[1]
        return self

    def __exit__(self, *problem):
        self.page.__exit__(*problem)

    def ask(self, method: str, path: str, content=None, **headers):
        line = http.client.HTTPConnection("localhost", self.port, 60, source_address=(self.source, 0))
        line.request(method, path, content, headers)
        answer = line.getresponse()
        result = answer.status, answer.headers, answer.read()
        line.close()
        return result

    def upload(self, name: str, size: int, method: str = "PUT"):
        """-> status, sentence"""
        head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.png"\r\n\r\n'
        headers = {
            "X-Xsrftoken": self.token,
            "Cookie": f"_streamlit_xsrf={self.token}",
            "Content-Type": "multipart/form-data; boundary=x",
        }
        content = head + bytes(size) + b"\r\n--x--\r\n" if method == "PUT" else None
        path = f"/_stcore/upload_file/{self.session}/{name}"
        status, _, reply = self.ask(method, path, content, **headers)
        return status, reply.decode()


class Bad(threading.Thread):
    """One who takes what there is, from an address of their own, until a time: 64 pages that start runs and click
    without pause, 60 files of 9 MB, foreign origins, half heads, polls of a class's run that nobody reads."""

    def __init__(self, address: str, source: str, run: str, end: float):
        super().__init__(daemon=True)
        self.address, self.source, self.shared, self.end = address, source, run, end
        self.had, self.refused = collections.Counter(), collections.Counter()

    def run(self) -> None:
        with contextlib.ExitStack() as held:
            pages = [page for _ in range(64) if (page := self.tried("page", held, self.page))]
            for page in pages:
                self.tried("start", held, lambda held, page=page: self.start_run(page))
            for _ in range(20):
                self.tried("foreign page", held, lambda held: self.page(held, "http://evil.example"))
            for k in range(64):
                self.tried("line", held, lambda held, k=k: self.line(held, k % 2))
            self.tried("uploads", held, self.uploads)
            message = rerun("live=1", "lab")
            while time.monotonic() < self.end:
                for page in pages:
                    with contextlib.suppress(Exception):  # it is closed, or says nothing yet
                        page.send(message)
                        while page.recv(timeout=0):
                            pass

    def tried(self, what: str, held, attempt):
        """-> what it gives, or None where it was refused"""
        try:
            result = attempt(held)
        except Exception:
            self.refused[what] += 1
            return None
        self.had[what] += 1
        return result

    def page(self, held, origin: str | None = None):
        more = {"ping_interval": None} | ({"origin": origin} if origin else {})
        return held.enter_context(stream(self.address, source_address=(self.source, 0), **more))

    def start_run(self, page) -> None:
        buttons = clicked(page, rerun("live=1", "lab"))
        clicked(page, rerun("live=1", "lab", buttons["Start for a class"]))

    def line(self, held, polls: int) -> None:
        port = int(self.address.rsplit(":", 1)[1])
        line = held.enter_context(socket.create_connection(("localhost", port), source_address=(self.source, 0)))
        ask = f"GET /live/frames?run={self.shared}.-1&who=me HTTP/1.1\r\nHost: localhost\r\n"
        line.sendall((ask + "\r\n" * polls).encode())

    def uploads(self, held) -> None:
        pupil = held.enter_context(Pupil(self.address, self.source))
        for k in range(60):
            kept = pupil.upload(f"file{k}", 9 * 2**20)[0] == 204
            (self.had if kept else self.refused)["upload"] += 1


def rerun(query: str, page: str, button: str = "") -> bytes:
    """What a browser sends to have a page's script run, as by a button."""
    message = BackMsg()
    message.rerun_script.query_string, message.rerun_script.page_name = query, page
    if button:
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = button, True
    return message.SerializeToString()


def clicked(page, message: bytes) -> dict[str, str]:
    """Runs the page's script. -> its buttons: label -> id"""
    page.send(message)
    buttons = {}
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(page.recv(timeout=60))
        if answer.WhichOneof("type") == "script_finished":
            return buttons
        button = answer.delta.new_element.button
        if button.label:
            buttons[button.label] = button.id


def all_bad(address: str, run: str, end: float, counts) -> None:
    """Five of them; what they had, and what they were refused, goes into a queue. end: time.time()"""
    end = time.monotonic() + end - time.time()
    five = [Bad(address, f"127.0.0.{k}", run, end) for k in range(11, 16)]
    with contextlib.suppress(AttributeError):  # their machines are their own
        os.nice(10)
    for one in five:
        one.start()
    for one in five:
        one.join(max(1.0, end + 20 - time.monotonic()))
    for kind in ("had", "refused"):
        counts.put(dict(sum((getattr(one, kind) for one in five), collections.Counter())))
