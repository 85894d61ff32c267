"""GPUs by maker, all in one shape."""
