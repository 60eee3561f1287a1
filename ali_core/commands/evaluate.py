"""python -m ali_core evaluate CHECKPOINT: the numbers of its card, each with its n, seed and split."""

import argparse
import sys
import time

from ali_core.config import Config
from ali_core.data import datasets
from ali_core.measure import means, sets, translation
from ali_core.measure.means import judge, measure
from ali_core.models import checkpoint
from ali_core.models.model import Model
from ali_core.nets import imagenet
from ali_core.problem import Problem


def main(argv: list[str]) -> None:
    """python -m ali_core evaluate CHECKPOINT."""
    parser = argparse.ArgumentParser("python -m ali_core evaluate", description=__doc__)
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument(
        "--subset",
        type=int,
        default=0,
        metavar="N",
        help="measure on the first N held-out examples and print; the card stays as it is",
    )
    words = parser.parse_args(argv)
    if words.subset and words.subset < 10:
        raise Problem(f"--subset {words.subset}: fewer than 10 examples say nothing.")
    start = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - start:5.0f} s  {what}", file=sys.stderr, flush=True)

    model = Model.load(words.checkpoint)
    digest = model.card["weights"]["sha256"]
    config = model.card["config"]
    held = datasets.of(Config(**config))
    if not held.learned(model.card["data"].get("fingerprint")):
        say(
            f"{held.name} is not what {model.name} was trained on, by the fingerprint in its card: what is "
            "held out now may have been learned"
        )
    sides = [held, held.prior] if model.domains else [held]
    if len(held.shape) == 3:
        say(f"a classifier of {held.name}: read, or trained first")
    judges = tuple(judge(side) for side in sides)
    classifier, eyes = judges[0], None
    if len(held.shape) == 3 and not model.domains and (eyes := imagenet.eyes()) is None:
        say(imagenet.LEFT_OUT)

    def measured(n: int) -> dict[str, dict]:
        if model.domains:
            return translation.measure(model, held, judges, n)
        return measure(model, held, classifier, n, eyes=eyes)

    say(f"measuring on {words.subset or 'all'} held-out examples")
    entries = measured(words.subset)
    if not model.domains:
        say("comparing samples and codes")
        entries |= sets.compare(model, held, classifier, words.subset, eyes=eyes)
    if not words.subset:
        for key, entry in measured(means.SUBSET).items():
            entries[key]["subset"] = {"n": entry["n"], "value": entry["value"]}
        if checkpoint.card(words.checkpoint)["weights"]["sha256"] != digest:
            raise Problem(f"{words.checkpoint} got other weights meanwhile; run the command again.")
        judged = {"classifier": classifier.card} if classifier else {}
        if model.domains and judges[1]:
            judged["prior_classifier"] = judges[1].card
        checkpoint.update_card(words.checkpoint, metrics=entries, **judged)
        if model.domains:
            translation.write_gallery(words.checkpoint, model, held)
    say("done")
    for key, entry in entries.items():
        print(f"{key:24} {entry['value']:<12} n {entry['n']:<7} {entry['says']}")
