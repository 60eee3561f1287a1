"""python -m ali_core runtime: fetches what a browser needs to run networks itself."""

import argparse

from ali_core.models import runtime
from ali_core.problem import Problem


def main(argv: list[str]) -> None:
    """python -m ali_core runtime."""
    argparse.ArgumentParser("python -m ali_core runtime").parse_args(argv)
    try:
        if not runtime.installed():
            runtime.install()
    except Problem as problem:
        raise Problem(f"{problem} Until then the server makes every picture.") from None
    print(f"{runtime.NAME} is in {runtime.folder()}.")
