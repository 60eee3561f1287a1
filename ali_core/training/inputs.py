"""What a step is given: drawn from (seed, step) alone, cut by process, shaped as the member wants it."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from ali_core.config import Config
from ali_core.data.dataset import Data
from ali_core.family.objectives import Member
from ali_core.family.samples import DRAWN, Samples, holes
from ali_core.nets import judge
from ali_core.problem import Problem


def draw(config: Config, n: int, shape: tuple[int, ...], step: int) -> dict[str, torch.Tensor]:
    """Everything that step `step` draws, from (seed, step) alone, each (batch, …).

    index: picture numbers; z: prior draws; noise: of the posteriors, (batch, passes, d); holes: two
    sets of uniform numbers, (batch, 8); example, prior: a uniform number, which picks a labelled example or a
    true pair, and a picture of the second domain; x_noise: as x goes through the
    networks, where the decoder draws; flip: who is mirrored.
    """
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    b = config.batch
    index = torch.randint(n, (b,), generator=generator)
    z = torch.randn(2, b, config.latent, generator=generator)
    more = torch.randn(b, len(DRAWN) - 1, config.latent, generator=generator)
    drawn = {
        "index": index,
        "z": z[0],
        "noise": torch.cat([z[1][:, None], more], 1),
        "holes": torch.rand(b, 8, generator=generator),
        "example": torch.rand(b, generator=generator),
    }
    if config.decoder_noise:
        drawn["x_noise"] = torch.randn(b, *shape[2:], *shape[:2], generator=generator)
    drawn["prior"] = torch.rand(b, generator=generator)
    if config.flip:
        drawn["flip"] = torch.rand(b, generator=generator) < 0.5
    return drawn


class Inputs:
    """The data as a row wants them, a step's Samples at a time; raises Problem where they do not fit.

    drawn: `draw`, or what draws the same from another generator (see counter).
    """

    def __init__(self, config: Config, row: Member, data: Data, drawn: Callable = draw):
        self.config, self.row, self.data, self.drawn = config, row, data, drawn
        self.x = torch.from_numpy(data.x)
        self.y, sizes = classes_of(data, data.y) if row.needs_labels else (None, [])
        self.n_classes, self.labelled = sum(sizes), None
        if row.needs_labels and not row.conditional:
            if len(sizes) > 1:
                raise Problem(f"«{config.member}» takes one label a picture, not {len(sizes)}.")
            self.labelled = labelled(data, config.labels, config.seed)
        self.prior = torch.from_numpy(data.prior.x) if data.prior else None
        self.pairs = _true_pairs(config, row, data)

    def given(self, device: torch.device) -> dict[str, nn.Module]:
        """The networks that are not trained here: M."""
        return {"features": judge.given(self.data).to(device)} if self.row.features else {}

    def samples(self, nets, step: int, world: int, rank: int, device: torch.device) -> Samples:
        drawn = self.drawn(self.config, len(self.x), self.data.shape, step)
        mine = {key: part.chunk(world)[rank] for key, part in drawn.items()}
        shape, index = self.data.shape, mine["index"]

        def there(tensor):
            return tensor.to(device)

        def pictures(x, rows):
            kept = torch.channels_last if len(shape) == 3 else torch.preserve_format
            # as bytes: a quarter of what crosses to a GPU
            return as_input(x[rows].to(device)).to(memory_format=kept)

        more = {}
        if self.row.conditional:
            more["y"] = there(self.y[index])
        if self.row.fills:
            more["hole"], more["again"] = (there(holes(part, shape)) for part in mine["holes"].chunk(2, 1))
        if self.labelled is not None:
            rows = self.labelled[(mine["example"] * len(self.labelled)).long()]
            more["labelled"] = pictures(self.x, rows), there(torch.from_numpy(self.data.y[:, 0])[rows])
        if self.config.decoder_noise:
            more["x_noise"] = there(mine["x_noise"])
        z = there(mine["z"])
        if self.prior is not None:
            z = pictures(self.prior, (mine["prior"] * len(self.prior)).long())
        if self.pairs is not None:
            rows = (mine["example"] * len(self.pairs[0])).long()
            more["pair"] = tuple(pictures(side, rows) for side in self.pairs)
        noise = there(mine["noise"].transpose(0, 1))
        x = pictures(self.x, index)
        if self.config.flip:
            x = torch.where(there(mine["flip"])[:, None, None, None], x.flip(3), x)
        return Samples(nets, x, z, noise, self.config.sd, **more)


def classes_of(data: Data, y: np.ndarray) -> tuple[torch.Tensor, list[int]]:
    """Classes y (n, k) of the data as one-hot vectors side by side, (n, all classes), and how many each factor has.

    Raises Problem for data without at least two classes.
    """
    sizes = data.sizes
    if max(sizes, default=0) < 2:
        raise Problem(
            f"{data.name} has no labels, which this member needs; give pictures in one subfolder per "
            "class, or an .npz with “labels”."
        )
    factors = torch.from_numpy(y).long().T
    hot = [nn.functional.one_hot(f, size) for f, size in zip(factors, sizes, strict=True)]
    return torch.cat(hot, 1).float(), sizes


def _true_pairs(config: Config, row: Member, data: Data) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The `config.pairs` true pairs (x, z) that a row is shown, drawn with the seed; None for other rows.

    Raises Problem where row, domains and pairs do not fit together.
    """
    if data.prior and row.stochastic:
        raise Problem(
            f"«{config.member}» draws its codes from a Gaussian; between two domains of pictures "
            "take bigan, alice-cycles, cyclegan, or triangle."
        )
    for name, domain in (("data", data), ("prior", data.prior)):
        if data.prior and not len(domain.x):
            raise Problem(f"The domain {name}={domain.name} holds no training pictures.")
    alike = data.prior or data.shape == (config.latent,)
    if not alike and "identity" in row.terms and row.terms["identity"].weight:
        raise Problem(
            "weights.identity asks that E leaves z as it is, and here z is no picture: give a second domain, "
            "prior=…, or leave it 0."
        )
    wants = row.paired
    if wants and data.partners is None:
        raise Problem(
            f"«{config.member}» learns from true pairs of two domains, and {data.name} knows none; "
            "take an .npz with “images” and “images_b”, or alice-cycles, which needs none."
        )
    if wants and not 1 <= config.pairs <= len(data.x):
        raise Problem(f"pairs={config.pairs}: «{config.member}» takes 1 to {len(data.x):,} true pairs.")
    if config.pairs and not wants:
        raise Problem(f"pairs={config.pairs}: «{config.member}» is shown none; take triangle.")
    if not wants:
        return None
    rows = np.random.default_rng(config.seed).permutation(len(data.x))[: config.pairs]
    return torch.from_numpy(data.x[rows]), torch.from_numpy(data.partners[rows])


def labelled(data: Data, count: int, seed: int) -> torch.Tensor:
    """Numbers of `count` training examples, as many of each class, drawn with the seed."""
    generator = torch.Generator().manual_seed(seed)
    y, names = torch.from_numpy(data.y[:, 0]), data.sizes[0]
    each, left = divmod(count, names)
    if not each or left:
        raise Problem(f"labels={count} must be a multiple of the {names} classes of {data.name}.")
    rows = [(y == name).nonzero()[:, 0] for name in range(names)]
    return torch.cat([r[torch.randperm(len(r), generator=generator)[:each]] for r in rows])


def as_input(x: torch.Tensor) -> torch.Tensor:
    """uint8 pictures (n, h, w, c) as float (n, c, h, w) in [0, 1]; points as they are."""
    return x.permute(0, 3, 1, 2).float() / 255 if x.dtype == torch.uint8 else x
