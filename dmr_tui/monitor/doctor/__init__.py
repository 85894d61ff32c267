"""Facts for the checks between the user and the runner."""
