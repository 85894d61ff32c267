"""A pane of rows with a field below them, where words filter the rows."""

from abc import abstractmethod
from typing import Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.reactive import var
from textual.widgets import Input

from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.shell.pane import Titled
from dmr_tui.ui.widgets.row_view import RowView

R = TypeVar("R")


class FilteredPane(Vertical, Titled, Generic[R]):
    """The rows; below them the field, while words are typed or set."""

    ALLOW_MAXIMIZE = True

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(self, view: RowView[R], field: Input, *, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self._view = view
        self._field = field

    def compose(self) -> ComposeResult:
        yield self._view
        yield self._field

    def on_mount(self) -> None:
        self._field.display = False

    @property
    def row(self) -> R | None:
        """The row under the cursor."""
        return self._view.row

    @property
    def filtered(self) -> bool:
        """True while a filter is set or being typed."""
        return self._field.display

    def focus_rows(self) -> None:
        """Give the keys to the rows."""
        self._view.focus()

    def action_search(self) -> None:
        """Let the user type words."""
        self._field.display = True
        self._field.focus()

    def action_drop_filter(self) -> None:
        """Show every row again, and give the keys to the rows."""
        self.clear_filter()
        self._view.focus()

    def clear_filter(self) -> None:
        """Show every row again."""
        self._close_field()
        self.filter_by("")

    def _close_field(self) -> None:
        self._field.display = False
        with self._field.prevent(Input.Changed):
            self._field.value = ""

    @abstractmethod
    def filter_by(self, words: str) -> None:
        """Show only rows that hold each of the words, as they were typed."""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the user types."""
        self.filter_by(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, and give the keys to the rows that it leaves."""
        self._field.display = bool(event.value)
        self._view.focus()
