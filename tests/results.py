"""The results table of checkpoints/README.md, from the cards.   python -m tests.results writes it there"""

from pathlib import Path

from ali_core.files import write_beside
from ali_core.models import checkpoint

ROOT = Path(__file__).parents[1]
README = ROOT / "checkpoints" / "README.md"
BEGIN, END = (
    "<!-- results: made by `python -m tests.results`; a test keeps it true -->",
    "<!-- end of results -->",
)

COLUMNS = {
    "reconstruction MSE": ("reconstruction_mse", "{:.4f}"),
    "SSIM": ("ssim", "{:.3f}"),
    "class kept": ("class_kept", "{:.1%}"),
    "1-NN of codes": ("nn_accuracy", "{:.1%}"),
    "code sd": ("latent_sd", "{:.2f}"),
    "holes, MSE": ("inpainting_mse", "{:.4f}"),
    "class obeyed": ("class_obeyed", "{:.1%}"),
    "others kept": ("others_kept", "{:.1%}"),
    "Fréchet of samples": ("frechet", "{:.1f}"),
    "pictures seen": (None, "{:,}"),
    "hours": (None, "{:.1f}"),
}


TRANSLATED = {
    "MSE": ("mse", "{:.4f}"),
    "SSIM": ("ssim", "{:.3f}"),
    "class kept": ("class", "{:.1%}"),
    "round trip, MSE": ("cycle", "{:.4f}"),
}


def table() -> str:
    """Markdown, a table per data set with a row per checkpoint, and what raw pixels and real pictures reach.

    Translators last, a table each.
    """
    cards, translators = {}, []
    for name in checkpoint.names(ROOT / "checkpoints"):
        card = checkpoint.card(ROOT / "checkpoints" / name)
        if "domains" in card["data"]:
            translators.append(_translator(card))
        else:
            cards.setdefault(card["data"]["name"], []).append(card)
    return "\n\n".join([*(_one(data, group) for data, group in cards.items()), *translators])


def _translator(card: dict) -> str:
    """A row per direction and baseline."""
    a, b = card["data"]["domains"]
    lines = [f"| `{card['name']}` | " + " | ".join(TRANSLATED) + " |"]
    lines += ["|---" * (len(TRANSLATED) + 1) + "|"]
    for way, name in (("there", f"{a} → {b}"), ("back", f"{b} → {a}")):
        for kind, what in (("", name), ("_copy", "*copied*"), ("_neighbour", "*nearest picture*")):
            found = (card["metrics"].get(f"{way}_{key}{kind}") for key, _ in TRANSLATED.values())
            cells = [
                form.format(entry["value"]) if entry else ""
                for entry, (_, form) in zip(found, TRANSLATED.values(), strict=True)
            ]
            lines.append(f"| {what} | " + " | ".join(cells) + " |")
    training, pairs = card["training"], card["config"]["pairs"]
    lines += [
        "",
        f"{card['member']['name']}, {f'{pairs:,} true pairs' if pairs else 'no true pairs'}, "
        f"{training['samples_seen']:,} pictures of each domain seen in {training['seconds'] / 3600:.1f} h on "
        f"{training['hardware']}; {card['metrics']['there_cycle']['n']:,} held-out pairs.",
    ]
    return "\n".join(lines)


def _one(data: str, cards: list[dict]) -> str:
    columns = {k: v for k, v in COLUMNS.items() if any(_value(card, v[0], k) for card in cards)}
    lines = [f"| {data} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for card in cards:
        cells = [
            form.format(value) if (value := _value(card, key, title)) is not None else "–"
            for title, (key, form) in columns.items()
        ]
        lines.append(f"| `{card['name']}` | " + " | ".join(cells) + " |")
        guessed = [
            form.format(found["value"]) if (found := card["metrics"].get(f"{key}_guessed")) else ""
            for key, form in columns.values()
        ]
        if any(guessed):
            lines.append("| *told a guessed class* | " + " | ".join(guessed) + " |")
    floor = {"nn_accuracy": "nn_accuracy_pixels", "frechet": "frechet_floor"}
    floor |= {"inpainting_mse": "inpainting_mse_mean"}
    cells = [
        form.format(cards[0]["metrics"][floor[key]]["value"]) if key in floor else "" for key, form in columns.values()
    ]
    lines.append("| *pixels; real or mean pictures* | " + " | ".join(cells) + " |")
    machines: dict[str, list[str]] = {}
    for card in cards:
        machines.setdefault(card["training"]["hardware"], []).append(f"`{card['name']}`")
    trained = "; ".join(
        f"{', '.join(names)} on {machine}" if len(machines) > 1 else f"on {machine}"
        for machine, names in machines.items()
    )
    judge = cards[0]["classifier"]["accuracy"]
    lines += [
        "",
        f"Trained: {trained}. Classes and Fréchet features are those of a small classifier that is right on "
        f"{judge:.1%} of the held-out pictures.",
    ]
    return "\n".join(lines)


def _value(card: dict, key: str | None, title: str) -> float | None:
    training = card["training"]
    own = {"pictures seen": training["samples_seen"], "hours": training["seconds"] / 3600}
    return card["metrics"].get(key, {}).get("value") if key else own[title]


def write() -> None:
    """Puts the table between its marks."""
    text = README.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    write_beside(README, f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}".encode())


if __name__ == "__main__":
    write()
