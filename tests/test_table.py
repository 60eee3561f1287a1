"""A table of labels beside a folder of pictures.   python -m pytest tests/test_table.py"""

import re
import warnings

import numpy as np
import pytest
from PIL import Image

from ali_core import config as configs
from ali_core.commands import train
from ali_core.data import datasets, split
from ali_core.models import checkpoint
from ali_core.problem import Problem

N, PERSONS = 120, 12


def colour(k: int) -> np.ndarray:
    """The colour of picture k, by which it is found again."""
    return np.array([2 * k, 255 - 2 * k, 40 * (k % 5)], np.uint8)


@pytest.fixture
def folder(tmp_path):
    """A folder of 120 plain pictures, half of them a level deeper."""
    for k in range(N):
        path = tmp_path / "faces" / ("more" if k % 2 else "") / f"{k:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.broadcast_to(colour(k), (28, 28, 3))).save(path)
    return tmp_path / "faces"


def number(picture: np.ndarray) -> int:
    return int(picture[0, 0, 0]) // 2


def csv(folder, text: str, name: str = "labels.csv"):
    path = folder.parent / name
    path.write_text(text, "utf-8")
    return str(path)


def lines(mark: str = ",", head: str = "file,mood,glasses,person", wanted=range(N)) -> str:
    rows = [f"{k:03}.png,{('sad', 'glad', 'none')[k % 3]},{k % 2},{k % PERSONS}" for k in wanted]
    return "\n".join([head, *rows]).replace(",", mark) + "\n"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_every_picture_has_its_rows_labels_and_a_person_is_in_one_part(folder, mark):
    data = datasets.load(str(folder), 28, table=csv(folder, lines(mark)))
    assert data.factors == {"mood": ["glad", "none", "sad"], "glasses": ["no", "yes"]}
    assert data.label_names == ["mood glad", "mood none", "mood sad"] and data.held_out == split.BY_PERSON
    assert len(data.x) + len(data.x_test) == N and data.y.shape == (len(data.x), 2)
    for x, y in ((data.x, data.y), (data.x_test, data.y_test)):
        for picture, (mood, glasses) in zip(x, y, strict=True):
            k = number(picture)
            assert (mood, glasses) == ((2, 0, 1)[k % 3], k % 2) and (picture == colour(k)).all()
    persons = [{number(picture) % PERSONS for picture in x} for x in (data.x, data.x_test)]
    assert persons[1] and not persons[0] & persons[1] and len(persons[0] | persons[1]) == PERSONS
    stands = [number(picture) % PERSONS for picture in data.x]
    assert sum(a == b for a, b in zip(stands[1:], stands, strict=False)) < len(stands) / 2


def test_without_persons_the_split_is_by_picture_and_says_so(folder):
    text = lines(head="file,mood,glasses,who").replace("who", "day")
    data = datasets.load(str(folder), 28, table=csv(folder, text))
    assert data.held_out == split.OF_NOBODY and "no column of persons" in data.held_out
    assert list(data.factors) == ["mood", "glasses", "day"]
    assert data.factors["day"] == [str(i) for i in range(PERSONS)]  # 10 after 9


def test_the_celeba_list_and_an_npz_say_the_same_as_a_csv(folder):
    rows = [f"{k:03}.png {1 if k % 2 else -1:2}  {1 if k % 3 else -1}" for k in range(N)]
    listed = csv(folder, "\n".join([str(N), "Eyeglasses Wearing_Hat", *rows]), "list_attr.txt")
    values = np.stack([np.arange(N) % 2 > 0, np.arange(N) % 3 > 0], 1)
    names = [f"{k:03}.png" for k in range(N)]
    arrays = folder.parent / "table.npz"
    np.savez(arrays, names=names, attributes=values, attribute_names=["eyeglasses", "wearing_hat"])
    one, two = (datasets.load(str(folder), 28, table=str(table)) for table in (listed, arrays))
    assert one.factors == two.factors == {"eyeglasses": ["no", "yes"], "wearing hat": ["no", "yes"]}
    np.testing.assert_array_equal(one.y, two.y)
    assert [number(p) % 2 for p in one.x] == one.y[:, 0].tolist()


def test_a_path_names_its_picture_where_a_file_name_would_name_two(folder):
    Image.fromarray(np.broadcast_to(colour(9), (28, 28, 3))).save(folder / "001.png")
    text = lines(wanted=[0, 2, 3, 4]) + "more/001.png,sad,1,3\n001.png,glad,0,4\n"
    with pytest.warns(UserWarning, match="has no row for 115 of the folder's files"):
        data = datasets.load(str(folder), 28, table=csv(folder, text))
    said = {number(p): tuple(y) for p, y in zip([*data.x, *data.x_test], [*data.y, *data.y_test], strict=True)}
    assert len(said) == 6 and said[1] == (2, 1) and said[9] == (0, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: "\n".join(t.split("\n")[:-4]), r"has no row for 3 of the folder's files, .* left out: .*117.png"),
        (lambda t: t + "gone.png,sad,0,1\n", r"has 1 rows without a picture, which say nothing: gone.png"),
        (lambda t: re.sub(r",[01],", ",1,", t), r"«glasses» has one value, «1», for all"),
        (lambda t: re.sub(r"(\d+)\.png,\w+", r"\1.png,t\1", t), r"«mood» is not categorical: it has 120 values"),
        (lambda t: re.sub(r"(\d+)\.png,\w+", r"\1.png,0.\1", t), r"«mood» holds measurements, not classes"),
    ],
)
def test_what_a_table_cannot_say_is_a_sentence_and_the_rest_is_used(folder, change, says):
    with pytest.warns(UserWarning, match=says):
        data = datasets.load(str(folder), 28, table=csv(folder, change(lines())))
    assert len(data.factors) >= 1 and len(data.x) + len(data.x_test) >= N - 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,mood\nother.png,sad\n", "has no row for any picture of the folder; its first rows name other.png"),
        ("file,mood\n000.png,sad\n000.png,glad\n", "1 pictures with two rows, as 000.png"),
        ("file,mood\n000.png,sad,1\n", "row 2 has 3 cells where the first line names 2"),
        ("file,mood,mood\n000.png,sad,1\n", "two columns «mood»"),
        ("file\n000.png\n", "has 1 rows and 0 columns"),
        ("120\nA B\n000.png 1\n", "line 3 has 1 values where line 2 names 2"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_sentence(folder, text, says):
    with pytest.raises(Problem, match=says):
        datasets.load(str(folder), 28, table=csv(folder, text))


def test_a_table_without_a_folder_or_of_nothing_is_one_sentence(folder):
    with pytest.raises(Problem, match="no such file"):
        datasets.load(str(folder), 28, table="none.csv")
    with pytest.raises(Problem, match="goes with a folder of pictures"):
        datasets.load("grid", table="none.csv")
    (folder.parent / "bad.npz").write_bytes(b"PK\3\4 no")
    with warnings.catch_warnings(), pytest.raises(Problem, match=r"cannot be read as|needs «names»"):
        datasets.load(str(folder), 28, table=str(folder.parent / "bad.npz"))


def test_labels_is_a_number_or_a_file():
    assert configs.parse(["labels=50"]).labels == 50 and configs.parse(["labels=50"]).table == ""
    assert configs.parse(["labels=a/list.csv"]).table == "a/list.csv" and configs.parse(["table=b"]).table == "b"
    with pytest.raises(Problem, match=r"labels=0\.5 must be a whole number"):
        configs.parse(["labels=0.5"])


def test_the_command_learns_the_factors_and_the_card_says_how_it_was_split(folder, monkeypatch):
    csv(folder, lines())
    monkeypatch.chdir(folder.parent)
    words = (
        "member=conditional-vae size=28 width=4 latent=2 batch=8 steps=2 name=conditional data=faces labels=labels.csv"
    )
    train.main(words.split())
    card = checkpoint.card("checkpoints/conditional")
    assert card["config"]["table"] == "labels.csv" and card["data"]["factors"]["glasses"] == ["no", "yes"]
    assert card["data"]["classes"] == [3, 2] and card["data"]["split"] == split.BY_PERSON
