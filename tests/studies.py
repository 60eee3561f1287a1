"""The tables of ali_core/family/README.md, each made by training anew.   python -m tests.studies [NAME …]

posterior    linear data, whose posterior is known: how far is q(z|x) from it?
modes        ring of 8 and grid of 25 (VEEGAN's protocol: 2,500 samples, within 3 sd)
information  information against consistency: InfoVAE's grid, and LagVAE at both ends
gali         pictures with the same nets, learning rates and samples seen: what do more tuples bring?
mnist        ALI against ALICE, and what their codes know of the class
labels       ALI's K + 1 discriminator with 100 labels, over five draws of them
pairs        digits and transposed ones: what do a few true pairs bring, and which member?
stacked      three digits in three channels: how many of the 1,000 triples?

A finished run is kept in .runs/studies, so that a table goes on where it was stopped.
"""

import argparse
import dataclasses
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import torch

from ali_core.config import Config, parse
from ali_core.data import datasets
from ali_core.files import write_beside
from ali_core.measure import means, sets, translation
from ali_core.models import release
from ali_core.models.model import Model
from ali_core.problem import Problem
from ali_core.training import loop

ROOT = Path(__file__).parents[1]
README = ROOT / "ali_core" / "family" / "README.md"
KEPT = ROOT / ".runs" / "studies"
BEGIN, END = "<!-- {}: made by `python -m tests.studies {}` -->", "<!-- end of {} -->"


class Study(NamedTuple):
    """Rows of configs, trained with seeds 0 …, and the measures that stand in the columns."""

    rows: dict[str, Config]
    columns: dict[str, tuple[str, str]]  # title: measure, format
    seeds: int = 1
    held_out: int = 2_000  # examples it is measured on
    samples: int = 0  # instead of which it counts in so many samples


def of(base: Config, *members: str, **more) -> dict[str, Config]:
    """A row per member."""
    return {f"`{m}`": dataclasses.replace(base, member=m, **more) for m in members}


LINEAR = Config(
    name="linear",
    data="linear",
    latent=1,
    width=32,
    steps=4_000,
    cooldown=2_000,
    lr=2e-3,
    lr_discriminator=2e-3,
    sd=0.5,
    decoder_noise=True,
)
MODES = Config(name="modes", width=128, steps=4_000, cooldown=2_000)
# half a wave in ten standard deviations of a mode
WAVES = {"ring": 30.0, "grid": 10.0}
INFORMATION = Config(name="information", data="grid", width=64, steps=3_000, cooldown=1_500, sd=0.2)
PICTURES = Config(
    name="pictures",
    data="fashion-mnist",
    latent=16,
    width=16,
    norm="batch",
    batch=64,
    steps=1_500,
    cooldown=750,
    lr=3e-4,
    lr_discriminator=2e-4,
    precision="bf16",
)
MNIST = dataclasses.replace(PICTURES, data="mnist")
# as long as eight minutes of a GPU that ran fifteen others
DIGITS = dataclasses.replace(MNIST, width=32, r1=0.1)

STACKED = dataclasses.replace(MNIST, data="stacked-mnist", width=32)

TRANSPOSE = dataclasses.replace(parse(["preset=mnist-transpose"]), width=16, steps=2_000, cooldown=1_000, pairs=0)

SAMPLES = {"modes": ("modes", "{:.1f}"), "good": ("good_samples", "{:.1%}")}
STUDIES = {
    "posterior": Study(
        of(
            LINEAR,
            "vae",
            "avb",
            "ali",
            "as-vae",
            "alice",
            "veegan",
            "infovae",
            "gali4",
        ),
        {
            "KL from the true posterior, nats": ("posterior_kl", "{:.4f}"),
            "sd of q(z\\|x)": ("posterior_sd", "{:.3f}"),
            "I_q, nats": ("information_q", "{:.2f}"),
        },
        seeds=3,
    ),
    "modes": Study(
        {
            f"{toy}, {name}": dataclasses.replace(MODES, data=toy, **more)
            for toy in ("ring", "grid")
            for name, more in (
                ("`ali`", {}),
                ("`ali`, r1 and sines", {"r1": 0.01, "sines": WAVES[toy]}),
            )
        }
        | {
            # the paper's rates; averaged weights and a cooldown are ours
            "grid, ALI's own nets": parse(["preset=grid-paper", "steps=40000", "cooldown=25000", "ema=0.999"])
        },
        SAMPLES,
        seeds=5,
        samples=sets.POINTS,
    ),
    "information": Study(
        {
            f"InfoVAE, KL x {kl:g}, MMD x {mmd:g}": dataclasses.replace(
                INFORMATION, member="infovae", weights={"kl": kl, "mmd": mmd}
            )
            for kl in (1.0, 0.3, 0.1)
            for mmd in (0.0, 10.0, 100.0)
        }
        | {
            "LagVAE, most information": dataclasses.replace(
                INFORMATION,
                member="lagvae",
                lr_multipliers=1e-2,
                slack={"consistency": 6.0, "mmd": 0.002},
            ),
            "LagVAE, least information": dataclasses.replace(
                INFORMATION,
                member="lagvae",
                weights={"nll": 0.0, "kl": 1.0},
                lr_multipliers=1e-2,
                slack={"consistency": 6.0, "mmd": 0.002},
            ),
        },
        {"I_q, nats": ("information_q", "{:.2f}"), "−ELBO, nats": ("negative_elbo", "{:.2f}")},
    ),
    "gali": Study(
        of(PICTURES, "ali", "alice", "gali4", "gali8", "gali-pt", "gali-mix"),
        {
            "reconstruction MSE": ("reconstruction_mse", "{:.4f}"),
            "in features": ("feature_mse", "{:.2f}"),
            "class kept": ("class_kept", "{:.1%}"),
            "1-NN of codes": ("nn_accuracy", "{:.1%}"),
            "holes, MSE": ("inpainting_mse", "{:.4f}"),
            "Fréchet": ("frechet", "{:.0f}"),
        },
        seeds=2,
    ),
    "mnist": Study(
        of(DIGITS, "ali", steps=20_500, cooldown=10_000)
        | of(DIGITS, "alice", steps=17_500, cooldown=8_500, weights={"reconstruction": 2.0})
        | of(DIGITS, "vae", steps=31_500, cooldown=15_500, batch=128, lr=1e-3, r1=0.0)
        | {"`bigan`, its paper's nets": parse(["preset=mnist-bigan", "steps=32000", "cooldown=20000"])},
        {
            "classifier score of samples": ("inception_score", "{:.3f}"),
            "reconstruction MSE": ("reconstruction_mse", "{:.4f}"),
            "class kept": ("class_kept", "{:.1%}"),
            "1-NN of codes": ("nn_accuracy", "{:.2%}"),
            "of E's last hidden layer": ("nn_accuracy_hidden", "{:.2%}"),
        },
        held_out=10_000,
    ),
    "labels": Study(
        of(MNIST, "semi-supervised", steps=2_500, cooldown=1_000),
        {"held-out digits named right": ("class_named", "{:.2%}")},
        seeds=5,
        held_out=10_000,
    ),
    "pairs": Study(
        of(TRANSPOSE, "bigan", "cyclegan", "alice-cycles")
        | {
            f"`triangle`, {pairs:,} pairs": dataclasses.replace(TRANSPOSE, member="triangle", pairs=pairs)
            for pairs in (10, 100, 1_000)
        },
        {
            "class kept, there": ("there_class", "{:.1%}"),
            "back": ("back_class", "{:.1%}"),
            "MSE": ("there_mse", "{:.4f}"),
            "copied": ("there_mse_copy", "{:.4f}"),
            "nearest": ("there_mse_neighbour", "{:.4f}"),
            "SSIM": ("there_ssim", "{:.3f}"),
            "round trip, MSE": ("there_cycle", "{:.4f}"),
        },
        held_out=10_000,
    ),
    "stacked": Study(
        of(STACKED, "ali", steps=10_500, cooldown=5_000, width=48, batch=256, r1=0.1)
        | of(STACKED, "alice", steps=16_000, cooldown=8_000),
        {"of 1,000 modes": ("modes", "{:.0f}"), "KL, nats": ("modes_kl", "{:.2f}")},
        samples=sets.TRIPLES,
    ),
}


def numbers(config: Config, held_out: int) -> dict[str, float] | None:
    """Trains and measures, or reads what was; None when the run stopped with a sentence."""
    # what is at its default is left out: a field that comes later leaves finished runs as they are
    changed = {k: v for k, v in vars(config).items() if v != getattr(Config(), k)}
    said = json.dumps([changed, held_out], sort_keys=True)
    path = KEPT / f"{hashlib.sha256(said.encode()).hexdigest()[:16]}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    points, start = datasets.load(config.data), time.monotonic()
    try:
        progress = deque(loop.train(config, points), maxlen=1).pop()
    except Problem as problem:
        print(config.member, config.seed, problem, file=sys.stderr)
        progress, values = None, None
    if progress:
        with tempfile.TemporaryDirectory() as folder:
            release.write_checkpoint(Path(folder) / "it", config, points, progress, 0.0)
            model, judge = Model.load(Path(folder) / "it"), means.judge(points)
            if model.domains:
                judges = judge, means.judge(points.prior)
                entries = translation.measure(model, points, judges, held_out)
            else:
                entries = means.measure(model, points, judge, held_out)
                entries |= sets.compare(model, points, judge, held_out)
        values = {key: entry["value"] for key, entry in entries.items()}
    write_beside(path, json.dumps(values).encode())
    print(f"{time.monotonic() - start:5.0f} s  {config.data} {config.member}", file=sys.stderr)
    return values


def cell(measured: list[dict[str, float]], key: str, form: str) -> str:
    """A number, or the mean and sd of several."""
    values = [one[key] for one in measured if key in one]
    if len(values) < 2:
        return form.format(values[0]) if values else "–"
    return f"{form.format(statistics.mean(values))} ± {form.format(statistics.stdev(values))}"


def table(study: Study) -> str:
    """Markdown: a row per config, a sentence on what it was trained with."""
    lines = head(study)
    for name, config in study.rows.items():
        runs = [numbers(dataclasses.replace(config, seed=seed), study.held_out) for seed in range(study.seeds)]
        measured = [one for one in runs if one]
        stopped = f" ({len(runs) - len(measured)} of {len(runs)} stopped: D had won)"
        cells = [cell(measured, key, form) for key, form in study.columns.values()]
        name += stopped if len(measured) < len(runs) else ""
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", settings(study)])


def head(study: Study) -> list[str]:
    """The first two lines of its table."""
    return ["| | " + " | ".join(study.columns) + " |", "|---" * (len(study.columns) + 1) + "|"]


def settings(study: Study) -> str:
    """What it was trained with and measured on, a sentence."""
    kept = {(c.steps, c.batch, c.width, c.latent) for c in study.rows.values()}
    steps, batch, width, latent = min(kept)
    said = f"{steps:,} steps of {batch}, width {width}, latent {latent}"
    if len(kept) > 1:
        said = f"{steps:,} to {max(kept)[0]:,} steps, each row's settings in `tests/studies.py`"
    seeds = f"mean ± sd over {study.seeds} seeds" if study.seeds > 1 else "one seed"
    measured = f"measured on {study.held_out:,} held-out examples"
    if study.samples:
        measured = f"counted in {study.samples:,} samples"
    return f"{said}, {seeds}; {measured}."


def drawing(study: Study) -> str:
    """An SVG of a study's first measure (across) against its second (up), a dot per row."""
    (across, (x, _)), (up, (y, _)) = study.columns.items()
    measured = {name: numbers(config, study.held_out) for name, config in study.rows.items()}
    dots = {name: (one[x], one[y]) for name, one in measured.items() if one}
    lows, highs = ([limit(v[i] for v in dots.values()) for i in (0, 1)] for limit in (min, max))

    def at(dot: tuple[float, float]) -> tuple[float, float]:
        share = [(v - a) / (b - a) for v, a, b in zip(dot, lows, highs, strict=True)]
        return 60 + 380 * share[0], 250 - 210 * share[1]

    marks, labels = [], []
    for name, dot in dots.items():
        (left, top), lag = at(dot), name.startswith("LagVAE")
        colour, side = ("#D55E00", 5) if lag else ("#0072B2", 3.5)
        marks.append(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="{side}" fill="{colour}"/>')
        label = name.removeprefix("InfoVAE, ")
        if not lag and any(abs(left - a) < 90 and abs(top - b) < 12 for a, b in labels):
            continue  # dots that coincide share the first one's label
        labels.append((left, top))
        marks.append(f'<text x="{left + 7:.1f}" y="{top + 4:.1f}" fill="{colour}">{label}</text>')
    ticks = [
        f'<text x="60" y="275">{lows[0]:.2f}</text><text x="420" y="275">{highs[0]:.2f}</text>',
        f'<text x="8" y="250">{lows[1]:.2f}</text><text x="8" y="46">{highs[1]:.2f}</text>',
        f'<text x="200" y="290">{across}</text><text x="8" y="20">{up}</text>',
        '<path d="M55 30V258H470" fill="none" stroke="#888"/>',
    ]
    style = "svg{background:#fff;font:11px sans-serif;fill:#444}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 300"><style>{style}</style>'
        + "".join(ticks + marks)
        + "</svg>"
    )


def main(names: list[str]) -> None:
    """Makes the named tables (all), prints them, and puts each between its marks."""
    torch.set_num_threads(1)
    for name in names or STUDIES:
        markdown = table(STUDIES[name])
        print(markdown)
        if name == "information":
            picture = ROOT / "app" / "screens" / "information.svg"
            write_beside(picture, drawing(STUDIES[name]).encode())
        text = README.read_text(encoding="utf-8")
        begin, end = BEGIN.format(name, name), END.format(name)
        before, after = text.split(begin)[0], text.split(end)[1]
        write_beside(README, f"{before}{begin}\n\n{markdown}\n\n{end}{after}".encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of those above; none: all")
    asked = parser.parse_args().names
    if unknown := set(asked) - set(STUDIES):
        parser.error(f"no study is called {', '.join(sorted(unknown))}; there are {', '.join(STUDIES)}")
    main(asked)
