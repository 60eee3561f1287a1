"""/engine/…: what a tab needs to run networks itself: our scripts, the runtime, and (with the bridge) graphs."""

import gzip
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app import bridge

SCRIPTS = Path(__file__).parents[1] / "components" / "engine"
KINDS = {".js": "text/javascript", ".css": "text/css"}
FOREVER = "public, immutable, max-age=31536000"


async def script(request: Request) -> Response:
    """GET /engine/NAME: a script of components/engine/, or a style."""
    file = {path.name: path for path in SCRIPTS.iterdir() if path.suffix in KINDS}.get(request.path_params["name"])
    if not file:
        return PlainTextResponse("There is no such script.", 404)
    return Response(file.read_bytes(), 200, {"cache-control": "no-cache"}, KINDS[file.suffix])


async def library(request: Request) -> Response:
    """GET /engine/onnxruntime-web-VERSION/FILE: a file of the runtime, as it is kept: gzipped."""
    name = request.path_params["name"]
    path = bridge.runtime.folder() / f"{name}.gz"
    if name not in bridge.runtime.FILES or not path.exists():
        return PlainTextResponse(f"The runtime is not installed; {bridge.runtime.COMMAND} fetches it.", 404)
    headers = {"content-encoding": "gzip", "cache-control": FOREVER}
    return Response(path.read_bytes(), 200, headers, bridge.runtime.FILES[name])


OFF = f"Networks run on the server: the browser's runtime is not installed there; {bridge.runtime.COMMAND} fetches it."


def about(request: Request) -> Response:
    """GET /engine/graphs/NAME/about.json: whether the graphs are there; the first request starts their export."""
    if not bridge.runtime.installed():
        return JSONResponse({"state": "off", "says": OFF})
    try:
        return JSONResponse(bridge.graphs.state(request.path_params["name"]), headers={"cache-control": "no-store"})
    except bridge.Problem as problem:
        return JSONResponse({"state": "off", "says": str(problem)}, 404)


def graph(request: Request) -> Response:
    """GET /engine/graphs/NAME/FILE: a graph by the name that about.json says, or codes.bin, the map's codes."""
    name, file = request.path_params["name"], request.path_params["file"]
    try:
        if name not in bridge.checkpoints.names():
            raise bridge.Problem("There is no such checkpoint.")
        if file == "codes.bin":
            content = _packed(name, bridge.checkpoints.card(name).get("atlas", {}).get("sha256", ""))
            headers = {"cache-control": "no-cache", "content-encoding": "gzip"}
        else:
            content, headers = bridge.graphs.network(name, file), {"cache-control": FOREVER}
    except bridge.Problem as problem:
        return PlainTextResponse(str(problem), 404)
    if content is None:
        return PlainTextResponse("There is no such graph; reload the page.", 404)
    return Response(content, 200, headers, "application/octet-stream")


@lru_cache(maxsize=8)
def _packed(name: str, sha256: str) -> bytes:
    return gzip.compress(bridge.graphs.map_codes(name), 6, mtime=0)


def own_codes(request: Request) -> Response:
    """GET /engine/graphs/NAME/SECRET/codes.bin: the codes of a visitor's own map."""
    try:
        content = bridge.graphs.map_codes("{name}/{secret}".format(**request.path_params))
    except bridge.Problem as problem:
        return PlainTextResponse(str(problem), 404)
    return Response(content, 200, {"cache-control": "no-store"}, "application/octet-stream")


def own_sheet(request: Request) -> Response:
    """GET /engine/mine/SECRET.png: a visitor's own pictures, all on one sheet."""
    path = bridge.mine.sheet(request.path_params["secret"])
    if not path:
        return PlainTextResponse("These pictures are gone.", 404)
    return Response(path.read_bytes(), 200, {"cache-control": "no-store"}, "image/png")


routes = [
    Route("/mine/{secret}.png", own_sheet),
    Route("/graphs/{name}/about.json", about),
    Route("/graphs/{name}/{secret}/codes.bin", own_codes),
    Route("/graphs/{name}/{file}", graph),
    Route(f"/{bridge.runtime.NAME}/{{name}}", library),
    Route("/{name}", script),
]
