"""The server around explorer.py: what is got ready before a browser asks, and what it sends besides the page.

`python -m app` starts it, and so does `streamlit run app/main.py`.
"""

import asyncio
import contextlib
import sys
import threading
import webbrowser
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Mount, Router
from starlette.staticfiles import StaticFiles

if (home := str(Path(__file__).parents[1])) not in sys.path:  # `streamlit run` knows app/ only
    sys.path.insert(0, home)

from app.server import memory, patience, visitors
from app.server.door import Door
from app.server.packed import Packed


class Early:
    """Tells the browser, with the page itself, to fetch Plotly while the script still runs.

    Streamlit's page asks for it only when the map's figure arrives; these 5 MB are most of the wait.
    """

    def __init__(self, app):
        self.app = app
        chunks = (Path(st.__file__).parent / "static/static/js").glob("PlotlyChart.*.js")
        # another Streamlit may name its files otherwise: then nothing is noticed
        self.links = [f"<./static/js/{chunk.name}>; rel=modulepreload" for chunk in chunks]

    async def __call__(self, scope, receive, send):
        async def telling(message):
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    for link in self.links:
                        headers.append("link", link)
            await send(message)

        await self.app(scope, receive, telling if scope["type"] == "http" else send)


async def sheets(scope, receive, send) -> None:
    """/pictures/NAME.png, which the map fetches once it is painted: then there is time for more."""
    from app import bridge

    bridge.models.warm(Path(scope["path"]).stem)
    folder = StaticFiles(directory=bridge.checkpoints.root() / "pictures", check_dir=False)
    await folder(scope, receive, send)


def get_ready() -> None:
    """Opens the browser, unless asked not to, and reads what the first page shows while it starts."""
    # Streamlit would say it too, and ask a host on the Internet for this machine's address there
    address = f"http://localhost:{st.get_option('server.port')}"
    print(f"The explorer is at {address}; Ctrl-C ends it.", flush=True)
    if not st.get_option("server.headless"):
        webbrowser.open(address)
    from app import bridge
    from app.shared import map_figure

    good = [name for name in bridge.checkpoints.names() if not bridge.checkpoints.broken(name)]
    try:
        for name in good[:1]:
            colour = bridge.codes.clearest(name)
            map_figure.preview(name, "umap", colour)
            map_figure.figure(name, "umap", colour, dark=False)
    except bridge.Problem:  # the page says it
        pass


async def tidy() -> None:
    """Gives back the memory of sessions that have ended, every minute, and what they have uploaded.

    Streamlit would do so after every click; .streamlit/config.toml switches that off.
    """
    modules = 0
    while True:
        await asyncio.sleep(60)
        visitors.uploads.tidy()
        if mine := sys.modules.get("app.bridge.mine"):  # it is imported with the first page
            mine.tidy()
        visitors.pace.forget()
        visitors.asking.forget()
        visitors.scripts.forget()
        modules = memory.collect(modules, not visitors.pages.held)
        memory.glibc("malloc_trim", 0)  # it keeps what is freed, unless asked


@contextlib.asynccontextmanager
async def lifespan(app):
    """Starts getting ready; the server is up meanwhile."""
    threading.Thread(target=get_ready, daemon=True).start()
    chores = [asyncio.create_task(chore()) for chore in (tidy, patience.watch)]
    yield
    for chore in chores:
        chore.cancel()
    if mine := sys.modules.get("app.bridge.mine"):  # a signal ends the process without its exit handlers
        mine.leave()


async def live(scope, receive, send) -> None:
    """/live/…, for the lab; read when it is first asked."""
    from app.server.live import routes

    await Router(routes)(scope, receive, send)


async def engine(scope, receive, send) -> None:
    """/engine/…, for networks that run in the browser; read when it is first asked."""
    from app.server.engine import routes

    await Router(routes)(scope, receive, send)


async def service(scope, receive, send) -> None:
    """/api/…, for programs; read when it is first asked."""
    from app.service.routes import app

    await app(scope, receive, send)


# every session has several threads, and glibc would keep a heap for most of them, full of holes
memory.glibc("mallopt", memory.ARENA_MAX, 2)
routes = [Mount("/pictures", sheets), Mount("/live", live), Mount("/engine", engine), Mount("/api", service)]
middleware = [Middleware(Early), Middleware(Packed)]
app = st.App("explorer.py", lifespan=lifespan, routes=routes, middleware=middleware)
app = Door(app)  # `streamlit run` finds the line above by its text
