"""Writing files so that nothing is lost, and refusing those that a newer program wrote."""

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


def not_newer(said: int, ours: int, where: str | Path) -> None:
    """Raises Problem where a file's schema number is greater than the one this program writes."""
    if said > ours:
        raise Problem(
            f"{where} has schema {said}, and this program reads {ours} at most: a newer one wrote it. Update the "
            "program, or take the file that came with this one."
        )
