"""The doctor screen."""
