"""The error of a setting that cannot be used."""


class BadSettings(ValueError):
    """Says where the setting is, and what is allowed there."""
