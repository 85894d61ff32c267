"""A list of models with a filter below it: that of the dashboard, and that of the memory."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input

from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.widgets.lines import Line
from dmr_tui.ui.widgets.table import Column, Table


class ModelList(Vertical):
    """The table, and the filter below it while one is set."""

    ALLOW_MAXIMIZE = True

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(self, columns: Sequence[Column[ModelRow]], *, id: str, part: str) -> None:
        """`part` is what the ids of table and filter begin with."""
        super().__init__(id=id)
        self._part = part
        self._table: Table[ModelRow] = Table(
            columns, key=lambda row: row.key, empty=self.empty, id=f"{part}-table"
        )
        self._titles = ("", "")

    def compose(self) -> ComposeResult:
        yield self._table
        hint = "filter by name or quantization"
        yield Input(placeholder=hint, id=f"{self._part}-filter", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).display = False

    def listed(self, snapshot: Snapshot) -> Sequence[ModelRow]:
        """The models that belong here."""
        return snapshot.models

    def titles(self) -> tuple[str, str]:
        """What stands in the upper border at the left and in the lower one at the right."""
        return "", ""

    def empty(self) -> Line:
        """What stands there instead of models."""
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

    @property
    def row(self) -> ModelRow | None:
        """The model under the cursor."""
        return self._table.row

    def focus_table(self) -> None:
        """Give the keys to the table."""
        self._table.focus()

    def sort_next(self) -> None:
        """Sort by the next column."""
        self._table.sort_next()
        self._show_titles()

    def ask_filter(self) -> None:
        """Let a person type a filter."""
        field = self.query_one(Input)
        field.display = True
        field.focus()

    @property
    def filtered(self) -> bool:
        """Whether a filter is set or being typed."""
        return self.query_one(Input).display

    def drop_filter(self) -> None:
        """Show every model again."""
        field = self.query_one(Input)
        field.value = ""
        field.display = False
        self._table.focus()

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Show what is new."""
        if before.models != after.models or before.runner.up != after.runner.up:
            self._table.show(self.listed(after))
        self.set_class(not after.runner.up, "-stale")
        self.tick()

    def tick(self) -> None:
        """A second has passed: countdowns go on."""
        self._table.repaint_changed()
        self._show_titles()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        words = event.value.lower().split()
        self._table.keep((lambda row: matches(row, words)) if words else None)
        self._show_titles()

    def on_input_submitted(self) -> None:
        """Keep the filter and go to what it left."""
        self.query_one(Input).display = bool(self.query_one(Input).value)
        self._table.focus()

    def _show_titles(self) -> None:
        titles = self.titles()
        if titles != self._titles:
            self._titles = titles
            self.border_title, self.border_subtitle = Content(titles[0]), Content(titles[1])


def called(row: ModelRow) -> str:
    """Its name, and how many more it has."""
    more = len(row.tags) - 1
    return f"{plain(row.name)} +{more}" if more > 0 else plain(row.name)


def matches(row: ModelRow, words: list[str]) -> bool:
    """Whether all of the words are in its names, quantization or architecture."""
    names = " ".join((row.name, *row.tags))
    text = f"{names} {row.quantization or ''} {row.architecture or ''}".lower()
    return all(word in text for word in words)
