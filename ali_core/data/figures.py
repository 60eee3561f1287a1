"""Figures put together from the layers of a DiceBear style (cartoon heads and others), with exact factors."""

import io
import json
import math
import re
import zlib
from importlib import resources
from typing import NamedTuple

import numpy as np
from PIL import Image

from ali_core.problem import Problem

SPLIT = ("train", "character", "combination")
DRAWERS = {
    "dicebear": "dicebear-core",
    "dicebear_styles": "dicebear-styles",
    "resvg_py": "resvg-py",
}
STILL = "animation"  # a component that draws nothing in a still picture


class Style(NamedTuple):
    """How a style is framed, what its colours are called, and which pairs of classes are held out."""

    licence: str
    credit: str
    framing: dict[str, float]
    colours: dict[str, dict[str, str]]  # palette: hexadecimal colour: name; others have the style's
    pairs: tuple[tuple[str, str, str, str], ...]  # factor, class, factor, class


# fmt: off
STYLES = {
    "toon-head": Style(
        "CC BY 4.0, Johan Melin (https://creativecommons.org/licenses/by/4.0)",
        "ToonHead by Johan Melin (https://www.figma.com/community/file/1589627891082866389), in DiceBear's remix, put together anew",
        {"scale": 1.25, "translateY": 4},
        {
            "skin": {"#5c3829": "dark", "#f1c3a5": "light", "#a36b4f": "brown", "#c68e7a": "rosy", "#b98e6a": "olive"},
            "hair": {"#2c1b18": "black", "#d6b370": "blond", "#724133": "brown", "#a55728": "auburn", "#b58143": "light brown"},
            "clothes": {"#151613": "black", "#0b3286": "blue", "#545454": "grey", "#147f3c": "green", "#f97316": "orange",
                        "#ec4899": "pink", "#731ac3": "purple", "#b11f1f": "red", "#e8e9e6": "white", "#eab308": "yellow"},
            "background": {"#ffd5dc": "pink", "#b6e3f4": "sky", "#cfc0f2": "lilac", "#bfe8cf": "mint", "#fff0b3": "cream",
                           "#f4f4f4": "white"},
        },
        (("hair", "bun", "clothes colour", "blue"), ("mouth", "laugh", "skin colour", "dark"),
         ("beard", "full beard", "hair colour", "blond")),
    ),
    "voxel-art": Style(
        "CC0 1.0", "Voxel Art by DiceBear (https://www.dicebear.com)", {}, {},
        (("mouth", "smile", "eyes", "open"), ("eyebrows", "raised", "nose", "tall"),
         ("shoes colour", "#d6336c", "background colour", "#c0aede")),
    ),
    "sprouts": Style(
        "CC0 1.0", "Sprouts by DiceBear (https://www.dicebear.com)", {}, {},
        (("plant", "cactus", "pot", "bowl"), ("pot colour", "#fcd34d", "plant colour", "#34d399"),
         ("pattern", "dots", "mouth", "smile")),
    ),
}
# fmt: on


class Figures:
    """The figures of a style, each drawn from its labels. factors: their names and classes, in order."""

    def __init__(self, style: str):
        self.style, self._definition = _style(style), _definition(style)
        palettes = {key: colour["values"] for key, colour in self._definition["colors"].items()}
        palettes |= {key: list(named) for key, named in self.style.colours.items()}
        self._colours = palettes
        components = self._definition["components"].items()
        # what the style itself calls the classes of each part; None: the part is absent
        self._parts: dict[str, list[str | None]] = {
            key: [*([None] if part.get("probability", 100) < 100 else []), *part["variants"]]
            for key, part in components
            if key != STILL
        }
        self._varied = [(key, classes) for key, classes in self._parts.items() if len(classes) > 1]
        named = [(_words(key), [_words(name or "none") for name in classes]) for key, classes in self._varied]
        self._layers = _layers(self._definition["canvas"]["elements"])
        for key, values in self._colours.items():
            if len(values) > 1:
                names = self.style.colours.get(key, {})
                unseen = [None] * (not self._users(key)[0])
                self._varied.append((f"{key} colour", [*unseen, *values]))
                classes = [names.get(value, value) or "none" for value in self._varied[-1][1]]
                named.append((f"{_words(key)} colour", classes))
        self.factors = dict(named)
        self._alone: dict[tuple, tuple] = {}
        self._drawn: dict[tuple, tuple | None] = {}

    @property
    def held_out(self) -> str:
        """What `split` leaves out, in words."""
        pairs = "; ".join(f"{one} {a} with {other} {b}" for one, a, other, b in self.style.pairs)
        return f"every figure with {pairs}; of the others a tenth of the characters, on all backgrounds"

    def labels(self, n: int, seed: int) -> np.ndarray:
        """The classes of the first n figures of a seed, uint8 (n,k), no two alike.

        Figure i is the same for every n. Raises Problem where the style has fewer than 2n.
        """
        maybe = np.array([key.endswith(" colour") and classes[0] is None for key, classes in self._varied])
        sizes = np.array([len(classes) for _, classes in self._varied]) - maybe
        every = math.prod(sizes.tolist())
        if 2 * n > every:
            raise Problem(f"n={n:,}: {every // 2:,} figures are the most of this style.")
        rng, labels = np.random.default_rng(seed), np.empty((0, len(sizes)), np.uint8)
        while len(labels) < n:
            numbers = rng.integers(every, size=max(1024, n - len(labels)))
            drawn = np.stack(np.unravel_index(numbers, sizes), 1).astype(np.uint8)
            for column in np.flatnonzero(maybe):
                _, users = self._users(self._varied[column][0].removesuffix(" colour"))
                seen = [np.isin(drawn[:, k], classes) for k, classes in users]
                drawn[:, column] = np.where(np.any(seen, 0), drawn[:, column] + 1, 0)
            labels = np.concatenate([labels, drawn])
            labels = labels[np.sort(np.unique(labels, axis=0, return_index=True)[1])]
        return labels[:n]

    def _users(self, colour: str) -> tuple[bool, list[tuple[int, list[int]]]]:
        """Whether every figure shows a colour, and which classes of which columns do."""
        always, users = colour == "background", []
        columns = [key for key, _ in self._varied]
        for part, elements in self._layers:
            if not part:
                always |= colour in _colours_of(elements)
                continue
            variants = self._definition["components"][part]["variants"]
            showing = [
                k
                for k, name in enumerate(self._parts[part])
                if name is not None and colour in _colours_of(variants[name])
            ]
            always |= len(showing) == len(self._parts[part])
            if part in columns and showing:
                users.append((columns.index(part), showing))
        return always, users

    def split(self, labels: np.ndarray) -> np.ndarray:
        """Of which part a figure is, from its labels (n,k) alone, so that every seed agrees: names of SPLIT.

        combination: it has a pair of classes that no figure of the other parts has. character: a tenth
        of the others; all their backgrounds are here.
        """
        names = list(self.factors)
        person = np.delete(labels, names.index("background colour"), 1).astype(np.uint8)
        character = np.array([zlib.crc32(row.tobytes()) % 10 == 0 for row in person], bool)
        pair = np.zeros(len(labels), bool)
        for one, a, other, b in self.style.pairs:
            has = [
                labels[:, names.index(factor)] == self.factors[factor].index(name)
                for factor, name in ((one, a), (other, b))
            ]
            pair |= has[0] & has[1]
        return np.array(SPLIT)[np.where(pair, 2, character.astype(int))]

    def draw(self, labels: np.ndarray, size: int) -> np.ndarray:
        """The figures with these labels (n,k), uint8 (n,size,size,3)."""
        images = np.empty((len(labels), size, size, 3), np.uint8)
        for image, row in zip(images, labels.tolist(), strict=True):
            chosen = {key: classes[k] for (key, classes), k in zip(self._varied, row, strict=True)}
            background = chosen.get("background colour", self._colours["background"][0])
            seen = np.full((size, size, 3), _rgb(background), np.float32)
            for place in range(len(self._layers)):
                over = self._over(place, chosen, size)
                if over:
                    where, colour, kept = over
                    part = seen[where]
                    part *= kept
                    part += colour
            image[:] = np.rint(seen)
        return images

    def _over(self, place: int, chosen: dict[str, str | None], size: int) -> tuple | None:
        """What layer `place` puts over a picture: where, colour times alpha, and what it lets through."""
        part, elements = self._layers[place]
        variant = chosen.get(part, self._parts[part][0]) if part else ""
        if variant is None:
            return None
        if (place, variant) not in self._alone:
            self._alone[place, variant] = _alone(self._definition, part, variant, elements)
        style, uses = self._alone[place, variant]
        values = [chosen.get(f"{key} colour", self._colours[key][0]) for key in uses]
        key = (place, variant, size, *values)
        if key not in self._drawn:
            colours = {f"{key}Color": [value] for key, value in zip(uses, values, strict=True)}
            self._drawn[key] = _cut(_rendered(style, self.style.framing | colours, size))
        return self._drawn[key]


# A component's name and its element, or "" and elements that are in every figure
Layer = tuple[str, list[dict]]


def _layers(elements: list[dict]) -> list[Layer]:
    """The layers of a canvas, the lowest first."""
    layers: list[Layer] = []
    for element in elements:
        if element["type"] == "component":
            layers += [(element["name"], [element])] * (element["name"] != STILL)
        elif element["name"] == "g" and set(element.get("attributes", {})) <= {"class"}:
            layers += _layers(element["children"])  # a group that only moves
        elif layers and not layers[-1][0]:
            layers[-1][1].append(element)
        else:
            layers.append(("", [element]))
    return layers


def _alone(definition: dict, part: str, variant: str, elements: list[dict]) -> tuple:
    """A layer as a style by itself, and the palettes that it takes colours from.

    The package examines a style at length when it is built, so it is built once for all colours.
    """
    content, components = elements, {}
    if part:
        content = definition["components"][part]["variants"][variant]
        whole = definition["components"][part]
        components = {part: whole | {"variants": {variant: content}, "probability": 100}}
    uses = sorted(_colours_of(content))
    alone = definition | {
        "canvas": definition["canvas"] | {"elements": elements},
        "components": components,
        # without what a whole style asks, as that two colours differ
        "colors": {key: {"values": definition["colors"][key]["values"]} for key in uses},
    }
    return _packages()[0].Style(alone), uses


def _colours_of(content: object) -> set[str]:
    """The palettes that a piece of a definition takes colours from."""
    if isinstance(content, list):
        return set().union(*map(_colours_of, content))
    if not isinstance(content, dict):
        return set()
    here = {content["name"]} if content.get("type") == "color" else set()
    return here.union(*map(_colours_of, content.values()))


def _rendered(style: object, options: dict, size: int) -> np.ndarray:
    """A layer as a picture, float32 (size,size,4), 0 to 255."""
    dicebear, resvg_py, _ = _packages()
    svg = dicebear.Avatar(style, options).to_string()
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"), np.float32)


def _cut(drawn: np.ndarray) -> tuple | None:
    rows, columns = (drawn[..., 3].any(axis) for axis in (1, 0))
    if not rows.any():
        return None
    (top, bottom), (left, right) = (np.flatnonzero(line)[[0, -1]] for line in (rows, columns))
    where = np.s_[top : bottom + 1, left : right + 1]
    alpha = drawn[where][..., 3:] / np.float32(255)
    return where, drawn[where][..., :3] * alpha, 1 - alpha


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def _words(name: str) -> str:
    """sideComed -> side comed"""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()


def _packages() -> tuple:
    try:
        import dicebear
        import dicebear_styles
        import resvg_py
    except ImportError as error:
        raise Problem(
            f"Cartoon heads are drawn by {DRAWERS.get(error.name, error.name)}, which is not installed: "
            "pip install dicebear-core dicebear-styles resvg-py (or this project with [toons])."
        ) from None
    return dicebear, resvg_py, dicebear_styles


def _style(name: str) -> Style:
    if name not in STYLES:
        raise Problem(f"style={name}: give one of {', '.join(STYLES)}.")
    return STYLES[name]


def _definition(style: str) -> dict:
    text = resources.files(_packages()[2]).joinpath(f"{style}.json").read_text("utf-8")
    return json.loads(text)
