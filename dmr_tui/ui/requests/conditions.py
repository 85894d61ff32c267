"""The filter of requests, in words."""

from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import RequestFilter
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, spread

Condition = Literal["model", "caller", "outcome"]
NAMES: dict[Condition, str] = {"model": "model", "caller": "caller", "outcome": "status"}
HINT = "esc shows all"


def toggled(
    asked: RequestFilter, which: Condition, row: Request | None, caller: str
) -> RequestFilter:
    """`asked` with that condition taken from `row`, or without it if it has one already."""
    held = getattr(asked, which) is not None
    if row is None and not held:
        return asked
    match which:
        case "model":
            return replace(asked, model=None if held or row is None else short(row.model))
        case "caller":
            return replace(asked, caller=None if held else caller)
        case "outcome":
            return replace(asked, outcome=None if held or row is None else row.outcome)


class ConditionsPane(Pane):
    """One line while a filter is set, else none."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._asked = RequestFilter()

    def on_mount(self) -> None:
        super().on_mount()
        self.display = False

    def show(self, asked: RequestFilter) -> None:
        """Say what the filter is."""
        self._asked = asked
        self.display = asked != RequestFilter()
        self.update_lines()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the conditions at the left, the way out at the right."""
        parts: list[Part] = []
        for which, name in NAMES.items():
            value = getattr(self._asked, which)
            if value is not None:
                parts += [*_dot(parts), (f"{name} ", "$label"), (plain(value), "bold $accent")]
        if self._asked.words:
            words = plain(self._asked.words)
            parts += [*_dot(parts), ("words ", "$label"), (words, "bold $accent")]
        return [spread(parts, [(f"  {HINT}", "$label")], width - 1)]


def _dot(parts: list[Part]) -> list[Part]:
    return [(f" {GLYPHS.dot} ", "$faint")] if parts else []
