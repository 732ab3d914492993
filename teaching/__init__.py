"""For those who teach with the course: handouts without solutions, what comes back, and the list of exercises."""
