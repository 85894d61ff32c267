"""The runners that can be watched."""

from dataclasses import dataclass
from typing import Protocol

from dmr_tui.monitor.live import Monitor


@dataclass(frozen=True, slots=True)
class Choice:
    """One runner that can be watched."""

    name: str
    """As `--context` takes it; "default" looks for the runner."""
    place: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """All runners that can be watched."""

    runners: tuple[Choice, ...]
    now: str
    """Name of the one that is watched."""
    notes: tuple[str, ...] = ()
    """Files that are not right."""


class Contexts(Protocol):
    """Other runners that can be watched."""

    def choices(self) -> Choices:
        """List all of them, and which one is watched."""
        ...

    def watch(self, name: str) -> Monitor:
        """Return a monitor of that one; raise ValueError if its address cannot be used."""
        ...
