"""One line of the log, whole."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.timeline.log_text import date_time
from dmr_tui.ui.widgets.lines import Line, Lines, wrapped

LONGEST = 20_000
"""Characters that are shown."""


class LineDialog(ModalScreen[None]):
    """Time, source and model, and the text wrapped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,space,enter", "dismiss", "Close", key_display="esc"),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    def __init__(self, line: LogLine, model: str) -> None:
        """`model` is the name of the model that the line is about, or empty."""
        super().__init__()
        self._line = line
        self._model = model

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="log-line"):
            yield LinePage(self._line, self._model)

    def on_mount(self) -> None:
        box = self.query_one("#log-line")
        box.border_title = Content(f"Log line {date_time(self._line.at)}")
        box.border_subtitle = Content("esc closes")
        box.focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#log-line").scroll_relative(y=lines, animate=False)


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
        """What it is about, then all of it."""
        return [self._facts, (), *wrapped(self._text, width, 0)]
