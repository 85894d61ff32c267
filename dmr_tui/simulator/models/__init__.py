"""The models that a simulated runner has and can pull."""
