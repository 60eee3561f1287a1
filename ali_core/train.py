"""The one training loop, a generator: the command line, the lab and the tests pull from it.

python -m ali_core train preset=fashion-ali            the same command again resumes
accelerate launch -m ali_core train preset=fashion-ali   several processes or machines
"""

import copy
import dataclasses
import json
import math
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import accelerate
import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn
from tqdm import tqdm

from . import checkpoint, networks, objectives
from . import data as datasets
from .config import KEEPING, PRESETS, Config, check, parse
from .model import Model, to_bytes
from .problem import Problem, write_beside
from .samples import Samples
from .sheet import grid, write_png

RUNS = Path(".runs")
# A discriminator has won when its loss, averaged over some 500 steps, falls below this share of
# 2 ln K, the loss of guessing (0.35 for two tuples): it is then right about 9 pairs of 10 and sure
# of it. Runs that got there had collapsed to a few pictures; healthy ones stay above twice that.
WON = 0.25


class Progress(NamedTuple):
    """What the loop yields after each step."""

    step: int  # steps done
    losses: dict[str, float]  # per player, then per term
    nets: dict[str, nn.Module]  # as they are
    averaged: dict[str, nn.Module]  # encoder and decoder, averaged (EMA)
    state: Callable[[], tuple[dict[str, torch.Tensor], dict[str, str]]]  # for resuming
    main: bool  # whether this process is the one that writes


def train(config: Config, data: datasets.Data, state: Path | None = None) -> Iterator[Progress]:
    """Trains `config` on `data`, yielding a Progress per step; starts from `state` when it exists.

    Everything drawn derives from (seed, step) for the whole batch and is then cut by process, so
    that resuming is exact and N processes are one. A step is Algorithm 1 of the ALI paper: one
    forward, both players' gradients at the same parameters, then both step.

    Raises Problem before the first step when config and data or state do not fit, and during
    training when a loss is not finite or the discriminator has won.
    """
    row = objectives.member(check(config))
    # The app and the tests run several configs in one process: float32 there, always.
    accelerator = accelerate.Accelerator(
        mixed_precision=config.precision, cpu=not torch.cuda.is_available()
    )
    world, rank = accelerator.num_processes, accelerator.process_index
    if config.batch % world:
        raise Problem(
            f"batch={config.batch} cannot be shared by {world} processes; take a multiple."
        )

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        nets = networks.build(data.shape, config.latent, config.width, row.stochastic, row.matches)
    for net in nets.values():
        net.to(accelerator.device, memory_format=torch.channels_last)
    averaged = {k: copy.deepcopy(nets[k]).requires_grad_(False) for k in ("encoder", "decoder")}
    players = {"discriminator": [], "generator": []}
    for name, net in nets.items():
        players["discriminator" if name.startswith("discriminator") else "generator"] += (
            net.parameters()
        )
    rates = {"discriminator": config.lr_discriminator, "generator": config.lr}
    optimizers = {
        player: torch.optim.Adam(parameters, rates[player], betas=(config.beta1, config.beta2))
        for player, parameters in players.items()
        if parameters
    }

    start, average = resume(config, nets, averaged, optimizers, state) if state else (0, math.nan)
    run = {k: torch.compile(net) if config.compile else net for k, net in nets.items()}
    run = {k: accelerator.prepare(net) for k, net in run.items()}
    guess = sum(2 * math.log(len(tuples)) for tuples in row.matches)
    x_train = torch.from_numpy(data.x)

    for step in range(start, config.steps):
        drawn = draw(config, len(x_train), step)
        index, z, noise = (part.chunk(world)[rank] for part in drawn)
        x = as_input(x_train[index]).to(accelerator.device, memory_format=_layout(data.shape))
        samples = Samples(run, x, z.to(x.device), noise.to(x.device), config.sd)
        losses, shown = objectives.losses(row, samples)
        for i, (player, loss) in enumerate(losses.items()):
            optimizers[player].zero_grad()
            more = i + 1 < len(losses)
            accelerator.backward(loss, inputs=players[player], retain_graph=more)
        shown = {k: v.item() for k, v in (losses | shown).items()}
        if not all(map(math.isfinite, shown.values())):
            values = ", ".join(f"{k} {v:.4g}" for k, v in shown.items())
            raise Problem(
                f"Step {step + 1}: a loss is not finite ({values}). The last saved state is kept; "
                "try a smaller lr, or precision=no."
            )
        for player, optimizer in optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[player] * _cooling(config, step)
            optimizer.step()
        _average(averaged, nets, min(config.ema, (1 + step) / (10 + step)))
        if guess:
            value = accelerator.reduce(losses["discriminator"].detach(), "mean").item()
            average = value if math.isnan(average) else average + (value - average) / 500
            if average < WON * guess:
                raise Problem(
                    f"Step {step + 1}: the discriminator has won (its loss averages {average:.3f}, "
                    f"guessing is {guess:.3f}): encoder and decoder no longer learn. The last saved "
                    "state is kept; try a smaller lr_discriminator, or another seed."
                )

        def state_now(step=step, average=average):
            return _state(config, nets, averaged, optimizers, step + 1, average)

        yield Progress(step + 1, shown, nets, averaged, state_now, accelerator.is_main_process)


def draw(config: Config, n: int, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Step `step`'s picture numbers, prior draws z and posterior noise, from (seed, step) alone."""
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    index = torch.randint(n, (config.batch,), generator=generator)
    z = torch.randn(2, config.batch, config.latent, generator=generator)
    return index, z[0], z[1]


def as_input(x: torch.Tensor) -> torch.Tensor:
    """uint8 pictures (n, h, w, c) as float (n, c, h, w) in [0, 1]; points as they are."""
    return x.permute(0, 3, 1, 2).float() / 255 if x.dtype == torch.uint8 else x


def resume(
    config: Config,
    nets: dict[str, nn.Module],
    averaged: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    path: Path,
) -> tuple[int, float]:
    """Loads a saved state into everything when there is one. -> steps done, discriminator's average

    Raises Problem when the state is of another config, naming the fields, or cannot be read.
    """
    if not path.exists():
        return 0, math.nan
    try:
        with safetensors.safe_open(path, "pt") as file:
            said = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        old, step = json.loads(said["config"]), int(said["step"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise Problem(f"{path} cannot be read ({error}); delete it to start again.") from None
    new = dataclasses.asdict(config)
    differ = [k for k in new if old.get(k) != new[k] and k not in KEEPING]
    # More or fewer steps only move the cooldown: harmless before it has begun.
    if old["steps"] != new["steps"] and config.cooldown > min(old["steps"], new["steps"]) - step:
        differ.append("steps")
    if differ:
        said = ", ".join(f"{k}: was {old.get(k)!r}, is {new[k]!r}" for k in differ)
        raise Problem(
            f"{path} was trained with another config ({said}). Take the old values, another name=, "
            "or delete the file."
        )
    for prefix, group in (("nets", nets), ("averaged", averaged)):
        for name, net in group.items():
            start = f"{prefix}/{name}/"
            net.load_state_dict(
                {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
            )
    for player, optimizer in optimizers.items():
        described = optimizer.state_dict()
        for key, value in tensors.items():
            if key.startswith(f"adam/{player}/"):
                _, _, number, slot = key.split("/")
                described["state"].setdefault(int(number), {})[slot] = value
        optimizer.load_state_dict(described)
    return step, float(said["average"])


def _state(config, nets, averaged, optimizers, step, average):
    tensors = {}
    for prefix, group in (("nets", nets), ("averaged", averaged)):
        for name, net in group.items():
            tensors |= {f"{prefix}/{name}/{k}": v for k, v in net.state_dict().items()}
    for player, optimizer in optimizers.items():
        for number, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"adam/{player}/{number}/{k}": v for k, v in slots.items()}
    tensors = {
        k: v.detach().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()
    }
    said = {
        "config": json.dumps(dataclasses.asdict(config)),
        "step": str(step),
        "average": repr(average),
    }
    return tensors, said


def _layout(shape: tuple[int, ...]) -> torch.memory_format:
    return torch.channels_last if len(shape) == 3 else torch.preserve_format


def _cooling(config: Config, step: int) -> float:
    return min(1.0, (config.steps - step) / config.cooldown) if config.cooldown else 1.0


@torch.no_grad()
def _average(averaged: dict[str, nn.Module], nets: dict[str, nn.Module], decay: float) -> None:
    for name, net in averaged.items():
        ours, theirs = list(net.parameters()), list(nets[name].parameters())
        torch._foreach_lerp_(ours, theirs, 1 - decay)


# ---- the command -------------------------------------------------------------------------------


def main(argv: list[str]) -> None:
    """Trains from the command line: saves, draws pictures, resumes, and writes the checkpoint."""
    if not argv or {"-h", "--help"} & set(argv):
        print(_help())
        return
    config = check(parse(argv))
    objectives.member(config)
    data = datasets.load(config.data, config.size, config.channels)
    folder = RUNS / config.name
    state, stop = folder / "state.safetensors", []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    clock = _Clock(folder / "seconds.json")
    steps = train(config, data, state)
    progress = next(steps, None)
    if progress is None:
        raise Problem(f"{state} has all of its {config.steps} steps; give more steps= to go on.")
    bar = tqdm(total=config.steps, initial=progress.step, disable=not progress.main, unit="step")
    if progress.step > 1 and progress.main:
        bar.write(f"resumed at step {progress.step - 1}")
    while progress:
        last = progress.step == config.steps or bool(stop)
        if progress.main:
            bar.update(progress.step - bar.n)
            bar.set_postfix({k[:6]: f"{v:.3f}" for k, v in progress.losses.items()}, refresh=False)
            if last or progress.step % config.save_every == 0:
                tensors, said = progress.state()
                write_beside(state, safetensors.torch.save(tensors, said))
                clock.save()
            if last or progress.step % config.picture_every == 0:
                _picture(folder / f"step-{progress.step:07}.png", config, data, progress.averaged)
        if last:
            break
        progress = next(steps, None)
    bar.close()
    if stop:
        print(
            f"Stopped at step {progress.step}; the same command goes on from there.",
            file=sys.stderr,
        )
    elif progress.main:
        write_checkpoint(Path("checkpoints") / config.name, config, data, progress, clock.seconds)
        print(
            f"Wrote checkpoints/{config.name}; next: python -m ali_core evaluate checkpoints/{config.name}"
        )


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


def _picture(
    path: Path, config: Config, data: datasets.Data, averaged: dict[str, nn.Module]
) -> None:
    """Eight held-out pictures, their reconstructions, and eight samples; nothing for points."""
    if len(data.shape) == 1:
        return
    device = next(averaged["decoder"].parameters()).device
    with torch.inference_mode():
        x = as_input(torch.from_numpy(data.x_test[:8])).to(device)
        mean = averaged["encoder"](x)[:, : config.latent]
        z = torch.randn(8, config.latent, generator=torch.Generator().manual_seed(0)).to(device)
        rows = torch.cat([x, averaged["decoder"](mean), averaged["decoder"](z)])
    pixels = (rows.permute(0, 2, 3, 1).cpu().numpy() * 255).round().astype(np.uint8)
    write_png(path, grid(pixels, columns=8, scale=3))


def write_checkpoint(
    folder: Path, config: Config, data: datasets.Data, progress: Progress, seconds: float
) -> None:
    """Writes weights, card and six samples: E and G averaged, discriminators as they stand."""
    row = objectives.member(config)
    nets = progress.nets | progress.averaged
    tensors = {
        f"{name}.{k}": v.detach().cpu().contiguous()
        for name, net in nets.items()
        for k, v in net.state_dict().items()
    }
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    pictures = "points" if len(data.shape) == 1 else "pictures"
    card = {
        "name": config.name,
        "config": dataclasses.asdict(config),
        "member": {"name": config.member, "formula": row.formula, "says": row.says},
        "data": {
            "name": data.name,
            "source": data.source,
            "licence": data.licence,
            "train": len(data.x),
            "held_out": len(data.x_test),
            "shape": list(data.shape),
            "label_names": list(data.label_names),
        },
        "training": {
            "seed": config.seed,
            "steps": progress.step,
            "samples_seen": progress.step * config.batch,
            "seconds": round(seconds),
            "hardware": _hardware(),
            "losses": {k: round(v, 4) for k, v in progress.losses.items()},
        },
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "accelerate": accelerate.__version__,
        },
        "limits": [
            f"This model has seen {len(data.x):,} {pictures} of {data.name} and nothing else: whatever "
            "it is shown, it answers with one of those.",
            "Its samples and reconstructions are guesses of a small network; they prove nothing about "
            "the world.",
        ],
        "licence": "MIT (weights)",
    }
    checkpoint.save(folder, safetensors.torch.save(tensors), shapes, card)
    if len(data.shape) == 3:
        model = Model.load(folder)
        samples = to_bytes(np.concatenate([model.sample(1, seed) for seed in range(6)]))
        write_png(folder / "samples.png", grid(samples, columns=6))


def _hardware() -> str:
    if torch.cuda.is_available():
        return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
    return (
        f"CPU, {torch.get_num_threads()} of {os.cpu_count()} cores ({platform.machine()}), no GPU"
    )


def _help() -> str:
    lines = [
        __doc__,
        "usage: python -m ali_core train [preset=NAME] [key=value …]",
        "",
        "fields (default):",
    ]
    lines += [f"  {f.name:18} {getattr(Config(), f.name)!r}" for f in dataclasses.fields(Config)]
    lines += ["", f"presets: {', '.join(PRESETS)}", f"members: {', '.join(objectives.FAMILY)}"]
    return "\n".join(lines)
