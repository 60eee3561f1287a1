"""What a call of the service sends: pictures or codes, and classes by their names; the types say the limits."""

import time
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct

from app import bridge

MOST = 64  # pictures or codes of a call
FURTHEST = 1000.0  # of a code's number: beyond it no picture lies
TRIES = 640  # reconstructions by which a call's classes may be chosen: a few seconds of a core
SECONDS = 20.0  # for the decoding of a call's files, each of which has its own limit
ROOM = 2**25  # bytes of an .npz's arrays

File = Annotated[
    bytes,
    Meta(min_length=1, description="A picture file, in base64.", extra_json_schema={"format": "byte"}),
]
Code = list[Annotated[float, Meta(ge=-FURTHEST, le=FURTHEST)]]


class Pictures(Struct, forbid_unknown_fields=True):
    """Picture files (PNG, JPEG, WebP, GIF, BMP, TIFF) of any size; each is brought to what the model sees."""

    pictures: Annotated[list[File], Meta(min_length=1, max_length=MOST)]


class Codes(Struct, forbid_unknown_fields=True):
    """Codes, each of as many numbers as the model's `latent` says."""

    codes: Annotated[list[Code], Meta(min_length=1, max_length=MOST)]


class TwoPictures(Struct, forbid_unknown_fields=True):
    """The two ends of a path."""

    pictures: Annotated[list[File], Meta(min_length=2, max_length=2)]


class TwoCodes(Struct, forbid_unknown_fields=True):
    """The two ends of a path."""

    codes: Annotated[list[Code], Meta(min_length=2, max_length=2)]


class Asked:
    """What a call is about: pictures as the model sees them, or codes; and the classes that it is told."""

    def __init__(self, name: str, classes: list[str]):
        self.name = name
        self.x: np.ndarray | None = None  # (n, h, w, c), uint8 or float
        self.z: np.ndarray | None = None  # (n, d)
        self.y: np.ndarray | None = _named(name, classes)  # (factors,)

    def json(self, content: bytes, kinds: tuple[type, ...]) -> None:
        """Reads a body of JSON, one of these types; raises Problem."""
        try:
            told = msgspec.json.decode(content)
            asks = [kind for kind in kinds if isinstance(told, dict) and kind.__struct_fields__[0] in told]
            body = msgspec.convert(told, (asks or kinds)[0])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            says, _, place = str(error).replace("`", "").partition(" - at $")
            field = f"«{place.lstrip('.')}» of the body" if place.lstrip(".") else "The body"
            raise bridge.Problem(
                f"{field} cannot be used: {says[:200]}. /api/openapi.json says what is asked."
            ) from None
        if isinstance(body, Pictures | TwoPictures):
            self.files(body.pictures)
        else:
            lengths = {len(code) for code in body.codes}
            self.z = self._codes(np.array(body.codes if len(lengths) == 1 else [[]]))

    def files(self, files: list[bytes]) -> None:
        """Picture files of strangers, decoded apart; raises Problem that says which cannot be used."""
        end, arrays = time.monotonic() + SECONDS, []
        for i, content in enumerate(files):
            if time.monotonic() > end:
                raise bridge.Problem(f"{len(files)} pictures take too long to decode; send fewer, or smaller ones.")
            seen = bridge.judging.see(self.name, f"picture {i + 1}", content, "crop", "guess")
            arrays.append(seen["array"])
        self.x = np.stack(arrays)

    def npz(self, content: bytes, takes: tuple[str, ...]) -> None:
        """Reads `pictures`, in the model's own shape, or `codes`, as far as the call takes them; raises Problem."""
        try:
            arrays = bridge.npz.read(content, dict.fromkeys(takes, "fiu"), ROOM)
        except Exception as error:  # damaged files raise nearly every exception there is
            says = str(error)[:200] or "it is damaged"
            raise bridge.Problem(f"The .npz cannot be read: {says}. Write it with numpy.savez.") from None
        if not arrays:
            raise bridge.Problem(f"The .npz holds no array «{'» or «'.join(takes)}».")
        name, array = next(iter(arrays.items()))
        if not 1 <= len(array.shape and array) <= MOST:
            raise bridge.Problem(f"«{name}» has {len(array.shape and array)} rows; a call takes 1 to {MOST}.")
        if name == "codes":
            self.z = self._codes(array)
        else:
            self.x = self._pictures(array)

    def _codes(self, z: np.ndarray) -> np.ndarray:
        latent = bridge.checkpoints.card(self.name)["config"]["latent"]
        if z.ndim != 2 or z.shape[1] != latent:
            raise bridge.Problem(f"{self.name} has codes of {latent} numbers, and each code sent must have as many.")
        if not (np.abs(z) <= FURTHEST).all():  # nor NaN
            raise bridge.Problem(f"A code's numbers lie between -{FURTHEST:g} and {FURTHEST:g}, and these do not.")
        return z.astype(np.float32)

    def _pictures(self, x: np.ndarray) -> np.ndarray:
        shape = tuple(bridge.checkpoints.card(self.name)["data"]["shape"])
        if x.shape[1:] != shape:
            raise bridge.Problem(f"{self.name} takes pictures of {shape} in an .npz, and these are {x.shape[1:]}.")
        if x.dtype == np.uint8:
            return x
        if x.dtype.kind != "f" or not ((x >= 0) & (x <= 1)).all():
            raise bridge.Problem("«pictures» must be uint8, or brightness 0 to 1 in floats.")
        return x.astype(np.float32)

    def told(self) -> np.ndarray | None:
        """The classes of every picture or code, (n, factors): those that are asked for, or the likeliest; None without."""
        given = self.x if self.z is None else self.z
        factors = bridge.classes.classes(self.name)
        if not factors:
            return None
        if self.y is not None:
            return np.tile(self.y, (len(given), 1))
        if self.x is None:
            words = ", ".join(f"{f} ({names[0]}, …)" for f, names in zip(_factors(self.name), factors, strict=True))
            raise bridge.Problem(
                f"{self.name} draws the class that it is told: give classes=…, one for each of {words}."
            )
        tries = sum(map(len, factors)) * min(2, len(factors))
        if len(given) * tries > TRIES:
            most = max(1, TRIES // tries)
            raise bridge.Problem(
                f"{self.name} tries its classes on every picture: send {most} at a time, or give classes=…."
            )
        x = self.x if self.x.dtype == np.uint8 else bridge.models.to_bytes(self.x)
        return bridge.classes.likeliest(self.name, x)


def _factors(name: str) -> list[str]:
    return bridge.classes.factors(name)


def _named(name: str, words: list[str]) -> np.ndarray | None:
    """Classes by their names, one of each factor, int (factors,); None where none are given."""
    if not words:
        return None
    known = bridge.classes.classes(name)
    if not known:
        raise bridge.Problem(f"{name} is not told classes; leave «classes» away.")
    if len(words) != len(known):
        raise bridge.Problem(f"{name} is told {len(known)} classes: give one of each of {', '.join(_factors(name))}.")
    for factor, names, word in zip(_factors(name), known, words, strict=True):
        if word not in names:
            raise bridge.Problem(f"«{word[:60]}» is no class of {factor}; there are {', '.join(names[:20])}.")
    return np.array([names.index(word) for names, word in zip(known, words, strict=True)])
