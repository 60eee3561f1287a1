"""Shapes, exactness and counts of the networks.   python -m pytest tests/test_networks.py"""

import pytest
import torch
import torch.nn.functional as F
import torch.utils.flop_counter

from ali_core.config import Config
from ali_core.family import objectives
from ali_core.family.members import FAMILY
from ali_core.nets import bodies, patches
from ali_core.nets import layers as layers_net


def test_a_discriminator_of_points_may_see_sines():
    """The first layer sees x, its sines and its cosines; a slow wave tells what a fast one cannot."""
    waves = bodies.Sines(2, 10.0)
    x = torch.randn(5, 2)
    seen = waves(x)
    assert seen.shape == (5, 2 + 2 * 64) and torch.equal(seen[:, :2], x)
    torch.testing.assert_close(seen[:, 2:66].square() + seen[:, 66:].square(), torch.ones(5, 64))
    steps = waves.waves.norm(dim=1)
    assert steps[:8].median() < 3 and 5 < steps[-8:].median() < 25
    plain, more = (
        objectives.prepare(FAMILY["ali"], (2,), Config(latent=3, width=16, sines=top))["discriminator0"]
        for top in (0.0, 10.0)
    )
    count = [sum(p.numel() for p in net.parameters()) for net in (plain, more)]
    assert count[1] - count[0] == 2 * 64 * 16  # of x alone, not of z


@pytest.mark.parametrize("net", bodies.BODIES)
@pytest.mark.parametrize("size", [28, 32, 48, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_go_in_and_come_out_at_their_size(net, size, channels):
    config = Config(latent=5, width=8, net=net)
    nets = objectives.prepare(FAMILY["ali"], (size, size, channels), config)
    x = torch.rand(2, channels, size, size)
    parameters = nets["encoder"](x)
    decoded = nets["decoder"](parameters[:, :5])
    assert parameters.shape == (2, 10) and decoded.shape == x.shape
    assert decoded.min() >= 0 and decoded.max() <= 1
    assert nets["discriminator0"](x, parameters[:, :5]).shape == (2, 2)


def test_patches_start_without_chequers():
    """What a picture's neighbours are made of starts as copies: before training none stands out (ICNR)."""
    torch.manual_seed(0)
    conv, shuffle = patches._shuffled(6, 3, 4)
    shuffled = shuffle(conv(torch.randn(2, 6, 5, 5)))
    assert shuffled.shape == (2, 3, 20, 20)
    tiles = shuffled.unflatten(3, (5, 4)).unflatten(2, (5, 4))
    torch.testing.assert_close(tiles, tiles[:, :, :, :1, :, :1].expand_as(tiles))
    assert shuffled.std() > 0.1


def multiplications(net, *inputs) -> int:
    """Of one example, in convolutions and matrix products."""
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        net(*inputs)
    return counter.get_total_flops() // 2


def test_patches_are_four_times_as_cheap_at_64_pixels():
    """A step of alice at the widths that shipped: E and G forward, their backward twice that, D on two tuples."""
    each = {}
    for net, width in (("small", 24), ("patches", 24)):
        nets = objectives.prepare(FAMILY["alice"], (64, 64, 3), Config(latent=64, width=width, net=net))
        x, z = torch.rand(1, 3, 64, 64), torch.randn(1, 64)
        e, g = multiplications(nets["encoder"], x), multiplications(nets["decoder"], z)
        d = multiplications(nets["discriminator0"], x, z)
        each[net] = 3 * e + 6 * g + 8 * d
    assert 3.5 < each["small"] / each["patches"] < 6


def test_a_deterministic_encoder_has_a_head_of_d_and_no_unused_half():
    assert objectives.prepare(FAMILY["wae"], (28, 28, 1), Config(latent=5, width=8))["encoder"].head.out_features == 5


def test_upconv_is_nearest_upsampling_and_a_convolution():
    torch.manual_seed(0)
    up, x = layers_net.UpConv(6, 4), torch.randn(2, 6, 7, 7)
    plain = F.conv2d(F.interpolate(x, scale_factor=2), up.conv.weight, up.conv.bias, padding=1)
    torch.testing.assert_close(up(x), plain, rtol=1e-5, atol=1e-5)


def test_spectral_norm_bounds_every_layer_of_the_discriminator():
    """After some power iterations each weight's largest singular value is 1."""
    net = objectives.prepare(FAMILY["ali"], (28, 28, 1), Config(latent=4, width=8))["discriminator0"].train()
    for _ in range(60):
        net(torch.rand(2, 1, 28, 28), torch.randn(2, 4))
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == 3 + 1 + 2 + 3
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
    assert not [m for m in net.modules() if "Norm" in type(m).__name__ and "Batch" in type(m).__name__]


def test_parameter_counts_of_the_shipped_size():
    """Pinned: a changed network is a changed checkpoint format."""
    nets = objectives.prepare(FAMILY["ali"], (28, 28, 1), Config(latent=64, width=32))
    counts = {k: sum(p.numel() for p in net.parameters()) for k, net in nets.items()}
    assert counts == COUNTS


COUNTS = {"encoder": 312_608, "decoder": 500_673, "discriminator0": 1_199_586}


@pytest.mark.parametrize("width", [1, 7, 22, 24, 32])
def test_any_width_fits_group_norm_and_a_multiple_of_sixteen_has_groups_of_sixteen(width):
    nets = objectives.prepare(FAMILY["alice"], (28, 28, 1), Config(latent=3, width=width))
    assert nets["decoder"](nets["encoder"](torch.rand(2, 1, 28, 28))[:, :3]).shape == (2, 1, 28, 28)
    norms = [m for m in nets["decoder"].modules() if isinstance(m, torch.nn.GroupNorm)]
    assert norms and (width % 16 or all(m.num_channels == 16 * m.num_groups for m in norms))
