"""A row of the measures: all that is said of one number of a card; and that number with what belongs to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One number of a card.

    name: in tables. says: its sentence, {facts} to be filled in. form: its digits. better: "higher", "lower", ""
    where neither is, or the number that it should be near. beside: what it is compared to, parts separated by "|",
    {other measures of its card} to be filled in. short: its name at the head of a column. floor: the measure that
    says what the data alone reach. taken: the number, or {"value", …}, of a means.Held that has what it `needs`;
    None where sets.py, groups.py or means.py take it together with others. whole: it is of a whole set, and of
    fewer examples another number. guessed: taken again with the class guessed. shown: in a line of its own.
    """

    name: str
    says: str
    form: str
    better: str | float = ""
    beside: str = ""
    short: str = ""
    floor: str = ""
    unit: str = ""
    needs: str = ""
    taken: Callable[[Any], Any] | None = None
    whole: bool = False
    guessed: bool = False
    shown: bool = True

    def written(self, value: float | None) -> str:
        """A number as tables show it."""
        return "–" if value is None else format(value, self.form).replace("-", "−")

    @property
    def arrow(self) -> str:
        """Which way is better, as a sign; nothing where neither is."""
        return {"higher": "↑", "lower": "↓", "": ""}.get(self.better, f"→ {self.better}")  # pyright: ignore

    @property
    def way(self) -> str:
        """Which way is better, in words."""
        if isinstance(self.better, str):
            return f"{self.better} is better" if self.better else "neither way is better"
        return f"the nearer to {self.better:g} the better"

    def best(self, values: list[float | None]) -> list[bool]:
        """Which of several values are the best, as they are written; none of fewer than two."""
        some = [value for value in values if value is not None]
        if self.better == "" or len(some) < 2:
            return [False] * len(values)
        cost = {"higher": lambda v: -v, "lower": lambda v: v}.get(self.better, lambda v: abs(v - self.better))  # pyright: ignore
        top = self.written(min(some, key=cost))
        return [value is not None and self.written(value) == top for value in values]


def entry(value: float, says: str, n: int, seed: int, split: str = "held out", **more) -> dict:
    """A card's number: {"value", "n", "seed", "split", …, "says"}."""
    return {"value": rounded(value), "n": n, "seed": seed, "split": split} | more | {"says": says}


def rounded(value: float) -> float:
    """To six digits."""
    return float(f"{float(value):.6g}")
