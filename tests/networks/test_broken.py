"""Networks broken on purpose: the part that is meant is broken, nothing else, and the shipped measurements are read."""

import csv
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from running import ROOT
from torch import nn

from course_utils import ContextUnet, load_ablations, with_batch_norm, with_fresh_shortcuts, without_skips, without_time
from course_utils.networks.broken import ABLATIONS

FILE = ROOT / "data" / "ablations.csv"


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def network():
    """A network of random weights, without the zeros at which training begins."""
    network = ContextUnet(n_features=8).eval().requires_grad_(False)
    for i, parameter in enumerate(network.parameters()):
        parameter.copy_(0.1 * noise(*parameter.shape, seed=i))
    return network


X, T, C = noise(3, 3, 8, 12), torch.tensor([3, 90, 400]), torch.eye(5)[:3]


@pytest.mark.parametrize("name", ABLATIONS)
def test_a_broken_network_still_takes_and_gives_pictures(network, name):
    broken = ABLATIONS[name](deepcopy(network))
    assert type(broken) is ContextUnet
    assert broken(X, T, C).shape == X.shape
    assert torch.equal(broken(X, T, C), network(X, T, C)) == (name == "whole")


def test_without_time_every_time_is_read_as_0(network):
    stopped = without_time(deepcopy(network))
    assert not torch.equal(network(X, T, C), network(X, T + 1, C))
    assert torch.equal(stopped(X, T, C), stopped(X, T + 1, C))
    assert torch.equal(stopped.embed_time(T), network.embed_time(0 * T))


def test_without_skips_zeros_arrive_on_the_way_up(network):
    condition = F.silu(network.embed_time(T) + network.embed_context(C))
    fine = network.down1(network.stem(X), condition)
    middle = network.down2(F.avg_pool2d(fine, 2), condition)
    coarse = network.bottom2(network.bottom1(F.avg_pool2d(middle, 2), condition), condition)
    up = network.up2(torch.cat([F.interpolate(coarse, scale_factor=2), 0 * middle], dim=1), condition)
    up = network.up1(torch.cat([F.interpolate(up, scale_factor=2), 0 * fine], dim=1), condition)
    assert torch.allclose(without_skips(deepcopy(network))(X, T, C), network.head(up), atol=1e-5)


def test_batch_norm_takes_the_place_of_group_norm_and_nothing_else_changes(network):
    batched = with_batch_norm(deepcopy(network))
    before = {name: part for name, part in network.named_modules() if isinstance(part, nn.GroupNorm)}
    after = {name: part for name, part in batched.named_modules() if isinstance(part, nn.BatchNorm2d)}
    assert not [part for part in batched.modules() if isinstance(part, nn.GroupNorm)]
    assert {name: part.num_channels for name, part in before.items()} == {
        name: part.num_features for name, part in after.items()
    }
    others = {name for name in network.state_dict() if name.rpartition(".")[0] not in before}
    assert others
    assert all(torch.equal(batched.state_dict()[name], network.state_dict()[name]) for name in others)


def test_fresh_shortcuts_are_random_in_every_call_and_in_no_file(network):
    broken = with_fresh_shortcuts(deepcopy(network))
    assert torch.equal(network(X, T, C), network(X, T, C))
    assert not torch.equal(broken(X, T, C), broken(X, T, C))
    lost = set(network.state_dict()) - set(broken.state_dict())
    wide = ("down2", "bottom1", "up2", "up1")  # the blocks that change the number of channels
    assert lost == {f"{block}.shortcut.{kind}" for block in wide for kind in ("weight", "bias")}
    assert set(broken.state_dict()) < set(network.state_dict())


def test_the_measurements_are_those_of_the_file():
    steps, errors = load_ablations("low")
    assert list(errors) == list(ABLATIONS)
    assert steps.tolist() == sorted(steps.tolist())
    assert all(y.shape == (3, len(steps)) for y in errors.values())
    with FILE.open(newline="") as file:
        for row in csv.DictReader(file):
            column = steps.tolist().index(int(row["step"]))
            assert errors[row["network"]][int(row["seed"]), column].item() == pytest.approx(float(row["low"]))


def test_all_times_are_low_middle_and_high_ones_together():
    parts = [load_ablations(column)[1] for column in ("low", "middle", "high")]
    for name, y in load_ablations()[1].items():
        assert torch.allclose(y, sum(part[name] for part in parts) / 3, atol=1e-3)


@pytest.mark.parametrize("column", ["own_mixed", "own_alike"])
def test_own_statistics_were_measured_at_the_end_and_matter_to_batch_norm_only(column):
    own, (_, usual) = load_ablations(column)[1], load_ablations()
    assert all(y[:, :-1].isnan().all() and not y[:, -1].isnan().any() for y in own.values())
    for name in ("whole", "no t", "no skips"):
        assert torch.allclose(own[name][:, -1], usual[name][:, -1], atol=1e-3)


def test_an_unknown_column_is_named():
    with pytest.raises(ValueError, match=r"column .* of ablations.*, got medium; it has .*, loss, low, "):
        load_ablations("medium")
