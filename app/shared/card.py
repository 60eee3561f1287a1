"""A card in words and tables: how its numbers are shown, and what they are compared to."""

from app.bridge import measures

from .plain import plain

MEASURES = measures.MEASURES


def written(key: str, value: float | None) -> str:
    """A number as the tables show it."""
    return MEASURES[key].written(value)


def headed(key: str) -> str:
    """A measure at the head of a column: its short name, and which way is better."""
    return f"{MEASURES[key].short} {MEASURES[key].arrow}".strip()


def compared(key: str, card: dict, mean_picture_error: float | None) -> str:
    """What a number of the card is to be compared to; which way is better where nothing stands beside it."""
    row, entries = MEASURES[key], card["metrics"]
    values = {other: entry["value"] for other, entry in entries.items()}
    values |= {"prior": entries[key].get("prior"), "mean_picture": mean_picture_error}
    factors = card["data"].get("factors") or {"class": card["data"]["label_names"]}
    values["chance"] = sum(1 / max(1, len(names)) for names in factors.values()) / len(factors)
    words = {name: row.written(value) for name, value in values.items() if value is not None}
    if "{ceiling}" in row.beside:
        most = measures.ceiling(values[key], entries[key]["n"])
        words |= {"ceiling": row.written(most["ceiling"]), "reached": most["reached"]}
    parts = []
    for part in filter(None, row.beside.split("|")):
        try:
            parts.append(part.format(**words))
        except KeyError:  # the card lacks the number to compare to
            continue
    fallback = "at most 100%" if row.form.endswith("%") else row.way if row.better != "" else "–"
    guessed = entries.get(f"{key}_guessed")
    with_guess = f"; with the class guessed: {row.written(guessed['value'])}" if guessed else ""
    return (", ".join(parts) or fallback) + with_guess


def by_factor(card: dict) -> str:
    """The measures that the card has for every factor, as a table; "" where there is one class."""
    if not (factors := list(card["data"].get("factors", ()))):
        return ""
    shares = {MEASURES[k].name: e["factors"] for k, e in card["metrics"].items() if "factors" in e and k in MEASURES}
    judge = {"real pictures, by the classifier": card.get("classifier", {}).get("factors", {})}
    lines = [
        [word, *(f"{of_each[factor]:.1%}" for factor in factors)]
        for word, of_each in (shares | judge).items()
        if set(factors) <= set(of_each)
    ]
    return rows(["", *map(plain, factors)], lines, tuple(range(1, len(factors) + 1))) if lines else ""


def groups(card: dict) -> str:
    """Per factor, how large a part of the training pictures each class is and the error on it, as a table; or ""."""
    share, error = (card["metrics"].get(key, {}).get("factors", {}) for key in ("group_share", "group_error"))
    lines = []
    for factor, classes in card["data"].get("factors", {}).items():
        named = [(plain(word), f"{factor}: {word}") for word in classes]
        parts = [f"{word} {share[key]:.1%}" for word, key in named if key in share]
        errors = [f"{word} {error[key]:.4f}" for word, key in named if key in error]
        if parts and errors:
            lines.append([plain(factor), ", ".join(parts), ", ".join(errors)])
    return rows(["", "of the training pictures", "error (MSE) on held-out ones"], lines) if lines else ""


def uneven(card: dict) -> str:
    """The rarest class, and those of the largest and the smallest error, in a sentence; or ""."""
    share, error = (card.get("metrics", {}).get(key, {}).get("factors", {}) for key in ("group_share", "group_error"))
    if not share or not error:
        return ""
    rarest, worst, best = min(share, key=share.get), max(error, key=error.get), min(error, key=error.get)
    return (
        f"Not all are served alike: «{plain(rarest)}» is {share[rarest]:.1%} of its training pictures, and its error is "
        f"{error[worst]:.4f} on «{plain(worst)}», {error[best]:.4f} on «{plain(best)}»; all groups are on the page Model."
    )


def duration(seconds: float) -> str:
    """Seconds in words."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def rows(head: list[str], lines: list[list[str]], right: tuple[int, ...] = ()) -> str:
    """A Markdown table; the columns in `right` are aligned to the right."""
    rule = ["---:" if i in right else "---" for i in range(len(head))]
    lines = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *lines])
