"""python -m ali_core push CHECKPOINT OWNER/NAME: puts a checkpoint on the Hugging Face Hub."""

import argparse

from ali_core.hub import hub


def main(argv: list[str]) -> None:
    """python -m ali_core push CHECKPOINT OWNER/NAME."""
    parser = argparse.ArgumentParser("python -m ali_core push")
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument("name", metavar="OWNER/NAME", help="where it is to be; made there where it is missing")
    words = parser.parse_args(argv)
    print(hub.push(words.checkpoint, words.name))
