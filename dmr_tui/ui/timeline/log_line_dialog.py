"""The whole of one log line."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.page_dialog import PageDialog
from dmr_tui.ui.timeline.log_text import date_time
from dmr_tui.ui.widgets.lines import Line, Lines, wrapped

LONGEST = 20_000
"""Characters that are shown."""


class LineDialog(PageDialog):
    """Time, source and model, and the text wrapped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,space,enter", "dismiss", "Close", key_display="esc")
    ]

    def __init__(self, line: LogLine, model: str) -> None:
        """`model` is the name of the model that the line is about, or empty."""
        title = f"Log line {date_time(line.at)}"
        super().__init__(LinePage(line, model), id="log-line", title=title)


class LinePage(Lines):
    """As high as the text needs."""

    DEFAULT_CSS = "LinePage { height: auto; }"

    def __init__(self, line: LogLine, model: str) -> None:
        super().__init__()
        facts = " ".join(filter(None, (line.level, f"from {line.source}", model)))
        text = line.text
        cut = "" if len(text) <= LONGEST else f" … ({len(text):,} characters)"
        self._facts: Line = ((plain(facts), "$label"),)
        self._text: Line = ((plain(text[:LONGEST]) + cut, "$value"),)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return source and model, then all of the text."""
        return [self._facts, (), *wrapped(self._text, width, 0)]
