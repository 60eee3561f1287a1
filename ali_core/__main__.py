"""ali VERB …, or python -m ali_core VERB …: what VERBS lists."""

import importlib
import sys

from .problem import Problem

# verb: module, function, what it does
VERBS = {
    "train": (
        "commands.train",
        "main",
        "train a member of the family; the same command again resumes",
    ),
    "evaluate": (
        "measure.means",
        "main",
        "measure a checkpoint and write the numbers into its card",
    ),
    "atlas": ("maps.layout", "main", "encode the held-out pictures and lay out the map"),
    "reconstruct": ("models.batch", "reconstruct_command", "pictures through encoder and decoder"),
    "translate": ("models.batch", "translate_command", "pictures from one domain to the other"),
    "sample": ("models.model", "sample_command", "a sheet of samples"),
    "sprites": ("data.sprites", "main", "characters with eight known factors, from their parts"),
    "toons": ("data.toons", "main", "cartoon heads with exact factors, any number of them"),
    "record": ("lab.recordings", "main", "recorded runs in the plane, which the lessons replay"),
    "family": ("family.members", "main", "the table of every member"),
    "explore": ("commands.explore", "main", "open the explorer in the browser"),
}


def main(argv: list[str] | None = None) -> int:
    """Runs a verb, by default of the command line; an expected error is one sentence on stderr and exit status 2."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] not in VERBS:
        print(
            "usage: ali VERB …   (VERB --help says more; python -m ali_core VERB … is the same)\n"
        )
        print("\n".join(f"  {verb:12} {says}" for verb, (_, _, says) in VERBS.items()))
        return 0 if argv[:1] in ([], ["--help"], ["-h"]) else 2
    module, function, _ = VERBS[argv[0]]
    try:
        getattr(importlib.import_module(f"ali_core.{module}"), function)(argv[1:])
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
