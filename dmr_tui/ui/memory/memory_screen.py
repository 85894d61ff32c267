"""Memory: who holds it, which model fits, and what would be if."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from dmr_tui.monitor.memory.what_if import AS_IT_IS, WhatIfResult
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.machine.hardware_pane import READING, stale_note, whose
from dmr_tui.ui.machine.memory_bars import Store, pressure_line, store_lines, stores
from dmr_tui.ui.memory.fits_pane import FitsPane
from dmr_tui.ui.memory.what_if_pane import WhatIfPane
from dmr_tui.ui.models.model_actions import ModelActionsScreen
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.keybar import KeyBar
from dmr_tui.ui.shell.narrow import TooSmall
from dmr_tui.ui.shell.notice import NoticePane
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line


class MemoryScreen(ModelActionsScreen):
    """Answers what holds memory, whether the next model fits, and what to unload for it."""

    reloads = True
    ESCAPE_TO_MINIMIZE = False
    """Escape drops the filter first."""

    def compose(self) -> ComposeResult:
        bound = MemoryScreen.snapshot
        yield HeaderPane(id="header").data_bind(bound)
        yield TooSmall(id="too-small").data_bind(bound)
        with Horizontal(id="memory-body"):
            with Vertical(id="memory-left"):
                yield UsagePane(id="usage", classes="pane").data_bind(bound)
                yield FitsPane().data_bind(bound)
            yield WhatIfPane(id="what-if", classes="pane").data_bind(bound)
        yield NoticePane(id="notice").data_bind(bound)
        yield KeyBar().data_bind(bound)

    def on_mount(self) -> None:
        self.query_one(NoticePane).display = False
        self.fits.focus_rows()

    @property
    def fits(self) -> FitsPane:
        """The models."""
        return self.query_one(FitsPane)

    @property
    def what_if(self) -> WhatIfPane:
        """The what-if."""
        return self.query_one(WhatIfPane)

    def watch_snapshot(self) -> None:
        """Ask about the model under the cursor."""
        self.call_after_refresh(self._follow_cursor)

    def on_table_cursor_moved(self) -> None:
        """Ask about another model."""
        self._follow_cursor()

    def on_input_changed(self) -> None:
        """Ask about the model on which a filter leaves the cursor."""
        self._follow_cursor()

    def _follow_cursor(self) -> None:
        self.what_if.show(self.fits.row)
        self.refresh_bindings()

    def go_to(self, key: str) -> None:
        """Put the cursor on that model."""
        self.fits.go_to(key)
        self._follow_cursor()

    def action_context(self, factor: float) -> None:
        """Ask about a context so many times as long."""
        self.what_if.ask(lambda result: result.with_context(int(result.asked.context * factor)))

    def action_context_by(self, tokens: int) -> None:
        """Ask about a context so many tokens longer."""
        self.what_if.ask(lambda result: result.with_context(result.asked.context + tokens))

    def action_next_cache_type(self) -> None:
        """Ask about another type of the KV cache."""
        self.what_if.ask(WhatIfResult.with_next_cache_type)

    def action_slots(self, number: int) -> None:
        """Ask about so many slots more."""
        self.what_if.ask(lambda result: result.with_slots(result.asked.slots + number))

    def action_largest(self) -> None:
        """Ask about the largest context that fits."""
        result = self.what_if.result
        if result is not None and (most := result.largest) is not None:
            self.what_if.change(result.with_context(most))

    def action_as_loaded(self) -> None:
        """Go back to how the runner would load it."""
        self.what_if.change(AS_IT_IS)

    def on_row_view_chosen(self) -> None:
        """Load the model that was clicked twice."""
        self.action_load_model()

    def action_load_model(self) -> None:
        """Load the model as the what-if says, after asking."""
        self._follow_cursor()
        from dmr_tui.ui.models import plan_questions

        if (row := self.fits.row) is not None:
            plan_questions.load(self, row, self.what_if.what)

    def action_maximize_pane(self) -> None:
        """Give the screen to the table, and back."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.fits)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide (False) or dim (None) what cannot be done now."""
        if self.is_mounted and action == "drop_filter":
            return self.fits.filtered or self.maximized is not None
        return super().check_action(action, parameters)


class UsagePane(Pane):
    """VRAM and RAM as stacked bars with their last minute, larger than on the dashboard."""

    def watch_snapshot(self) -> None:
        """Show what is new; high pressure colours the border."""
        memory = self.snapshot.memory
        pressed = memory is not None and memory.pressure.word in {"high", "critical"}
        self.set_class(pressed, "-pressed")
        super().watch_snapshot()

    def titles(self) -> tuple[str, str]:
        """Name the machine if it is not the runner's, and the memory that models use."""
        memory = self.snapshot.memory
        pool = memory.pool.value if memory else None
        goes = f" {GLYPHS.dot} models go to RAM" if pool is not None and pool.kind == "RAM" else ""
        told = [stale_note(self.snapshot)]
        if _crowded(stores(self.snapshot), self.content_size.height):
            told.append("".join(text for text, _ in pressure_line(self.snapshot, self.preferences)))
        notes = f" {GLYPHS.dot} ".join(filter(None, told))
        return "Who holds what" + whose(self.snapshot) + goes, notes

    def on_resize(self) -> None:
        """Move what has no line into the border."""
        super().on_resize()
        self.tick()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """For each store a bar, its holders, its history; pressure; what cannot be seen.

        Where there is no room for all of it, bars come first, then what is not seen, then holders.
        """
        found = stores(self.snapshot)
        if not found:
            return [READING]
        # RAM is always among them.
        shown = found if len(found) <= height else [*found[: max(0, height - 2)], found[-1]]
        spare = height - len(shown) - (len(shown) < len(found))
        memory, crowded = self.snapshot.memory, _crowded(found, height)
        ends = [] if crowded else [pressure_line(self.snapshot, self.preferences)]
        if memory is not None and memory.note:
            ends.append(((plain(memory.note), "$label"),))
        ends = ends[: max(0, spare)]
        lines = store_lines(shown, self.snapshot, self.preferences, width - 1, spare - len(ends))
        if len(shown) < len(found):
            lines.append(((f"{len(found) - len(shown)} GPUs more", "$faint"),))
        return [*lines, *ends]


def _crowded(found: Sequence[Store], height: int) -> bool:
    """Return True if bars and holders leave no line for the pressure."""
    return height < 2 * len(found) + 1
