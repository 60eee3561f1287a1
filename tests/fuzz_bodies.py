"""What schemathesis sends where the description says «a file»: whole and damaged pictures and .npz files (see fuzz.py)."""

import base64
import io

import numpy as np
import schemathesis
from hypothesis import strategies as st
from PIL import Image

from app.service.description import NPZ, PICTURES

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF", "image/bmp": "BMP"}
FORMATS |= {"image/tiff": "TIFF"}
KINDS = ["uint8", "float32", "float64", "int16", "bool", "complex64", "U1", "datetime64[s]"]


def picture(kind: str, width: int, height: int, mode: str) -> bytes:
    content = io.BytesIO()
    Image.effect_noise((width, height), 90).convert(mode).save(content, FORMATS[kind])
    return content.getvalue()


def arrays(name: str, n: int, shape: tuple[int, ...], kind: str, value: float) -> bytes:
    content = io.BytesIO()
    with np.errstate(all="ignore"):
        np.savez(content, **{name: np.full((n, *shape), value).astype(kind)})
    return content.getvalue()


@st.composite
def damaged(draw, whole: st.SearchStrategy[bytes]) -> bytes:
    """A file, or one with some of its bytes replaced, or cut off."""
    content = bytearray(draw(whole))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2, 5]))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.sampled_from([len(content)] * 9 + [len(content) // 2]))])


side = st.sampled_from([1, 2, 27, 28, 64, 200])
for kind in PICTURES:
    mode = st.sampled_from(["L", "RGB", "1"] if kind != "image/gif" else ["L", "P"])
    whole = st.builds(picture, st.just(kind), side, side, mode.filter(lambda m, k=kind: (k, m) != ("image/jpeg", "P")))
    schemathesis.openapi.media_type(kind, damaged(whole))
    if kind == "image/png":
        schemathesis.openapi.format("byte", damaged(whole).map(lambda one: base64.b64encode(one).decode()))
rows, values = st.integers(0, 70), st.sampled_from([0.0, 0.5, 1.0, -1.0, 255.0, 1e9, float("nan"), float("inf")])
shapes = st.sampled_from([(28, 28, 1), (64, 64, 3), (16,), (64,), (), (0,), (1, 1, 1, 1, 1)])
of_numpy = st.builds(arrays, st.sampled_from(["pictures", "codes", "x"]), rows, shapes, st.sampled_from(KINDS), values)
schemathesis.openapi.media_type(NPZ, damaged(of_numpy))
