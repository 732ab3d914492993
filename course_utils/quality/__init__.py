"""How good samples are: a sprite classifier, metrics such as the Fréchet distance, and tables of evaluations."""
