"""The timeline: what happened to the runner and its models, and what the log says about it."""

from collections.abc import Callable

from textual.app import ComposeResult

from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.runner.request import Request
from dmr_tui.state.event import Event
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.messages import RequestWanted
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.keybar import KeyBar
from dmr_tui.ui.shell.live_screen import LiveScreen
from dmr_tui.ui.timeline.log_pane import LogPane
from dmr_tui.ui.timeline.log_text import LineDialog
from dmr_tui.ui.timeline.timeline_pane import TimelinePane
from dmr_tui.ui.widgets.row_view import RowView
from dmr_tui.ui.widgets.tail import Tail

NEAR_S = 1.0
"""Seconds before its start and after its end in which a line may belong to a request."""


class TimelineScreen(LiveScreen):
    """Answers why a model was unloaded and what failed, with the log to prove it."""

    def __init__(self, monitor: Callable[[], Monitor]) -> None:
        super().__init__(monitor)
        self._has_request = False

    @property
    def view(self) -> View:
        """Read the log only while this screen shows it."""
        return View(log=True)

    def compose(self) -> ComposeResult:
        bound = TimelineScreen.snapshot
        yield HeaderPane(id="header").data_bind(bound)
        yield TimelinePane().data_bind(bound)
        yield LogPane().data_bind(bound)
        yield KeyBar().data_bind(TimelineScreen.snapshot)

    def on_mount(self) -> None:
        self.events.focus_rows()

    @property
    def events(self) -> TimelinePane:
        """The pane of events."""
        return self.query_one(TimelinePane)

    @property
    def log_pane(self) -> LogPane:
        """The runner's log."""
        return self.query_one(LogPane)

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Leave no room to a log that the runner does not have."""
        self.set_class(after.source("log").health == "absent", "-no-log")
        self._show_what_can_be_done()

    def on_table_cursor_moved(self) -> None:
        """Offer to go to a request only for events that have one."""
        self._show_what_can_be_done()

    def _show_what_can_be_done(self) -> None:
        event = self.events.row
        has_request = event is not None and event.request is not None
        if has_request != self._has_request:
            self._has_request = has_request
            self.refresh_bindings()

    def on_descendant_focus(self) -> None:
        """Show the pane with the keys, where only one has room."""
        self.set_class(self._in_log(), "-in-log")

    def _in_log(self) -> bool:
        return self.focused is not None and self.log_pane in self.focused.ancestors_with_self

    def go_to(self, at: float, until: float | None, digest: str | None) -> None:
        """Go to the lines of that time, or say why there are none."""
        self.minimize()
        self.log_pane.focus_rows()
        self.log_pane.go_to(at, at if until is None else until, digest)

    def action_lines_of_event(self) -> None:
        """Go to the lines of the event under the cursor."""
        event = self.events.row
        if event is not None:
            self.go_to(event.at - _lasted(event), event.at, event.digest)

    def on_row_view_chosen(self, event: RowView.Chosen) -> None:
        """Open what was clicked twice: a line, or the lines of an event."""
        if isinstance(event.view, Tail):
            self.action_whole_line()
        else:
            self.action_lines_of_event()

    def action_request_of_event(self) -> None:
        """Go to the request that the event is about."""
        event = self.events.row
        if event is not None and event.request is not None:
            self.post_message(RequestWanted(event.request))

    def action_event_of_line(self) -> None:
        """Go to the event nearest to the line under the cursor."""
        line = self.log_pane.row
        if line is None:
            return
        self.minimize()
        if not self.events.go_to(line.at, self.events.names.key(line.digest, line.model)):
            self.log_pane.say("Nothing happened yet that the timeline shows")

    def action_request_of_line(self) -> None:
        """Go to the request that ran when the line under the cursor was written."""
        line = self.log_pane.row
        if line is None:
            return
        request = request_at(line, (*self.snapshot.finished, *self.snapshot.in_flight))
        if request is None:
            self.log_pane.say("No call that is known ran when this line was written")
        else:
            self.post_message(RequestWanted(request.id))

    def action_whole_line(self) -> None:
        """Read all of the line under the cursor."""
        line = self.log_pane.row
        if line is not None:
            model = self.log_pane.names.name(line.digest, line.model)
            self.app.push_screen(LineDialog(line, model))

    def action_other_pane(self) -> None:
        """From the events to the log, and back."""
        to_events, maximized = self._in_log(), self.maximized is not None
        self.minimize()
        if to_events:
            self.events.focus_rows()
        else:
            self.log_pane.focus_rows()
        if maximized:
            self.maximize(self.events if to_events else self.log_pane)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim (None) what cannot be done now."""
        return None if action == "request_of_event" and not self._has_request else True

    def action_maximize_pane(self) -> None:
        """Give the screen to the focused pane, and back."""
        if self.maximized is not None:
            self.minimize()
            return
        self.maximize(self.log_pane if self._in_log() else self.events)


def _lasted(event: Event) -> float:
    """Seconds for which the event went on before it was reported."""
    return event.seconds or 0.0 if event.kind in {"loaded", "load failed"} else 0.0


def request_at(line: LogLine, requests: tuple[Request, ...]) -> Request | None:
    """Find the request that was running when `line` was written, the one that began last."""
    running = [
        request
        for request in requests
        if request.started_at - NEAR_S <= line.at
        and (request.outcome == "in flight" or line.at <= ended(request) + NEAR_S)
        and line.digest in {None, request.digest}
    ]
    return max(running, key=lambda request: request.started_at, default=None)
