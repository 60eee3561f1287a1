"""The family where the truth is known: README's tables of points.   python -m tests.toys writes them there

posterior   linear data, whose posterior is known: KL(q(z|x) || p(z|x)), mean and sd over 3 seeds
modes       ring of 8 and grid of 25 (VEEGAN's protocol: 2,500 samples, within 3 sd), over 5 seeds
"""

import dataclasses
import statistics
import sys
import tempfile
from collections import deque
from pathlib import Path

import torch

from ali_core import data, evaluate, run, sets, train
from ali_core.config import Config
from ali_core.model import Model
from ali_core.problem import Problem, write_beside

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- {}: made by `python -m tests.toys {}` -->", "<!-- end of {} -->"

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
POSTERIORS = (
    "vae",
    "avb",
    "ali",
    "as-vae",
    "conditional-ali",
    "alice",
    "veegan",
    "infovae",
    "gali4",
)
MODES = Config(name="modes", width=256, steps=8_000, cooldown=4_000, lr=5e-4, lr_discriminator=5e-4)


def numbers(config: Config, points: data.Data) -> dict[str, float] | None:
    """Trains and measures; None when the run stopped with a sentence."""
    try:
        progress = deque(train.train(config, points), maxlen=1).pop()
    except Problem as problem:
        print(config.member, config.seed, problem, file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        run.write_checkpoint(Path(folder) / "toy", config, points, progress, 0.0)
        model = Model.load(Path(folder) / "toy")
        entries = evaluate.measure(model, points, n=2_000) | sets.compare(model, points, None)
    return {key: entry["value"] for key, entry in entries.items()}


def over_seeds(config: Config, seeds: int) -> list[dict[str, float]]:
    """One run for each seed, those that did not stop."""
    points = data.load(config.data)
    found = [numbers(dataclasses.replace(config, seed=seed), points) for seed in range(seeds)]
    return [one for one in found if one]


def cell(found: list[dict[str, float]], key: str, form: str) -> str:
    """Mean and sd of a number."""
    values = [one[key] for one in found if key in one]
    if not values:
        return "stopped"
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{form.format(statistics.mean(values))} ± {form.format(spread)}"


def posterior() -> str:
    """Markdown: how near each member comes to the posterior that made the data."""
    lines = [
        "| member | KL from the true posterior, nats | sd of q(z\\|x) | I_q, nats |",
        "|---|---|---|---|",
    ]
    for member in POSTERIORS:
        found = over_seeds(dataclasses.replace(LINEAR, member=member), 3)
        cells = [
            cell(found, key, "{:.3f}") for key in ("posterior_kl", "posterior_sd", "information_q")
        ]
        lines.append(f"| `{member}` | " + " | ".join(cells) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def modes(members: tuple[str, ...] = ("ali", "bigan", "alice", "veegan", "gali4")) -> str:
    """Markdown: modes reached and good samples."""
    lines = [
        "| member | ring: modes of 8 | good | grid: modes of 25 | good |",
        "|---|---|---|---|---|",
    ]
    for member in members:
        cells = []
        for toy in ("ring", "grid"):
            found = over_seeds(dataclasses.replace(MODES, member=member, data=toy), 5)
            cells += [cell(found, "modes", "{:.1f}"), cell(found, "good_samples", "{:.1%}")]
        lines.append(f"| `{member}` | " + " | ".join(cells) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


TABLES = {"posterior": posterior, "modes": modes}


def main(names: list[str]) -> None:
    """Makes the named tables (all) and puts each between its marks in README.md."""
    torch.set_num_threads(1)
    for name in names or TABLES:
        table = TABLES[name]()
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        begin, end = BEGIN.format(name, name), END.format(name)
        before, after = text.split(begin)[0], text.split(end)[1]
        write_beside(ROOT / "README.md", f"{before}{begin}\n\n{table}\n\n{end}{after}".encode())


if __name__ == "__main__":
    main(sys.argv[1:])
