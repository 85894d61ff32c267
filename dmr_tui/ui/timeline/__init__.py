"""Screen 4: timeline and log."""
