"""The words of the course *From Noise to Sprites*, in the order in which the notebooks introduce them."""

from .animation import Movie, animate
from .checks import check_add_noise, check_alpha_bar, check_beta_from_alpha_bar, check_predict_x0
from .datasets import load_sprites, sprite_words
from .diagrams import draw_model_families
from .oracles import IdealDenoiser
from .plotting import Picture, plot_curves, plot_histograms, plot_noise_level, plot_points, show_images
from .schedules import NoiseSchedule, cosine_schedule, linear_schedule, quadratic_schedule, sigmoid_schedule
from .widgets import noise_slider

__all__ = [  # noqa: RUF022  in the order in which a student meets them, not in that of the alphabet
    # 01 Intuition
    "load_sprites",
    "sprite_words",
    "show_images",
    "Picture",
    "plot_points",
    "NoiseSchedule",
    "linear_schedule",
    "check_alpha_bar",
    "check_add_noise",
    "plot_histograms",
    "plot_curves",
    "noise_slider",
    "plot_noise_level",
    "animate",
    "Movie",
    "quadratic_schedule",
    "sigmoid_schedule",
    "cosine_schedule",
    "check_beta_from_alpha_bar",
    "check_predict_x0",
    "IdealDenoiser",
    "draw_model_families",
]
