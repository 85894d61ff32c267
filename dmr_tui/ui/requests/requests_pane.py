"""Finished requests: as a list, counted by caller, or counted by model."""

import time
from collections.abc import Sequence
from typing import ClassVar

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input

from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import RequestFilter, View
from dmr_tui.state.requests import FinishedRequests, RequestGroup
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.requests.around_table import (
    MODES,
    Condition,
    ConditionsPane,
    Mode,
    ModeTitles,
    count_words,
    toggled,
)
from dmr_tui.ui.requests.columns import group_columns, group_remarks, request_columns
from dmr_tui.ui.requests.request_text import remarks, unrecorded
from dmr_tui.ui.shell.filtered_pane import FilteredPane
from dmr_tui.ui.shell.live_screen import LiveScreen
from dmr_tui.ui.shell.pane import preferences_of
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, OneLine
from dmr_tui.ui.widgets.table import Table

COUNT_S = 0.9
"""Seconds for which a count in the title stays."""
TYPING_S = 0.15
"""Seconds without a key after which the typed words are looked for: that takes the archive time."""
READING = f"reading the archive {GLYPHS.ellipsis}"


class RequestsPane(FilteredPane[Request]):
    """Three tables of which one is shown, a line about its row, and the filter."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("requests")]

    def __init__(self) -> None:
        self.mode: Mode = "list"
        self.asked = RequestFilter()
        self._finished: FinishedRequests | None = None
        self._all: int | None = None
        """Number of requests without a filter, as far as it is known."""
        self._paused = False
        self._wanted: str | None = None
        """Id of the request that the cursor is to go to as soon as it is there."""
        self._mode_titles = ModeTitles()
        self._said: object = None
        """All that the titles depend on, but for the count."""
        self._title_at = 0.0
        self._could = False
        """True if there was a row under the cursor."""
        self._typing: Timer | None = None
        self._list: Table[Request] = Table(
            request_columns(
                self.caller_of,
                self._ahead,
                lambda: preferences_of(self.app).thresholds.level("context"),
            ),
            key=lambda row: row.id,
            empty=self._empty,
            follow=True,
            id="call-table",
        )
        self._groups: dict[Mode, Table[RequestGroup]] = {
            mode: Table(
                group_columns(mode.upper(), self._ahead),
                key=lambda group: group.name,
                empty=self._empty,
                grow=20,
                id=f"by-{mode}",
            )
            for mode in MODES[1:]
        }
        hint = "words in model, caller, API, status or error"
        field = Input(placeholder=hint, id="call-filter", compact=True)
        super().__init__(self._list, field, id="finished")

    def compose(self) -> ComposeResult:
        yield self._list
        yield from self._groups.values()
        yield OneLine(id="call-remark")
        yield ConditionsPane(id="call-conditions")
        yield self._field

    def on_mount(self) -> None:
        self._show_mode()
        self.tick()

    @property
    def view(self) -> View:
        """The requests that the monitor has to read for this pane."""
        return View(requests=self.asked, groups=self.mode != "list")

    @property
    def row(self) -> Request | None:
        """The request under the cursor; None while groups are shown."""
        return super().row if self.mode == "list" else None

    @property
    def group(self) -> RequestGroup | None:
        """The group under the cursor; None while the list is shown."""
        return None if self.mode == "list" else self._groups[self.mode].row

    @property
    def filtered(self) -> bool:
        """True while a filter is set or being typed."""
        return self.asked != RequestFilter() or super().filtered

    @property
    def callers(self) -> list[str]:
        """The own names of the caller under the cursor: several may have been given one name."""
        if self.row is not None:
            return [self.row.caller]
        if self.mode != "caller" or self.group is None:
            return []
        shown = self.group.name
        names = self.snapshot.caller_names
        found = [own for own, given in names.items() if given == shown]
        return found or [shown]

    @property
    def rows(self) -> Sequence[Request]:
        """The newest requests known to the monitor, whatever is shown."""
        return self._finished.rows if self._finished is not None else ()

    def caller_of(self, request: Request) -> str:
        """Return the caller as the user names it."""
        return self.snapshot.caller_names.get(request.caller, request.caller)

    def focus_rows(self) -> None:
        """Give the keys to the table that is shown."""
        self._table.focus()

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Show what is new; until the requests that were asked for come, the old ones stay."""
        finished = after.requests
        if finished is not None and finished.view == self.view and finished is not self._finished:
            self._take(finished)
        if before.caller_names != after.caller_names:
            self._list.keep(None)
        self.set_class(not after.runner.up, "-stale")
        self._show_words()

    def _take(self, finished: FinishedRequests) -> None:
        same = self._finished is not None and self._finished.rows is finished.rows
        self._finished = finished
        if self.asked == RequestFilter():
            self._all = finished.matching
        if not same and not self._paused:
            self._list.show(finished.rows)
        self._groups["caller"].show(finished.by_caller)
        self._groups["model"].show(finished.by_model)
        if self._wanted is not None and self._list.move_to(self._wanted):
            self._wanted = None
        elif self._wanted is not None and not finished.reading:
            self._wanted = None
            self.notify("That call is no longer known", severity="warning", markup=False)

    def tick(self) -> None:
        """Show what changed: a second has passed."""
        self._table.repaint_changed()
        self._show_words()

    def _show_words(self) -> None:
        self._show_remark()
        self.show_titles()
        can = self.row is not None or self.group is not None
        if can != self._could:
            self._could = can
            self.screen.refresh_bindings()

    def go_to(self, id: str) -> None:
        """Put the cursor on that request, as soon as it is there."""
        self._paused = False
        if self.mode != "list":
            self.set_mode("list")
        self._wanted = None if self._list.move_to(id) else id
        if self._wanted is not None and self.asked != RequestFilter():
            self.ask(RequestFilter())
        self.tick()

    def set_mode(self, mode: Mode) -> None:
        """Show the list, or the requests counted."""
        if mode != self.mode:
            self.mode = mode
            self._show_mode()
            self._look()

    def _look(self) -> None:
        if isinstance(self.screen, LiveScreen):
            self.screen.look()

    def action_next_mode(self) -> None:
        """Show the next of list, by caller and by model."""
        self.set_mode(MODES[(MODES.index(self.mode) + 1) % len(MODES)])

    def ask(self, asked: RequestFilter) -> None:
        """Show other requests."""
        if asked == self.asked:
            return
        self.asked = asked
        self._paused = False
        self.query_one(ConditionsPane).show(asked)
        self._look()
        self.screen.refresh_bindings()
        self.tick()

    def action_toggle_condition(self, which: Condition) -> None:
        """Show only requests like the one under the cursor in one respect, or all again."""
        row = self.row
        self.ask(toggled(self.asked, which, row, self.caller_of(row) if row else ""))

    def action_only_group(self) -> None:
        """List the requests of the group under the cursor."""
        group = self.group
        if group is not None:
            wanted: dict[str, str] = {self.mode: group.name}
            self.set_mode("list")
            self.ask(replace(self.asked, **wanted))

    def action_pause(self) -> None:
        """Let the rows stand still, or go on."""
        self._paused = not self._paused
        if not self._paused:
            self._list.show(self.rows)
        self.tick()

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self._table.sort_next()
        self.show_titles()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for the words when the typing pauses."""
        event.prevent_default()
        self._stop_typing()
        self._typing = self.set_timer(TYPING_S, lambda: self.filter_by(self._field.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Look for the words at once; the line above says them from now on."""
        event.prevent_default()
        self._stop_typing()
        self._field.display = False
        self.filter_by(event.value)
        self.focus_rows()

    def filter_by(self, words: str) -> None:
        """Ask for the requests that hold the words, as they were typed."""
        self.ask(replace(self.asked, words=words.strip()))

    def _stop_typing(self) -> None:
        if self._typing is not None:
            self._typing.stop()

    def action_drop_conditions(self) -> None:
        """Leave the field of words; else show every request again, or what else a screen has."""
        if not self.filtered:
            self.screen.minimize()
            return
        typing = self._field.display
        self._stop_typing()
        self._close_field()
        self.ask(replace(self.asked, words="") if typing else RequestFilter())
        self.focus_rows()
        self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide (False) or dim (None) what cannot be done now."""
        match action:
            case "only_group":
                return self.mode != "list"
            case "toggle_condition":
                held = getattr(self.asked, str(parameters[0])) is not None
                return held or (self.mode == "list" and (True if self.row is not None else None))
            case "pause":
                return self.mode == "list"
            case "drop_conditions":
                return self.filtered or self.screen.maximized is not None
        return True

    def renamed(self, before: str, after: str) -> None:
        """Change the filter with the caller's name."""
        if self.asked.caller == before:
            self.ask(replace(self.asked, caller=after))

    def on_table_cursor_moved(self, event: Table.CursorMoved) -> None:
        """Say what is not as usual with another row."""
        event.stop()
        self._show_remark()

    def on_click(self, event: events.Click) -> None:
        """Switch between the tables by the titles in the border."""
        mode = self._mode_titles.at(event.x) if event.widget is self and event.y == 0 else None
        if mode is not None:
            self.set_mode(mode)
        # A click on a header has sorted.
        self.show_titles()

    @property
    def _table(self) -> Table[Request] | Table[RequestGroup]:
        return self._list if self.mode == "list" else self._groups[self.mode]

    def _ahead(self) -> float:
        return self.snapshot.clock_offset

    @property
    def _waiting(self) -> bool:
        finished = self.snapshot.requests
        return finished is None or finished.view != self.view or finished.reading

    def _show_mode(self) -> None:
        self._list.display = self.mode == "list"
        for mode, table in self._groups.items():
            table.display = mode == self.mode
        self.focus_rows()
        self.tick()
        self.screen.refresh_bindings()

    def _show_remark(self) -> None:
        line = () if self.group is None else group_remarks(self.group)
        if self.row is not None:
            line = remarks(self.row, self.caller_of(self.row))
        self.query_one(OneLine).show(line)

    def titles(self) -> tuple[Content, str]:
        """Return the three tables with what there is to say of the shown one, and its order."""
        count = count_words(self._finished, self._all)
        names: dict[Mode, str] = {"list": f"Finished {count}".rstrip()}
        names |= {mode: f"by {mode}" for mode in MODES[1:]}
        return self._mode_titles.content(names, self.mode, self._state()), self._sorted()

    def show_titles(self) -> None:
        """Set the titles if they have changed, for a count alone only once a second."""
        said = self.mode, self._state(), self._sorted(), self.asked, self._finished is None
        if said == self._said and time.monotonic() < self._title_at:
            return
        before = self._titles
        super().show_titles()
        if self._titles != before:
            self._said, self._title_at = said, time.monotonic() + COUNT_S

    def _state(self) -> tuple[str, str]:
        if self._paused and self.mode == "list":
            return f"paused, {self._fresh():,} new", "bold $warning"
        return (READING if self._waiting and self._finished is not None else ""), "$label"

    def _fresh(self) -> int:
        frozen = self._list.rows
        if not frozen:
            return len(self.rows)
        known = {row.id for row in frozen}
        return sum(row.id not in known for row in self.rows)

    def _sorted(self) -> str:
        feed = self.snapshot.source("requests feed")
        if feed.health == "stale":
            return f"feed stale: {plain(feed.reason)}"
        by = self._table.sorted_by
        if by:
            return f"by {by}"
        if self.mode == "list" and self._list.rows and not self._list.following:
            return "g goes to the newest"
        count = unrecorded(self.snapshot)
        if count:
            return f"DMR keeps no record of {count:,} more that failed lately: 4 Timeline"
        return ""

    def _empty(self) -> Line:
        if self._waiting:
            return ((READING if self.snapshot.runner.up else "no runner yet", "$faint"),)
        if self.asked != RequestFilter():
            return (("no call matches the filter; esc shows all", "$label"),)
        if self.snapshot.source("requests feed").health == "absent":
            return (("this runner does not tell about requests", "$label"),)
        return (
            ("no call has ended yet: ask something in the chat (", "$label"),
            ("1", "bold $value"),
            ("), or start a workflow", "$label"),
        )
