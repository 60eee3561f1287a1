"""python -m ali_core atlas CHECKPOINT: encodes the held-out pictures and lays out the map."""

import argparse

from ali_core.maps.layout import MOST, build


def main(argv: list[str]) -> None:
    """python -m ali_core atlas CHECKPOINT."""
    parser = argparse.ArgumentParser("python -m ali_core atlas")
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument(
        "--made",
        nargs="?",
        const="draws",
        default="",
        choices=("draws", "reconstructions"),
        help="of pictures that the model makes: for data that must not be passed on",
    )
    parser.add_argument("--most", type=int, default=MOST, help="pictures on the map")
    words = parser.parse_args(argv)
    build(words.checkpoint, words.made, words.most)
