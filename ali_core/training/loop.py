"""The one training loop, a generator: the command line, the lab and the tests pull from it.

commands/train.py is the command around it. A step, its state and what it begins with belong together: hence its
length.
"""

import copy
import dataclasses
import json
import math
from collections.abc import Callable, Collection, Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import accelerate
import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import nn

from ali_core.config import KEEPING, Config, check
from ali_core.data import datasets
from ali_core.family import members, objectives
from ali_core.files import not_newer
from ali_core.nets import paper
from ali_core.problem import Problem

from .inputs import Inputs, as_input, draw

SCHEMA = 1  # of the states that are written here; a state without a number has 1

# A discriminator has won when its loss in the matches, averaged over some 500 steps, falls below this share of
# 2 ln K, the loss of guessing (0.35 for two tuples): it is then right about 9 pairs of 10 and sure
# of it. Runs that collapse to a few pictures go there; those that shipped stay near 1.2.
WON = 0.25


class Progress(NamedTuple):
    """What the loop yields after each step."""

    step: int  # steps done
    losses: dict[str, float]  # per player, then per term
    nets: dict[str, nn.Module]  # as they are
    averaged: dict[str, nn.Module]  # encoder and decoder, averaged (EMA)
    state: Callable[[], tuple[dict[str, torch.Tensor], dict[str, str]]]  # for resuming
    main: bool  # whether this process is the one that writes


# Who steps when nobody says otherwise
EVERYONE = ("discriminator", "generator", "multipliers")


def train(
    config: Config, data: datasets.Data, state: Path | None = None, begun: dict[str, np.ndarray] | None = None
) -> Iterator[Progress]:
    """Trains `config` on `data`, yielding a Progress after every step; see `steps`."""
    loop = steps(config, data, state, begun)
    next(loop)
    yield from loop


def steps(
    config: Config,
    data: datasets.Data,
    state: Path | None = None,
    begun: dict[str, np.ndarray] | None = None,
    drawn: Callable = draw,
) -> Generator[Progress, Collection[str] | None, None]:
    """Yields a Progress before the first step and after every one; starts from `state` when it exists.

    begun: the tensors of the checkpoint config.start, as checkpoint.weights reads them; without a state, the
    networks begin with them, and those that it lacks (a translator keeps no discriminator) begin as always.

    `send` names the players who take the next step (of EVERYONE; `next`: all of them). drawn: see Inputs.
    Everything drawn derives from (seed, step) for the whole batch and is then cut by process, so
    that resuming is exact and N processes are one. A step is Algorithm 1 of the ALI paper: one
    forward, both players' gradients at the same parameters, then both step.

    Raises Problem before the first step when config and data or state do not fit, and during
    training when a loss is not finite or the discriminator has won.
    """
    row = members.member(check(config))
    inputs = Inputs(config, row, data, drawn)
    # The app and the tests run several configs in one process: float32 there, always.
    accelerator = accelerate.Accelerator(mixed_precision=precision(config), cpu=not torch.cuda.is_available())
    world, rank = accelerator.num_processes, accelerator.process_index
    if config.batch % world:
        raise Problem(f"batch={config.batch} cannot be shared by {world} processes; take a multiple.")

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        prior = data.prior.shape if data.prior else ()
        nets = objectives.prepare(row, data.shape, config, inputs.n_classes, prior)
    if config.net in paper.NETS:
        paper.set_output_bias(nets["decoder"], as_input(inputs.x[: paper.LOG_ODDS_EXAMPLES]))
    if begun:
        _begin(config, nets, begun)
    for net in nets.values():
        net.to(accelerator.device, memory_format=torch.channels_last)
    averaged = {k: copy.deepcopy(nets[k]).eval().requires_grad_(False) for k in ("encoder", "decoder")}
    players = {"discriminator": [], "generator": [], "multipliers": []}
    for name, net in nets.items():
        players[player(name)] += net.parameters()
    rate = rates(config)
    adam = {"betas": (config.beta1, config.beta2), "weight_decay": config.l2}
    # fused: one pass over the weights; a twentieth of a step on pictures, a quarter on wide perceptrons
    optimizers = {
        who: torch.optim.Adam(parameters, rate[who], **adam, fused=True)
        for who, parameters in players.items()
        if parameters
    }

    start, average, shown = 0, math.nan, {}
    if state:
        start, average, shown = resume(config, data, nets, averaged, optimizers, state)
    run = {k: torch.compile(net) if config.compile else net for k, net in nets.items()}
    run = {k: accelerator.prepare(net) for k, net in run.items()}
    run |= inputs.given(accelerator.device)
    guess = guessing(row)
    advice = "The last saved state is kept; try" if state else "Try"

    def progress(step: int, losses: dict[str, float]) -> Progress:
        def state_now(average=average):
            return _state(config, data, nets, averaged, optimizers, step, average, losses)

        return Progress(step, losses, nets, averaged, state_now, accelerator.is_main_process)

    turn = yield progress(start, shown)
    for step in range(start, config.steps):
        samples = inputs.samples(run, step, world, rank, accelerator.device)
        with torch.random.fork_rng():  # for dropout and the toy encoder's noise: not draw's numbers again
            torch.manual_seed(config.seed * 1_000_003 + step + 2**31)
            r1 = config.r1 * config.r1_every if step % config.r1_every == 0 else 0.0
            losses, shown = objectives.losses(row, samples, r1)
        for i, (who, loss) in enumerate(losses.items()):
            optimizers[who].zero_grad()
            more = i + 1 < len(losses)
            accelerator.backward(loss, inputs=players[who], retain_graph=more)
        # together: a GPU is waited for once
        numbers = torch.stack([v.detach().float().reshape(()) for v in (losses | shown).values()])
        shown = dict(zip(losses | shown, numbers.tolist(), strict=True))
        if not all(map(math.isfinite, shown.values())):
            values = ", ".join(f"{k} {v:.4g}" for k, v in shown.items())
            raise Problem(f"Step {step + 1}: a loss is not finite ({values}). {advice} a smaller lr, or precision=no.")
        for who, optimizer in optimizers.items():
            if who not in (turn or EVERYONE):
                continue
            for group in optimizer.param_groups:
                group["lr"] = rate[who] * _cooling(config, step)
            optimizer.step()
        if "generator" in (turn or EVERYONE):
            _average(averaged, nets, min(config.ema, (1 + step) / (10 + step)))
        if guess:
            value = torch.tensor(matched(row, shown, r1), device=accelerator.device)
            value = accelerator.reduce(value, "mean").item()
            average = value if math.isnan(average) else average + (value - average) / 500
            if average < WON * guess:
                raise Problem(
                    f"Step {step + 1}: the discriminator has won (its loss in the match averages {average:.3f}, "
                    f"guessing is {guess:.3f}): encoder and decoder no longer learn. "
                    f"{advice} a smaller lr_discriminator, or another seed."
                )
        turn = yield progress(step + 1, shown)


def rates(config: Config) -> dict[str, float]:
    """Adam's learning rate of every player."""
    return {
        "discriminator": config.lr_discriminator,
        "generator": config.lr,
        "multipliers": config.lr_multipliers,
    }


def _begin(config: Config, nets: dict[str, nn.Module], begun: dict[str, np.ndarray]) -> None:
    """Puts a checkpoint's tensors into the networks; raises Problem where they are of another kind."""
    for name, net in nets.items():
        there = {k.removeprefix(f"{name}."): v for k, v in begun.items() if k.startswith(f"{name}.")}
        if not there and name not in ("encoder", "decoder"):
            continue
        wanted = {k: tuple(v.shape) for k, v in net.state_dict().items()}
        if wanted != (shapes := {k: v.shape for k, v in there.items()}):
            at = next(k for k in sorted(wanted.keys() | shapes.keys()) if wanted.get(k) != shapes.get(k))
            raise Problem(
                f"start={config.start} has another {name} than this run ({at}: {shapes.get(at)} there, "
                f"{wanted.get(at)} here); give the fields of its card: net, width, latent, norm, size, channels, member."
            )
        net.load_state_dict({k: torch.from_numpy(v) for k, v in there.items()})


def precision(config: Config) -> str:
    """What is computed in: `config.precision`, but float32 ("no") on a CPU that could only imitate bf16.

    Imitated, a step takes eight times as long.
    """
    mkldnn = torch.backends.mkldnn.is_available()
    on_cpu = mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return config.precision if torch.cuda.is_available() or on_cpu else "no"


def guessing(row: objectives.Member) -> float:
    """The discriminators' loss when they guess: 2 ln K per match, 0 without one."""
    return sum(2 * math.log(len(m.tuples)) for m in row.matches)


def matched(row: objectives.Member, shown: dict[str, float], r1: float, prices: dict | None = None) -> float:
    """The discriminators' loss in their matches alone: without R1, and without terms such as labels.

    Of tensors a tensor; prices: see objectives.losses.
    """
    prices = prices or {}
    found = shown["discriminator"] - r1 * sum(shown.get(f"steepness {i}", 0.0) for i in range(len(row.matches)))
    for name, term in row.terms.items():
        if term.player == "discriminator" and term.weight:
            found = found - shown.get(f"multiplier of {name}", prices.get(name, term.weight)) * shown[name]
    return found


def player(net: str) -> str:
    """Who trains a network: "discriminator", "multipliers", or "generator" (encoder and decoder)."""
    kind = net.rstrip("0123456789")
    return kind if kind in ("discriminator", "multipliers") else "generator"


def resume(
    config: Config,
    data: datasets.Data,
    nets: dict[str, nn.Module],
    averaged: dict[str, nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    path: Path,
) -> tuple[int, float, dict[str, float]]:
    """Loads a saved state into everything when there is one. -> steps, average of D in its matches, losses

    Raises Problem when the state is of another config, naming the fields, of another data set, or cannot
    be read.
    """
    if not path.exists():
        return 0, math.nan, {}
    try:
        with safetensors.safe_open(path, "pt") as file:
            said = file.metadata()
            not_newer(int(said.get("schema", 1)), SCHEMA, path)
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        old, step = json.loads(said["config"]), int(said["step"])
        losses = json.loads(said.get("losses", "{}"))
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise Problem(f"{path} cannot be read ({error}); delete it to start again.") from None
    new = dataclasses.asdict(config)
    old = dataclasses.asdict(Config()) | old  # a field that came later was at its default
    differ = [k for k in new if old.get(k) != new[k] and k not in KEEPING]
    # Other steps or another cooldown move only the cooldown's begin: harmless before it has come.
    if step > min(each["steps"] - each["cooldown"] for each in (old, new)):
        differ += [k for k in ("steps", "cooldown") if old[k] != new[k]]
    if differ:
        said = ", ".join(f"{k}: was {old.get(k)!r}, is {new[k]!r}" for k in differ)
        raise Problem(
            f"{path} was trained with another config ({said}). Take the old values, another name=, or delete the file."
        )
    if not data.learned(said.get("fingerprint")):
        raise Problem(
            f"{path} was trained on other pictures than {data.name} now holds, or on another part of them: "
            "what is held out may have been learned. Put back what was there, take another name=, or delete "
            "the file."
        )
    for prefix, group in (("nets", nets), ("averaged", averaged)):
        for name, net in group.items():
            start = f"{prefix}/{name}/"
            net.load_state_dict({k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)})
    for player, optimizer in optimizers.items():
        described = optimizer.state_dict()
        for key, value in tensors.items():
            if key.startswith(f"adam/{player}/"):
                _, _, number, slot = key.split("/")
                described["state"].setdefault(int(number), {})[slot] = value
        optimizer.load_state_dict(described)
        # fused Adam goes through weight and averages as they lie in memory
        for weight, slots in optimizer.state.items():
            for slot in ("exp_avg", "exp_avg_sq"):
                slots[slot] = torch.empty_like(weight).copy_(slots[slot])
    return step, float(said["average"]), losses


def _state(config, data, nets, averaged, optimizers, step, average, losses):
    tensors = {}
    for prefix, group in (("nets", nets), ("averaged", averaged)):
        for name, net in group.items():
            tensors |= {f"{prefix}/{name}/{k}": v for k, v in net.state_dict().items()}
    for player, optimizer in optimizers.items():
        for number, slots in optimizer.state_dict()["state"].items():
            tensors |= {f"adam/{player}/{number}/{k}": v for k, v in slots.items()}
    tensors = {k: v.detach().clone(memory_format=torch.contiguous_format) for k, v in tensors.items()}
    said = {
        "schema": str(SCHEMA),
        "config": json.dumps(dataclasses.asdict(config)),
        "step": str(step),
        "average": repr(average),
        "fingerprint": data.fingerprint,
        "losses": json.dumps(losses),
    }
    return tensors, said


def _cooling(config: Config, step: int) -> float:
    return min(1.0, (config.steps - step) / config.cooldown) if config.cooldown else 1.0


@torch.no_grad()
def _average(averaged: dict[str, nn.Module], nets: dict[str, nn.Module], decay: float) -> None:
    for name, net in averaged.items():
        # batch norm's running statistics are averaged too: those of the averaged weights are near
        pairs = zip(net.state_dict().values(), nets[name].state_dict().values(), strict=True)
        ours, theirs = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
        torch._foreach_lerp_(ours, theirs, 1 - decay)
