"""What a student's answer is asked: exercises as records, their verdicts, and the stand-ins for handouts.

A file for each notebook holds the records; `exercise` says what a record is, `verdict` what can be said of an answer.
"""
