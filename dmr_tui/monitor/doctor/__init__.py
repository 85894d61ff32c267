"""What is wrong between a person and the runner: checks of what is known, and of nothing else."""
