"""A recorded request sent again to a model of the user's choice, and both results side by side."""

from collections.abc import Callable, Sequence
from time import thread_time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.names import canonical
from dmr_tui.runner.request import Request
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.replies import Bodies
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.requests import model_word
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.messages import TurnAdvanced
from dmr_tui.ui.requests.replay_side import RecordedSide, ReplayedSide
from dmr_tui.ui.shell.choice_dialog import ChoiceDialog
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.shell.run_state import state_words
from dmr_tui.ui.widgets.dialog import Dialog
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import fit
from dmr_tui.ui.widgets.paint_pace import PaintPace

MODEL_WIDTH = 34
"""Cells of a model's name."""


class ReplayScreen(Dialog[None]):
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
        self._recorded = RecordedSide(request, bodies)
        self._stop: Callable[[], None] | None = None
        self._pace = PaintPace()

    def compose(self) -> ComposeResult:
        with Horizontal(id="replay"):
            with VerticalScroll(classes="dialog", id="recorded"):
                yield self._recorded
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

    def action_show_bodies(self) -> None:
        """Show the recorded answer, or hide it again."""
        side = self._recorded
        side.asked = not side.asked
        self._show_bodies(side.bodies)
        if side.asked and side.bodies is None:
            self._monitor().bodies(self._request, self._take)

    def _take(self, bodies: Bodies) -> None:
        if self.is_running:
            self.call_later(self._show_bodies, bodies)

    def _show_bodies(self, bodies: Bodies | None) -> None:
        self._recorded.bodies = bodies
        self._recorded.tick()

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


class ReplayModels(ChoiceDialog[ModelRow]):
    """The installed models that chat; the cursor is on the request's own one."""

    def __init__(self, request: Request, models: Sequence[ModelRow]) -> None:
        rows = [row for row in models if row.model is not None and not row.embedding]
        own = [_is_own(row, request) for row in rows]
        super().__init__(
            [(row, _option(row, same)) for row, same in zip(rows, own, strict=True)],
            id="replay-models",
            title="Replay with which model",
            hint="enter sends it, esc cancels",
            first=own.index(True) if any(own) else 0,
        )

    def on_mount(self) -> None:
        if not self._choices:
            self.notify("No installed model can chat", severity="warning", markup=False)


def _is_own(row: ModelRow, request: Request) -> bool:
    if request.digest is not None:
        return row.digest == request.digest
    return canonical(row.ref) == canonical(request.model)


def _option(row: ModelRow, own: bool) -> Content:
    state, style = state_words(row.runs[0]) if row.runs else ("not loaded", "$label")
    return Content.assemble(
        (fit(plain(row.name), MODEL_WIDTH), "bold $value"),
        (f" {format.parameters(row.parameters):>7}  ", "$label"),
        (state, style),
        ("  the same" if own else "", "$accent"),
    )
