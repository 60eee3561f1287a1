"""python -m ali_core export CHECKPOINT: encoder and decoder as ONNX graphs, verified against PyTorch."""

import argparse
from pathlib import Path

from ali_core.models import graph


def main(argv: list[str]) -> None:
    """python -m ali_core export CHECKPOINT [--to FOLDER]."""
    parser = argparse.ArgumentParser("python -m ali_core export")
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument("--to", type=Path, help="a folder for both files; else the cache, where the explorer looks")
    words = parser.parse_args(argv)
    made = graph.make(words.checkpoint, words.to, lambda share, says: print(f"{share:4.0%}  {says}", flush=True))
    for net in graph.NETS:
        path = (words.to or graph.place(made["weights"])) / f"{net}.onnx"
        kept = made[net]
        bits = "16-bit weights" if kept["half"] else "32-bit weights"
        print(f"{path}: {kept['bytes']:,} bytes, {bits}, at most {kept['off']:.1g} off what PyTorch says")
