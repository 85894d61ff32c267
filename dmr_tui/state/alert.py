"""A warning or a hint, and where it is dealt with."""

from dataclasses import dataclass
from typing import Literal

AlertLevel = Literal["critical", "warning", "hint"]


AlertScreen = Literal["", "dashboard", "requests", "memory", "timeline", "doctor"]


LEVELS: tuple[AlertLevel, ...] = ("critical", "warning", "hint")


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that a person should know."""

    key: str
    """What tells it from others; a dismissed key stays quiet until it was gone for a while."""
    level: AlertLevel
    text: str
    """One sentence with its numbers, without a full stop."""
    step: str
    """What to do, in a few words."""
    screen: AlertScreen = ""
    """Where it is done, or seen."""
