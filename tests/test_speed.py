"""What the benchmark of steps compares: the same mathematics, counted right.   python -m pytest tests/test_speed.py"""

import dataclasses

import pytest
import torch

from ali_core.config import Config
from ali_core.training import budget

from . import speed

SMALL = {"name": "noise", "data": "noise", "latent": 4, "width": 4, "batch": 8, "steps": 1}


@pytest.mark.parametrize(
    "fields",
    [
        {"member": "ali", "r1": 0.3, "norm": "batch"},
        {"member": "gali4", "r1": 0.1},
        {"member": "conditional-alice", "r1": 1.0, "r1_every": 4, "net": "patches"},
        {"member": "vae"},
        {"member": "alice-cycles", "r1": 0.1},
    ],
)
def test_the_plain_loop_takes_the_same_step_as_ours(fields):
    """D's first step is the same to rounding; E and G, which a plain loop teaches with the D that has stepped, go the same way."""
    about = {"label_names": ["a", "b", "c"]} | ({"prior": {}} if fields["member"] == "alice-cycles" else {})
    config, data = Config(**SMALL | fields), speed.noise((28, 28, 1), about)
    plain, loop = speed.Plain(config, data), speed.endless(config, data)
    start = weights(plain.nets)
    ours = weights(next(loop).nets)
    plain.step()
    theirs = weights(plain.nets)
    assert ours.keys() == theirs.keys() == start.keys()
    for name, before in start.items():
        alike = torch.cosine_similarity(ours[name] - before, theirs[name] - before, dim=0)
        assert (ours[name] - before).abs().max() > 1e-4
        assert alike > (0.99 if name.startswith("discriminator") else 0.5), name


def weights(nets) -> dict[str, torch.Tensor]:
    return {name: torch.cat([p.detach().flatten() for p in net.parameters()]) for name, net in nets.items()}


def test_operations_are_those_of_the_step_with_its_share_of_r1():
    """R1 every step costs most; every fourth a quarter of that more than none."""
    data = speed.noise((28, 28, 1), {})
    base = Config(**SMALL | budget.NETS | {"weights": budget.WEIGHTS})
    none, every, lazy = (
        speed.operations(dataclasses.replace(base, r1=r1, r1_every=times), data)
        for r1, times in ((0.0, 1), (1.0, 1), (1.0, 4))
    )
    assert none < lazy < every and lazy == pytest.approx(none + (every - none) / 4, rel=1e-3)
    assert 1e6 < none < 1e8


@pytest.mark.parametrize(("seconds", "least"), [(0.0, 1), (0.05, speed.FEWEST)])
def test_ways_take_turns_and_the_first_is_not_counted(seconds, least):
    order = []
    durations = speed.turns({name: lambda name=name: order.append(name) for name in "abc"}, seconds)
    many = len(order) // 3
    assert order == list("abc") * many and [len(durations) for durations in durations.values()] == [many - 1] * 3
    assert many - 1 == 1 if not seconds else many - 1 >= least
