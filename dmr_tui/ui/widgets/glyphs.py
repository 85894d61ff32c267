"""The signs that pictures are made of: blocks where the terminal has them, ASCII where not."""

import locale
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs; every one of them is one cell wide."""

    spark: str
    """Eight heights, lowest first."""
    full: str
    empty: str
    up: str
    down: str
    unknown: str
    cursor: str
    ascending: str
    descending: str
    warning: str
    ellipsis: str
    dot: str
    parts: str
    """Fillings that neighbours in a stacked bar are told apart by."""
    others: str
    rest: str
    mapped: str
    then: str
    """Before a step that fixes something."""


UNICODE = Glyphs(
    "▁▂▃▄▅▆▇█", "█", "░", "●", "○", "◌", "▸", "▲", "▼", "!", "…", "·", "█▓▒", "▚", "╱", "▄", "→"
)
ASCII = Glyphs(
    "_.-=+*%#", "#", ".", "*", "o", "?", ">", "^", "v", "!", "~", "-", "#%=", "&", "/", "_", ">"
)


def speaks_unicode() -> bool:
    """Return True if the terminal is told to be UTF-8; DMR_TUI_ASCII=1 says that it is not."""
    if os.environ.get("DMR_TUI_ASCII", "") not in {"", "0"}:
        return False
    return "utf" in locale.getpreferredencoding(False).lower()


GLYPHS = UNICODE if speaks_unicode() else ASCII
