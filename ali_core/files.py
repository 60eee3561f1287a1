"""Writing files so that nothing is lost."""

import contextlib
import os
from pathlib import Path

from ali_core.problem import Problem


def write_beside(path: Path, content: bytes) -> None:
    """Writes `content` beside `path` and renames it, so that a reader sees the old file or the new one.

    The bytes reach the disk before the rename: a process killed in the middle leaves the old file.
    Raises Problem, and leaves nothing beside it, where the disk is full or the place is not ours.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise Problem(
            f"{path} cannot be written ({error.strerror}); make room there, or choose another place."
        ) from None
