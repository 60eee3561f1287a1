"""A command in a process of its own, which is forked from one that has read PyTorch already: that takes seconds."""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import torch

from ali_core import __main__ as program

_context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
# an optimizer reads the last two when it is made
_context.set_forkserver_preload(["tests.apart", "ali_core.commands.train", "torch._dynamo", "torch.distributed.fsdp"])


def _run(words: list[str], cwd: Path, log: str) -> None:
    torch.set_num_threads(1)
    os.chdir(cwd)
    file = os.open(log, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.exit(program.main(words))


class Command:
    """ali VERB …, running."""

    def __init__(self, *words: str, cwd: Path):
        handle, self.log = tempfile.mkstemp()
        os.close(handle)
        self.process = _context.Process(target=_run, args=(list(words), Path(cwd).absolute(), self.log), daemon=True)
        main = sys.modules["__main__"]
        # after a visit the main module is a page's script, which would be run again
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            self.process.start()
        finally:
            sys.modules["__main__"] = main

    def send(self, number: int) -> None:
        """Sends it a signal."""
        os.kill(self.process.pid, number)

    def running(self) -> bool:
        return self.process.exitcode is None

    def end(self, seconds: float = 600.0) -> tuple[int, str]:
        """Waits until it has ended. -> its exit status, what it said"""
        self.process.join(seconds)
        assert not self.running(), f"it still runs after {seconds:g} s"
        said = Path(self.log).read_text(encoding="utf-8")
        Path(self.log).unlink()
        return self.process.exitcode, said
