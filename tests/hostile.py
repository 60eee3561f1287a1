"""What strangers send, damaged in every way:   python -m tests.hostile [SECONDS]   (600 when nothing is said)

Pictures, zips, tables, links, whole pages by a link, orders to live runs, and what hostile_cards.py adds; each is
a valid one that was mutated, or one of a kept set that once did harm. Every case must end in a result or a
sentence (a Problem). A case fails that raises anything else, takes more than 5 s (three times in a row:
other work may stand in between) or 500 MB, opens a file for writing outside of its folder, or speaks to
another host. Kinds take turns. Ends with 1 where a case has failed, and
leaves its name; the same seed makes the same cases.
"""

import argparse
import importlib
import importlib.util
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ali_core.data import apart
from ali_core.problem import Problem

from . import hostile_cases

SLOWEST, LARGEST = 5.0, 500.0  # seconds, MB
SHARES = {"kept": 4, "pictures": 4}  # of the time; one share for every other kind
SHOWN = 5  # failures that are printed
Cases = Iterator[tuple[str, Callable[[], None]]]


def sources(rng: np.random.Generator) -> dict[str, Cases]:
    """Every kind, and its cases without end; of the kept ones a list."""
    cases = {make.__name__: make(rng) for make in hostile_cases.KINDS}
    if importlib.util.find_spec("tests.hostile_cards"):
        cases["cards"] = importlib.import_module("tests.hostile_cards").cases(rng)
    return cases


@dataclass
class Tally:
    """What came of a kind's cases."""

    cases: int = 0
    refused: int = 0  # with a sentence
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")  # MB more than before, or all of a decoding process
    failures: list[str] = field(default_factory=list)


class Watch:
    """Listens to the interpreter: files that are opened for writing, hosts that are spoken to."""

    def __init__(self, folder: Path):
        self.folder, self.seen, self.on = str(folder.resolve()) + os.sep, [], False
        self.more()
        sys.addaudithook(self.hear)

    def more(self) -> float:
        """MB that this process had more at most than when it was last asked, or all of a decoding one."""
        most = memory() - getattr(self, "before", 0.0)
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the most begins anew
        self.before = memory(key="VmRSS")
        apart_now = [memory(process.pid) for process in apart._free.queue if process]
        return max(most, *apart_now, 0.0)

    def hear(self, event: str, words: tuple) -> None:
        if not self.on:
            return
        if event == "open" and isinstance(words[0], (str, bytes)):
            writes = os.O_WRONLY | os.O_RDWR | os.O_CREAT
            if words[2] & writes:
                self.place(words[0])
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate"):
            self.place(words[0])
        elif event in ("os.rename", "os.symlink", "os.link"):
            self.place(words[1])
        elif event in ("socket.connect", "socket.sendto") and isinstance(words[1], tuple):
            self.seen.append(f"speaks to {words[1][0]}")
        elif event == "socket.getaddrinfo":
            self.seen.append(f"asks for {words[0]}")

    def place(self, path: str | bytes) -> None:
        whole = os.path.abspath(os.fsdecode(path))  # no link is ever made
        if not whole.startswith(self.folder) and whole != os.devnull:
            self.seen.append(f"writes {whole}")


def memory(pid: int | str = "self", key: str = "VmHWM") -> float:
    """A process's memory in MB, at most until now ("VmHWM") or now ("VmRSS"); 0 where nobody says."""
    with suppress(OSError), open(f"/proc/{pid}/status") as lines:
        return next((int(x.split()[1]) / 1024 for x in lines if x.startswith(key)), 0.0)
    return 0.0


def attempt(name: str, act: Callable[[], None], tally: Tally, watch: Watch) -> None:
    """One case, with everything that is asked of it."""
    watch.seen.clear()
    taken, why = [], ""
    while not taken or (min(taken) > SLOWEST and len(taken) < 3):
        begun = time.perf_counter()
        watch.on = True
        try:
            act()
        except Problem as problem:
            tally.refused += not taken
            if len(str(problem)) > 1_000 or not str(problem).strip():
                why = f"its sentence is {len(str(problem))} characters long"
        except Exception:
            why = traceback.format_exc(limit=-4)
        watch.on = False
        taken.append(time.perf_counter() - begun)
    more = watch.more() if max(taken) > 0.02 else 0.0  # who is quicker has filled no memory
    tally.cases += 1
    tally.slowest = max(tally.slowest, (min(taken), name))
    tally.largest = max(tally.largest, (more, name))
    why = why or next(iter(watch.seen), "")
    if min(taken) > SLOWEST or more > LARGEST:
        why = why or f"{min(taken):.1f} s, {more:.0f} MB"
    if why:
        tally.failures.append(f"{name}: {why}")


def run(seconds: float, seed: int, folder: Path) -> dict[str, Tally]:
    """Every kind in turn, the one that has had the least time first, until the time is over."""
    kinds = sources(np.random.default_rng(seed))
    tallies, watch = {kind: Tally() for kind in kinds}, Watch(folder)
    left, spent = dict(kinds), dict.fromkeys(kinds, 0.0)
    end = time.monotonic() + seconds
    while left and time.monotonic() < end:
        kind = min(left, key=lambda kind: spent[kind] / SHARES.get(kind, 1))
        begun = time.monotonic()
        if case := next(left[kind], None):
            attempt(*case, tallies[kind], watch)
        else:
            del left[kind]
        spent[kind] += time.monotonic() - begun
    return tallies


def main() -> int:
    """Runs all, prints the table. -> how the command ends"""
    parser = argparse.ArgumentParser("python -m tests.hostile")
    parser.add_argument("seconds", type=float, nargs="?", default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as place:
        tempfile.tempdir = place  # what the cases make goes there too
        hostile_cases.get_ready(Path(place))
        os.chdir(place)
        tallies = run(words.seconds, words.seed, Path(place))
        os.chdir(home)
        tempfile.tempdir = None
    print(f"{'':10} {'cases':>8} {'refused':>8} {'slowest':>9} {'memory':>8}  failed")
    for kind, t in tallies.items():
        print(f"{kind:10} {t.cases:8,} {t.refused:8,} {t.slowest[0]:7.2f} s {t.largest[0]:5.0f} MB  {len(t.failures)}")
    failures = [one for tally in tallies.values() for one in tally.failures]
    total = sum(tally.cases for tally in tallies.values())
    print(f"{total:,} cases, {len(failures)} failed")
    for one in failures[:SHOWN]:
        print(f"\n{one[:2_000]}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
