"""The runner's log: read, kept, and what it says about the engines."""
