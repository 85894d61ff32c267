"""Screen 3: memory."""
