"""Long work for one visitor, one after the other, in processes that can be cancelled."""

import contextlib
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 24  # that wait
STOPPED = "Cancelled; nothing is kept of it."
LONG = "It was not done in {:.0f} minutes, so it was ended; ask for less."
FAILED = "It could not be made; the server's terminal says why."

lock = threading.RLock()
_line: list["Job"] = []  # what waits, the first is being made


class Job:
    """A process that is given something on stdin, says how far it is, and leaves a result.

    state: "waits", "works", "ready" or "failed"; share and says: how far it is, or what is wrong.
    """

    def __init__(self, module: str, given: str, seconds: float, done: Callable[[str], None]):
        self.module, self.given, self.seconds, self.done = module, given, seconds, done
        self.state, self.share, self.says = "waits", 0.0, ""
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        """Joins the line: each takes all the cores that are left."""
        with lock:
            if len(_line) >= MOST:
                self.fail("Many others wait for theirs; try again in some minutes.")
                return
            _line.append(self)
            if len(_line) == 1:
                threading.Thread(target=_work, daemon=True).start()

    @property
    def open(self) -> bool:
        """Whether it waits or works."""
        return self.state in ("waits", "works")

    def word(self) -> str:
        """What is said of it."""
        with lock:
            before = _line.index(self) if self.state == "waits" and self in _line else 0
        return f"waits until {before} other{'s are' if before > 1 else ' is'} made" if before else self.says or "starts"

    def stop(self, sentence: str = STOPPED) -> None:
        """Nobody wants it any more."""
        with lock:
            if self.open:
                if self.process:
                    self.process.kill()
                self.fail(sentence)

    def fail(self, sentence: str) -> None:
        self.state, self.says = "failed", sentence

    def run(self) -> None:
        """Makes it here and now."""
        with lock:
            if self.state != "waits":  # it was cancelled in the line
                return
            errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115, a pipe would fill
            self.state = "works"
            self.process = process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
            )
        late, result = threading.Event(), ""
        ending = threading.Timer(self.seconds, lambda: (late.set(), process.kill()))
        ending.start()
        try:
            with contextlib.suppress(OSError), process.stdin as orders:
                orders.write(self.given)
            for line in process.stdout:
                first, _, rest = line.strip().partition(" ")
                if first == "=":
                    result = rest
                else:
                    self.share, self.says = float(first), rest
            code = process.wait()
        finally:
            ending.cancel()
            process.stdout.close()
        errors.seek(0)
        why = errors.read().strip()
        errors.close()
        with lock:
            if self.state != "works":  # cancelled: it was ended for that
                return
            if code:
                if code != 2 and not late.is_set():
                    print(why, file=sys.stderr)
                sentence = why.splitlines()[-1] if code == 2 else FAILED
                self.fail(LONG.format(self.seconds / 60) if late.is_set() else sentence)
                return
            self.done(result)
            self.state = "ready"


def _work() -> None:
    """Makes what waits, until nothing does."""
    while True:
        with lock:
            one = _line[0]
        try:
            one.run()
        except Exception as error:  # the others in the line still want theirs
            print(f"{one.module}: {error!r}", file=sys.stderr)
            with lock:
                one.fail(FAILED)
        with lock:
            _line.pop(0)
            if not _line:
                return


def leave() -> None:
    """Ends all of it."""
    for one in list(_line):
        one.stop()
