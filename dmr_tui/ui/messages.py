"""What is said between the monitor's thread, the panes and the screens."""

from dataclasses import dataclass

from textual.message import Message

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.snapshot import ModelRow, Snapshot


@dataclass
class SnapshotReady(Message):
    """The monitor has a new picture; a slow UI sees only the newest."""

    snapshot: Snapshot

    def can_replace(self, message: Message) -> bool:
        """Supersede an older one that nobody has handled yet."""
        return isinstance(message, SnapshotReady)


@dataclass
class MonitorFailed(Message):
    """The monitor ended by a mistake of ours."""

    error: BaseException


@dataclass
class TurnAdvanced(Message):
    """The answer that is streaming has grown; it holds all of it, so the newest is enough."""

    number: int
    """Which of the pane's turns."""
    turn: Turn

    def can_replace(self, message: Message) -> bool:
        """Supersede an older picture of the same turn."""
        return isinstance(message, TurnAdvanced) and message.number == self.number


@dataclass
class ModelChosen(Message):
    """A person wants to chat with this model."""

    row: ModelRow
