"""What somebody may have meant who wrote a name that does not exist."""

from collections.abc import Sequence


def nearest(name: str, names: Sequence[str]) -> str:
    """The names that look most like it, as "a or b"; empty if none does."""
    # Wanted only for a mistake.
    from difflib import get_close_matches

    return " or ".join(get_close_matches(name, names, 3, 0.55))


def did_you_mean(name: str, names: Sequence[str]) -> str:
    """The same as the end of a sentence; may be empty."""
    close = nearest(name, names)
    return f"; did you mean {close}?" if close else ""
