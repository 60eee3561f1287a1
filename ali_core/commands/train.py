"""The train command: a run's progress bar, saved state, pictures, and at its end the checkpoint.

python -m ali_core train data=FOLDER minutes=60        chooses what fits pictures, machine and time (or hours=)
python -m ali_core train preset=fashion-ali            the same command again resumes
python -m ali_core train start=checkpoints/toons …     begins with a checkpoint's networks, and its fields
accelerate launch -m ali_core train preset=fashion-ali   several processes or machines
"""

import dataclasses
import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn
from tqdm import tqdm

from ali_core.config import PRESETS, Config, check, parse, says
from ali_core.data import datasets
from ali_core.family import members
from ali_core.files import write_beside
from ali_core.models import checkpoint
from ali_core.models.model import to_bytes
from ali_core.models.release import SAMPLES, tensors_of, write_checkpoint
from ali_core.models.sheet import grid, write_png
from ali_core.problem import Problem
from ali_core.training import budget
from ali_core.training.inputs import as_input, classes_of
from ali_core.training.loop import Progress, steps

RUNS = Path(".runs")
# what a run shares with the checkpoint that it begins with, unless it says otherwise: its networks, and what trains them
STARTS = ("member", "channels", "frame", "latent", "width", "net", "norm", "r1", "r1_every", "sines")


def main(argv: list[str]) -> None:
    """Trains from the command line: saves, draws pictures, resumes, and writes the checkpoint."""
    if not argv or {"-h", "--help"} & set(argv):
        print(_help())
        return
    since = time.monotonic()
    words, seconds = budget.asked(with_start(argv))
    try:
        config, data = budget.choose(words, seconds, RUNS, since) if seconds else (check(parse(words)), None)
    except KeyboardInterrupt:
        raise Problem("Stopped before anything was chosen.") from None
    members.member(config)
    data = data or datasets.of(config)
    _same_shape(config, data)
    folder = RUNS / config.name
    state, stop = folder / "state.safetensors", []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    clock = _Clock(folder / "seconds.json")
    begun = checkpoint.weights(config.start) if config.start else None
    loop = steps(config, data, state, begun)
    progress = next(loop)
    if progress.step > config.steps or not config.steps:
        raise Problem(f"{state} has {progress.step} steps; give more than that, steps=, to go on.")
    if progress.step == config.steps:
        if progress.main:
            _finish(config, data, progress, clock.before)
        return
    progress = next(loop)
    bar = tqdm(total=config.steps, initial=progress.step, disable=not progress.main, unit="step")
    if progress.step > 1 and progress.main:
        bar.write(f"resumed at step {progress.step - 1}")
    while progress:
        last = progress.step == config.steps or bool(stop)
        if progress.main:
            bar.update(progress.step - bar.n)
            bar.set_postfix({k: f"{v:.3f}" for k, v in progress.losses.items()}, refresh=False)
            if last or progress.step % config.save_every == 0:
                tensors, said = progress.state()
                write_beside(state, safetensors.torch.save(tensors, said))
                clock.save()
            if last or progress.step % config.picture_every == 0:
                _picture(folder / f"step-{progress.step:07}.png", config, data, progress.averaged)
        if last:
            break
        progress = next(loop)
    bar.close()
    if stop:
        print(
            f"Stopped at step {progress.step}; the same command goes on from there.",
            file=sys.stderr,
        )
    elif progress.main:
        _finish(config, data, progress, clock.seconds)


def with_start(argv: list[str]) -> list[str]:
    """The words of start=FOLDER are those of its card that shape networks, and then those that were given."""
    folder = next((word.partition("=")[2] for word in reversed(argv) if word.startswith("start=")), "")
    if not folder:
        return argv
    card = checkpoint.card(folder)
    fields, shape = card["config"], card["data"]["shape"]
    words = [f"{name}={fields[name]}" for name in STARTS if name in fields]
    words += [f"weights.{term}={weight}" for term, weight in fields.get("weights", {}).items()]
    return words + [f"size={shape[0]}"] * (len(shape) == 3) + argv


def _same_shape(config: Config, data: datasets.Data) -> None:
    """Raises Problem where the checkpoint that would be replaced is of another size: it would be lost at the end."""
    folder = Path("checkpoints") / config.name
    try:
        shape = tuple(checkpoint.card(folder)["data"]["shape"])
    except Problem:  # lost, damaged, or never written
        return
    if shape != data.shape:
        there, asked = (" x ".join(map(str, sides)) for sides in (shape, data.shape))
        raise Problem(
            f"{folder.as_posix()} is a model of {there}, and {asked} is asked for: it would be replaced. "
            "Take another name=, or move it away."
        )


def _finish(config: Config, data: datasets.Data, progress: Progress, seconds: float) -> None:
    """Writes the checkpoint, unless it is there: its card has numbers that took their time."""
    folder = Path("checkpoints") / config.name
    ours = tensors_of(data, progress)
    try:
        there = checkpoint.weights(folder)
    except Problem:  # lost, damaged, or never written
        there = {}
    whole = there.keys() == ours.keys() and all(np.array_equal(there[k], v.numpy()) for k, v in ours.items())
    if whole and (len(data.shape) == 1 or (folder / SAMPLES).exists()):
        more = "." if config.cooldown else "; more steps= goes on."
        print(f"{folder.as_posix()} is there, with all of its {config.steps} steps{more}")
        return
    write_checkpoint(folder, config, data, progress, seconds)
    name = folder.as_posix()
    print(f"Wrote {name}; next: python -m ali_core evaluate {name}")


class _Clock:
    """Wall time over all parts of a run, in seconds."""

    def __init__(self, path: Path):
        self.path, self.start = path, time.time()
        self.before = json.loads(path.read_text())["seconds"] if path.exists() else 0.0

    @property
    def seconds(self) -> float:
        return self.before + time.time() - self.start

    def save(self) -> None:
        write_beside(self.path, json.dumps({"seconds": round(self.seconds, 1)}).encode())


def _picture(path: Path, config: Config, data: datasets.Data, averaged: dict[str, nn.Module]) -> None:
    """Eight held-out pictures, their reconstructions, and eight samples; nothing for points.

    Of two domains: pictures of each, their translations, and those translated back.
    """
    if len(data.shape) == 1:
        return
    device = next(averaged["decoder"].parameters()).device
    with torch.inference_mode():
        x = as_input(torch.from_numpy(data.x_test[:8])).to(device)
        if data.prior:
            z, there, back = data.prior.x_test[:8], averaged["encoder"], averaged["decoder"]
            z = as_input(torch.from_numpy(z)).to(device)
            rows = torch.cat([x, there(x), back(there(x)), z, back(z), there(back(z))])
            write_png(path, grid(_pixels(rows), columns=8, scale=3))
            return
        conditional = members.member(config).conditional
        given = [classes_of(data, data.y_test[:8])[0].to(device)] if conditional else []
        mean = averaged["encoder"](x, *given)[:, : config.latent]
        z = torch.randn(8, config.latent, generator=torch.Generator().manual_seed(0)).to(device)
        decoded = [averaged["decoder"](codes, *given) for codes in (mean, z)]
        rows = torch.cat([x, *decoded])
    write_png(path, grid(_pixels(rows), columns=8, scale=3))


def _pixels(x: torch.Tensor) -> np.ndarray:
    return to_bytes(x.permute(0, 2, 3, 1).cpu().numpy())


def _help() -> str:
    lines = [
        __doc__,
        "usage: ali train [preset=NAME] [key=value …]     (or: python -m ali_core train …)",
        "",
        "fields (default):",
    ]
    sentences = says()
    for field in dataclasses.fields(Config):
        lines.append(f"  {field.name:18} {getattr(Config(), field.name)!r:12} {sentences[field.name]}")
    lines += ["", f"presets: {', '.join(PRESETS)}", f"members: {', '.join(members.FAMILY)}"]
    return "\n".join(lines)
