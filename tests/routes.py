"""The family's table of two ways to turn a character, on the same pictures.   python -m tests.routes

A translator (turn-sprites) is shown the picture alone. The other way, sprites-conditional encodes it with its
eight factors y and decodes the code with another direction: y is the data's, or what the classifier sees. Measured
on the pairs whose character neither of the two has seen in training; data/lpcturn64.npz and data/sprites64.npz
hold the pictures (ali_core/data/README.md says how to make them).
"""

from pathlib import Path

import numpy as np

from ali_core.data import datasets
from ali_core.files import write_beside
from ali_core.measure import means, metrics
from ali_core.models.model import Model
from ali_core.nets.judge import per_factor
from app.shared.card import rows

ROOT = Path(__file__).parents[1]
README = ROOT / "ali_core" / "family" / "README.md"
BEGIN, END = "<!-- routes: made by `python -m tests.routes` -->", "<!-- end of routes -->"
HEAD = ["facing down → facing left", "MSE", "SSIM", "factors kept", "clothes", "eyes"]
DIRECTION, DOWN, LEFT = 6, 2, 1  # its place among the eight factors; its classes


def table() -> str:
    """Markdown: a row per way, and what was measured on."""
    pairs, sprites = datasets.load("data/lpcturn64.npz"), datasets.load("sprites")
    trained_on = {tuple(person) for person in sprites.y[:, :6]}
    new = np.array([tuple(person) not in trained_on for person in pairs.y_test[:, :6]])
    x, truth = pairs.x_test[new], pairs.prior.x_test[new].astype(np.float32) / 255
    y = np.insert(pairs.y_test[new], DIRECTION, DOWN, axis=1)
    translator, conditional = (
        Model.load(ROOT / "checkpoints" / name) for name in ("turn-sprites", "sprites-conditional")
    )
    sees = means.judge(sprites)
    guess = sees.decide(sees.logits(x.astype(np.float32) / 255))

    def swapped(y: np.ndarray) -> np.ndarray:
        to = y.copy()
        to[:, DIRECTION] = LEFT
        return conditional.decode(conditional.encode(x, y), to)

    edits = {
        "translated": translator.translate(x),
        "condition swapped, y told": swapped(y),
        "condition swapped, y as the classifier sees it": swapped(guess),
        "*copied*": x.astype(np.float32) / 255,
    }
    judge, lines = means.judge(pairs.prior), []
    for name, pictures in edits.items():
        right = judge.decide(judge.logits(pictures)) == pairs.y_test[new]
        shares = per_factor(pairs, right)
        clothes = np.mean([shares[part] for part in ("shoes", "bottomwear", "topwear")])
        lines.append(
            [
                name,
                f"{metrics.mse(pictures, truth).mean():.4f}",
                f"{metrics.ssim(pictures, truth).mean():.3f}",
                f"{right.mean():.1%}",
                f"{clothes:.1%}",
                f"{shares['eyes']:.1%}",
            ]
        )
    said = f"{len(x):,} pairs of characters that neither model has seen; one seed."
    return rows(HEAD, lines) + f"\n\n{said}"


def main() -> None:
    """Makes the table, prints it, and puts it between its marks."""
    markdown = table()
    print(markdown)
    before, rest = README.read_text(encoding="utf-8").split(BEGIN)
    write_beside(README, f"{before}{BEGIN}\n\n{markdown}\n\n{END}{rest.split(END)[1]}".encode())


if __name__ == "__main__":
    main()
