"""One file per full screen or dialog."""
