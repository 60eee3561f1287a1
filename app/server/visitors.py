"""Who asks, and how much of what there is they may hold: nobody more than is left for all others."""

import asyncio
import collections
import ipaddress
import itertools
from collections.abc import Callable

from streamlit import runtime

MB = 2**20


def named(host: str | None) -> str:
    """A visitor's name: the address they come from; of IPv6 its first half, which is the household's."""
    try:
        found = ipaddress.ip_address(host or "127.0.0.1")
    except ValueError:
        return str(host)
    if found.version == 4:
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped or ipaddress.ip_network((found, 64), strict=False).network_address)


def who(scope: dict) -> str:
    """The visitor of an ASGI scope; of a proxy on this machine, whom it speaks for."""
    return named((scope.get("client") or [None])[0])


class Share:
    """So much in all. A visitor gets what they ask while they hold no more than is left.

    One who takes all they can is left with half, five with a sixth each, and another sixth stays free: a class
    behind one address finds room, and so does everybody else beside five who would have it all.
    """

    def __init__(self, total: int):
        self.total, self.held = total, collections.Counter()

    def left(self) -> int:
        return self.total - self.held.total()

    def room(self, visitor: str, size: int = 1) -> bool:
        """Whether a visitor may hold so much more."""
        return self.held[visitor] + size <= self.left()

    def take(self, visitor: str, size: int = 1) -> bool:
        """Takes it, where there is room. -> whether there was"""
        if free := self.room(visitor, size):
            self.held[visitor] += size
        return free

    def give_back(self, visitor: str, size: int = 1) -> None:
        self.held[visitor] -= size
        if self.held[visitor] <= 0:  # or each address that ever came is kept
            del self.held[visitor]


class Pace:
    """Some messages at once, then so many a second; who sends more waits, and nobody else does."""

    def __init__(self, burst: int, rate: float):
        self.burst, self.rate = burst / rate, rate
        self.due: dict[str, float] = {}

    async def turn(self, visitor: str) -> None:
        """Returns when it is this visitor's turn."""
        now = asyncio.get_running_loop().time()
        due = self.due[visitor] = max(now, self.due.get(visitor, now)) + 1 / self.rate
        if due - now > self.burst:
            await asyncio.sleep(due - now - self.burst)

    def forget(self) -> None:
        """Drops who could send a burst again."""
        now = asyncio.get_running_loop().time()
        self.due = {visitor: due for visitor, due in self.due.items() if due > now}


class Turns:
    """Scripts that run at once: so many, and a free place goes to who has fewest and has waited longest.

    So who clicks without pause on thirty pages waits for themselves, and everybody else for a script or two. One
    that takes longer keeps its place no more than so many seconds: it may go on for minutes.
    """

    def __init__(self, places: int, longest: float):
        self.places, self.longest = places, longest
        self.running = collections.Counter()
        self.line: list[tuple[str, asyncio.Future]] = []
        self.served: dict[str, int] = {}  # who is here: the number of their last turn
        self.count = itertools.count(1)

    async def take(self, visitor: str) -> Callable[[], None]:
        """Waits for a place. -> what gives it back, once; time does too"""
        loop = asyncio.get_running_loop()
        turn, mine = (visitor, loop.create_future()), [visitor]
        self.line.append(turn)
        self._next()

        def leave() -> None:
            if mine:
                self._end(mine.pop())

        try:
            await turn[1]
        except asyncio.CancelledError:
            if turn in self.line:
                self.line.remove(turn)
            else:  # it came while they left
                leave()
            raise
        loop.call_later(self.longest, leave)
        return leave

    def _end(self, visitor: str) -> None:
        self.running[visitor] -= 1
        if not self.running[visitor]:
            del self.running[visitor]
            if all(other != visitor for other, _ in self.line):
                self.served.pop(visitor, None)
        self._next()

    def _next(self) -> None:
        while self.line and self.running.total() < self.places:
            turn = min(self.line, key=lambda one: (self.running[one[0]], self.served.get(one[0], 0)))
            self.line.remove(turn)
            self.running[turn[0]] += 1
            self.served[turn[0]] = next(self.count)
            if not turn[1].done():
                turn[1].set_result(None)


class Uploads:
    """What visitors have uploaded: it counts from its first byte until Streamlit has let go of it."""

    def __init__(self, total: int):
        self.share = Share(total)
        self.files: dict[tuple[str, str], tuple[str, int]] = {}  # session, file: whose, bytes
        self.gone: set[str] = set()  # sessions without a browser a round ago

    def begin(self, visitor: str, size: int) -> bool:
        """Takes room for a file that is on its way. -> whether there was"""
        self.look()
        return self.share.take(visitor, size)

    def end(self, visitor: str, size: int, file: tuple[str, str], kept: bool) -> None:
        """It has arrived, or has not."""
        if not kept:
            self.share.give_back(visitor, size)
            return
        if file in self.files:  # sent again in place of itself
            self.share.give_back(*self.files[file])
        self.files[file] = visitor, size

    def look(self) -> None:
        """Gives back what Streamlit has let go of."""
        manager = runtime.get_instance().uploaded_file_mgr
        for (session, file), held in list(self.files.items()):
            if not manager.get_files(session, [file]):
                del self.files[session, file]
                self.share.give_back(*held)

    def tidy(self) -> None:
        """Lets go of the files of sessions that have had no browser for a round of tidying.

        Streamlit does when another session ends, which may be never.
        """
        server, absent = runtime.get_instance(), set()
        for session in {session for session, _ in self.files}:
            if not server.is_active_session(session):
                absent.add(session)
                if session in self.gone:
                    server.uploaded_file_mgr.remove_session_files(session)
        self.gone = absent
        self.look()


connections = Share(1500)
pages = Share(200)  # that are open: Streamlit's sessions with a browser
polls = Share(400)
uploads = Uploads(256 * MB)
pace = Pace(60, 4.0)  # of messages to a page whose script runs
scripts = Turns(2, 1.0)
