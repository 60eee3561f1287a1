"""A stranger's picture is decoded apart: in a process that ends when it takes too long or too much.

python -m ali_core.data.apart     that process; the app and the commands start it

It reads a line of JSON and the file on stdin, answers with a line of JSON and pixels on stdout, and goes on.
What is small is decoded here: that takes no longer than to ask.
"""

import atexit
import contextlib
import io
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
from PIL import Image

from ali_core.problem import Problem

from . import faces, headers, pictures
from .pictures import Box, Seen

SECONDS = 4.0  # for one picture, and as long again to find faces in it
MEMORY = 450 * 2**20  # bytes of a process, on Linux
PROCESSES = 2  # pictures that are decoded at the same time
PATIENCE = 30.0  # seconds until somebody who waits for a process is sent away
PREVIEW = 512  # pixels of the longer side of the picture that comes back to be shown
QUICK_BYTES, QUICK_PIXELS = 2**18, 2**20  # at most 10 ms


def see(
    name: str,
    content: bytes,
    shape: tuple[int, ...],
    fit: str = "crop",
    invert: bool | None = None,
    border: float | None = None,
    frame: str = "",
    box: Box | None = None,
    turn: int | None = 0,
) -> tuple[Seen, Image.Image]:
    """A file as a model of `shape` sees it, as in `faces.framed`, and the picture itself, small.

    Raises Problem with a sentence for what is no picture, is damaged, or takes too much.
    """
    pictures.check(name, content)
    how = {"shape": list(shape), "fit": fit, "invert": invert, "border": border, "frame": frame}
    how |= {"box": box, "turn": turn}
    if not frame and _quick(content):  # OpenCV is for the process alone
        return _look(name, content, **how)
    try:
        process = _free.get(timeout=PATIENCE)
    except queue.Empty:
        raise Problem("Many pictures are waiting to be decoded; try again in a moment.") from None
    try:
        if process is None or process.poll() is not None:
            process = _start()
        return _ask(process, name, content, how)
    finally:
        _free.put(process)


def warm(frame: str = "") -> None:
    """Starts a process before anybody needs it, and has it find in nothing what `frame` finds."""
    with contextlib.suppress(queue.Empty):
        process = _free.get_nowait()
        _free.put(process or _start())
    if frame:
        nothing = io.BytesIO()
        Image.new("L", (9, 9)).save(nothing, "png")
        with contextlib.suppress(Problem):
            see("nothing", nothing.getvalue(), (9, 9, 1), frame=frame)


def _quick(content: bytes) -> bool:
    if not headers.recognised(content):  # no picture: that is said as soon
        return True
    width, height = headers.webp_size(content)
    if len(content) > QUICK_BYTES or width * height > QUICK_PIXELS:
        return False
    try:
        with Image.open(io.BytesIO(content), formats=pictures.FORMATS) as image:
            return image.width * image.height <= QUICK_PIXELS and image.format != "TIFF"
    except Exception:  # nor is this
        return True


def _look(name: str, content: bytes, **how) -> tuple[Seen, Image.Image]:
    image = pictures.read(name, content)
    seen = faces.framed(image, **how)
    image = faces.turned(image, seen.turn)
    return seen, image.reduce(max(1, max(image.size) // PREVIEW))


# ---- the processes ---------------------------------------------------------------------------------

_free: queue.LifoQueue[subprocess.Popen | None] = queue.LifoQueue()
for _ in range(PROCESSES):
    _free.put(None)


def _start() -> subprocess.Popen:
    # large blocks go back to the system as soon as they are free
    more = {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": "1048576",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ali_core.data.apart"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdout.readline()  # it is ready; its start is not the picture's time
    atexit.register(process.kill)
    return process


def _ask(process: subprocess.Popen, name: str, content: bytes, how: dict):
    order = {"name": name, "bytes": len(content), "how": how}
    ending = threading.Timer(SECONDS * (2 if how["frame"] else 1), process.kill)
    ending.start()
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n" + content)
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        parts = [process.stdout.read(length) for length in answer["bytes"]]
        if [len(part) for part in parts] != answer["bytes"]:
            raise EOFError
    except (OSError, EOFError, ValueError):  # it was ended, or it ended itself
        process.kill()
        process.wait()
        raise Problem(pictures.too_heavy(name)) from None
    finally:
        ending.cancel()
    if answer["problem"]:
        raise Problem(answer["problem"])
    array = np.frombuffer(parts[0], np.uint8).reshape(how["shape"]).copy()
    preview = Image.frombytes(answer["mode"], tuple(answer["size"]), parts[1])
    box, frames = answer["box"] and tuple(answer["box"]), tuple(map(tuple, answer["frames"]))
    whole, turn = tuple(answer["whole"]), answer["turn"]
    seen = Seen(array, answer["inverted"], answer["suggested"], answer["steps"], whole, box, frames, turn)
    return seen, preview


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows: time alone is limited
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    if sys.platform == "linux":  # elsewhere it is no limit on what is really used
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def main() -> None:
    """Pictures in, pixels out, until stdin ends."""
    _limit()
    out = sys.stdout.buffer
    out.write(b"ready\n")
    out.flush()
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        answer, parts = {"problem": ""}, []
        try:
            content = sys.stdin.buffer.read(order["bytes"])
            seen, preview = _look(order["name"], content, **order["how"])
            parts = [seen.array.tobytes(), preview.tobytes()]
            answer |= {"mode": preview.mode, "size": preview.size, "steps": seen.steps}
            answer |= {"inverted": seen.inverted, "suggested": seen.suggested_inversion}
            answer |= {"box": seen.box, "frames": seen.frames, "whole": seen.size, "turn": seen.turn}
            del seen, preview
        except Problem as problem:
            answer["problem"] = str(problem)
        except MemoryError:
            answer["problem"] = pictures.too_heavy(order["name"])
        answer["bytes"] = [len(part) for part in parts]
        out.write(json.dumps(answer).encode() + b"\n" + b"".join(parts))
        out.flush()


if __name__ == "__main__":
    main()
