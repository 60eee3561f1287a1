"""Memory that is given back to the machine when visitors have left."""

import contextlib
import ctypes
import gc
import sys

ARENA_MAX = -8  # mallopt's M_ARENA_MAX


def glibc(function: str, *arguments: int) -> None:
    """Calls a function of glibc; elsewhere nothing happens."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # another C library
            getattr(ctypes.CDLL(None), function)(*arguments)


def collect(before: int, alone: bool) -> int:
    """Frees the objects that ended sessions have left; those of imported libraries are not walked over.

    To walk over them, PyTorch's first of all, takes 0.2 s of a core and seconds of a busy machine, in which nobody
    is answered; so it is done only where nobody waits. before: how many modules there were the last time; alone:
    whether nobody is here. -> how many there are now
    """
    if alone:
        gc.unfreeze()
    gc.collect()
    if alone or len(sys.modules) != before:
        gc.freeze()
    return len(sys.modules)
