"""The lab: what every panel shows at one step of a model in the plane, packed for a browser to draw."""

import math

import numpy as np
import torch

from ali_core.config import Config, check
from ali_core.data import points
from ali_core.data.dataset import Data
from ali_core.data.datasets import load
from ali_core.data.toys import TOYS
from ali_core.family import members, objectives
from ali_core.family.objectives import Match
from ali_core.family.samples import DRAWN, FROM_PRIOR, KIND, Samples, holes
from ali_core.problem import Problem
from ali_core.training import loop as train
from ali_core.training.inputs import classes_of

from .packs import pack

SHOWN = 256  # points in a panel
PULLED = 64  # of these show the generator's gradient
SAMPLES = 2_500  # that modes are counted with (VEEGAN's protocol)
LATTICE, MAP = 17, 24  # nodes a side of the decoder's lattice; cells a side of a map of D
REACH = 3.0  # of the prior's panel, in standard deviations
MEASURED = ("mse", "modes", "good")  # of a frame's numbers, those that are no constraints
NOWHERE = 1e6  # where modes stand that data do not have
MOST_MODES = 25
PROBES = 1.2  # the nine codes for which D is shown over x stand at -PROBES, 0, PROBES
MOST_STEPS = 20_000  # of a live run
WIDEST, LARGEST = 128, 1_024  # width and batch of a live run
# The settings of a live run, and their defaults: those of Config where none stands here
SETTINGS = {
    "member": "ali",
    "data": "grid",
    "seed": 0,
    "width": 64,
    "batch": 256,
    "lr": 1e-3,
    "lr_discriminator": 1e-3,
    "r1": 0.0,
    "sines": 0.0,
    "weights": {},
}


def config(settings: dict) -> Config:
    """The config of a run in the plane; raises Problem where a setting is unknown or cannot be.

    settings: some of SETTINGS; data: a toy's name, or "mine".
    """
    for key in settings:
        if key not in SETTINGS:
            raise Problem(f"There is no setting «{key}»; there are: {', '.join(SETTINGS)}.")
    values = SETTINGS | settings
    if values["data"] not in (*TOYS, "mine"):
        raise Problem(f"The lab has no data «{values['data']}»; it has {', '.join(TOYS)}, mine.")
    for key, most in (("width", WIDEST), ("batch", LARGEST)):
        if values[key] > most:
            raise Problem(f"{key}={values[key]} is too much for a live run; at most {most}.")
    settled = check(Config(name="lab", latent=2, steps=MOST_STEPS, ema=0.0, **values))
    if members.member(settled).features:
        raise Problem(
            f"«{settled.member}» matches the features of a classifier of pictures, and points have none; "
            "take gali4 or gali8."
        )
    return settled


def data(config: Config, mine: np.ndarray | None = None) -> Data:
    """The toy that a config names; for data=mine one's own points (n, 2)."""
    if config.data != "mine":
        return load(config.data)
    if mine is None:
        raise Problem("data=mine needs points of your own: draw some, or upload a CSV.")
    return points.as_data(mine)


class Scene:
    """What stays the same in all frames of a run: its points, codes and places, drawn from the seed."""

    def __init__(self, config: Config, data: Data):
        self.config, self.row, self.data = config, members.member(config), data
        generator = torch.Generator().manual_seed(config.seed)
        self.x, self.labels = torch.from_numpy(data.x_test[:SHOWN]), data.y_test[:SHOWN]
        self.z = torch.randn(len(self.x), 2, generator=generator)
        self.many = torch.randn(SAMPLES, 2, generator=generator)
        self.corners = torch.rand(len(self.x), 4, generator=generator)
        self.noise = torch.randn(len(DRAWN), len(self.x), 2, generator=generator)
        side = 1.2 * float(np.abs(data.x_test).max())
        self.bounds_x, self.bounds_z = (-side, side), (-REACH, REACH)
        codes = torch.tensor([-PROBES, 0.0, PROBES])
        self.at_z = torch.cartesian_prod(codes, codes)
        self.at_x = _spread(self.x, len(self.at_z))
        self.lattice = _nodes(np.linspace(*self.bounds_z, LATTICE)).flip(1)
        self.over_x, self.over_z = (_nodes(_cells(b)) for b in (self.bounds_x, self.bounds_z))
        self.modes = 0 if data.centres is None or data.loadings is not None else len(data.centres)
        self.centres = torch.full((MOST_MODES, 2), NOWHERE)  # as many for all data: one graph draws all
        if self.modes:
            self.centres[: self.modes] = torch.from_numpy(data.centres)
        self.centres_sd = torch.tensor(float(data.sd))
        self.y, self.labelled = None, None
        if self.row.conditional:
            hot, _ = classes_of(data, self.labels)
            self.y = hot
        elif self.row.needs_labels:
            self.labelled = self.x, torch.from_numpy(self.labels[:, 0])
        self.seeing = {
            kinds: next((i for i, m in enumerate(self.row.matches) if _kinds(m) == kinds), None)
            for kinds in ("xz", "x", "z")
        }

    def pack(self, **more) -> bytes:
        """The first pack of a run; more: entries for its JSON."""
        about, arrays = self.parts()
        return pack("scene", about | more, arrays)

    def parts(self) -> tuple[dict, dict]:
        """What the first pack of a run says, and its arrays."""
        row, data = self.row, self.data
        sees = {kinds: number is not None for kinds, number in self.seeing.items()}
        about = {
            "member": self.config.member,
            "formula": row.formula,
            "says": row.says,
            "data": data.name,
            "seed": self.config.seed,
            "width": self.config.width,
            "batch": self.config.batch,
            "label_names": data.label_names,
            "modes": self.modes,
            "guess": train.guessing(row),
            "sees": {"x": sees["x"], "z": sees["z"], "joint": sees["xz"]},
            "stochastic": row.stochastic,
            "bounds_x": self.bounds_x,
            "bounds_z": self.bounds_z,
            "terms": {
                name: {
                    "formula": term.formula,
                    "constraint": name in row.slack,
                    "slack": row.slack.get(name),
                }
                for name, term in row.terms.items()
                if term.weight
            },
        }
        arrays = {"x": self.x, "z": self.z, "at_x": self.at_x, "at_z": self.at_z}
        arrays |= {"y": self.labels[:, 0].astype(np.uint8)}
        if data.centres is not None:
            arrays["centres"] = data.centres
        return about, arrays

    def samples(self, nets: dict, drawn: bool = False) -> Samples:
        """The scene's points and codes through the networks, posteriors at their means, or drawn from."""
        more, (first, second) = {}, self.corners.chunk(2, 1)
        if self.row.fills:
            more = {
                "hole": holes(first, self.data.shape),
                "again": holes(second, self.data.shape),
            }
        noise = self.noise if drawn else torch.zeros_like(self.noise)
        sd = self.config.sd
        return Samples(nets, self.x, self.z, noise, sd, y=self.y, labelled=self.labelled, **more)

    def given(self, n: int) -> tuple[torch.Tensor, ...]:
        """Class 0 for n codes or points, where the networks are conditional."""
        return () if self.y is None else (torch.eye(self.y.shape[1])[:1].expand(n, -1),)


def shown(scene: Scene, nets: dict, prices: dict[str, torch.Tensor] | None = None) -> tuple[dict, dict]:
    """What the panels show of networks. -> arrays, and numbers as scalars

    prices: see objectives.losses. Tensors in, tensors out, nothing is looked into: so it can be traced.
    Where networks are conditional, lattice and maps are those of class 0.
    """
    row, s = scene.row, scene.samples(nets)
    players, _ = objectives.losses(row, s, prices=prices)
    arrays = {"x_tilde": s.x_tilde, "z_hat": s.z_hat, "x_rec": s.x_rec}
    pulls = torch.autograd.grad(players["generator"], [s.x_tilde, s.z_hat], allow_unused=True)
    for name, pull in zip(("pull_x", "pull_z"), pulls, strict=True):
        if pull is not None:
            arrays[name] = -len(scene.x) * pull[:PULLED]
    with torch.no_grad():
        if row.stochastic:
            arrays["z_sd"] = s.parameters[:, 2:].exp()
        nodes = nets["decoder"](scene.lattice, *scene.given(len(scene.lattice)))
        arrays["lattice"] = nodes.reshape(LATTICE, LATTICE, 2)
        arrays |= _maps(scene, nets)
        # expectations over q(z|x): at its mean the -ELBO comes out too good
        numbers = objectives.divergences(row, scene.samples(nets, drawn=True))
        numbers["mse"] = (s.x - s.x_rec).square().mean()
        points = nets["decoder"](scene.many, *scene.given(SAMPLES))
        numbers["modes"], numbers["good"] = modes(points, scene.centres, scene.centres_sd)
    return {k: v.detach() for k, v in arrays.items()}, {k: v.detach() for k, v in numbers.items()}


def modes(points: torch.Tensor, centres: torch.Tensor, sd: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """metrics.modes of tensors that a graph may stand for; of equally near centres each is found."""
    away = (points[:, None] - centres).square().sum(2)
    nearest = away.amin(1, keepdim=True)
    good = nearest <= (3 * sd) ** 2
    found = ((away == nearest) & good).float().amax(0).sum()
    return found, good.float().mean()


def frame(progress: train.Progress, scene: Scene, turn: str = "both", **more) -> bytes:
    """What the panels show after a step; the networks are left as they were.

    turn: who took the step: "both", "discriminator", "generator", or "start"; more: entries for its JSON.
    """
    arrays, numbers = shown(scene, progress.nets)
    said = {name: value.item() for name, value in numbers.items()}
    counted = {name: said.pop(name) for name in MEASURED}
    counted |= {"modes": int(counted["modes"])} if scene.modes else {"modes": None, "good": None}
    words = {"step": progress.step, "turn": turn, "losses": _finite(progress.losses), "constraints": _finite(said)}
    # a player's loss may not hear of it
    arrays = {k: v for k, v in arrays.items() if not k.startswith("pull") or v.any()}
    return pack("frame", words | counted | more, arrays)


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    """JSON knows no infinity."""
    return {k: v if math.isfinite(v) else None for k, v in numbers.items()}


def _kinds(m: Match) -> str:
    """What a discriminator sees, each kind once; y is given with it."""
    return "".join(dict.fromkeys(KIND[name] for name in m.tuples[0] if name != "y"))


def _maps(scene: Scene, nets: dict) -> dict[str, torch.Tensor]:
    """D's belief that it sees the encoder's side: over x for every at_z, over z for every at_x."""
    beliefs, over_x, over_z = {}, scene.over_x, scene.over_z
    if scene.seeing["xz"] is not None:
        many = len(over_x)
        for name, over, at in (("d_x", over_x, scene.at_z), ("d_z", over_z, scene.at_x)):
            there, here = at.repeat_interleave(many, 0), over.repeat(len(at), 1)
            pair = (here, there) if name == "d_x" else (there, here)
            beliefs[name] = belief(scene, nets, scene.seeing["xz"], *pair)
    for name, kind, over in (("d_x", "x", over_x), ("d_z", "z", over_z)):
        if name not in beliefs and scene.seeing[kind] is not None:
            beliefs[name] = belief(scene, nets, scene.seeing[kind], over, over)
    return {name: (255 * value).round().to(torch.uint8).reshape(-1, MAP, MAP) for name, value in beliefs.items()}


def belief(scene: Scene, nets: dict, i: int, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """What the i-th discriminator gives the tuples that hold no draw of the prior, in [0, 1], (n,)."""
    m = scene.row.matches[i]
    places = [{"x": x, "z": z}.get(KIND[name]) for name in m.tuples[0]]
    given = scene.given(len(x))
    places = [given[0] if place is None else place for place in places]
    p = nets[f"discriminator{i}"](*places).float().softmax(1)
    if m.names_classes:
        return 1 - p[:, -1]
    drawn = [bool(FROM_PRIOR & set(t)) for t in m.tuples]
    return sum(p[:, k] for k, prior in enumerate(drawn) if not prior)


def _cells(bounds: tuple[float, float]) -> np.ndarray:
    edges = np.linspace(*bounds, MAP + 1)
    return (edges[1:] + edges[:-1]) / 2


def _nodes(ticks: np.ndarray) -> torch.Tensor:
    """Places of a square, row by row from the lowest second coordinate, (k * k, 2)."""
    down, along = np.meshgrid(ticks, ticks, indexing="ij")
    return torch.tensor(np.stack([along, down], -1).reshape(-1, 2), dtype=torch.float32)


def _spread(x: torch.Tensor, n: int) -> torch.Tensor:
    """n of the points that lie far from each other: the one in the middle, then the farthest, and so on."""
    picks = [int((x - x.mean(0)).norm(dim=1).argmin())]
    while len(picks) < n:
        away = torch.cdist(x, x[picks]).min(1).values
        picks.append(int(away.argmax()))
    return x[picks]


def run(settings: dict, steps: list[int], mine: np.ndarray | None = None) -> tuple[Scene, list[bytes]]:
    """The scene, and a frame after each of the (rising) numbers of steps; 0 is the start.

    Raises Problem where settings do not fit, or training stops with one.
    """
    settled = config(settings)
    held = data(settled, mine)
    scene, loop = Scene(settled, held), train.steps(settled, held)
    frames, wanted = [], set(steps)
    for progress in loop:
        if progress.step in wanted:
            frames.append(frame(progress, scene, "both" if progress.step else "start"))
        if progress.step == max(steps):
            break
    return scene, frames
