"""How well a checkpoint translates between two domains, for its card, and its gallery.

Keys start with "there" (the first domain's held-out pictures into the second) or "back". Where the
data have true pairs every translation has a truth; beside it stand two baselines: the picture
copied as it is, and the other domain's training picture that is nearest to it in pixels.
"""

from pathlib import Path

import numpy as np

from ali_core.data import domains, pictures
from ali_core.data.dataset import Data
from ali_core.models import checkpoint
from ali_core.models.model import Model, to_bytes
from ali_core.models.sheet import grid, write_png
from ali_core.nets.judge import Classifier, per_factor

from . import metrics
from .neighbours import nearest
from .row import entry
from .set_measures import TRANSLATIONS
from .sets import SEED

GALLERY, SHOWN = "gallery.png", 24
PASSED_ON = ("MIT", "CC0")  # licences under which the gallery shows pictures of the data


def measure(
    model: Model, data: Data, judges: tuple[Classifier | None, ...], n: int = 0, seed: int = SEED
) -> dict[str, dict]:
    """Means over the first n held-out pictures (0: all) of each domain. -> the card's entries

    judges: a classifier of each domain, None for one without classes; () for none of both.
    """
    entries, sides, judges = {}, (data, data.prior), judges or (None, None)
    for back, way in enumerate(("there", "back")):
        source, target = sides[back], sides[1 - back]
        x = source.x_test[: n or None]
        translations = model.translate(x, bool(back))
        name = f"{model.domains[back]} → {model.domains[1 - back]}"
        again = model.translate(translations, not back)
        cycle = metrics.mse(again, x.astype(np.float32) / 255).mean()
        says = f"{name} → {model.domains[back]}: {TRANSLATIONS['cycle'].says}"
        entries[f"{way}_cycle"] = entry(cycle, says, len(x), seed)
        if data.partners is None:
            continue
        truth = target.x_test[: len(x)].astype(np.float32) / 255
        y = target.y_test[: len(x)]
        flat, asked = (p.reshape(len(p), -1).astype(float) for p in (target.x, x))  # exact: whole numbers
        neighbour = target.x[nearest(flat, asked)[0][:, 0]].astype(np.float32) / 255
        copied = x.astype(np.float32) / 255
        for kind, pixels, what in (
            ("", translations, "translation"),
            ("_copy", copied, "picture copied as it is"),
            ("_neighbour", neighbour, "other domain's nearest training picture"),
        ):
            says = {key: f"{name}: {row.says.format(what=what)}" for key, row in TRANSLATIONS.items()}
            error = metrics.mse(pixels, truth).mean()
            entries[f"{way}_mse{kind}"] = entry(error, says["mse"], len(x), seed)
            entries[f"{way}_ssim{kind}"] = entry(metrics.ssim(pixels, truth).mean(), says["ssim"], len(x), seed)
            if judge := judges[1 - back]:
                right = judge.decide(judge.logits(pixels)) == y
                shares = per_factor(target, right)
                more = {"factors": shares} if shares else {}
                entries[f"{way}_class{kind}"] = entry(right.mean(), says["class"], len(x), seed, **more)
    return entries


def write_gallery(folder: str | Path, model: Model, data: Data) -> None:
    """Writes gallery.png, SHOWN pictures of each domain in a row, and what it is into the card.

    Where the data's licence does not let them be passed on, pictures that the model made.
    """
    n = min(SHOWN, len(data.x_test) // 2, len(data.prior.x_test) // 2)
    x, z = data.x_test[:n], data.prior.x_test[:n]
    paired, translated = data.partners is not None, data.licence not in PASSED_ON
    if translated:
        x = to_bytes(model.translate(z, back=True))
        pair = domains.PAIRS.get(data.name)
        paired = pair is not None and pair.x is np.copy
        z = pair.z(x) if paired else to_bytes(model.translate(data.x_test[n : 2 * n]))
    write_png(Path(folder) / GALLERY, grid(np.concatenate([x, z]), columns=n))
    border = [pictures.border(side) for side in (x, z)]
    about = {"file": GALLERY, "n": n, "made": translated, "paired": paired, "border": border}
    checkpoint.update_card(folder, gallery=about)
