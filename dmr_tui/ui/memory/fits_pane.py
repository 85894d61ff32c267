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
Number = Callable[[ModelRow], int | None]


class FitsPane(ModelList):
    """The table of models; the cursor chooses what the what-if is about."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("memory")]

    def __init__(self) -> None:
        cache = self._of(lambda fit: fit.need.cache.value)
        compute = self._of(lambda fit: fit.need.compute.value)
        weights = self._memory(self._of(lambda fit: fit.need.weights.value))
        total = self._of(lambda fit: fit.need.at_least)
        order = self._of(lambda fit: VERDICT_ORDER[fit.verdict])
        super().__init__(
            (
                Column("model", "MODEL", 0, _name, lambda row: row.name.lower()),
                _window("trained", 7, 7, lambda row: row.context.trained),
                _window("packaged", 8, 6, lambda row: row.context.packaged),
                _window("set", 6, 5, lambda row: row.context.configured),
                _window("in use", 6, 4, lambda row: row.context.effective),
                Column("weights", "WEIGHTS", 8, weights, lambda row: row.size_bytes, True, 8),
                Column("cache", "KV", 8, self._memory(cache), cache, True, 9),
                Column("compute", "COMPUTE", 8, self._memory(compute), compute, True, 10),
                Column("needs", "NEEDS", 9, self._needs, total, True),
                Column("verdict", "VERDICT", 8, self._verdict, order),
                _window("largest", 7, 2, self._of(lambda fit: fit.largest_context)),
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
        return f" {GLYPHS.dot} ".join([f"Models {self.count}", *words]), self.order

    def _of(self, number: Callable[[Fit], int | None]) -> Number:
        def value(row: ModelRow) -> int | None:
            fit = self.fit(row)
            return None if fit is None else number(fit)

        return value

    def _memory(self, size: Number) -> Callable[[ModelRow], Part]:
        def cell(row: ModelRow) -> Part:
            value = size(row)
            text = preferences_of(self.app).units.memory(value)
            return text, "$faint" if value is None else "$label"

        return cell

    def _needs(self, row: ModelRow) -> Part:
        return needs_words(self.fit(row), preferences_of(self.app).units)

    def _verdict(self, row: ModelRow) -> Part:
        fit = self.fit(row)
        if fit is None:
            return format.UNKNOWN, "$faint"
        return fit.verdict, VERDICT_STYLES[fit.verdict]


def _name(row: ModelRow) -> Part:
    return called(row), "bold $value" if row.runs else "$value"


def _window(key: str, width: int, drop: int, of: Number) -> Column[ModelRow]:
    def cell(row: ModelRow) -> Part:
        tokens = of(row)
        return format.window(tokens), "$faint" if tokens is None else "$value"

    return Column(key, key.upper(), width, cell, of, True, drop)
