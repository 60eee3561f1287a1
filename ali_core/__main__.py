"""python -m ali_core VERB …: train, evaluate, atlas, reconstruct, sample."""

import importlib
import sys

from .problem import Problem

VERBS = {
    "train": "train a member of the family; the same command again resumes",
    "evaluate": "measure a checkpoint and write the numbers into its card",
    "atlas": "encode the held-out pictures and lay out the map",
    "reconstruct": "a picture, or a folder of them, through encoder and decoder",
    "sample": "a sheet of samples",
}


def main(argv: list[str]) -> int:
    """Runs a verb; an expected error is one sentence on stderr and exit status 2."""
    if not argv or argv[0] not in VERBS:
        print("usage: python -m ali_core VERB …   (VERB --help says more)\n")
        print("\n".join(f"  {verb:12} {says}" for verb, says in VERBS.items()))
        return 0 if argv[:1] in ([], ["--help"], ["-h"]) else 2
    verb, rest = argv[0], argv[1:]
    try:
        if verb in ("reconstruct", "sample"):
            getattr(importlib.import_module("ali_core.model"), f"{verb}_command")(rest)
        else:
            importlib.import_module(f"ali_core.{verb}").main(rest)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
