"""The error of a setting that cannot be used, and the end of its sentence."""

from collections.abc import Sequence

from dmr_tui.runner.names import nearest


class BadSettings(ValueError):
    """A setting that cannot be used: its place, and what is allowed there."""


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """Return the nearest names as the end of a sentence; may be empty."""
    close = nearest(name, names)
    return f"; did you mean {close}?" if close else ""
