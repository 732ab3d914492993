"""The drawings of guidance stand where the numbers say."""

import pytest
import torch

from course_utils import draw_guidance, plot_guided_paths
from course_utils.figures.guidance_diagrams import _arrow_so_far

EPS_U, EPS_C = torch.tensor([0.1, -0.2]).double(), torch.tensor([1.0, 0.3]).double()


def points(axes, size):
    """Where dots of that size stand, from left to right."""
    dots = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o" and line.get_markersize() == size]
    return torch.tensor(sorted(map(tuple, dots)), dtype=torch.float64)


def test_the_scales_stand_on_the_line_at_their_distance():
    (axes,) = _arrow_so_far(EPS_U, EPS_C, (2, 4), 3, "an arrow").axes
    no_context, context = points(axes, 10)
    for w, point in zip((2, 4), points(axes, 7), strict=True):
        torch.testing.assert_close(point, no_context + w * (context - no_context), atol=1e-9, rtol=0)
    along, up = (context - no_context).tolist()
    assert -up / along == pytest.approx(0.5 / 0.9, rel=1e-5), "the page counts down, and angles are true"


def test_each_stage_shows_more():
    movie = draw_guidance(EPS_U, EPS_C)
    assert len(set(movie.frames)) == 4
    with pytest.raises(ValueError, match=r"eps_c must be two numbers, shape \(2,\), got shape \(3,\)"):
        draw_guidance(EPS_U, torch.zeros(3))


def test_walks_end_where_their_samples_are():
    path, cloud = torch.rand((5, 3, 2), generator=torch.Generator().manual_seed(0)), torch.zeros((4, 2))
    field = {"w = 1": (torch.zeros((1, 2)), torch.ones((1, 2)))}
    (axes,) = plot_guided_paths({"w = 1": path}, {"asked for": cloud}, field, limit=2).axes
    ends = torch.tensor(sorted(map(tuple, path[-1].double().tolist())), dtype=torch.float64)
    torch.testing.assert_close(points(axes, 5), ends)
    with pytest.raises(ValueError, match=r"paths\['w = 1'\] must have shape \(S, N, 2\), got \(3, 2\)"):
        plot_guided_paths({"w = 1": path[0]}, {"asked for": cloud}, field, limit=2)
