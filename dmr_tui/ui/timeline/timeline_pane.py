"""The timeline of the runner and its models, the newest event first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input

from dmr_tui.state.event import Event
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.events import event_cause, event_text
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.timeline.leveled_pane import LEVELS, LeveledPane, ModelNames, RowFilter
from dmr_tui.ui.timeline.log_text import clock_time
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, OneLine, Part, wrapped
from dmr_tui.ui.widgets.table import Column, Table

NAMED = {"reload thrash", "config drift"}
"""Events that no user caused, and that a user would otherwise have to find out."""
SIGNS: dict[str, Part] = {
    "info": (GLYPHS.dot, "$label"),
    "good": (GLYPHS.up, "$success"),
    "warning": ("!", "bold $warning"),
    "error": ("x", "bold $error"),
}
GRAVITY = {"info": 0, "good": 0, "warning": 1, "error": 2}


@dataclass(frozen=True, slots=True)
class EventFilter(RowFilter):
    """Conditions on an event."""

    def matches(self, event: Event, names: ModelNames) -> bool:
        """Return True if the event meets all conditions."""
        if GRAVITY[event.severity] < LEVELS.index(self.level):
            return False
        if self.model and names.key(event.digest, event.model) != self.model:
            return False
        name = names.name(event.digest, event.model)
        text = f"{event.kind} {name} {event.model} {event.source} "
        text += f"{event_text(event)} {event_cause(event)}"
        return not self.words or all(word in text.lower() for word in self.words)


class EventTable(Table[Event]):
    """The newest at the top, and followed there."""

    def show(self, rows: Sequence[Event]) -> None:
        """Take new events; if there is one of another day, all get room for a date."""
        time, *others = self._columns
        width = 14 if rows and len(clock_time(rows[-1].at)) > 8 else 8
        if width != time.width:
            self._columns = (replace(time, width=width), *others)
            self._layout_columns()
            self.refresh()
        super().show(rows)


class EventDetails(OneLine):
    """The event under the cursor, in full."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return as many rows as there is room for; what does not fit ends in an ellipsis."""
        rows = wrapped(self.line, width, 2)
        if len(rows) > height:
            text, style = rows[height - 1][-1]
            rows[height - 1] = (*rows[height - 1][:-1], (text.rstrip() + GLYPHS.ellipsis, style))
        return rows[:height]


class TimelinePane(LeveledPane[Event]):
    """The table, below it the event under the cursor in full, and the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("timeline")]

    def __init__(self) -> None:
        self._table = EventTable(
            _columns(self._model_cell),
            lambda event: event.key,
            empty=self._empty,
            follow=True,
            id="event-table",
        )
        hint = "words that an event has to have"
        field = Input(placeholder=hint, id="event-filter", compact=True)
        super().__init__(self._table, field, everything=EventFilter(), id="events")

    def compose(self) -> ComposeResult:
        yield self._table
        yield EventDetails(id="event-details")
        yield self._field

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Show what is new."""
        self._take_names(after.models)
        if after.events is not before.events:
            self._table.show(tuple(reversed(after.events)))
        self._table.repaint_changed()
        self._show_details()
        self.show_titles()

    def go_to(self, at: float, key: str) -> bool:
        """Put the cursor on the event nearest in time; of several, on one of that model."""
        if not self.snapshot.events:
            return False

        def distance(event: Event) -> tuple[float, bool]:
            # A load may begin and end on lines of the same instant as another event.
            own = bool(key) and self.names.key(event.digest, event.model) == key
            return round(abs(event.at - at), 1), not own

        nearest = min(self.snapshot.events, key=distance)
        if not self._filter.matches(nearest, self.names):
            self.clear_filter()
        self._table.move_to(nearest.key)
        self._table.focus()
        return True

    def on_table_cursor_moved(self) -> None:
        """Show the details of another event."""
        self._show_details()

    def _model_cell(self, event: Event) -> Part:
        return plain(self.names.name(event.digest, event.model)), "bold $value"

    def _set_filter(self, wanted: RowFilter) -> None:
        super()._set_filter(wanted)
        self._show_details()

    def _show_details(self) -> None:
        event = self.row
        line: Line = ()
        if event is not None:
            sign, style = SIGNS[event.severity]
            name, name_style = self._model_cell(event)
            line = (
                (f"{sign} {clock_time(event.at)} ", style),
                (f"{name} " if name else "", name_style),
                (f"{event.kind}: {plain(event_text(event))}. ".replace(".. ", ". "), "$value"),
                (plain(event_cause(event)), "$label"),
            )
        self.query_one(EventDetails).show(line)

    def titles(self) -> tuple[Content, str]:
        """Return how many events there are of each kind, and the filter and the order."""
        return self._title(), self._state()

    def _title(self) -> Content:
        events, shown = self.snapshot.events, len(self._table.rows)
        parts: list[str | tuple[str, str]] = ["Timeline"]
        if events:
            count = f"{len(events)}" if shown == len(events) else f"{shown} of {len(events)}"
            parts.append(f" {count} event{'s' if len(events) > 1 else ''}")
        for severity, word in (("error", "errors"), ("warning", "warnings")):
            number = sum(1 for event in events if event.severity == severity)
            if number:
                sign, style = SIGNS[severity]
                word = word if number > 1 else word.removesuffix("s")
                parts += [f" {GLYPHS.dot} ", (f"{sign} {number} {word}", style)]
        return Content.assemble(*parts)

    def _state(self) -> str:
        said = list(self._filter.spoken(self._model_name))
        if not said and self.snapshot.source("log").health == "absent":
            said = ["from what is loaded; this version has no log"]
        if self._table.sorted_by:
            said.append(f"by {self._table.sorted_by}")
        return f" {GLYPHS.dot} ".join(said)

    def _empty(self) -> Line:
        if self.snapshot.events:
            return (("no event matches; esc shows all", "$label"),)
        if not self.snapshot.runner.up:
            return (("no runner yet", "$faint"),)
        return (
            ("nothing yet: ask a model, and its load appears here: ", "$label"),
            ("docker model run NAME", "bold $value"),
        )


def _columns(model: Callable[[Event], Part]) -> tuple[Column[Event], ...]:
    """`model` is the name of an event's model."""
    named = Column("model", "MODEL", 15, model, lambda event: model(event)[0] or None)
    return (
        Column("time", "TIME", 8, _time, lambda event: event.at),
        Column("what", "WHAT", 16, _what, lambda event: event.kind),
        replace(named, width=26, drop=3, narrow=named),
        Column("took", "TOOK", 6, _took, lambda event: event.seconds, True, 1),
        Column("detail", "DETAIL", 0, _detail, event_text),
        Column("from", "FROM", 6, _source, lambda event: event.source, drop=2),
    )


def _time(event: Event) -> Part:
    return clock_time(event.at), "$label"


def _what(event: Event) -> Part:
    sign, style = SIGNS[event.severity]
    if event.kind in NAMED:
        return f"{sign} {event.kind}", "bold reverse $warning"
    return f"{sign} {event.kind}", style


def _took(event: Event) -> Part:
    return "" if event.seconds is None else format.seconds(event.seconds), "$value"


def _detail(event: Event) -> Part:
    return plain(event_text(event)), "$value" if GRAVITY[event.severity] else "$label"


def _source(event: Event) -> Part:
    return event.source, "$faint"
