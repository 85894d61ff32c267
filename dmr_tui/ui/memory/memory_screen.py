"""Memory: who holds it, which model fits, and what would be if."""

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from dmr_tui.monitor.memory.what_if import AS_IT_IS, WhatIfResult
from dmr_tui.ui.memory.fits_pane import FitsPane
from dmr_tui.ui.memory.usage_pane import UsagePane
from dmr_tui.ui.memory.what_if_pane import WhatIfPane
from dmr_tui.ui.models.model_actions import ModelActionsScreen
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.keybar import KeyBar
from dmr_tui.ui.shell.narrow import TooSmall
from dmr_tui.ui.shell.notice import NoticePane


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
                yield UsagePane(id="holdings", classes="pane").data_bind(bound)
                yield FitsPane().data_bind(bound)
            yield WhatIfPane(id="what-if", classes="pane").data_bind(bound)
        yield NoticePane(id="notice").data_bind(bound)
        yield KeyBar().data_bind(MemoryScreen.snapshot)

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
        self.what_if.ask(lambda t: t.with_context(int(t.asked.context * factor)))

    def action_context_by(self, tokens: int) -> None:
        """Ask about a context so many tokens longer."""
        self.what_if.ask(lambda trial: trial.with_context(trial.asked.context + tokens))

    def action_next_cache_type(self) -> None:
        """Ask about another type of the KV cache."""
        self.what_if.ask(WhatIfResult.with_next_cache_type)

    def action_slots(self, number: int) -> None:
        """Ask about so many slots more."""
        self.what_if.ask(lambda trial: trial.with_slots(trial.asked.slots + number))

    def action_largest(self) -> None:
        """Ask about the largest context that fits."""
        self.what_if.ask(
            lambda trial: (
                trial.what if (most := trial.largest) is None else trial.with_context(most)
            )
        )

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
            plan_questions.load(self, row, self.what_if.what, self.what_if.trial)

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
