"""Checks for the exercises: each takes the student's function, tries it, and says kindly what it found.

A check knows the right answer and the classic wrong ones. It prints one verdict and never stops the notebook. One file
for each notebook with exercises, and `verdict.py` for what they share; no formulas here.
"""

from .intuition import check_add_noise, check_alpha_bar, check_beta_from_alpha_bar, check_predict_x0
from .sampling import check_ddpm_step, check_posterior_mean, check_sampling_loop

__all__ = [
    "check_add_noise",
    "check_alpha_bar",
    "check_beta_from_alpha_bar",
    "check_ddpm_step",
    "check_posterior_mean",
    "check_predict_x0",
    "check_sampling_loop",
]
