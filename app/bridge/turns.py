"""Which live run trains next: nobody has more than is left for the others, nor two while somebody has none."""

import collections

from ali_core.problem import Problem


def placed(rooms: list) -> collections.Counter[str]:
    """How many runs of each owner train."""
    return collections.Counter(room.owner for room in rooms if room.worker)


def line(rooms: list) -> list:
    """Who waits, in turn: everybody's first run, then everybody's second."""
    rank, waiting = placed(rooms), []
    for at, room in enumerate(rooms):
        if room.worker is None and not room.gone:
            waiting.append((rank[room.owner], at, room))
            rank[room.owner] += 1
    return [room for *_, room in sorted(waiting, key=lambda one: one[:2])]


def spare(rooms: list, owner: str):
    """The run that gives way to an owner's in full places: the newest of whoever has most runs, or None."""
    runs = placed(rooms)
    most = max(runs, key=runs.__getitem__, default=owner)
    if runs[most] <= runs[owner] + 1:
        return None
    return [room for room in rooms if room.worker and room.owner == most][-1]


def check(rooms: list, owner: str, places: int, most: int) -> None:
    """Raises Problem when all may not wait, or one owner has as many runs as are left for everybody.

    owner: "" is nobody in particular; places: of runs that train; most: runs that wait for one.
    """
    owners = [room.owner for room in rooms if not room.gone]
    mine, left = owners.count(owner), places + most - len(owners)
    if len(line(rooms)) >= most:
        raise Problem(f"{most} runs wait already; watch one of the others, or try later.")
    if owner and mine >= left:
        raise Problem(
            f"{mine} runs of your address are open, and {left} places are left for everybody; "
            "end one of yours, or watch one of the others."
        )
