"""What one thing that a person can do consists of."""

from dataclasses import dataclass
from typing import Literal

Where = Literal[
    "everywhere", "models", "chat", "requests", "request", "memory", "timeline", "log", "doctor"
]


@dataclass(frozen=True, slots=True)
class Command:
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

    @property
    def id(self) -> str:
        """What it is called in the settings: its place and its action, "memory.context_by_1024"."""
        name, _, parameters = self.action.partition(".")[2].partition("(")
        for sign, word in (("-", "minus_"), (".0)", ""), (".", "_"), ("'", ""), (")", "")):
            parameters = parameters.replace(sign, word)
        return f"{self.where}.{name}{'_' if parameters else ''}{parameters}"
