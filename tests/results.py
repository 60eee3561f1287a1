"""The results table of checkpoints/README.md, from the cards.   python -m tests.results writes it there"""

from pathlib import Path

from ali_core.files import write_beside
from ali_core.measure.measures import MEASURES
from ali_core.measure.row import Measure
from ali_core.measure.set_measures import TRANSLATIONS
from ali_core.models import checkpoint

ROOT = Path(__file__).parents[1]
README = ROOT / "checkpoints" / "README.md"
BEGIN, END = (
    "<!-- results: made by `python -m tests.results`; a test keeps it true -->",
    "<!-- end of results -->",
)


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
    lines = [_line([f"`{card['name']}`", *map(_head, TRANSLATIONS.values())])]
    lines += ["|---" * (len(TRANSLATIONS) + 1) + "|"]
    for way, name in (("there", f"{a} → {b}"), ("back", f"{b} → {a}")):
        for kind, what in (("", name), ("_copy", "*copied*"), ("_neighbour", "*nearest picture*")):
            entries = {key: card["metrics"].get(f"{way}_{key}{kind}") for key in TRANSLATIONS}
            cells = [TRANSLATIONS[key].written(entry["value"]) if entry else "" for key, entry in entries.items()]
            lines.append(_line([what, *cells]))
    training, pairs = card["training"], card["config"]["pairs"]
    lines += [
        "",
        f"{card['member']['name']}, {f'{pairs:,} true pairs' if pairs else 'no true pairs'}, "
        f"{training['samples_seen']:,} pictures of each domain seen in {training['seconds'] / 3600:.1f} h on "
        f"{training['hardware']}; {card['metrics']['there_cycle']['n']:,} held-out pairs.",
    ]
    return "\n".join(lines)


def _one(data: str, cards: list[dict]) -> str:
    columns = {k: row for k, row in MEASURES.items() if row.short and any(k in card["metrics"] for card in cards)}
    lines = [_line([data, *map(_head, columns.values()), "pictures seen", "hours"])]
    lines += ["|---" * (len(columns) + 3) + "|"]
    for card in cards:
        cells, training = _cells(card, {key: key for key in columns}, "–"), card["training"]
        took = [f"{training['samples_seen']:,}", f"{training['seconds'] / 3600:.1f}"]
        lines.append(_line([f"`{card['name']}`", *cells, *took]))
        guessed = _cells(card, {key: f"{key}_guessed" for key in columns})
        if any(guessed):
            lines.append(_line(["*told a guessed class*", *guessed, "", ""]))
    floors = _cells(cards[0], {key: row.floor for key, row in columns.items()})
    lines.append(_line(["*pixels; real or mean pictures*", *floors, "", ""]))
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


def _cells(card: dict, keys: dict[str, str], lacking: str = "") -> list[str]:
    """A card's numbers under columns: of each column the measure that stands there, as the column is written."""
    values = {key: card["metrics"].get(other, {}).get("value") for key, other in keys.items()}
    return [lacking if value is None else MEASURES[key].written(value) for key, value in values.items()]


def _head(row: Measure) -> str:
    return f"{row.short} {row.arrow}".strip()


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def write() -> None:
    """Puts the table between its marks."""
    text = README.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    write_beside(README, f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}".encode())


if __name__ == "__main__":
    write()
