"""One thing that the user can do: its keys, its words, and its action."""

from dataclasses import dataclass, replace
from typing import Literal

Where = Literal[
    "everywhere", "models", "chat", "requests", "request", "memory", "timeline", "log", "doctor"
]


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that the user can do."""

    action: str
    """Textual's action, with its namespace."""
    keys: str
    label: str
    """Word in the footer; empty keeps it out of there."""
    help: str
    """One sentence, for help, palette and tooltip."""
    title: str = ""
    """Name in the palette; empty keeps it out of there."""
    priority: bool = False
    """True if it works before the widget with the keys sees them."""
    shown_key: str | None = None
    """The first key as the footer shows it; None for Textual's name of it."""
    where: Where = "everywhere"

    @property
    def id(self) -> str:
        """Name in the settings, of place and action: "memory.context_by_1024"."""
        name, _, parameters = self.action.partition(".")[2].partition("(")
        for sign, word in (("-", "minus_"), (".0)", ""), (".", "_"), ("'", ""), (")", "")):
            parameters = parameters.replace(sign, word)
        return f"{self.where}.{name}{'_' if parameters else ''}{parameters}"


def at(where: Where, *commands: Command) -> tuple[Command, ...]:
    """Return the commands as those of one place."""
    return tuple(replace(command, where=where) for command in commands)
