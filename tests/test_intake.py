"""What comes from a stranger ends in time, within its memory, and in a sentence: uploads, zips, tables, disks."""

import io
import os
import subprocess
import sys
import threading
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ali_core.data import apart, datasets, headers, pictures, points
from ali_core.files import write_beside
from ali_core.models import batch
from ali_core.problem import Problem

from .test_pictures import FILES, file, scene

GREY = (28, 28, 1)
ROOT = Path(__file__).parents[1]


def endless_scans(copies: int = 400) -> bytes:
    """A progressive JPEG whose last scan is repeated: small, and every copy costs a walk over all of it."""
    content = file(scene(1500, 1500), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * copies + content[-2:]


@pytest.fixture
def alone():
    """Processes for this test alone: none is there before, and none is left."""
    kept = [apart._free.get(timeout=30) for _ in range(apart.PROCESSES)]
    for _ in kept:
        apart._free.put(None)
    yield
    for _ in kept:
        started = apart._free.get(timeout=30)
        if started:
            started.kill()
            started.wait()
    for process in kept:
        apart._free.put(process)


# ---- pictures --------------------------------------------------------------------------------------


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded():
    content = endless_scans()
    assert headers.endless(content) and not headers.endless(endless_scans(5))
    with pytest.raises(Problem, match="endlessly many parts"):
        pictures.read("scans.jpg", content)
    with pytest.raises(Problem, match="endlessly many parts"):
        pictures.read("parts.jpg", b"\xff\xd8" + b"\xff\xe1\x00\x02" * 100_000 + content[2:])


def test_what_lies_behind_a_jpegs_end_is_no_scan_of_it():
    """Phones put films and further pictures there."""
    content = file(scene(), "JPEG", progressive=True) + b"\xff\xda\x00\x02" * 9_999
    assert pictures.read("film.jpg", content).size == (48, 32)


@pytest.mark.parametrize("content", FILES, ids=range(len(FILES)))
def test_a_picture_is_seen_the_same_apart_and_here(content, monkeypatch):
    here, shown = apart._look("a", content, shape=GREY, fit="fit", invert=None, border=0.0)
    monkeypatch.setattr(apart, "QUICK_BYTES", 0)
    there, small = apart.see("a", content, GREY, "fit", None, 0.0)
    np.testing.assert_array_equal(here.array, there.array)
    assert (here.steps, here.inverted) == (there.steps, there.inverted)
    assert small.mode == shown.mode and small.tobytes() == shown.tobytes()


def test_a_large_photograph_comes_back_small_and_a_small_one_as_it_is():
    for side, expected in ((3000, 600), (400, 400)):
        seen, small = apart.see("a.png", file(scene(side, side), "PNG"), GREY)
        assert small.size == (expected, expected) and seen.array.shape == GREY


def test_a_process_that_takes_too_long_is_ended_and_the_next_picture_is_decoded(alone, monkeypatch):
    large = file(scene(4000, 4000), "PNG")
    monkeypatch.setattr(apart, "SECONDS", 0.01)
    with pytest.raises(Problem, match="takes too long or too much memory"):
        apart.see("slow.png", large, GREY)
    process = apart._free.get()
    assert process.poll() is not None, "it has really ended"
    apart._free.put(process)
    monkeypatch.undo()
    assert apart.see("slow.png", large, GREY)[0].array.shape == GREY


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_a_process_that_takes_too_much_memory_says_so_and_goes_on(alone):
    deep = np.full((5000, 7900), 0.5, np.float32)
    content = file(Image.fromarray(deep), "TIFF", compression="tiff_adobe_deflate")
    assert len(content) < 300_000 < deep.nbytes
    with pytest.raises(Problem, match="takes too long or too much memory"):
        apart.see("deep.tif", content, GREY)
    process = apart._free.get()
    apart._free.put(process)
    assert process.poll() is None
    assert peak(process.pid) < 500
    assert apart.see("good.png", file(scene(2000, 2000), "PNG"), GREY)[1].size == (667, 667)


def peak(pid: int) -> float:
    """The most memory a process has had, in MB."""
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("mode", ["RGBA", "I;16"])
def test_forty_million_pixels_are_seen_within_500_mb(mode, alone, monkeypatch):
    monkeypatch.setattr(apart, "SECONDS", 60)  # memory alone is asked for here
    image = Image.new(mode, (7900, 5000), (90,) * len(mode) if mode in ("RGBA", "LA") else 90)
    seen, small = apart.see("large.png", file(image, "PNG", compress_level=1), GREY)
    assert seen.array.shape == GREY and small.size == (527, 334)
    process = apart._free.get()
    apart._free.put(process)
    assert 20 < peak(process.pid) < 500


def test_what_is_no_picture_is_not_sent_to_a_process(alone):
    with pytest.raises(Problem, match="not a picture"):
        apart.see("film.mp4", bytes(5 * 2**20), GREY)
    assert list(apart._free.queue) == [None] * apart.PROCESSES


def test_more_pictures_than_processes_wait_for_each_other(alone):
    content, views = file(scene(2000, 1200), "PNG"), []
    pupils = [threading.Thread(target=lambda: views.append(apart.see("a.png", content, GREY))) for _ in range(5)]
    for pupil in pupils:
        pupil.start()
    for pupil in pupils:
        pupil.join(60)
    assert len(views) == 5 and apart._free.qsize() == apart.PROCESSES


def test_nobody_waits_for_a_process_without_end(alone, monkeypatch):
    monkeypatch.setattr(apart, "PATIENCE", 0.01)
    taken = [apart._free.get() for _ in range(apart.PROCESSES)]
    with pytest.raises(Problem, match="Many pictures are waiting"):
        apart.see("a.png", file(scene(2000, 1200), "PNG"), GREY)
    for process in taken:
        apart._free.put(process)


def test_the_process_can_write_no_file(tmp_path):
    pytest.importorskip("resource")
    code = "import sys; from ali_core.data import apart; apart._limit(); open(sys.argv[1], 'wb', 0).write(b'x')"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], capture_output=True)
    assert b"File too large" in done.stderr and not (tmp_path / "a").stat().st_size


def test_a_data_set_may_still_be_of_ppm_files(tmp_path):
    for k in range(4):
        scene(30 + k, 30).save(tmp_path / f"{k}.ppm")
    assert datasets.load(str(tmp_path), size=28).x.shape[1:] == (28, 28, 3)


# ---- zips ------------------------------------------------------------------------------------------


def zip_of(*files: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as file:
        for name, inside in files:
            file.writestr(zipfile.ZipInfo(name), inside, how)
    return content.getvalue()


def results_of(content: bytes) -> list[tuple[str, bytes | str]]:
    """What a model that changes nothing makes of a zip; sentences as text."""
    results = batch.through(batch.unzip("a.zip", content), (8, 8, 1), lambda x: x / 255)
    return [(name, str(one) if isinstance(one, Problem) else one) for name, one in results]


GOOD = file(scene(9, 9), "PNG")


def test_a_damaged_file_in_a_zip_is_named_and_the_others_go_on():
    content = bytearray(zip_of(("bad.png", bytes(range(256)) * 40), ("good.png", GOOD)))
    content[60:80] = b"\xff" * 20  # in the deflated bytes
    results = dict(results_of(bytes(content)))
    assert "“bad.png” is damaged" in results["bad.png"] and results["good.png"][:4] == b"\x89PNG"


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_of_another_kind_is_a_sentence(how):
    ((_, problem),) = results_of(zip_of(("a.png", GOOD), how=how))
    assert "packed in a rare way" in problem


def test_a_name_that_is_no_text_is_a_sentence():
    content = zip_of(("ää.png", GOOD)).replace("ää".encode(), b"\xff\xfe\xff\xfe")
    with pytest.raises(Problem, match="damaged, encrypted, or no zip"):
        batch.unzip("a.zip", content)


def test_a_zip_bomb_takes_no_memory():
    """Files that say of themselves that they are too large."""
    content = zip_of(*[(f"{k}.png", bytes(30 * 2**20)) for k in range(7)])
    assert len(content) < 300_000
    tracemalloc.start()
    try:
        results = results_of(content)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert len(results) == 7 and all("unpacks to more than 10 MB" in p for _, p in results)


def test_files_of_a_zip_are_unpacked_one_after_another():
    content = zip_of(*[(f"{k}.png", bytes(9 * 2**20)) for k in range(9)])
    tracemalloc.start()
    try:
        assert all("not a picture" in said for _, said in results_of(content))
        assert tracemalloc.get_traced_memory()[1] < 40e6
    finally:
        tracemalloc.stop()


def test_a_zip_with_a_list_of_files_without_end_is_refused_before_it_is_read():
    content = zip_of(("a.png", GOOD))
    where = content.index(b"PK\1\2")
    with pytest.raises(Problem, match="more than 2,000 files"):
        batch.unzip("a.zip", content[:where] + content[where:-22] * 90_000 + content[-22:])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_is_given_twice_and_none_is_too_long_for_a_disk():
    files = ["a.png", "a.png", "A.jpg", "b/a.png", "x" * 264 + ".png", "ü" * 300 + "/" + "y" * 300]
    names = [name for name, _ in results_of(zip_of(*[(name, GOOD) for name in files]))]
    assert names[:4] == ["a.png", "a (2).png", "A (3).png", "b/a.png"]
    assert names[4] == "x" * 200 + ".png" and names[5] == "ü" * 100 + "/" + "y" * 200 + ".png"
    with pytest.raises(Problem, match="more than 1,000 characters"):
        batch.unzip("a.zip", zip_of(("d/" * 600 + "a.png", GOOD)))


# ---- tables ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"1,2\r" * 2_500_000, "has 2,500,000 lines"),
        (b"1," * 5_000_000, "is longer than"),
        (b'"1,2\n' * 300, "no two columns|two numbers"),
    ],
    ids=["lines", "cells", "quotes"],
)
def test_a_table_without_end_is_refused_before_it_fills_the_memory(content, sentence):
    begun = time.process_time()
    tracemalloc.start()
    try:
        with pytest.raises(Problem, match=sentence):
            points.read_csv("t.csv", content)
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()
    assert time.process_time() - begun < 5


# ---- disks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["under a file", "is a folder", "a name without end"])
def test_what_cannot_be_written_is_a_sentence_and_leaves_nothing(tmp_path, kind):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder" / "a.png").mkdir(parents=True)
    target = {
        "under a file": tmp_path / "file" / "a.png",
        "is a folder": tmp_path / "folder" / "a.png",
        "a name without end": tmp_path / ("x" * 300 + ".png"),
    }[kind]
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Problem, match="cannot be written"):
        write_beside(target, b"a picture")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_a_sentence_and_the_old_file_stays(tmp_path):
    """As a full disk: no file of this process may grow beyond 1,000 bytes."""
    pytest.importorskip("resource")
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    code = (
        "import resource, sys; from pathlib import Path; from ali_core.problem import *; from ali_core.files import write_beside\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_beside(Path(sys.argv[1]), bytes(5000))\n"
        "except Problem as problem: print(problem)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert "a.png cannot be written (File too large); make room there" in done.stdout, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"] and path.read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX")
def test_a_folder_without_permission_is_a_sentence(tmp_path):
    """As a user who may not write there: root may everywhere, so it becomes nobody first."""
    tmp_path.chmod(0o755)
    for folder in list(tmp_path.parents)[:-2]:
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o555)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    code = (
        "import os, sys; from pathlib import Path; from ali_core.problem import *; from ali_core.files import write_beside\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "try: write_beside(Path(sys.argv[1]), b'x')\n"
        "except Problem as problem: print(problem)"
    )
    words = [sys.executable, "-c", code, str(locked / "a.png")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert "cannot be written (Permission denied)" in done.stdout, done.stderr
    assert not list(locked.iterdir())


# ---- all of it, damaged in every way -------------------------------------------------------------------


def test_what_strangers_send_ends_in_a_result_or_a_sentence():
    """A short run of the command; README has the figures of a long one."""
    words = [sys.executable, "-m", "tests.hostile", "20"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, " ".join(words) + "\n" + done.stdout[-5000:] + done.stderr[-2000:]
    assert " cases, 0 failed" in done.stdout
