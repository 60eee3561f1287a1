"""Faces: found, framed, chosen, and what is said without one.   python -m pytest tests/test_faces.py"""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from streamlit.testing.v1 import AppTest

from ali_core.commands.train import main as train
from ali_core.data import apart, faces, pictures
from ali_core.data.datasets import load
from ali_core.data.faces import ASPECT, framed
from ali_core.models import checkpoint
from ali_core.problem import Problem
from app.components.frame import unpacked

ROOT = Path(__file__).parents[1]
GROUND = (120, 150, 120)
SHAPE = (64, 64, 3)


def head(side: int, skin: tuple[int, int, int] = (224, 172, 140)) -> Image.Image:
    """A drawn face, seen from the front, which fills a square."""
    s, hair = 4 * side, (70, 45, 30)
    image = Image.new("RGB", (s, s), GROUND)
    pen = ImageDraw.Draw(image)
    dark = tuple(int(v * 0.72) for v in skin)

    def oval(x: float, y: float, a: float, b: float, colour: tuple[int, ...]) -> None:
        pen.ellipse([(x - a) * s, (y - b) * s, (x + a) * s, (y + b) * s], fill=colour)

    oval(0.5, 0.44, 0.33, 0.40, hair)
    oval(0.5, 0.52, 0.27, 0.37, skin)
    for x in (0.39, 0.61):
        oval(x, 0.45, 0.075, 0.045, dark)
        oval(x, 0.46, 0.055, 0.026, (250, 250, 250))
        oval(x, 0.46, 0.024, 0.026, (40, 30, 25))
        pen.rectangle([(x - 0.075) * s, 0.385 * s, (x + 0.075) * s, 0.405 * s], fill=hair)
    nose = tuple(int(v * 0.93) for v in skin)
    pen.polygon([(0.5 * s, 0.47 * s), (0.455 * s, 0.63 * s), (0.545 * s, 0.63 * s)], fill=nose)
    for x in (0.47, 0.53):
        oval(x, 0.63, 0.018, 0.010, dark)
    oval(0.5, 0.73, 0.10, 0.032, (160, 70, 70))
    pen.line([0.41 * s, 0.73 * s, 0.59 * s, 0.73 * s], fill=(90, 30, 30), width=s // 90)
    return image.filter(ImageFilter.GaussianBlur(s / 120)).resize((side, side), Image.Resampling.LANCZOS)


def scene(*places: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Heads (side, left, top) on a green ground."""
    image = Image.new("RGB", size, GROUND)
    for side, left, top in places:
        image.paste(head(side), (left, top))
    return image


def file(image: Image.Image, kind: str = "png", **words) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **words)
    return content.getvalue()


def middle(box: tuple[int, int, int, int]) -> tuple[float, float]:
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def holds(box: tuple[int, int, int, int], side: int, left: int, top: int) -> bool:
    """Whether a frame stands around a head, and is of its size."""
    x, y = middle(box)
    near = abs(x - left - side / 2) < side * 0.15 and abs(y - top - side / 2) < side * 0.2
    return near and 0.8 < box[2] / side < 1.6 and box[2] / box[3] == pytest.approx(ASPECT, rel=0.03)


@pytest.mark.parametrize(
    "place",
    [(200, 220, 140), (60, 300, 200), (44, 100, 100), (200, -30, 140), (200, 470, 290), (460, 90, 10)],
    ids=["middle", "small", "tiny", "left edge", "corner", "large"],
)
def test_a_face_is_framed_wherever_it_stands(place):
    boxes = faces.faces(scene(place))
    assert len(boxes) == 1 and holds(boxes[0], *place)


@pytest.mark.parametrize("mode", ["L", "RGBA", "tiny file"])
def test_grey_and_transparent_and_tiny_pictures_have_faces_too(mode):
    image = scene((200, 220, 140))
    if mode == "L":
        image = image.convert("L")
    elif mode == "RGBA":  # a cut-out: nothing but the head
        cut = Image.new("L", image.size, 0)
        cut.paste(255, (220, 140, 420, 340))
        image.putalpha(cut)
    else:
        image = head(48)
    boxes = faces.faces(image)
    assert len(boxes) == 1
    assert holds(boxes[0], *((48, 0, 0) if mode == "tiny file" else (200, 220, 140)))


def test_forty_faces_are_forty_and_the_largest_is_the_first():
    places = [(100 + 20 * (k == 17), 20 + (k % 8) * 195, 20 + (k // 8) * 195) for k in range(40)]
    boxes = faces.faces(scene(*places, size=(1600, 1000)))
    assert len(boxes) == 40
    assert all(sum(holds(box, *place) for box in boxes) == 1 for place in places)
    assert holds(boxes[0], *places[17])


def test_a_landscape_has_no_face_and_is_whole_and_says_so():
    rng, image = np.random.default_rng(0), Image.new("RGB", (640, 480), (120, 160, 220))
    pen = ImageDraw.Draw(image)
    for k in range(5):
        ridge = [(x, 200 + 50 * k + int(v)) for x, v in zip(range(0, 700, 40), rng.integers(-30, 30, 18), strict=True)]
        pen.polygon([*ridge, (700, 480), (0, 480)], fill=(60 + 10 * k, 90 + 15 * k, 60))
    seen = framed(image, SHAPE, "face")
    assert seen.frames == () and seen.box is None
    assert "No face was found: this is the whole picture." in seen.steps
    np.testing.assert_array_equal(seen.array, pictures.see(image, SHAPE).array)


def test_what_the_camera_noted_comes_first():
    """A portrait that lies on its side in the file: upright it has a face, and the box is of the upright one."""
    upright, exif = scene((200, 120, 200), size=(480, 640)), Image.Exif()
    exif[0x0112] = 6
    content = file(upright.transpose(Image.Transpose.ROTATE_90), "jpeg", quality=95, exif=exif)
    seen, small = apart.see("portrait.jpg", content, SHAPE, frame="face")
    assert seen.size == small.size == (480, 640) and holds(seen.box, 200, 120, 200)
    assert seen.frames == (seen.box,) and "Turned upright, as the camera noted." in seen.steps


@pytest.mark.parametrize("degrees", [90, 180, 270, 30])
def test_a_portrait_on_its_side_is_turned_and_a_box_in_it_too(degrees):
    """By the degrees that bring it upright; the box is one of the turned picture, and the model sees the same face."""
    upright = scene((300, 150, 80))
    lying = file(upright.rotate(-degrees, Image.Resampling.BICUBIC, expand=degrees % 90 == 0, fillcolor=GROUND))
    seen, small = apart.see("lying.png", lying, SHAPE, frame="face", turn=None)
    assert (
        seen.turn == degrees and len(seen.frames) == 1 and f"Turned by {min(degrees, 360 - degrees)}°" in seen.steps[0]
    )
    assert seen.size[0] / seen.size[1] == pytest.approx(small.size[0] / small.size[1], rel=0.02), "it is shown turned"
    straight = framed(upright, SHAPE, "face")
    assert np.abs(seen.array.astype(int) - straight.array).mean() < 8
    again, _ = apart.see("lying.png", lying, SHAPE, box=seen.box, turn=seen.turn)
    np.testing.assert_array_equal(again.array, seen.array)
    left, _ = apart.see("lying.png", lying, SHAPE, frame="face")
    assert left.turn == 0 and left.frames == (), "training pictures are taken as they are"


def test_a_forehead_that_is_cut_off_is_a_face_and_a_portrait_is_found_at_once():
    (box,) = faces.faces(scene((300, 150, -90)))
    assert holds(box, 300, 150, -90)
    behind = faces.faces(scene((300, 20, 80), (80, 520, 300)))
    assert [holds(behind[0], 300, 20, 80), len(behind)] == [True, 1], "who stands far behind a portrait is left out"
    assert len(faces.faces(scene((90, 20, 80), (80, 520, 300)))) == 2


def test_a_framed_face_is_the_part_in_its_box_squeezed():
    image = scene((200, 220, 140))
    seen = framed(image, SHAPE, "face")
    left, top, wide, high = seen.box
    assert min(left, top) >= 0 and left + wide <= 640 and top + high <= 480
    cut = image.crop((left, top, left + wide, top + high)).resize((64, 64), Image.Resampling.LANCZOS)
    assert np.abs(seen.array.astype(int) - np.asarray(cut)).mean() < 2
    other = framed(image, SHAPE, "face", box=(0, 0, 178, 218))
    assert other.box == (0, 0, 178, 218) and np.abs(other.array - np.array(GROUND)).max() <= 2


def test_a_box_that_leaves_the_picture_repeats_its_edge():
    image = Image.new("RGB", (100, 100), (200, 10, 10))
    image.paste((10, 10, 200), (50, 0, 100, 100))
    array = pictures.see(image, SHAPE, box=(50, -50, 100, 100)).array
    assert (array[:, 2:] == (10, 10, 200)).all() and array.shape == SHAPE
    with pytest.raises(Problem, match="outside of the picture"):
        pictures.see(image, SHAPE, box=(100, 0, 50, 50))


@pytest.mark.parametrize("lost", ["a cascade", "OpenCV's cascades", "OpenCV"])
def test_without_opencv_or_a_cascade_the_picture_is_whole_and_says_why(lost, tmp_path, monkeypatch):
    monkeypatch.delattr(faces._cascades_of, "cascades", raising=False)
    if lost == "a cascade":
        shutil.copy(Path(cv2.data.haarcascades) / faces.FRONTAL[0], tmp_path)
        monkeypatch.setattr(cv2.data, "haarcascades", str(tmp_path))
    elif lost == "OpenCV":
        monkeypatch.setitem(sys.modules, "cv2", None)
    else:  # as its fifth version has it
        monkeypatch.delattr(cv2, "CascadeClassifier")
    seen = framed(scene((200, 220, 140)), SHAPE, "face")
    assert seen.box is None and seen.frames == ()
    assert "Faces cannot be found: OpenCV" in seen.steps[-1] and seen.steps[-1].endswith("this is the whole picture.")
    assert ("haarcascade_profileface.xml is missing" in seen.steps[-1]) == (lost == "a cascade")
    with pytest.raises(Problem, match="Faces cannot be found"):
        load(str(tmp_path), 32, frame="face")


# ---- data and cards --------------------------------------------------------------------------------


def folder(tmp_path: Path, n: int = 6) -> Path:
    for k in range(n):
        place = (120 + 10 * k, 40 + 30 * k, 60 + 20 * k)
        (tmp_path / "people").mkdir(exist_ok=True)
        scene(place, size=(480, 360)).save(tmp_path / "people" / f"{k}.png")
    return tmp_path / "people"


def test_a_folder_is_framed_by_the_same_code_and_what_has_no_face_is_named(tmp_path):
    where = folder(tmp_path)
    Image.new("RGB", (90, 90), GROUND).save(where / "none.png")
    with pytest.warns(UserWarning, match="no face was found in 1 of 7"):
        data = load(str(where), 32, frame="face")
    assert data.frame == "face" and load(str(where), 32).frame == ""
    framed_, whole = (np.concatenate([d.x, d.x_test]) for d in (data, load(str(where), 32)))
    wanted = {framed(Image.open(path).convert("RGB"), (32, 32, 3), "face").array.tobytes() for path in where.iterdir()}
    assert {x.tobytes() for x in framed_} == wanted != {x.tobytes() for x in whole}


def test_frame_is_for_pictures_that_are_read_from_files():
    for data in ("grid", "toons"):
        with pytest.raises(Problem, match="frame=face is for a folder of pictures or hf:NAME"):
            load(data, frame="face")


def test_an_npz_says_how_it_was_framed(tmp_path):
    x = np.random.default_rng(0).integers(0, 255, (20, 28, 28, 3), np.uint8)
    np.savez(tmp_path / "a.npz", images=x, frame="face")
    assert load(str(tmp_path / "a.npz")).frame == "face"
    np.savez(tmp_path / "b.npz", images=x, frame="feet")
    with pytest.raises(Problem, match="“frame” is “feet”"):
        load(str(tmp_path / "b.npz"))


def test_a_card_tells_the_frame_and_a_word_that_it_does_not_know_is_refused(tmp_path, monkeypatch):
    where = folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = f"data={where} frame=face size=28 width=4 batch=4 steps=2 name=people member=alice"
    train(words.split())
    path = tmp_path / "checkpoints/people/card.json"
    card = json.loads(path.read_text())
    assert card["data"]["frame"] == "face" == card["config"]["frame"]
    card["data"]["frame"] = "feet"
    path.write_text(json.dumps(card))
    with pytest.raises(Problem, match=r"data\.frame"):
        checkpoint.card(path.parent)


# ---- the app ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asking(tmp_path_factory) -> Path:
    """A folder of one checkpoint that asks for faces."""
    return asking_in(tmp_path_factory.mktemp("asking"))


def asking_in(folder: Path) -> Path:
    """The same, in `folder`."""
    root = folder / "checkpoints"
    for name in ("sprites", "pictures"):
        shutil.copytree(ROOT / "checkpoints" / name, root / name)
    path = root / "sprites/card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    card["data"]["frame"] = "face"
    path.write_text(json.dumps(card), encoding="utf-8")
    return root


def opened(root: Path, monkeypatch, image: Image.Image) -> AppTest:
    monkeypatch.setenv("ALI_CHECKPOINTS", str(root))
    app = AppTest.from_file(ROOT / "app/explorer.py", default_timeout=120)
    app = app.switch_page("views/reconstruct/reconstruct.py").run()
    app.segmented_control(key="source").set_value("Upload").run()
    app.file_uploader(key="file").upload("portrait.png", file(image), "image/png").run()
    assert not app.exception and not app.error
    return app


def says(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def test_an_upload_is_framed_where_the_card_asks_and_can_be_moved_or_left_whole(asking, monkeypatch):
    app = opened(asking, monkeypatch, scene((200, 60, 140), (120, 420, 200)))
    assert "Of 2 faces this is the largest." in says(app)
    assert app.segmented_control(key="fit").disabled
    largest = app.metric[0].value
    app.session_state["frame chosen"] = "whole"
    app.run()
    assert "Took the part in the box" not in says(app) and not app.segmented_control(key="fit").disabled
    whole = app.metric[0].value
    app.session_state["frame chosen"] = (400, 160, 150, 184)
    app.run()
    assert "Took the part in the box, 150 × 184 of 640 × 480 pixels." in says(app)
    assert len({largest, whole, app.metric[0].value}) == 3
    app.file_uploader(key="file").upload("other.png", file(scene((200, 220, 140))), "image/png").run()
    assert app.session_state["frame chosen"] == "automatic", "another picture has its own faces"


def test_a_turned_picture_stays_turned_while_its_box_moves_and_comes_back_whole(asking, monkeypatch):
    app = opened(asking, monkeypatch, scene((300, 150, 80)).transpose(Image.Transpose.ROTATE_270))
    assert "Turned by 90°: so a face is upright." in says(app)
    app.session_state["frame chosen"] = (140, 0, 340, 416)
    app.run()
    assert "Turned by 90°" in says(app) and "Took the part in the box, 340 × 416 of 640 × 480 pixels." in says(app)
    app.session_state["frame chosen"] = "whole"
    app.run()
    assert "Turned by 90°" not in says(app) and "of 480 × 640 pixels" in says(app)
    assert not app.exception and not app.error


def test_no_face_is_said(asking, monkeypatch):
    app = opened(asking, monkeypatch, Image.new("RGB", (300, 200), GROUND))
    assert "No face was found: this is the whole picture." in says(app)


def test_the_app_itself_never_imports_opencv(tmp_path):
    """A face is found, and only the process that decodes has asked for it."""
    (tmp_path / "a.png").write_bytes(file(scene((200, 220, 140))))
    code = (
        "import sys; from pathlib import Path; from app import bridge; from ali_core.data import apart\n"
        "seen, _ = apart.see('a.png', Path(sys.argv[1]).read_bytes(), (64, 64, 3), frame='face')\n"
        "print(len(seen.frames), 'cv2' in sys.modules)"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "a.png")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["1", "False"], done.stderr


def test_what_the_browser_says_is_a_box_or_nothing():
    size = (640, 480)
    assert unpacked({"of": "a", "box": [-20, -20, 178, 218]}, "a", size) == (-20, -20, 178, 218)
    assert unpacked({"of": "a", "box": None}, "a", size) == "whole"
    assert unpacked({"of": "b", "box": [0, 0, 178, 218]}, "a", size) is None, "of the picture before"
    for box in ([0, 0, 9], [0, 0, 0, 9], [700, 0, 9, 9], [0, 0, 1e9, 9], [0, 0, True, 9], "0,0,9,9", [0, 0, 9999, 9]):
        assert unpacked({"of": "a", "box": box}, "a", size) is None
    for nonsense in (None, 7, "", [1, 2], {"of": "a"}):
        assert unpacked(nonsense, "a", size) is None
