"""A hub on this machine that speaks as Hugging Face's does: its API, its large files, its refusals, over real HTTP."""

import base64
import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub:
    """What it holds, and how it behaves: stall a path, refuse without a token, count what was fetched."""

    def __init__(self):
        self.repos: dict[str, list[dict[str, bytes]]] = {}  # name: its commits, each with all of its files
        self.blobs: dict[str, bytes] = {}
        self.fetched: list[str] = []
        self.stalls, self.token = "", ""
        self.leaving = threading.Event()

    def commit(self, name: str, files: dict[str, bytes]) -> str:
        commits = self.repos.setdefault(name, [])
        commits.append((commits[-1] if commits else {}) | files)
        return self.sha(name, len(commits) - 1)

    def sha(self, name: str, number: int) -> str:
        return hashlib.sha1(f"{name} {number}".encode()).hexdigest()

    def at(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """A commit's name and files by "main" or its name."""
        for number, files in reversed(list(enumerate(self.repos[name]))):
            if revision in ("main", self.sha(name, number)):
                return self.sha(name, number), files
        return None


class Answer(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *words):
        pass

    def say(self, status: int, content=b"", **headers):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_GET(self):
        path, hub = self.path.partition("?")[0], self.hub
        if hub.stalls and hub.stalls in path:
            hub.leaving.wait(60)
            return None
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", path):
            name, revision = found[1], found[2] or "main"
            if name not in hub.repos:
                return self.say(404, {"error": "x"}, X_Error_Code="RepoNotFound")
            if not (at := hub.at(name, revision)):
                return self.say(404, {"error": "x"}, X_Error_Code="RevisionNotFound")
            files = [{"rfilename": file, "size": len(content)} for file, content in at[1].items()]
            return self.say(200, {"id": name, "modelId": name, "sha": at[0], "siblings": files, "private": False})
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            sha, files = hub.at(found[1], found[2])
            if self.command == "GET":
                hub.fetched.append(found[3])
            etag = f'"{hashlib.sha256(files[found[3]]).hexdigest()}"'
            return self.say(200, files[found[3]], ETag=etag, X_Repo_Commit=sha)
        return self.say(404, {"error": "x"}, X_Error_Code="EntryNotFound")

    do_HEAD = do_GET

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_POST(self):
        content, hub = self.body(), self.hub
        if hub.stalls and hub.stalls in self.path:
            hub.leaving.wait(60)
            return None
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            return self.say(401, {"error": "x"})
        here = f"http://{self.headers['Host']}"
        if self.path == "/api/repos/create":
            said = json.loads(content)
            name = f"{said['organization']}/{said['name']}" if said.get("organization") else said["name"]
            hub.repos.setdefault(name, [{}])
            return self.say(200, {"url": f"{here}/{name}"})
        if "/preupload/" in self.path:
            files = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if one["path"].endswith(("safetensors", "npz")) else "regular",
                }
                for one in json.loads(content)["files"]
            ]
            return self.say(200, {"files": [one | {"shouldIgnore": False, "oid": None} for one in files]})
        if self.path.endswith("/info/lfs/objects/batch"):
            told = [
                one | {"actions": {"upload": {"href": f"{here}/blob/{one['oid']}", "header": {}}}}
                for one in json.loads(content)["objects"]
            ]
            return self.say(200, {"transfer": "basic", "objects": told}, Content_Type="application/json")
        if found := re.match(r"/api/models/([^/]+/[^/]+)/commit/main", self.path):
            files = {}
            for line in map(json.loads, content.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                if line["key"] == "lfsFile":
                    files[line["value"]["path"]] = hub.blobs[line["value"]["oid"]]
            sha = hub.commit(found[1], files)
            return self.say(200, {"commitUrl": f"{here}/{found[1]}/commit/{sha}", "commitOid": sha, "success": True})
        return self.say(200, {})

    def do_PUT(self):
        content = self.body()
        self.hub.blobs[hashlib.sha256(content).hexdigest()] = content
        self.say(200)


@contextlib.contextmanager
def serving():
    """-> a hub, and its address"""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (Answer,), {"hub": hub}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub, f"http://127.0.0.1:{server.server_port}"
    finally:
        hub.leaving.set()
        server.shutdown()
        server.server_close()
