"""How long the server waits for connections that send nothing, and how many of them an address may hold."""

import asyncio
import contextlib

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from .visitors import connections, named

HEAD = 10.0  # seconds for a request's head; uvicorn waits for ever
STALLED = 60.0  # seconds in which somebody takes none of what waits for them
ROUND = 1.0  # seconds between two looks
PART = 2**14  # bytes that are read of a connection at once: asyncio's 256 KB may be ten thousand clicks
FULL = b"""HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r
Too many connections are open from your address; close some, and try again.\n"""

_made = AutoHTTPProtocol.connection_made
_open: dict[asyncio.Transport, "Connection"] = {}


class Connection:
    """An accepted connection: whose it is, and since when it waits at the same request."""

    def __init__(self, protocol):
        self.protocol = protocol
        self.who = named(protocol.client[0] if protocol.client else None)
        self.seen = self.since = None

    def idle(self, transport, now: float) -> float:
        """Seconds since it began to wait for a request; 0 where one is being answered, or it is a websocket."""
        protocol = self.protocol
        busy = protocol.cycle is not None and not protocol.cycle.response_complete
        upgraded = transport.get_protocol() is not protocol
        at = busy, protocol.cycle, transport.get_write_buffer_size()
        if self.since is None or at != self.seen:
            self.seen, self.since = at, now
        return 0.0 if (busy or upgraded) and not transport.is_closing() else now - self.since


def _connection_made(protocol, transport) -> None:
    _made(protocol, transport)
    transport.max_size = PART
    one = Connection(protocol)
    if connections.take(one.who):
        _open[transport] = one
    else:
        transport.write(FULL)
        transport.close()


async def watch() -> None:
    """Closes connections that wait too long, looking once a second, until it is cancelled.

    Streamlit makes uvicorn's settings and leaves no place for another protocol.
    """
    AutoHTTPProtocol.connection_made = _connection_made
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows; a limit that cannot be moved
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(ROUND)
        for transport, one in list(_open.items()):
            limit = STALLED if transport.get_write_buffer_size() else HEAD
            if one.idle(transport, loop.time()) > limit:
                transport.abort()
            if transport.is_closing() and not transport.get_write_buffer_size():
                del _open[transport]
                connections.give_back(one.who)
