"""python -m ali_core sample CHECKPOINT OUT.png: a sheet of samples."""

import argparse
from pathlib import Path

from ali_core.models.model import Model, to_bytes
from ali_core.models.sheet import grid, write_png
from ali_core.problem import Problem


def main(argv: list[str]) -> None:
    """python -m ali_core sample CHECKPOINT OUT.png."""
    parser = argparse.ArgumentParser("python -m ali_core sample")
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument("output", type=Path, help="a .png")
    parser.add_argument("--n", type=int, default=64, help="how many (default 64)")
    parser.add_argument("--columns", type=int, default=8, help="in how many columns (default 8)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--truncation", type=float, default=1.0, help="sd of the prior (default 1)")
    words = parser.parse_args(argv)
    if words.output.suffix.lower() != ".png":
        raise Problem(f"{words.output} must end in .png: samples are written without loss.")
    if not (1 <= words.n <= 10_000 and words.columns >= 1):
        raise Problem(f"--n {words.n} --columns {words.columns}: take 1 to 10,000, and 1 or more.")
    model = Model.load(words.checkpoint)
    if model.domains:
        raise Problem(f"{model.name} translates pictures and draws none; use its `translate`.")
    if len(model.shape) == 1:
        raise Problem(f"{model.name} makes points, not pictures; there is nothing to draw.")
    samples = to_bytes(model.sample(words.n, words.seed, words.truncation))
    write_png(words.output, grid(samples, words.columns))
    print(f"{words.n} samples, seed {words.seed}, written to {words.output}.")
