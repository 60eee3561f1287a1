"""Streamlit's scripts and styles, compressed once and kept: a first visit asks for a third of the bytes."""

import asyncio
import gzip
import mimetypes
from pathlib import Path

import streamlit as st
from starlette.datastructures import Headers

STATIC = Path(st.__file__).parent / "static"
PART = 2**16  # bytes handed on at once


class Packed:
    """Answers for /static/….js and .css, whose names change with their content."""

    def __init__(self, app):
        self.app = app
        self.kept: dict[str, asyncio.Task[bytes]] = {}

    async def __call__(self, scope, receive, send):
        path = scope.get("path", "")
        if scope["type"] == "http" and scope["method"] == "GET" and path.startswith("/static/"):
            asked, file = Headers(scope=scope), Path(path)
            takes = "gzip" in asked.get("accept-encoding", "") and "range" not in asked
            if takes and file.suffix in (".js", ".css") and (content := await self.packed(path)):
                await sent(content, mimetypes.types_map[file.suffix], send)
                return
        await self.app(scope, receive, send)

    async def packed(self, path: str) -> bytes:
        """A file's bytes, compressed; none where there is no such file."""
        if path not in self.kept:
            file = STATIC / path[1:]
            if len(file.name) > 255 or ".." in file.parts or "\0" in path or not file.is_file():
                return b""
            work = asyncio.to_thread(lambda: gzip.compress(file.read_bytes(), 6, mtime=0))
            self.kept[path] = asyncio.create_task(work)  # thirty who come at once wait for one
        return await asyncio.shield(self.kept[path])


async def sent(content: bytes, kind: str, send) -> None:
    """Sends it in parts, so that a slow reader holds one of them and not all."""
    headers = {
        "content-type": f"{kind}; charset=utf-8",
        "content-encoding": "gzip",
        "content-length": str(len(content)),
        "cache-control": "public, immutable, max-age=31536000",
        "vary": "accept-encoding",
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": pairs})
    for at in range(0, len(content), PART):
        part = content[at : at + PART]
        more = at + PART < len(content)
        await send({"type": "http.response.body", "body": part, "more_body": more})
