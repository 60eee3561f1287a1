"""Every pass of one step, computed once and named as in the papers."""

from functools import cached_property

import torch
from torch import nn

# What a hidden part of x reads: outside of the pictures' range, so that E knows it is hidden (GALI).
HIDDEN = -0.5
# Passes that draw from a posterior; each takes other noise.
DRAWN = ("z_hat", "z_rec", "z_rec_hat", "z_hole", "z_fill", "z_mix", "z_back", "z_labelled")

# Every random variable that a tuple may name, by what it is: a picture, a code, a class, or M's features
KINDS = {
    "x": [
        "x",
        "x_tilde",
        "x_rec",
        "x_fixed",
        "x_rec_tilde",
        "x_fill",
        "x_mix",
        "x_back",
        "x_same",
        "x_labelled",
        "x_pair",
        "x_pair_tilde",
    ],
    "z": [
        "z",
        "z_hat",
        "z_rec",
        "z_fixed",
        "z_rec_hat",
        "z_hole",
        "z_fill",
        "z_mix",
        "z_labelled",
        "z_same",
        "z_pair",
        "z_pair_hat",
    ],
    "y": ["y"],
    "m": ["m", "m_rec", "m_tilde"],
}
KIND = {name: kind for kind, names in KINDS.items() for name in names}
# What comes of a picture with a hole, and of true pairs of two domains: a step must be given those
HOLED = {"z_hole", "x_fill", "x_mix", "z_fill", "z_mix", "x_back"}
PAIRED = {"x_pair", "z_pair", "z_pair_hat", "x_pair_tilde"}
# Draws of the prior, and what the decoder makes of one
FROM_PRIOR = {"z", "x_tilde", "x_fixed", "z_fixed", "x_rec_tilde", "m_tilde"}


class Samples:
    """One step's random variables over (prepared) networks.

    x: data batch; z: draw of the prior p(z), (n, d); noise: epsilon of the posteriors, one (n, d)
    per name of DRAWN; sd: of p(x|z). y: conditions, one-hot (n, k), given to every network; hole,
    again: what m(.) hides of x, and of what G fills in, boolean, broadcast over channels; labelled: examples
    (x, y), y int (n,); pair: true pairs (x, z) of two domains; x_noise: epsilon of p(x|z), where x_tilde is
    drawn from it and is not its mean.
    """

    def __init__(
        self,
        nets: dict[str, nn.Module],
        x: torch.Tensor,
        z: torch.Tensor,
        noise: torch.Tensor,
        sd: float,
        y: torch.Tensor | None = None,
        hole: torch.Tensor | None = None,
        again: torch.Tensor | None = None,
        labelled: tuple[torch.Tensor, torch.Tensor] | None = None,
        x_noise: torch.Tensor | None = None,
        pair: tuple[torch.Tensor, torch.Tensor] | None = None,
    ):
        self.nets, self.x, self.z, self.noise, self.sd = nets, x, z, noise, sd
        self.y, self.hole, self.again, self.x_noise = y, hole, again, x_noise
        self.x_labelled, self.y_labelled = labelled or (None, None)
        self.x_pair, self.z_pair = pair or (None, None)

    def _parameters(self, x: torch.Tensor) -> torch.Tensor:
        return self.nets["encoder"](x) if self.y is None else self.nets["encoder"](x, self.y)

    def _encode(self, x: torch.Tensor, name: str) -> torch.Tensor:
        return self._draw(self._parameters(x), name)

    def _draw(self, parameters: torch.Tensor, name: str) -> torch.Tensor:
        mean, log_sigma = posterior(parameters, self.z.shape[1])
        noise = self.noise[DRAWN.index(name)]
        return mean if log_sigma is None else mean + log_sigma.exp() * noise[: len(mean)]

    def _decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.nets["decoder"](z) if self.y is None else self.nets["decoder"](z, self.y)

    # ---- ALI and ALICE

    @cached_property
    def parameters(self) -> torch.Tensor:
        """Of q(z|x): mean and log sigma."""
        return self._parameters(self.x)

    @cached_property
    def z_hat(self) -> torch.Tensor:
        """E(x)."""
        return self._draw(self.parameters, "z_hat")

    @cached_property
    def x_tilde(self) -> torch.Tensor:
        """G(z)."""
        mean = self._decode(self.z)
        return mean if self.x_noise is None else mean + self.sd * self.x_noise

    @cached_property
    def x_rec(self) -> torch.Tensor:
        """G(E(x))."""
        return self._decode(self.z_hat)

    @cached_property
    def z_rec(self) -> torch.Tensor:
        """E(G(z))."""
        return self._encode(self.x_tilde, "z_rec")

    # ---- a GAN's encoder, from which the decoder does not learn

    @cached_property
    def x_fixed(self) -> torch.Tensor:
        """G(z) as a given picture: no gradient reaches G."""
        return self.x_tilde.detach()

    @cached_property
    def z_fixed(self) -> torch.Tensor:
        """E of it."""
        return self._encode(self.x_fixed, "z_rec")

    # ---- GALI

    @cached_property
    def z_rec_hat(self) -> torch.Tensor:
        """E(G(E(x)))."""
        return self._encode(self.x_rec, "z_rec_hat")

    @cached_property
    def x_rec_tilde(self) -> torch.Tensor:
        """G(E(G(z)))."""
        return self._decode(self.z_rec)

    # ---- GALI-PT: M(.), a given network's features

    @cached_property
    def m(self) -> torch.Tensor:
        """M(x)."""
        return self.nets["features"](self.x)

    @cached_property
    def m_rec(self) -> torch.Tensor:
        """M(G(E(x)))."""
        return self.nets["features"](self.x_rec)

    @cached_property
    def m_tilde(self) -> torch.Tensor:
        """M(G(z))."""
        return self.nets["features"](self.x_tilde)

    # ---- GALI-mix: m(.) hides a part, mix fills it with G's picture

    @cached_property
    def z_hole(self) -> torch.Tensor:
        """E(m(x))."""
        return self._encode(torch.where(self.hole, HIDDEN, self.x), "z_hole")

    @cached_property
    def x_fill(self) -> torch.Tensor:
        """G(E(m(x)))."""
        return self._decode(self.z_hole)

    @cached_property
    def x_mix(self) -> torch.Tensor:
        """x outside of the hole, G(E(m(x))) inside."""
        return torch.where(self.hole, self.x_fill, self.x)

    @cached_property
    def z_fill(self) -> torch.Tensor:
        """E(m(G(E(m(x))))), another part hidden."""
        return self._encode(torch.where(self.again, HIDDEN, self.x_fill), "z_fill")

    @cached_property
    def z_mix(self) -> torch.Tensor:
        """E(m(mix)), another part hidden."""
        return self._encode(torch.where(self.again, HIDDEN, self.x_mix), "z_mix")

    @cached_property
    def x_back(self) -> torch.Tensor:
        """G(E(m(G(z))))."""
        hidden = torch.where(self.again, HIDDEN, self.x_tilde)
        return self._decode(self._encode(hidden, "z_back"))

    # ---- semi-supervised

    @cached_property
    def z_labelled(self) -> torch.Tensor:
        """E of the labelled examples."""
        return self._encode(self.x_labelled, "z_labelled")

    # ---- translation, where z is a second domain's picture

    @cached_property
    def z_same(self) -> torch.Tensor:
        """E(z): z is already a picture of the domain that E gives."""
        return self._encode(self.z, "z_rec")

    @cached_property
    def x_same(self) -> torch.Tensor:
        """G(x)."""
        return self._decode(self.x)

    @cached_property
    def z_pair_hat(self) -> torch.Tensor:
        """E of the true pairs' x."""
        return self._encode(self.x_pair, "z_labelled")

    @cached_property
    def x_pair_tilde(self) -> torch.Tensor:
        """G of the true pairs' z."""
        return self._decode(self.z_pair)


def posterior(parameters: torch.Tensor, latent: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Splits an encoder's output into mean and log sigma; a deterministic encoder has no log sigma."""
    if parameters.shape[1] == latent:
        return parameters, None
    mean, log_sigma = parameters.chunk(2, 1)
    return mean, log_sigma


def holes(corners: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Random holes from uniform numbers (n, 4): a rectangle of a quarter to five eighths of each side.

    shape: (h, w, c) -> boolean (n, 1, h, w); (k,) points -> one of the k coordinates, (n, k).
    """
    if len(shape) == 1:
        return torch.arange(shape[0]) == (corners[:, :1] * shape[0]).floor()
    sides = []
    for place, length, pixels in zip(corners[:, :2].T, corners[:, 2:].T, shape[:2], strict=True):
        size = (pixels * (0.25 + 0.375 * length)).round()[:, None]
        start = (place[:, None] * (pixels - size + 1)).floor()
        at = torch.arange(pixels)
        sides.append((at >= start) & (at < start + size))
    return (sides[0][:, :, None] & sides[1][:, None, :])[:, None]
