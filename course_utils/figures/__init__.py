"""All that is drawn: image grids, curves, plots of numbers, diagrams, animations and widgets, in one style."""
