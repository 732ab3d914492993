"""The network: shapes, time, context, and nothing hidden."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils import ContextUnet
from course_utils.networks.unet import ResidualBlock, TimeEmbedding


def network(**arguments):
    """A small network with random weights everywhere: fresh ones have zeros that hide what lies behind them."""
    torch.manual_seed(0)
    made = ContextUnet(n_features=16, **arguments)  # at 8 each channel is a group, whose norm hides some biases
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return made.eval()


def images(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


X, T, C = images(4, 3, 8, 12), torch.tensor([1, 7, 250, 500]), torch.eye(5)[:4]


@pytest.mark.parametrize(("height", "width"), [(16, 16), (4, 4), (8, 20), (28, 28)])
@pytest.mark.parametrize("channels", [1, 3])
def test_same_shape_in_and_out_for_any_size_divisible_by_four(height, width, channels):
    x = images(2, channels, height, width)
    assert network(in_channels=channels)(x, T[:2], C[:2]).shape == x.shape


@pytest.mark.parametrize(("taken", "put_out"), [(6, 3), (3, 6), (1, 1)])
def test_it_may_put_out_more_or_fewer_numbers_than_it_takes_in(taken, put_out):
    x, model = images(2, taken, 8, 8), network(in_channels=taken, out_channels=put_out)
    assert model(x, T[:2], C[:2]).shape == (2, put_out, 8, 8)
    again = ContextUnet(**model.arguments)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.eval()(x, T[:2]), model(x, T[:2]))


def test_by_default_it_puts_out_what_it_takes_in():
    """And the same weights as ever: a seed begins with the same network, whether it is asked for or not."""
    torch.manual_seed(3)
    silent = ContextUnet(in_channels=1, n_features=8)
    torch.manual_seed(3)
    told = ContextUnet(in_channels=1, n_features=8, out_channels=1)
    assert silent.arguments == told.arguments
    for one, other in zip(silent.state_dict().values(), told.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_the_shipped_size_has_at_most_a_million_and_a_half_parameters():
    assert sum(parameter.numel() for parameter in ContextUnet().parameters()) <= 1_500_000


def test_two_calls_agree_and_training_mode_changes_nothing():
    model = network()
    first = model(X, T, C)
    assert torch.equal(first, model(X, T, C))
    assert torch.equal(first, model.train()(X, T, C))


def test_every_parameter_gets_a_gradient():
    model = network()
    model(X, T, C).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 1e-4, name


def test_every_parameter_is_registered():
    model, other = network(), ContextUnet(n_features=16).eval()
    assert not torch.equal(model(X, T, C), other(X, T, C))
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(X, T, C), other(X, T, C))
    assert ContextUnet(**other.arguments).state_dict().keys() == model.state_dict().keys()


def test_no_context_and_zeros_are_the_same():
    assert torch.allclose(network()(X, T), network()(X, T, torch.zeros(4, 5)), atol=1e-6)


def test_a_new_block_passes_its_input_through():
    """The shortcut: a block begins as the identity, and learns what to add to it."""
    x, condition = images(2, 8, 4, 4), images(2, 6)
    assert torch.equal(ResidualBlock(8, 8, 6)(x, condition), x)


def test_time_and_context_scale_and_shift_the_features():
    """FiLM: (1 + scale) h + shift between the convolutions, so that a condition of zeros changes nothing."""
    torch.manual_seed(0)
    block, x, condition = ResidualBlock(8, 16, 6), images(2, 8, 4, 4), images(2, 6)
    nn.init.normal_(block.conv2.weight)
    scale, shift = block.condition(condition).view(2, 2, 16, 1, 1).unbind(1)
    h = block.norm2(block.conv1(F.silu(block.norm1(x))))
    by_hand = block.shortcut(x) + block.conv2(F.silu(h + scale * h + shift))
    assert torch.allclose(block(x, condition), by_hand, atol=1e-5)


@pytest.mark.parametrize("below", ["bottom2", "up2"])
def test_each_level_of_the_way_up_is_joined_with_what_the_way_down_saw(below):
    """With silence from below, what the skip connection carries is all there is."""
    model, x = network(), images(1, 3, 8, 8).requires_grad_()
    getattr(model, below).register_forward_hook(lambda block, given, out: torch.zeros_like(out))
    model(x, T[:1]).square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().min() > 0


def test_each_image_is_answered_alone():
    model, order = network(), [2, 0, 3, 1]
    together = model(X, T, C)
    assert torch.allclose(model(X[order], T[order], C[order]), together[order], atol=1e-5)
    for i in range(4):
        assert torch.allclose(model(X[i : i + 1], T[i : i + 1], C[i : i + 1]), together[i : i + 1], atol=1e-5)


def test_time_and_context_matter():
    model, same = network(), X[:1].expand(4, -1, -1, -1)
    for answers in (model(same, T, C[:1].expand(4, -1)), model(same, T[:1].expand(4), C)):
        assert torch.pdist(answers.flatten(1)).min() > 1e-3


def test_far_pixels_are_seen():
    """A pixel's answer depends on the opposite corner: the bottleneck joins what is far apart."""
    x = images(1, 3, 16, 16).requires_grad_()
    network()(x, T[:1])[0, :, 0, 0].sum().backward()
    assert x.grad[0, :, -1, -1].abs().max() > 0


def test_times_far_apart_look_different():
    embedding = TimeEmbedding(32)(torch.arange(1, 501))
    assert embedding.abs().max() <= 1
    near, far = ((embedding[d:] - embedding[:-d]).norm(dim=1).mean() for d in (1, 100))
    assert far > 2 * near
    assert torch.pdist(embedding).min() > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(images(4, 3, 8, 10), T, C), r"x must have shape \(B, 3, H, W\), H and W divisible by 4, got"),
        (lambda m: m(images(4, 1, 8, 8), T, C), r"x must have shape \(B, 3, H, W\)"),
        (lambda m: m(X[0], T, C), r"x must have shape \(B, 3, H, W\)"),
        (lambda m: m(X * torch.inf, T, C), "x must be finite"),
        (lambda m: m(X.double(), T, C), "x must be torch.float32 on cpu, got torch.float64"),
        (lambda m: m(X, T, C.double()), "c must be torch.float32 on cpu, got torch.float64"),
        (lambda m: m(X, T + 0j, C), r"t must be an integer tensor of shape \(4,\), got torch.complex64"),
        (lambda m: TimeEmbedding(7), "width must be an even number, got 7"),
        (lambda m: m(X, T / 500, C), r"t must be an integer tensor of shape \(4,\), got torch.float32"),
        (lambda m: m(X, 7, C), r"t must be an integer tensor of shape \(4,\), got 7"),
        (lambda m: m(X, T[:2], C), r"t must be an integer tensor of shape \(4,\), got torch.int64 \(2,\)"),
        (lambda m: m(X, T, C[:, :3]), r"c must have shape \(4, 5\), got \(4, 3\)"),
        (lambda m: m(X, T, C.long()), "c must be floating point"),
        (lambda m: ContextUnet(n_features=12), "n_features must be a multiple of 8, got 12"),
        (lambda m: ContextUnet(in_channels=0), "in_channels must be a whole number of at least 1"),
        (lambda m: ContextUnet(in_channels=0, out_channels=3), "in_channels must be a whole number of at least 1"),
        (lambda m: ContextUnet(out_channels=0), "out_channels must be a whole number of at least 1, got 0"),
        (lambda m: ContextUnet(out_channels=2.5), "out_channels must be a whole number of at least 1, got 2.5"),
        (lambda m: ContextUnet(n_context=0), "n_context must be a whole number of at least 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(network())
