"""Installed and loaded models in one table."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from dmr_tui.state.memory import Fit, MemoryUsage
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.plan import Pull
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.messages import ModelChosen
from dmr_tui.ui.models.model_list import ModelList, called
from dmr_tui.ui.models.verdicts import VERDICT_STYLES, needs_short
from dmr_tui.ui.shell.pane import preferences_of
from dmr_tui.ui.shell.run_state import MODES, STATE_ORDER, state_words
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Part
from dmr_tui.ui.widgets.table import Column, Table

CONTEXT_CELLS = 11


class ModelsPane(ModelList):
    """The models that are loaded with the memory that they take, and whether the others fit."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("models")]

    def __init__(self) -> None:
        super().__init__(
            (
                Column("model", "MODEL", 0, self._name_cell, lambda row: row.name.lower()),
                Column("params", "PARAMS", 6, _parameters, lambda row: row.parameters, True, 3),
                Column("quant", "QUANT", 7, _quantization, lambda row: row.quantization, drop=2),
                Column("size", "SIZE", 8, _size, lambda row: row.size_bytes, True, 1),
                Column("context", "CONTEXT", CONTEXT_CELLS, _context, _window, True, 4),
                Column("memory", "MEMORY", 6, self._memory, self._memory_bytes, True, 5),
                Column("state", "STATE", 13, self._state, _state_order),
            ),
            id="models",
            part="model",
        )
        self._chosen: str | None = None

    def mark(self, row: ModelRow) -> None:
        """Show which model the chat asks."""
        self._chosen = row.key
        self._table.repaint_changed()

    def on_row_view_chosen(self, event: Table.Chosen) -> None:
        """Choose the model for the chat that was clicked twice."""
        event.stop()
        self.post_message(ModelChosen(event.row))

    def titles(self) -> tuple[str, str]:
        """Return how many models there are, and the order, or why the list is old."""
        total, shown = len(self.snapshot.models), len(self._table.rows)
        loaded = sum(1 for row in self.snapshot.models if row.runs)
        count = f"{total}" if shown == total else f"{shown} of {total}"
        title = f"Models {count}" + (f" {GLYPHS.dot} {loaded} loaded" if loaded else "")
        source = self.snapshot.source("models")
        if source.health == "stale":
            return title, f"stale: {plain(source.reason)}"
        if pulled := pull_words(self.snapshot.pulls):
            return title, pulled
        return title, f"by {self._table.sorted_by}" if self._table.sorted_by else ""

    def _holding(self, row: ModelRow) -> MemoryUsage | None:
        memory = self.snapshot.memory
        return memory.usage(row.key) if memory is not None and row.runs else None

    def _fit(self, row: ModelRow) -> Fit | None:
        memory = self.snapshot.memory
        return None if memory is None else memory.fits.get(row.key)

    def _memory(self, row: ModelRow) -> Part:
        """Return the memory that the model holds, else what it would need."""
        usage = self._holding(row)
        held = None if usage is None else usage.vram.value or usage.ram.value
        if held:
            return preferences_of(self.app).units.memory_short(held), "bold $value"
        return needs_short(self._fit(row), preferences_of(self.app).units)

    def _memory_bytes(self, row: ModelRow) -> int | None:
        usage, fit = self._holding(row), self._fit(row)
        held = None if usage is None else usage.vram.value or usage.ram.value
        return held or (None if fit is None else fit.need.at_least)

    def _state(self, row: ModelRow) -> Part:
        if not row.runs:
            return self._verdict(row)
        runs = sorted(row.runs, key=lambda run: STATE_ORDER[run.state])
        text, style = state_words(runs[0])
        for run in runs[1:]:
            text += f" +{MODES.get(run.mode, plain(run.mode)) or 'chat'}"
        return text, style

    def _verdict(self, row: ModelRow) -> Part:
        fit = self._fit(row)
        tail = " emb" if row.embedding else ""
        if fit is None or fit.verdict in {"unknown", "loaded"}:
            return ("embeddings" if row.embedding else ""), "$faint"
        return fit.verdict + tail, VERDICT_STYLES[fit.verdict]

    def _name_cell(self, row: ModelRow) -> Part:
        sign = GLYPHS.cursor if row.key == self._chosen else " "
        style = "bold $value" if row.loaded else "$value" if row.model else "italic $label"
        return f"{sign} {called(row)}", style


def pull_words(pulls: Sequence[Pull]) -> str:
    """Say how far the downloads are, in a few words; empty if there are none."""
    going = [pull for pull in pulls if pull.going]
    if not going:
        return ""
    first = going[0]
    words = ["pulling", plain(first.name)]
    if first.share is not None:
        words.append(f"{100.0 * first.share:.0f} %")
    if first.left_s is not None:
        words.append(f"{format.clock(first.left_s)} left")
    if len(going) > 1:
        words.append(f"and {len(going) - 1} more")
    return " ".join(words)


def _parameters(row: ModelRow) -> Part:
    return format.parameters(row.parameters), "$value"


def _quantization(row: ModelRow) -> Part:
    return plain(row.quantization or format.UNKNOWN), "$label"


def _size(row: ModelRow) -> Part:
    return plain(format.told_size(row.size_text, row.size_bytes)), "$value"


def _context(row: ModelRow) -> Part:
    context = row.context
    trained = format.window(context.trained)
    if context.effective is not None:
        if context.effective == context.trained:
            return trained, "bold $value"
        return _share(format.window(context.effective), trained), "bold $value"
    asked = context.configured or context.packaged
    if asked is None or asked == context.trained:
        return trained, "$label"
    return _share(format.window(asked), trained), "$label"


def _share(window: str, trained: str) -> str:
    words = f"{window} of {trained}"
    return words if len(words) <= CONTEXT_CELLS else f"{window}/{trained}"


def _window(row: ModelRow) -> int | None:
    context = row.context
    return context.effective or context.configured or context.packaged or context.trained


def _state_order(row: ModelRow) -> int | None:
    return min((STATE_ORDER[run.state] for run in row.runs), default=None)
