"""Every pass of one step, computed once and named as in the papers."""

from functools import cached_property

import torch
from torch import nn


class Samples:
    """One step's random variables over (prepared) networks.

    x: data batch; z: draw of the prior p(z), (n, d); noise: epsilon of the posterior, (n, d).
    z_hat = E(x), x_tilde = G(z), x_rec = G(z_hat), z_rec = E(x_tilde), as in ALI and ALICE.
    """

    def __init__(
        self,
        nets: dict[str, nn.Module],
        x: torch.Tensor,
        z: torch.Tensor,
        noise: torch.Tensor,
        sd: float,
    ):
        self.nets, self.x, self.z, self.noise, self.sd = nets, x, z, noise, sd

    def _draw(self, parameters: torch.Tensor) -> torch.Tensor:
        mean, log_sigma = posterior(parameters, self.z.shape[1])
        return mean if log_sigma is None else mean + log_sigma.exp() * self.noise

    @cached_property
    def parameters(self) -> torch.Tensor:
        return self.nets["encoder"](self.x)

    @cached_property
    def z_hat(self) -> torch.Tensor:
        return self._draw(self.parameters)

    @cached_property
    def x_tilde(self) -> torch.Tensor:
        return self.nets["decoder"](self.z)

    @cached_property
    def x_rec(self) -> torch.Tensor:
        return self.nets["decoder"](self.z_hat)

    @cached_property
    def z_rec(self) -> torch.Tensor:
        return self._draw(self.nets["encoder"](self.x_tilde))


def posterior(parameters: torch.Tensor, latent: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Splits an encoder's output into mean and log sigma; a deterministic encoder has no log sigma."""
    if parameters.shape[1] == latent:
        return parameters, None
    mean, log_sigma = parameters.chunk(2, 1)
    return mean, log_sigma
