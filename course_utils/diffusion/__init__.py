"""The subject: schedules, models, samplers, solvers, losses, guidance and exact oracles, as pure functions of tensors.

No network, no file and no picture here.
"""
