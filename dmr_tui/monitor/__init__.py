"""What is true now: sources are polled and joined into one frozen Snapshot."""
