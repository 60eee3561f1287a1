"""What the server lets in, and what every answer carries.   python -m pytest tests/test_door.py"""

import gzip
import re
import socket

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from app.server import door

from .pupils import get, rerun, session, small, stream


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True),
        ("LOCALHOST:8501", True),
        ("192.168.1.20:8501", True),
        ("[::1]:8501", True),
        ("[fe80::1]", True),
        (socket.gethostname(), True),
        ("evil.example", False),
        ("evil.example:8501", False),
        ("localhost.evil.example", False),
        ("localhost@evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost:8501/x", False),
        ("localhost:port", False),
        ("", False),
        ("ｌocalhost", False),
    ],
)
def test_a_name_that_somebody_points_at_this_machine_is_not_its_own(host, ours):
    assert door.ours(host) is ours


def test_a_name_of_the_settings_is_ours(monkeypatch):
    from streamlit import config

    kept = config.get_option("server.allowedHosts")
    config.set_option("server.allowedHosts", ["ali.school.example", "*.lan.example"])
    try:
        assert door.ours("ALI.school.example:80") and door.ours("pc7.lan.example")
        assert not door.ours("school.example") and not door.ours("lan.example")
    finally:
        config.set_option("server.allowedHosts", kept)


@pytest.mark.parametrize(
    ("path", "status", "headers"),
    [
        ("/", 200, {}),
        ("/lab?live=1", 200, {}),
        ("/static/nothing.js", 200, {}),  # the page, as Streamlit has it
        ("/_stcore/health", 200, {}),
        ("/_stcore/host-config", 200, {}),
        ("/pictures/nothing.png", 404, {}),
        ("/live/recordings/ali-grid", 200, {}),
        ("/live/recordings/" + "a" * 8_000, 404, {}),
        ("/live/frames", 400, {}),
        ("//twice", 400, {}),
        ("/", 403, {"Host": "evil.example"}),
        ("/", 403, {"Origin": "http://evil.example"}),
        ("/live/frames?run=x.1", 403, {"Origin": "null"}),
    ],
)
def test_every_answer_carries_the_headers(watched, path, status, headers):
    answered, received, content = get(watched[0], path, **headers)
    assert answered == status
    policy = received["content-security-policy"]
    assert "script-src 'self' blob: 'unsafe-eval' 'sha256-" in policy
    assert "frame-ancestors 'self'" in policy and "*" not in policy
    assert received["x-content-type-options"] == "nosniff" and received["referrer-policy"] == "same-origin"
    if status == 403:
        assert (door.HOST if "Host" in headers else door.ORIGIN) == content.decode()


def test_a_school_embeds_it_by_a_setting(monkeypatch):
    async def page(request):
        return PlainTextResponse("here")

    monkeypatch.setenv(door.EMBEDDED_IN, "https://lms.example https://other.example")
    with small(Route("/", page)) as port:
        policy = get(f"http://localhost:{port}")[1]["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' https://lms.example https://other.example")


def test_nothing_is_asked_of_another_host(watched):
    """A foreign origin made Streamlit ask a host on the Internet for its address, and so did its start."""
    address, _, asked = watched
    names = ["http://evil.example", "null", "http://[", f"https://{socket.gethostname()}"]
    for origin in (*names, address.replace("http:", "https:") + "1"):
        with pytest.raises(InvalidStatus) as refused, stream(address, origin=origin):
            pass
        assert refused.value.response.status_code == 403
        assert refused.value.response.body == door.ORIGIN.encode()
    machine, port = f"http://{socket.gethostname()}", int(address.rsplit(":", 1)[1])
    line = socket.create_connection(("127.0.0.1", port))
    with line, pytest.raises(InvalidStatus) as refused, connect("ws://evil.example", sock=line):
        pass
    assert refused.value.response.body == door.HOST.encode()
    # as pages of this machine's name are asked for, and whatever Streamlit answers by itself
    for path in ("/", "/_stcore/health", "/_stcore/host-config", "/_stcore/agent/openapi.json"):
        assert get(address, path, Host=machine[7:], Origin=machine)[0] < 500
    with stream(address) as socket_:
        session(socket_)
    assert set(asked.read_text().split("\n")) == {"watching", ""}


def test_static_files_go_out_compressed(watched):
    """A learner's first visit needed 3.3 MB more."""
    page = get(watched[0])[2].decode()
    chunk = re.search(r"static/js/PlotlyChart[^>]*js", str(get(watched[0])[1]["link"]))[0]
    for path in (chunk, *re.findall(r"\./(static/[^\"]*\.(?:js|css))", page)[:5]):
        _, plain, content = get(watched[0], f"/{path}")
        status, sent, packed = get(watched[0], f"/{path}", Accept_Encoding="gzip, br")
        assert status == 200 and sent["content-encoding"] == "gzip"
        assert gzip.decompress(packed) == content and len(packed) <= len(content) + 30
        kind = sent["content-type"].partition(";")[0]
        assert kind in ("text/javascript", "application/javascript", "text/css")
        assert sent["cache-control"] == plain["cache-control"] and "immutable" in plain["cache-control"]
        if path == chunk:
            assert len(content) > 4e6 and len(packed) < 0.35 * len(content)
    inside = "/static/js/../../../web/server/x.js"
    for path in (inside, "/static/" + "a" * 5000 + ".js", "/static/none.js", "/static/%00.js"):
        assert get(watched[0], path, Accept_Encoding="gzip")[0] < 500


def test_who_goes_in_the_middle_leaves_no_traceback(watched):
    address, log, _ = watched
    port = int(address.rsplit(":", 1)[1])
    head = "HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n"
    with stream(address) as socket_:
        mine = session(socket_)
        for line in ("POST /live/do", f"PUT /_stcore/upload_file/{mine}/file"):
            more = "Content-Type: multipart/form-data; boundary=x\r\n" if "PUT" in line else ""
            with socket.create_connection(("localhost", port)) as one:
                one.sendall(f"{line} {head}{more}\r\n--x\r\n".encode())
        for _ in range(20):  # while the page's elements are on their way
            with stream(address) as gone:
                gone.send(rerun("", ""))
                gone.recv(timeout=60)
                gone.socket.shutdown(socket.SHUT_RDWR)
        session(socket_)  # when it has answered this it has noticed those
    assert get(address, "/_stcore/health")[0] == 200
    said = log.read_text()
    assert "Traceback" not in said and "Exception" not in said
