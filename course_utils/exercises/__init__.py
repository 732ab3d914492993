"""What a student's answer is asked: exercises as records, their verdicts, and the stand-ins for handouts.

A file for each notebook holds the records; `exercise` says what a record is, `verdict` what can be said of an answer.
"""

from .ch01_intuition import check_add_noise as check_add_noise
from .ch01_intuition import check_alpha_bar as check_alpha_bar
from .ch01_intuition import check_beta_from_alpha_bar as check_beta_from_alpha_bar
from .ch01_intuition import check_predict_x0 as check_predict_x0
from .ch02_sampling import check_ddpm_step as check_ddpm_step
from .ch02_sampling import check_posterior_mean as check_posterior_mean
from .ch02_sampling import check_sampling_loop as check_sampling_loop
from .ch03_network import check_modulate as check_modulate
from .ch03_network import check_residual_block as check_residual_block
from .ch03_network import check_time_embedding as check_time_embedding
from .ch03_network import check_unet as check_unet
from .ch04_training import check_diffusion_loss as check_diffusion_loss
from .ch04_training import check_learning_rate as check_learning_rate
from .ch04_training import check_training_loop as check_training_loop
from .ch04_training import check_update_average as check_update_average
from .ch05_context import check_composed as check_composed
from .ch05_context import check_drop_context as check_drop_context
from .ch05_context import check_guided as check_guided
from .ch06_fast_sampling import check_ddim_step as check_ddim_step
from .ch06_fast_sampling import check_slerp as check_slerp
from .ch06_fast_sampling import check_timesteps as check_timesteps
