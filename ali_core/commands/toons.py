"""python -m ali_core toons: cartoon heads with exact factors, any number of them."""

import argparse
from pathlib import Path

from ali_core.data.figures import SPLIT, STYLES
from ali_core.data.toons import SIZES, write
from ali_core.problem import Problem


def main(argv: list[str]) -> None:
    """python -m ali_core toons OUT.npz."""
    parser = argparse.ArgumentParser(
        "python -m ali_core toons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("output", type=Path, help="the .npz to write")
    parser.add_argument("--n", type=int, default=40_000, help="figures (default 40,000)")
    parser.add_argument("--size", type=int, default=64, help="32, 64 (default) or 128 pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--style", default="toon-head", help=", ".join(STYLES))
    words = parser.parse_args(argv)
    if words.output.suffix != ".npz":
        raise Problem(f"{words.output} must end in .npz.")
    if words.n < 2:
        raise Problem(f"--n {words.n}: two pictures are the least.")
    if words.size not in SIZES:
        raise Problem(f"--size {words.size}: give 32, 64 or 128.")
    if words.seed < 0:
        raise Problem(f"--seed {words.seed}: give 0 or more.")
    split = write(words.output, words.style, words.n, words.size, words.seed)
    counts = [int((split == part).sum()) for part in SPLIT]
    print(
        f"{words.output}: {counts[0]:,} figures to train on; held out {counts[1]:,} by their character, "
        f"{counts[2]:,} by a combination. {STYLES[words.style].licence}."
    )
