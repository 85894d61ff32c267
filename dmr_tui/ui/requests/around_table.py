"""What stands around the tables of finished requests: their titles, and the filter in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec.structs import replace
from textual.content import Content

from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import RequestFilter
from dmr_tui.state.requests import FinishedRequests
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, spread

Mode = Literal["list", "caller", "model"]
MODES: tuple[Mode, ...] = ("list", "caller", "model")
FIRST_CELL = 2
"""Cell at which a title begins in its border."""
Condition = Literal["model", "caller", "outcome"]
NAMES: dict[Condition, str] = {"model": "model", "caller": "caller", "outcome": "status"}
HINT = "esc shows all"


class ModeTitles:
    """The tables as titles in a border that can be clicked."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int, Mode]] = []

    def content(self, names: Mapping[Mode, str], shown: Mode, state: tuple[str, str]) -> Content:
        """Return the names with the shown one marked, then what else there is to say."""
        parts: list[tuple[str, str]] = []
        self._spans = []
        x = FIRST_CELL
        gap = f" {GLYPHS.dot} "
        for mode, name in names.items():
            if parts:
                parts.append((gap, "$faint"))
                x += len(gap)
            parts.append((name, "bold $accent" if mode == shown else "$label"))
            self._spans.append((x, x + len(name), mode))
            x += len(name)
        if state[0]:
            parts.append((f"  {state[0]}", state[1]))
        return Content.assemble(*parts)

    def at(self, x: int) -> Mode | None:
        """Find the title in that cell of the border."""
        return next((mode for start, end, mode in self._spans if start <= x < end), None)


def count_words(finished: FinishedRequests | None, everything: int | None) -> str:
    """Return how many requests match, and of how many; `everything` counts those, if known."""
    if finished is None:
        return ""
    newest = len(finished.rows)
    matching = newest if finished.matching is None else finished.matching
    if finished.view.requests == RequestFilter():
        return f"{matching:,}" if newest == matching else f"{matching:,}, the newest {newest:,}"
    if everything is None:
        return f"{matching:,}"
    return f"{matching:,} of {max(everything, matching):,}"


def toggled(
    asked: RequestFilter, which: Condition, row: Request | None, caller: str
) -> RequestFilter:
    """`asked` with that condition taken from `row`, or without it if it has one already."""
    values: dict[str, Any] = {which: None}
    if getattr(asked, which) is None:
        if row is None:
            return asked
        values = {"model": short(row.model), "caller": caller, "outcome": row.outcome}
    return replace(asked, **{which: values[which]})


class ConditionsPane(Pane):
    """One line while a filter is set, else none."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._asked = RequestFilter()

    def on_mount(self) -> None:
        self.display = False

    def show(self, asked: RequestFilter) -> None:
        """Say what the filter is."""
        self._asked = asked
        self.display = asked != RequestFilter()
        self.update_lines()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the conditions at the left, the way out at the right."""
        said = {name: getattr(self._asked, which) for which, name in NAMES.items()}
        parts: list[Part] = []
        for name, value in (said | {"words": self._asked.words or None}).items():
            if value is not None:
                if parts:
                    parts.append((f" {GLYPHS.dot} ", "$faint"))
                parts += [(f"{name} ", "$label"), (plain(value), "bold $accent")]
        return [spread(parts, [(f"  {HINT}", "$label")], width - 1)]
