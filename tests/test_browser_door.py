"""The pages under their policy, and a foreign page that gets nothing.   python -m pytest tests/test_browser_door.py"""

import threading

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from .conftest import settle
from .pupils import until

COMPLAINTS = """addEventListener("securitypolicyviolation", (e) =>
  console.error(`refused by policy: ${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile} ${e.sample}`))"""
PLOT, RUN = ".js-plotly-plot canvas", ".root[data-step]"
PATHS = {  # and what is seen there once its script has run
    "/": PLOT,
    "/reconstruct": PLOT,
    "/interpolate?checkpoint=fashion-alice": PLOT,  # toons opens with its factors, which need no plot
    "/compare": "svg",
    "/translate": "svg",
    "/model": "img",
    "/guess": "img",
    "/lessons?lesson=2": RUN,
    "/lab?show=ali-grid": RUN,
}
# what later pages need: a worker of our own, WebAssembly in it; and what nobody may
TRIES = """async () => {
  const code = `onmessage = async () => {
    const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    const made = await WebAssembly.compile(bytes);
    postMessage(made instanceof WebAssembly.Module); }`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const compiled = await new Promise((done, failed) => {
    const worker = new Worker(url);
    [worker.onmessage, worker.onerror] = [(e) => done(e.data), () => failed("no worker")];
    worker.postMessage(0);
  });
  const outside = await fetch("http://localhost:1/").then(() => "answered", () => "refused");
  const image = await new Promise((done) => {
    const img = new Image();
    [img.onload, img.onerror] = [() => done("shown"), () => done("refused")];
    img.src = "http://localhost:1/x.png";
  });
  return { compiled, outside, image };
}"""


def test_the_pages_run_under_their_policy(page, watched):
    said = []
    page.on("console", lambda m: "policy" in m.text.lower() and said.append(m.text))
    page.add_init_script(COMPLAINTS)
    for path, seen in PATHS.items():
        page.goto(watched[0] + path)
        page.locator(seen).first.wait_for()
        settle(page)
        assert page.get_by_test_id("stException").count() == 0
        assert page.get_by_text("WebGL is not supported").count() == 0
    assert said == []
    tried = page.evaluate(TRIES)
    assert tried == {"compiled": True, "outside": "refused", "image": "refused"}
    assert any("connect-src" in text for text in said) and any("img-src" in text for text in said)


def test_a_foreign_page_gets_no_session_and_no_frame(page, watched):
    """A page of another origin opened the websocket, and Streamlit asked the Internet about it."""
    address, _, asked = watched

    async def foreign(request):
        text = f"<iframe src='{address}/lab'></iframe>"
        return PlainTextResponse(text, media_type="text/html")

    said = []
    page.on("console", lambda message: said.append(message.text))
    app = Starlette(routes=[Route("/", foreign)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    page.goto(f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}")
    opened = page.evaluate(
        """url => new Promise((done) => { const s = new WebSocket(url, "streamlit");
        [s.onopen, s.onerror] = [() => done("opened"), () => done("refused")]; })""",
        address.replace("http", "ws") + "/_stcore/stream",
    )
    assert opened == "refused"
    until(lambda: page.wait_for_timeout(50) or any("frame-ancestors" in text for text in said))
    server.should_exit = True
    thread.join(20)
    assert set(asked.read_text().split("\n")) == {"watching", ""}
