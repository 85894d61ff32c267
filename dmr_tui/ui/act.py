"""What one thing that a person can do consists of."""

from dataclasses import dataclass
from typing import Literal

Where = Literal[
    "everywhere", "models", "chat", "requests", "request", "memory", "timeline", "log", "doctor"
]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a person can do."""

    action: str
    """Textual's action, with its namespace."""
    keys: str
    label: str
    """Word in the footer; empty keeps it out of there."""
    help: str
    """One sentence, for help, palette and tooltip."""
    where: Where = "everywhere"
    title: str = ""
    """Name in the palette; empty keeps it out of there."""
    priority: bool = False
    shown_key: str | None = None
