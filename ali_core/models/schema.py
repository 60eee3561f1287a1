"""What a checkpoint's words may be, whoever wrote them: types and bounds of every field that is used.

Of a card, of what an atlas says of itself, and of a recording's scene and frames; other fields are ignored.
A line a field, of all files together, so that one place says what a stranger's words may be.
A file stands beside the card: its name is no path.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec
from msgspec import Meta

from ali_core.config import Config, check
from ali_core.files import not_newer
from ali_core.problem import Problem

SCHEMA = 1  # of the cards that are written here; a card without a number has 1
LONGEST = 4 << 20  # bytes of a card
DEEPEST = 16  # levels of brackets; what we write has six
SIDE = 256  # pixels of a picture's side, as training takes them
LABELS = 10_000
AGAIN = "copy the checkpoint again"

Name = Annotated[str, Meta(min_length=1, max_length=1_000)]
Word = Annotated[str, Meta(max_length=1_000)]
Text = Annotated[str, Meta(max_length=20_000)]
# what ends a formula in Markdown begins something else
Formula = Annotated[str, Meta(max_length=10_000, pattern=r"\A[^$`\r\n]*\Z")]
File = Annotated[str, Meta(max_length=200, pattern=r"\A(?!\.{1,2}\Z)[^/\\:\x00-\x1f]*\Z")]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Some = Annotated[int, Meta(ge=1, le=1 << 53)]
Number = Annotated[float, Meta(ge=-1e30, le=1e30)]
Size = Annotated[float, Meta(ge=0, le=1e30)]
Share = Annotated[float, Meta(ge=0, le=1)]
Side = Annotated[int, Meta(ge=1, le=SIDE)]
Labels = Annotated[list[Word], Meta(max_length=LABELS)]
Factors = Annotated[dict[Name, Annotated[Labels, Meta(min_length=1)]], Meta(max_length=64)]
Numbers = dict[str, Number]


class _Set(TypedDict):
    name: Name
    source: Text
    licence: Text
    train: Some


class _Data(_Set):
    held_out: Count
    shape: Annotated[list[Side], Meta(min_length=1, max_length=3)]
    label_names: Labels
    split: NotRequired[Text]
    frame: NotRequired[Literal["", "face"]]
    classes: NotRequired[Annotated[list[Annotated[int, Meta(ge=1, le=LABELS)]], Meta(max_length=64)]]
    factors: NotRequired[Factors]
    domains: NotRequired[Annotated[list[Name], Meta(min_length=2, max_length=2)]]
    prior: NotRequired[_Set]


class _Config(TypedDict):  # the rest has defaults, and bounds: see config.check
    member: Name
    latent: int


class _Member(TypedDict):
    name: Name
    formula: Formula
    says: Text


class _Weights(TypedDict):
    sha256: Digest
    bytes: Count
    shapes: dict[str, list[Count]]


class _Training(TypedDict):
    seed: Count
    steps: Count
    samples_seen: Count
    seconds: Size
    hardware: Text


class _Metric(TypedDict):
    value: Number
    n: Some
    says: Text
    unit: NotRequired[Word]
    prior: NotRequired[Number]
    factors: NotRequired[Numbers]


class _Classifier(TypedDict):
    factors: NotRequired[Numbers]


class _Trust(TypedDict):
    value: Number


class _Atlas(TypedDict):
    sha256: Digest
    weights: Digest
    pictures: File
    trustworthiness: NotRequired[dict[str, _Trust]]


class _Gallery(TypedDict):
    file: Annotated[File, Meta(min_length=1)]
    n: Annotated[int, Meta(ge=1, le=1_000)]
    made: bool
    paired: bool
    border: NotRequired[Annotated[list[Share | None], Meta(min_length=2, max_length=2)]]


class Card(TypedDict):
    """card.json."""

    name: Name
    config: _Config
    member: _Member
    data: _Data
    weights: _Weights
    schema: NotRequired[Some]
    title: NotRequired[Text]
    training: NotRequired[_Training]
    metrics: NotRequired[dict[str, _Metric]]
    classifier: NotRequired[_Classifier]
    atlas: NotRequired[_Atlas]
    gallery: NotRequired[_Gallery]
    limits: NotRequired[Annotated[list[Text], Meta(max_length=100)]]
    licence: NotRequired[Text]


class _Typical(TypedDict):
    k: Annotated[int, Meta(ge=1, le=16)]
    z: Size
    pca: Size
    umap: Size
    levels: Annotated[list[Share], Meta(max_length=1_000)]
    nearest: list[Size]
    error: list[Size]
    round_trip: NotRequired[list[Size]]
    ssim: NotRequired[list[Number]]
    of: NotRequired[Literal["held out"]]


class _Trusts(TypedDict):
    pca: Share
    umap: Share


class About(TypedDict):
    """What an atlas says of itself: see atlas.Atlas."""

    trust: _Trusts
    pictures: File
    label_names: Labels
    typical: _Typical
    split: NotRequired[Literal["held out", "made"]]
    factors: NotRequired[Factors]
    labelled: NotRequired[Literal["data", "classifier"]]


class _Array(TypedDict):
    type: Literal["u1", "i2"]
    shape: Annotated[list[Annotated[int, Meta(ge=0, le=1 << 20)]], Meta(max_length=4)]
    scale: Size
    at: Count


class Pack(TypedDict):
    """What every pack says of its arrays."""

    kind: Word
    arrays: dict[str, _Array]


class _Recorded(TypedDict):
    title: Name
    settings: dict[str, Word | Number | Numbers]
    steps: Count
    seconds: Size
    hardware: Text


class _Sees(TypedDict):
    x: bool
    z: bool
    joint: bool


class _Term(TypedDict):
    slack: Number | None


_Bounds = Annotated[list[Number], Meta(min_length=2, max_length=2)]


class Scene(TypedDict):
    """The first pack of a recording."""

    kind: Literal["scene"]
    member: Name
    batch: Count
    label_names: Labels
    modes: Count
    guess: Number
    sees: _Sees
    stochastic: bool
    bounds_x: _Bounds
    bounds_z: _Bounds
    terms: dict[str, _Term]
    card: _Recorded


class Frame(TypedDict):
    """The others."""

    kind: Literal["frame"]
    step: Count
    turn: Literal["start", "both", "discriminator", "generator"]
    losses: dict[str, Number | None]
    constraints: dict[str, Number | None]
    modes: Count | None
    good: Number | None
    mse: Number


def parse(content: bytes, kind: type, where: str | Path, remedy: str) -> dict:
    """JSON that has every field of a kind, as it should be; whatever else it has is kept.

    Raises Problem, a sentence that begins with `where` and ends with `remedy`.
    """
    try:
        parsed = msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Problem(f"{where} cannot be read as JSON ({error}); {remedy}.") from None
    return fit(parsed, kind, where, remedy)


def fit(parsed, kind: type, where: str | Path, remedy: str) -> dict:
    """What was read, where it has every field of a kind, as it should be; raises Problem, see `parse`."""
    try:
        msgspec.convert(parsed, kind)
        if _depth(parsed) > DEEPEST:
            raise msgspec.ValidationError(f"Its brackets are more than {DEEPEST} deep")
    except msgspec.ValidationError as error:
        says, _, place = str(error).replace("`", "").partition(" - at $")
        place = place.lstrip(".")
        if lacking := re.fullmatch(r"Object missing required field (.*)", says):
            field = ".".join(filter(None, (place, lacking[1])))
            raise Problem(f"{where} lacks the field «{field}»; {remedy}.") from None
        field = f"«{place}» of {where}" if place else str(where)
        raise Problem(f"{field} cannot be used: {says[0].lower()}{says[1:]}; {remedy}.") from None
    return parsed


def _depth(parsed) -> int:
    """How deep lists and objects stand in each other."""
    depth, level = 0, [parsed]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [each for one in level for each in (one.values() if isinstance(one, dict) else one)]
    return depth


def card(content: bytes, path: Path) -> dict:
    """A card that can be used, from its file's bytes; raises Problem that names the field."""
    return fitting(parse(content, dict, path, AGAIN), path)


def fitting(card: dict, path: Path) -> dict:
    """A card whose fields also fit each other; raises Problem that names the field."""
    if type(number := card.get("schema")) is int:  # before a field that a newer one may not have is missed
        not_newer(number, SCHEMA, path)
    fit(card, Card, path, AGAIN)
    config(card, path)
    data = card["data"]
    shape, sizes, factors = data["shape"], data.get("classes", []), data.get("factors", {})
    square = len(shape) == 3 and shape[0] == shape[1] and shape[2] in (1, 3)
    wrong = ""
    if not (square or len(shape) == 1):
        wrong = f"«data.shape» is {shape}, and pictures are square, of 1 or 3 channels"
    elif ("domains" in data) != ("prior" in data) or ("domains" in data and not square):
        wrong = "«data.domains» and «data.prior» belong together, and to pictures"
    elif sizes and factors:
        named = [len(names) for names in factors.values()]
        if len(sizes) != len(named) or any(map(int.__gt__, sizes, named)):
            wrong = f"«data.classes» is {sizes}, and «data.factors» names {named}"
    if wrong:
        raise Problem(f"{path}: {wrong}; {AGAIN}.")
    return card


def config(card: dict, path: Path) -> Config:
    """A card's config, with defaults for the fields that it is too old to have; raises Problem."""
    fields = fit(card["config"], Config, f"{path}: the config", AGAIN)
    try:
        return check(msgspec.convert(fields, Config))
    except Problem as problem:
        raise Problem(f"{path}: the config cannot be built. {problem}") from None
