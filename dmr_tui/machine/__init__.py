"""What the computer says: GPU, memory, processes."""
