"""The error of a setting that cannot be used."""


class BadSettings(ValueError):
    """A setting that cannot be used: its place, and what is allowed there."""
