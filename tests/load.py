"""A class of thirty on this machine:   python -m tests.load

The app is started as a reader starts it. Five runs train live; thirteen visitors watch one of them and
twelve look at recordings and lessons. A visitor is what the server sees of a browser: the page, a Streamlit
session over its websocket, a click that runs the page's script every 15 to 25 seconds (timed until it has
run; playing, scrubbing and layers ask nothing), the recording's file or the long polls for frames. Thirty real Chromium pages would take the two cores for drawing, which
learners' machines do; the five live runs are started in real ones, and one more turns the lessons' leaves
all the while, timed until the next lesson is seen. Five bad pupils (tests/pupils.py says what they do), each at
an address of their own, take all they can meanwhile. Memory is PSS of the server and its
workers, before, at most, and after all have left. Before and after are measured alike: all runs and workers
have ended (a page of PyTorch that a worker shares would count by half), and one visitor more has been
everywhere (Streamlit lets go of sessions that have ended when the next begins).
"""

import contextlib
import itertools
import math
import multiprocessing
import os
import random
import re
import shutil
import statistics
import struct
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from ali_core.lab import packs
from tests.conftest import FLAGS, serving, settle
from tests.pupils import all_bad, stream

SECONDS = 75  # of the lesson
LEFT = 150  # seconds; runs end after one minute, workers and sessions after two
TIDY = 65  # seconds in which the server has tidied up
PATIENCE = 60  # seconds that anybody here waits for an answer; the table names who waited in vain
BEGUN = time.monotonic()
PAGES = {"lab": "show=ali-grid", "lessons": "lesson={}", "": "", "guess": "game={}"}


def behind(number: int) -> dict[str, str]:
    """What a proxy on this machine says of a visitor, so that each has an address of their own."""
    return {"X-Forwarded-For": f"10.0.0.{number}"}


class Visitor(threading.Thread):
    """A browser, as the server sees it."""

    def __init__(self, address: str, end: float, run: str = "", number: int = 0):
        super().__init__(daemon=True)
        self.headers = behind(number)
        self.address, self.end, self.run_id = address, end, run
        self.waits, self.frames, self.problem = [], 0, None

    def ask(self, path: str) -> bytes:
        request = urllib.request.Request(self.address + path, headers=self.headers)
        return urllib.request.urlopen(request, timeout=PATIENCE).read()

    def click(self, socket, page: str, query: str) -> float:
        """Asks for a page's script, and waits until it has run. -> seconds"""
        message, begun = BackMsg(), time.monotonic()
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        socket.send(message.SerializeToString())
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(socket.recv(timeout=PATIENCE))
            if answer.WhichOneof("type") == "script_finished":
                return time.monotonic() - begun

    def page(self):
        """A page's websocket, as a browser opens it."""
        return stream(self.address, additional_headers=self.headers)

    def everywhere(self) -> None:
        """Opens every page some times."""
        with self.page() as socket:
            for number in range(1, 9):
                for page, query in PAGES.items():
                    self.click(socket, page, query.format(number))

    def run(self) -> None:
        try:
            self.visit()
        except Exception as problem:  # whatever it is, the table says it
            self.problem = problem

    def visit(self) -> None:
        self.ask("/lab")
        with self.page() as socket:
            if self.run_id:
                threading.Thread(target=self.poll, daemon=True).start()
            else:
                self.ask("/live/recordings/ali-grid")
            time.sleep(random.uniform(0, 20))
            while time.monotonic() < self.end:
                page = "lab" if self.run_id else random.choice(list(PAGES))
                query = f"live=1&run={self.run_id}" if self.run_id else PAGES[page]
                self.waits.append(self.click(socket, page, query.format(random.randint(1, 8))))
                time.sleep(random.uniform(15, 25))

    def watch(self) -> None:
        """Has a page open and polls, no more: a run's owner, without whom it would end."""
        with self.page():
            self.poll()

    def poll(self) -> None:
        number = -1
        while time.monotonic() < self.end:
            content = self.ask(f"/live/frames?run={self.run_id}.{number}&who={id(self)}")
            (number,) = struct.unpack_from("<I", content)
            self.frames += sum(packs.about(p)["kind"] == "frame" for p in packs.parted(content[4:]))


def at_rest(address: str, server: psutil.Process) -> float:
    """MB when everybody has left."""
    say(f"everybody has left; {LEFT} s until runs, workers and sessions have ended")
    time.sleep(LEFT)
    say("one more visitor opens every page")
    Visitor(address, 0).everywhere()
    say(f"{TIDY} s until the server has tidied up")
    time.sleep(TIDY)
    return memory(server)


def say(what: str) -> None:
    """Tells how far it is, with the minutes passed and the machine's load."""
    minutes, seconds = divmod(int(time.monotonic() - BEGUN), 60)
    print(f"{minutes}:{seconds:02}  load {os.getloadavg()[0]:.1f}  {what}", flush=True)


def memory(server: psutil.Process) -> float:
    """MB of the server and its workers, shared pages counted once."""
    used = 0
    for process in [server, *server.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            used += process.memory_full_info().pss
    return used / 2**20


def begin(browser, address: str, seed: int) -> str:
    """Starts a live run in a real page, and plays it. -> its id"""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, extra_http_headers=behind(100 + seed))
    page = context.new_page()
    page.set_default_timeout(300_000)
    page.goto(f"{address}/lab?live=1&seed={seed}")
    settle(page)
    page.get_by_role("button", name="Class").click()
    page.get_by_role("button", name="Start for a class").click()
    page.locator(".root[data-step='0']").first.wait_for()
    page.locator(".root[data-step]").first.get_by_role("button", name="Play").click()
    page.wait_for_function("location.href.includes('run=')")
    run = re.search(r"run=([\w-]+)", page.url)[1]
    context.close()
    return run


def step_of(address: str, run: str) -> tuple[int, str]:
    """How many steps a run has taken, and the sentence it has ended with."""
    content = urllib.request.urlopen(f"{address}/live/frames?run={run}.-1", timeout=PATIENCE).read()
    state = [packs.about(p) for p in packs.parted(content[4:])][-1]
    return state.get("step", 0), state["ended"]


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder) / "log") as address:
        me = psutil.Process()
        server = next(p for p in me.children() if "streamlit" in " ".join(p.cmdline()))
        with sync_playwright() as driver:
            program = shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=program, args=FLAGS)
            say("one live run before all others")
            begin(browser, address, 0)
            before = at_rest(address, server)
            say("five live runs begin")
            owners = []
            for seed in range(1, 6):
                owners.append(Visitor(address, math.inf, begin(browser, address, seed), 100 + seed))
                threading.Thread(target=owners[-1].watch, daemon=True).start()
            numbers = lesson(browser, address, server, owners, before)
            browser.close()
        after = at_rest(address, server)
    report(numbers, before, after)


def lesson(browser, address: str, server: psutil.Process, owners: list[Visitor], most: float) -> dict:
    """The load itself. -> its numbers, as `report` prints them"""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.set_default_timeout(300_000)
    page.goto(f"{address}/lessons")
    settle(page)
    say(f"the lesson: {SECONDS} s")
    runs, end = [one.run_id for one in owners], time.monotonic() + SECONDS
    for one in owners:
        one.end = end
    visitors = [Visitor(address, end, runs[0], number) for number in range(13)]
    visitors += [Visitor(address, end, "", number) for number in range(13, 25)]
    start, begun = [step_of(address, run)[0] for run in runs], time.monotonic()
    context = multiprocessing.get_context("spawn")  # not in this process, whose clocks they would slow
    counts = context.Queue()
    bad = context.Process(target=all_bad, args=(address, runs[0], time.time() + SECONDS, counts), daemon=True)
    bad.start()
    for one in visitors:
        one.start()
    seen, turn = [], (("Next", "2. A GAN"), ("Back", "1. A decoder"))
    for label, title in itertools.cycle(turn):
        time.sleep(2)
        clicked = time.monotonic()
        page.get_by_role("button", name=label).click()
        page.get_by_text(title).wait_for()
        seen.append(time.monotonic() - clicked)
        most = max(most, memory(server))
        if time.monotonic() > end:
            break
    ended = [step_of(address, run) for run in runs]
    passed = time.monotonic() - begun
    say("the lesson is over; its visitors leave")
    for one in visitors:
        one.join(60)
    bad_had, bad_refused = counts.get(timeout=120), counts.get(timeout=120)
    bad.kill()
    return {
        "waits": sorted(wait for one in visitors for wait in one.waits),
        "seen": sorted(seen),
        "rate": [(b - a) / passed for a, (b, _) in zip(start, ended, strict=True)],
        "frames": statistics.median(one.frames for one in visitors[:13]) / SECONDS,
        "most": most,
        "load": os.getloadavg()[0],
        "bad": [bad_had, bad_refused],
        "problems": [one.problem for one in visitors if one.problem] + [s for _, s in ended if s],
    }


def report(numbers: dict, before: float, after: float) -> None:
    """Prints the table."""
    waits, seen, rate = numbers["waits"], numbers["seen"], numbers["rate"]
    print(f"load average           {numbers['load']:.1f} at the end of the lesson, on {os.cpu_count()} cores")
    print(f"clicks of 25 visitors  {len(waits)}, median {statistics.median(waits):.2f} s")
    print(f"95 % answered within   {waits[int(0.95 * len(waits))]:.2f} s (aim 1 s)")
    print(
        f"a real page's clicks   {len(seen)}, median {statistics.median(seen):.2f} s, 95 % {seen[int(0.95 * len(seen))]:.2f} s"
    )
    print(f"five live runs         {sum(rate):.0f} steps/s together (aim 50): {', '.join(f'{r:.0f}' for r in rate)}")
    print(f"a watcher is shown     {numbers['frames']:.1f} frames/s")
    print(
        f"memory, MB             {before:.0f} before, {numbers['most']:.0f} at most (aim 1,500), {after:.0f} after all left ({after / before - 1:+.0%}, aim 10 %)"
    )
    print(f"five bad pupils had    {numbers['bad'][0]}")
    print(f"and were refused       {numbers['bad'][1]}")
    print(f"problems               {numbers['problems'] or 'none'}")


if __name__ == "__main__":
    main()
