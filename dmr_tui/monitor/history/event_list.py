"""Events by time, each once; the newest are kept."""

from bisect import bisect_left, insort

from dmr_tui.state.event import Event

KEPT = 2000


class EventList:
    """Events by their key; one that was withdrawn does not come back when the log is read again."""

    def __init__(self) -> None:
        self.again = False
        """True while the log is read again: events may be known, or older than all kept ones."""
        self._events: dict[str, Event] = {}
        self._order: list[tuple[float, int, str]] = []
        self._arrived: dict[str, int] = {}
        self._withdrawn: dict[str, None] = {}
        self._count = 0
        self._tuple: tuple[Event, ...] | None = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """Oldest first; the same object until something changes."""
        if self._tuple is None:
            self._tuple = tuple(self._events[key] for _, _, key in self._order)
        return self._tuple

    def get(self, key: str) -> Event | None:
        """Return the event with that key."""
        return self._events.get(key)

    def put(self, event: Event) -> None:
        """Add `event`, or replace the one with the same key."""
        known = self._events.get(event.key)
        if known == event or event.key in self._withdrawn:
            return
        if known is not None:
            self._take_out(known)
        else:
            self._count += 1
            self._arrived[event.key] = self._count
        self._events[event.key] = event
        insort(self._order, (event.at, self._arrived[event.key], event.key))
        self._tuple = None if len(self._order) <= KEPT else self._shortened(event, self._tuple)

    def put_first(self, event: Event) -> None:
        """Add `event` unless there is one with its key, which knows more."""
        if event.key not in self._events:
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
        oldest = self._order[0][2]
        if oldest != newest.key:
            self._drop(oldest)
            return None
        if self.again:
            self._drop(oldest)
            return before
        # The clock was set back, and this is news: the first to come is the first to go.
        self._drop(next(iter(self._events)))
        return None

    def _drop(self, key: str) -> None:
        event = self._events.get(key)
        if event is not None:
            self._take_out(event)
            del self._events[key], self._arrived[key]
            self._tuple = None

    def _take_out(self, event: Event) -> None:
        entry = (event.at, self._arrived[event.key], event.key)
        place = bisect_left(self._order, entry)
        if self._order[place : place + 1] == [entry]:
            del self._order[place]
