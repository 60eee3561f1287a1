"""A member's training step and its frame as ONNX graphs, traced from the losses, Adam and the scene themselves.

All weights of a player are one vector, its state: (weights, Adam's mean, Adam's square). What a setting may change
without another graph is an input: rates, prices, the sines' waves, the data, the scene, every random number.
"""

import copy

import torch
from torch.func import functional_call
from torch.optim.adam import adam

from ali_core.config import Config
from ali_core.family import objectives
from ali_core.family.samples import DRAWN, Samples, holes
from ali_core.training import loop as train

from . import scenes

EPSILON = 1e-8  # torch.optim.Adam's own
STATE = ("weights", "mean", "square")
# what of a scene goes into its frame; the rest is the same for every run
SCENE = ("x", "z", "many", "corners", "noise", "at_x", "over_x", "centres", "centres_sd", "y")


class Nets:
    """The networks of a run as functions of the players' vectors."""

    def __init__(self, nets: dict[str, torch.nn.Module]):
        self.nets, self.places = nets, {}
        for key, net in nets.items():
            for name, weight in net.named_parameters():
                self.places.setdefault(train.player(key), []).append((key, name, weight.shape))
        self.fixed = {f"{key}.{name}": value for key, net in nets.items() for name, value in net.named_buffers()}

    def vectors(self) -> dict[str, torch.Tensor]:
        """The weights as they are, a vector a player."""
        return {
            who: torch.cat([self.nets[key].get_parameter(name).detach().flatten() for key, name, _ in places])
            for who, places in self.places.items()
        }

    def leaves(self, vectors: dict[str, torch.Tensor]) -> dict[str, dict[tuple[str, str], torch.Tensor]]:
        """Every weight by itself, to be learned, from the vectors. -> player -> (network, name) -> weight"""
        found = {}
        for who, places in self.places.items():
            parts = vectors[who].split([shape.numel() for *_, shape in places])
            found[who] = {
                (key, name): part.reshape(shape).clone().requires_grad_()
                for (key, name, shape), part in zip(places, parts, strict=True)
            }
        return found

    def bound(self, leaves: dict, fixed: dict[str, torch.Tensor]) -> dict:
        """The networks over these weights, for Samples."""
        every = {place: weight for own in leaves.values() for place, weight in own.items()}

        def net(key: str):
            given = {name: weight for (k, name), weight in every.items() if k == key}
            given |= {name.partition(".")[2]: v for name, v in fixed.items() if name.partition(".")[0] == key}
            return lambda *arguments: functional_call(self.nets[key], given, arguments)

        return {key: net(key) for key in self.nets}


def prices(row: objectives.Member, config: Config) -> dict[str, torch.Tensor]:
    """The weights of a row's terms, and of steepness, as inputs of a graph."""
    found = {name: t.weight for name, t in row.terms.items() if t.weight and name not in row.slack}
    found |= {"r1": config.r1} if config.r1 else {}
    return {name: torch.tensor(float(value)) for name, value in found.items()}


def step_inputs(config: Config, row: objectives.Member, nets: Nets) -> dict[str, torch.Tensor]:
    """Names and shapes of what a step is given; the numbers of weights, prices and the sines' waves are the run's."""
    b, found, rate = config.batch, {}, train.rates(config)
    for who, vector in nets.vectors().items():
        found |= {f"{who} {part}": vector if part == "weights" else torch.zeros_like(vector) for part in STATE}
        found |= {f"{who} steps": torch.tensor(0.0), f"{who} rate": torch.tensor(rate[who])}
    found |= {f"price {name}": value for name, value in prices(row, config).items()}
    found |= {f"fixed {name}": value for name, value in nets.fixed.items()}
    found |= {f"noise {name}": torch.randn(b, config.latent) for name in DRAWN}
    found |= {"x": torch.randn(b, 2), "z": torch.randn(b, config.latent), "holes": torch.rand(b, 8)}
    if row.conditional:
        found["y"] = torch.zeros(b, dtype=torch.int32)
    elif row.needs_labels:
        found |= {"labelled x": torch.randn(b, 2), "labelled y": torch.zeros(b, dtype=torch.int32)}
    return found


def step(config: Config, row: objectives.Member, nets: Nets, classes: int = 0):
    """The function that a step's graph stands for: named inputs (see step_inputs) -> named outputs.

    Outputs: every player's next state, all losses and terms under one name that says theirs, and "matched", what D pays
    in its matches.
    """

    def next_state(given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        leaves = nets.leaves({who: given[f"{who} weights"] for who in nets.places})
        bound = nets.bound(leaves, _part(given, "fixed"))
        more = {}
        if row.fills:
            more["hole"], more["again"] = (holes(part, (2,)) for part in given["holes"].chunk(2, 1))
        if row.conditional:
            more["y"] = (given["y"][:, None] == torch.arange(classes)).float()
        elif row.needs_labels:
            more["labelled"] = given["labelled x"], given["labelled y"].long()
        noise = torch.stack([given[f"noise {name}"] for name in DRAWN])
        s = Samples(bound, given["x"], given["z"], noise, config.sd, **more)
        price = _part(given, "price")
        losses, shown = objectives.losses(row, s, config.r1, price)
        found = {}
        for i, (who, loss) in enumerate(losses.items()):
            own = list(leaves[who].values())
            slopes = torch.autograd.grad(loss, own, retain_graph=i + 1 < len(losses), allow_unused=True)
            slopes = [torch.zeros_like(w) if s is None else s for w, s in zip(own, slopes, strict=True)]
            slope = torch.cat([s.flatten() for s in slopes])
            weights = torch.cat([w.detach().flatten() for w in own])
            mean, square = given[f"{who} mean"].clone(), given[f"{who} square"].clone()
            # torch's own Adam, in its form that can be traced
            adam(
                *([weights], [slope], [mean], [square], [], [given[f"{who} steps"].clone()]),
                foreach=False,
                differentiable=True,
                amsgrad=False,
                beta1=config.beta1,
                beta2=config.beta2,
                lr=given[f"{who} rate"],
                weight_decay=config.l2,
                eps=EPSILON,
                maximize=False,
            )
            found |= {f"{who} {part}'": v for part, v in zip(STATE, (weights, mean, square), strict=True)}
        every = losses | shown
        found[listed("losses", every)] = torch.stack([value.detach().reshape(()) for value in every.values()])
        if row.matches:
            detached = {name: value.detach() for name, value in every.items()}
            found["matched"] = train.matched(row, detached, price.get("r1", 0.0), price)
        return found

    return next_state


def listed(kind: str, numbers: dict) -> str:
    """The name of a vector of numbers, which says what they are."""
    return "|".join([kind, *numbers])


def frame_inputs(scene: scenes.Scene, nets: Nets) -> dict[str, torch.Tensor]:
    """Names and values of what a frame is given, but for the weights."""
    found = {f"{who} weights": vector for who, vector in nets.vectors().items()}
    found |= {f"price {name}": v for name, v in prices(scene.row, scene.config).items() if name != "r1"}
    found |= {f"fixed {name}": value for name, value in nets.fixed.items()}
    found |= {f"scene {name}": value for name in SCENE if (value := getattr(scene, name)) is not None}
    if scene.labelled:
        found["scene labelled y"] = scene.labelled[1]
    return found


def frame(scene: scenes.Scene, nets: Nets):
    """The function that a frame's graph stands for: -> arrays by name, and its numbers under one that says theirs."""

    def panels(given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        bound = nets.bound(nets.leaves({who: given[f"{who} weights"] for who in nets.places}), _part(given, "fixed"))
        seen = copy.copy(scene)
        for name, value in _part(given, "scene").items():
            setattr(seen, name, value)
        if scene.labelled:
            seen.labelled = seen.x, given["scene labelled y"]
        arrays, numbers = scenes.shown(seen, bound, _part(given, "price"))
        return arrays | {listed("numbers", numbers): torch.stack(list(numbers.values()))}

    return panels


def _part(given: dict[str, torch.Tensor], kind: str) -> dict[str, torch.Tensor]:
    return {name.partition(" ")[2]: value for name, value in given.items() if name.startswith(f"{kind} ")}
