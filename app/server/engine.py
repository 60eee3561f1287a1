"""/engine/…: what a tab needs to run networks itself: our scripts, the runtime, and (with the bridge) graphs."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from . import runtime

SCRIPTS = Path(__file__).parents[1] / "components" / "engine"
FOREVER = "public, immutable, max-age=31536000"


async def script(request: Request) -> Response:
    """GET /engine/NAME.js: one of components/engine/."""
    found = {path.name: path for path in SCRIPTS.glob("*.js")}.get(request.path_params["name"])
    if not found:
        return PlainTextResponse("There is no such script.", 404)
    return Response(found.read_bytes(), 200, {"cache-control": "no-cache"}, "text/javascript")


async def library(request: Request) -> Response:
    """GET /engine/onnxruntime-web-VERSION/FILE: a file of the runtime, as it is kept: gzipped."""
    name = request.path_params["name"]
    path = runtime.folder() / f"{name}.gz"
    if name not in runtime.FILES or not path.exists():
        return PlainTextResponse(f"The runtime is not installed; {runtime.COMMAND} fetches it.", 404)
    headers = {"content-encoding": "gzip", "cache-control": FOREVER}
    return Response(path.read_bytes(), 200, headers, runtime.FILES[name])


routes = [
    Route("/{name}", script),
    Route(f"/{runtime.NAME}/{{name}}", library),
]
