"""One line in which graphs for browsers are made: one after another, each in a process of its own, whoever they are for."""

import atexit
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from ali_core.problem import Problem

ROOT = Path(__file__).parents[2]
MOST_WAITING = 40
BUSY = "The graphs of many others are being made; try again in a minute."
WAITS = "waits until other graphs are made"


class Making:
    """What is being made, or waits for its turn, or could not be made."""

    def __init__(self):
        self.share, self.says, self.failed, self.ready = 0.0, WAITS, "", False

    def state(self) -> dict:
        """-> {"state": "ready"}, or "making" with share and says, or "off" with says"""
        if self.failed:
            return {"state": "off", "says": self.failed}
        if self.ready:
            return {"state": "ready", "share": 1.0, "says": self.says}
        return {"state": "making", "share": self.share, "says": self.says}


_lock = threading.Lock()
_line: list[
    tuple[Making, list[str], str, Callable[[str], tuple[float, str] | None], str]
] = []  # the first's is made now
_running: list[subprocess.Popen] = []


def make(
    one: Making, module: list[str], given: str, heard: Callable[[str], tuple[float, str] | None], failed: str
) -> None:
    """Puts `one` into the line, where it stands once: python -m MODULE … with `given` on stdin.

    heard: a line that the process writes -> share and says, or None. failed: what is said where it ends without a sentence.
    Raises Problem where too many wait.
    """
    with _lock:
        if any(waits is one for waits, *_ in _line):
            return
        if len(_line) >= MOST_WAITING:
            raise Problem(BUSY)
        one.share, one.says, one.failed, one.ready = 0.0, WAITS, "", False
        _line.append((one, module, given, heard, failed))
        if len(_line) == 1:
            threading.Thread(target=_work, daemon=True).start()


def _work() -> None:
    """Makes what waits until nothing does: there are pages to be answered, too."""
    while True:
        with _lock:
            one, *how = _line[0]
        one.failed = _run(one, *how)
        one.ready = not one.failed
        with _lock:
            _line.pop(0)
            if not _line:
                return


def _run(one: Making, module: list[str], given: str, heard: Callable, failed: str) -> str:
    """-> why it could not be made, or "" """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
            )
            _running[:] = [process]
            one.says = "PyTorch starts"
            with process.stdin as told:
                told.write(given)
            for line in process.stdout:
                if said := heard(line):
                    one.share, one.says = said
        except OSError:
            return failed
        code = process.wait()
        errors.seek(0)
        why = errors.read().strip()
    if code == 2:  # a sentence
        return why.splitlines()[-1]
    if code:
        print(why, file=sys.stderr)
    return failed if code else ""


@atexit.register
def _stop() -> None:
    for process in _running:
        process.terminate()
