"""Every installed model with its context windows, what it needs, and whether it fits."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input

from dmr_tui import figures
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.shape import Shape
from dmr_tui.monitor.fits import Shapes
from dmr_tui.monitor.memory import ContextSource, Fit
from dmr_tui.monitor.snapshot import ModelRow, Snapshot
from dmr_tui.plain import plain
from dmr_tui.ui.actions import bindings
from dmr_tui.ui.panes.models import matches
from dmr_tui.ui.panes.verdicts import VERDICT_STYLES, needs_words
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part
from dmr_tui.ui.widgets.table import Column, Table

VERDICT_ORDER = {"loaded": 0, "fits": 1, "tight": 2, "too big": 3, "unknown": 4}
SOURCES: dict[ContextSource, str] = {
    "engine log": "by the engine's log",
    "flag": "by a flag of its configuration",
    "configured": "as configured",
    "packaged": "as packaged",
    "trained": "as trained",
    "default": "by default",
}
_SHAPES = Shapes()


def shape_of(row: ModelRow) -> Reading[Shape]:
    """The shape of a model, read once from its package."""
    return _SHAPES.of(row)


class FitsPane(Vertical):
    """The table of models; the cursor chooses what the what-if is about."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("memory")]

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(self) -> None:
        super().__init__(id="fits")
        windows = (
            ("trained", "TRAINED", 7, lambda row: row.context.trained),
            ("packaged", "PACKAGED", 8, lambda row: row.context.packaged),
            ("set", "SET", 6, lambda row: row.context.configured),
            ("in use", "IN USE", 6, lambda row: row.context.effective),
        )
        drops = {"trained": 7, "packaged": 6, "set": 5, "in use": 4}
        self._table: Table[ModelRow] = Table(
            (
                Column("model", "MODEL", 0, _name, lambda row: row.name.lower()),
                *(
                    Column(key, title, width, _window(of), of, True, drops[key])
                    for key, title, width, of in windows
                ),
                Column("weights", "WEIGHTS", 8, self._part("weights"), _size, True, 8),
                Column("cache", "KV", 8, self._part("cache"), self._cache, True, 9),
                Column("compute", "COMPUTE", 8, self._part("compute"), _size, True, 10),
                Column("needs", "NEEDS", 9, self._needs, self._total, True),
                Column("verdict", "VERDICT", 8, self._verdict, self._order),
                Column("largest", "LARGEST", 7, self._largest, self._most, True, 2),
            ),
            key=lambda row: row.key,
            empty=self._empty,
            id="fit-table",
        )
        self._titles = ("", "")

    def compose(self) -> ComposeResult:
        yield self._table
        yield Input(placeholder="filter by name or quantization", id="fit-filter", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).display = False

    @property
    def row(self) -> ModelRow | None:
        """The model under the cursor."""
        return self._table.row

    def focus_table(self) -> None:
        """Give the keys to the table."""
        self._table.focus()

    def go_to(self, key: str) -> None:
        """Put the cursor on that model."""
        self._table.move_to(key)

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

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        words = event.value.lower().split()
        self._table.keep((lambda row: matches(row, words)) if words else None)
        self._show_titles()

    def on_input_submitted(self) -> None:
        """Keep the filter and go to what it left."""
        self.query_one(Input).display = bool(self.query_one(Input).value)
        self._table.focus()

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Show what is new."""
        if before.models != after.models or before.runner.up != after.runner.up:
            self._table.show([row for row in after.models if row.model is not None])
        self.set_class(not after.runner.up, "-stale")
        self._table.repaint_changed()
        self._show_titles()

    def _show_titles(self) -> None:
        fits = self.snapshot.memory.fits if self.snapshot.memory else {}
        counts = [sum(fit.verdict == word for fit in fits.values()) for word in VERDICT_ORDER]
        words = [f"{n} {w}" for n, w in zip(counts, VERDICT_ORDER, strict=True) if n]
        total = sum(row.model is not None for row in self.snapshot.models)
        shown = len(self._table.rows)
        first = f"Models {total}" if shown == total else f"Models {shown} of {total}"
        title = f" {GLYPHS.dot} ".join([first, *words])
        state = f"by {self._table.sorted_by}" if self._table.sorted_by else ""
        if (title, state) != self._titles:
            self._titles = (title, state)
            self.border_title = Content(title)
            self.border_subtitle = Content(state)

    def _empty(self) -> Line:
        if not self.snapshot.runner.up:
            return (("no runner yet", "$faint"),)
        if any(row.model is not None for row in self.snapshot.models):
            return (("no model matches the filter; esc shows all", "$label"),)
        return (
            ("no models installed yet: ", "$label"),
            ("docker model pull ai/llama3.2:1B-Q8_0", "bold $value"),
        )

    def _fit(self, row: ModelRow) -> Fit | None:
        return self.snapshot.memory.fits.get(row.key) if self.snapshot.memory else None

    def _part(self, name: str) -> Callable[[ModelRow], Part]:
        def cell(row: ModelRow) -> Part:
            fit = self._fit(row)
            value = None if fit is None else getattr(fit.need, name).value
            return figures.memory(value), "$faint" if value is None else "$label"

        return cell

    def _cache(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else fit.need.cache.value

    def _total(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else fit.need.at_least

    def _needs(self, row: ModelRow) -> Part:
        return needs_words(self._fit(row))

    def _verdict(self, row: ModelRow) -> Part:
        fit = self._fit(row)
        if fit is None:
            return figures.UNKNOWN, "$faint"
        return fit.verdict, VERDICT_STYLES[fit.verdict]

    def _order(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else VERDICT_ORDER[fit.verdict]

    def _most(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else fit.largest_context

    def _largest(self, row: ModelRow) -> Part:
        most = self._most(row)
        return figures.window(most), "$faint" if most is None else "$value"


def _name(row: ModelRow) -> Part:
    return plain(row.name), "bold $value" if row.runs else "$value"


def _size(row: ModelRow) -> int | None:
    return row.size_bytes


def _window(of: Callable[[ModelRow], int | None]) -> Callable[[ModelRow], Part]:
    def cell(row: ModelRow) -> Part:
        tokens = of(row)
        return figures.window(tokens), "$faint" if tokens is None else "$value"

    return cell
