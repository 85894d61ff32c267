"""The search for a runner: contexts, Docker Engines, usual addresses."""
