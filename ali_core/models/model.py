"""A trained checkpoint to ask: numpy in, numpy out, on whatever device there is.

python -m ali_core sample checkpoints/NAME OUT.png       a sheet of samples
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ali_core.family.members import FAMILY, JOINT
from ali_core.family.objectives import Member, prepare
from ali_core.family.samples import HIDDEN, posterior
from ali_core.problem import Problem

from . import checkpoint, schema, taught
from .latent import in_turn, interpolate

BATCH = 256


class Model:
    """A checkpoint's networks; pictures are (n, h, w, c), float in [0, 1] or uint8, latents (n, d).

    frame: "face" where its pictures are framed as in `data.faces`.
    conditional: whether its networks are given the classes; then every question takes y, int (n, factors), and
    class_counts says how many classes each factor has. Of the others y is None, class_counts (). fills: whether
    it was trained to fill holes.
    domains: of a translator, what its two sets of pictures are called; () for the others. A
    translator has no latents and answers `translate` only.
    """

    def __init__(self, name: str, card: dict, nets: dict[str, torch.nn.Module], row):
        self.name, self.card, self.nets = name, card, nets
        self.folder: Path | None = None  # where it was read from
        self.shape: tuple[int, ...] = tuple(card["data"]["shape"])
        self.frame: str = card["data"].get("frame", "")
        self.latent: int = card["config"]["latent"]
        self.stochastic: bool = row.stochastic
        self.conditional: bool = row.conditional
        self.class_counts: tuple[int, ...] = tuple(card["data"].get("classes", ())) * row.conditional
        self.fills: bool = row.fills
        self.domains: tuple[str, ...] = tuple(card["data"].get("domains", ()))
        joint, self._tuples = _pairs(row)
        self._joint = joint if f"discriminator{joint}" in nets else None  # a translator has none
        self._names_classes = any(m.names_classes for m in row.matches)
        self.device = next(nets["encoder"].parameters()).device

    @classmethod
    def load(cls, folder: str | Path) -> "Model":
        """Reads and verifies a checkpoint folder; raises Problem that names the file and what is wrong."""
        card, tensors = checkpoint.card(folder), checkpoint.weights(folder)
        path = Path(folder) / checkpoint.CARD
        config = schema.config(card, path)
        card = card | {"config": dataclasses.asdict(config)}
        if config.member not in FAMILY:
            members = ", ".join(FAMILY)
            raise Problem(f"{path}: unknown member «{config.member}»; this version has {members}.")
        row = FAMILY[config.member]
        shape, n_classes = tuple(card["data"]["shape"]), sum(card["data"].get("classes", ()))
        prior = shape if "domains" in card["data"] else ()
        file = path.with_name(checkpoint.WEIGHTS)
        try:
            plain = dataclasses.replace(config, r1=config.r1 or 1.0)  # spectral norm wants numbers
            with torch.device("meta"):  # which has sizes only
                sizes = prepare(row, shape, plain, n_classes, prior)
            many = sum(p.numel() for k in _kept(sizes, prior) for p in sizes[k].parameters())
            held = sum(tensor.size for tensor in tensors.values())
            if many > held:
                says = f"Its networks have {many:,} weights, and {file.name} holds {held:,}."
                raise Problem(says)
            nets = prepare(row, shape, config, n_classes, prior)
        except (Problem, KeyError, TypeError, ValueError, RuntimeError) as error:
            why = error if isinstance(error, Problem) else repr(error)
            raise Problem(f"{path}: the config cannot be built. {why}") from None
        nets = {name: nets[name] for name in _kept(nets, prior)}
        for name, net in nets.items():
            weights = {
                k.removeprefix(f"{name}."): torch.from_numpy(v) for k, v in tensors.items() if k.startswith(f"{name}.")
            }
            try:
                net.load_state_dict(weights)
            except RuntimeError as error:
                what = str(error).splitlines()[-1].strip()
                raise Problem(f"{file} does not fit the {name} of its card: {what}") from None
            device = "cuda" if torch.cuda.is_available() else "cpu"
            net.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue], torch's stubs lack it
        model = cls(Path(folder).name, card, nets, row)
        model.folder = Path(folder)
        return model

    def posterior(self, x: np.ndarray, y: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of q(z|x), (n, d) each; sd is 0 for a deterministic encoder."""

        def run(*inputs):
            mean, log_sigma = posterior(self.nets["encoder"](*inputs), self.latent)
            sd = torch.zeros_like(mean) if log_sigma is None else log_sigma.exp()
            return torch.cat([mean, sd], 1)

        both = self._batched(run, self._input(x), *self._given(y, len(x)))
        return both[:, : self.latent], both[:, self.latent :]

    def encode(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Posterior means, (n, d)."""
        return self.posterior(x, y)[0]

    def hidden(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """The encoder's last hidden layer, what its code is a linear function of, (n, units)."""
        seen = []
        head = self.nets["encoder"].get_submodule("head")
        hook = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].flatten(1).float().cpu().numpy()))
        try:
            self.encode(x, y)
        finally:
            hook.remove()
        return np.concatenate(seen)

    def draw(self, x: np.ndarray, n: int, seed: int, y: np.ndarray | None = None) -> np.ndarray:
        """n posterior samples of every picture, (n, len(x), d)."""
        mean, sd = self.posterior(x, y)
        noise = np.random.default_rng(seed).standard_normal((n, *mean.shape), np.float32)
        return mean + sd * noise

    def decode(self, z: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Pictures of latents: float32 (n, h, w, c) in [0, 1], or (n, 2) points."""
        codes = torch.from_numpy(np.asarray(z, np.float32))
        x = self._batched(self.nets["decoder"], codes, *self._given(y, len(z)))
        return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x

    def reconstruct(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """G(E(x)) with the posterior mean."""
        return self.decode(self.encode(x, y), y)

    def translate(self, x: np.ndarray, back: bool = False) -> np.ndarray:
        """Pictures of the first domain as the second's, E(x); `back`: of the second as the first's, G(z).

        (n, h, w, c) -> float32 (n, h, w, c) in [0, 1]. Raises Problem for a model of one domain.
        """
        if not self.domains:
            raise Problem(
                f"{self.name} has learned one kind of picture and cannot translate; a model that was trained "
                "with two domains can."
            )
        net = self.nets["decoder" if back else "encoder"]
        return self._batched(net, self._input(x)).transpose(0, 2, 3, 1)

    def fill(self, x: np.ndarray, hole: np.ndarray, y: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Pictures with holes (n, h, w), boolean, filled: x outside of them, G(E(m(x))) inside (GALI).

        -> the filled pictures, float32 (n, h, w, c), and the codes of what was seen, (n, d). Raises
        Problem for a model that was not trained on pictures with holes.
        """
        if not self.fills:
            raise Problem(f"{self.name} never saw a picture with a hole; a model of the member gali-mix fills them.")
        truth = np.asarray(x, np.float32) / (255 if np.asarray(x).dtype == np.uint8 else 1)
        hole = np.asarray(hole, bool)[..., None]
        z = self.encode(np.where(hole, np.float32(HIDDEN), truth), y)
        return np.where(hole, self.decode(z, y), truth), z

    def prior(self, n: int, seed: int, truncation: float = 1.0) -> np.ndarray:
        """n draws of the prior N(0, truncation^2 I), (n, d); draw i does not depend on n."""
        return truncation * np.random.default_rng(seed).standard_normal((n, self.latent), np.float32)

    def sample(self, n: int, seed: int, truncation: float = 1.0, y: np.ndarray | None = None) -> np.ndarray:
        """Pictures of n prior draws; truncation below 1 trades variety for typicality.

        A conditional model that is given no y takes every class in turn, from class `seed` on: see
        latent.in_turn.
        """
        if self.conditional and y is None:
            y = in_turn(seed + np.arange(n), self.class_counts)
        return self.decode(self.prior(n, seed, truncation), y)

    def interpolate(self, a: np.ndarray, b: np.ndarray, steps: int = 8, y: np.ndarray | None = None) -> np.ndarray:
        """Pictures on the way from picture a to picture b, (h, w, c) each -> float32 (steps, h, w, c).

        Along a great circle between their codes; y: the class of both, int (factors,), for a conditional model.
        """
        labels = None if y is None else np.tile(np.reshape(y, (1, -1)), (max(2, steps), 1))
        ends = self.encode(np.stack([a, b]), None if labels is None else labels[:2])
        return self.decode(interpolate(ends[0], ends[1], steps), None if labels is None else labels[:steps])

    def score(self, x: np.ndarray, z: np.ndarray, y: np.ndarray | None = None) -> np.ndarray | None:
        """The joint discriminator's log-odds that (x, z) is (x, E(x)), not (G(z), z), (n,); None without one."""
        if self._joint is None:
            return None
        net = self.nets[f"discriminator{self._joint}"]

        def run(*inputs):
            logits = net(*inputs)
            if self._names_classes:  # K ways to come from the encoder
                return logits[:, :-1].logsumexp(1) - logits[:, -1]
            return logits[:, self._tuples[0]] - logits[:, self._tuples[1]]

        codes = torch.from_numpy(np.asarray(z, np.float32))
        return self._batched(run, self._input(x), codes, *self._given(y, len(z)))

    def moved(self, z: np.ndarray, direction: "taught.Taught | str | Path", amount: float) -> np.ndarray:
        """Codes (n, d) moved along a direction that was taught, or its .npz: 1 is the way from without the thing to with it.

        Raises Problem for a file that is none, and for a direction of another checkpoint.
        """
        found = direction if isinstance(direction, taught.Taught) else taught.read(direction)
        if found.checkpoint != self.card["weights"]["sha256"] or len(found.along) != self.latent:
            raise Problem(
                f"The direction «{found.name}» was taught with another checkpoint's codes, not with {self.name}'s."
            )
        return found.moved(z, amount)

    def likeliest(self, x: np.ndarray, first: np.ndarray | None = None) -> np.ndarray | None:
        """The classes whose reconstructions of x, uint8, are nearest, int (n, factors); None without classes.

        One factor of y after the other, several factors twice: the first ones were chosen while the
        others were wrong. `first`: the classes of the first factor, (n,), where they need not be chosen.
        """
        if not self.conditional:
            return None
        y = np.zeros((len(x), len(self.class_counts)), int)
        if first is not None:
            y[:, 0] = first
        for factor, count in [*enumerate(self.class_counts)] * min(2, len(self.class_counts)):
            if factor == 0 and first is not None:
                continue
            for part in np.array_split(np.arange(len(x)), len(x) // 64 + 1):  # all labels of 64 pictures side by side
                candidates = np.repeat(y[part], count, 0)
                candidates[:, factor] = np.tile(np.arange(count), len(part))
                repeated = np.repeat(x[part], count, 0)
                gap = repeated.astype(np.float32) / 255 - self.reconstruct(repeated, candidates)
                y[part, factor] = (gap**2).reshape(len(part), count, -1).mean(2).argmin(1)
        return y

    def classify(self, x: np.ndarray) -> np.ndarray | None:
        """The class that a semi-supervised discriminator gives pictures, (n, 1); None for the others."""
        if not self._names_classes:
            return None
        net = self.nets[f"discriminator{self._joint}"]
        z = torch.from_numpy(self.encode(x))
        return self._batched(lambda *pair: net(*pair)[:, :-1].argmax(1, keepdim=True), self._input(x), z)

    def _given(self, y: np.ndarray | None, n: int) -> list[torch.Tensor]:
        """One-hot y in a list, as the networks take it; [] for a model without."""
        if not self.conditional:
            return []
        if y is None:
            raise Problem(f"{self.name} is conditional: give y, the class of every picture.")
        y = np.asarray(y, np.int64).reshape(n, len(self.class_counts))
        if not ((y >= 0) & (y < self.class_counts)).all():  # of a map whose data had more
            raise Problem(f"{self.name} has {self.class_counts} classes, and was given another.")
        labels = torch.from_numpy(y)
        hot = [torch.nn.functional.one_hot(labels[:, k], count) for k, count in enumerate(self.class_counts)]
        return [torch.cat(hot, 1).float()]

    def _input(self, x: np.ndarray) -> torch.Tensor:
        x = np.asarray(x)
        if x.shape[1:] != self.shape:
            raise Problem(f"{self.name} takes {self.shape}, these are {x.shape[1:]}.")
        scaled = x.astype(np.float32) / 255 if x.dtype == np.uint8 else x.astype(np.float32)
        tensor = torch.from_numpy(scaled)
        return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor

    @torch.inference_mode()
    def _batched(self, run: Callable, *inputs: torch.Tensor) -> np.ndarray:
        parts = zip(*(t.split(BATCH) for t in inputs), strict=True)
        return torch.cat([run(*(t.to(self.device) for t in part)).cpu() for part in parts]).numpy()


def _kept(nets: dict, prior: tuple[int, ...]) -> tuple[str, ...]:
    """The names of the networks that a checkpoint has: a translator's D is not among them."""
    return ("encoder", "decoder") if prior else tuple(nets)


def _pairs(row: Member) -> tuple[int | None, tuple[int, int]]:
    """Which match's discriminator sees (x, E(x)) and (G(z), z), conditional on y or not, and as which of its tuples."""
    for i, m in enumerate(row.matches):
        for condition in ((), ("y",)):
            ours = [(*pair, *condition) for pair in JOINT.tuples]
            if set(ours) <= set(m.tuples):
                return i, (m.tuples.index(ours[0]), m.tuples.index(ours[1]))
    return None, (0, 1)


def to_bytes(x: np.ndarray) -> np.ndarray:
    """Float pictures in [0, 1] as uint8."""
    return (np.clip(x, 0, 1) * 255).round().astype(np.uint8)
