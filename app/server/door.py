"""The door: what every request passes before Streamlit sees it, and what every answer carries.

It stands around the whole app, the refusals and errors of Streamlit among it. Streamlit compares an origin that
is not the page's with this machine's address on the Internet, and asks a host there for it; so no such origin
gets that far. What is let in, answered and closed stands in one file, because each rule leans on the one before.
"""

import asyncio
import base64
import contextlib
import fnmatch
import hashlib
import ipaddress
import os
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from google.protobuf.message import DecodeError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from . import visitors

PATIENCE, SLOWEST = (
    15.0,
    50_000,
)  # seconds until a body must be there, and one more for so many bytes
SHORT = 2_000  # bytes: a script's end is far shorter
STALLED = 60.0  # seconds in which somebody takes no byte of an answer
WAITING = 500  # messages of a page: a minute of clicks, and of what follows a pointer
UPLOAD = re.compile(r".*/_stcore/upload_file/([^/]+)/([^/]+)")
EMBEDDED_IN = "ALI_EMBEDDED_IN"  # environment: origins whose pages may frame this one, a space between

HOST = "Nobody serves that name here. Ask for this machine by its address, or start with --server.allowedHosts NAME."
ORIGIN = "This is asked by a page of another origin, and answered to the explorer's own pages only."
PAGES = "Too many pages of the explorer are open at your address; close some of them, and reload."
POLLS = "Too many pages at your address watch live runs; close some of them."
ROOM = "There is no room left for this upload: your address holds as much as is left for everybody. Remove a file, or close a tab."
LENGTH = "An upload says how long it is (Content-Length)."
HASTE = "This page asks faster than anybody clicks; reload it."
SLOW = "The rest of this request did not come in time; try again."


def _inline() -> str:
    """The hashes of the scripts that stand in Streamlit's page."""
    text = (Path(st.__file__).parent / "static/index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in scripts)
    return " ".join(f"'sha256-{one}'" for one in hashes)


# a component's script comes as a blob; Plotly's WebGL writes functions as text and has them evaluated (without,
# the map says that the browser has no WebGL); workers and WebAssembly of this server run
POLICY = "; ".join(
    [
        "default-src 'self'",
        f"script-src 'self' blob: 'unsafe-eval' {_inline()}",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "connect-src 'self' blob: data: {sockets}",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' {frames}",
    ]
)
# the worker that runs networks: our scripts and WebAssembly, nothing that is evaluated from text
ENGINE = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"


def ours(host: str) -> bool:
    """Whether a Host header is one of ours. A name that somebody else points at this machine is not.

    An address cannot be pointed elsewhere; this machine's names and those of the settings are ours.
    """
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:[0-9]{1,5})?", host, re.ASCII):
        return False
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    machine, served = socket.gethostname().lower(), st.get_option("server.address")
    served_names = ["localhost", machine, f"{machine}.local", served, st.get_option("browser.serverAddress")]
    served_names += st.get_option("server.allowedHosts")
    return any(fnmatch.fnmatchcase(name, one.strip().lower()) for one in served_names if one)


class Door:
    """Refuses with a sentence, or lets in; around another ASGI app."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        hosts = asked.getlist("host")
        visit = Visit(scope, receive, send, hosts[0] if len(hosts) == 1 and ours(hosts[0]) else "")
        if not visit.host:
            await visit.refuse(403, HOST)
        elif any(origin.partition("://")[2] != visit.host for origin in asked.getlist("origin")):
            await visit.refuse(403, ORIGIN)
        else:
            with contextlib.suppress(ClientDisconnect):  # who has gone needs no answer
                await self.let_in(scope, asked, visit)

    async def let_in(self, scope, asked: Headers, visit: "Visit") -> None:
        """Passes a request to the app, if the visitor's share has room for it."""
        who, inside = visit.who, lambda: self.app(scope, visit.receive, visit.send)
        upload = UPLOAD.fullmatch(scope["path"]) if scope.get("method") == "PUT" else None
        if scope["type"] == "websocket":
            await holding(visitors.pages, who, visit, PAGES, inside)
        elif scope["path"].endswith("/live/frames"):
            await holding(visitors.polls, who, visit, POLLS, inside)
        elif upload:
            await uploading(upload.groups(), asked, visit, inside)
        elif "text/html" in asked.get("accept", "") and not visit.program and not visitors.pages.room(who):
            await visit.refuse(503, PAGES)  # or the page would come, and wait for its websocket for ever
        else:
            await inside()


async def holding(share: visitors.Share, who: str, visit: "Visit", sentence: str, inside) -> None:
    """Passes a request on and counts it in the visitor's share until it ends, or refuses it with `sentence`."""
    if not share.take(who):
        await visit.refuse(429, sentence)
        return
    ears = asyncio.create_task(visit.hear()) if visit.scope["type"] == "websocket" else None
    try:
        await inside()
    finally:
        share.give_back(who)
        visit.leave()
        if ears:
            ears.cancel()


async def uploading(file: tuple[str, str], asked: Headers, visit: "Visit", inside) -> None:
    """Passes an upload on, if there is room for all of it."""
    length = asked.get("content-length", "")
    if not re.fullmatch("[0-9]{1,12}", length):
        await visit.refuse(411, LENGTH)
    elif int(length) > st.get_option("server.maxUploadSize") * 1.1 * visitors.MB:
        await inside()  # Streamlit says it
    elif not visitors.uploads.begin(visit.who, int(length)):
        while not visit.whole and not visit.refused:  # or the browser sees a broken line, and no answer
            await visit.receive()
        await visit.refuse(429, ROOM)
    else:
        try:
            await inside()
        finally:
            visitors.uploads.end(visit.who, int(length), file, visit.status == 204)


def parsed(kind: type, message: dict):
    """One of Streamlit's messages, read; an empty one where it cannot be."""
    with contextlib.suppress(DecodeError):
        return kind.FromString(message.get("bytes") or b"")
    return kind()


def finished(message: dict) -> bool:
    """Whether a script has run to its end, and does not begin again; of long messages nothing is read."""
    if message["type"] != "websocket.send" or len(message.get("bytes") or b"") > SHORT:
        return False
    sent = parsed(ForwardMsg, message)
    again = sent.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
    return sent.WhichOneof("type") == "script_finished" and not again


class Visit:
    """One request: its channels with a limit of time, its answer with our headers."""

    def __init__(self, scope, receive, send, host: str):
        self.scope, self.host, self.who = scope, host, visitors.who(scope)
        self._receive, self._send = receive, send
        self.program = scope["path"].startswith("/api/")  # which opens no page, and reads JSON
        self.status, self.begun, self.size = 0, 0.0, 0
        self.whole = self.refused = False
        self.place: visitors.Place | None = None
        self.heard: asyncio.Queue[dict] = asyncio.Queue()  # a websocket's messages that wait
        self.gone = asyncio.get_running_loop().create_future()  # its last one, which says that it has ended

    async def receive(self) -> dict:
        """What the browser sends; a body in time, a websocket's messages at a pace."""
        if self.scope["type"] == "websocket":
            message = await self.heard.get()
            return await self.turn(message) if message["type"] == "websocket.receive" else message
        if self.whole:
            return await self._receive()
        self.begun = self.begun or asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(self.begun + PATIENCE + self.size / SLOWEST):
                message = await self._receive()
        except TimeoutError:
            await self.refuse(408, SLOW)
            return {"type": "http.disconnect"}
        self.size += len(message.get("body", b""))
        self.whole = not message.get("more_body")
        return message

    async def hear(self) -> None:
        """Takes a websocket's messages as they come, to know at once when it ends: what still waits is dropped then.

        Left on the line, what a page has sent would have its script run for an hour after it has gone; and who sends
        faster than anybody clicks is shown out.
        """
        while (message := await self._receive())["type"] != "websocket.disconnect":
            if self.heard.qsize() >= WAITING:
                message = {"type": "websocket.disconnect", "code": 1008}
                self.refused = True
                with contextlib.suppress(TimeoutError, OSError):  # it does not read, or has gone
                    close = {"type": "websocket.close", "code": 1008, "reason": HASTE}
                    await asyncio.wait_for(self._send(close), 1.0)
                break
            self.heard.put_nowait(message)
        while not self.heard.empty():
            self.heard.get_nowait()
        self.heard.put_nowait(message)
        self.gone.set_result(message)

    async def turn(self, message: dict) -> dict:
        """Waits until a page's script may run, or its visitor may send more.

        -> the message; or that the page has gone meanwhile
        """
        runs = parsed(BackMsg, message).WhichOneof("type") == "rerun_script"
        turn = asyncio.ensure_future(self.begin() if runs else visitors.pace.turn(self.who))
        try:
            await asyncio.wait({turn, self.gone}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            turn.cancel()
            raise
        if self.gone.done() and turn.cancel():
            return self.gone.result()
        turn.result()
        return message

    async def begin(self) -> None:
        """Waits for a place among the scripts; a running page begins anew in the same place, unless others wait."""
        if (place := self.place) and not place.over.is_set():
            await visitors.pace.turn(self.who)
            if visitors.scripts.wanted(self.who):
                await place.over.wait()
        if not self.place or self.place.over.is_set():
            self.place = await visitors.scripts.take(self.who)

    def leave(self) -> None:
        """The page's script has run, or the page has gone."""
        if self.place:
            self.place.leave()
        self.place = None

    async def send(self, message: dict) -> None:
        """What the app answers, unless it has been answered already."""
        if self.refused:
            return
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            self.status = message["status"]
            self.dress(MutableHeaders(scope=message))
        elif finished(message):
            self.leave()
        try:
            async with asyncio.timeout(STALLED):
                await self._send(message)
        except TimeoutError:
            raise ClientDisconnect from None
        except OSError:  # who has gone hears nothing more; Streamlit would log a traceback
            self.refused = True

    def dress(self, headers: MutableHeaders) -> None:
        """What every answer carries."""
        sockets = f"ws://{self.host} wss://{self.host}"  # which 'self' is not in every browser
        if self.host[:1] in ("", "["):  # a policy cannot name an address of IPv6
            sockets = ""
        frames = os.environ.get(EMBEDDED_IN, "")
        policy = ENGINE if "/engine/" in self.scope["path"] else POLICY
        headers["content-security-policy"] = policy.format(sockets=sockets, frames=frames).strip()
        headers["x-content-type-options"] = "nosniff"
        headers["referrer-policy"] = "same-origin"
        if self.refused:
            headers["connection"] = "close"

    async def refuse(self, status: int, sentence: str) -> None:
        """Answers with a sentence; nothing that the app still says is sent."""
        if self.status:  # too late for another answer
            self.refused = True
            return
        self.refused, self.status = True, status
        answer = JSONResponse({"error": sentence}, status) if self.program else PlainTextResponse(sentence, status)
        self.dress(answer.headers)
        await answer(self.scope, self._receive, self._send)
