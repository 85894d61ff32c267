"""Every installed model with its context windows, what it needs, and whether it fits."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from dmr_tui.state.memory import Fit
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.models.model_list import ModelList, called
from dmr_tui.ui.models.verdicts import VERDICT_STYLES, needs_words
from dmr_tui.ui.shell.pane import preferences_of
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Part
from dmr_tui.ui.widgets.table import Column

VERDICT_ORDER = {"loaded": 0, "fits": 1, "tight": 2, "no room": 3, "too big": 4, "unknown": 5}


class FitsPane(ModelList):
    """The table of models; the cursor chooses what the what-if is about."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("memory")]

    def __init__(self) -> None:
        windows = (
            ("trained", "TRAINED", 7, lambda row: row.context.trained),
            ("packaged", "PACKAGED", 8, lambda row: row.context.packaged),
            ("set", "SET", 6, lambda row: row.context.configured),
            ("in use", "IN USE", 6, lambda row: row.context.effective),
        )
        drops = {"trained": 7, "packaged": 6, "set": 5, "in use": 4}
        super().__init__(
            (
                Column("model", "MODEL", 0, _name, lambda row: row.name.lower()),
                *(
                    Column(key, title, width, _window(of), of, True, drops[key])
                    for key, title, width, of in windows
                ),
                Column("weights", "WEIGHTS", 8, self._part_of("weights"), _size, True, 8),
                Column("cache", "KV", 8, self._part_of("cache"), self._cache, True, 9),
                Column("compute", "COMPUTE", 8, self._part_of("compute"), self._compute, True, 10),
                Column("needs", "NEEDS", 9, self._needs, self._total, True),
                Column("verdict", "VERDICT", 8, self._verdict, self._order),
                Column("largest", "LARGEST", 7, self._largest, self._most, True, 2),
            ),
            id="fits",
            part="fit",
        )

    def listed(self, snapshot: Snapshot) -> Sequence[ModelRow]:
        """Return the installed models: of others nothing is known that could fit."""
        return [row for row in snapshot.models if row.model is not None]

    def go_to(self, key: str) -> None:
        """Put the cursor on that model."""
        self._table.move_to(key)

    def titles(self) -> tuple[str, str]:
        """Return how many there are of each verdict, and the order."""
        fits = self.snapshot.memory.fits if self.snapshot.memory else {}
        counts = [sum(fit.verdict == word for fit in fits.values()) for word in VERDICT_ORDER]
        words = [f"{n} {w}" for n, w in zip(counts, VERDICT_ORDER, strict=True) if n]
        total, shown = len(self.listed(self.snapshot)), len(self._table.rows)
        first = f"Models {total}" if shown == total else f"Models {shown} of {total}"
        state = f"by {self._table.sorted_by}" if self._table.sorted_by else ""
        return f" {GLYPHS.dot} ".join([first, *words]), state

    def _fit(self, row: ModelRow) -> Fit | None:
        return self.snapshot.memory.fits.get(row.key) if self.snapshot.memory else None

    def _part_of(self, name: str) -> Callable[[ModelRow], Part]:
        def cell(row: ModelRow) -> Part:
            fit = self._fit(row)
            value = None if fit is None else getattr(fit.need, name).value
            text = preferences_of(self.app).units.memory(value)
            return text, "$faint" if value is None else "$label"

        return cell

    def _cache(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else fit.need.cache.value

    def _compute(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else fit.need.compute.value

    def _total(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else fit.need.at_least

    def _needs(self, row: ModelRow) -> Part:
        return needs_words(self._fit(row), preferences_of(self.app).units)

    def _verdict(self, row: ModelRow) -> Part:
        fit = self._fit(row)
        if fit is None:
            return format.UNKNOWN, "$faint"
        return fit.verdict, VERDICT_STYLES[fit.verdict]

    def _order(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else VERDICT_ORDER[fit.verdict]

    def _most(self, row: ModelRow) -> int | None:
        fit = self._fit(row)
        return None if fit is None else fit.largest_context

    def _largest(self, row: ModelRow) -> Part:
        most = self._most(row)
        return format.window(most), "$faint" if most is None else "$value"


def _name(row: ModelRow) -> Part:
    return called(row), "bold $value" if row.runs else "$value"


def _size(row: ModelRow) -> int | None:
    return row.size_bytes


def _window(of: Callable[[ModelRow], int | None]) -> Callable[[ModelRow], Part]:
    def cell(row: ModelRow) -> Part:
        tokens = of(row)
        return format.window(tokens), "$faint" if tokens is None else "$value"

    return cell
