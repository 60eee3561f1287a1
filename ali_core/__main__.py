"""ali VERB …, or python -m ali_core VERB …: what VERBS lists."""

import importlib
import os
import sys

from .problem import Problem

# verb: what it does; its main is in commands/VERB.py
VERBS = {
    "train": "train a member of the family; the same command again resumes",
    "evaluate": "measure a checkpoint and write the numbers into its card",
    "atlas": "encode the held-out pictures and lay out the map",
    "reconstruct": "pictures through encoder and decoder",
    "translate": "pictures from one domain to the other",
    "sample": "a sheet of samples",
    "runtime": "fetch what a browser needs to run networks itself",
    "export": "encoder and decoder as ONNX graphs, for a browser",
    "sprites": "characters with eight known factors, from their parts",
    "toons": "cartoon heads with exact factors, any number of them",
    "record": "recorded runs in the plane, which the lessons replay",
    "family": "the table of every member",
    "publish": "a folder of static files that shows checkpoints from any web server",
    "pull": "a checkpoint of the Hugging Face Hub, into ./checkpoints",
    "push": "a checkpoint onto the Hugging Face Hub",
    "explore": "open the explorer in the browser",
}


def main(argv: list[str] | None = None) -> int:
    """Runs a verb, by default of the command line; an expected error is one sentence on stderr and exit status 2."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] not in VERBS:
        print("usage: ali VERB …   (VERB --help says more; python -m ali_core VERB … is the same)\n")
        print("\n".join(f"  {verb:12} {says}" for verb, says in VERBS.items()))
        return 0 if argv[:1] in ([], ["--help"], ["-h"]) else 2
    try:
        importlib.import_module(f"ali_core.commands.{argv[0]}").main(argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # who reads, as `head` does, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
