"""What happened to the runner and its models: the entries of the timeline."""

from dataclasses import dataclass
from typing import Literal

EventKind = Literal[
    "load started",
    "loaded",
    "load failed",
    "unloaded",
    "reconfigured",
    "config drift",
    "reload thrash",
    "out of memory",
    "engine died",
    "client left",
    "request failed",
    "error",
    "runner started",
    "runner lost",
    "runner back",
]
Severity = Literal["info", "good", "warning", "error"]
EventSource = Literal["log", "ps", "feed", "config", "poll"]


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; equal keys mean that the same thing was told twice."""

    key: str
    at: float
    """Seconds since 1970, by the runner's clock."""
    kind: EventKind
    text: str
    """What happened, in words; without the model's name."""
    source: EventSource
    severity: Severity = "info"
    model: str = ""
    """As it was called; empty if it is not about one model."""
    digest: str | None = None
    seconds: float | None = None
    """How long it took, for what takes time."""
    request: str | None = None
    """Id of the call that it is about."""
    cause: str = ""
    """Likely cause and next step, where the table of errors knows them."""
