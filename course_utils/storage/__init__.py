"""Files: datasets, checkpoints, measured tables and what ships with the course; reading, writing, refusing."""
