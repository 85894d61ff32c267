"""The three ways to see finished requests, as titles in a border that can be clicked."""

from collections.abc import Mapping
from typing import Literal

from textual.content import Content

from dmr_tui.ui.widgets.glyphs import GLYPHS

Mode = Literal["list", "caller", "model"]
MODES: tuple[Mode, ...] = ("list", "caller", "model")
FIRST_CELL = 2
"""Cell at which a title begins in its border."""


class ModeTitles:
    """The titles in the border, and their cells."""

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
