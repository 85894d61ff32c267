"""Messages between the monitor's thread, the panes and the screens."""

from dataclasses import dataclass

from textual.message import Message

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.crashes import Crash
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot


@dataclass
class SnapshotReady(Message):
    """The monitor has a new picture; a slow UI sees only the newest."""

    snapshot: Snapshot
    source: object
    """The monitor that made it."""

    def can_replace(self, message: Message) -> bool:
        """Supersede an older one that has not been handled yet."""
        return isinstance(message, SnapshotReady) and message.source is self.source


@dataclass
class PartCrashed(Message):
    """A part of the monitor failed by an error of dmr-tui itself, and begins again."""

    crash: Crash
    source: object
    """The monitor of which it is a part."""


@dataclass
class TurnAdvanced(Message):
    """The answer that is streaming has grown; it holds all of it, so the newest is enough."""

    number: int
    """Number of the turn in its pane."""
    turn: Turn

    def can_replace(self, message: Message) -> bool:
        """Supersede an older picture of the same turn."""
        return isinstance(message, TurnAdvanced) and message.number == self.number


@dataclass
class ModelChosen(Message):
    """The user wants to chat with this model."""

    row: ModelRow


@dataclass
class LinesWanted(Message):
    """The user wants to see what the log says about that time."""

    at: float
    """Seconds since 1970, by the runner's clock."""
    until: float | None = None
    digest: str | None = None


@dataclass
class RequestWanted(Message):
    """The user wants to see that request."""

    id: str


@dataclass
class MemoryWanted(Message):
    """The user wants to see what that model needs."""

    key: str
