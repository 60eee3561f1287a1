"""python -m ali_core reconstruct CHECKPOINT IN OUT: pictures through encoder and decoder."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ali_core.data import pictures
from ali_core.files import write_beside
from ali_core.models.batch import MOST_BYTES, through, unzip
from ali_core.models.model import Model, to_bytes
from ali_core.problem import Problem


def main(argv: list[str]) -> None:
    """python -m ali_core reconstruct CHECKPOINT IN OUT."""
    words = arguments("reconstruct").parse_args(argv)
    model = Model.load(words.checkpoint)
    if model.domains:
        raise Problem(f"{model.name} is a translator; use: python -m ali_core translate …")
    # its samples show whether its pictures stand on black or on white
    border = pictures.border(to_bytes(model.sample(100, 0)))
    write_all(words, model, lambda x: model.reconstruct(x, model.likeliest(x)), border)


def arguments(verb: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python -m ali_core {verb}")
    parser.add_argument("checkpoint", help="a checkpoint folder, e.g. checkpoints/fashion-alice")
    parser.add_argument("input", type=Path, help="a picture, a folder of pictures, or a .zip")
    parser.add_argument("output", type=Path, help="a .png for a picture, else a folder")
    parser.add_argument("--beside", action="store_true", help="beside what the model sees")
    return parser


def write_all(words, model: Model, run: Callable, border: float | None) -> None:
    source, target = words.input, words.output
    if not source.exists():
        raise Problem(f"{source} does not exist; give a picture or a folder of pictures.")
    many = source.is_dir() or source.suffix.lower() == ".zip"
    if not many and target.suffix.lower() != ".png":
        raise Problem(f"{target} must end in .png: pictures are written without loss.")
    if source.is_dir():
        paths = sorted(p for p in source.rglob("*") if p.is_file())
        files = [(p.relative_to(source).as_posix(), partial(read, p)) for p in paths]
    elif many:
        files = unzip(source.name, read(source, MOST_BYTES))
    else:
        files = [(source.name, partial(read, source))]
    done = 0
    for name, result in through(files, model.shape, run, border, words.beside, model.frame):
        if isinstance(result, Problem):
            if not many:
                raise result
            print(f"skipped: {result}")
            continue
        write_beside(target / name if many else target, result)
        done += 1
    if not done:
        raise Problem(f"{source} holds no picture that can be read.")
    left = ": left what the model sees, right what it makes" if words.beside else ""
    print(f"{done} of {len(files)} written to {target}{left}.")


def read(path: Path, most: int = pictures.MAX_BYTES) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}).") from None
    if len(content) > most:
        raise Problem(f"{path} has more than {most >> 20} MB; make it smaller first.")
    return content
