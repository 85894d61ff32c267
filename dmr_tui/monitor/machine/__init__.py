"""The computer's readings, kept by the monitor."""
