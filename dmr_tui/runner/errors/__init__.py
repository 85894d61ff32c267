"""The errors of requests to the runner, and their explanations."""
