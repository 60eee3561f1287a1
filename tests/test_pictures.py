"""The intake of pictures: any bytes end as a sentence, or as exactly what a model expects."""

import io
import unicodedata
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ali_core.data.pictures import FORMATS, MAX_BYTES, read, see, shown
from ali_core.problem import Problem

GREY, COLOUR = (28, 28, 1), (32, 32, 3)


def file(image: Image.Image, kind: str, **options) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def scene(width: int = 48, height: int = 32) -> Image.Image:
    """A smooth picture without any symmetry: red grows to the right, green downwards."""
    array = np.zeros((height, width, 3), np.uint8)
    array[..., 0] = np.linspace(0, 250, width)
    array[..., 1] = np.linspace(0, 250, height)[:, None]
    return Image.fromarray(array)


def stripes() -> list[bytes]:
    """A small valid file of every kind that is read, and of several odd ones."""
    colour, grey = scene(), scene().convert("L")
    deep = Image.fromarray(np.arange(48 * 32, dtype=np.uint16).reshape(32, 48) * 40)
    clear = colour.convert("RGBA")
    clear.putalpha(grey)
    turned = Image.Exif()
    turned[0x0112] = 6
    moving = {"save_all": True, "append_images": [colour.rotate(90), grey.convert("RGB")]}
    return [
        file(colour, "PNG"),
        file(clear, "PNG"),
        file(deep, "PNG"),
        file(colour.quantize(16), "PNG", transparency=3),
        file(grey.convert("1"), "PNG"),
        file(colour, "PNG", **moving),
        file(colour, "JPEG", exif=turned),
        file(colour.convert("CMYK"), "JPEG"),
        file(grey, "JPEG", progressive=True),
        file(colour, "WEBP", lossless=True),
        file(clear, "WEBP"),
        file(colour, "WEBP", **moving),
        file(colour, "GIF", **moving),
        file(colour, "BMP"),
        file(colour, "TIFF", compression="tiff_lzw"),
        file(deep, "TIFF", compression="tiff_adobe_deflate"),
        file(Image.fromarray(np.float32(np.asarray(grey)) / 7 - 9), "TIFF"),
    ]


FILES = stripes()


def passes_or_says_why(content: bytes, shape: tuple[int, int, int], fit: str) -> None:
    try:
        image = read("upload", content)
    except Problem as problem:
        assert str(problem).endswith(".") and len(str(problem)) < 200
        return
    assert image.mode in ("L", "RGB", "RGBA")
    seen = see(image, shape, fit, border=0.0)
    assert seen.array.shape == shape and seen.array.dtype == np.uint8
    assert seen.inverted == seen.suggested_inversion


shapes = st.sampled_from([GREY, COLOUR, (28, 20, 3)])
fits = st.sampled_from(["crop", "fit"])


@given(st.binary(max_size=400), shapes, fits)
@settings(max_examples=300, deadline=None)
def test_random_bytes_never_give_anything_but_a_problem(content, shape, fit):
    passes_or_says_why(content, shape, fit)


@given(st.sampled_from(FILES), st.floats(0, 1), shapes, fits)
@settings(max_examples=300, deadline=None)
def test_truncated_files_pass_or_say_why(content, share, shape, fit):
    passes_or_says_why(content[: int(share * len(content))], shape, fit)


@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8),
    st.booleans(),
    shapes,
    fits,
)
@settings(max_examples=800, deadline=None)
def test_mutated_files_pass_or_say_why(content, changes, early, shape, fit):
    changed = bytearray(content)
    reach = min(len(changed), 120) if early else len(changed)  # headers matter most
    for place, value in changes:
        changed[int(place * reach)] = value
    passes_or_says_why(bytes(changed), shape, fit)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(["L", "RGB", "RGBA"]), shapes, fits)
@settings(max_examples=150, deadline=None)
def test_every_size_comes_out_in_the_models_shape(width, height, mode, shape, fit):
    passes_or_says_why(file(scene(width, height).convert(mode), "PNG"), shape, fit)


@pytest.mark.parametrize("content", FILES, ids=range(len(FILES)))
def test_valid_files_of_every_kind_are_read(content):
    image = read("picture", content)
    assert sorted(image.size) == [32, 48]
    assert 20 < see(image, COLOUR).array.mean() < 235


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_all_eight_orientations_give_the_same_upright_picture(kind):
    upright = scene()
    undo = [
        None,
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ]
    for orientation, turn in enumerate(undo, start=1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = upright if turn is None else upright.transpose(turn)
        image = read("photo", file(stored, kind, exif=exif, quality=95))
        assert image.size == upright.size, orientation
        difference = np.asarray(image).astype(int) - np.asarray(upright)
        assert np.abs(difference).mean() < 3, orientation


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
@pytest.mark.parametrize(("deep", "shallow"), [(0, 0), (257, 1), (32768, 128), (65535, 255)])
def test_sixteen_bits_are_scaled_not_clipped(kind, deep, shallow):
    content = file(Image.fromarray(np.full((30, 30), deep, np.uint16)), kind)
    seen = see(read("deep", content, formats=(*FORMATS, "PPM")), GREY)
    assert (seen.array == shallow).all()
    assert seen.steps[0] == "Scaled from 16 bits to 8 bits."


def test_sixteen_bit_colours_keep_their_middle():
    body = np.full((20, 20, 3), 0x8000).astype(">u2")
    content = b"P6 20 20 65535\n" + body.tobytes()
    image = read("deep.ppm", content, formats=(*FORMATS, "PPM"))
    assert np.isin(see(image, COLOUR).array, (127, 128)).all()


@pytest.mark.parametrize(
    ("values", "seen"),
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([-3, 0, 3], [0, 128, 255]),
        ([100, 200, 300], [0, 128, 255]),
        ([-3e38, 0, 3e38], [0, 128, 255]),
        ([np.nan, 2, 4], [0, 0, 255]),
        ([-np.inf, 2, np.inf], [0, 0, 0]),
        ([7, 7, 7], [0, 0, 0]),
    ],
)
def test_measured_values_are_stretched_to_their_range(values, seen):
    array = np.repeat(np.float32(values), 32 * 32).reshape(96, 32)
    image = read("measured.tif", file(Image.fromarray(array), "TIFF"))
    assert np.asarray(image)[[0, 40, 95], 0].tolist() == seen


def test_a_tiff_without_any_number_is_a_sentence():
    assert "damaged" in said(file(Image.fromarray(np.full((9, 9), np.nan, "f4")), "TIFF"))


def test_a_grey_named_transparent_in_a_deep_png_turns_white():
    array = np.full((28, 28), 1000, np.uint16)
    array[:14] = 2000
    content = file(Image.fromarray(array), "PNG", transparency=2000)
    seen = see(read("deep.png", content), GREY)
    assert (seen.array[:14] == 255).all() and (seen.array[14:] == 4).all()


def test_transparency_is_laid_onto_white():
    half = Image.new("RGBA", (32, 32), (200, 0, 0, 51))  # a fifth of red, four fifths of white
    seen = see(read("glass.png", file(half, "PNG")), COLOUR)
    assert (seen.array == (244, 204, 204)).all()
    assert seen.steps == ["Laid the transparent parts onto white."]


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_transparent_palette_entries_turn_white(kind):
    image = Image.new("P", (32, 32), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 32, 16))
    seen = see(read("icon", file(image, kind, transparency=0)), COLOUR)
    assert (seen.array[:16] == (0, 0, 255)).all() and (seen.array[16:] == 255).all()


def test_an_opaque_alpha_channel_is_no_transparency():
    image = read("solid.png", file(scene().convert("RGBA"), "PNG"))
    assert image.mode == "RGB" and image.info["steps"] == []


def test_cmyk_red_is_red():
    ink = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    array = see(read("print.jpg", file(ink, "JPEG", quality=95)), COLOUR).array
    assert (array[..., 0] > 245).all() and (array[..., 1:] < 10).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_gives_its_first_frame_and_says_so(kind):
    first, then = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    content = file(first, kind, save_all=True, append_images=[then], lossless=True)
    seen = see(read("film", content), COLOUR)
    assert (seen.array == (255, 0, 0)).all()
    assert seen.steps == ["Took the first frame of an animation."]


def test_the_pages_of_a_tiff_are_no_animation():
    content = file(scene(), "TIFF", save_all=True, append_images=[scene()])
    assert read("pages.tif", content).info["steps"] == []


def test_cropping_takes_the_middle_and_fitting_keeps_all():
    image = Image.new("RGB", (96, 32), "white")
    image.paste("red", (32, 0, 64, 32))
    crop, fit = see(image, COLOUR, "crop"), see(image, COLOUR, "fit")
    assert (crop.array == (255, 0, 0)).all()
    red = (fit.array[..., 1] < 128).sum()
    assert 100 <= red <= 144  # a ninth of 32 x 32
    assert (fit.array[0] == 255).all() and (fit.array[-1] == 255).all()


def test_padding_has_the_colour_of_the_edges():
    image = Image.new("RGB", (64, 32), (10, 90, 30))
    image.paste("white", (20, 10, 40, 20))
    assert (see(image, COLOUR, "fit").array[:7] == (10, 90, 30)).all()


def test_a_picture_of_the_right_size_is_untouched():
    array = np.random.default_rng(0).integers(0, 256, COLOUR, dtype=np.uint8)
    seen = see(read("exact.png", file(Image.fromarray(array), "PNG")), COLOUR)
    assert (seen.array == array).all() and seen.steps == []


def test_reducing_averages_instead_of_picking_pixels():
    board = (np.indices((560, 560)).sum(axis=0) % 2 * 255).astype(np.uint8)
    array = see(Image.fromarray(board), GREY).array
    assert array.min() >= 120 and array.max() <= 135


def test_enlarging_stays_smooth():
    array = see(scene(8, 8), COLOUR).array.astype(int)
    assert np.abs(np.diff(array[..., 0], axis=1)).max() < 20


def photo_of_a_shirt() -> Image.Image:
    """A dark shirt with sleeves on a bright, uneven, noisy wall."""
    rng = np.random.default_rng(1)
    array = np.linspace(190, 245, 300)[:, None] + rng.normal(0, 6, (300, 300))
    array[70:260, 100:200] = 70 + rng.normal(0, 10, (190, 100))
    array[70:140, 40:260] = 60 + rng.normal(0, 10, (70, 220))
    return Image.fromarray(array.clip(0, 255).astype(np.uint8))


def test_inversion_is_guessed_for_data_on_black():
    photo = photo_of_a_shirt()
    seen = see(photo, GREY, border=0.0)
    assert seen.suggested_inversion and seen.inverted
    assert seen.array[14, 14] > 150 and seen.array[0].mean() < 80
    assert seen.steps[-1] == "Inverted light and dark."


def test_inversion_is_not_guessed_where_it_would_not_help():
    photo = photo_of_a_shirt()
    dark = Image.fromarray(255 - np.asarray(photo))
    middle = Image.new("L", (30, 30), 128)
    assert not see(dark, GREY, border=0.0).suggested_inversion
    assert not see(photo, GREY, border=0.9).suggested_inversion
    assert see(dark, GREY, border=0.9).suggested_inversion
    assert not see(photo, GREY, border=0.5).suggested_inversion
    assert not see(middle, GREY, border=0.0).suggested_inversion
    assert not see(photo, GREY).suggested_inversion


def test_a_colour_model_never_turns_colours_round_by_a_guess():
    """A flower in the sun, shown to a model of characters on black, became a blue one."""
    flower = Image.new("RGB", (64, 64), (235, 245, 225))
    flower.paste((240, 30, 60), (16, 16, 48, 48))
    seen = see(flower, COLOUR, border=0.0)
    assert not seen.suggested_inversion and not seen.inverted
    assert seen.array[16, 16].tolist() == [240, 30, 60]
    asked = see(flower, COLOUR, border=0.0, invert=True)
    assert asked.array[16, 16].tolist() == [15, 225, 195]
    assert see(flower, GREY, border=0.0).suggested_inversion, "a grey model is asked as before"


def test_a_grey_picture_is_not_turned_round_where_its_edges_disagree():
    """A landscape: sky above, dark earth below; more than half of its edges are bright."""
    array = np.full((56, 56), 225, np.uint8)
    array[36:] = 40
    assert not see(Image.fromarray(array), GREY, border=0.0).suggested_inversion
    array[50:] = 225  # dark things on a bright ground
    assert see(Image.fromarray(array), GREY, border=0.0).suggested_inversion


def test_the_users_word_on_inversion_wins():
    photo = photo_of_a_shirt()
    kept, turned = see(photo, GREY, invert=False, border=0.0), see(photo, GREY, invert=True)
    assert kept.suggested_inversion and not kept.inverted and turned.inverted
    assert (kept.array == 255 - turned.array).all()


def test_steps_tell_the_whole_way_in_order():
    exif = Image.Exif()
    exif[0x0112] = 6
    seen = see(read("photo.jpg", file(scene(300, 200), "JPEG", exif=exif)), GREY, invert=True)
    assert seen.steps == [
        "Turned upright, as the camera noted.",
        "Cropped to the middle, 200 × 200 of 200 × 300 pixels.",
        "Reduced from 200 × 200 to 28 × 28 pixels.",
        "Turned the colours to grey.",
        "Inverted light and dark.",
    ]


@pytest.mark.parametrize("fit", ["crop", "fit"])
@pytest.mark.parametrize("size", [(1, 1), (20000, 1), (1, 20000)])
def test_extreme_proportions_keep_their_colour(size, fit):
    content = file(Image.new("RGB", size, (9, 120, 200)), "PNG")
    assert (see(read("line.png", content), COLOUR, fit).array == (9, 120, 200)).all()


def said(content: bytes, name: str = "picture") -> str:
    with pytest.raises(Problem) as problem:
        read(name, content)
    return str(problem.value)


def test_bad_files_get_the_sentence_that_fits():
    assert "is empty" in said(b"")
    assert "not a picture" in said(b"just some words, no pixels at all")
    assert "SVG" in said(b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>')
    assert "SVG" in said(b"\xef\xbb\xbf  <SVG></SVG>")
    assert "HEIC" in said(b"\0\0\0\x18ftypheic" + bytes(40))
    assert "HEIC, AVIF" in said(file(scene(), "AVIF"))
    assert "damaged or incomplete" in said(FILES[6][:-200])
    assert "more than 10 MB" in said(bytes(MAX_BYTES + 1))
    assert "not a picture" in said(bytes(MAX_BYTES))
    assert "not a picture" in said(b"P3 2 1 255 1 2 3 4 5 6")  # text, which is slow to read
    assert "not a picture" in said(file(scene(), "PPM"))


def test_a_jpeg_that_mentions_svg_is_still_a_jpeg():
    assert read("photo.jpg", file(scene(), "JPEG", comment=b"<svg>")).size == (48, 32)


def bomb_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + kind + body + check

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    body = zlib.compress(bytes(1000))
    parts = chunk(b"IHDR", head), chunk(b"IDAT", body), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [(40_001, 1000), (9_500, 9_500), (60_000, 60_000)])
def test_decompression_bombs_are_refused_from_the_header(size):
    assert "more than 40 million pixels" in said(bomb_png(*size))


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_bomb_is_refused_before_its_canvas_is_filled(lossless):
    content = bytearray(file(scene(), "WEBP", lossless=lossless))
    place, size = (21, 0xFFFFFFF) if lossless else (26, 0x3FFF3FFF)
    content[place : place + 4] = size.to_bytes(4, "little")
    assert "16383" in said(bytes(content)) or "16384" in said(bytes(content))


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_names_are_safe_and_short_in_sentences(name):
    text = shown(name)
    assert 0 < len(text) <= 40
    assert not any(unicodedata.category(c)[0] == "C" or c in "\n\r[]<>*`$\\|" for c in text)
    assert text in said(b"", name)


def test_plain_names_stay_as_they_are():
    assert shown("IMG_1234 (2).jpg") == "IMG_1234 (2).jpg"
    assert shown("e\u0301te\u0301.png") == "été.png"
    assert shown("evil\u202egpj.exe\x00\n") == "evilgpj.exe"
    assert shown("a" * 99 + ".jpeg") == "a" * 24 + "…" + "a" * 7 + ".jpeg"
    assert shown("\x00") == "a file without a name"
