"""The family's table, and which shipped checkpoint is one of it."""

from .checkpoints import broken, card, names


def members() -> list[dict]:
    """Every member in words: see ali_core.family.members.table; and its usable `checkpoints`. Imports torch."""
    from ali_core.family import members as family

    of = {name: card(name)["config"]["member"] for name in names() if not broken(name)}
    return [row | {"checkpoints": [name for name in of if of[name] == row["member"]]} for row in family.table()]
