"""The lines of the runner's log, decoded."""
