"""/api/…: the models over HTTP, for programs. Errors are sentences in JSON: {"error": …}."""

import asyncio
import io
import math
import re
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app import bridge
from app.server import visitors

from . import calls, description
from .asked import Asked
from .description import JSON, LONGEST, MOST_STEPS, NPZ, PNG, STEPS

COLUMNS = 8  # of the pictures in one PNG
NOWHERE = "There is no such address; /api/openapi.json lists them."
NOBODY = "There is no model «{}» here; /api/models lists them."
METHOD = "This address is not asked by {}; /api/openapi.json says how."
SENDS = "Send one of {}; this is «{}»."
GETS = "This call answers in {}; Accept asks for «{}»."
LENGTH = "Say how long the body is (Content-Length)."
LONG = f"A body has {LONGEST // 2**20} MB at most; send fewer pictures."
HASTE = "You have asked much in a short time; Retry-After says when to go on."
BUSY = "Many calls wait for an answer already, yours among them; wait for those."
FAILED = "The explorer failed at this; its terminal says why."
_work = ThreadPoolExecutor(2, "service")


async def described(request: Request) -> Response:
    """GET /api/openapi.json."""
    turn(request)
    return JSONResponse(description.document(await asyncio.to_thread(usable)))


async def models(request: Request) -> Response:
    """GET /api/models: what can be asked, and how each of it is."""
    turn(request)
    found = await asyncio.to_thread(lambda: calls.Models([calls.about(name) for name in usable()]))
    return Response(msgspec.json.encode(found), media_type=JSON)


async def call(request: Request) -> Response:
    """POST /api/models/NAME/CALL."""
    turn(request)
    name, what = request.path_params["name"], request.path_params["call"]
    if what not in calls.CALLS:
        raise HTTPException(404, NOWHERE)
    if name not in await asyncio.to_thread(usable):
        raise HTTPException(404, NOBODY.format(name[:60]))
    _, takes, answer = calls.CALLS[what]
    kind = one_of(description.sent(takes), request.headers.get("content-type", ""))
    form = wanted(description.forms(answer), request.headers.get("accept", "*/*"))
    classes, steps = query(request, what)
    who, length = visitors.who(request.scope), request.headers.get("content-length", "")
    if not re.fullmatch("[0-9]{1,12}", length):
        raise HTTPException(411, LENGTH)
    if int(length) > LONGEST:
        raise HTTPException(413, LONG)
    if not visitors.calls.take(who):
        raise HTTPException(429, BUSY, {"retry-after": "1"})
    room = visitors.uploads.share.take(who, int(length))
    try:
        if not room:
            raise HTTPException(
                429, "There is no room left for this body: others' uploads fill it.", {"retry-after": "1"}
            )
        content = await request.body()
        place = await visitors.scripts.take(who)
        try:
            told = (name, what, kind, form, content, classes, steps)
            return await asyncio.get_running_loop().run_in_executor(_work, answered, *told)
        finally:
            place.leave()
    except bridge.Problem as problem:
        raise HTTPException(422, str(problem)) from None
    finally:
        visitors.calls.give_back(who)
        if room:
            visitors.uploads.share.give_back(who, int(length))


def answered(name: str, what: str, kind: str, form: str, content: bytes, classes: list[str], steps: int) -> Response:
    """A call's answer in the form that is wanted; raises Problem."""
    act, takes, _ = calls.CALLS[what]
    asked = Asked(name, classes)
    if kind == JSON:
        asked.json(content, takes)
    elif kind == NPZ:
        asked.npz(content, tuple(one.__struct_fields__[0] for one in takes))
    else:
        asked.files([content])
    answer = act(asked, steps)
    if form == JSON:
        return Response(msgspec.json.encode(calls.worded(name, answer)), media_type=JSON)
    if form == PNG:
        pictures = answer["pictures"]
        columns = len(pictures) if what == "interpolate" else min(COLUMNS, len(pictures))
        return Response(calls.png(pictures, columns), media_type=PNG)
    file = io.BytesIO()
    np.savez(file, **answer)
    return Response(file.getvalue(), media_type=NPZ)


def usable() -> list[str]:
    """The checkpoints that can be asked."""
    return [name for name in bridge.checkpoints.names() if not bridge.checkpoints.broken(name)]


def turn(request: Request) -> None:
    """Refuses who asks faster than is good for the others."""
    if wait := visitors.asking.spare(visitors.who(request.scope)):
        raise HTTPException(429, HASTE, {"retry-after": str(math.ceil(wait))})


def one_of(kinds: tuple[str, ...], header: str) -> str:
    """Of the kinds of body that a call takes the one that is sent."""
    kind = header.partition(";")[0].strip().lower()
    if kind not in kinds:
        raise HTTPException(415, SENDS.format(", ".join(kinds), kind[:60] or "nothing (Content-Type)"))
    return kind


def wanted(forms: tuple[str, ...], header: str) -> str:
    """Of the forms that a call answers in the first that is accepted."""
    asks = [part.partition(";")[0].strip().lower() for part in header.split(",")]
    for ask in asks:
        for form in forms:
            if ask in (form, "*/*", form.partition("/")[0] + "/*"):
                return form
    raise HTTPException(406, GETS.format(", ".join(forms), header[:60]))


def query(request: Request, what: str) -> tuple[list[str], int]:
    """The words behind the question mark: classes by name, and of a path the steps."""
    known = {"classes", "steps"} if what == "interpolate" else {"classes"}
    if others := sorted(set(request.query_params) - known):
        raise HTTPException(422, f"«{others[0][:60]}» is no word of this call; it takes {', '.join(sorted(known))}.")
    steps = request.query_params.getlist("steps") or [str(STEPS)]
    if len(steps) > 1 or not re.fullmatch("[0-9]{1,3}", steps[0]) or not 2 <= int(steps[0]) <= MOST_STEPS:
        raise HTTPException(422, f"«steps» is a number from 2 to {MOST_STEPS}.")
    return request.query_params.getlist("classes"), int(steps[0])


async def refused(request: Request, error: HTTPException) -> Response:
    """An error as a sentence in JSON; what is still sent is taken first, or who sends it sees a broken line."""
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > 4 * LONGEST:
            break
    says = {404: NOWHERE, 405: METHOD.format(request.method)}.get(error.status_code, error.detail)
    says = error.detail if error.detail.endswith(".") else says  # Starlette's own are no sentences
    return JSONResponse({"error": says}, error.status_code, error.headers)


def failed(request: Request, error: Exception) -> Response:
    """What should not happen; Starlette hands the error on to the terminal."""
    return JSONResponse({"error": FAILED}, 500)


app = Starlette(
    routes=[
        Route("/openapi.json", described),
        Route("/models", models),
        Route("/models/{name}/{call}", call, methods=["POST"]),
    ],
    exception_handlers={HTTPException: refused, Exception: failed},
)
