"""A recorded call sent again: which model, then both results side by side."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

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
from dmr_tui.ui.messages import BodiesRead, TurnAdvanced
from dmr_tui.ui.models.models_pane import state_words
from dmr_tui.ui.requests.replay_side import RecordedSide, ReplayedSide
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import fit

PAINT_S = 1 / 12
"""Seconds between two pictures of a streaming answer at the least."""
PAINT_SHARE = 8.0
"""Seconds between two pictures for each second of work that a picture takes."""
NAME = 34


class ReplayModels(ModalScreen[ModelRow | None]):
    """The installed models that chat, with the call's own one chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel", "Cancel")]

    def __init__(self, request: Request, models: Sequence[ModelRow]) -> None:
        super().__init__()
        self._request = request
        self._rows = [row for row in models if row.model is not None and not row.embedding]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="replay-models"):
            yield OptionList(*(Option(self._option(row)) for row in self._rows))

    def on_mount(self) -> None:
        box = self.query_one("#replay-models")
        box.border_title = Content("Replay with which model")
        box.border_subtitle = Content("enter sends it, esc cancels")
        own = (n for n, row in enumerate(self._rows) if self._is_own(row))
        if self._rows:
            self.query_one(OptionList).highlighted = next(own, 0)
        else:
            self.notify("No installed model can chat", severity="warning", markup=False)

    def _is_own(self, row: ModelRow) -> bool:
        if self._request.digest is not None:
            return row.digest == self._request.digest
        return canonical(row.ref) == canonical(self._request.model)

    def _option(self, row: ModelRow) -> Content:
        state, style = state_words(row.runs[0]) if row.runs else ("not loaded", "$label")
        return Content.assemble(
            (fit(plain(row.name), NAME), "bold $value"),
            (f" {format.parameters(row.parameters):>7}  ", "$label"),
            (state, style),
            ("  the same" if self._is_own(row) else "", "$accent"),
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Send it to this one."""
        self.dismiss(self._rows[event.option_index])

    def action_cancel(self) -> None:
        """Send nothing."""
        self.dismiss(None)


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
        """`bodies` are those of the call, if a person has asked to see them."""
        super().__init__()
        self._request = request
        self._row = row
        self._monitor = monitor
        self._bodies = bodies
        self._stop: Callable[[], None] | None = None
        self._paint_at = 0.0

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
        """The answer has grown, or it has ended."""
        event.stop()
        if not event.turn.ended and time.perf_counter() < self._paint_at:
            # The next message holds this text as well.
            return
        spent = time.thread_time()
        side = self.query_one(ReplayedSide)
        side.turn = event.turn
        side.tick()
        if event.turn.ended:
            self._stop = None
            self._tell_keys()
        else:
            self.call_after_refresh(self._painted, spent)

    def _painted(self, spent: float) -> None:
        # Painting must not take from the machine what the model needs.
        cost = time.thread_time() - spent
        self._paint_at = time.perf_counter() + max(PAINT_S, PAINT_SHARE * cost)

    def _tick(self, snapshot: Snapshot) -> None:
        for page in self.query(Page):
            page.tick()

    def _tell_keys(self) -> None:
        words = "esc stops it" if self._stop is not None else "esc closes"
        self.query_one("#replayed").border_subtitle = Content(words)

    def on_bodies_read(self, event: BodiesRead) -> None:
        """The recorded answer has come."""
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
        """Stop the replay; again, back to the call."""
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
