"""The name that was meant by one that does not exist, in words."""

from collections.abc import Sequence

from dmr_tui.runner.names import nearest


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """The nearest names as the end of a sentence; may be empty."""
    close = nearest(name, names)
    return f"; did you mean {close}?" if close else ""
