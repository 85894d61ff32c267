"""A list of models with a filter below it, for the dashboard and the memory screen."""

from collections.abc import Sequence

from textual.widgets import Input

from dmr_tui.state.memory import Fit
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.filtered_pane import FilteredPane
from dmr_tui.ui.widgets.lines import Line
from dmr_tui.ui.widgets.table import Column, Table


class ModelList(FilteredPane[ModelRow]):
    """The table, and the filter below it while one is set."""

    def __init__(self, columns: Sequence[Column[ModelRow]], *, id: str, part: str) -> None:
        """`part` is what the ids of table and filter begin with."""
        self._table: Table[ModelRow] = Table(
            columns, key=lambda row: row.key, empty=self.empty, id=f"{part}-table"
        )
        hint = "filter by name or quantization"
        field = Input(placeholder=hint, id=f"{part}-filter", compact=True)
        super().__init__(self._table, field, id=id)

    def listed(self, snapshot: Snapshot) -> Sequence[ModelRow]:
        """Return the models that belong here."""
        return snapshot.models

    def fit(self, row: ModelRow) -> Fit | None:
        """Return the verdict on the model, if there is one."""
        memory = self.snapshot.memory
        return None if memory is None else memory.fits.get(row.key)

    @property
    def count(self) -> str:
        """The number of models, and how many of them the filter leaves."""
        total, shown = len(self.listed(self.snapshot)), len(self._table.rows)
        return f"{total}" if shown == total else f"{shown} of {total}"

    @property
    def order(self) -> str:
        """The column by which they are sorted, in words."""
        return f"by {self._table.sorted_by}" if self._table.sorted_by else ""

    def empty(self) -> Line:
        """Return the line in place of models."""
        if not self.snapshot.runner.up:
            return (("no runner yet", "$faint"),)
        if self.listed(self.snapshot):
            return (("no model matches the filter; esc shows all", "$label"),)
        if self.snapshot.source("models").health in {"waiting", "stale"}:
            return (("reading the list of models …", "$faint"),)
        return (
            ("no models installed yet: ", "$label"),
            ("press n to pull ai/llama3.2:1B-Q8_0, or another", "bold $value"),
        )

    def sort_next(self) -> None:
        """Sort by the next column."""
        self._table.sort_next()
        self.show_titles()

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Show what is new."""
        if before.models != after.models or before.runner.up != after.runner.up:
            self._table.show(self.listed(after))
        self.set_class(not after.runner.up, "-stale")
        self.tick()

    def tick(self) -> None:
        """Let countdowns go on: a second has passed."""
        self._table.repaint_changed()
        self.show_titles()

    def filter_by(self, words: str) -> None:
        """Show only models that have each of the words, as they were typed."""
        wanted = words.lower().split()
        self._table.keep((lambda row: matches(row, wanted)) if wanted else None)
        self.show_titles()


def called(row: ModelRow) -> str:
    """Return the name of a model, and how many more it has."""
    more = len(row.tags) - 1
    return f"{plain(row.name)} +{more}" if more > 0 else plain(row.name)


def matches(row: ModelRow, words: Sequence[str]) -> bool:
    """Return True if each of the words is in its names, quantization or architecture."""
    names = " ".join((row.name, *row.tags))
    text = f"{names} {row.quantization or ''} {row.architecture or ''}".lower()
    return all(word in text for word in words)
