"""Held-out examples before a model: codes, reconstructions and features, each computed once for all measures."""

import io
import json
from functools import cached_property
from pathlib import Path

import numpy as np

from ali_core.data.dataset import Data
from ali_core.files import write_beside
from ali_core.models.model import Model
from ali_core.nets import imagenet
from ali_core.nets.judge import RUNS, Classifier, fingerprint, per_factor

from . import metrics
from .measures import MEASURES, ceiling
from .row import entry

INFORMATION = 2_000  # pictures among which I_q is estimated
PERCEIVED = 2_000  # pairs of pictures whose perceptual distance is taken: ImageNet's nets are slow
CANDIDATES = 8  # pictures of which a reconstruction is to find its own
SAMPLES = 10_000  # pictures drawn from the prior, where all held-out ones are compared to them
ROOM = 50_000_000  # numbers that pixels in memory may be: 60,000 pictures of 28 x 28
TRUE = "; networks told the true class"
GUESSED = "; networks told the class that the classifier gives x"


class Held:
    """The first n held-out examples before a model, a classifier, an ImageNet net (or None) and draws of `seed`.

    condition: the classes that a conditional model is given, int (n, k): the true ones, unless others are given;
    None for other models. runs: the folder that keeps what depends on the data alone.
    """

    def __init__(
        self,
        model: Model,
        data: Data,
        judge: Classifier | None,
        n: int,
        seed: int,
        condition: np.ndarray | None = None,
        eyes: imagenet.Eyes | None = None,
        runs: Path = RUNS,
    ):
        self.model, self.data, self.judge, self.seed = model, data, judge, seed
        self.eyes, self.runs = eyes, runs
        self.x, self.y = data.x_test[:n], data.y_test[:n]
        self.n = len(self.x)
        true = data.y_test[:n] if model.conditional else None
        self.condition = true if condition is None else condition
        self.ends = "" if self.condition is None else TRUE if condition is None else GUESSED
        self.pictures, self.stochastic = self.x.ndim == 4, model.stochastic

    def has(self, needs: str) -> bool:
        """Whether everything that a measure needs is there: names of attributes, with blanks between them."""
        return all(getattr(self, name) is not None and getattr(self, name) is not False for name in needs.split())

    def take(self, key: str) -> dict | None:
        """A measure's {"value", …} of these examples; None where it needs what is not there, or is not taken here."""
        row = MEASURES[key]
        if row.taken is None or not self.has(row.needs):
            return None
        result = row.taken(self)
        result = dict(result) if isinstance(result, dict) else {"value": result}
        value, n, facts = result.pop("value"), result.pop("n", self.n), result.pop("facts", {})
        facts |= {"by": self.model.latent, "net": imagenet.NAME, "side": imagenet.SIDE}
        says = row.says.format(prior=self.prior, apart=self.prior * 2**0.5, **facts)
        if row.unit:
            result["unit"] = row.unit
        return entry(value, says + ("" if row.whole else self.ends), n, self.seed, **result)

    @cached_property
    def truth(self) -> np.ndarray:
        """The examples in the decoder's range: pictures float32 in [0, 1]."""
        return self.x.astype(np.float32) / 255 if self.x.dtype == np.uint8 else self.x

    @cached_property
    def _posterior(self) -> tuple[np.ndarray, np.ndarray]:
        return self.model.posterior(self.x, self.condition)

    @property
    def mean(self) -> np.ndarray:
        """The codes' means, (n, d)."""
        return self._posterior[0]

    @property
    def sd(self) -> np.ndarray:
        """The codes' standard deviations, (n, d)."""
        return self._posterior[1]

    @cached_property
    def reconstructions(self) -> np.ndarray:
        """G of the codes' means, (n, h, w, c) or (n, 2)."""
        return self.model.decode(self.mean, self.condition)

    @cached_property
    def drawn(self) -> np.ndarray:
        """A code drawn for each, (n, d)."""
        return self.model.draw(self.x, 1, self.seed, self.condition)[0] if self.stochastic else self.mean

    @cached_property
    def others(self) -> np.ndarray:
        """For each example another one's number: a cyclic shift of a random order."""
        order = np.random.default_rng(self.seed).permutation(self.n)
        others = np.empty_like(order)
        others[order] = np.roll(order, 1)
        return others

    @cached_property
    def moments(self) -> dict[str, float]:
        """Of the mean codes: see metrics.against_prior."""
        return metrics.against_prior(self.mean)

    @property
    def prior(self) -> float:
        """The mean length of a draw of the prior."""
        return self.moments["prior_norm"]

    @cached_property
    def joint(self) -> bool:
        """Whether a discriminator scores pairs (x, z)."""
        y = None if self.condition is None else self.condition[:1]
        return self.model.score(self.x[:1], self.drawn[:1], y) is not None

    @cached_property
    def named(self) -> np.ndarray | None:
        """The classes that the discriminator names; None where it names none."""
        return self.model.classify(self.x)

    @cached_property
    def _judged_reconstructions(self) -> tuple[np.ndarray, np.ndarray]:
        return self.judge.look(self.reconstructions)

    @cached_property
    def _judged(self) -> tuple[np.ndarray, np.ndarray]:
        return self.judge.look(self.x)

    @property
    def reconstruction_features(self) -> np.ndarray:
        """The classifier's features of the reconstructions, (n, 128)."""
        return self._judged_reconstructions[0]

    @property
    def features(self) -> np.ndarray:
        """The classifier's features of the examples, (n, 128)."""
        return self._judged[0]

    @property
    def reconstruction_verdict(self) -> np.ndarray:
        """The classes of the reconstructions, by the classifier, (n, k)."""
        return self.judge.decide(self._judged_reconstructions[1])

    @property
    def verdict(self) -> np.ndarray:
        """The classes of the examples, by the classifier, (n, k)."""
        return self.judge.decide(self._judged[1])

    @cached_property
    def guessed(self) -> "Held | None":
        """The same for a conditional model that is given the classifier's verdict, not the true classes; None for others."""
        if self.judge is None or not self.model.conditional:
            return None
        return Held(self.model, self.data, self.judge, self.n, self.seed, self.verdict)

    def shares(self, right: np.ndarray) -> dict:
        """The share of what is right, boolean (n, k), with each factor's where there are several."""
        shares = {"factors": per_factor(self.data, right)} if self.data.factors else {}
        return {"value": right.mean()} | shares

    def information_q(self) -> dict:
        """I_q among the first INFORMATION examples, and what it says."""
        few = min(INFORMATION, self.n)
        value = metrics.information_q(self.mean[:few], self.sd[:few], self.seed)
        return {"value": value, "n": few, "facts": ceiling(value, few)}

    def information_p(self) -> float:
        """I_p, at least, by codes of the prior and what E makes of their pictures."""
        z = self.model.prior(self.n, self.seed)
        codes = self.model.encode(self.model.decode(z, self.condition), self.condition)
        return metrics.information_p(z, codes)

    def perceived(self, other: np.ndarray) -> dict:
        """How far the first PERCEIVED pictures and others (n, h, w, c) lie apart in an ImageNet net's features."""
        few = min(PERCEIVED, self.n)
        return {"value": self.eyes.apart(self.truth[:few], other[:few]).mean(), "n": few}

    def identified(self) -> dict:
        """How often, of CANDIDATES pictures, the one nearest to a reconstruction in an ImageNet net's features is its own."""
        few = min(PERCEIVED, self.n)
        real, made = (self.eyes.features(x[:few]) for x in (self.truth, self.reconstructions))
        real, made = (f / np.maximum(np.linalg.norm(f, axis=1, keepdims=True), 1e-12) for f in (real, made))
        rng = np.random.default_rng(self.seed)
        others = np.stack([rng.choice(few - 1, CANDIDATES - 1, replace=False) for _ in range(few)])
        others += others >= np.arange(few)[:, None]  # any but its own
        own = (real * made).sum(1)
        like = np.einsum("nd,nkd->nk", made, real[others])
        return {"value": (own[:, None] > like).all(1).mean(), "n": few}

    def imagenet_frechet(self) -> dict:
        """The distance of samples from the held-out pictures, and how many samples there were."""
        samples = SAMPLES if self.n == len(self.data.x_test) else self.n
        of_samples = moments(self.eyes.features(self.model.sample(samples, self.seed)))
        value = metrics.gaussian_frechet(self.real["mean"], of_samples[0], self.real["covariance"], of_samples[1])
        return {"value": value, "samples": samples}

    @cached_property
    def real(self) -> dict[str, np.ndarray]:
        """Of the held-out pictures' ImageNet features the mean and covariance, and the distance ("floor") from as many
        training pictures; kept in `runs`."""
        path = self.runs / f"{imagenet.VARIANT}-{imagenet.SIDE}-{self.data.name}-{fingerprint(self.data)}-{self.n}.npz"
        if not path.exists():
            held, train = (moments(self.eyes.features(x)) for x in (self.x, self.data.x[: self.n]))
            floor = metrics.gaussian_frechet(held[0], train[0], held[1], train[1])
            file = io.BytesIO()
            np.savez(file, mean=held[0], covariance=held[1], floor=floor)
            write_beside(path, file.getvalue())
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}

    def pca_error(self) -> float:
        """The error of as many principal components as the latent has numbers, fitted to training pictures; kept."""
        latent, shape = self.model.latent, self.data.shape
        some = min(len(self.data.x), ROOM // int(np.prod(shape)))
        stem = f"pca-error-{self.data.name}-{fingerprint(self.data)}"
        path = self.runs / f"{stem}-{self.n}-{some}-{latent}-{self.seed}.json"
        if not path.exists():
            from sklearn.decomposition import PCA

            flat = self.data.x[:some].reshape(some, -1).astype(np.float32) / 255
            pca = PCA(min(latent, *flat.shape), svd_solver="randomized", random_state=self.seed).fit(flat)
            asked = self.truth.reshape(self.n, -1)
            parts = [asked[k : k + some] for k in range(0, self.n, some)]
            errors = [metrics.mse(pca.inverse_transform(pca.transform(part)), part) for part in parts]
            write_beside(path, json.dumps({"mse": float(np.concatenate(errors).mean())}).encode())
        return json.loads(path.read_text(encoding="utf-8"))["mse"]


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of features (n, d), in float64."""
    features = features.astype(float)
    return features.mean(0), np.cov(features, rowvar=False)
