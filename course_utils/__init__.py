"""The words of the course *From Noise to Sprites*, grouped by the notebook that introduces them."""

__version__ = "0.1.0"

# 01 Intuition
from .storage.datasets import load_sprites as load_sprites
from .storage.datasets import sprite_words as sprite_words
from .figures.images import show_images as show_images
from .figures.picture import Picture as Picture
from .figures.forward import plot_tracks as plot_tracks
from .diffusion.schedules import NoiseSchedule as NoiseSchedule
from .diffusion.schedules import linear_schedule as linear_schedule
from .exercises.ch01_intuition import check_alpha_bar as check_alpha_bar
from .exercises.ch01_intuition import check_add_noise as check_add_noise
from .figures.numbers import plot_histograms as plot_histograms
from .figures.curves import plot_curves as plot_curves
from .exercises.ch01_intuition import check_mended_add_noise as check_mended_add_noise
from .figures.widgets import noise_slider as noise_slider
from .figures.images import plot_noise_level as plot_noise_level
from .figures.animation import animate as animate
from .figures.animation import Movie as Movie
from .figures.animation import build_up as build_up
from .figures.forward import plot_pixel as plot_pixel
from .diffusion.schedules import quadratic_schedule as quadratic_schedule
from .diffusion.schedules import sigmoid_schedule as sigmoid_schedule
from .diffusion.schedules import cosine_schedule as cosine_schedule
from .figures.forward import plot_aligned as plot_aligned
from .exercises.ch01_intuition import check_beta_from_alpha_bar as check_beta_from_alpha_bar
from .exercises.ch01_intuition import check_predict_x0 as check_predict_x0
from .diffusion.oracles import IdealDenoiser as IdealDenoiser
from .figures.diagrams import draw_model_families as draw_model_families

# 02 Sampling
from .storage.checkpoints import load_pretrained as load_pretrained
from .diffusion.samplers import sample as sample
from .diffusion.samplers import Step as Step
from .diffusion.samplers import ddim_step as ddim_step
from .exercises.ch02_sampling import check_posterior_mean as check_posterior_mean
from .exercises.ch02_sampling import check_ddpm_step as check_ddpm_step
from .diffusion.samplers import ddpm_step as ddpm_step
from .exercises.ch02_sampling import check_sampling_loop as check_sampling_loop
from .diffusion.oracles import MixtureDenoiser as MixtureDenoiser
from .figures.numbers import plot_points as plot_points
from .diffusion.oracles import GaussianDenoiser as GaussianDenoiser
from .exercises.ch02_sampling import check_mended_loop as check_mended_loop
from .quality.metrics import nearest as nearest
from .diffusion.samplers import sample_ddpm as sample_ddpm
from .diffusion.samplers import sample_ddim as sample_ddim
from .figures.widgets import trajectory_slider as trajectory_slider
from .quality.classifier import load_classifier as load_classifier
from .quality.classifier import SpriteClassifier as SpriteClassifier
from .quality.metrics import frechet_distance as frechet_distance

# 03 Network
from .figures.network_diagram import draw_network as draw_network
from .figures.receptive_field import draw_receptive_fields as draw_receptive_fields
from .exercises.ch03_network import check_unet as check_unet
from .networks.unet import ContextUnet as ContextUnet
from .networks.broken import without_skips as without_skips
from .figures.conditioning import draw_clocks as draw_clocks
from .exercises.ch03_network import check_time_embedding as check_time_embedding
from .figures.numbers import plot_matrix as plot_matrix
from .figures.conditioning import draw_scale_and_shift as draw_scale_and_shift
from .exercises.ch03_network import check_modulate as check_modulate
from .figures.block_diagram import draw_residual_block as draw_residual_block
from .exercises.ch03_network import check_residual_block as check_residual_block
from .storage.tables import load_ablations as load_ablations
from .figures.numbers import plot_dots as plot_dots
from .networks.broken import without_time as without_time
from .networks.broken import with_batch_norm as with_batch_norm
from .networks.broken import with_fresh_shortcuts as with_fresh_shortcuts
from .exercises.ch03_network import check_survives_saving as check_survives_saving

# 04 Training
from .exercises.ch04_training import check_diffusion_loss as check_diffusion_loss
from .figures.curves import plot_spread as plot_spread
from .diffusion.losses import clipped_snr as clipped_snr
from .diffusion.models import FromV as FromV
from .diffusion.models import FromX0 as FromX0
from .diffusion.losses import diffusion_loss as diffusion_loss
from .exercises.ch04_training import check_training_loop as check_training_loop
from .exercises.ch04_training import check_learning_rate as check_learning_rate
from .exercises.ch04_training import check_update_average as check_update_average
from .figures.losses import plot_losses as plot_losses
from .quality.metrics import clean_share as clean_share
from .quality.metrics import context_accuracy as context_accuracy
from .figures.pointing import point_at as point_at
from .exercises.ch04_training import check_leaked as check_leaked
from .training.loop import train as train
from .training.loop import Progress as Progress
from .storage.checkpoints import save_model as save_model
from .storage.checkpoints import load_model as load_model

# 05 Context
from .exercises.ch05_context import check_drop_context as check_drop_context
from .exercises.ch05_context import check_guided as check_guided
from .exercises.ch05_context import check_mended_guided as check_mended_guided
from .exercises.ch05_context import check_composed as check_composed
from .diffusion.losses import drop_context as drop_context
from .figures.widgets import guidance_slider as guidance_slider
from .storage.tables import load_table as load_table
from .figures.guidance_diagrams import draw_guidance as draw_guidance
from .figures.curves import plot_panels as plot_panels
from .figures.guidance_diagrams import plot_guided_paths as plot_guided_paths
from .figures.widgets import sprite_mixer as sprite_mixer
from .diffusion.guidance import guided as guided
from .diffusion.guidance import composed as composed
from .quality.metrics import coverage as coverage
from .quality.metrics import recall as recall

# 06 Fast sampling
from .figures.sampling_diagrams import draw_remix as draw_remix
from .exercises.ch06_fast_sampling import check_ddim_step as check_ddim_step
from .figures.sampling_curves import plot_walks as plot_walks
from .figures.sampling_diagrams import draw_times as draw_times
from .exercises.ch06_fast_sampling import check_timesteps as check_timesteps
from .exercises.ch06_fast_sampling import check_slerp as check_slerp
from .figures.sampling_diagrams import draw_arc as draw_arc
from .diffusion.samplers import slerp as slerp
from .diffusion.models import clipped as clipped
from .diffusion.solvers import sample_dpm as sample_dpm
from .diffusion.solvers import dpm_solver as dpm_solver
from .figures.sampling_curves import plot_steps as plot_steps
from .figures.sampling_curves import plot_orders as plot_orders
from .figures.widgets import sampler_sliders as sampler_sliders

# 07 Likelihood
from .diffusion.likelihood import bits_per_dimension as bits_per_dimension
from .diffusion.likelihood import bound_terms as bound_terms
from .diffusion.posterior import learned_variance as learned_variance
from .figures.bits import plot_bits as plot_bits
from .diffusion.exact import entropy as entropy
from .diffusion.exact import exact_terms as exact_terms
from .diffusion.posterior import fixed_large as fixed_large
from .diffusion.posterior import jump as jump
from .exercises.ch07_likelihood import check_gaussian_kl as check_gaussian_kl
from .figures.variances import plot_posterior as plot_posterior
from .exercises.ch07_likelihood import check_bound_term as check_bound_term
from .diffusion.likelihood import log_density as log_density
from .diffusion.likelihood import log_probability_of_level as log_probability_of_level
from .figures.bits import plot_chains as plot_chains
from .exercises.ch07_likelihood import check_best_variance as check_best_variance
from .diffusion.exact import exact_variance as exact_variance
from .diffusion.exact import exact_errors as exact_errors
from .diffusion.posterior import best_variance as best_variance
from .figures.widgets import variance_slider as variance_slider
from .diffusion.posterior import LearnedVariance as LearnedVariance
from .diffusion.likelihood import hybrid_loss as hybrid_loss
from .figures.variances import show_uncertainty as show_uncertainty
from .exercises.ch07_likelihood import three_bounds as three_bounds
from .exercises.ch07_likelihood import check_slips as check_slips
from .diffusion.posterior import fixed_small as fixed_small
from .diffusion.posterior import log_between as log_between
from .diffusion.likelihood import gaussian_kl as gaussian_kl
from .diffusion.likelihood import step_term as step_term
from .diffusion.likelihood import x0_errors as x0_errors

# Handouts
from .exercises.answers import right_or_ours as right_or_ours
