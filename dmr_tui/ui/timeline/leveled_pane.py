"""Rows about models, filtered by words, by how grave they are, and by model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from textual.widgets import Input

from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.filtered_pane import FilteredPane
from dmr_tui.ui.timeline.model_names import ModelNames
from dmr_tui.ui.timeline.row_filter import LEVELS, RowFilter
from dmr_tui.ui.widgets.row_view import RowView


class AboutModel(Protocol):
    """An event or a line of the log."""

    @property
    def digest(self) -> str | None:
        """Digest of the model; None if it is not known."""

    @property
    def model(self) -> str:
        """The model as it was called; empty if none was."""


R = TypeVar("R", bound=AboutModel)
F = TypeVar("F", bound=RowFilter)


class LeveledPane(FilteredPane[R], Generic[R, F]):
    """The rows that one filter leaves."""

    def __init__(self, view: RowView[R], field: Input, *, everything: F, id: str) -> None:
        """`everything` is the filter that leaves every row."""
        super().__init__(view, field, id=id)
        self._everything = everything
        self._filter = everything
        self._names = ModelNames()
        self._model_name = ""

    @property
    def filtered(self) -> bool:
        """True while a filter is set or being typed."""
        return self._filter != self._everything or super().filtered

    def filter_by(self, words: Sequence[str]) -> None:
        """Show only rows that hold each of the words."""
        self._set_filter(replace(self._filter, words=tuple(words)))

    def clear_filter(self) -> None:
        """Show every row again."""
        self._close_field()
        self._set_filter(self._everything)

    def next_level(self) -> None:
        """Hide what is less grave, or show all again."""
        place = LEVELS.index(self._filter.level) + 1
        self._set_filter(replace(self._filter, level=LEVELS[place % len(LEVELS)]))

    def toggle_model(self) -> None:
        """Show only the rows of the model under the cursor, or all again."""
        row = self.row
        if self._filter.model or row is None:
            self._set_filter(replace(self._filter, model=""))
        elif key := self._names.key(row.digest, row.model):
            self._model_name = plain(self._names.name(row.digest, row.model))
            self._set_filter(replace(self._filter, model=key))
        else:
            self._say_no_model()

    def _say_no_model(self) -> None:
        pass

    def _take_names(self, models: Sequence[ModelRow]) -> None:
        if not self._names.are_of(models):
            self._names = ModelNames(models)

    def _set_filter(self, wanted: F) -> None:
        if wanted == self._filter:
            return
        self._filter = wanted
        everything = wanted == self._everything
        self._view.keep(None if everything else lambda row: wanted.matches(row, self._names))
        self.show_titles()
