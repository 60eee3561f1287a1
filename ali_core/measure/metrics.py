"""What is measured: pure functions of arrays, each checked against an exact answer in tests/test_metrics.py.

Pictures are (n, h, w, c) in [0, 1], features and codes (n, d). Nothing here knows a model.
"""

import math
import warnings

import numpy as np

from .neighbours import nearest

_CHUNK = 250


def mse(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean squared error of each pair, (n,)."""
    return ((a - b) ** 2).reshape(len(a), -1).mean(1)


def psnr(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each pair of pictures in decibels, (n,); infinite for equals."""
    with np.errstate(divide="ignore"):
        return -10 * np.log10(mse(a, b))


def ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity of each pair of pictures, (n,), at most 1 (equal).

    Wang et al. 2004: Gaussian window of 11 pixels with sd 1.5, only where it fits, averaged over
    places and channels; a picture of fewer than 11 pixels a side takes the window that fits.
    """
    down, across = (_windows(side) for side in a.shape[1:3])
    scores = []
    for k in range(0, len(a), _CHUNK):
        # channels first: the windows are then two matrix products
        x, y = (np.asarray(p[k : k + _CHUNK], float).transpose(0, 3, 1, 2) for p in (a, b))
        mean_x, mean_y, xx, yy, xy = (down @ p @ across.T for p in (x, y, x * x, y * y, x * y))
        squares, c1, c2 = mean_x**2 + mean_y**2, 0.01**2, 0.03**2
        score = (2 * mean_x * mean_y + c1) / (squares + c1)
        score *= (2 * (xy - mean_x * mean_y) + c2) / (xx + yy - squares + c2)
        scores.append(score.mean((1, 2, 3)))
    return np.concatenate(scores)


def _windows(side: int) -> np.ndarray:
    """The window at each place it fits, (places, side)."""
    width = min(11, side)
    window = np.exp(-((np.arange(width) - (width - 1) / 2) ** 2) / (2 * 1.5**2))
    places = side - width + 1
    rows = np.zeros((places, side))
    for place in range(places):
        rows[place, place : place + width] = window / window.sum()
    return rows


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance between the Gaussians fitted to two sets of features, >= 0; 0 for equals."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    covariances = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    return gaussian_frechet(a.mean(0), b.mean(0), *covariances)


def gaussian_frechet(
    mean_a: np.ndarray, mean_b: np.ndarray, covariance_a: np.ndarray, covariance_b: np.ndarray
) -> float:
    """|mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)) of means (d,) and covariances (d,d)."""
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    # A B and A^(1/2) B A^(1/2) have the same eigenvalues, and the latter is symmetric
    crossed = np.linalg.eigvalsh(root @ covariance_b @ root)
    trace = np.trace(covariance_a) + np.trace(covariance_b)
    trace -= 2 * np.sqrt(np.maximum(crossed, 0)).sum()
    return max(0.0, float(((mean_a - mean_b) ** 2).sum() + trace))


def precision_recall_density_coverage(real: np.ndarray, generated: np.ndarray, k: int = 5) -> dict[str, float]:
    """How the features of generated pictures lie among the real ones (Kynkäänniemi 2019; Naeem 2020), 0 to 1.

    A point's ball reaches its k-th neighbour within its set. precision: generated points in a real
    ball; recall: real points in a generated ball; coverage: real balls that hold a generated point; density:
    real balls around a generated point, over k (this one may exceed 1).
    """
    # centred and in float64: the squares below then lose nothing that counts
    centre = real.mean(0, dtype=float)
    real, generated = real - centre, generated - centre
    reach_real, reach_generated = _reach(real, k), _reach(generated, k)
    inside, recalled, covered = [], [], []
    for start in range(0, len(real), _CHUNK):
        rows = slice(start, start + _CHUNK)
        away = _squares(real[rows], generated)
        balls = away <= reach_real[rows, None]
        inside.append(balls.sum(0))
        covered.append(balls.any(1))
        recalled.append((away <= reach_generated).any(1))
    held = np.sum(inside, 0)
    return {
        "precision": float((held > 0).mean()),
        "recall": float(np.concatenate(recalled).mean()),
        "density": float(held.mean() / k),
        "coverage": float(np.concatenate(covered).mean()),
    }


def _reach(points: np.ndarray, k: int) -> np.ndarray:
    """Squared distance of each point to its k-th neighbour, (n,)."""
    # one more than k: the nearest of all is the point itself
    reach = nearest(points, points, k + 1)[1][:, k] ** 2
    # a point on the ball is in it, however the sums were rounded
    return reach * (1 + 1e-9) + 1e-12 * (points**2).sum(1).max()


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0)


def knn_accuracy(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """Share of x_test (m,d) whose nearest of x (n,d) has the same label. Exact, Euclidean."""
    indices, _ = nearest(np.asarray(x, np.float32), x_test)
    return float((y[indices[:, 0]] == y_test).mean())


def linear_probe(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """Accuracy on x_test (m,d) of a logistic regression fitted to x (n,d), features standardised."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, sd = x.mean(0), np.maximum(x.std(0), 1e-6)
    probe = LogisticRegression(max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred steps are the measure
        probe.fit((x - mean) / sd, y)
    return float((probe.predict((x_test - mean) / sd) == y_test).mean())


def against_prior(z: np.ndarray) -> dict[str, float]:
    """Moments of codes (n,d) that are 0, 1 and the prior's norm where they fill N(0, I).

    mean: root mean square of the d means; sd: mean of the d standard deviations; norm: mean length;
    prior_norm: the mean length of a draw of the prior.
    """
    d = z.shape[1]
    return {
        "mean": float(np.sqrt((z.mean(0) ** 2).mean())),
        "sd": float(z.std(0).mean()),
        "norm": float(np.linalg.norm(z, axis=1).mean()),
        "prior_norm": math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2)),
    }


def modes(points: np.ndarray, centres: np.ndarray, sd: float) -> tuple[int, float]:
    """Modes reached and share of good points (VEEGAN's protocol); points (n,2), centres (k,2).

    A point is good within 3 sd of its nearest centre; a mode is reached when a good point is nearest.
    """
    away = np.linalg.norm(points[:, None] - centres[None], axis=2)
    good = away.min(1) <= 3 * sd
    return len(np.unique(away.argmin(1)[good])), float(good.mean())


def inception_score(logits: np.ndarray) -> float:
    """exp E KL(p(y|x) || p(y)) of a classifier's logits (n, k): 1 to k (Salimans 2016)."""
    log_p = logits - logits.max(1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
    p = np.exp(log_p)
    return float(np.exp((p * (log_p - np.log(p.mean(0)))).sum(1).mean()))


def confident(logits: np.ndarray, level: float) -> np.ndarray:
    """Where a classifier's logits (n, k) give a class at least the probability `level`, boolean (n,)."""
    rest = np.exp(logits - logits.max(1, keepdims=True)).sum(1)
    return 1 / rest >= level


def stacked_modes(digits: np.ndarray) -> tuple[int, float]:
    """Of the 1,000 triples those that digits (n, 3) reach, and KL in nats of theirs from uniform."""
    counts = np.bincount(digits @ [100, 10, 1], minlength=1000)
    share = counts[counts > 0] / counts.sum()
    return int((counts > 0).sum()), float((share * np.log(share * 1000)).sum())


def information_q(mean: np.ndarray, sd: np.ndarray, seed: int = 0) -> float:
    """I_q(x;z) in nats of an encoder's Gaussians, means and sds (n,d), each x as likely as another.

    Monte Carlo of E log q(z|x) - log q(z), q(z) being the mixture of the n Gaussians, one draw from
    each: the information about which of the n pictures it was, so never more than log n.
    """
    mean, sd = np.asarray(mean, float), np.asarray(sd, float)
    z = mean + sd * np.random.default_rng(seed).standard_normal(mean.shape)
    weight, scale = 1 / sd**2, np.log(sd).sum(1)
    constant = (mean**2 * weight).sum(1) / 2 + scale
    ratios = []
    for start in range(0, len(z), _CHUNK):
        part = z[start : start + _CHUNK]
        # log density of each draw under each Gaussian, up to the constant that cancels
        log_q = part @ (mean * weight).T - (part**2) @ weight.T / 2 - constant
        log_conditional = log_q[np.arange(len(part)), start + np.arange(len(part))]
        top = log_q.max(1)
        log_marginal = top + np.log(np.exp(log_q - top[:, None]).mean(1))
        ratios.append(log_conditional - log_marginal)
    return float(np.concatenate(ratios).mean())


def information_p(z: np.ndarray, z_rec: np.ndarray) -> float:
    """A lower bound on I_p(x;z) in nats: what E(G(z)) says of z, draws of N(0, I) and codes (n,d).

    Barber and Agakov's bound with a Gaussian around a linear function of the code, fitted to one
    half and asked about the other; exact where z and its code are jointly Gaussian.
    """
    half = len(z) // 2
    codes = np.concatenate([z_rec, np.ones((len(z), 1))], 1)
    fitted, *_ = np.linalg.lstsq(codes[:half], z[:half], rcond=None)
    rest = z - codes @ fitted
    covariance = np.atleast_2d(np.cov(rest[:half], rowvar=False)) + 1e-12 * np.eye(z.shape[1])
    asked = rest[half:]
    squared = (asked @ np.linalg.inv(covariance) * asked).sum(1).mean()
    return float((z.shape[1] - squared - np.linalg.slogdet(covariance)[1]) / 2)


def gaussian_kl(mean: np.ndarray, sd: np.ndarray, true_mean: np.ndarray, true_sd: np.ndarray) -> np.ndarray:
    """KL in nats of N(mean, sd^2) from N(true_mean, true_sd^2), independent dimensions, (n,)."""
    ratio = (sd / true_sd) ** 2
    away = ((mean - true_mean) / true_sd) ** 2
    return 0.5 * (ratio + away - 1 - np.log(ratio)).sum(1)
