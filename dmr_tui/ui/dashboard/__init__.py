"""Screen 1: the dashboard."""
