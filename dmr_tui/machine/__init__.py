"""The computer: GPUs, memory, processor, engine processes, the runner's container."""
