"""Panes for small terminals: a switch between two sides, and below that one honest sentence."""

from collections.abc import Sequence

from textual import events

from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.shell.run_state import state_words
from dmr_tui.ui.widgets.lines import Line, fit

SIDES = ((" Monitor ", "focus_models"), (" Chat ", "focus_chat"))


class SwitchBar(Pane):
    """Two tabs where monitor and chat do not fit beside each other."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._chat = False

    def show_side(self, *, chat: bool) -> None:
        """Mark the side that is shown."""
        self._chat = chat
        self.update_lines()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the two tabs, and the keys that switch."""
        styles = ["bold reverse $accent", "$label"]
        if self._chat:
            styles.reverse()
        hint = "esc: monitor" if self._chat else "c: chat"
        tabs = tuple((text, style) for (text, _), style in zip(SIDES, styles, strict=True))
        return [(*tabs, (f"  {hint}", "$faint"))]

    async def on_click(self, event: events.Click) -> None:
        """Show the side whose tab was clicked."""
        action = SIDES[0][1] if event.x < len(SIDES[0][0]) else SIDES[1][1]
        await self.run_action(f"screen.{action}")


class TooSmall(Pane):
    """Below 56 columns or 18 rows: what is loaded, and how much room the dashboard needs."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return as much as fits."""
        lines: list[Line] = []
        for row in self.snapshot.models:
            for run in row.runs:
                words, style = state_words(run)
                name = plain(row.name)
                lines.append(((fit(name, width - len(words) - 1), "$value"), (f" {words}", style)))
        if not lines and self.snapshot.runner.up:
            lines.append((("no model is loaded", "$label"),))
        size = self.app.size
        need = f"needs 56×18 cells, has {size.width}×{size.height}"
        return [*lines[: max(1, height - 1)], ((need, "$warning"),)]
