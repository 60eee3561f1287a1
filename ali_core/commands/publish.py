"""python -m ali_core publish CHECKPOINT … --to FOLDER: a page that needs no server."""

import runpy
import sys


def main(argv: list[str]) -> None:
    """python -m ali_core publish CHECKPOINT … --to FOLDER; the explorer's own scripts and graphs."""
    sys.argv = ["python -m ali_core publish", *argv]
    runpy.run_module("app.publish", run_name="__main__", alter_sys=True)
