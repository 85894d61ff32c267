"""The requests: those in flight on top, finished ones below, as a list or counted."""

from textual.app import ComposeResult
from textual.containers import Vertical

from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import View
from dmr_tui.ui.messages import LinesWanted
from dmr_tui.ui.requests.caller_dialog import CallerName, NameDialog
from dmr_tui.ui.requests.in_flight_pane import InFlightPane
from dmr_tui.ui.requests.requests_pane import RequestsPane
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.keybar import KeyBar
from dmr_tui.ui.shell.live_screen import LiveScreen
from dmr_tui.ui.shell.narrow import TooSmall
from dmr_tui.ui.shell.notice import NoticePane


class RequestsScreen(LiveScreen):
    """Requests of all callers: their models, how fast they were, and what failed."""

    ESCAPE_TO_MINIMIZE = False
    """Escape drops the filter first."""

    def compose(self) -> ComposeResult:
        bound = RequestsScreen.snapshot
        yield HeaderPane(id="header").data_bind(bound)
        yield TooSmall(id="too-small").data_bind(bound)
        with Vertical(id="calls"):
            yield InFlightPane(id="in-flight", classes="pane").data_bind(bound)
            yield RequestsPane().data_bind(bound)
        yield NoticePane(id="notice").data_bind(bound)
        yield KeyBar().data_bind(RequestsScreen.snapshot)

    def on_mount(self) -> None:
        self.query_one(NoticePane).display = False
        self.pane.focus_rows()

    def on_resize(self) -> None:
        """Leave fewer rows to the requests in flight in a lower window."""
        self.query_one(InFlightPane).follow_requests()

    @property
    def pane(self) -> RequestsPane:
        """The finished requests."""
        return self.query_one(RequestsPane)

    @property
    def view(self) -> View:
        """The requests that the filter leaves, counted or not."""
        return self.pane.view

    def tick(self, heard_at: float) -> None:
        """Move the clocks on: a second has passed; the monitor last spoke at `heard_at`."""
        super().tick(heard_at)
        self.pane.tick()

    def go_to(self, request_id: str) -> None:
        """Put the cursor on that request; one in flight has no row, so it is opened."""
        flying = next(
            (request for request in self.snapshot.in_flight if request.id == request_id), None
        )
        if flying is None:
            self.pane.go_to(request_id)
        else:
            self._open(flying)

    def on_row_view_chosen(self) -> None:
        """Open a request that was clicked twice, or list a group."""
        if self.pane.mode == "list":
            self.action_open_request()
        else:
            self.pane.action_only_group()

    def action_open_request(self) -> None:
        """Show everything about the request under the cursor."""
        if self.pane.row is not None:
            self._open(self.pane.row)

    def _open(self, request: Request) -> None:
        from dmr_tui.ui.requests.request_detail import RequestDetail

        self.app.push_screen(RequestDetail(request, self.monitor))

    def action_request_log(self) -> None:
        """Go to the lines of the log from the time of the request under the cursor."""
        row = self.pane.row
        if row is not None:
            self.post_message(LinesWanted(row.started_at, row.finished_at, row.digest))

    def action_name_caller(self) -> None:
        """Name the caller under the cursor."""
        callers = self.pane.callers
        if len(callers) != 1:
            said = f"{len(callers)} callers have this name: choose one in the list of calls"
            self.notify(said, severity="warning", markup=False)
            return
        caller = callers[0]
        requests = (*self.pane.rows, *self.snapshot.in_flight)
        limits = (request.limit for request in requests if request.caller == caller)
        known = CallerName(self.snapshot.caller_names.get(caller, ""), next(limits, None))

        def named(name: CallerName | None) -> None:
            if name is not None:
                self.monitor().name_caller(caller, name.name, name.limit)
                self.pane.renamed(known.name or caller, name.name or caller)

        self.app.push_screen(NameDialog(caller, known), named)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide (False) or dim (None) what cannot be done now."""
        if not self.is_mounted:
            return True
        pane = self.pane
        match action:
            case "open_request" | "request_log":
                return pane.mode == "list" and (True if pane.row is not None else None)
            case "name_caller":
                return True if pane.callers else None if pane.mode != "model" else False
        return True

    def action_maximize_pane(self) -> None:
        """Give the screen to the finished requests, and back."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.pane)
