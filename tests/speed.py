"""Training's speed: every shipped checkpoint's step as it was trained.   python -m tests.benchmarks step

Against the plain alternating loop of the same nets, against a wide 3x3 convolution's forward and backward, and net=patches
against net=small. The pictures are noise. All take turns in one process, so that other work on the machine meets them alike:
ratios are medians over turns.
"""

import dataclasses
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ali_core.config import Config
from ali_core.data.dataset import Data
from ali_core.family import members, objectives
from ali_core.models import checkpoint
from ali_core.training import budget
from ali_core.training.inputs import Inputs
from ali_core.training.loop import player, steps

SECONDS, FEWEST = 8.0, 3  # turns go on so long, up to three times as long for so many, and there is one at least
CONVOLUTION = (64, 128, 16)  # batch, channels, pixels a side
CPU = torch.device("cpu")


def noise(shape: tuple[int, ...], about: dict) -> Data:
    """As many factors and domains as a card's data have, and pictures of noise."""
    rng, n = np.random.default_rng(0), 512

    def pictures() -> np.ndarray:
        return rng.integers(0, 256, (n, *shape), np.uint8)

    factors, names = about.get("factors", {}), about.get("label_names", [])
    sizes = [len(classes) for classes in factors.values()] or [max(1, len(names))]
    y = rng.integers(0, sizes, (n, len(sizes)))
    labels = {"y": y, "y_test": y} if factors else {"y": y[:, 0], "y_test": y[:, 0]}
    rest = {"label_names": names, "licence": "none", "source": "noise", "factors": factors}
    data = Data("noise", x=pictures(), x_test=pictures(), **labels, **rest)
    if "prior" not in about:
        return data
    return dataclasses.replace(data, prior=dataclasses.replace(data, x=pictures()), partners=pictures())


class Plain:
    """As most ports write a step: D's on a forward of its own, with R1, then E's and G's on another one."""

    def __init__(self, config: Config, data: Data):
        self.config, self.row = config, members.member(config)
        self.inputs = Inputs(config, self.row, data)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            prior = data.prior.shape if data.prior else ()
            self.nets = objectives.prepare(self.row, data.shape, config, self.inputs.n_classes, prior)
        players = {"discriminator": [], "generator": []}
        for name, net in self.nets.items():
            players[player(name)] += net.to(memory_format=torch.channels_last).parameters()
        rates = {"discriminator": config.lr_discriminator, "generator": config.lr}
        adam = {"betas": (config.beta1, config.beta2), "weight_decay": config.l2, "fused": True}
        self.optimizers = {k: torch.optim.Adam(p, rates[k], **adam) for k, p in players.items() if p}
        self.steps = 0

    def step(self) -> None:
        """One, of both players."""
        number, every = self.steps, self.config.r1_every
        price = self.config.r1 * every if number % every == 0 else 0.0
        if self.row.matches:
            with torch.no_grad():
                samples = self.inputs.samples(self.nets, number, 1, 0, CPU)
                seen = [objectives._tuples(match, samples) for match in self.row.matches]
            both = zip(self.row.matches, seen, strict=True)
            self._learn("discriminator", sum(self._judged(i, m, samples, t, price) for i, (m, t) in enumerate(both)))
        samples = self.inputs.samples(self.nets, number, 1, 0, CPU)
        loss = sum(objectives._discriminate(m, i, samples)[1] for i, m in enumerate(self.row.matches))
        self._learn("generator", loss + sum(t.weight * t.loss(samples) for t in self.row.terms.values() if t.weight))
        self.steps += 1

    @staticmethod
    def _judged(i, match, samples, tuples, price) -> torch.Tensor:
        arguments, k = [t.detach().requires_grad_(bool(price)) for t in tuples], len(match.tuples)
        logits = objectives._logits(match, i, samples, arguments)
        loss = objectives.match(logits, k)[0]
        if not price:
            return loss
        labels = torch.arange(k).repeat_interleave(len(logits) // k)[:, None]
        right = logits.gather(1, labels)[:, 0]
        margin = right - (logits.sum(1) - right) / (k - 1)
        slopes = torch.autograd.grad(margin.sum(), arguments, create_graph=True)
        return loss + price * k / 2 * sum(slope.flatten(1).square().sum(1) for slope in slopes).mean()

    def _learn(self, who: str, loss: torch.Tensor) -> None:
        self.optimizers[who].zero_grad()
        loss.backward()
        self.optimizers[who].step()


def endless(config: Config, data: Data):
    """The steps that `train` takes."""
    loop = steps(dataclasses.replace(config, steps=1 << 40, cooldown=0), data)
    next(loop)
    return loop


class Counted(TorchDispatchMode):
    """Counts operations by PyTorch's formulas; its FlopCounterMode hooks modules, which R1's gradient cannot pass."""

    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        output = func(*args, **(kwargs or {}))
        if formula := flop_registry.get(func.overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=output)
        return output


def operations(config: Config, data: Data) -> float:
    """Of a step with its share of R1, a picture: multiplications and additions of convolutions and matrix products."""
    loop = endless(config, data)
    with Counted() as counter:
        for _ in range(config.r1_every):
            next(loop)
    return counter.total / config.r1_every / config.batch


def convolution():
    """The machine's rate is this one's: forward, and backward to input and weights. -> run, operations"""
    n, channels, side = CONVOLUTION
    conv = torch.nn.Conv2d(channels, channels, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.rand(n, channels, side, side).to(memory_format=torch.channels_last).requires_grad_()
    return lambda: conv(x).sum().backward(), 3 * 2 * n * side**2 * 9 * channels**2


def turns(runs: dict, seconds: float = SECONDS) -> dict[str, list[float]]:
    """Seconds of every run, turn by turn; a first turn is not counted."""
    times, begin, counted, past = {name: [] for name in runs}, time.perf_counter(), -1, 0.0
    while counted < 1 or past < seconds or (counted < FEWEST and past < 3 * seconds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
        counted, past = counted + 1, time.perf_counter() - begin
    return {name: durations[1:] for name, durations in times.items()}


def compare(configs: dict[str, tuple[Config, Data]]) -> None:
    """A line for each, and their ratio where there are two."""
    convolve, convolve_operations = convolution()
    runs = {"convolution": convolve}
    for name, (config, data) in configs.items():
        loop, plain = endless(config, data), Plain(config, data)
        runs[name] = lambda loop=loop, n=config.r1_every: [next(loop) for _ in range(n)]
        runs[f"{name}, plain"] = lambda plain=plain, n=config.r1_every: [plain.step() for _ in range(n)]
    durations = turns(runs, SECONDS * len(configs))
    rate = statistics.median(convolve_operations / t for t in durations["convolution"])
    speed = {}
    for name, (config, data) in configs.items():
        pictures = config.batch * config.r1_every
        each, (ours, plain) = operations(config, data), (durations[name], durations[f"{name}, plain"])
        ratio = statistics.median(b / a for a, b in zip(ours, plain, strict=True))
        pairs = zip(ours, durations["convolution"], strict=True)
        share = statistics.median(each * pictures / a / (convolve_operations / b) for a, b in pairs)
        speed[name] = [pictures / t for t in ours]
        price = f"r1={config.r1:g}, every {config.r1_every}" if config.r1 else "no r1"
        print(
            f"step   {name:22} {data.shape[0]} px, batch {config.batch}, {price if members.member(config).matches else 'no D'}: "
            f"{statistics.median(speed[name]):.0f} pictures/s, plain {statistics.median(pictures / t for t in plain):.0f}: "
            f"{ratio:.2f}x; {each / 1e9:.2f} GFLOP a picture, {share:.0%} of a convolution's {rate / 1e9:.0f} GFLOP/s ({len(ours)} turns)",
            flush=True,
        )
    if len(speed) == 2:
        (a, first), (b, second) = speed.items()
        print(f"step   {a} against {b}: {statistics.median(x / y for x, y in zip(first, second, strict=True)):.2f}x")


def shipped(folder: Path) -> tuple[Config, Data]:
    """A checkpoint's config and noise for it."""
    card = checkpoint.card(folder)
    return Config(**card["config"]), noise(tuple(card["data"]["shape"]), card["data"])


def main() -> None:
    """Every shipped checkpoint, then the nets that minutes= chooses beside net=small, at 28 and 64 pixels."""
    print(f"step   float32, {torch.get_num_threads()} threads; medians of turns")
    for path in sorted(Path(__file__).parents[1].glob("checkpoints/*/card.json")):
        compare({path.parent.name: shipped(path.parent)})
    for size, channels in ((28, 1), (64, 3)):
        fields = {"data": "noise", "name": "noise", "size": size, "latent": budget.SIZES[size], "width": budget.WIDTH}
        fields |= budget.NETS | {"weights": budget.WEIGHTS, "batch": budget.BATCH}
        data = noise((size, size, channels), {})
        compare({f"net={net}": (Config(**fields | {"net": net}), data) for net in ("patches", "small")})
