"""What a student's answer is asked: exercises as records, their verdicts, and the stand-ins for handouts.

A file for each notebook holds the records; `exercise` says what a record is, `verdict` what can be said of an answer.
"""

from .ch01_intuition import check_add_noise as check_add_noise
from .ch01_intuition import check_alpha_bar as check_alpha_bar
from .ch01_intuition import check_beta_from_alpha_bar as check_beta_from_alpha_bar
from .ch01_intuition import check_predict_x0 as check_predict_x0
