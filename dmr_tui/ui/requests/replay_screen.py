"""A recorded request sent again, and both results side by side."""

from collections.abc import Callable
from time import thread_time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.request import Request
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.replies import Bodies
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.requests import model_word
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.messages import BodiesRead, TurnAdvanced
from dmr_tui.ui.requests.replay_side import RecordedSide, ReplayedSide
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.paint_pace import PaintPace


class ReplayScreen(ModalScreen[None]):
    """The recorded result at the left, the new one at the right as it streams."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            key
            for key in bindings("request")
            if key.action in {"screen.show_bodies", "screen.close"}
        ),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    def __init__(
        self,
        request: Request,
        row: ModelRow,
        monitor: Callable[[], Monitor],
        bodies: Bodies | None = None,
    ) -> None:
        """`bodies` are those of the request, if the user has asked to see them."""
        super().__init__()
        self._request = request
        self._row = row
        self._monitor = monitor
        self._bodies = bodies
        self._stop: Callable[[], None] | None = None
        self._pace = PaintPace()

    def compose(self) -> ComposeResult:
        with Horizontal(id="replay"):
            with VerticalScroll(classes="dialog", id="recorded"):
                yield RecordedSide(self._request)
            with VerticalScroll(classes="dialog", id="replayed"):
                yield ReplayedSide(self._row.ref)

    def on_mount(self) -> None:
        left, right = self.query_one("#recorded"), self.query_one("#replayed")
        dot = GLYPHS.dot
        name = model_word(self._request.model)
        left.border_title = Content(f"Recorded {dot} {name}")
        left.border_subtitle = Content("b: its answer")
        right.border_title = Content(f"Replay {dot} {plain(self._row.name)}")
        right.focus()
        self.query_one(RecordedSide).bodies = self._bodies
        self._tell_keys()
        self.watch(self.app, "snapshot", self._tick)
        # Only when all of this is painted, so that the time to first token holds no painting.
        self.call_after_refresh(self._send)

    def on_unmount(self) -> None:
        self._end()

    def _send(self) -> None:
        if self.is_running:
            self._stop = self._monitor().replay(self._request, self._row.ref, self._advance)
            self._tell_keys()

    def _advance(self, turn: Turn) -> None:
        # From the monitor's thread; a dialog that is closed has no use for it.
        if self.is_running:
            self.post_message(TurnAdvanced(0, turn))

    def on_turn_advanced(self, event: TurnAdvanced) -> None:
        """Show an answer that has grown or ended."""
        event.stop()
        if not event.turn.ended and not self._pace.is_due:
            # The next message holds this text as well.
            return
        began = thread_time()
        side = self.query_one(ReplayedSide)
        side.turn = event.turn
        side.tick()
        if event.turn.ended:
            self._stop = None
            self._tell_keys()
        else:
            self.call_after_refresh(self._pace.painted, began)

    def _tick(self, snapshot: Snapshot) -> None:
        for page in self.query(Page):
            page.tick()

    def _tell_keys(self) -> None:
        words = "esc stops it" if self._stop is not None else "esc closes"
        self.query_one("#replayed").border_subtitle = Content(words)

    def on_bodies_read(self, event: BodiesRead) -> None:
        """Show the recorded answer, which has come."""
        event.stop()
        self._bodies = event.bodies
        self._show_bodies(event.bodies)

    def _show_bodies(self, bodies: Bodies | None) -> None:
        side = self.query_one(RecordedSide)
        side.bodies = bodies
        side.tick()

    def action_show_bodies(self) -> None:
        """Show the recorded answer, or hide it again."""
        if self.query_one(RecordedSide).bodies is not None:
            self._show_bodies(None)
        elif self._bodies is not None:
            self._show_bodies(self._bodies)
        else:
            self._monitor().bodies(self._request, self._take)

    def _take(self, bodies: Bodies) -> None:
        if self.is_running:
            self.post_message(BodiesRead(bodies))

    def action_close(self) -> None:
        """Stop the replay; again, go back to the request."""
        if not self._end():
            self.dismiss()

    def _end(self) -> bool:
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()
        return stop is not None

    def action_scroll(self, lines: int) -> None:
        """Scroll the side that has the keys."""
        side = self.focused or self.query_one("#replayed")
        side.scroll_relative(y=lines, animate=False)
