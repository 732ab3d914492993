"""The words of the course *From Noise to Sprites*, in the order in which the notebooks introduce them."""

from .animation import Movie, animate
from .checkpoints import load_model, load_pretrained, save_model
from .checks import (
    check_add_noise,
    check_alpha_bar,
    check_beta_from_alpha_bar,
    check_ddpm_step,
    check_posterior_mean,
    check_predict_x0,
    check_sampling_loop,
)
from .datasets import load_sprites, sprite_words
from .diagrams import draw_model_families
from .oracles import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
from .plotting import Picture, plot_curves, plot_histograms, plot_noise_level, plot_points, show_images
from .samplers import Step, ddim_step, ddpm_step, sample, sample_ddim, sample_ddpm
from .schedules import NoiseSchedule, cosine_schedule, linear_schedule, quadratic_schedule, sigmoid_schedule
from .training import Progress, diffusion_loss, drop_context, train
from .unet import ContextUnet
from .widgets import noise_slider, trajectory_slider
from .wrappers import FromV, FromX0, clipped, guided

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
    # 02 Sampling
    "load_pretrained",
    "sample",
    "Step",
    "ddim_step",
    "check_posterior_mean",
    "check_ddpm_step",
    "ddpm_step",
    "check_sampling_loop",
    "MixtureDenoiser",
    "GaussianDenoiser",
    "sample_ddpm",
    "sample_ddim",
    "trajectory_slider",
    # 03 Network
    "ContextUnet",
    # 04 Training
    "diffusion_loss",
    "train",
    "Progress",
    "FromV",
    "FromX0",
    "save_model",
    "load_model",
    # 05 Context
    "drop_context",
    "guided",
    # 06 Fast sampling
    "clipped",
]
