"""Intake of pictures from outside: bytes of unknown origin to what a model sees."""

import contextlib
import io
import unicodedata
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageOps

from ali_core.problem import Problem

from . import headers

MAX_BYTES = 10 * 2**20
MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
ADVICE = "use a PNG, JPEG, WebP, GIF, BMP or TIFF file"

# of the pixels on the edges: so many must ask for it before inversion is suggested
CLEAR = 0.75


# left, top, width and height of a part, in pixels of the upright picture
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Seen:
    """A picture as a model sees it: array uint8 (h,w,c), and in short sentences what was done.

    size: of the upright picture; box: the part of it that is seen; frames: those of its faces, see `faces`.
    """

    array: np.ndarray
    inverted: bool
    suggested_inversion: bool
    steps: list[str]
    size: tuple[int, int]
    box: Box | None = None
    frames: tuple[Box, ...] = ()
    turn: int = 0


def check(name: str, content: bytes, max_bytes: int = MAX_BYTES) -> None:
    """Raises Problem with a sentence for a file that can be refused before anything is decoded."""
    who = f"“{shown(name)}”"
    if not content:
        raise Problem(f"{who} is empty; choose another file.")
    if len(content) > max_bytes:
        size, most = len(content) / 2**20, max_bytes / 2**20
        raise Problem(f"{who} has {size:.1f} MB, more than {most:.0f} MB; make it smaller first.")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" and b"<svg" in content[:9999].lower():
        raise Problem(f"{who} is an SVG drawing, not pixels; export it as PNG.")
    if content[4:8] == b"ftyp":
        raise Problem(f"{who} is a HEIC, AVIF or video file, which is not read here; {ADVICE}.")
    _check_pixels(who, headers.webp_size(content))
    if headers.endless(content):
        raise Problem(f"{who} is a JPEG of endlessly many parts; save it again with a usual program.")


def read(name: str, content: bytes, max_bytes: int = MAX_BYTES, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Decodes a picture file and turns it upright.

    Returns 8-bit L, RGB or RGBA; `info["steps"]` says in sentences what was done. Raises Problem
    with a sentence when `content` is not a picture, is damaged, or is too large.
    """
    who = f"“{shown(name)}”"
    check(name, content, max_bytes)
    # Decoders meet bytes that nobody has checked and raise nearly every exception there is.
    try:
        image = Image.open(io.BytesIO(content), formats=formats)
        _check_pixels(who, image.size)  # from the header, before anything is decoded
        steps = ["Took the first frame of an animation."] if _moves(image) else []
        image.load()
        _check_pixels(who, image.size)
        turned = _turned(image)
        image = _eight_bits(image, steps)
    except Image.UnidentifiedImageError as error:
        raise Problem(f"{who} is not a picture that can be read; {ADVICE}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Problem(_too_many_pixels(who)) from error
    except Problem:
        raise
    except MemoryError as error:
        raise Problem(too_heavy(name)) from error
    except Exception as error:
        raise Problem(f"{who} is damaged or incomplete; save or send it again.") from error
    if turned:
        steps.append("Turned upright, as the camera noted.")
    image.info = {"steps": steps}
    return image


def too_heavy(name: str) -> str:
    """The sentence for a picture whose decoding asks for too much time or memory."""
    return f"“{shown(name)}” takes too long or too much memory to decode; make it smaller first."


def border(x: np.ndarray) -> float:
    """The usual brightness 0..1 of the edges of pictures uint8 (n,h,w,c), for `see`."""
    edges = [x[:, 0], x[:, -1], x[:, :, 0], x[:, :, -1]]
    return float(np.median([edge.mean(dtype=float) for edge in edges])) / 255


def see(
    image: Image.Image,
    shape: tuple[int, int, int],
    fit: str = "crop",
    invert: bool | None = None,
    border: float | None = None,
    box: Box | None = None,
) -> Seen:
    """Brings a picture from `read` to a model's `shape` (h,w,c), c = 1 or 3.

    fit: "crop" takes the middle, "fit" keeps all of it and pads. box: that part instead, squeezed into the shape; what
    lies outside of the picture is its edge again. border: the brightness 0..1 of the edges of the model's data;
    inversion is suggested, to a grey model only, when nearly all of the inverted picture's edges are clearly nearer
    to it. invert: None follows the suggestion.
    """
    (height, width, channels), whole = shape, image.size
    steps = list(image.info.get("steps", ()))
    outside = None
    if box:
        image, inside, outside = _part(image, box, (width, height), steps)
    elif fit == "crop":
        image = _crop(image, width, height, steps)
        inside = (width, height)
    else:
        scale = min(width / image.width, height / image.height)
        inside = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if image.size != inside:
        smaller = image.width > inside[0] or image.height > inside[1]
        verb = "Reduced" if smaller else "Enlarged"
        steps.append(f"{verb} from {_size(image.size)} to {_size(inside)} pixels.")
        how = Image.Resampling.LANCZOS if smaller else Image.Resampling.BICUBIC
        image = image.resize(inside, how, reducing_gap=3.0 if smaller else None)
    if image.mode == "RGBA":  # at the small size, where it takes no memory
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image).convert("RGB")
        steps.append("Laid the transparent parts onto white.")
    if channels == 1 and image.mode != "L":
        array = np.asarray(image)
        if (array != array[..., :1]).any():
            steps.append("Turned the colours to grey.")
        image = image.convert("L")
    elif channels == 3:
        image = image.convert("RGB")
    if outside:
        array = np.asarray(image)
        image = Image.fromarray(np.pad(array, outside[: array.ndim], "edge"))
    elif inside != (width, height):
        colour = np.median(_edges(np.asarray(image)), axis=0).astype(int).tolist()
        canvas = Image.new(image.mode, (width, height), tuple(colour))
        canvas.paste(image, ((width - inside[0]) // 2, (height - inside[1]) // 2))
        image = canvas
        steps.append(f"Padded with the colour of its edges to {_size(image.size)} pixels.")

    array = np.array(image).reshape(shape)
    suggested = False
    if border is not None and channels == 1:  # turned-round colours are other colours
        edges = _edges(array).mean(axis=1) / 255
        turned = abs(1 - edges - border) < abs(edges - border) - 0.25
        suggested = bool(turned.mean() >= CLEAR)
    inverted = suggested if invert is None else invert
    if inverted:
        array = 255 - array
        steps.append("Inverted light and dark.")
    return Seen(array, inverted, suggested, steps, whole, box)


def shown(name: str) -> str:
    """A file's name, safe and short enough for a sentence, also where Markdown is understood."""
    name = unicodedata.normalize("NFC", name)
    # C*: control, direction overrides, lone surrogates; Zl, Zp: line breaks
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029")
    name = "".join("·" if c in "[]<>*`$\\|~{}&" else c for c in name).strip()
    name = name if len(name) <= 40 else f"{name[:24]}…{name[-12:]}"
    return name or "a file without a name"


def _check_pixels(who: str, size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise Problem(_too_many_pixels(f"{who} ({_size(size)})"))


def _too_many_pixels(who: str) -> str:
    return f"{who} has more than {MAX_PIXELS // 10**6} million pixels; make it smaller first."


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _moves(image: Image.Image) -> bool:
    # the pages of a TIFF and the previews in a phone's MPO are no animation
    return image.format in ("GIF", "PNG", "WEBP") and getattr(image, "is_animated", False)


def _turned(image: Image.Image) -> bool:
    """Whether the camera noted that the picture lies: then it is turned upright, in place."""
    try:
        noted = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged notes by the camera are no reason to refuse its picture
        return False
    with contextlib.suppress(Exception):  # it turns, and then writes the other notes anew: nobody reads those
        ImageOps.exif_transpose(image, in_place=True)
    return noted in range(2, 9)


def _eight_bits(image: Image.Image, steps: list[str]) -> Image.Image:
    """A decoded picture as L, RGB or, if anything is transparent, RGBA."""
    if image.mode[0] in "IF":
        deep, clear = np.asarray(image), image.info.get("transparency")
        array, said = _scale(deep, bits16=image.mode != "F")
        steps.append(said)
        image = Image.fromarray(array)
        if clear is not None:  # a PNG may name one grey as transparent
            image = Image.merge("LA", (image, Image.fromarray((deep != clear) * np.uint8(255))))
    if image.mode == "CMYK":
        steps.append("Turned print colours (CMYK) to screen colours.")
    if image.has_transparency_data:
        if image.mode == "La":
            image = image.convert("LA")
        image = _as(image, "RGBA")
        return image if image.getextrema()[3][0] < 255 else image.convert("RGB")
    return _as(image, "L" if image.mode in ("1", "L") else "RGB")


def _as(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # which would copy 160 MB


def _scale(deep: np.ndarray, bits16: bool) -> tuple[np.ndarray, str]:
    """Greys (h,w) of more than 8 bits as uint8, and the sentence that says how.

    Piece by piece: all of it in floats would be four times the picture.
    """
    flat = deep.ravel()
    pieces = [slice(at, at + 2**20) for at in range(0, flat.size, 2**20)]
    low, high = np.inf, -np.inf
    for piece in pieces:
        array = flat[piece].astype(np.float32)
        finite = np.isfinite(array)
        low = min(low, float(array.min(where=finite, initial=np.inf)))
        high = max(high, float(array.max(where=finite, initial=-np.inf)))
    if low > high:
        raise ValueError("no grey value is a number")
    if bits16 and low >= 0 and high <= 65535:
        zero, span, said = 0.0, 65535.0, "Scaled from 16 bits to 8 bits."
    elif not bits16 and low >= 0 and high <= 1:
        zero, span, said = 0.0, 1.0, "Scaled from 0–1 to 8 bits."
    else:  # halves below, because high - low may be beyond float32
        zero, span, said = low, high - low, "Stretched its range of greys to 8 bits."
    scaled = np.empty(flat.size, np.uint8)
    for piece in pieces:
        array = np.nan_to_num(flat[piece].astype(np.float32), nan=low, posinf=high, neginf=low)
        part = (array / 2 - np.float32(zero / 2)) / np.float32(max(span / 2, 1e-30))
        scaled[piece] = np.rint(part * 255)
    return scaled.reshape(deep.shape), said


def _crop(image: Image.Image, width: int, height: int, steps: list[str]) -> Image.Image:
    """The largest part in the middle that has the proportions width : height."""
    wide = max(1, min(image.width, round(image.height * width / height)))
    high = max(1, min(image.height, round(image.width * height / width)))
    if (wide, high) == image.size:
        return image
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    steps.append(f"Cropped to the middle, {_size((wide, high))} of {_size(image.size)} pixels.")
    return image.crop((left, top, left + wide, top + high))


def _part(
    image: Image.Image, box: Box, size: tuple[int, int], steps: list[str]
) -> tuple[Image.Image, tuple[int, int], tuple[tuple[int, int], ...]]:
    """What of a box is in the picture, the size it has in one of `size`, and what is missing around it, for np.pad."""
    ends = []
    for start, long, side, pixels in zip(box[:2], box[2:], image.size, size, strict=True):
        first, last = max(start, 0), min(start + long, side)
        if first >= last:
            raise Problem(f"The box {box} lies outside of the picture, {_size(image.size)}; move it back.")
        before = min(round((first - start) / long * pixels), pixels - 1)
        after = min(round((start + long - last) / long * pixels), pixels - 1 - before)
        ends.append((first, last, before, after))
    (left, right, *across), (top, low, *down) = ends
    steps.append(f"Took the part in the box, {_size(box[2:])} of {_size(image.size)} pixels.")
    image, inside = image.crop((left, top, right, low)), (size[0] - sum(across), size[1] - sum(down))
    return image, inside, (tuple(down), tuple(across), (0, 0))


def _edges(array: np.ndarray) -> np.ndarray:
    """The pixels on the four edges of (h,w) or (h,w,c), as (n,c)."""
    array = array.reshape(*array.shape[:2], -1)
    return np.concatenate([array[0], array[-1], array[:, 0], array[:, -1]])
