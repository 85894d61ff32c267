"""Events by time, each once; the newest are kept."""

from bisect import bisect_left, insort
from itertools import count

from dmr_tui.state.event import Event

KEPT = 2000

_Entry = tuple[float, int, Event]
"""Time, number of the arrival, event."""


class EventList:
    """Events by their key; one that was withdrawn does not come back when the log is read again."""

    def __init__(self) -> None:
        self.again = False
        """True while the log is read again: events may be known, or older than all kept ones."""
        self._entries: dict[str, _Entry] = {}
        """By the event's key, in the order in which they came."""
        self._order: list[_Entry] = []
        self._withdrawn: dict[str, None] = {}
        self._numbers = count()
        self._tuple: tuple[Event, ...] | None = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """Oldest first; the same object until something changes."""
        if self._tuple is None:
            self._tuple = tuple(event for _, _, event in self._order)
        return self._tuple

    def put(self, event: Event) -> None:
        """Add `event`, or replace the one with the same key."""
        known = self._entries.get(event.key)
        if (known is not None and known[2] == event) or event.key in self._withdrawn:
            return
        if known is not None:
            self._take_out(known)
        number = next(self._numbers) if known is None else known[1]
        self._entries[event.key] = entry = (event.at, number, event)
        insort(self._order, entry)
        self._tuple = None if len(self._order) <= KEPT else self._shortened(event, self._tuple)

    def put_first(self, event: Event) -> None:
        """Add `event` unless there is one with its key, which knows more."""
        if event.key not in self._entries:
            self.put(event)

    def withdraw(self, key: str) -> None:
        """Take an event back: it was part of another one."""
        self._withdrawn[key] = None
        if len(self._withdrawn) > KEPT:
            del self._withdrawn[next(iter(self._withdrawn))]
        self._drop(key)

    def _shortened(
        self, newest: Event, before: tuple[Event, ...] | None
    ) -> tuple[Event, ...] | None:
        oldest = self._order[0][2].key
        if oldest != newest.key:
            self._drop(oldest)
            return None
        if self.again:
            self._drop(oldest)
            return before
        # The clock was set back, and this is news: the first to come is the first to go.
        self._drop(next(iter(self._entries)))
        return None

    def _drop(self, key: str) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self._take_out(entry)
            self._tuple = None

    def _take_out(self, entry: _Entry) -> None:
        del self._order[bisect_left(self._order, entry)]
