"""python -m ali_core pull OWNER/NAME: copies a checkpoint of the Hugging Face Hub into checkpoints/NAME."""

import argparse

from ali_core.hub import hub


def main(argv: list[str]) -> None:
    """python -m ali_core pull OWNER/NAME[@REVISION]."""
    parser = argparse.ArgumentParser("python -m ali_core pull")
    parser.add_argument("name", metavar="OWNER/NAME", help="OWNER/NAME@REVISION for another than the latest")
    print(hub.pull(parser.parse_args(argv).name))
