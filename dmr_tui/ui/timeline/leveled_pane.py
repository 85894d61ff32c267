"""Rows about models, filtered by words, by how grave they are, and by model."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from textual.widgets import Input

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.runner.names import Names, short
from dmr_tui.state.event import Event
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.filtered_pane import FilteredPane
from dmr_tui.ui.widgets.row_view import RowView

Level = Literal["all", "warnings and errors", "errors"]
LEVELS: tuple[Level, ...] = ("all", "warnings and errors", "errors")


class ModelNames:
    """Names of the models of one Snapshot, by which rows are matched however they call a model."""

    def __init__(self, rows: Sequence[ModelRow] = ()) -> None:
        self._rows = rows
        self._shown = {row.key: row.name for row in rows}
        self._names = Names((row.digest, row.tags) for row in rows if row.digest)
        self._keys: dict[tuple[str | None, str], str] = {}

    def are_of(self, rows: Sequence[ModelRow]) -> bool:
        """Return True if they were made of exactly these rows."""
        return rows is self._rows

    def key(self, digest: str | None, model: str) -> str:
        """Return a key that is equal for everything about one model; empty if it is about none."""
        called = (digest, model)
        known = self._keys.get(called)
        if known is None:
            known = digest or (model and (self._names.digest(model) or short(model)))
            self._keys[called] = known
        return known

    def name(self, digest: str | None, model: str) -> str:
        """Return the name on the screens; of a model that is not installed, as it was called."""
        key = self.key(digest, model)
        return self._shown.get(key) or short(model or key)


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Conditions on a row; every one that is set has to hold."""

    words: tuple[str, ...] = ()
    """In lower case; each has to be in the row."""
    level: Level = "all"
    model: str = ""
    """Key of a model, as `ModelNames` makes it."""
    engine: bool = True
    """False to leave out what the engines print; events have no such rows."""

    @abstractmethod
    def matches(self, row: Any, names: ModelNames) -> bool:
        """Return True if the row meets all conditions."""

    def spoken(self, name: str) -> Iterator[str]:
        """Yield the conditions in words; `name` is that of the model."""
        if self.level != "all":
            yield self.level
        if not self.engine:
            yield "without the engine's lines"
        if self.model:
            yield f"only {name}"
        if self.words:
            yield f"with {' '.join(self.words)}"


R = TypeVar("R", bound=Event | LogLine)


class LeveledPane(FilteredPane[R]):
    """The rows that one filter leaves."""

    def __init__(self, view: RowView[R], field: Input, *, everything: RowFilter, id: str) -> None:
        """`everything` is the filter that leaves every row."""
        super().__init__(view, field, id=id)
        self._everything = everything
        self._filter = everything
        self.names = ModelNames()
        self._model_name = ""

    @property
    def filtered(self) -> bool:
        """True while a filter is set or being typed."""
        return self._filter != self._everything or super().filtered

    def filter_by(self, words: str) -> None:
        """Show only rows that hold each of the words, as they were typed."""
        self._set_filter(replace(self._filter, words=tuple(words.lower().split())))

    def clear_filter(self) -> None:
        """Show every row again."""
        self._close_field()
        self._set_filter(self._everything)

    def action_next_level(self) -> None:
        """Hide what is less grave, or show all again."""
        place = LEVELS.index(self._filter.level) + 1
        self._set_filter(replace(self._filter, level=LEVELS[place % len(LEVELS)]))

    def action_only_model(self) -> None:
        """Show only the rows of the model under the cursor, or all again."""
        row = self.row
        if self._filter.model or row is None:
            self._set_filter(replace(self._filter, model=""))
        elif key := self.names.key(row.digest, row.model):
            self._model_name = plain(self.names.name(row.digest, row.model))
            self._set_filter(replace(self._filter, model=key))
        else:
            self._say_no_model()

    def _say_no_model(self) -> None:
        pass

    def _take_names(self, models: Sequence[ModelRow]) -> None:
        if not self.names.are_of(models):
            self.names = ModelNames(models)

    def _set_filter(self, wanted: RowFilter) -> None:
        if wanted == self._filter:
            return
        self._filter = wanted
        everything = wanted == self._everything
        self._view.keep(None if everything else lambda row: wanted.matches(row, self.names))
        self.show_titles()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide (False) what cannot be done now."""
        return self.filtered if action == "drop_filter" else True
