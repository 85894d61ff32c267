"""Screen 2: requests."""
