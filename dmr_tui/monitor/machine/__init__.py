"""What the monitor keeps of the computer's readings."""
