"""Visitors that are no browsers, another address among them, and a server as small as a test needs."""

import asyncio
import contextlib
import http.client
import re
import threading
import time
import urllib.error
import urllib.request

import uvicorn
from starlette.applications import Starlette
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from app import door, patience

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
    return connect(
        url, subprotocols=["streamlit"], **({"origin": address, "max_size": None} | more)
    )


def session(socket) -> str:
    """Runs the page's script. -> the session's id"""
    told, found = BackMsg(), ""
    told.rerun_script.query_string = ""
    socket.send(told.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(socket.recv(timeout=60))
        if answer.WhichOneof("type") == "new_session":
            found = answer.new_session.initialize.session_id
        if answer.WhichOneof("type") == "script_finished":
            return found


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
        line = http.client.HTTPConnection(
            "localhost", self.port, 60, source_address=(self.source, 0)
        )
        line.request(method, path, content, headers)
        answer = line.getresponse()
        found = answer.status, answer.headers, answer.read()
        line.close()
        return found

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
        status, _, told = self.ask(method, path, content, **headers)
        return status, told.decode()
