"""Checks for the exercises: each takes the student's function, tries it, and says kindly what it found.

A check knows the right answer and the classic wrong ones. It prints one verdict and never stops the notebook. One file
for each notebook with exercises, and `verdict.py` for what they share; no formulas here.
"""

from .ch01_intuition import check_add_noise, check_alpha_bar, check_beta_from_alpha_bar, check_predict_x0
from .ch02_sampling import check_ddpm_step, check_posterior_mean, check_sampling_loop
from .ch03_network import check_modulate, check_residual_block, check_time_embedding, check_unet
from .ch04_training import check_diffusion_loss, check_learning_rate, check_training_loop, check_update_average
from .ch05_context import check_composed, check_drop_context, check_guided
from .ch06_fast_sampling import check_ddim_step, check_slerp, check_timesteps

__all__ = [
    "check_add_noise",
    "check_alpha_bar",
    "check_beta_from_alpha_bar",
    "check_composed",
    "check_ddim_step",
    "check_ddpm_step",
    "check_diffusion_loss",
    "check_drop_context",
    "check_guided",
    "check_learning_rate",
    "check_modulate",
    "check_posterior_mean",
    "check_predict_x0",
    "check_residual_block",
    "check_sampling_loop",
    "check_slerp",
    "check_time_embedding",
    "check_timesteps",
    "check_training_loop",
    "check_unet",
    "check_update_average",
]
