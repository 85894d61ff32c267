"""Installed and loaded models in one table."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

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
        loaded = sum(1 for row in self.snapshot.models if row.runs)
        title = f"Models {self.count}" + (f" {GLYPHS.dot} {loaded} loaded" if loaded else "")
        source = self.snapshot.source("models")
        if source.health == "stale":
            return title, f"stale: {plain(source.reason)}"
        return title, pull_words(self.snapshot.pulls) or self.order

    def _held(self, row: ModelRow) -> int | None:
        """Return the bytes that the model holds, if it is loaded and they are known."""
        memory = self.snapshot.memory
        usage = memory.usage(row.key) if memory is not None and row.runs else None
        return None if usage is None else usage.vram.value or usage.ram.value

    def _memory(self, row: ModelRow) -> Part:
        """Return the memory that the model holds, else what it would need."""
        units = preferences_of(self.app).units
        if held := self._held(row):
            return units.memory_short(held), "bold $value"
        return needs_short(self.fit(row), units)

    def _memory_bytes(self, row: ModelRow) -> int | None:
        fit = self.fit(row)
        return self._held(row) or (None if fit is None else fit.need.at_least)

    def _state(self, row: ModelRow) -> Part:
        if not row.runs:
            return self._verdict(row)
        runs = sorted(row.runs, key=lambda run: STATE_ORDER[run.state])
        text, style = state_words(runs[0])
        for run in runs[1:]:
            text += f" +{MODES.get(run.mode, plain(run.mode)) or 'chat'}"
        return text, style

    def _verdict(self, row: ModelRow) -> Part:
        fit = self.fit(row)
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
    style = "$label" if context.effective is None else "bold $value"
    tokens, trained = _window(row), format.window(context.trained)
    if tokens == context.trained:
        return trained, style
    words = f"{format.window(tokens)} of {trained}"
    short = f"{format.window(tokens)}/{trained}"
    return words if len(words) <= CONTEXT_CELLS else short, style


def _window(row: ModelRow) -> int | None:
    context = row.context
    return context.effective or context.configured or context.packaged or context.trained


def _state_order(row: ModelRow) -> int | None:
    return min((STATE_ORDER[run.state] for run in row.runs), default=None)
