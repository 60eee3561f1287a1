"""python -m ali_core translate CHECKPOINT IN OUT: pictures from one domain to the other."""

from pathlib import Path

from ali_core.models.batch import translators
from ali_core.models.model import Model
from ali_core.problem import Problem

from .reconstruct import arguments, write_all


def main(argv: list[str]) -> None:
    """python -m ali_core translate CHECKPOINT IN OUT [--back]."""
    parser = arguments("translate")
    parser.add_argument("--back", action="store_true", help="from the second domain to the first")
    words = parser.parse_args(argv)
    model = Model.load(words.checkpoint)
    if not model.domains:
        can = ", ".join(translators(Path(words.checkpoint).parent)) or "none here can"
        raise Problem(f"{model.name} has learned one kind of picture and cannot translate; {can}.")
    border = model.card.get("gallery", {}).get("border", (None, None))[words.back]
    write_all(words, model, lambda x: model.translate(x, words.back), border)
