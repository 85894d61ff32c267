"""The details of one request; prompt and answer only when asked for."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.request import Request
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.replies import Bodies
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.requests import model_word, not_replayable
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.messages import LinesWanted
from dmr_tui.ui.requests.request_facts import Fact, sections
from dmr_tui.ui.requests.request_text import body_lines
from dmr_tui.ui.shell.page_dialog import PageDialog
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, fit, width_of, wrapped

LABEL = 14
VALUE = 12


class RequestDetail(PageDialog):
    """The facts of one request, as they change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("request"),
        Binding("enter,i,space", "close", show=False),
    ]

    def __init__(self, request: Request, monitor: Callable[[], Monitor]) -> None:
        dot = GLYPHS.dot
        self._page = RequestPage(request)
        super().__init__(
            self._page,
            id="request",
            title=f"{plain(request.api)} {dot} {model_word(request.model)}",
            hint=f"b prompt and answer {dot} r replay {dot} l log {dot} esc closes",
        )
        self._monitor = monitor

    def on_mount(self) -> None:
        self.watch(self.app, "snapshot", self._show)

    def _show(self, snapshot: Snapshot) -> None:
        self._page.snapshot = snapshot
        self._page.tick()

    def action_show_bodies(self) -> None:
        """Get prompt and answer, and go to them; again hides them."""
        page = self._page
        page.asked = not page.asked
        page.show_bodies(page.bodies)
        if page.asked and page.bodies is None:
            self._monitor().bodies(page.request, self._take)

    def _take(self, bodies: Bodies) -> None:
        # From the monitor's thread; a dialog that is closed has no use for it.
        if self.is_running:
            self.call_later(self._page.show_bodies, bodies)

    def action_replay(self) -> None:
        """Choose a model, and send the request again."""
        from dmr_tui.ui.requests.replay_screen import ReplayModels, ReplayScreen

        page = self._page
        request = page.request
        problem = not_replayable(request)
        if self._monitor().read_only:
            problem = "Read-only mode: nothing is sent. Start without --read-only to replay calls"
        if problem:
            self.notify(problem, severity="warning", markup=False)
            return
        bodies = page.bodies if page.asked else None

        def chosen(row: ModelRow | None) -> None:
            if row is not None:
                self.app.push_screen(ReplayScreen(request, row, self._monitor, bodies))

        self.app.push_screen(ReplayModels(request, page.snapshot.models), chosen)

    def action_request_log(self) -> None:
        """Go to the lines of the log from its time."""
        request = self._page.request
        self.app.post_message(LinesWanted(request.started_at, request.finished_at, request.digest))
        self.dismiss()

    def action_close(self) -> None:
        """Go back to the list."""
        self.dismiss()


class RequestPage(Page):
    """The facts as lines, then prompt and answer."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request
        self.asked = False
        """True while prompt and answer are shown."""
        self.bodies: Bodies | None = None
        """None until they have come."""
        self._broken: tuple[int, list[Line]] | None = None

    def watch_snapshot(self) -> None:
        """Take what is known of it now; a request that is gone keeps what was known."""
        snapshot, id = self.snapshot, self.request.id
        rows = snapshot.requests.rows if snapshot.requests is not None else snapshot.finished
        for known in (snapshot.in_flight, rows):
            found = next((request for request in known if request.id == id), None)
            self.request = found or self.request
        super().watch_snapshot()

    def show_bodies(self, bodies: Bodies | None) -> None:
        """Show prompt and answer below the facts, and go there; or hide them."""
        if bodies is not self.bodies:
            self.bodies, self._broken = bodies, None
        self.tick()
        if self.asked and bodies is not None:
            self.call_after_refresh(self._go_to_bodies)

    def _go_to_bodies(self) -> None:
        box = self.parent
        if isinstance(box, VerticalScroll):
            place = len(self._facts(self.size.width))
            box.scroll_to(y=place, animate=False)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the facts, then prompt and answer or how to see them."""
        lines = self._facts(width)
        lines.append((("Prompt and answer", "bold $accent"),))
        if not self.asked:
            lines.append(
                (("  hidden: ", "$label"), ("b", "bold $value"), (" shows them", "$label"))
            )
        elif self.bodies is None:
            lines.append(((f"  reading them {GLYPHS.ellipsis}", "$label"),))
        else:
            lines += self._body(self.bodies, width)
        return lines

    def _body(self, bodies: Bodies, width: int) -> list[Line]:
        # Prompts can be long, and this is asked for every second.
        if self._broken is None or self._broken[0] != width:
            lines = body_lines(bodies, width - 2)
            self._broken = width, [(("  ", ""), *line) for line in lines]
        return self._broken[1]

    def _facts(self, width: int) -> list[Line]:
        snapshot, request = self.snapshot, self.request
        caller = snapshot.caller_names.get(request.caller, request.caller)
        lines: list[Line] = []
        for title, facts in sections(request, caller, snapshot.clock_offset):
            lines.append(((title, "bold $accent"),))
            for fact in facts:
                lines += _fact_lines(fact, width)
            lines.append(())
        return lines


def _fact_lines(fact: Fact, width: int) -> list[Line]:
    indent = LABEL + 3
    name = plain(fact.name)
    label = fit(name, max(LABEL, min(cell_len(name), width // 3)))
    value = plain(fact.value)
    line: list[tuple[str, str]] = [(f"  {label} ", "$label"), (value, fact.style)]
    if fact.note:
        pool = max(2, VALUE + 2 - cell_len(value))
        note = plain(fact.note)
        if width_of(line) + pool + cell_len(note) > width:
            # A formula is easier to read in one piece.
            below = ((" " * (indent + 2), ""), (note, "$label"))
            return [*wrapped(tuple(line), width, indent), *wrapped(below, width, indent + 2)]
        line += [(" " * pool, ""), (note, "$label")]
    return wrapped(tuple(line), width, indent)
