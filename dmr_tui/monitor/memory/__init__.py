"""Memory: where it went, and which model fits."""
