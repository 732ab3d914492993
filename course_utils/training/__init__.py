"""How weights come to be: the training loop, runs that stop and resume, the recipe of each shipped weight, cards."""
