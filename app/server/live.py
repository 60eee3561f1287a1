"""What the lab's component asks besides the page: recordings, frames of live runs, and orders to them."""

import asyncio
import json
import math
import re
import struct
import time

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app import bridge

from . import visitors
from .engine import FOREVER

POLL = 8.0  # seconds until a poll is answered with nothing
STEP = 0.05  # seconds between two looks
ORDERS = ("play", "pause", "step", "speed", "reset", "stop")
TURNS = ("both", "discriminator", "generator")
LONGEST = 10_000  # bytes of an order
OFF = f"The browser's runtime for networks is not installed on this server; {bridge.runtime.COMMAND} fetches it."
BYTES = {"cache-control": "no-store"}


async def recording(request: Request) -> Response:
    """GET /live/recordings/NAME: packs, unpacked by the browser on their way in."""
    name = request.path_params["name"]
    path = bridge.checkpoints.root() / "lab" / f"{name}.gz"
    if not re.fullmatch(r"[a-z0-9-]{1,80}", name) or not path.exists():
        return PlainTextResponse("There is no such recording.", 404)
    try:
        bridge.lab.recorded(name)  # what cannot be drawn is not sent
    except bridge.Problem as problem:
        return PlainTextResponse(str(problem), 404)
    headers = {"content-encoding": "gzip", "cache-control": "no-cache"}
    return Response(path.read_bytes(), 200, headers, "application/octet-stream")


async def frames(request: Request) -> Response:
    """GET /live/frames?run=ID.SEQ&who=WORD: waits for what is newer. -> its number (uint32), packs

    Who has no page open asks too, and is no watcher for whom a run goes on.
    """
    run, _, after = request.query_params.get("run", "").rpartition(".")
    here = visitors.pages.held[visitors.who(request.scope)]
    who = request.query_params.get("who", "")[:32] if here else ""
    if not run or not re.fullmatch(r"-1|[0-9]{1,9}", after):
        return PlainTextResponse("The address lacks run=ID.NUMBER.", 400)
    until = time.monotonic() + POLL
    while (found := bridge.live.news(run, int(after), who)) is None and time.monotonic() < until:
        await asyncio.sleep(STEP)
    number, content = found or (max(int(after), 0), b"")
    content = struct.pack("<I", number) + content
    return Response(content, 200, BYTES, "application/octet-stream")


async def order(request: Request) -> Response:
    """POST /live/do: {"run", "secret", "do", "turn", "speed"}; 204, or a sentence."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > LONGEST:
            return PlainTextResponse("That is too long for an order.", 413)
    try:
        told = json.loads(content)
        run, secret, what = (told[key] for key in ("run", "secret", "do"))
        turn, speed = told.get("turn", "both"), told.get("speed")
        good = all(isinstance(word, str) and word.isascii() for word in (run, secret, what))
        good = good and what in ORDERS and turn in TURNS
        if speed is not None:
            speed = float(speed)
            good = good and math.isfinite(speed) and 0 <= speed <= 1e6
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        good = False
    if not good:
        return PlainTextResponse("An order is JSON with run, secret and do.", 400)
    more = {"turn": turn} if what == "step" else {} if speed is None else {"speed": speed}
    try:
        bridge.live.do(run, secret, what, **more)
    except bridge.Problem as problem:
        return PlainTextResponse(str(problem), 409)
    return Response(status_code=204)


def own_state(request: Request) -> Response:
    """GET /live/own/RUN/about.json: how far the graphs of a run are that its reader's tab trains."""
    if not bridge.runtime.installed():
        return JSONResponse({"state": "off", "says": OFF}, headers=BYTES)
    return JSONResponse(bridge.own.state(request.path_params["run"]), headers=BYTES)


def own_pack(request: Request) -> Response:
    """GET /live/own/RUN/LANE.bin: one of its models as it begins."""
    try:
        content = bridge.own.pack(request.path_params["run"], request.path_params["lane"])
    except bridge.Problem as problem:
        return PlainTextResponse(str(problem), 404)
    return Response(content, 200, BYTES, "application/octet-stream")


def own_graph(request: Request) -> Response:
    """GET /live/own/graphs/NAME: a graph, which runs share."""
    return _kept(bridge.own.graph(request.path_params["name"]))


def own_points(request: Request) -> Response:
    """GET /live/own/points/NAME: the data that runs learn from."""
    return _kept(bridge.own.points(request.path_params["name"]))


def _kept(content: bytes | None) -> Response:
    if content is None:
        return PlainTextResponse(bridge.own.GONE, 404)
    return Response(content, 200, {"cache-control": FOREVER}, "application/octet-stream")


routes = [
    Route("/own/graphs/{name}", own_graph),
    Route("/own/points/{name}", own_points),
    Route("/own/{run}/about.json", own_state),
    Route("/own/{run}/{lane:int}.bin", own_pack),
    Route("/recordings/{name}", recording),
    Route("/frames", frames),
    Route("/do", order, methods=["POST"]),
]
