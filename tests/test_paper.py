"""The ALI paper's networks: sizes, output bias, a few steps.   python -m pytest tests/test_paper.py"""

import numpy as np
import pytest
import torch

from ali_core.config import PRESETS, parse
from ali_core.data.dataset import Data
from ali_core.data.toys import toy
from ali_core.nets import paper, perceptrons
from ali_core.problem import Problem
from ali_core.training import loop

# millions of parameters of encoder, decoder, discriminator; SVHN's and CelebA's are the published ones
SIZES = {
    "ali-svhn": (3.3, 1.8, 5.3),
    "ali-cifar10": (3.1, 1.0, 10.4),
    "ali-celeba": (6.8, 11.8, 15.2),
    "ali-imagenet": (7.8, 3.2, 33.0),
}
PAIRS = [(("x", "z"), 2)]


def noise(size: int, n: int = 24) -> Data:
    x = np.random.default_rng(0).integers(0, 200, (n, size, size, 3)).astype(np.uint8)
    y = np.zeros(n, np.int64)
    return Data("noise", x[:-8], y[:-8], x[-8:], y[-8:], ["noise"], "none", "made here")


@pytest.mark.parametrize("name", paper.NETS)
def test_every_net_of_the_paper_has_its_size_and_shapes(name):
    net = paper.NETS[name]
    nets = paper.build(name, (net.size, net.size, 3), net.latent, PAIRS)
    counts = [sum(p.numel() for p in part.parameters()) / 1e6 for part in nets.values()]
    assert tuple(round(count, 1) for count in counts) == SIZES[name]
    x = torch.rand(3, 3, net.size, net.size)
    parameters = nets["encoder"](x)
    assert parameters.shape == (3, 2 * net.latent)
    z = parameters[:, : net.latent]
    decoded = nets["decoder"](z)
    assert decoded.shape == x.shape and 0 < decoded.min() <= decoded.max() < 1
    logits = nets["discriminator0"](x, z)
    assert logits.shape == (3, 2) and (logits[:, 1] == 0).all() and logits[:, 0].std() > 0


def test_the_first_picture_is_the_mean_picture():
    """The output bias is its log-odds, and the first weights are all but nothing (ALI's code)."""
    nets = paper.build("ali-svhn", (32, 32, 3), 256, PAIRS)
    x = torch.rand(50, 3, 32, 32) * torch.linspace(0.2, 1, 32)
    paper.set_output_bias(nets["decoder"], x)
    decoded = nets["decoder"].eval()(torch.randn(4, 256))
    assert (decoded - x.mean(0)).abs().max() < 0.01
    assert decoded[..., 0].mean().item() == pytest.approx(0.1, abs=0.03)
    assert decoded[..., -1].mean().item() == pytest.approx(0.5, abs=0.03)


def test_a_few_steps_and_resuming_with_dropout_is_exact(tmp_path):
    from safetensors.torch import save_file

    config = parse(["preset=ali-svhn", "batch=2", "steps=2"])
    data = noise(32)
    whole = list(loop.train(config, data))[-1]
    part = loop.train(config, data)
    tensors, said = next(part).state()
    save_file(tensors, tmp_path / "state.safetensors", said)
    resumed = list(loop.train(config, data, tmp_path / "state.safetensors"))
    assert len(resumed) == 1
    for name, net in whole.nets.items():
        for key, value in net.state_dict().items():
            assert torch.equal(value, resumed[-1].nets[name].state_dict()[key]), (name, key)
    assert whole.losses == resumed[-1].losses


def test_bigans_nets_have_its_sizes_and_a_uniform_prior():
    """MNIST's, its code: two hidden layers of 1,024 each, no biases; D and G see z in (-1, 1)."""
    nets = paper.build("bigan-mnist", (28, 28, 1), 50, PAIRS)
    hidden = 1024 * 1024
    assert {name: sum(p.numel() for p in net.parameters()) for name, net in nets.items()} == {
        "encoder": 784 * 1024 + hidden + 1024 * 50,
        "decoder": 50 * 1024 + 50 * 1024 + hidden + 1024 * 784,
        "discriminator0": 784 * 1024 + 50 * 1024 + hidden + 1024,
    }
    z = torch.randn(20_000, 50, generator=torch.Generator().manual_seed(0))
    u = perceptrons.Uniform()(z)
    assert u.min() >= -1 and u.max() <= 1 and u.mean().abs() < 0.01
    assert (u.std() - 3**-0.5).abs() < 0.005
    x = nets["decoder"].eval()(z[:5])
    assert x.shape == (5, 1, 28, 28) and 0 < x.min() <= x.max() < 1
    assert nets["encoder"].eval()(x).shape == (5, 50)
    logits = nets["discriminator0"].eval()(x, z[:5])
    assert logits.shape == (5, 2) and (logits == 0).all()  # its last layer starts at 0


def test_bigans_encoder_ends_in_a_sigmoid_between_minus_one_and_one():
    logits = torch.linspace(-10, 10, 50)[None]
    z = perceptrons.Normal()(logits)
    assert torch.allclose(perceptrons.Uniform()(z), 2 * logits.sigmoid() - 1, atol=1e-5)
    assert perceptrons.Normal()(torch.tensor([[-1e4, 1e4]])).abs().max() < 6


def test_bigans_discriminator_norms_real_and_generated_pairs_each_by_themselves():
    """One half's logits do not depend on the other half's pairs."""
    nets = paper.build("bigan-mnist", (28, 28, 1), 50, PAIRS)
    d = nets["discriminator0"].train()
    torch.nn.init.normal_(d.head[-1].weight)
    x, z = torch.rand(64, 1, 28, 28), torch.randn(64, 50)
    twice = d(torch.cat([x[:32], x[:32]]), torch.cat([z[:32], z[:32]]))
    assert torch.equal(twice[:32], twice[32:])
    both = d(x, z)
    assert torch.allclose(both[:32], twice[:32], atol=1e-5)
    assert not torch.allclose(both[32:], twice[:32], atol=1e-2)


def test_bigans_nets_are_not_for_points():
    with pytest.raises(Problem, match=r"these are \(2,\): take data=mnist"):
        next(loop.train(parse(["member=bigan", "net=bigan-mnist", "steps=1"]), toy("grid")))


def test_the_toys_nets_are_the_papers_and_its_encoder_draws():
    """ALI's mixture: E 4-400-400-2, G 2-400x4-2, D of three times 200 maxout units."""
    nets = paper.build("ali-toy", (2,), 2, PAIRS)
    assert {name: sum(p.numel() for p in net.parameters()) for name, net in nets.items()} == {
        "encoder": 4 * 400 + 400 * 400 + 2 * 800 + 802,
        "decoder": 2 * 400 + 3 * 400 * 400 + 4 * 800 + 802,
        "discriminator0": 5 * 1000 + 2 * 201 * 1000 + 201,
    }
    x = torch.randn(7, 2)
    assert not torch.equal(nets["encoder"](x), nets["encoder"](x))
    nets["encoder"].eval()
    assert torch.equal(nets["encoder"](x), nets["encoder"](x))
    step = list(loop.train(parse(["preset=grid-paper", "steps=2"]), toy("grid")))[-1]
    assert step.losses["discriminator"] == pytest.approx(2 * np.log(2), abs=0.01)


def test_the_papers_presets_say_what_the_paper_says():
    names = [name for name in PRESETS if PRESETS[name].get("net") in paper.NETS]
    assert sorted(names) == sorted(paper.NETS)
    for name in names:
        config = parse([f"preset={name}"])
        assert (config.lr, config.beta1, config.beta2, config.ema) == (1e-4, 0.5, 0.999, 0.0)
        assert config.latent == paper.NETS[name].latent and config.size == paper.NETS[name].size


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("preset=ali-svhn latent=64", "colour pictures of 32 pixels and latent=256; these are"),
        ("preset=ali-celeba", "colour pictures of 64 pixels"),
        ("preset=ali-svhn member=gali4", "one discriminator"),
        ("preset=ali-svhn member=vae", "one discriminator, of .x, z.; take member=ali"),
        (
            "preset=ali-svhn net=ali-mars",
            "no net «ali-mars»; there are: small, patches, bigan-mnist, ali-toy, ali-svhn",
        ),
        ("member=bigan net=bigan-mnist", r"grey pictures of 28 pixels.*these are .32, 32, 3."),
        ("member=bigan net=ali-toy", "points in the plane"),
        ("member=ali net=bigan-mnist latent=50", "«ali» draws from a Gaussian; take member=bigan"),
    ],
)
def test_what_does_not_fit_the_papers_nets_is_one_sentence(words, sentence):
    steps = loop.train(parse([*words.split(), "batch=2", "steps=1"]), noise(32))
    with pytest.raises(Problem, match=sentence):
        next(steps)
