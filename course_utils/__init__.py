"""The words of the course *From Noise to Sprites*, in the order in which the notebooks introduce them."""

from .ablations import load_ablations, with_batch_norm, with_fresh_shortcuts, without_skips, without_time
from .animation import Movie, animate
from .checkpoints import load_model, load_pretrained, save_model
from .checks import (
    check_add_noise,
    check_alpha_bar,
    check_beta_from_alpha_bar,
    check_composed,
    check_ddim_step,
    check_ddpm_step,
    check_diffusion_loss,
    check_drop_context,
    check_guided,
    check_learning_rate,
    check_modulate,
    check_posterior_mean,
    check_predict_x0,
    check_residual_block,
    check_sampling_loop,
    check_slerp,
    check_time_embedding,
    check_timesteps,
    check_training_loop,
    check_unet,
    check_update_average,
)
from .datasets import load_sprites, sprite_words
from .diagrams import draw_model_families, draw_network
from .judge import Judge, load_judge
from .measured import load_measured
from .metrics import clean_share, context_accuracy, coverage, frechet_distance, nearest, recall
from .oracles import GaussianDenoiser, IdealDenoiser, MixtureDenoiser
from .plotting import (
    Picture,
    plot_curves,
    plot_dots,
    plot_histograms,
    plot_matrix,
    plot_noise_level,
    plot_panels,
    plot_points,
    plot_spread,
    show_images,
)
from .samplers import Step, ddim_step, ddpm_step, dpm_solver, sample, sample_ddim, sample_ddpm, sample_dpm, slerp
from .schedules import NoiseSchedule, cosine_schedule, linear_schedule, quadratic_schedule, sigmoid_schedule
from .training import Progress, diffusion_loss, drop_context, min_snr, train
from .unet import ContextUnet
from .widgets import guidance_slider, noise_slider, sampler_sliders, sprite_mixer, trajectory_slider
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
    "nearest",
    "sample_ddpm",
    "sample_ddim",
    "trajectory_slider",
    "load_judge",
    "Judge",
    "frechet_distance",
    # 03 Network
    "draw_network",
    "check_unet",
    "ContextUnet",
    "without_skips",
    "check_time_embedding",
    "plot_matrix",
    "check_modulate",
    "check_residual_block",
    "load_ablations",
    "plot_spread",
    "without_time",
    "with_batch_norm",
    "with_fresh_shortcuts",
    # 04 Training
    "check_diffusion_loss",
    "plot_dots",
    "min_snr",
    "FromV",
    "FromX0",
    "diffusion_loss",
    "check_training_loop",
    "check_learning_rate",
    "check_update_average",
    "clean_share",
    "context_accuracy",
    "train",
    "Progress",
    "save_model",
    "load_model",
    # 05 Context
    "check_drop_context",
    "check_guided",
    "check_composed",
    "drop_context",
    "guidance_slider",
    "load_measured",
    "plot_panels",
    "sprite_mixer",
    "guided",
    "coverage",
    "recall",
    # 06 Fast sampling
    "check_timesteps",
    "check_ddim_step",
    "check_slerp",
    "slerp",
    "clipped",
    "sample_dpm",
    "dpm_solver",
    "sampler_sliders",
]
