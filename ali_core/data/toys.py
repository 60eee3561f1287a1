"""The toys in the plane, drawn here from a seed."""

import numpy as np

from ali_core.data.dataset import Data

TOYS = ("grid", "ring", "moons", "spiral", "linear")


def toy(name: str, n: int = 100_000, n_test: int = 10_000, seed: int = 0) -> Data:
    """Draws a toy in the plane: "grid" (25 Gaussians), "ring" (8), "moons", "spiral" (2 arms),
    or "linear" (a Gaussian of one factor, whose posterior has a closed form).

    x: float32 (n,2), y: the mode or arm of each point. The same seed gives the same points.
    """
    rng = np.random.default_rng([seed, TOYS.index(name)])
    total = n + n_test
    centres, sd, loadings = None, 0.0, None
    if name in ("grid", "ring"):
        if name == "grid":  # the ALI paper's mixture
            ticks = np.arange(-4.0, 5.0, 2.0)
            centres, sd = (
                np.stack(np.meshgrid(ticks, ticks, indexing="ij"), -1).reshape(-1, 2),
                0.05,
            )
            label_names = [f"({a:.0f}, {b:.0f})" for a, b in centres]
        else:  # VEEGAN's ring
            angle = np.arange(8) * np.pi / 4
            centres, sd = np.stack([np.cos(angle), np.sin(angle)], -1), 0.01
            label_names = [f"{45 * k}°" for k in range(8)]
        y = rng.integers(len(centres), size=total)
        x = centres[y] + rng.normal(0, sd, (total, 2))
    elif name == "linear":
        centres, sd, loadings = np.array([[0.5, -0.25]]), 0.5, np.array([[1.2], [0.9]])
        z = rng.normal(size=(total, 1))
        x = centres + z @ loadings.T + rng.normal(0, sd, (total, 2))
        y, label_names = (z[:, 0] > 0).astype(int), ["z < 0", "z > 0"]
    else:
        y = rng.integers(2, size=total)
        along, sign = rng.random(total), 1 - 2 * y
        if name == "moons":
            angle, label_names = np.pi * along, ["upper", "lower"]
            x = np.stack([sign * np.cos(angle) - sign / 2, sign * np.sin(angle) - sign / 4], -1)
        else:  # the square root spreads the points evenly along the arm
            angle, label_names = 3 * np.pi * np.sqrt(along), ["first arm", "second arm"]
            arm = np.stack([np.cos(angle), np.sin(angle)], -1)
            x = (sign * angle / (1.5 * np.pi))[:, None] * arm
        x += rng.normal(0, 0.05, (total, 2))
    x, y = x.astype(np.float32), y.astype(np.int64)
    source = f"drawn by ali_core/data/toys.py with seed {seed}"
    parts = (x[:n], y[:n], x[n:], y[n:])
    truth = {"centres": centres, "sd": sd, "loadings": loadings}
    return Data(name, *parts, label_names, "CC0", source, **truth)


def true_posterior(data: Data, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (n,d) and standard deviation (d,) of p(z|x) of the linear toy, x (n,2), in closed form.

    Of z ~ N(0, I), x = centre + loadings z + sd noise (factor analysis with equal noise).
    """
    precision = np.eye(data.loadings.shape[1]) + data.loadings.T @ data.loadings / data.sd**2
    covariance = np.linalg.inv(precision)
    mean = (x - data.centres) @ data.loadings @ covariance / data.sd**2
    return mean, np.sqrt(np.diag(covariance))
