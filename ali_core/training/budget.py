"""`minutes=`: the config that the pictures, this machine and the time asked allow.

It is chosen once and kept beside the run, which is then an ordinary one: the same command goes on with what was
chosen, and no step asks what time it is.
"""

import dataclasses
import json
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ali_core.config import Config, check, complete, values
from ali_core.data import datasets
from ali_core.data.dataset import Data
from ali_core.data.reading import inside
from ali_core.family import members
from ali_core.files import write_beside
from ali_core.problem import Problem

from .loop import steps

UNITS = {"minutes": 60, "hours": 3600}  # seconds
FILE = "chosen.json"

NETS = {"member": "alice-z", "net": "patches", "norm": "batch", "r1": 1.0, "r1_every": 4}
NETS |= {"lr": 1e-3, "lr_discriminator": 2e-4, "beta2": 0.99}
WEIGHTS = {"reconstruction": 20.0, "latent_reconstruction": 0.5}  # of alice-z
SIZES = {28: 32, 32: 32, 48: 48, 64: 64}  # pixels a side: numbers in a code
WIDTH, BATCH, COOLING = 24, 64, 0.4

# So many pictures seen are worth a larger size, and so many a wider net
ENOUGH, WIDER = 60_000, {32: 250_000, 40: 500_000}
# So many pictures are the least, and of so few a model learns each by heart
FEWEST, FEW = 32, 1_000
LEAST = 20  # steps that are a run
# Left for pictures and states on the way, and for the checkpoint at the end
SHARE = 0.95

# Cartoon heads of 64 pixels with these very settings, so many pictures seen, before the rates fell
SEEN = {
    0: "shadows of the right colour, hardly outlines",
    16_000: "colours and outlines, blurred",
    64_000: "what is where, with grain; samples are recognisable, and some mix what does not go together",
    112_000: "small parts too, such as open eyes and beards, with some grain left",
}


class Rung(NamedTuple):
    """One of the choices, from the cheapest on."""

    fields: dict[str, int]
    enough: int  # pictures seen from which it is worth its time


def asked(argv: list[str]) -> tuple[list[str], float]:
    """The other words, and the seconds that minutes= or hours= ask for; 0 without either.

    Raises Problem for a time that is none, for two of them, and for steps= beside one.
    """
    times = [word for word in argv if word.partition("=")[0] in UNITS]
    words = [word for word in argv if word not in times]
    if not times:
        return words, 0.0
    if len(times) > 1:
        raise Problem(f"{' and '.join(times)}: give the time once.")
    unit, _, text = times[0].partition("=")
    try:
        seconds = float(text) * UNITS[unit]
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise Problem(f"{times[0]}: give a number of {unit} above 0, such as {unit}=2 or {unit}=0.5.")
    for word in words:
        if word.startswith("steps="):
            raise Problem(f"{times[0]} and {word}: the time decides how many steps; give one of the two.")
    return words, seconds


def named(words: list[str]) -> str:
    """The name of the run that these words, minutes= aside, ask for."""
    given = values(words)
    return complete(given if "name" in given else NETS | given).name


def choose(words: list[str], seconds: float, runs: Path, since: float) -> tuple[Config, Data | None]:
    """The config for these words and so many seconds from `since` (time.monotonic) on; chosen before, it stays.

    Writes it into the run's folder, and says it. -> config, and its data where they had to be read. Raises Problem
    where no time is left for a run, for too few pictures, and where the run's folder holds another one.
    """
    given = values(words)
    preset = any(word.startswith("preset=") for word in words)
    said, path = {"words": sorted(words), "seconds": seconds}, runs / named(words) / FILE
    if path.exists():
        return _chosen_before(path, said), None
    state = path.with_name("state.safetensors")
    if state.exists():
        raise Problem(f"{state} is of a run whose steps were given; give them again, or another name=.")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise Problem("minutes= times the steps of one process; of several, give steps=.")
    begin = time.monotonic()
    if preset:  # all but the length is given
        config, rungs = complete(given), [Rung({}, 0)]
        members.member(check(config))
        data = datasets.of(config)
        cooling = config.cooldown / max(1, config.steps)
    else:
        config, rungs, data = _open(given)
        cooling = COOLING
    reading, n = time.monotonic() - begin, len(data.x) + len(data.x_test)
    if n < FEWEST:
        raise Problem(
            f"{data.name} holds {n} pictures; {FEWEST} are the least, hundreds are few, thousands are good: add some."
        )
    if not preset and "batch" not in given:
        config = dataclasses.replace(config, batch=min(BATCH, 1 << int(math.log2(len(data.x)))))
    print(_looked(data, n), flush=True)

    def left(rung: Rung) -> float:
        again = reading if _size(rung, data) != data.shape[0] else 0.0
        return (seconds - again - (time.monotonic() - since)) * SHARE

    def timed(rung: Rung) -> tuple[float, float]:
        each = _seconds_a_step(dataclasses.replace(config, **rung.fields), _shaped(data, rung), seconds / 100)
        says = " ".join(f"{key}={value}" for key, value in rung.fields.items()) or config.name
        print(f"timed {says}: {config.batch / each:.3g} pictures a second", flush=True)
        return each, config.batch / each * left(rung)

    best, each = _climb(rungs, timed)
    count = int(left(best) / each)
    if count < LEAST:
        more = seconds + (LEAST * each - left(best)) / SHARE
        raise Problem(
            f"Reading {n:,} pictures, a look at the clock and {LEAST} steps take this machine {more:.0f} seconds; "
            f"give minutes={math.ceil(more / 6) / 10} at least."
        )
    length = {"steps": count, "cooldown": int(cooling * count)}
    length |= {"save_every": max(1, round(60 / each)), "picture_every": max(1, round(max(60, seconds / 60) / each))}
    typed = {word.partition("=")[0] for word in words}
    length = {key: value for key, value in length.items() if key not in typed}
    config = check(dataclasses.replace(config, **best.fields, **length))
    write_beside(path, json.dumps(said | {"config": dataclasses.asdict(config)}, indent=1).encode())
    print(_expected(config, data, seconds, path), flush=True)
    return config, data if _size(best, data) == data.shape[0] else None


def _open(given: dict) -> tuple[Config, list[Rung], Data]:
    """The config as far as it is given, the choices that its pictures leave, and these at the largest size."""
    config = complete(NETS | given)
    if config.member == NETS["member"]:
        config = dataclasses.replace(config, weights=WEIGHTS | config.weights)
    if config.prior:
        raise Problem("prior= makes two sets of pictures; minutes= chooses for one: give steps=, or a preset too.")
    members.member(check(config))
    folder = Path(config.data).expanduser()
    if not config.size and config.data not in datasets.DATA_SETS and datasets.of_pictures(folder):
        data, side = None, _side(folder)
    else:
        data = datasets.of(config)
        if len(data.shape) == 1:
            raise Problem(f"data={config.data} are points; minutes= is for pictures: give data=FOLDER, or steps=.")
        side = min(data.shape[:2])
    rungs = _rungs(side, given)
    size = rungs[-1].fields["size"]
    if not data or data.shape[:2] != (size, size):
        data = datasets.of(dataclasses.replace(config, size=size))
    return config, rungs, data


def _climb(rungs: list[Rung], timed: Callable[[Rung], tuple[float, float]]) -> tuple[Rung, float]:
    """The dearest rung at which enough pictures would be seen, or else the first, and its seconds a step.

    timed: seconds a step on a rung, and the pictures it would see.
    """
    best, (each, seen) = rungs[0], timed(rungs[0])
    for rung in rungs[1:]:
        if seen < best.enough:  # the next ones are dearer
            break
        seconds, seen = timed(rung)
        if seen < rung.enough:
            break
        best, each = rung, seconds
    return best, each


def _chosen_before(path: Path, said: dict) -> Config:
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        config, before = Config(**there.pop("config")), {key: there[key] for key in said}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Problem(f"{path} cannot be read ({error}); delete it to choose anew.") from None
    if before != said:
        words = " ".join([*before["words"], f"minutes={before['seconds'] / 60:g}"])
        raise Problem(
            f"{path} was chosen for “{words}”: the same words go on with that run. For another, give another name=."
        )
    return check(config)


def _rungs(top: int, given: dict) -> list[Rung]:
    """First the sizes up to `top`, then wider nets at the largest; fields that are given stay."""
    sizes = [top] if given.get("size") else [size for size in SIZES if size <= top] or [min(SIZES)]
    rungs = [Rung({"size": size, "width": WIDTH, "latent": SIZES.get(size, 64)}, ENOUGH) for size in sizes]
    if "width" not in given:
        rungs += [Rung(rungs[-1].fields | {"width": width}, enough) for width, enough in WIDER.items()]
    return [
        Rung({k: v for k, v in rung.fields.items() if k == "size" or k not in given}, rung.enough) for rung in rungs
    ]


def _side(folder: Path) -> int:
    """Pixels of the shorter side that is usual among a folder's pictures, from some of their headers."""
    paths, sides = inside(folder), []
    for path in paths[:: max(1, len(paths) // 100)]:
        try:
            with Image.open(folder / path) as picture:
                sides.append(min(picture.size))
        except Exception:  # decoders raise nearly every exception there is; the reader says who cannot be read
            continue
    return int(statistics.median(sides)) if sides else max(SIZES)


def _size(rung: Rung, data: Data) -> int:
    return rung.fields.get("size", data.shape[0])


def _shaped(data: Data, rung: Rung) -> Data:
    """The data, or something of the rung's size: the clock asks for no more."""
    size, channels = _size(rung, data), data.shape[-1]
    if size == data.shape[0]:
        return data
    n = min(len(data.x), 4096)
    return dataclasses.replace(data, x=np.resize(data.x[:256], (n, size, size, channels)), y=data.y[:n])


def _seconds_a_step(config: Config, data: Data, least: float) -> float:
    """Seconds a step, R1's share in it, over `least` seconds or more; a first step is not counted."""
    loop = steps(dataclasses.replace(config, steps=1 << 40, cooldown=0), data)
    next(loop), next(loop)
    done, begin, now = 0, time.monotonic(), 0.0
    while not done or now - begin < least:
        for _ in range(config.r1_every):
            next(loop)
        done, now = done + config.r1_every, time.monotonic()
    loop.close()
    return (now - begin) / done


def _looked(data: Data, n: int) -> str:
    colour = "grey" if data.shape[-1] == 1 else "colour"
    few = f" So few it learns by heart: {FEW:,} and more are better." if n < FEW else ""
    return f"{data.name}: {n:,} pictures, {colour}, {len(data.x_test):,} of them held out.{few}"


def _expected(config: Config, data: Data, seconds: float, path: Path) -> str:
    seen = config.steps * config.batch
    nets = f"size={config.size} net={config.net} width={config.width} latent={config.latent}"
    heads = next(says for least, says in reversed(SEEN.items()) if seen >= least)
    return (
        f"chosen member={config.member} {nets} batch={config.batch} steps={config.steps} ({path.as_posix()} has all)\n"
        f"It takes about {seconds / 60:.3g} minutes in all while the machine is as busy as now, and sees {seen:,} "
        f"pictures, each of yours {seen / len(data.x):.3g} times.\n"
        f"Expect what cartoon heads of 64 pixels had after as many: {heads}. Photographs take longer. Pictures of "
        f"how far it is: {path.parent.as_posix()}/."
    )
