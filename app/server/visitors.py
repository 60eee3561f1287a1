"""Limits by visitor on connections, pages, polls, uploads and scripts: nobody holds more than is left free."""

import asyncio
import collections
import ipaddress
import itertools
import math

from streamlit import runtime

MB = 2**20
LATE = 60.0  # seconds in which what somebody had fades
GREEDIER = 10  # times as long the place of the greedy is theirs, which is one: a script is to end in it


def named(host: str | None) -> str:
    """A visitor's name: the address they come from; of IPv6 its first half, which is the household's."""
    try:
        address = ipaddress.ip_address(host or "127.0.0.1")
    except ValueError:
        return str(host)
    if address.version == 4:
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, 64), strict=False).network_address)


def who(scope: dict) -> str:
    """The visitor of an ASGI scope; of a proxy on this machine, whom it speaks for."""
    return named((scope.get("client") or [None])[0])


class Share:
    """A limit for all visitors together; one may take more as long as they then hold no more than was free.

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
    """A limit by visitor: `burst` messages at once, then `rate` a second; only who sends more has to wait."""

    def __init__(self, burst: int, rate: float):
        self.burst, self.rate = burst / rate, rate
        self.due: dict[str, float] = {}

    async def turn(self, visitor: str) -> None:
        """Returns when it is this visitor's turn."""
        now = asyncio.get_running_loop().time()
        due = self.due[visitor] = max(now, self.due.get(visitor, now)) + 1 / self.rate
        if due - now > self.burst:
            await asyncio.sleep(due - now - self.burst)

    def spare(self, visitor: str) -> float:
        """Takes a turn where there is one now. -> 0.0, or the seconds until there is"""
        now = asyncio.get_running_loop().time()
        due = max(now, self.due.get(visitor, now)) + 1 / self.rate
        if due - now > self.burst:
            return due - now - self.burst
        self.due[visitor] = due
        return 0.0

    def forget(self) -> None:
        """Drops who could send a burst again."""
        now = asyncio.get_running_loop().time()
        self.due = {visitor: due for visitor, due in self.due.items() if due > now}


class Place:
    """One of the places of Turns: a visitor's, until they leave it or its time is over."""

    def __init__(self, turns: "Turns", visitor: str, greedy: bool):
        self.turns, self.visitor, self.greedy, self.over = turns, visitor, greedy, asyncio.Event()
        loop = asyncio.get_running_loop()
        self.begun = loop.time()
        loop.call_later(turns.longest * (GREEDIER if greedy else 1), self.leave)

    def leave(self) -> None:
        if not self.over.is_set():
            self.over.set()
            self.turns.end(self)


class Turns:
    """A limit on scripts that run at once; a free place goes to the visitor who has fewest and has waited longest.

    So who clicks without pause on thirty pages waits for themselves, and everybody else for a script or two. One
    that takes longer keeps its place no more than so many seconds: it may go on for minutes. Who has had `much`
    of late while others were here is greedy: all who are have one place among them, which rests as long as they
    had it, so that there is always another, and half of a core for whatever else this machine does.
    """

    def __init__(self, places: int, longest: float, much: float = math.inf):
        self.places, self.longest, self.much = places, longest, much
        self.running = collections.Counter()
        self.line: list[tuple[str, asyncio.Future]] = []
        self.served: dict[str, int] = {}  # who is here: the number of their last turn
        self.had: dict[str, tuple[float, float]] = {}  # who was here of late: seconds they had, until when
        self.taken = False  # the place of the greedy, or it rests
        self.count = itertools.count(1)

    async def take(self, visitor: str) -> Place:
        """Waits for a place."""
        turn = visitor, asyncio.get_running_loop().create_future()
        self.line.append(turn)
        self._next()
        try:
            return await turn[1]
        except asyncio.CancelledError:
            if turn in self.line:
                self.line.remove(turn)
            elif not turn[1].cancelled():  # it came while they left
                turn[1].result().leave()
            raise

    def end(self, place: Place) -> None:
        """A place is free again."""
        visitor, now = place.visitor, asyncio.get_running_loop().time()
        self.had[visitor] = self._had(visitor, now) + now - place.begun, now
        self.running[visitor] -= 1
        if not self.running[visitor]:
            del self.running[visitor]
            if all(other != visitor for other, _ in self.line):
                self.served.pop(visitor, None)
        if place.greedy:
            asyncio.get_running_loop().call_later(min(now - place.begun, self.longest), self._rested)
        self._next()

    def wanted(self, visitor: str) -> bool:
        """Whether anybody else waits."""
        return any(who != visitor for who, _ in self.line)

    def forget(self) -> None:
        """Drops who has not been here for a while."""
        now = asyncio.get_running_loop().time()
        self.had = {who: had for who, had in self.had.items() if now - had[1] < 2 * LATE}
        here = self.running.keys() | {who for who, _ in self.line}
        self.served = {who: number for who, number in self.served.items() if who in here}

    def _had(self, visitor: str, now: float) -> float:
        """Seconds of places that a visitor has had of late: they fade."""
        seconds, at = self.had.get(visitor, (0.0, now))
        return seconds * math.exp((at - now) / LATE)

    def _rested(self) -> None:
        self.taken = False
        self._next()

    def _next(self) -> None:
        self.line = [one for one in self.line if not one[1].cancelled()]
        now = asyncio.get_running_loop().time()
        alone = len(self.had.keys() | {who for who, _ in self.line}) < 2
        greedy = {who for who, _ in self.line if not alone and self._had(who, now) > self.much}
        while self.line and self.running.total() < self.places:
            may = [one for one in self.line if not self.taken or one[0] not in greedy]
            if not may:
                return
            turn = min(may, key=lambda one: (self.running[one[0]], self.served.get(one[0], 0)))
            self.line.remove(turn)
            self.running[turn[0]] += 1
            self.served[turn[0]] = next(self.count)
            place = Place(self, turn[0], turn[0] in greedy)
            self.taken |= place.greedy
            turn[1].set_result(place)


class Uploads:
    """What visitors have uploaded: a file counts from its first byte until Streamlit has deleted it."""

    def __init__(self, total: int):
        self.share = Share(total)
        self.files: dict[tuple[str, str], tuple[str, int]] = {}  # session, file: whose, bytes
        self.gone: set[str] = set()  # sessions without a browser a round ago

    def begin(self, visitor: str, size: int) -> bool:
        """Takes room for a file that is on its way. -> whether there was"""
        self.look()
        return self.share.take(visitor, size)

    def end(self, visitor: str, size: int, file: tuple[str, str], kept: bool) -> None:
        """The upload has arrived (`kept`), or it has failed and its room is free again."""
        if not kept:
            self.share.give_back(visitor, size)
            return
        if file in self.files:  # sent again in place of itself
            self.share.give_back(*self.files[file])
        self.files[file] = visitor, size

    def look(self) -> None:
        """Frees the room of files that Streamlit has deleted."""
        manager = runtime.get_instance().uploaded_file_mgr
        for (session, file), held in list(self.files.items()):
            if not manager.get_files(session, [file]):
                del self.files[session, file]
                self.share.give_back(*held)

    def tidy(self) -> None:
        """Deletes the files of sessions that have had no browser for a round of tidying.

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
calls = Share(64)  # of programs, which wait or are answered
asking = Pace(120, 8.0)  # of programs
pace = Pace(60, 4.0)  # of messages to a page whose script runs
scripts = Turns(2, 1.0, much=3.0)
