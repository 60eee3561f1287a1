"""What a training run is: one frozen dataclass, the presets, and the command line's key=value.

A line a field and a row a preset, which make it as long as it is.
"""

import dataclasses
import difflib
import inspect
import io
import math
import re
import tokenize
from dataclasses import dataclass, field
from typing import Any

from .problem import Problem


@dataclass(frozen=True)
class Config:
    """Everything that decides a run's weights, and (last four) how it is kept while it runs.

    labels=FILE on the command line is table=FILE: `labels` is how many a semi-supervised member is shown, and no
    number ends like a file's name, so neither can be taken for the other.
    """

    name: str = ""  # folder under checkpoints/ and .runs/; "" = DATA-MEMBER
    member: str = "ali"  # a row of family.FAMILY
    weights: dict[str, float] = field(default_factory=dict)  # weights.TERM=…: replaces the row's
    slack: dict[str, float] = field(default_factory=dict)  # slack.TERM=…: a constraint, term <= …
    data: str = "grid"  # a set's name, a toy, a folder, an .npz, or hf:NAME
    table: str = ""  # beside a folder: a CSV, an .npz or CelebA's list, labels for every picture
    prior: str = ""  # translation: a second data set, whose pictures are z; "" = N(0, I)
    domains: str = "A, B"  # translation: what people call x's pictures and z's
    pairs: int = 0  # translation: true pairs (x, z) that training is shown, where the data have them
    size: int = 0  # pixels a side: 28, 32, 48, 64 or 128; 0 = as the data has it
    channels: int = 0  # 1 or 3; 0 = as the data has it
    frame: str = ""  # of a folder or hf: "face" = each picture's largest face alone, see data.faces; "" = the middle
    start: str = ""  # a checkpoint's folder, whose networks training begins with; "" = random ones
    latent: int = 2  # dimensions of z
    width: int = 128  # channels of the first convolution, or units of an MLP's layers
    net: str = "small"  # or "patches", or a paper's own, see paper.NETS and perceptrons.NETS
    norm: str = "group"  # of encoder and decoder of pictures: "group" or "batch"
    batch: int = 256  # pictures a step, over all processes together
    steps: int = 2_000  # how many steps to train
    lr: float = 1e-3  # Adam's, of encoder and decoder
    lr_discriminator: float = 1e-3  # Adam's, of the discriminators
    lr_multipliers: float = 1e-3  # of the constraints' coefficients, where a member has constraints
    beta1: float = 0.5  # Adam's decay of the gradient's mean
    beta2: float = 0.999  # Adam's decay of its square
    l2: float = 0.0  # weight decay: half of it times every weight's square is in the loss
    cooldown: int = 0  # last steps, over which both learning rates fall linearly to 0
    ema: float = 0.999  # decay of the averaged encoder and decoder
    r1: float = 0.0  # weight of D's squared gradient, in place of spectral norm; 0 = spectral norm
    r1_every: int = 1  # R1 is in the loss of every so-manieth step, with so many times its weight
    sines: float = 0.0  # points: D also sees sines of x of up to so many radians per unit; 0 = none
    sd: float = 0.1  # of the decoder's Gaussian p(x|z), in units of the data, where a term needs it
    decoder_noise: bool = False  # x_tilde is drawn from p(x|z), not its mean
    flip: bool = False  # every other picture, by chance, is shown mirrored left to right
    labels: int = 100  # labelled training examples of a semi-supervised member, shared by the classes
    seed: int = 0  # everything drawn derives from it
    precision: str = "no"  # "no" (float32) or "bf16", where the machine has it: see train.precision
    compile: bool = False  # torch.compile the networks
    save_every: int = 500  # steps between two saved states
    picture_every: int = 500  # steps between two pictures


# Fields that may differ when a run is resumed: they do not touch the weights (`steps` with care: see
# train.resume).
KEEPING = ("steps", "cooldown", "domains", "compile", "save_every", "picture_every")

_FASHION = {
    "data": "fashion-mnist",
    "latent": 64,
    "width": 32,
    "batch": 64,
    "steps": 16_000,
    "lr": 3e-4,
    "lr_discriminator": 2e-4,
    "cooldown": 6_000,
    "precision": "bf16",
}

_WIDE = _FASHION | {"latent": 16, "width": 48, "norm": "batch", "r1": 0.1}

# latent: length of the code that sees the whole picture
_TRANSLATION = {
    "latent": 128,
    "width": 32,
    "batch": 32,
    "steps": 6_000,
    "cooldown": 3_000,
    "lr": 3e-4,
    "lr_discriminator": 2e-4,
    "precision": "bf16",
}

_SPRITES = {
    "data": "sprites",
    "latent": 64,
    "width": 24,
    "norm": "batch",
    "batch": 32,
    "steps": 8_000,
    "lr": 1e-3,
    "cooldown": 4_000,
    "precision": "bf16",
}

# Adam's beta2: the paper's 10^-3 is 1 - beta2, as its library counted then; no averaged weights
_PAPER = {
    "member": "ali",
    "channels": 3,
    "latent": 256,
    "batch": 100,
    "lr": 1e-4,
    "lr_discriminator": 1e-4,
    "beta1": 0.5,
    "beta2": 0.999,
    "ema": 0.0,
}

PRESETS: dict[str, dict] = {
    # judged on training pictures: batch norm, a latent of 16 instead of 64, and R1 and R2 instead of spectral norm
    # each take a fifth to a third off the reconstruction error
    "fashion-ali": _WIDE | {"member": "ali", "r1": 0.3, "steps": 20_000, "cooldown": 8_000},
    "fashion-alice": _FASHION | {"member": "alice", "steps": 13_000},
    "fashion-bigan": _WIDE | {"member": "bigan", "batch": 256, "steps": 10_500, "cooldown": 4_000},
    "fashion-gali4": _WIDE | {"member": "gali4", "batch": 128, "steps": 7_000, "cooldown": 4_000},
    "fashion-galimix": _WIDE | {"member": "gali-mix", "steps": 11_500, "cooldown": 6_000},
    "fashion-infovae": _FASHION | {"member": "infovae", "lr": 1e-3, "steps": 8_000, "cooldown": 2_000},
    "fashion-vae": _FASHION | {"member": "vae", "lr": 1e-3, "steps": 8_000, "cooldown": 2_000},
    "edges-fashion": _TRANSLATION
    | {"data": "edges-fashion", "domains": "edges, garments", "member": "alice-cycles"}
    | {"batch": 128, "steps": 7_000, "cooldown": 3_500},
    "mnist-transpose": _TRANSLATION
    | {"data": "mnist-transpose", "domains": "digits, transposed digits"}
    | {"member": "triangle", "pairs": 100},
    "turn-sprites": _TRANSLATION
    | {"data": "data/lpcturn64.npz", "domains": "facing down, facing left"}
    | {"member": "triangle", "pairs": 1_000, "width": 24, "steps": 5_000, "cooldown": 2_500},
    "mnist-conditional": _FASHION
    | {"member": "conditional-alice", "data": "mnist", "latent": 32, "steps": 10_000}
    | {"cooldown": 4_000},
    # `python -m ali_core sprites` makes the data. 20 minutes of each: plain ALI collapses; ALICE with both
    # cycles keeps colours and pose, but D stands at guessing; InfoVAE's reconstructions are whole
    "sprites": _SPRITES | {"member": "infovae", "lr": 5e-4, "steps": 12_000, "cooldown": 6_000},
    # InfoVAE's KL is 235 nats, and draws of the prior fall between its codes; with a KL weight of 20 the KL falls to
    # 40 nats, and samples are whole, for 1.6 times the error
    "sprites-beta": _SPRITES
    | {"member": "beta-vae", "weights": {"kl": 20.0}}
    | {"batch": 128, "steps": 13_500, "cooldown": 6_500},
    # with a KL weight of 1, z holds what y says: a KL of 125 nats after 3,000 steps
    "sprites-conditional": _SPRITES
    | {"member": "conditional-vae", "weights": {"kl": 300.0}}
    | {"batch": 128, "steps": 16_500, "cooldown": 8_000},
    # BiGAN's own nets, latent, rates and length, 400 times through the digits; l2 is twice its 2.5e-5, as the
    # losses are twice its own
    "mnist-bigan": {"member": "bigan", "data": "mnist", "net": "bigan-mnist", "latent": 50}
    | {"batch": 128, "lr": 2e-4, "lr_discriminator": 2e-4, "l2": 5e-5, "precision": "bf16"}
    | {"steps": 187_500, "cooldown": 93_750},
    # ALI's own for 25 Gaussians: its beta1 of 0.8 is 1 - beta1; its encoder's noise is inside of the net
    "grid-paper": {"member": "bigan", "data": "grid", "net": "ali-toy", "batch": 100}
    | {"lr": 1e-4, "lr_discriminator": 1e-4, "beta1": 0.2, "ema": 0.0, "steps": 200_000},
    # the ALI paper's own nets and settings; they wait for a GPU
    "ali-svhn": _PAPER | {"net": "ali-svhn", "data": "data/svhn", "size": 32, "steps": 531_000},
    "ali-cifar10": _PAPER
    | {"net": "ali-cifar10", "data": "hf:uoft-cs/cifar10", "size": 32, "latent": 64}
    | {"steps": 2_913_750},
    "ali-celeba": _PAPER | {"net": "ali-celeba", "data": "data/celeba", "size": 64, "steps": 200_000},
    "ali-imagenet": _PAPER
    | {"net": "ali-imagenet", "data": "data/imagenet64", "size": 64, "batch": 128}
    | {"steps": 1_251_000},
    "grid-ali": {"member": "ali", "data": "grid"},
    "grid-alice": {"member": "alice", "data": "grid"},
    "grid-vae": {"member": "vae", "data": "grid"},
}

_BOUNDS = {
    "latent": (1, 4096),
    "width": (1, 4096),
    "batch": (2, 1 << 20),
    "steps": (0, math.inf),
    "lr": (0.0, 1.0),
    "lr_discriminator": (0.0, 1.0),
    "lr_multipliers": (0.0, 1.0),
    "beta1": (0.0, 0.9999999),
    "beta2": (0.0, 0.9999999),
    "l2": (0.0, 1.0),
    "cooldown": (0, math.inf),
    "ema": (0.0, 0.9999999),
    "r1": (0.0, 1e6),
    "r1_every": (1, 1024),
    "sines": (0.0, 1e6),
    "sd": (1e-6, 1e6),
    "labels": (1, math.inf),
    "pairs": (0, math.inf),
    "seed": (0, 2**31 - 1),
    "save_every": (1, math.inf),
    "picture_every": (1, math.inf),
}
_CHOICES = {
    "size": (0, 28, 32, 48, 64, 128),
    "channels": (0, 1, 3),
    "frame": ("", "face"),
    "precision": ("no", "bf16"),
    "norm": ("group", "batch"),
}


def parse(argv: list[str]) -> Config:
    """Reads `preset=NAME key=value …` into a Config; later words win.

    Raises Problem for an unknown preset or field and for a value that does not fit its field.
    """
    return complete(values(argv))


def values(argv: list[str]) -> dict:
    """The fields that `preset=NAME key=value …` gives, later words winning; see `parse`."""
    given: dict = {}
    for word in argv:
        key, equals, text = word.partition("=")
        if not equals:
            raise Problem(f"«{word}» is not of the form key=value; for example steps=1000.")
        if key == "preset":
            if text not in PRESETS:
                raise Problem(f"There is no preset «{text}»; there are: {', '.join(PRESETS)}.")
            given = {"name": text} | PRESETS[text]
        elif (group := key.partition(".")[0]) in ("weights", "slack") and "." in key:
            term = key.partition(".")[2]
            given[group] = given.get(group, {}) | {term: _read(key, float, text)}
        elif key == "labels" and re.search(r"\.[a-z]+$", text):
            given["table"] = text  # a file, and no number of labels: see Config.table
        else:
            given[key] = _read(key, _type(key), text)
    return given


def complete(given: dict) -> Config:
    """The Config of these fields, named after its data and member where no name is given."""
    config = Config(**given)
    return config if config.name else dataclasses.replace(config, name=_default_name(config))


def says() -> dict[str, str]:
    """What each field is, in the words beside its declaration. -> one line per field"""
    text, sentences, name = inspect.getsource(Config), {}, ""
    for line in tokenize.generate_tokens(io.StringIO(text).readline):
        if line.type == tokenize.NAME and (field := re.match(r"    (\w+): ", line.line)):
            name = field[1]
        elif line.type == tokenize.COMMENT and name:
            sentences[name] = f"{sentences[name]} {line.string[2:]}" if name in sentences else line.string[2:]
    return sentences


def check(config: Config) -> Config:
    """Returns `config` when every field is within its bounds; raises Problem that names the first that is not."""
    for key, (low, high) in _BOUNDS.items():
        if not low <= getattr(config, key) <= high:  # also refuses NaN
            raise Problem(f"{key}={getattr(config, key)} is outside {low} to {high}.")
    for key, choices in _CHOICES.items():
        if getattr(config, key) not in choices:
            raise Problem(f"{key}={getattr(config, key)} is not one of {', '.join(map(str, choices))}.")
    if len(domains := config.domains.split(",")) != 2 or not all(map(str.strip, domains)):
        raise Problem(f"domains={config.domains!r} must be two names with a comma between them.")
    for term, weight in config.weights.items():
        if not 0 <= weight < math.inf:
            raise Problem(f"weights.{term}={weight} must be a number that is not negative.")
    for term, slack in config.slack.items():
        if not math.isfinite(slack):
            raise Problem(f"slack.{term}={slack} must be a number.")
    if config.compile and config.r1:
        raise Problem(
            "compile=true and r1 do not go together: r1 asks for a gradient of D's gradient, which torch.compile "
            "does not give; take compile=false, or r1=0 (spectral norm)."
        )
    if not config.name or set(config.name) & set('/\\:*?"<>|') or config.name.startswith("."):
        raise Problem(f"name={config.name!r} cannot be the name of a folder; use letters, digits, -.")
    return config


def _default_name(config: Config) -> str:
    stem = config.data.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return f"{stem.replace(':', '-')}-{config.member}"


def _type(key: str) -> type:
    types: dict[str, Any] = {f.name: f.type for f in dataclasses.fields(Config) if f.name not in ("weights", "slack")}
    if key not in types:
        near = difflib.get_close_matches(key, types, 1)
        hint = f" Did you mean {near[0]}?" if near else f" Fields: {', '.join(types)}."
        raise Problem(f"There is no field «{key}».{hint}")
    return types[key]


def _read(key: str, kind: type, text: str):
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise Problem(f"{key}={text} must be true or false.")
        return text.lower() == "true"
    try:
        return kind(text.replace("_", "")) if kind in (int, float) else text
    except ValueError:
        expected = "a whole number" if kind is int else "a number"
        raise Problem(f"{key}={text} must be {expected}.") from None
