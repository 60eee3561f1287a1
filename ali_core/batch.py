"""Many pictures through a model: files, folders and zips in, PNGs out, the bad ones named.

python -m ali_core reconstruct checkpoints/NAME IN OUT           a picture, or a folder or zip of them
python -m ali_core translate checkpoints/NAME IN OUT [--back]    into the other domain, or back
"""

import argparse
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from . import checkpoint, pictures
from .model import Model, to_bytes
from .problem import Problem, write_beside
from .sheet import grid, png

MOST, MOST_BYTES = 2_000, 500 * 2**20  # files of a zip, and what they may unpack to

Files = list[tuple[str, bytes]]


def unzip(name: str, content: bytes) -> Files:
    """The files of a zip, by name, nothing written.

    Raises Problem for what is no zip, holds no file, is damaged or encrypted, names a file outside
    of its own folder, or unpacks to more than MOST files or MOST_BYTES.
    """
    who = f"“{pictures.shown(name)}”"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            entries = [entry for entry in file.infolist() if not entry.is_dir()]
            if any(_leaves(entry.filename) for entry in entries):
                raise Problem(f"{who} holds a path that leaves its folder: do not trust it.")
            if len(entries) > MOST or sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise Problem(
                    f"{who} unpacks to more than {MOST:,} files or {MOST_BYTES >> 20} MB; send it "
                    "in parts."
                )
            # a header may lie about the size, so no more is read than it promised
            found = [(entry.filename, _promised(file, entry)) for entry in entries]
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
        raise Problem(
            f"{who} is damaged, encrypted, or no zip ({error}); pack the pictures again."
        ) from None
    if not found:
        raise Problem(f"{who} holds no file; put pictures into it.")
    return found


def _leaves(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name


def _promised(file: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with file.open(entry) as stream:
        return stream.read(entry.file_size)


def through(
    files: Files,
    shape: tuple[int, ...],
    run: Callable[[np.ndarray], np.ndarray],
    border: float | None = None,
) -> Iterator[tuple[str, bytes | Problem]]:
    """Every file as the model sees it and what `run` makes of it, side by side: (name, PNG or why not).

    run: uint8 (1,h,w,c) -> (1,h,w,c). A name keeps its ending, so that a.jpg and a.png stay two.
    """
    for name, content in files:
        try:
            seen = pictures.see(pictures.read(name, content), shape, border=border).array[None]
        except Problem as problem:
            yield name, problem
            continue
        pair = np.concatenate([seen, to_bytes(run(seen))])
        yield f"{name}.png", png(grid(pair, columns=2))


def zipped(made: Files) -> bytes:
    """Files as a zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:  # PNGs do not get smaller
        for name, data in made:
            file.writestr(name, data)
    return content.getvalue()


def translators(root: str | Path = "checkpoints") -> list[str]:
    """Names of the checkpoints under `root` that can translate."""
    found = []
    for name in checkpoint.names(root):
        try:
            found += [name] * ("domains" in checkpoint.card(Path(root) / name)["data"])
        except Problem:
            continue
    return found


# ---- the commands --------------------------------------------------------------------------------


def reconstruct_command(argv: list[str]) -> None:
    """python -m ali_core reconstruct CHECKPOINT IN OUT."""
    words = _parser("reconstruct").parse_args(argv)
    model = Model.load(words.checkpoint)
    if model.domains:
        raise Problem(f"{model.name} is a translator; use: python -m ali_core translate …")
    # its own samples tell whether its pictures stand on black or on white
    border = pictures.border(to_bytes(model.sample(100, 0)))
    _write(words, model, lambda x: model.reconstruct(x, model.likeliest(x)), border)


def translate_command(argv: list[str]) -> None:
    """python -m ali_core translate CHECKPOINT IN OUT [--back]."""
    parser = _parser("translate")
    parser.add_argument("--back", action="store_true", help="from the second domain to the first")
    words = parser.parse_args(argv)
    model = Model.load(words.checkpoint)
    if not model.domains:
        can = ", ".join(translators(Path(words.checkpoint).parent)) or "none here can"
        raise Problem(f"{model.name} knows one kind of picture and cannot translate; {can}.")
    border = model.card.get("gallery", {}).get("border", (None, None))[words.back]
    _write(words, model, lambda x: model.translate(x, words.back), border)


def _parser(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m ali_core {verb}")
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument("input", type=Path, help="a picture, a folder of pictures, or a .zip")
    parser.add_argument("output", type=Path, help="a .png for a picture, else a folder")
    return parser


def _write(words, model: Model, run: Callable, border: float | None) -> None:
    source, target = words.input, words.output
    if not source.exists():
        raise Problem(f"{source} does not exist; give a picture or a folder of pictures.")
    many = source.is_dir() or source.suffix.lower() == ".zip"
    if not many and target.suffix.lower() != ".png":
        raise Problem(f"{target} must end in .png: pictures are written without loss.")
    if source.is_dir():
        paths = sorted(p for p in source.rglob("*") if p.is_file())
        files = [(p.relative_to(source).as_posix(), p.read_bytes()) for p in paths]
    elif many:
        files = unzip(source.name, source.read_bytes())
    else:
        files = [(source.name, source.read_bytes())]
    done = 0
    for name, made in through(files, model.shape, run, border):
        if isinstance(made, Problem):
            if not many:
                raise made
            print(f"skipped: {made}")
            continue
        write_beside(target / name if many else target, made)
        done += 1
    if not done:
        raise Problem(f"{source} holds no picture that can be read.")
    print(
        f"{done} of {len(files)} written to {target}: left what the model sees, right what it makes."
    )
